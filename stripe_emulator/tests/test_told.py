"""The emulator writes the events that facts/told.json has, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stripe_emulator import StripeEmulator, events, facts
from stripe_emulator.facts import Told
from stripe_emulator.retired import object_type
from stripe_emulator.variants import inside, others
from tools.stripe_types import Type

TOLD = facts.told()
WHOSE: Mapping[str, dict[str, Any]] = {
    "": {"customer": "cus_1"},
    " of nobody": {"customer": None},
    " of an account": {"account": "acct_1"},
}
"""By the end of a row's name, what its objects have; where kinds have such rows."""


def kind_of(row: str) -> str:
    return row.partition(" of ")[0]


def types_of(row: Told) -> set[str]:
    """The types that a row names, sure or not."""
    rules = [row.made, *row.changed.values(), row.gone, *row.besides]
    names = [name for rule in rules for name in (rule.values() if isinstance(rule, Mapping) else [rule])]
    return {name.removeprefix(events.MAYBE) for name in names if name} - {events.PARENT}


def test_every_kind_that_is_listed_has_a_row() -> None:
    listed = {kind for endpoint in facts.endpoints() if endpoint.pages for kind in endpoint.objects}
    assert listed - TOLD.keys() == set()


@pytest.mark.parametrize("kind", sorted({kind_of(row) for row in TOLD}))
def test_each_type_that_carries_a_kind_is_in_its_row(kind: str) -> None:
    rows = [told for name, told in TOLD.items() if kind_of(name) == kind]
    assert {name for row in rows for name in types_of(row)} == set(facts.event_types(kind))


@pytest.mark.parametrize("name", sorted(TOLD))
def test_the_fields_of_a_row_are_those_of_its_kind(name: str) -> None:
    for path in TOLD[name].changed:
        fields = {field.name: field for field in object_type(kind_of(name)).fields}
        for part in path.split(".") if path != facts.OTHER else ():
            assert part in fields, path
            inner = inside(fields[part].type)
            fields = {field.name: field for field in inner.fields} if inner is not None else {}


def made(emulator: StripeEmulator, name: str) -> str:
    """The key of a new object of a row, in the list of a parent where its kind has one. No event tells of it."""
    kind, whose = kind_of(name), WHOSE[name.removeprefix(kind_of(name))]
    account = emulator.connect().account["id"]
    if kind == "account":
        return str(account)
    fields = {field.name for field in object_type(kind).fields}
    given = {field: value for field, value in whose.items() if field in fields}
    if kind in ("capability", "person") or "account" in given:
        given["account"] = account
    parents = {row.by or "of": row.parent for row in facts.embeddings(kind) if row.shown and row.parent in TOLD}
    held = {by: key_of_new(emulator, parent) for by, parent in parents.items() if not given}
    return key_of_new(emulator, kind, **given, **held)


def key_of_new(emulator: StripeEmulator, kind: str, **given: Any) -> str:
    emulator.create(kind, event=False, **given)
    return max(emulator.store.shelf(kind).down(None, None, None), key=lambda resource: resource.number).key


def held(emulator: StripeEmulator, key: str) -> dict[str, Any]:
    resource = emulator.store.get(key)
    assert resource is not None
    return resource.fields


def written(emulator: StripeEmulator) -> list[str]:
    accounts = [emulator, *emulator.connected.values()]
    shelves = [one.store.shelf(kind) for one in accounts for kind in events.KINDS]
    names = [event.fields["type"] for shelf in shelves for event in shelf.up((-1, -1), None, None)]
    return [name for name in names if name != "charge.refund.updated"]


def plain_fields(kind: str) -> list[tuple[str, Type]]:
    lists = {row.field.partition(".")[0] for row in facts.embedded(kind)}
    own = {"id", "object", "created", "account", "customer", *lists}
    parents = {row.by for row in facts.embeddings(kind)}
    return [(field.name, field.type) for field in object_type(kind).fields if field.name not in own | parents]


def outcomes(name: str, field: str, old: Any, new: Any, *, more: bool) -> set[str]:
    """What a row lets come of a field's new value; "" is nothing. Of a hash it may say more than one thing."""
    changed = TOLD[name].changed
    paths = [path for path in changed if path.partition(".")[0] == field]
    rules = [changed[path] for path in paths if path == field] or [changed[path] for path in (*paths, facts.OTHER)]
    found = {case_of(rule, old, new, changed[facts.OTHER]) or "" for rule in rules}
    sure = {told.removeprefix(events.MAYBE) if more or not told.startswith(events.MAYBE) else "" for told in found}
    parents = {row.parent for row in facts.embeddings(kind_of(name)) if events.PARENT in sure}
    return sure.union(*(types_of(TOLD[parent]) for parent in parents))


def case_of(rule: facts.Rule, old: Any, new: Any, other: facts.Rule) -> str | None:
    if isinstance(rule, Mapping):
        rises = isinstance(old, int) and isinstance(new, int) and new > old
        cases = [f"{old}>{new}", *(["unset"] if old and not new else []), *(["more"] if rises else []), str(new), "*"]
        rule = next((rule[case] for case in cases if case in rule), other)
    assert not isinstance(rule, Mapping)
    return rule


@pytest.mark.parametrize("more", [False, True], ids=["told less", "told more"])
@pytest.mark.parametrize("name", sorted(TOLD.keys() - {*events.KINDS}))
def test_each_field_of_each_kind_writes_what_its_row_says(name: str, more: bool) -> None:
    emulator = StripeEmulator()
    emulator.guess = lambda: more
    key = made(emulator, name)
    for field, kind in plain_fields(kind_of(name)):
        for new in others(kind, old := held(emulator, key)[field]):
            before = len(written(emulator))
            emulator.update(key, **{field: new})
            told = written(emulator)[before:]
            allowed = outcomes(name, field, old, new, more=more)
            assert set(told) <= allowed, (field, old, new)
            assert told or "" in allowed, (field, old, new)
            old = held(emulator, key)[field]


@pytest.mark.parametrize("name", sorted(TOLD))
def test_the_end_of_each_kind_writes_what_its_row_says(name: str) -> None:
    emulator = StripeEmulator()
    emulator.delete(made(emulator, name))
    gone, told = TOLD[name].gone, written(emulator)
    if gone == events.PARENT:
        assert told
    elif name == "subscription":
        assert told == ["customer.subscription.deleted"]  # it is canceled
    else:
        assert told == ([gone] if gone else [])
