"""Ranges of `created` that hold open rows: rows whose state is not final, and of which no event tells. Pure.

A state keeps these ranges, so there are few of them, however many rows are open. See docs/design/changes.md, "Open
rows".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from source_stripe.api.ranges import PageSpan, Range, merge, without

_DAY = 86_400
"""Seconds."""
MOST_DAYS = 40
"""Days that rows of a stream are due at. See docs/design/changes.md, "Open rows"."""
MOST_RANGES = 120
"""Ranges of all days together. See docs/design/changes.md, "Open rows"."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class DueRanges:
    """Ranges that hold open rows which may be final from one second (Unix) on; at any time if `due` is None."""

    due: int | None
    ranges: tuple[Range, ...]

    @property
    def day(self) -> int | None:
        return day_of(self.due)

    def holds(self, second: int) -> bool:
        return any(each.holds(second) for each in self.ranges)


@dataclass(frozen=True)
class OpenRanges:
    """All of a stream's ranges, one group for each day at which rows are due, the earliest first."""

    groups: tuple[DueRanges, ...] = ()

    @classmethod
    def of(cls, groups: Iterable[DueRanges]) -> OpenRanges:
        """These ranges in as few groups and ranges as a state may have. None of their seconds is lost, and none is due
        later than it was.
        """
        return cls(_of_few_ranges(_of_few_days(_by_day(groups))))

    @classmethod
    def parse(cls, raw: Any) -> OpenRanges:
        """Raises TypeError or ValueError where a state has something else."""
        return cls.of(
            DueRanges(None if due is None else int(due), tuple(Range(int(start), int(end)) for start, end in ranges))
            for due, ranges in raw
        )

    def dump(self) -> list[Any]:
        return [[each.due, [[piece.start, piece.end] for piece in each.ranges]] for each in self.groups]

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The seconds of all groups, oldest first."""
        return merge(piece for each in self.groups for piece in each.ranges)

    def due_at(self, now: int) -> OpenRanges:
        """Those whose time has come."""
        return OpenRanges(tuple(each for each in self.groups if each.due is None or each.due <= now))

    def later_than(self, now: int) -> OpenRanges:
        """Those whose time has not come."""
        return OpenRanges(tuple(each for each in self.groups if each.due is not None and each.due > now))

    def without(self, done: Sequence[Range]) -> OpenRanges:
        """The same less these seconds."""
        left = (replace(each, ranges=without(each.ranges, done)) for each in self.groups)
        return OpenRanges(tuple(each for each in left if each.ranges))

    def since(self, start: int) -> OpenRanges:
        """The same without what was created before a second (Unix)."""
        return self.without([Range(0, start)])


def day_of(due: int | None) -> int | None:
    """The day (UTC) of a time."""
    return None if due is None else due // _DAY


def _by_day(groups: Iterable[DueRanges]) -> list[DueRanges]:
    """One group for each day, those without a time first, then by their times."""
    days: dict[int | None, DueRanges] = {}
    for each in groups:
        known = days.get(each.day)
        days[each.day] = each if known is None else _together([known, each])
    whole = (replace(each, ranges=merge(each.ranges)) for each in days.values())
    return sorted((each for each in whole if each.ranges), key=lambda each: -1 if each.due is None else each.due)


def _together(groups: Sequence[DueRanges]) -> DueRanges:
    """As one: it is due when the first of them is, as listing rows too early only costs."""
    dues = [each.due for each in groups if each.due is not None]
    return DueRanges(min(dues, default=None), tuple(piece for each in groups for piece in each.ranges))


def _of_few_days(groups: Sequence[DueRanges]) -> list[DueRanges]:
    timeless = [each for each in groups if each.due is None]
    timed = [each for each in groups if each.due is not None]
    dues = [each.due or 0 for each in timed]
    gaps = sorted((later - earlier, place) for place, (earlier, later) in enumerate(pairwise(dues), 1))
    closed = {place for _, place in gaps[: max(len(timed) - MOST_DAYS, 0)]}
    merged = (_together(run) for run in _runs(timed, lambda place: place in closed))
    return [*timeless, *(replace(each, ranges=merge(each.ranges)) for each in merged)]


def _of_few_ranges(groups: Sequence[DueRanges]) -> tuple[DueRanges, ...]:
    """The shortest gaps are closed, in whichever group they are."""
    excess = sum(len(each.ranges) for each in groups) - MOST_RANGES
    if excess <= 0:
        return tuple(groups)
    gaps = sorted(
        (newer.start - older.end, which, place)
        for which, each in enumerate(groups)
        for place, (older, newer) in enumerate(pairwise(each.ranges), 1)
    )
    closed = {(which, place) for _, which, place in gaps[:excess]}
    return tuple(
        replace(each, ranges=tuple(_spans(each.ranges, {place for group, place in closed if group == which})))
        for which, each in enumerate(groups)
    )


def _spans(ranges: Sequence[Range], closed: set[int]) -> Iterator[Range]:
    for run in _runs(ranges, closed.__contains__):
        yield Range(run[0].start, run[-1].end)


def _runs(items: Sequence[_Item], goes_on: Callable[[int], bool]) -> Iterator[list[_Item]]:
    """The items in runs; one begins at each place but where the last goes on."""
    run: list[_Item] = []
    for place, item in enumerate(items):
        if run and not goes_on(place):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


@dataclass(frozen=True)
class Rest:
    """What a page of a list has left of the ranges that it was asked for."""

    sparse: tuple[Range, ...]
    """Ranges below the page: the next request begins at the newest of them, so that what lies between is not listed."""
    dense: tuple[Range, ...] = ()
    """Ranges that fill the page and go on behind it: they are listed as any list is, and by several readers."""


def left_behind(page: PageSpan | None, ranges: tuple[Range, ...], *, more: bool) -> Rest:
    """What is left of the ranges behind the page that holds the newest of them.

    `page` is None where its rows don't come newest first: then it says nothing of what is left.
    """
    if not more:
        return Rest(())
    if page is None:
        return Rest((), ranges)
    below = tuple(each for each in ranges if each.end <= page.oldest)
    cut = tuple(Range(each.start, page.oldest + 1) for each in ranges if each.start <= page.oldest < each.end)
    fills_page = any(each.start <= page.oldest and page.newest < each.end for each in ranges)
    return Rest(below, cut) if fills_page else Rest((*below, *cut))
