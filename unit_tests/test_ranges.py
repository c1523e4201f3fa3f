"""Ranges of `created`, and how they are cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import Descent, PageSpan, Range, merge, subtract
from source_stripe.reading.splitting import Ahead, foresee, shortest_piece, split

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
    others=st.integers(-1, 64),
    read=st.integers(1, 1000),
    ending=st.booleans(),
    birth=st.integers(0, 3000),
)
def test_split_covers_the_range_and_cuts_no_short_pieces(
    start: int, unread: int, page_seconds: int, others: int, read: int, ending: bool, birth: int
) -> None:
    oldest = start + unread
    whole = Range(start, oldest + page_seconds + 1)
    ahead = foresee(whole, PageSpan(oldest + page_seconds, oldest), read=read, birth=birth)

    kept, handed_out = split(whole, oldest, ahead, others=others, shortest=shortest_piece(read, ending=ending))

    assert kept.end == whole.end
    assert kept.start <= oldest
    assert merge([kept, *handed_out]) == (whole,)
    assert sum(piece.end - piece.start for piece in [kept, *handed_out]) == whole.end - whole.start
    assert len(handed_out) <= max(others, 0)
    shortest = (1 if ending and read >= 100 else 12) * max(page_seconds, 1)
    assert all(piece.end - piece.start >= shortest for piece in handed_out)
    if handed_out and start < birth < oldest:
        assert handed_out[-1].end - birth >= shortest


def cut(
    created: Range, page: PageSpan, others: int, read: int, *, ending: bool = False, birth: int = 0
) -> tuple[Range, list[Range]]:
    """What is kept, and what is handed out, newest first."""
    ahead = foresee(created, page, read=read, birth=birth)
    return split(created, page.oldest, ahead, others=others, shortest=shortest_piece(read, ending=ending))


PAGE = PageSpan(10_099, 10_000)
"""A hundred rows, one a second."""


def test_nobody_to_hand_to_no_split() -> None:
    assert cut(Range(0, 10_100), PAGE, others=0, read=99) == (Range(0, 10_100), [])


def test_what_can_be_foreseen_is_handed_out_in_equal_pieces_newest_first() -> None:
    kept, handed_out = cut(Range(0, 10_100), PAGE, others=3, read=99)

    assert kept == Range(7_500, 10_100)
    assert handed_out == [Range(5_000, 7_500), Range(2_500, 5_000), Range(0, 2_500)]


def test_pieces_are_of_whole_pages() -> None:
    kept, handed_out = cut(Range(0, 10_100), PAGE, others=2, read=99)

    assert kept == Range(6_700, 10_100)
    # A hundred pages are left: the reader keeps 33, and the oldest piece has 34.
    assert handed_out == [Range(3_400, 6_700), Range(0, 3_400)]


def test_a_list_is_foreseen_for_24_times_what_was_read_of_it() -> None:
    kept, handed_out = cut(Range(0, 1_000_000), PageSpan(100_099, 100_000), others=3, read=2)

    assert kept == Range(98_800, 1_000_000)
    assert handed_out == [Range(97_600, 98_800), Range(96_400, 97_600), Range(0, 96_400)]


def test_pieces_are_shorter_where_a_long_list_ends() -> None:
    rest = Range(8_000, 10_100)

    assert len(cut(rest, PAGE, others=9, read=99, ending=True)[1]) == 0
    assert len(cut(rest, PAGE, others=9, read=100)[1]) == 0
    assert len(cut(rest, PAGE, others=9, read=100, ending=True)[1]) == 9


def test_what_is_older_than_the_account_makes_no_piece_of_its_own() -> None:
    whole = Range(0, 10_100)

    assert cut(whole, PAGE, others=3, read=99, birth=7_600)[1] == [Range(0, 8_800)]
    assert cut(whole, PAGE, others=3, read=99, birth=7_700)[1] == []
    assert len(cut(whole, PAGE, others=3, read=99, birth=20_000)[1]) == 3


def test_what_is_above_the_last_row_of_a_page_is_through_when_it_is_time_to_say_so() -> None:
    descent = Descent(every=3)

    assert descent.emitted_from(PageSpan(99, 90), steps=1) is None
    assert descent.emitted_from(PageSpan(90, 80), steps=1) is None
    assert descent.emitted_from(PageSpan(80, 70), steps=1) == 71
    assert descent.emitted_from(PageSpan(70, 60), steps=1) == 61  # still not said
    descent.checkpointed()
    assert descent.emitted_from(PageSpan(60, 50), steps=1) is None
    assert descent.emitted_from(PageSpan(50, 40), steps=5) == 41


def test_a_list_in_another_order_is_not_through_before_its_end() -> None:
    descent = Descent(every=1)

    assert descent.emitted_from(PageSpan(99, 90), steps=1) == 91
    assert descent.emitted_from(PageSpan(91, 80), steps=1) is None
    assert descent.emitted_from(PageSpan(80, 70), steps=1) is None


def test_the_newest_range_holds_what_was_created_in_the_future() -> None:
    onward = Range(10, 20, onward=True)

    assert [second for second in (9, 10, 20, 10**10) if onward.holds(second)] == [10, 20, 10**10]
    assert [second for second in (9, 10, 19, 20) if Range(10, 20).holds(second)] == [10, 19]


def test_only_what_the_reader_keeps_goes_onward() -> None:
    """Also where all that was read so far lies in the future."""
    for oldest in (900, 5_000):
        ahead = Ahead(800, 10)
        kept, handed_out = split(Range(0, 1_000, onward=True), oldest, ahead, others=3, shortest=1)

        assert kept.onward
        assert handed_out
        assert not any(piece.onward for piece in handed_out)
        assert [handed_out[-1].start, *(piece.end for piece in handed_out[::-1])] == [
            0,
            *(piece.start for piece in handed_out[-2::-1]),
            kept.start,
        ]
