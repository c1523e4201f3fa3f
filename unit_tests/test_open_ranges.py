"""Ranges of open rows: few, and none is lost or becomes due later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import PageSpan, Range
from source_stripe.reading.open_ranges import MOST_DAYS, MOST_RANGES, DueRanges, OpenRanges, Rest, left_behind

DAY = 86_400
dues = st.none() | st.integers(0, 90 * DAY)
seconds = st.integers(0, 5_000)
notes = st.lists(st.tuples(dues, seconds), max_size=200)


def at(due: int | None, *seconds: int) -> DueRanges:
    return DueRanges(due, tuple(Range(second, second + 1) for second in seconds))


def holding(ranges: OpenRanges, second: int, due: int | None) -> list[DueRanges]:
    """The groups that make a row of this second be listed when it is due, or earlier."""
    return [
        each
        for each in ranges.groups
        if each.holds(second) and (each.due is None if due is None else each.due is not None and each.due <= due)
    ]


@given(notes)
def test_every_row_is_held_and_due_in_time(noted: list[tuple[int | None, int]]) -> None:
    ranges = OpenRanges.of(at(due, second) for due, second in noted)

    assert all(holding(ranges, second, due) for due, second in noted)


@given(notes)
def test_a_state_has_few_ranges_and_days(noted: list[tuple[int | None, int]]) -> None:
    ranges = OpenRanges.of(at(due, second) for due, second in noted)

    assert sum(len(each.ranges) for each in ranges.groups) <= MOST_RANGES
    assert len([each for each in ranges.groups if each.due is not None]) <= MOST_DAYS
    days = [each.day for each in ranges.groups]
    assert len(days) == len(set(days))


@given(st.lists(st.tuples(dues, seconds), max_size=60))
def test_few_rows_are_held_exactly(noted: list[tuple[int | None, int]]) -> None:
    noted = [(None if due is None else due % (30 * DAY), second) for due, second in noted]

    ranges = OpenRanges.of(at(due, second) for due, second in noted)

    held = {(each.day, second) for each in ranges.groups for piece in each.ranges for second in seconds_of(piece)}
    assert held == {(None if due is None else due // DAY, second) for due, second in noted}


def seconds_of(piece: Range) -> range:
    return range(piece.start, piece.end)


@given(notes)
def test_what_is_dumped_is_parsed(noted: list[tuple[int | None, int]]) -> None:
    ranges = OpenRanges.of(at(due, second) for due, second in noted)

    assert OpenRanges.parse(ranges.dump()) == ranges


@given(notes, dues.filter(lambda due: due is not None))
def test_each_group_is_due_or_later(noted: list[tuple[int | None, int]], now: int) -> None:
    ranges = OpenRanges.of(at(due, second) for due, second in noted)

    due, later = ranges.due_at(now), ranges.later_than(now)
    assert sorted(map(str, (*due.groups, *later.groups))) == sorted(map(str, ranges.groups))
    assert all(each.due is None or each.due <= now for each in due.groups)


@given(notes, st.lists(st.tuples(seconds, seconds), max_size=5))
def test_what_is_through_is_taken_out_and_nothing_else(
    noted: list[tuple[int | None, int]], through: list[tuple[int, int]]
) -> None:
    ranges = OpenRanges.of(at(due, second) for due, second in noted)
    done = [Range(start, end) for start, end in through]

    left = ranges.without(done)

    for each in {second for _, second in noted}:
        gone = any(piece.holds(each) for piece in done)
        before = {group.due for group in ranges.groups if group.holds(each)}
        assert {group.due for group in left.groups if group.holds(each)} == (set() if gone else before)


def test_the_shortest_gaps_are_closed_first() -> None:
    near = [1_000_000 + 2 * n for n in range(70)]
    far = [5_000 * n for n in range(70)]

    (group,) = OpenRanges.of([at(None, *near, *far)]).groups

    assert len(group.ranges) == MOST_RANGES
    assert {each for each in far if Range(each, each + 1) in group.ranges} == set(far)


def test_days_that_are_too_many_are_due_with_an_earlier_one() -> None:
    ranges = OpenRanges.of(at(DAY * n + 7, n) for n in range(MOST_DAYS + 1))

    assert len(ranges.groups) == MOST_DAYS
    assert ranges.groups[0] == DueRanges(7, (Range(0, 2),))


def test_rows_of_one_day_are_due_with_its_first() -> None:
    assert OpenRanges.of([at(DAY + 50, 1), at(DAY + 20, 5), at(2 * DAY, 9)]).dump() == [
        [DAY + 20, [[1, 2], [5, 6]]],
        [2 * DAY, [[9, 10]]],
    ]


@pytest.mark.parametrize("raw", [7, [7], [[1, 2, 3]], [["never", []]], [[None, [[1]]]]])
def test_something_else_is_refused(raw: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        OpenRanges.parse(raw)


def test_a_page_leaves_what_lies_below_it_and_what_it_cuts() -> None:
    ranges = (Range(0, 10), Range(20, 30), Range(40, 50), Range(60, 70))

    assert left_behind(PageSpan(69, 45), ranges, more=True) == Rest((*ranges[:2], Range(40, 46)))
    assert left_behind(PageSpan(49, 45), ranges[:3], more=True) == Rest(ranges[:2], (Range(40, 46),))
    assert left_behind(PageSpan(69, 35), ranges, more=True) == Rest(ranges[:2])
    assert left_behind(PageSpan(69, 30), ranges, more=True) == Rest(ranges[:2])
    assert left_behind(PageSpan(69, 29), ranges, more=True) == Rest(ranges[:2])
    assert left_behind(PageSpan(69, 5), ranges, more=False) == Rest(())
    assert left_behind(None, ranges, more=True) == Rest((), ranges)
