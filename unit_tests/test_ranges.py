"""The splitting rule: whatever the data and the order of completion, every row comes exactly once."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.ranges import Descent, PageSpan, Range, Trust, merge, split, subtract
from unit_tests.spreads import LIFE, SPREADS

seconds = st.integers(0, 400)
ranges = st.builds(lambda a, b: Range(min(a, b), max(a, b)), seconds, seconds)


def seconds_in(pieces: list[Range] | tuple[Range, ...]) -> list[int]:
    return [second for piece in pieces for second in range(piece.start, piece.end)]


@given(st.lists(ranges))
def test_merge_keeps_the_seconds_and_leaves_gaps_between(pieces: list[Range]) -> None:
    merged = merge(pieces)

    assert seconds_in(merged) == sorted(set(seconds_in(pieces)))
    assert all(left.end < right.start for left, right in pairwise(merged))


@given(ranges, st.lists(ranges))
def test_subtract_leaves_what_is_not_done(whole: Range, done: list[Range]) -> None:
    left = subtract(whole, done)

    assert seconds_in(left) == sorted(set(seconds_in([whole])) - set(seconds_in(done)))


@given(
    start=st.integers(0, 1000),
    unread=st.integers(0, 100_000),
    page_seconds=st.integers(0, 1000),
    others=st.integers(0, 64),
    read=st.integers(1, 1000),
    birth=st.integers(0, 3000),
)
def test_split_covers_the_range_and_cuts_no_short_pieces(
    start: int, unread: int, page_seconds: int, others: int, read: int, birth: int
) -> None:
    oldest = start + unread
    whole = Range(start, oldest + page_seconds + 1)

    kept, handed_out = split(whole, PageSpan(oldest + page_seconds, oldest), others=others, read=read, birth=birth)

    assert kept.end == whole.end
    assert kept.start <= oldest
    assert merge([kept, *handed_out]) == (whole,)
    assert sum(piece.end - piece.start for piece in [kept, *handed_out]) == whole.end - whole.start
    assert len(handed_out) <= others
    shortest = (4 if read >= 100 and others >= 8 else 12) * max(page_seconds, 1)
    assert all(piece.end - piece.start >= shortest for piece in handed_out)
    if handed_out and start < birth < oldest:
        assert handed_out[-1].end - birth >= shortest


def test_nobody_to_hand_to_no_split() -> None:
    assert split(Range(0, 10_000), PageSpan(9_999, 9_990), others=0, read=99) == (Range(0, 10_000), [])


def test_what_can_be_foreseen_is_handed_out_in_equal_pieces_newest_first() -> None:
    kept, handed_out = split(Range(0, 10_100), PageSpan(10_099, 10_000), others=3, read=99)

    assert kept == Range(7_500, 10_100)
    assert handed_out == [Range(5_000, 7_500), Range(2_500, 5_000), Range(0, 2_500)]


def test_a_list_is_foreseen_for_24_times_what_was_read_of_it() -> None:
    kept, handed_out = split(Range(0, 1_000_000), PageSpan(100_000, 99_990), others=3, read=2)

    assert kept == Range(99_870, 1_000_000)
    assert handed_out == [Range(99_750, 99_870), Range(99_630, 99_750), Range(0, 99_630)]


def test_pieces_are_shorter_where_a_long_list_leaves_many_idle() -> None:
    page = PageSpan(10_099, 10_000)

    assert len(split(Range(8_000, 10_100), page, others=9, read=99)[1]) == 0
    assert len(split(Range(8_000, 10_100), page, others=7, read=100)[1]) == 0
    assert len(split(Range(8_000, 10_100), page, others=8, read=100)[1]) == 4


def test_what_is_older_than_the_account_makes_no_piece_of_its_own() -> None:
    page = PageSpan(10_099, 10_000)

    assert split(Range(0, 10_100), page, others=3, read=99, birth=7_600)[1] == [Range(0, 8_800)]
    assert split(Range(0, 10_100), page, others=3, read=99, birth=7_700)[1] == []
    assert len(split(Range(0, 10_100), page, others=3, read=99, birth=20_000)[1]) == 3


def test_trust_grows_with_pages_and_with_pieces_that_hold_more() -> None:
    trust = Trust()
    trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 1
    trust.given = 1
    assert trust.pieces == 0
    trust.came(rows=True, more=True, first=True)
    assert trust.pieces == 2
    trust.given = 3
    trust.came(rows=True, more=True, first=True)
    trust.came(rows=True, more=True, first=True)
    assert trust.pieces == 4
    for _ in range(34):
        trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 8


@pytest.mark.parametrize("rows", [True, False])
def test_what_is_wasted_has_to_be_earned_again_by_pages(rows: bool) -> None:
    trust = Trust(given=1)
    trust.came(rows=rows, more=False, first=True)
    assert trust.pieces == 0
    for _ in range(37):
        trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 1
    # A reader's own next page was empty, as what lay behind was handed out.
    trust.came(rows=False, more=False, first=False)
    assert trust.pieces == 0


def test_what_is_above_the_last_row_of_a_page_is_through_when_it_is_time_to_say_so() -> None:
    descent = Descent(every=3)

    assert descent.through(PageSpan(99, 90), steps=1) is None
    assert descent.through(PageSpan(90, 80), steps=1) is None
    assert descent.through(PageSpan(80, 70), steps=1) == 71
    assert descent.through(PageSpan(70, 60), steps=1) == 61  # still not said
    descent.said()
    assert descent.through(PageSpan(60, 50), steps=1) is None
    assert descent.through(PageSpan(50, 40), steps=5) == 41


def test_a_list_in_another_order_is_not_through_before_its_end() -> None:
    descent = Descent(every=1)

    assert descent.through(PageSpan(99, 90), steps=1) == 91
    assert descent.through(PageSpan(91, 80), steps=1) is None
    assert descent.through(PageSpan(80, 70), steps=1) is None


class ListOfRows:
    """A list as Stripe pages it: newest first, rows of a second in a fixed order."""

    def __init__(self, created: list[int]) -> None:
        self.rows = sorted((second, number) for number, second in enumerate(created))
        self.requests = 0

    def page(self, piece: Range, after: tuple[int, int] | None, size: int) -> tuple[list[tuple[int, int]], bool]:
        self.requests += 1
        first = bisect_left(self.rows, (piece.start, -1))
        end = bisect_left(self.rows, min((piece.end, -1), after or (piece.end, -1)))
        return self.rows[max(first, end - size) : max(first, end)][::-1], end - first > size


@dataclass
class Readers:
    """Workers that read a list by the rule, without threads: in each round all of them a page, or some of them."""

    rows: ListOfRows
    workers: int
    size: int = 100
    chance: random.Random | None = None
    """Who reads in a round; all if None."""
    trust: Trust = field(default_factory=Trust)
    rounds: int = 0

    def read(self, whole: Range) -> list[tuple[int, int]]:
        emitted: list[tuple[int, int]] = []
        under_way: list[tuple[Range, tuple[int, int] | None]] = [(whole, None)]
        while under_way:
            self.rounds += 1
            reading = under_way[:]
            if self.chance is not None:
                reading = self.chance.sample(reading, self.chance.randint(1, len(reading)))
            for piece, after in reading:
                under_way.remove((piece, after))
                page, has_more = self.rows.page(piece, after, self.size)
                emitted += page
                first = after is None and piece is not whole
                self.trust.came(rows=bool(page), more=has_more, first=first)
                if has_more:
                    others = min(self.workers - 1 - len(under_way), self.trust.pieces)
                    span = PageSpan(page[0][0], page[-1][0])
                    kept, handed_out = split(piece, span, others=others, read=self.trust.pages, birth=whole.start)
                    self.trust.given += len(handed_out)
                    under_way += [(kept, page[-1]), *((handed, None) for handed in handed_out)]
        return emitted


def pages_of(rows: ListOfRows, size: int = 100) -> int:
    """How many requests one reader makes."""
    return max(1, -(-len(rows.rows) // size))


clusters = st.lists(
    st.tuples(st.integers(0, 90_000), st.sampled_from([0, 1, 60, 3_600, 60_000]), st.integers(1, 120)),
    min_size=1,
    max_size=8,
).map(
    lambda parts: [
        min(start + length * number // count, 99_999) for start, length, count in parts for number in range(count)
    ]
)
"""Rows of any shape: some heaps of them, each spread over a second, a minute, an hour, or much of an account's life."""


