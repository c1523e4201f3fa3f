"""Events: one change per object whatever the order in which they are read, and a plan that misses none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.objects.events import Fold, is_gap, plan, type_groups
from source_stripe.objects.ledger import Change
from source_stripe.objects.subjects import Subjects
from unit_tests.changed import ledger_of

DAY = 86_400
Event = dict[str, Any]


def event(of: str, what: str, time: int, *, created: int | None = 50, kind: str = "coupon", **shown: Any) -> Event:
    fields = {"id": of, "object": kind, "created": created, **shown}
    return {"id": f"evt_{time}", "type": f"{kind}.{what}", "created": time, "data": {"object": fields}}


def fold(events: Iterable[Event], **fields: Any) -> Fold:
    names = ("kinds", "keep", "time_fields", "taken", "other_ids", "v2", "strangers")
    about = {name: fields.pop(name) for name in names if name in fields}
    folded = Fold(Subjects(**{"kinds": frozenset({"coupon"}), **about}), **fields)
    for each in events:
        folded.add(each)
    return folded


def by_id(folded: Fold) -> dict[str, Change]:
    changes = {change.id: change for change in folded.changes}
    assert len(changes) == len(folded.changes)
    return changes


def facts(folded: Fold) -> dict[str, tuple[int, bool]]:
    return {change.id: (change.time, change.deleted) for change in folded.changes}


def expected(events: list[Event]) -> dict[str, tuple[int, bool]]:
    """By the rule's words: the newest event's time; gone if a deletion is newer than any creation."""
    outcome = {}
    for of in {each["data"]["object"]["id"] for each in events}:
        mine = [each for each in events if each["data"]["object"]["id"] == of]
        deleted = max((each["created"] for each in mine if each["type"] == "coupon.deleted"), default=-1)
        made = max((each["created"] for each in mine if each["type"] == "coupon.created"), default=-1)
        outcome[of] = (max(each["created"] for each in mine), deleted > made)
    return outcome


histories = st.lists(
    st.builds(
        lambda of, what, time: event(f"co_{of}", what, time, created=time if what == "created" else 50),
        st.integers(0, 4),
        st.sampled_from(["created", "updated", "updated", "deleted"]),
        st.integers(100, 112),
    ),
    max_size=40,
)


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(events: list[Event], chance: random.Random) -> None:
    chance.shuffle(events)

    assert facts(fold(events)) == expected(events)


@given(histories, st.sets(st.integers(100, 112)), st.randoms(use_true_random=False))
def test_ranges_fold_to_the_same_in_any_order(events: list[Event], cuts: set[int], chance: random.Random) -> None:
    events.sort(key=lambda each: each["created"], reverse=True)
    bounds = sorted({0, *cuts, 1_000})
    ranges = [[each for each in events if start <= each["created"] < end] for start, end in pairwise(bounds)]
    chance.shuffle(ranges)

    assert by_id(fold(each for part in ranges for each in part)) == by_id(fold(events))


@given(histories)
def test_events_that_are_read_again_change_nothing(events: list[Event]) -> None:
    assert by_id(fold([*events, *events])) == by_id(fold(events))


def test_the_newest_event_wins_and_of_a_second_the_first_listed() -> None:
    events = [
        event("co_1", "updated", 102, name="c", created=7),
        event("co_1", "updated", 102, name="b", created=8),
        event("co_1", "updated", 101, name="a", created=9),
    ]

    assert fold(events, keep=("name",)).changes == [Change("co_1", 102, 9, deleted=False, shown={"name": "c"})]


def test_a_deletion_is_final_though_later_events_show_the_object() -> None:
    """Deleting a customer cancels its subscriptions, which updates it once more."""
    (change,) = fold([event("co_1", "updated", 103), event("co_1", "deleted", 102, name="last")]).changes

    assert (change.deleted, change.time) == (True, 103)
    assert change.shown == {"id": "co_1", "object": "coupon", "created": 50, "name": "last"}


def test_what_hid_an_object_once_may_hide_it_still() -> None:
    events = [event("co_1", "closed", 9), event("co_1", "updated", 9), event("co_2", "updated", 9)]

    changes = by_id(fold(events, hides=frozenset({"coupon.closed"})))

    assert {of: change.hidden for of, change in changes.items()} == {"co_1": True, "co_2": False}


def test_an_id_of_the_users_choice_can_be_made_again() -> None:
    events = [
        event("SALE", "updated", 104, created=103),
        event("SALE", "created", 103, created=103),
        event("SALE", "deleted", 102),
        event("SALE", "created", 50),
    ]

    (change,) = fold(events).changes

    assert (change.deleted, change.time, change.created) == (False, 104, 103)


@pytest.mark.parametrize("order", [("created", "deleted"), ("deleted", "created")])
def test_deleted_and_made_again_in_one_second_is_asked_for(order: tuple[str, str]) -> None:
    """Nothing says which came last, and a tombstone of what is there would stay until its next change."""
    (change,) = fold(event("SALE", what, 102, created=102) for what in order).changes

    assert not change.deleted


def test_other_kinds_of_objects_are_left_to_their_streams() -> None:
    """Customers' sources may be cards or bank accounts, and each is a stream of its own."""
    card = {**event("card_1", "updated", 101, kind="card"), "type": "customer.source.updated"}
    taken = {"customer.source.updated": frozenset({"card"})}

    assert fold([card], taken=taken).changes == []
    assert list(by_id(fold([card], kinds=frozenset({"coupon", "card"}), taken=taken))) == ["card_1"]


