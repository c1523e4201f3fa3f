"""The splitting rule: whatever the data and the order of completion, every row comes exactly once."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.ranges import Descent, PageSpan, Range, Trust, merge, split, subtract

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


@given(ranges, seconds)
def test_split_at_loses_no_second(whole: Range, second: int) -> None:
    parts = whole.split_at(second)

    assert sorted(seconds_in(parts)) == seconds_in([whole])
    assert parts == sorted(parts, reverse=True)


@given(
    start=st.integers(0, 1000),
    unread=st.integers(0, 100_000),
    page_seconds=st.integers(0, 1000),
    rows=st.integers(1, 100),
    idle=st.integers(0, 64),
)
def test_split_covers_the_range_and_cuts_no_shorter_than_eight_pages(
    start: int, unread: int, page_seconds: int, rows: int, idle: int
) -> None:
    oldest = start + unread
    whole = Range(start, oldest + page_seconds + 1)

    kept, handed_out = split(whole, PageSpan(oldest + page_seconds, oldest, rows), idle)

    assert kept.end == whole.end
    assert kept.start <= oldest
    assert merge([kept, *handed_out]) == (whole,)
    assert sum(piece.end - piece.start for piece in [kept, *handed_out]) == whole.end - whole.start
    assert len(handed_out) <= idle
    assert all(piece.end - piece.start >= 8 * max(page_seconds, 1) for piece in handed_out)


def test_no_idle_worker_no_split() -> None:
    assert split(Range(0, 10_000), PageSpan(9_999, 9_990, 100), idle=0) == (Range(0, 10_000), [])


def test_dense_pages_are_handed_out_in_equal_pieces_newest_first() -> None:
    kept, handed_out = split(Range(0, 10_100), PageSpan(10_099, 10_000, 100), idle=3)

    assert kept == Range(7_500, 10_100)
    assert handed_out == [Range(5_000, 7_500), Range(2_500, 5_000), Range(0, 2_500)]


@given(st.lists(st.tuples(st.sampled_from(["page", "give", "rows", "nothing"]), st.integers(0, 20)), max_size=200))
def test_pieces_that_turn_out_empty_stay_few(steps: list[tuple[str, int]]) -> None:
    trust = Trust()
    pages = given_out = fruitful = empty = 0
    for what, idle in steps:
        if what == "give":
            pieces = min(idle, trust.pieces)
            trust.give(pieces)
            given_out += pieces
        elif what == "page":
            trust.page()
            pages += 1
        elif given_out > fruitful + empty:
            trust.proved(rows=what == "rows")
            fruitful += what == "rows"
            empty += what == "nothing"
        assert trust.pieces >= 0

    assert empty <= 1 + fruitful + pages // 20


def test_trust_grows_with_what_pieces_hold_and_with_pages() -> None:
    trust = Trust()
    trust.give(1)
    trust.proved(rows=False)
    assert trust.pieces == 0
    for _ in range(20):
        trust.page()
    assert trust.pieces == 1
    trust.give(1)
    trust.proved(rows=True)
    assert trust.pieces == 2


def test_what_is_above_the_last_row_of_a_page_is_through_when_it_is_time_to_say_so() -> None:
    descent = Descent(every=3)

    assert descent.through(PageSpan(99, 90, 10), steps=1) is None
    assert descent.through(PageSpan(90, 80, 10), steps=1) is None
    assert descent.through(PageSpan(80, 70, 10), steps=1) == 71
    assert descent.through(PageSpan(70, 60, 10), steps=1) == 61  # still not said
    descent.said()
    assert descent.through(PageSpan(60, 50, 10), steps=1) is None
    assert descent.through(PageSpan(50, 40, 10), steps=5) == 41


def test_a_list_in_another_order_is_not_through_before_its_end() -> None:
    descent = Descent(every=1)

    assert descent.through(PageSpan(99, 90, 10), steps=1) == 91
    assert descent.through(PageSpan(91, 80, 10), steps=1) is None
    assert descent.through(PageSpan(80, 70, 10), steps=1) is None


class ListOfRows:
    """A list as Stripe pages it: newest first, rows of a second in a fixed order."""

    def __init__(self, created: list[int]) -> None:
        self.rows = sorted(((second, number) for number, second in enumerate(created)), reverse=True)
        self.requests = 0

    def page(self, piece: Range, after: tuple[int, int] | None, size: int) -> tuple[list[tuple[int, int]], bool]:
        self.requests += 1
        matching = [row for row in self.rows if piece.start <= row[0] < piece.end and (after is None or row < after)]
        return matching[:size], len(matching) > size


def read_all(
    rows: ListOfRows, whole: Range, *, size: int, workers: int, chance: random.Random
) -> Counter[tuple[int, int]]:
    """Read as the workers do, one page at a time, in any order."""
    emitted: Counter[tuple[int, int]] = Counter()
    under_way: list[tuple[Range, tuple[int, int] | None]] = [(whole, None)]
    while under_way:
        piece, after = under_way.pop(chance.randrange(len(under_way)))
        page, has_more = rows.page(piece, after, size)
        emitted.update(page)
        if has_more:
            idle = max(0, workers - 1 - len(under_way))
            kept, handed_out = split(piece, PageSpan(page[0][0], page[-1][0], len(page)), idle)
            under_way += [(kept, page[-1]), *((handed, None) for handed in handed_out)]
    return emitted


@given(
    created=st.lists(st.integers(0, 20_000) | st.integers(100, 103), max_size=300),
    size=st.integers(1, 20),
    workers=st.integers(1, 12),
    chance=st.randoms(use_true_random=False),
)
def test_every_row_comes_exactly_once(created: list[int], size: int, workers: int, chance: random.Random) -> None:
    rows = ListOfRows(created)

    emitted = read_all(rows, Range(0, 20_001), size=size, workers=workers, chance=chance)

    assert emitted == Counter(rows.rows)


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_even_data_costs_few_requests_beside_its_pages(workers: int) -> None:
    rows = ListOfRows([second * 10 for second in range(20_000)])

    read_all(rows, Range(0, 200_000), size=100, workers=workers, chance=random.Random(7))

    assert rows.requests <= 200 * 1.2
