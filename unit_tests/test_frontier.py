"""The frontier under real threads: pieces come up as readers split them off, and no failure hangs the generator."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from source_stripe.api.ranges import PageSpan, Range
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known
from source_stripe.reading.frontier import Frontier, PieceReader
from source_stripe.reading.pieces import ChangedPiece, ListedPiece, ListPiece, Phase, Piece, RowsPiece
from source_stripe.reading.splitting import Need
from source_stripe.reading.workers import Workers
from unit_tests.simulation import ListOfRows, Reader


def piece(start: int, end: int) -> ListPiece:
    return ListPiece(created=Range(start, end))


def close(frontier: Frontier, number: int) -> ListedPiece | None:
    """As the cursor does, once a piece's records were emitted."""
    with frontier.finishing(number) as completed:
        return completed


def page_came(reader: PieceReader, newest: int, oldest: int, readers: int = 64) -> None:
    """As the reader does with a page that has more behind it."""
    reader.page_came(rows=True, more=True, span=PageSpan(newest, oldest), readers=readers)


def read_piece(frontier: Frontier, rows: ListOfRows, number: int) -> list[tuple[int, int]]:
    reader, emitted, more = Reader(frontier, rows, number), list[tuple[int, int]](), True
    while more:
        page, more, _ = reader.page(size=10)
        emitted += page
    reader.end()
    return emitted


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_every_row_comes_exactly_once_from_threads(workers: int) -> None:
    rows = ListOfRows([second % 9_000 for second in range(0, 90_000, 7)])
    frontier = Frontier(Workers(workers))
    frontier.open(Phase([piece(5_000, 9_000), piece(0, 5_000)], Known()))

    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda number: read_piece(frontier, rows, number), frontier.pieces()))

    assert Counter(row for part in parts for row in part) == Counter(rows.rows)
    assert not frontier.failed
    if workers > 1:
        assert len(parts) > 2


def test_an_empty_frontier_has_no_pieces() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([], Known()))

    assert list(frontier.pieces()) == []
    assert not frontier.failed


def test_a_failed_piece_ends_the_pieces_and_stays_open() -> None:
    workers = Workers(4)
    frontier = Frontier(workers)
    frontier.open(Phase([piece(0, 10), piece(10, 20), piece(20, 30)], Known()))
    pieces = frontier.pieces()
    first = next(pieces)

    with pytest.raises(RuntimeError, match="no answer"), frontier.reading(first):
        raise RuntimeError("no answer")

    assert list(pieces) == []
    assert frontier.reader(first).piece == piece(0, 10)
    assert frontier.failed
    assert workers.idle() == 4


def test_pieces_that_came_up_before_one_failed_are_not_read_any_more() -> None:
    workers = Workers(2)
    frontier = Frontier(workers)
    frontier.open(Phase([piece(0, 10), piece(10, 20)], Known()))
    pieces = frontier.pieces()
    first, second = next(pieces), next(pieces)
    read = []

    def fail(number: int) -> None:
        with frontier.reading(number):
            read.append(number)
            raise RuntimeError("no answer")

    for number in (first, second):
        with pytest.raises(RuntimeError, match="no answer"):
            fail(number)

    assert read == [first]
    assert frontier.reader(second).piece == piece(10, 20)
    assert workers.idle() == 2


def test_the_generator_wakes_when_the_last_reader_fails() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([piece(0, 10)], Known()))
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
    frontier.open(Phase([piece(n, n + 1) for n in range(40)], Known()))
    at_once, most, counting = 0, 0, threading.Lock()

    def read(number: int) -> None:
        nonlocal at_once, most
        with frontier.reading(number):
            with counting:
                at_once += 1
                most = max(most, at_once)
            with counting:
                at_once -= 1
        close(frontier, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, frontier.pieces()))

    assert 1 <= most <= 2
    assert workers.idle() == 2


