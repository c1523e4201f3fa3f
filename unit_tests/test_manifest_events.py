"""The events that the manifest's streams follow are Stripe's, carry their objects, and none is forgotten."""

import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tools.stripe_types import Array, ListOf, Resource, Scalar, Type
from tools.type_supplements import object_type
from unit_tests.test_manifest import (
    ENDPOINTS,
    EVENT_OBJECTS,
    NOT_FOLLOWED,
    STREAMS,
    anonymous,
    is_v2,
    kinds,
    names,
    objects,
    parents,
)


def v2_event_types() -> set[str]:
    """The thin events that the stripe package has a class for."""
    spec = importlib.util.find_spec("stripe")
    assert spec is not None
    assert spec.origin is not None
    classes = Path(spec.origin).parent / "events" / "_event_classes.py"
    return set(re.findall(r'"(v[12]\.[^"]+)": \(', classes.read_text("utf-8")))


def v1_event_types() -> set[str]:
    kind: Any = object_type("event").field("type").type
    return set(kind.values)


def test_stripe_has_so_many_event_types() -> None:
    assert (len(v1_event_types()), len(v2_event_types())) == (275, 326)
    assert set(EVENT_OBJECTS) == v1_event_types()


OLDER = {"customer.bank_account.*": {"bank_account"}, "customer.card.*": {"card"}}
"""Groups of event types that only accounts of older versions have, and what they carry."""


def event_types(named: Iterable[str]) -> set[str]:
    """The types that there are now of those named, some of them in groups."""
    known = v1_event_types() | v2_event_types()
    groups = tuple(name[:-1] for name in named if name.endswith("*"))
    return {*named} & known | {event for event in known if event.startswith(groups)}


@pytest.mark.parametrize("name", names(lambda row: row.get("events")))
def test_a_streams_events_exist(name: str) -> None:
    row = STREAMS[name]
    exact = {event for event in row["events"] if not event.endswith("*")}
    assert exact <= (v2_event_types() if is_v2(row) else v1_event_types())
    assert all(event_types([group]) for group in set(row["events"]) - exact - OLDER.keys())
    assert len(row["events"]) == len(set(row["events"]))
    assert set(row.get("deletes", ())) <= set(row["events"])


@pytest.mark.parametrize("name", names(lambda row: row.get("events") and not is_v2(row)))
def test_a_streams_events_carry_its_object_and_none_is_forgotten(name: str) -> None:
    row = STREAMS[name]
    wanted = set(row.get("event_object", row["object"]))
    events = {event for event, held in EVENT_OBJECTS.items() if wanted & set(held)}
    # Of groups that name their objects by how ids begin, some carry what has another name.
    assert event_types(set(row["events"]) - set(row.get("other_ids", ()))) <= events
    left_out = events - event_types(row["events"])
    assert {event for event in left_out if not event.startswith(NOT_FOLLOWED)} == set()
    assert all(OLDER[group] <= wanted for group in OLDER.keys() & set(row["events"]))


@pytest.mark.parametrize("name", names(lambda row: row.get("other_ids")))
def test_ids_of_other_streams_are_told_by_events_that_the_stream_follows(name: str) -> None:
    row = STREAMS[name]
    followed = {*row["events"], *(event for events in row.get("touched_by", {}).values() for event in events)}

    assert set(row["other_ids"]) <= followed
    assert all(prefixes for prefixes in row["other_ids"].values())


@pytest.mark.parametrize("name", names(lambda row: row.get("hides") or row.get("deletes")))
def test_what_hides_or_deletes_an_object_is_one_of_its_events(name: str) -> None:
    row = STREAMS[name]

    assert {*row.get("hides", ()), *row.get("deletes", ())} <= {*row["events"]}


OLDER_PATHS = {
    ("coupons", "coupon"): ("discount", "promotion_code"),
    ("invoice_items", "lines.data.invoice_item"): ("invoice",),
}
"""By stream and path: where objects named the row at older versions, and name it elsewhere now."""


def type_at(kind: str, path: str) -> Type | None:
    """The type of what stands at a dotted path of an object; None if nothing does."""
    found: Type = object_type(kind)
    for name in (name for name in path.split(".") if name != "data"):
        inside = found.items if isinstance(found, ListOf | Array) else found
        whole = object_type(inside.name) if isinstance(inside, Resource) else inside
        fields = {field.name: field.type for field in getattr(whole, "fields", ())}
        if name not in fields:
            return None
        found = fields[name]
    return found


@pytest.mark.parametrize("name", names(lambda row: row.get("touched_by")))
def test_what_touches_a_row_names_it(name: str) -> None:
    named_now = set()
    for path, types in STREAMS[name]["touched_by"].items():
        carried = [(event, kind) for event in event_types(types) for kind in EVENT_OBJECTS[event]]
        # An account as a payment source is a relic of the types.
        for event, kind in (each for each in carried if each[1] != "account"):
            named = type_at(kind, path)
            if named is None:
                assert kind in OLDER_PATHS[name, path]
                continue
            assert named == Scalar("string") or list(kinds(named)) == [*STREAMS[name]["object"]]
            named_now.add(event)
    assert named_now == event_types([event for types in STREAMS[name]["touched_by"].values() for event in types])


@pytest.mark.parametrize("name", names(lambda row: row.get("touched_by") and row.get("parent")))
def test_what_touches_a_child_names_its_parent(name: str) -> None:
    for types in STREAMS[name]["touched_by"].values():
        for kind in {kind for event in event_types(types) for kind in EVENT_OBJECTS[event]}:
            assert type_at(kind, STREAMS[name]["parent"]["as"]) is not None


@pytest.mark.parametrize("name", names(lambda row: row.get("events") and is_v2(row)))
def test_a_v2_streams_events_are_all_of_its_object(name: str) -> None:
    row = STREAMS[name]
    stem = row["object"][0].replace("catalog_import", "catalog.imports")
    assert set(row["events"]) == {event for event in v2_event_types() if event.startswith((f"{stem}.", f"{stem}["))}


NOT_GOT = {"discounts", "source_transactions"}
"""Stripe has no address for one of them: the rows of their parents are read again."""


@pytest.mark.parametrize("name", names(lambda row: row.get("events")))
def test_what_an_event_names_can_be_got_or_its_parents_rows_can(name: str) -> None:
    row = STREAMS[name]
    if "event_object" in row or name in NOT_GOT:
        assert parents(row)
    elif row["path"] != "/v1/events":
        endpoint = ENDPOINTS[anonymous(row.get("get") or f"{row['path']}/{{id}}")]
        assert objects(row) <= set(endpoint["objects"])
        assert endpoint["pages"] is None
