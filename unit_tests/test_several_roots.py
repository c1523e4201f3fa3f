"""Streams whose rows stand in the objects of several streams: their phases, their pieces and the state of the whole."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range
from source_stripe.objects.events import Fold
from source_stripe.objects.records import Known
from source_stripe.objects.shared_children import Shared
from source_stripe.objects.subjects import Subjects
from source_stripe.reading.changes import ChangesReading, Following
from source_stripe.reading.feed import Ask, Asked, Feed, Place, Span
from source_stripe.reading.pieces import ListPiece, Phase, Piece
from source_stripe.reading.several_roots import Root, Seats, SeveralRoots, together
from source_stripe.reading.state import StreamState, Window
from unit_tests.changes_reading import ACCOUNT, DAY, NOW, W, listing, reading

EVENTS_ROUTE = 2


class Filled(Place):
    """A place that reads a page of events, and finds what its folds have."""

    def enter(self, account: Account) -> None:
        pass

    def leave(self) -> None:
        pass

    def next(self, ask: Ask, account: Account) -> Asked:
        yield Phase([ListPiece(self.route)], Known())
        return Span(ask.since, account.now + 1, [fold for _, fold in self.folds], last=True)


def root(path: str, route: int, seats: Seats) -> Root:
    made = reading(listing(path))
    made.shared, made.quiet, made.seat = True, route > 0, seats.seat(route)
    return Root(made, route)


def several() -> SeveralRoots:
    feed = cast(Feed, None)  # nobody asks it
    seats = Seats(Filled(feed, [((), Fold(Subjects(frozenset({"coupon"})))) for _ in "ab"], EVENTS_ROUTE))
    roots = [root("/v1/coupons", 0, seats), root("/v1/products", 1, seats)]
    return SeveralRoots("coupons", "updated", roots, EVENTS_ROUTE, Shared(), seats)


def pieces_of(phase: Phase) -> list[Piece]:
    return [piece for each in (phase, *phase.beside) for piece in each.pieces]


def phases(read: SeveralRoots, saved: dict[str, Any]) -> list[list[tuple[type, int]]]:
    return [[(type(piece), piece.route) for piece in pieces_of(phase)] for phase in read.phases(ACCOUNT, saved)]


def test_a_first_sync_reads_the_list_of_each_root() -> None:
    assert phases(several(), {}) == [[(ListPiece, 0), (ListPiece, 1)]]


def test_a_later_sync_asks_for_the_events_of_all_roots_once() -> None:
    read = several()

    assert phases(read, {"updated": W}) == [[(ListPiece, EVENTS_ROUTE)], []]
    assert read.final_state() == {"updated": NOW, "read_with": {"account": "acct_1"}}


def test_after_a_gap_one_warning_tells_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        made = phases(several(), {"updated": NOW - 40 * DAY})

    assert made[0] == [(ListPiece, EVENTS_ROUTE)]
    assert made[-1] == [(ListPiece, 0), (ListPiece, 1)]
    assert len(caplog.records) == 1


def test_a_range_is_done_when_it_is_in_the_lists_of_all_roots() -> None:
    read = several()
    made = next(read.phases(ACCOUNT, {}))
    pieces = [piece for piece in pieces_of(made) if isinstance(piece, ListPiece)]
    half = [ListPiece(piece.route, piece.asked, Range(NOW - DAY, NOW)) for piece in pieces]

    one, both = (read.checkpoint(piece) for piece in half)

    assert made.state_first
    assert one is not None
    assert both is not None
    assert one["backfill"]["done"] == []
    assert both["backfill"]["done"] == [[NOW - DAY, NOW]]


def test_a_piece_of_events_is_no_progress() -> None:
    read = several()
    next(read.phases(ACCOUNT, {}))

    assert read.checkpoint(ListPiece(EVENTS_ROUTE)) is None


def test_what_events_say_is_gone_is_known_before_the_roots_are_read() -> None:
    read = several()
    own: ChangesReading = read.roots[0].reading
    own.following = Following(own.following.fold, None, tells_of_children=True)
    read.roots = [Root(own, 3), read.roots[1]]
    deleted = {"id": "co_1", "object": "coupon", "created": 5}
    read.seats.place.folds[0][1].add({"type": "coupon.deleted", "created": W + 5, "data": {"object": deleted}})
    made = read.phases(ACCOUNT, {"updated": W})
    next(made)
    next(made)

    assert read.shared.gone == {"co_1"}
    assert not read.shared.takes(("co_1",), {"id": "co_1"})
    assert [read.shared.takes(("co_2",), {"id": "co_2"}) for _ in "ab"] == [True, False]


def window(start: int, end: int, *done: tuple[int, int], floor: int | None = None) -> Window:
    return Window(Range(start, end), tuple(Range(*each) for each in done), floor)


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ([StreamState(9), StreamState(7)], StreamState(7)),
        ([StreamState(9), StreamState(None)], StreamState(None)),
        ([StreamState(9), StreamState(9, window(0, 9, (3, 9)))], StreamState(9, window(0, 9, (3, 9)))),
        (
            [StreamState(9, window(0, 9, (3, 9))), StreamState(9, window(0, 9, (0, 4)))],
            StreamState(9, window(0, 9, (3, 4))),
        ),
        (
            [StreamState(9, window(0, 5, (3, 5))), StreamState(9, window(0, 9, (2, 9), floor=7))],
            StreamState(9, window(0, 9, (3, 9), floor=7)),
        ),
    ],
)
def test_the_whole_is_where_the_last_root_is(states: list[StreamState], whole: StreamState) -> None:
    assert together(states) == whole


def test_no_row_of_a_shared_child_is_older_than_an_earlier_one() -> None:
    coupons = several().roots[0].reading
    *_, last = coupons.phases(ACCOUNT, {"updated": W})

    assert last.known.updated("co_1", 5) == NOW
