"""Readings that need no events: whole, and by `created`."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.account import Account
from source_stripe.api.listing import Listing
from source_stripe.api.pages import OneAnswer
from source_stripe.api.ranges import Range, intersect
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.catalog.stream_rows import OpenRow
from source_stripe.objects.records import Known
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.pieces import ListPiece, Phase, SparsePiece
from source_stripe.reading.readings import CreatedReading, RangesDone, Reading, WholeReading, first_pieces
from source_stripe.reading.resuming import StateError
from source_stripe.reading.state import Window
from unit_tests.conftest import CREATED

NOW = 1_763_800_000
ACCOUNT = Account("acct_1", "", birth=900, now=NOW)
ON: Params = (("active", "true"),)
READ_WITH = {"account": "acct_1"}
OFF: Params = (("active", "false"),)


def listing(*passes: Params, filtered: bool = True) -> Listing:
    requester = cast(StripeRequester, None)  # nothing is asked here
    return Listing("/v1/files", requester, OneAnswer(), passes or ((),), CREATED if filtered else None)


def test_pieces_go_newest_first_and_know_the_accounts_birth() -> None:
    pieces = first_pieces([listing()], [Range(0, 500), Range(800, 2_000)], 900)

    assert pieces == [ListPiece(created=Range(800, 2_000)), ListPiece(created=Range(0, 500))]
    assert [piece.birth for piece in pieces] == [900, 900]
    assert [piece.birth for piece in first_pieces([listing()], [Range(0, 500)], None)] == [0]


def test_pieces_may_have_to_hold_what_is_known_to_be_in_them() -> None:
    assert first_pieces([listing()], [Range(0, 5)], None, expects=True) == [
        ListPiece(created=Range(0, 5), expects=True)
    ]


def test_each_list_and_pass_has_its_pieces() -> None:
    pieces = first_pieces([listing(ON, OFF), listing(filtered=False)], [Range(0, 500)], None)

    assert pieces == [
        ListPiece(0, ON, Range(0, 500)),
        ListPiece(0, OFF, Range(0, 500)),
        ListPiece(1, (), None),
    ]


def test_a_range_is_done_when_every_list_and_pass_is_through_it() -> None:
    ranges = RangesDone([listing(ON, OFF), listing()], Window(Range(0, 1_000)))

    assert ranges.add(ListPiece(0, ON, Range(400, 1_000))).done == ()
    assert ranges.add(ListPiece(0, OFF, Range(500, 1_000))).done == ()
    assert ranges.add(ListPiece(1, (), Range(0, 600))).done == (Range(500, 600),)
    assert ranges.add(ListPiece(1, (), Range(600, 1_000))).done == (Range(500, 1_000),)
    assert ranges.add(ListPiece(0, OFF, Range(0, 500))).done == (Range(400, 1_000),)
    assert ranges.add(ListPiece(0, ON, Range(0, 400))).done == (Range(0, 1_000),)


def test_a_list_without_ranges_is_through_all_of_it_at_once() -> None:
    ranges = RangesDone([listing(filtered=False)], Window(Range(0, 1_000)))

    assert ranges.add(ListPiece()).left == ()


def test_an_empty_range_is_no_progress() -> None:
    ranges = RangesDone([listing()], Window(Range(0, 1_000)))

    assert ranges.add(ListPiece(created=Range(7, 7))).left == (Range(0, 1_000),)


bounds = st.integers(0, 60)
several = st.lists(st.builds(lambda a, b: Range(min(a, b), max(a, b)), bounds, bounds), max_size=6)


@given(st.lists(st.tuples(st.integers(0, 2), several), max_size=8))
def test_what_is_done_is_what_all_are_through(read: list[tuple[int, list[Range]]]) -> None:
    lists = [listing(ON, OFF), listing()]
    keys: list[tuple[int, Params]] = [(0, ON), (0, OFF), (1, ())]
    done = RangesDone(lists, Window(Range(0, 60)))
    seconds: list[set[int]] = [set(), set(), set()]
    for which, ranges in read:
        for each in ranges:
            done.add(ListPiece(*keys[which], each))
            seconds[which].update(range(each.start, each.end))

    found = {second for each in done.window.done for second in range(each.start, each.end)}
    assert found == set.intersection(*seconds)


@given(st.lists(several, max_size=4))
def test_an_intersection_has_the_seconds_that_all_have(sets: list[list[Range]]) -> None:
    seconds = [{second for each in ranges for second in range(each.start, each.end)} for ranges in sets]

    common = {second for each in intersect(sets) for second in range(each.start, each.end)}

    assert common == (set.intersection(*seconds) if seconds else set())


def whole(cursor: str | None = "updated", **fields: int | None) -> WholeReading:
    return WholeReading("accounts", cursor, [listing()], start=0, **fields)  # type: ignore[arg-type]


def test_whole_means_all_of_it_each_time() -> None:
    stream: Reading = whole()

    (phase,) = stream.phases(ACCOUNT, {"updated": NOW - 9})
    assert phase.pieces == [ListPiece(created=Range(0, NOW))]
    assert not phase.state_first
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}
    assert stream.checkpoint(ListPiece()) is None
    assert stream.part_read() is None


def test_rows_of_a_later_sync_replace_those_of_an_earlier() -> None:
    (first,), (later,) = whole().phases(ACCOUNT, {}), whole().phases(ACCOUNT, {"updated": NOW - 9})

    assert first.known.updated("acct_2", 70) == 70
    assert later.known.updated("acct_2", 70) == NOW - 9
    assert later.known.updated("acct_3", NOW - 5) == NOW - 5


def test_without_a_cursor_there_is_no_state_and_none_is_read() -> None:
    stream = whole(cursor=None)

    (phase,) = stream.phases(ACCOUNT, {"whatever": "this is"})
    assert stream.final_state() is None
    assert phase.known.floor is None


def test_with_a_lookback_only_lately_made_children_are_asked_for() -> None:
    first, later = whole("created", lookback=600), whole("created", lookback=600)
    (of_first,), (of_later,) = first.phases(ACCOUNT, {}), later.phases(ACCOUNT, {"created": NOW - 5_000})

    assert of_first.known.children == Range(900, NOW)
    assert of_later.known.children == Range(NOW - 5_600, NOW)
    assert of_later.known.floor is None
    assert later.final_state() == {"created": NOW, "read_with": READ_WITH}


def created(start: int = 0) -> CreatedReading:
    return CreatedReading("files", "created", [listing()], start, lookback=600)


def test_by_created_the_first_sync_reads_from_the_start() -> None:
    stream = created(start=1_000)
    phases = stream.phases(ACCOUNT, {})

    assert next(phases) == Phase([ListPiece(created=Range(1_000, NOW))], Known(first=True))
    assert stream.checkpoint(ListPiece(created=Range(5_000, NOW))) == {
        "created": NOW,
        "backfill": {"start": 1_000, "cutoff": NOW, "done": [[5_000, NOW]]},
        "read_with": READ_WITH,
    }
    assert stream.part_read() == pytest.approx((NOW - 5_000) / (NOW - 1_000))
    assert list(phases) == []
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH}


def test_by_created_a_later_sync_reads_what_came_and_what_came_late() -> None:
    stream = created()

    (phase,) = stream.phases(ACCOUNT, {"created": NOW - 5_000})
    assert phase.pieces == [ListPiece(created=Range(NOW - 5_600, NOW))]


def test_by_created_an_interrupted_sync_is_carried_on() -> None:
    stream = created()
    backfill = {"start": 0, "cutoff": NOW - 5_000, "done": [[2_000, NOW - 5_000]]}

    (phase,) = stream.phases(ACCOUNT, {"created": NOW - 5_000, "backfill": backfill})

    assert [piece.created for piece in phase.pieces if isinstance(piece, ListPiece)] == [
        Range(NOW - 5_600, NOW),
        Range(0, 2_000),
    ]


@pytest.mark.parametrize("stream", [whole("updated"), created()])
def test_a_state_from_the_future_is_refused(stream: WholeReading | CreatedReading) -> None:
    with pytest.raises(StateError):
        list(stream.phases(ACCOUNT, {str(stream.cursor): NOW * 1_000}))


PENDING = OpenRow(field="status", values=("pending",), due="available_on")


def open_reading() -> CreatedReading:
    return CreatedReading(
        "balance_transactions",
        "created",
        [listing()],
        start=0,
        lookback=600,
        open_rows=OpenRows(PENDING),
        lookback_once=5_000,
    )


def test_a_state_that_does_not_say_what_is_open_reads_back_once() -> None:
    stream = open_reading()

    (phase,) = stream.phases(ACCOUNT, {"created": NOW - 9})

    lately = Range(NOW - 9 - 5_000, NOW - 609)
    assert phase.pieces == [ListPiece(created=Range(NOW - 609, NOW)), ListPiece(created=lately, due=True)]
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH, "open": []}


def test_what_is_due_is_listed_beside_what_is_new_until_it_is_through() -> None:
    stream = open_reading()
    later = [NOW + 86_400, [[7, 9]]]
    saved = {"created": NOW - 9, "open": [[NOW - 5, [[100, 200], [400, 500]]], later]}

    phases = stream.phases(ACCOUNT, saved)
    phase = next(phases)

    due = SparsePiece(0, (), (Range(100, 200), Range(400, 500)))
    assert phase.pieces == [ListPiece(created=Range(NOW - 609, NOW)), due]
    halfway = stream.checkpoint(ListPiece(created=Range(150, 200), due=True))
    assert halfway is not None
    assert halfway["open"] == [[NOW - 5, [[100, 150], [400, 500]]], later]
    through = stream.checkpoint(SparsePiece(0, (), (Range(400, 500),)))
    assert through is not None
    assert through["open"] == [[NOW - 5, [[100, 150]]], later]
    assert list(phases) == []
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH, "open": [later]}


def test_one_range_is_listed_as_any_list_is() -> None:
    (phase,) = open_reading().phases(ACCOUNT, {"created": NOW - 9, "open": [[NOW - 5, [[100, 200]]]]})

    assert phase.pieces[1:] == [ListPiece(created=Range(100, 200), due=True)]


def test_of_a_list_with_two_passes_a_range_is_through_when_both_are() -> None:
    stream = open_reading()
    stream.listings = [listing(ON, OFF)]
    next(stream.phases(ACCOUNT, {"created": NOW - 9, "open": [[NOW - 5, [[100, 200]]]]}))

    first = stream.checkpoint(ListPiece(0, ON, Range(100, 200), due=True))
    second = stream.checkpoint(ListPiece(0, OFF, Range(100, 200), due=True))

    assert first is not None
    assert second is not None
    assert (first["open"], second["open"]) == ([[NOW - 5, [[100, 200]]]], [])