def test_a_cancellation_is_no_deletion_where_the_manifest_says_so() -> None:
    canceled = event("sub_1", "deleted", 101, kind="subscription")

    (change,) = fold([canceled], kinds=frozenset({"subscription"}), deletions=frozenset()).changes

    assert not change.deleted


def test_an_object_without_id_is_known_by_what_finds_it() -> None:
    """A cash balance has no id, but its customer's."""
    events = [
        event("", "funds_available", 101, kind="cash_balance", customer="cus_1"),
        event("", "funds_available", 103, kind="cash_balance", customer="cus_2"),
        event("", "funds_available", 102, kind="cash_balance", customer="cus_1"),
        event("", "funds_available", 102, kind="cash_balance", customer=None),
    ]

    changes = by_id(fold(events, kinds=frozenset({"cash_balance"}), keep=("customer",)))

    assert {of: change.time for of, change in changes.items()} == {"cus_1": 102, "cus_2": 103}


def test_an_object_that_does_not_say_when_it_was_made_was_when_its_event_says() -> None:
    events = [event("plink_1", "updated", 103, created=None), event("plink_1", "created", 101, created=None)]

    assert by_id(fold(events))["plink_1"].created == 101
    assert by_id(fold(events[::-1]))["plink_1"].created == 101
    assert by_id(fold(events[:1]))["plink_1"].created is None


def test_a_time_may_have_another_name() -> None:
    (change,) = fold([event("ii_1", "created", 101, created=None, date=99)], time_fields=("created", "date")).changes

    assert change.created == 99


def test_only_what_finding_takes_is_kept_of_a_change() -> None:
    (change,) = fold([event("price_1", "updated", 101, active=False, big="x" * 1_000)], keep=("active",)).changes

    assert change.shown == {"active": False}


def test_rows_that_an_embedded_list_held_before_are_kept() -> None:
    def updated(time: int, *before: str) -> Event:
        previous = {"tax_ids": {"data": [{"id": row} for row in before], "total_count": len(before)}}
        changed = event("co_1", "updated", time)
        return {**changed, "data": {**changed["data"], "previous_attributes": previous}}

    events = [updated(103, "a", "c"), event("co_1", "updated", 102), updated(101, "a", "b")]

    (change,) = fold(events, lists=("tax_ids", "others")).changes

    assert change.listed == {"tax_ids": {row: {"id": row} for row in "abc"}}
    assert fold(events).changes[0].listed == {}