def test_rows_left_to_others_hold_back_their_list_piece() -> None:
    frontier = Frontier(Workers(3))
    frontier.open(Phase([piece(0, 10)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)

    with frontier.reading(number) as reader:
        assert reader.leave([{"id": "cus_1"}])
        assert reader.leave([{"id": "cus_2"}])
        assert not reader.leave([{"id": "cus_3"}])  # nobody is idle any more
    first, second = next(pieces), next(pieces)
    assert frontier.reader(first).piece == RowsPiece(0, ({"id": "cus_1"},))

    assert close(frontier, first) is None
    assert close(frontier, number) is None
    assert close(frontier, second) == piece(0, 10)
    assert list(pieces) == []


def test_rows_that_are_through_before_their_list_piece_do_not_complete_it() -> None:
    frontier = Frontier(Workers(3))
    frontier.open(Phase([piece(0, 10)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number) as reader:
        reader.leave([{"id": "cus_1"}])
        assert close(frontier, next(pieces)) is None

    assert close(frontier, number) == piece(0, 10)


def test_a_list_piece_without_rows_left_is_complete_at_once() -> None:
    frontier = Frontier(Workers(1))
    frontier.open(Phase([piece(0, 10)], Known()))

    assert close(frontier, next(frontier.pieces())) == piece(0, 10)


def test_a_list_piece_is_complete_as_far_as_its_reader_kept_it() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([piece(0, 10_000)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number) as reader:
        page_came(reader, 9_999, 9_990)
        page_came(reader, 9_990, 9_981)
    handed_out = next(pieces)

    assert close(frontier, number) == piece(9_880, 10_000)
    assert close(frontier, handed_out) == piece(0, 9_880)


def test_one_piece_is_handed_out_and_more_when_it_proves_to_hold_more() -> None:
    workers = Workers(16)
    frontier = Frontier(workers)
    frontier.open(Phase([piece(0, 100_000)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)

    with frontier.reading(number) as reader:
        for page in range(10):
            page_came(reader, 99_999 - page * 9, 99_990 - page * 9)
        assert workers.idle() == 14
        handed_out = next(pieces)
        with frontier.reading(handed_out) as other:
            page_came(other, 99_899, 99_890)
            assert workers.idle() == 12

    assert len([next(pieces) for _ in range(2)]) == 2


def with_one_handed_out(*, more: bool) -> tuple[Workers, PieceReader]:
    """A list after two pages, and its reader; the piece that was handed out holds more than a page, or not."""
    workers = Workers(16)
    frontier = Frontier(workers)
    frontier.open(Phase([piece(0, 100_000)], Known()))
    pieces = frontier.pieces()
    reader = frontier.reader(next(pieces))
    page_came(reader, 99_999, 99_990)
    page_came(reader, 99_990, 99_981)
    frontier.reader(next(pieces)).page_came(rows=True, more=more)
    return workers, reader


def test_a_list_has_no_more_readers_than_fill_its_rate_budget() -> None:
    workers, reader = with_one_handed_out(more=True)

    page_came(reader, 99_980, 99_980, readers=3)

    assert workers.idle() == 16 - 3


@pytest.mark.parametrize("fails", [True, False])
def test_a_list_that_is_through_or_failed_leaves_its_workers_to_others(fails: bool) -> None:
    workers = Workers(10)
    through, other = Frontier(workers), Frontier(workers)
    through.open(Phase([piece(0, 10_000)], Known()))
    pieces = through.pieces()
    number = next(pieces)
    page_came(through.reader(number), 9_999, 9_900)
    assert workers.fair_share(other, Need(24, 10)) == 5

    if fails:
        with pytest.raises(OSError, match="gone"), through.reading(number):
            raise OSError("gone")
    else:
        close(through, number)
        close(through, next(pieces))

    assert workers.fair_share(other, Need(24, 10)) == 10


@pytest.mark.parametrize("more", [True, False])
def test_a_piece_that_holds_more_than_a_page_is_followed_by_others(more: bool) -> None:
    workers, reader = with_one_handed_out(more=more)
    for _ in range(8):
        reader.page_came(rows=True, more=True)
    idle = workers.idle()

    page_came(reader, 99_980, 99_980)

    assert idle - workers.idle() == (2 if more else 0)


def test_what_is_handed_out_keeps_what_it_is_asked_with() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([ListPiece(1, (("active", "true"),), Range(0, 10_000), expects=True, birth=99)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number) as reader:
        page_came(reader, 9_999, 9_990)
        page_came(reader, 9_990, 9_981)

    handed_out = frontier.reader(next(pieces)).list_piece
    assert handed_out == ListPiece(1, (("active", "true"),), Range(0, 9_880), expects=True)
    assert handed_out.birth == 99


def test_a_list_without_ranges_is_not_cut() -> None:
    frontier = Frontier(Workers(9))
    frontier.open(Phase([ListPiece()], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    with frontier.reading(number) as reader:
        page_came(reader, 9_999, 9_990)
    close(frontier, number)

    assert list(pieces) == []


def change(number: int) -> Change:
    return Change(f"x_{number}", 9, 5, deleted=False, shown={})


def test_parts_are_made_for_those_who_are_idle() -> None:
    frontier = Frontier(Workers(4))
    frontier.open(Phase([ChangedPiece(0, ())], Known()))
    pieces = frontier.pieces()
    number = next(pieces)
    asked: list[int] = []

    def parts(idle: int) -> list[Piece]:
        asked.append(idle)
        return [ChangedPiece(0, (change(each),)) for each in range(idle)]

    with frontier.reading(number) as reader:
        reader.hand_out(parts)
        reader.hand_out(parts)  # nobody is idle any more
    handed_out = [next(pieces) for _ in range(3)]

    assert asked == [3]
    assert [frontier.reader(each).piece for each in handed_out] == [
        ChangedPiece(0, (change(each),)) for each in range(3)
    ]
    assert [close(frontier, each) for each in (number, *handed_out)] == [None] * 4
    assert list(pieces) == []


def test_only_list_pieces_are_asked_for_as_such() -> None:
    frontier = Frontier(Workers(1))
    frontier.open(Phase([ChangedPiece(0, ())], Known()))

    reader = frontier.reader(next(frontier.pieces()))
    with pytest.raises(TypeError, match="no part of a list"):
        assert reader.list_piece


def test_a_piece_stays_open_until_what_it_completed_is_taken_note_of() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([piece(0, 10)], Known()))
    pieces = frontier.pieces()
    number = next(pieces)

    with frontier.finishing(number) as completed:
        assert completed == piece(0, 10)
        assert frontier.reader(number).piece == piece(0, 10)
    with pytest.raises(KeyError):
        frontier.reader(number)
    assert list(pieces) == []


def test_a_frontier_can_be_opened_again_when_all_is_through() -> None:
    frontier = Frontier(Workers(2))
    frontier.open(Phase([piece(0, 10)], Known()))
    for number in frontier.pieces():
        close(frontier, number)

    frontier.open(Phase([piece(10, 20)], Known()))

    assert frontier.reader(next(frontier.pieces())).piece == piece(10, 20)


def test_no_more_workers_are_idle_than_are_worth_having() -> None:
    worth = 3
    workers = Workers(8, lambda: worth)

    assert workers.idle() == 3
    worth = 0
    assert workers.idle() == 1
    worth = 80
    assert workers.idle() == 8
    workers.expect(6)
    assert workers.idle() == 2
