"""Subjects: which object an event is about, whatever version it was written at."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.objects.events import Unreadable
from source_stripe.objects.ledger import Change
from unit_tests.test_events import Event, by_id, event, facts, fold


def test_a_line_that_had_another_id_is_known_by_the_one_that_it_has_now() -> None:
    """Before 2019-12-03: ids of lines were those of their items, or of the subscription, and theirs stood beside."""
    lines = [{"id": "sub_1", "unique_id": f"il_{number}", "object": "line_item"} for number in (1, 2)]
    updated = event("co_1", "updated", 101)
    updated["data"]["previous_attributes"] = {"lines": {"data": [*lines, {"amount": 1}, None]}}

    (change,) = fold([updated], lists=("lines",)).changes

    assert {of: row["id"] for of, row in change.listed["lines"].items()} == {"il_1": "il_1", "il_2": "il_2"}


def test_what_was_detached_names_what_it_was_attached_to() -> None:
    detached = event("co_1", "detached", 101, customer=None)
    detached["data"]["previous_attributes"] = {"customer": "cus_1"}

    assert fold([detached], keep=("customer",)).changes[0].shown == {"customer": "cus_1"}
    folded = fold([{**detached, "type": "payment_method.detached"}], touches={"payment_method.*": ("customer",)})
    assert facts(folded) == {"cus_1": (101, False)}


def test_ids_that_belong_to_other_streams_are_left_to_them() -> None:
    """Legacy cards can be changed as payment methods, and so can sources."""
    events = [
        {**event(of, "updated", 101, kind="payment_method", customer="co_9"), "type": "payment_method.updated"}
        for of in ("pm_1", "src_1", "card_1")
    ]
    rules: dict[str, Any] = {
        "other_ids": {"payment_method.*": ("pm_", "card_")},
        "taken": {"payment_method.*": frozenset({"payment_method"})},
    }

    assert list(by_id(fold(events, **rules))) == ["src_1"]
    touched = fold(events[:1], **rules, touches={"payment_method.*": ("customer",)})
    assert touched.changes == []


PERSONS: dict[str, Any] = {"kinds": frozenset({"v2.core.account_person"}), "v2": True}


def v2_event(what: str, time: str, kind: str = "v2.core.account_person", **fields: Any) -> Event:
    related = {"id": "person_1", "type": kind, "url": "/v2/core/accounts/acct_1/persons/person_1"}
    return {"id": "evt_1", "type": f"{kind}.{what}", "created": time, "related_object": related, **fields}


def test_v2_events_are_thin() -> None:
    folded = fold([v2_event("updated", "2025-11-22T08:26:40.123Z")], **PERSONS)

    shown = {"id": "person_1", "object": "v2.core.account_person"}
    assert folded.changes == [Change("person_1", 1_763_800_000, None, deleted=False, shown=shown)]


def test_v2_events_name_the_parent_beside_the_object() -> None:
    """`data.account_id` (stripe-python, events/_v2_core_account_person_updated_event.py)."""
    events = [v2_event("deleted", "2025-11-22T08:26:40.000Z", data={"account_id": "acct_1"})]

    (change,) = fold(
        events,
        **PERSONS,
        deletions=frozenset({"v2.core.account_person.deleted"}),
        keep=("account",),
    ).changes

    assert change.deleted
    assert change.shown["account"] == "acct_1"


def test_a_v2_event_without_its_object_may_name_it_in_its_data() -> None:
    event = v2_event("closed", "2025-11-22T08:26:40Z", data={"account_id": "acct_1"})
    del event["related_object"]

    (change,) = fold([event], **{**PERSONS, "kinds": frozenset({"v2.core.account"})}).changes

    assert (change.id, change.time) == ("acct_1", 1_763_800_000)


@pytest.mark.parametrize(
    "fields",
    [
        {"related_object": None},
        {"related_object": None, "data": {"account_id": "acct_1"}},
        {"related_object": {"id": None, "type": "v2.core.account_person"}},
        {"related_object": {"id": "acct_1", "type": "v2.core.account"}},
    ],
)
def test_a_v2_event_that_names_no_object_of_the_stream_is_noted(fields: dict[str, Any]) -> None:
    unclear = {**v2_event("updated", "2025-11-22T08:26:40.123Z"), **fields}

    folded = fold([unclear], **PERSONS, strangers=frozenset({"v2.core.account"}))

    assert folded.changes == []
    assert folded.unreadable == Unreadable(1_763_800_000, "v2.core.account_person.updated, evt_1")


def test_a_v2_event_is_left_to_the_stream_whose_object_it_names() -> None:
    kind = "v2.core.account_person"
    taken = {f"{kind}.updated": frozenset({"v2.core.account"})}
    related = {"id": "acct_1", "type": "v2.core.account"}
    other = {**v2_event("updated", "2025-11-22T08:26:40Z"), "related_object": related}

    folded = fold([other], **PERSONS, taken=taken)

    assert folded.changes == []
    assert folded.unreadable is None


def test_an_object_that_v2_calls_something_new_is_known_by_its_id() -> None:
    renamed = v2_event("updated", "2025-11-22T08:26:40Z", related_object={"id": "person_1", "type": "v2.core.person"})

    assert list(by_id(fold([renamed], **PERSONS))) == ["person_1"]


@pytest.mark.parametrize("data", [None, {}, {"object": None}, {"object": {"object": "coupon", "name": "no id"}}])
def test_an_event_that_names_nothing_is_noted_by_its_time(data: Any) -> None:
    unclear = [
        {"id": f"evt_{time}", "type": "coupon.updated", "created": time, "data": data} for time in (101, 103, 102)
    ]

    folded = fold([*unclear, event("co_1", "updated", 104)])

    assert facts(folded) == {"co_1": (104, False)}
    assert folded.unreadable == Unreadable(103, "coupon.updated, evt_103")
