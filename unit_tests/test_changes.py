"""Changes: the phases in which a stream with events is read, and the states that it leaves on the way."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import pytest

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range
from source_stripe.api.values import Params
from source_stripe.objects.records import Known
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece, Phase, Piece
from source_stripe.reading.resuming import StateError
from unit_tests.changes_reading import (
    ACCOUNT,
    DAY,
    EVENTS,
    NOW,
    READ_WITH,
    SINCE,
    TYPES,
    W,
    change,
    event,
    listing,
    reading,
    run,
    told,
)


def test_what_changed_is_forgotten_once_it_is_read() -> None:
    stream = reading()
    born = [event(f"co_{n}", "created", W + n, W + n) for n in (1, 2)]

    run(stream, {"updated": W}, *born)
    known = weakref.ref(stream.known)

    assert set(stream.known.changed) == set(stream.known.born) == {"co_1", "co_2"}
    stream.last = Phase((), Known())
    gc.collect()
    assert known() is None
    assert told(stream).left


def test_the_first_sync_reads_the_whole_list_and_no_events() -> None:
    stream = reading()

    assert run(stream, {}) == [[ListPiece(created=Range(0, NOW))]]
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}
    assert stream.known.updated("co_1", 7) == 7


def test_it_is_checkpointed_as_its_ranges_are_through() -> None:
    stream, read_with = reading(start=500), {**READ_WITH, "start_date": 500}
    phases = stream.pieces(Account("acct_1", "", birth=900, now=NOW), {})

    assert next(phases) == [ListPiece(created=Range(500, NOW))]
    newest, oldest = ListPiece(created=Range(900, NOW)), ListPiece(created=Range(500, 900))
    assert stream.part_read() == 0
    backfill = {"start": 500, "cutoff": NOW, "done": [[900, NOW]]}
    assert stream.checkpoint(newest) == {"updated": NOW, "backfill": backfill, "read_with": read_with}
    backfill["done"] = [[500, NOW]]
    assert stream.checkpoint(oldest) == {"updated": NOW, "backfill": backfill, "read_with": read_with}
    assert stream.part_read() == 1
    assert list(phases) == []
    assert stream.final_state() == {"updated": NOW, "read_with": read_with}
    assert stream.part_read() is None


def test_an_interrupted_first_sync_is_carried_on_behind_what_changed_since() -> None:
    stream = reading()
    backfill = {"start": 0, "cutoff": W, "done": [[1_000, W]]}
    phases = stream.pieces(ACCOUNT, {"updated": W, "backfill": backfill})

    assert next(phases) == [ListPiece(EVENTS, TYPES, Range(SINCE, NOW + 1))]
    told(stream).events.append(event("co_1", "updated", W + 9))
    assert next(phases) == [ChangedPiece(0, (change("co_1", W + 9),), asked=())]
    assert not stream.begun()
    (left,) = next(phases)
    assert left == ListPiece(created=Range(0, 1_000))
    assert isinstance(left, ListPiece)
    # What changed until now has gone out. A row of it that comes again is no older.
    assert stream.begun()
    assert stream.final_state() == {"updated": NOW, "backfill": backfill, "read_with": READ_WITH}
    assert stream.known.updated("co_1", 50) == W + 9
    assert stream.known.updated("co_2", 50) == 50
    assert stream.checkpoint(left) == {
        "updated": NOW,
        "backfill": {**backfill, "done": [[0, W]]},
        "read_with": READ_WITH,
    }
    assert list(phases) == []
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}


def test_where_nothing_changed_only_events_are_asked_for() -> None:
    assert run(reading(), {"updated": W}) == [[ListPiece(EVENTS, TYPES, Range(SINCE, NOW + 1))], []]


def test_each_group_of_types_is_asked_for() -> None:
    groups: tuple[Params, ...] = ((("types[]", "coupon.created"),), (("types[]", "coupon.updated"),))

    events, _ = run(reading(types=groups), {"updated": W})

    assert events == [ListPiece(EVENTS, group, Range(SINCE, NOW + 1)) for group in groups]


def test_reading_events_is_no_progress_of_the_list() -> None:
    stream = reading()
    phases = stream.pieces(ACCOUNT, {"updated": W})
    (events,) = next(phases)

    assert isinstance(events, ListPiece)
    assert stream.checkpoint(events) is None


def test_what_changed_is_read_again_newest_object_first() -> None:
    stream = reading()
    events = [event("co_1", "updated", W + 1, 50), event("co_2", "updated", W + 2, 70)]

    _, changed = run(stream, {"updated": W}, *events)

    newest, older = change("co_2", W + 2, 70), change("co_1", W + 1, 50)
    assert changed == [ChangedPiece(0, (newest, older), asked=())]
    assert stream.known.changed == {"co_1": older, "co_2": newest}
    assert stream.known.updated("co_1", 50) == W + 1
    assert stream.known.updated("co_3", 50) == 50


def test_events_that_show_up_late_are_read_by_the_next_sync() -> None:
    _, changed = run(reading(), {"updated": W}, event("co_1", "updated", SINCE), event("co_2", "updated", SINCE - 1))

    assert changed == [ChangedPiece(0, (change("co_1", SINCE),), asked=())]


def test_what_was_made_since_comes_from_one_list() -> None:
    stream = reading()
    events = [event(f"co_{n}", "created", W + n, W + n) for n in (1, 5, 3)]

    _, changed = run(stream, {"updated": W}, *events, event("co_9", "updated", W + 9))

    assert changed == [
        ListPiece(0, (), Range(W + 1, W + 6), expects=True),
        ChangedPiece(0, (change("co_9", W + 9),), asked=()),
    ]
    assert set(stream.known.born) == {"co_1", "co_3", "co_5"}


def test_a_single_new_object_is_worth_no_list() -> None:
    _, changed = run(reading(), {"updated": W}, event("co_1", "created", W + 1, W + 1))

    assert changed == [ChangedPiece(0, (change("co_1", W + 1, W + 1),), asked=())]


def test_what_is_gone_is_told_by_its_event() -> None:
    _, changed = run(reading(), {"updated": W}, event("co_1", "deleted", W + 1, name="last"))

    assert changed == [ChangedPiece(0, (change("co_1", W + 1, deleted=True, name="last"),))]


def test_objects_from_before_the_start_date_stay_out_though_they_change() -> None:
    events = [event("co_1", "updated", W + 1, 999), event("co_2", "deleted", W + 2, 999), event("co_3", "updated", W)]

    _, changed = run(reading(start=1_000), {"updated": W}, *events)

    assert changed == []


def test_a_list_without_filter_can_not_be_asked_for_a_time() -> None:
    links = listing("/v1/payment_links", filtered=False)
    born = [event(f"co_{n}", "created", W + n, None) for n in (1, 2)]

    first, *rest = run(reading(links), {}, account=Account("acct_1", "", birth=900, now=NOW))
    assert (first, rest) == ([ListPiece()], [])

    _, changed = run(reading(links), {"updated": W}, *born, event("co_3", "updated", W + 3))
    assert changed == [
        ListPiece(0, (), Range(W + 1, W + 3), expects=True),
        ChangedPiece(0, (change("co_3", W + 3),), asked=()),
    ]


def test_each_pass_lists_its_own() -> None:
    on: Params = (("active", "true"),)
    off: Params = (("active", "false"),)
    events = [
        event("p_1", "updated", W + 1, 10, active=True),
        event("p_2", "updated", W + 2, 20, active=False),
        event("p_3", "updated", W + 3, 30),
        *(event(f"p_{n}", "created", W + n, W + n, active=True) for n in (4, 5)),
    ]

    (backfill,) = run(reading(listing("/v1/prices", (on, off))), {})
    _, changed = run(reading(listing("/v1/prices", (on, off))), {"updated": W}, *events)

    assert backfill == [ListPiece(0, asked, Range(0, NOW)) for asked in (on, off)]
    born, *again = changed
    assert born == ListPiece(0, on, Range(W + 4, W + 6), expects=True)
    assert {piece.asked: [each.id for each in piece.changes] for piece in again if isinstance(piece, ChangedPiece)} == {
        on: ["p_1"],
        off: ["p_2"],
        None: ["p_3"],
    }


def test_where_births_have_no_event_what_was_made_lately_is_listed() -> None:
    stream = reading(misses_births=True, lookback=30 * DAY)
    events = [
        event("co_1", "updated", W + 1, W - DAY),
        event("co_2", "updated", W + 2),
        event("co_3", "deleted", W + 3),
    ]

    first, changed = run(stream, {"updated": W}, *events)

    # Events are not read further back for it: what they said was read before.
    assert first == [ListPiece(EVENTS, TYPES, Range(SINCE, NOW + 1))]
    assert changed == [
        ListPiece(0, (), Range(W - 30 * DAY, NOW + 1), expects=True),
        ChangedPiece(0, (change("co_3", W + 3, deleted=True),)),
        ChangedPiece(0, (change("co_2", W + 2),), asked=()),
    ]
    assert set(stream.known.born) == {"co_1"}
    # Rows may have changed without an event until the watermark, and must not lose to what they replace.
    assert stream.known.updated("co_4", 50) == W
    assert stream.known.updated("co_1", W - DAY) == W + 1


def test_a_back_fill_says_when_it_begins() -> None:
    """Its first state goes out before its rows."""
    whole, following = reading().phases(ACCOUNT, {"updated": NOW - 45 * DAY}), reading().phases(ACCOUNT, {"updated": W})

    assert [phase.state_first for phase in whole] == [False, False, True]
    assert [phase.state_first for phase in following] == [False, False]


def changed_parents(pieces: Sequence[Piece]) -> list[tuple[str, int, list[str]]]:
    """Parents whose children changed: ids, times, and the children that events name."""
    parents = (parent for piece in pieces if isinstance(piece, ParentsPiece) for parent in piece.parents)
    return [(parent.id, parent.time, [change.id for change in parent.children]) for parent in parents]


def test_children_that_events_name_are_read_parent_by_parent() -> None:
    stream = reading(parent="customer")
    events = [
        event("card_1", "updated", W + 1, customer="cus_1"),
        event("card_2", "updated", W + 9, customer="cus_2"),
        event("card_3", "updated", W + 5, customer={"id": "cus_1", "object": "customer"}),
        event("card_4", "updated", W + 6, customer=None),
        event("card_5", "deleted", W + 7, customer="cus_3"),
    ]

    _, changed = run(stream, {"updated": W}, *events)

    assert changed_parents(changed) == [
        ("cus_1", W + 5, ["card_1", "card_3"]),
        ("cus_2", W + 9, ["card_2"]),
    ]
    assert changed[2:] == [ChangedPiece(0, (change("card_5", W + 7, deleted=True, customer="cus_3"),))]


def test_of_a_parent_that_changed_only_new_children_are_asked_for() -> None:
    stream = reading(new_children_only=True, start=W)

    run(stream, {"updated": W}, event("co_1", "updated", W + 1, W + 1))

    assert stream.known.children == Range(W, NOW)
    first = reading(new_children_only=True)
    run(first, {})
    assert first.known.children is None


def test_a_child_that_its_own_event_names_may_be_old() -> None:
    """An issuing token is updated long after it was made."""
    stream = reading(parent="card", new_children_only=True)

    _, changed = run(stream, {"updated": W}, event("tok_1", "updated", W + 1, 50, card="ic_1"))

    assert changed_parents(changed) == [("ic_1", W + 1, ["tok_1"])]
    assert stream.known.children is None


def test_a_state_from_the_future_is_refused() -> None:
    with pytest.raises(StateError, match="Reset the stream coupons"):
        run(reading(), {"updated": NOW * 1_000})