def touch(time: int, **shown: Any) -> Event:
    return {"type": "customer.tax_id.created", "created": time, "data": {"object": {"object": "tax_id", **shown}}}


def test_an_event_of_another_object_may_be_about_one_that_shows_it() -> None:
    events = [
        touch(105, id="txi_1", customer="co_1"),
        touch(104, id="txi_2", customer={"id": "co_2", "object": "coupon"}),
        touch(103, id="txi_3", customer=None),
        touch(99, id="txi_4", customer="co_3"),
        event("co_2", "updated", 106, name="b"),
        event("co_3", "deleted", 98),
    ]

    changes = by_id(fold(events, keep=("name",), touches={"customer.tax_id.created": ("customer",)}))

    assert changes["co_1"] == Change("co_1", 105, None, deleted=False, shown={})
    assert changes["co_2"] == Change("co_2", 106, 50, deleted=False, shown={"name": "b"})
    assert (changes["co_3"].deleted, changes["co_3"].time) == (True, 99)
    assert len(changes) == 3


changes = st.lists(
    st.builds(
        Change,
        id=st.integers().map(str),
        time=st.integers(0, 100),
        created=st.none() | st.integers(0, 100),
        deleted=st.booleans(),
        shown=st.just({}),
    ),
    unique_by=lambda change: change.id,
)


@given(changes, st.integers(0, 100), st.integers(0, 100))
def test_a_plan_has_each_wanted_object_once(changed: list[Change], since: int, start: int) -> None:
    planned = plan(ledger_of(changed), since=since, start=start)

    wanted = [change for change in changed if change.created is None or change.created >= start]
    assert Counter(change.id for change in (*planned.gone, *planned.born, *planned.older)) == Counter(
        change.id for change in wanted
    )
    assert all(change.deleted for change in planned.gone)
    assert not any(change.deleted for change in (*planned.born, *planned.older))
    assert all(change.created is not None and change.created >= since for change in planned.born)
    assert all(change.created is None or change.created < since for change in planned.older)
    assert planned.older == planned.older.newest_first()
    assert planned.there == planned.born.and_then(planned.older)


@given(changes)
def test_newest_objects_come_first_and_those_that_do_not_say_last(changed: list[Change]) -> None:
    times = [-1 if change.created is None else change.created for change in ledger_of(changed).newest_first()]

    assert times == sorted(times, reverse=True)
    assert len(times) == len(changed)


@pytest.mark.parametrize(("days", "gap"), [(0, False), (28, False), (29, False), (30, True), (400, True)])
def test_events_are_trusted_for_29_days(days: int, gap: bool) -> None:
    now = 1_763_800_000

    assert is_gap(now - days * DAY, now) is gap
    assert is_gap(now - 29 * DAY - 1, now)


@given(st.lists(st.integers().map(str), max_size=70))
def test_a_request_asks_for_twenty_types_at_most(types: list[str]) -> None:
    groups = type_groups(types)

    assert [each for group in groups for each in group] == types
    assert all(1 <= len(group) <= 20 for group in groups)
    assert len(groups) == -(-len(types) // 20)


def tax_id(time: int, customer: Any) -> Event:
    return event("txi_1", "created", time, kind="customer.tax_id", customer=customer)


def test_events_of_what_shows_in_an_object_are_changes_of_it() -> None:
    folded = fold(
        [
            event("co_1", "updated", 100),
            event("co_2", "updated", 130),
            event("co_3", "deleted", 100),
            *(tax_id(time, of) for time, of in ((120, "co_1"), (110, "co_1"), (120, "co_2"), (120, {"id": "co_3"}))),
            tax_id(140, "co_4"),
            tax_id(150, None),
        ],
        touches={"customer.tax_id.created": ("customer",)},
    )

    assert facts(folded) == {"co_1": (120, False), "co_2": (130, False), "co_3": (120, True), "co_4": (140, False)}
    assert {change.id: change.created for change in folded.changes} == {
        "co_1": 50,
        "co_2": 50,
        "co_3": 50,
        "co_4": None,
    }
