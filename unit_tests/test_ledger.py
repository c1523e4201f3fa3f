"""The ledger: little memory for each change, and the same changes as were taken down."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import Range
from source_stripe.objects.events import Fold, plan
from source_stripe.objects.ledger import ById, Change, Changes, Ledger
from source_stripe.objects.subjects import Subjects
from unit_tests.changed import by_id, ledger_of

COUNT = 5_000
SINCE = 1_763_000_000
KEPT = ("active",)


def updated(number: int) -> dict[str, Any]:
    return an_event(number, "price.updated", SINCE + number // 4)


def created(number: int) -> dict[str, Any]:
    return an_event(number, "price.created", SINCE + number // 4, created=SINCE + number // 4)


def deleted(number: int) -> dict[str, Any]:
    return an_event(number, "price.deleted", SINCE + number // 4)


def relisted(number: int) -> dict[str, Any]:
    before = {"tiers": {"data": [{"id": f"tier_{number}", "object": "tier", "unit_amount": number}]}}
    return an_event(number, "price.updated", SINCE + number // 4, before)


def an_event(number: int, name: str, time: int, before: Any = None, created: int | None = None) -> dict[str, Any]:
    chance = random.Random(number)
    shown = {
        "id": f"price_{number:024}",
        "object": "price",
        "created": created or SINCE - chance.randrange(10**8),
        "active": True,
        "metadata": {f"key_{n}": f"{chance.getrandbits(128):032x}" for n in range(9)},
        "nickname": f"{chance.getrandbits(256):064x}",
    }
    return {"type": name, "created": time, "data": {"object": shown, "previous_attributes": before}}


@pytest.mark.parametrize(
    ("told", "keep", "most"),
    [(updated, (), 210), (updated, KEPT, 290), (created, (), 210), (relisted, (), 360), (deleted, (), 700)],
    ids=["updated", "kept", "created", "relisted", "deleted"],
)
def test_a_change_takes_little_memory(told: Callable[[int], dict[str, Any]], keep: tuple[str, ...], most: int) -> None:
    """Planned, and known by its id; of a deletion all is kept that its event shows, here about a kilobyte."""
    fold = Fold(Subjects(frozenset({"price"}), keep), lists=("tiers",))
    wire = [orjson.dumps(told(number)) for number in range(COUNT)]
    tracemalloc.start()
    for event in wire:
        fold.add(orjson.loads(event))
    planned = plan(fold.changes, since=SINCE, start=0)
    known = ById(fold.changes), ById(planned.born)
    each = tracemalloc.get_traced_memory()[0] / COUNT
    tracemalloc.stop()

    assert len(planned.gone) + len(planned.there) == len(known[0]) == COUNT
    assert each < most


many = st.lists(
    st.builds(
        Change,
        id=st.integers(0, 50).map(str),
        time=st.integers(0, 100),
        created=st.none() | st.integers(0, 30),
        deleted=st.booleans(),
        shown=st.sampled_from([{}, {"customer": None}, {f"key_{n}": "ü" * n for n in range(30)}]),
        listed=st.sampled_from([{}, {"lines": {"il_1": {"id": "il_1"}}, "items": {}}]),
        hidden=st.booleans(),
    ),
    unique_by=lambda change: change.id,
    max_size=12,
)


@given(many)
def test_changes_come_out_as_they_were_taken_down(changes: list[Change]) -> None:
    kept = ledger_of(changes)

    assert kept == changes
    assert [kept[at] for at in range(-len(kept), len(kept))] == [*changes, *changes]
    assert kept[1:3] == changes[1:3]
    assert (len(kept[1:3]), kept == changes[1:]) == (len(changes[1:3]), not changes)
    assert ById(kept) == {change.id: change for change in changes}
    assert kept.since(50) == [change for change in changes if change.time >= 50]
    assert kept.grouped(lambda change: change.hidden) == {
        hidden: [change for change in changes if change.hidden is hidden]
        for hidden in dict.fromkeys(change.hidden for change in changes)
    }


@given(many, st.sets(st.integers(0, 50).map(str)), st.integers(0, 31), st.integers(0, 31))
def test_what_did_not_come_is_missing(changes: list[Change], came: set[str], start: int, end: int) -> None:
    missing = ById(ledger_of(changes)).missing()
    for each in came:
        missing.came(each)
        missing.came(each)

    left = [change for change in changes if change.id not in came]
    assert len(missing) == len(left)
    in_range = [change for change in left if change.created is not None and start <= change.created < end]
    found = [*missing.created_in(Range(start, end))]
    assert sorted(found, key=lambda change: change.id) == sorted(in_range, key=lambda change: change.id)
    onward = [change for change in left if change.created is not None and start <= change.created]
    assert len([*missing.created_in(Range(start, end, onward=True))]) == len(onward)
    times = [change.created or 0 for change in found]
    assert times == sorted(times, reverse=True)


def test_by_id_has_only_its_own() -> None:
    changes = ledger_of(Change(of, time, 5, deleted=False, shown={}) for of, time in (("a", 1), ("b", 9)))
    late = ById(changes.since(9))

    assert ("a" in late, "b" in late, "c" in late) == (False, True, False)
    assert (late.get("a"), late.get("c"), [*late]) == (None, None, ["b"])
    assert [change.id for change in late.missing().created_in(Range(0, 9))] == ["b"]


def test_each_reader_has_its_own_note_of_what_is_missing() -> None:
    born = by_id(Change("a", 1, 5, deleted=False, shown={}))
    first, second = born.missing(), born.missing()
    first.came("a")

    assert (len(first), len(second), len(ById.none().missing())) == (0, 1, 0)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]])
def test_the_last_of_creations_and_deletions_counts_in_any_order(order: list[int]) -> None:
    """Made, deleted, made again, deleted again: and what the last event shows."""
    ledger = Ledger()
    for number in order:
        gone = number % 2 == 1
        ledger.take(Change("SALE", 10 + number, 10, gone, {"life": number}), creation=not gone)

    (change,) = Changes.all_of(ledger)

    assert change == Change("SALE", 13, 10, deleted=True, shown={"life": 3})
