"""List pieces that are read part by part: what is said to be through came before, and nobody waits for what failed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from source_stripe.objects.records import Known
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.pieces import ListedPiece, ListPiece, Phase, RowsPiece
from source_stripe.reading.workers import Workers
from unit_tests.simulation import ListOfRows, Reader
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

    def note(self, completed: ListedPiece | None) -> None:
        if not isinstance(completed, ListPiece):
            return
        with self._lock:
            assert completed.created is not None
            seconds = range(completed.created.start, completed.created.end)
            self.seconds.update(seconds)
            assert all(self.came[row] for row in self._rows.rows if row[0] in seconds)


def read_in_parts(frontier: Frontier, rows: ListOfRows, through: Through, number: int) -> None:
    """As the retriever and the cursor do: some rows are left to others, every third page is a checkpoint."""
    piece = frontier.reader(number).piece
    reader, more, pages = Reader(frontier, rows, number), isinstance(piece, ListPiece), 0
    if isinstance(piece, RowsPiece):
        through.emit((row["created"], row["id"]) for row in piece.rows)
    while more:
        page, more, _ = reader.page(size=10)
        through.emit(page[3:] if len(page) > 3 and reader.leave(page[:3]) else page)
        pages += 1
        if more and pages % 3 == 0:
            through.note(reader.checkpoint())
    through.note(reader.end())


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    created=st.lists(st.integers(0, 5_000) | st.integers(100, 103), max_size=400),
    workers=st.sampled_from([1, 2, 7]),
)
def test_what_is_through_came_before_and_all_is_through_once(created: list[int], workers: int) -> None:
    rows = ListOfRows(created)
    through = Through(rows)
    frontier = Frontier(Workers(workers))
    frontier.open(Phase([piece(3_000, 5_001), piece(0, 3_000)], Known()))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda number: read_in_parts(frontier, rows, through, number), frontier.pieces()))

    assert through.came == Counter(rows.rows)
    assert through.seconds == Counter(range(5_001))


def test_a_part_that_is_cut_off_is_complete_when_its_rows_are_through() -> None:
    frontier = Frontier(Workers(4))
    frontier.open(Phase([piece(0, 100)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number) as reader:
        reader.leave([{"id": "cus_1"}])
        assert reader.checkpoint(80) is None
        assert reader.piece == piece(0, 80)
        reader.leave([{"id": "cus_2"}])
        first, second = next(pieces), next(pieces)
        assert reader.checkpoint(60) is None
        assert close(frontier, second) == piece(60, 80)
        assert close(frontier, first) == piece(80, 100)
        assert reader.checkpoint(40) == piece(40, 60)

    assert close(frontier, number) == piece(0, 40)
    assert list(pieces) == []


def test_only_lists_of_seconds_have_checkpoints() -> None:
    frontier = Frontier(Workers(1))
    frontier.open(Phase([ListPiece()], Known()))

    with pytest.raises(ValueError, match="without seconds"):
        frontier.reader(next(frontier.pieces())).checkpoint(5)


def test_what_fails_beside_the_reading_ends_the_pieces_too() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([piece(0, 10)], Known()))
    pieces = frontier.pieces()
    first = next(pieces)

    with pytest.raises(RuntimeError), frontier.finishing(first):
        raise RuntimeError

    assert frontier.failed
    assert list(pieces) == []
