"""List pieces that are read part by part: what is said to be through came before, and nobody waits for what failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from source_stripe.api.ranges import PageSpan
from source_stripe.reading.frontier import Frontier, Workers
from source_stripe.reading.pieces import ListPiece, RowsPiece
from unit_tests.simulation import ListOfRows
from unit_tests.test_frontier import close, piece


class Through:
    """What came, and which seconds are through by then. AssertionError where a row of those is missing."""

    def __init__(self, rows: ListOfRows) -> None:
        self.came = Counter[tuple[int, int]]()
        self.seconds = Counter[int]()
        self._rows = rows
        self._lock = threading.Lock()

    def emit(self, rows: Iterable[tuple[int, int]]) -> None:
        with self._lock:
            self.came.update(rows)

    def note(self, completed: Iterable[ListPiece]) -> None:
        with self._lock:
            for each in completed:
                assert each.created is not None
                seconds = range(each.created.start, each.created.end)
                self.seconds.update(seconds)
                assert all(self.came[row] for row in self._rows.rows if row[0] in seconds)


def read_in_parts(frontier: Frontier, rows: ListOfRows, through: Through, number: int) -> None:
    """As the retriever and the cursor do: some rows are left to others, what is through is cut off every third page."""
    after, pages = None, 0
    with frontier.reading(number):
        piece = frontier.piece(number)
        if isinstance(piece, RowsPiece):
            through.emit((row["created"], row["id"]) for row in piece.rows)
        more = isinstance(piece, ListPiece)
        while more:
            reading = frontier.list_piece(number).created
            assert reading is not None
            page, more = rows.page(reading, after, size=10)
            left = len(page) > 3 and frontier.leave(number, [{"created": time, "id": n} for time, n in page[:3]])
            through.emit(page[3:] if left else page)
            if more:
                after, pages = page[-1], pages + 1
                if pages % 3 == 0 and reading.start < after[0] + 1 < reading.end:
                    through.note(frontier.cut(number, after[0] + 1))
                frontier.share(number, PageSpan(page[0][0], page[-1][0]), readers=64)
    through.note(frontier.completes(number))
    frontier.close(number)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    created=st.lists(st.integers(0, 5_000) | st.integers(100, 103), max_size=400),
    workers=st.sampled_from([1, 2, 7]),
)
def test_what_is_through_came_before_and_all_is_through_once(created: list[int], workers: int) -> None:
    rows = ListOfRows(created)
    through = Through(rows)
    frontier = Frontier(Workers(workers))
    frontier.open([piece(3_000, 5_001), piece(0, 3_000)])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda number: read_in_parts(frontier, rows, through, number), frontier.pieces()))

    assert through.came == Counter(rows.rows)
    assert through.seconds == Counter(range(5_001))


def test_a_part_that_is_cut_off_is_complete_when_its_rows_are_through() -> None:
    frontier = Frontier(Workers(4))
    frontier.open([piece(0, 100)])
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number):
        frontier.leave(number, [{"id": "cus_1"}])
        assert frontier.cut(number, 80) == []
        assert frontier.piece(number) == piece(0, 80)
        frontier.leave(number, [{"id": "cus_2"}])
        first, second = next(pieces), next(pieces)
        assert frontier.cut(number, 60) == []
        assert close(frontier, second) == [piece(60, 80)]
        assert close(frontier, first) == [piece(80, 100)]
        assert frontier.cut(number, 40) == [piece(40, 60)]

    assert close(frontier, number) == [piece(0, 40)]
    assert list(pieces) == []


def test_only_lists_of_seconds_are_cut() -> None:
    frontier = Frontier(Workers(1))
    frontier.open([ListPiece()])

    with pytest.raises(ValueError, match="no seconds"):
        frontier.cut(next(frontier.pieces()), 5)


def test_what_fails_beside_the_reading_ends_the_pieces_too() -> None:
    frontier = Frontier(Workers(2))
    frontier.open([piece(0, 10)])
    pieces = frontier.pieces()
    next(pieces)

    with pytest.raises(RuntimeError), frontier.failing():
        raise RuntimeError

    assert frontier.failed
    assert list(pieces) == []
