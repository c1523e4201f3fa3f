"""The frontier under real threads: pieces come up as readers split them off, and no failure hangs the generator."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from source_stripe.frontier import Frontier, ListPiece, Workers
from source_stripe.ranges import PageSpan, Range
from unit_tests.test_ranges import ListOfRows


def piece(start: int, end: int) -> ListPiece:
    return ListPiece(created=Range(start, end))


def read_piece(frontier: Frontier, rows: ListOfRows, number: int) -> list[tuple[int, int]]:
    emitted: list[tuple[int, int]] = []
    after = None
    with frontier.reading(number):
        while True:
            reading = frontier.piece(number)
            assert isinstance(reading, ListPiece)
            assert reading.created is not None
            page, has_more = rows.page(reading.created, after, size=10)
            emitted += page
            if not has_more:
                break
            after = page[-1]
            frontier.share(number, PageSpan(page[0][0], page[-1][0], len(page)))
    frontier.close(number)
    return emitted


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_every_row_comes_exactly_once_from_threads(workers: int) -> None:
    rows = ListOfRows([second % 9_000 for second in range(0, 90_000, 7)])
    frontier = Frontier(Workers(workers))
    frontier.open([piece(5_000, 9_000), piece(0, 5_000)])

    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda number: read_piece(frontier, rows, number), frontier.pieces()))

    assert Counter(row for part in parts for row in part) == Counter(rows.rows)
    assert frontier.finished
    if workers > 1:
        assert len(parts) > 2


def test_an_empty_frontier_has_no_pieces() -> None:
    frontier = Frontier(Workers(2))
    frontier.open([])

    assert list(frontier.pieces()) == []


def test_a_failed_piece_ends_the_pieces_and_stays_open() -> None:
    workers = Workers(4)
    frontier = Frontier(workers)
    frontier.open([piece(0, 10), piece(10, 20), piece(20, 30)])
    pieces = frontier.pieces()
    first = next(pieces)

    with pytest.raises(RuntimeError, match="no answer"), frontier.reading(first):
        raise RuntimeError("no answer")

    assert list(pieces) == []
    assert frontier.piece(first) == piece(0, 10)
    assert not frontier.finished
    assert workers.idle() == 4


def test_the_generator_wakes_when_the_last_reader_fails() -> None:
    frontier = Frontier(Workers(2))
    frontier.open([piece(0, 10)])
    pieces = frontier.pieces()
    number = next(pieces)
    left: list[int] = []
    generator = threading.Thread(target=lambda: left.extend(pieces))
    generator.start()

    with pytest.raises(RuntimeError), frontier.reading(number):
        raise RuntimeError

    generator.join(timeout=30)
    assert not generator.is_alive()
    assert left == []


def test_no_more_read_at_once_than_there_are_workers() -> None:
    workers = Workers(2)
    frontier = Frontier(workers)
    frontier.open(piece(n, n + 1) for n in range(40))
    at_once, most, counting = 0, 0, threading.Lock()

    def read(number: int) -> None:
        nonlocal at_once, most
        with frontier.reading(number):
            with counting:
                at_once += 1
                most = max(most, at_once)
            with counting:
                at_once -= 1
        frontier.close(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, frontier.pieces()))

    assert 1 <= most <= 2
    assert workers.idle() == 2


def test_rows_left_to_others_hold_back_their_list_piece() -> None:
    frontier = Frontier(Workers(3))
    frontier.open([piece(0, 10)])
    pieces = frontier.pieces()
    number = next(pieces)

    with frontier.reading(number):
        assert frontier.leave(number, [{"id": "cus_1"}])
        assert frontier.leave(number, [{"id": "cus_2"}])
        assert not frontier.leave(number, [{"id": "cus_3"}])  # nobody is idle any more
    first, second = next(pieces), next(pieces)

    assert frontier.close(first) == []
    assert frontier.close(number) == []
    assert frontier.close(second) == [piece(0, 10)]
    assert frontier.finished


def test_a_list_piece_without_rows_left_is_complete_at_once() -> None:
    frontier = Frontier(Workers(1))
    frontier.open([piece(0, 10)])

    assert frontier.close(next(frontier.pieces())) == [piece(0, 10)]