@given(created=clusters, size=st.integers(5, 20), workers=st.integers(1, 12), chance=st.randoms(use_true_random=False))
def test_every_row_comes_exactly_once(created: list[int], size: int, workers: int, chance: random.Random) -> None:
    rows = ListOfRows(created)

    emitted = Readers(rows, workers, size, chance).read(Range(0, 100_000))

    assert sorted(emitted) == rows.rows


@given(created=clusters, size=st.integers(6, 20), workers=st.integers(1, 64), chance=st.randoms(use_true_random=False))
def test_a_piece_costs_a_request_at_most(created: list[int], size: int, workers: int, chance: random.Random) -> None:
    rows = ListOfRows(created)
    trust = Trust()

    Readers(rows, workers, size, chance, trust).read(Range(0, 100_000))

    assert rows.requests <= pages_of(rows, size) + trust.given
    assert trust.given == trust.judged


@pytest.mark.parametrize("workers", [1, 2, 16, 64])
@pytest.mark.parametrize("spread", SPREADS)
def test_ten_pages_cost_eleven_requests_at_most(spread: str, workers: int) -> None:
    rows = ListOfRows(SPREADS[spread](1_000))

    Readers(rows, workers).read(Range(0, LIFE))

    assert rows.requests <= 10 + (workers > 1)


MOST_FOR_1_000_PAGES = {
    "evenly": 1_050,
    "anywhere": 1_050,
    "in 17 hours just now": 1_100,
    "in 17 hours a year ago": 1_100,
    "in the first 17 hours": 1_050,
    "most in a day": 1_250,
    "in bursts": 1_250,
    "as a random walk": 1_250,
}


@pytest.mark.parametrize("workers", [2, 16, 64])
@pytest.mark.parametrize("spread", MOST_FOR_1_000_PAGES)
def test_1_000_pages_cost_few_requests_more_and_are_soon_shared(spread: str, workers: int) -> None:
    rows = ListOfRows(SPREADS[spread](100_000))
    readers = Readers(rows, workers)

    readers.read(Range(0, LIFE))

    assert rows.requests <= MOST_FOR_1_000_PAGES[spread]
    # Some pages one after the other until all workers have something to do, and the last piece's, too few to be cut.
    assert readers.rounds <= rows.requests / workers + 36
