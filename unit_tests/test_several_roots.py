"""Streams whose rows stand in the objects of several streams: their phases, their pieces and the state of the whole."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from source_stripe.api.ranges import Range
from source_stripe.objects.shared_children import Shared
from source_stripe.reading.changes import ChangesReading
from source_stripe.reading.pieces import ListPiece, Phase, Piece
from source_stripe.reading.several_roots import Root, SeveralRoots, together
from source_stripe.reading.state import StreamState, Window
from unit_tests.test_changes import ACCOUNT, DAY, NOW, W, listing, reading

EVENTS_ROUTE = 2


def root(path: str, route: int, *, first: bool = False) -> Root:
    made = reading(listing(path), types=((),) if first else ())
    made.shared, made.quiet = True, not first
    return Root(made, route)


def several(*more: Root) -> SeveralRoots:
    roots = [root("/v1/coupons", 0, first=True), root("/v1/products", 1), *more]
    return SeveralRoots("coupons", "updated", roots, EVENTS_ROUTE, Shared())


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
    read.roots = [Root(with_children(own), 3), read.roots[1]]
    made = read.phases(ACCOUNT, {"updated": W})
    next(made)
    deleted = {"id": "co_1", "object": "coupon", "created": 5}
    own.feed.fold.add({"type": "coupon.deleted", "created": W + 5, "data": {"object": deleted}})
    next(made)

    assert read.shared.gone == {"co_1"}
    assert not read.shared.takes(("co_1",), {"id": "co_1"})
    assert [read.shared.takes(("co_2",), {"id": "co_2"}) for _ in "ab"] == [True, False]


def with_children(own: ChangesReading) -> ChangesReading:
    own.feed = type(own.feed)(own.feed.route, own.feed.listing, own.feed.fold, None, tells_of_children=True)
    return own


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
