"""Ranges of `created`, and the rule that splits one while it is read. Pure: no clock, no threads, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

_PAGES_A_PIECE = 12
"""A piece shorter than this wastes too much: each ends in a page that is half empty."""
_PAGES_AT_THE_END = 1
"""But where the end of a long list is near, that waste is little beside the waiting of workers that have nothing to
do."""
_LONG = 100
"""Pages."""

_FORESIGHT = 24
"""A list is taken to go on as densely for so many times as many pages as were read of it, and no further."""
_GAPS = 100 / 99
"""A page of a hundred rows lies between ninety-nine of the gaps of time between them."""


@dataclass(frozen=True, order=True)
class Range:
    """A half-open interval of `created`: `start <= created < end`, Unix seconds.

    `onward` where what was created later still belongs to it, at whatever time: test clocks run ahead, so that objects
    are created in the future. `end` then is only how far the range counts as read.
    """

    start: int
    end: int
    onward: bool = field(default=False, compare=False)

    def __bool__(self) -> bool:
        return self.start < self.end

    def holds(self, second: int) -> bool:
        return self.start <= second and (self.onward or second < self.end)


def merge(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same seconds in as few ranges as possible, oldest first."""
    merged: list[Range] = []
    for piece in sorted(filter(None, ranges)):
        if merged and piece.start <= merged[-1].end:
            merged[-1] = Range(merged[-1].start, max(merged[-1].end, piece.end))
        else:
            merged.append(piece)
    return tuple(merged)


def subtract(whole: Range, done: Iterable[Range]) -> tuple[Range, ...]:
    """What of `whole` is not in `done`, oldest first."""
    left: list[Range] = []
    at = whole.start
    for piece in merge(done):
        left.append(Range(at, min(piece.start, whole.end)))
        at = max(at, piece.end)
    left.append(Range(at, whole.end))
    return tuple(filter(None, left))


@dataclass(frozen=True)
class PageSpan:
    """The seconds that a page of a list, newest row first, came from."""

    newest: int
    oldest: int


@dataclass(frozen=True)
class Ahead:
    """What a reader has before it, as far as can be foreseen: so many seconds, and how many of them make a page."""

    seconds: float
    seconds_a_page: float

    @property
    def pages(self) -> float:
        return self.seconds / self.seconds_a_page


def foresee(being_read: Range, page: PageSpan, *, read: int, birth: int = 0) -> Ahead:
    """What is left behind a page of a list of which `read` pages were read; hardly anything is older than `birth`."""
    bottom = birth if being_read.start < birth < page.oldest else being_read.start
    seconds_a_page = max(page.newest - page.oldest, 1) * _GAPS
    return Ahead(min(page.oldest - bottom, _FORESIGHT * read * seconds_a_page), seconds_a_page)


def shortest_piece(read: int, *, ending: bool) -> int:
    """How many pages are worth a piece of their own, of a list of which `read` pages were read.

    `ending` where it has fewer readers than fill its rate budget, and is about to have none.
    """
    return _PAGES_AT_THE_END if ending and read >= _LONG else _PAGES_A_PIECE


def split(being_read: Range, oldest: int, ahead: Ahead, *, others: int, shortest: int) -> tuple[Range, list[Range]]:
    """What the reader keeps of its range, behind a page that ended in second `oldest`, and the pieces for `others`.

    The reader goes on by cursor, so that a cut costs no request by itself. What can be foreseen before that second is
    cut into equal pieces of whole pages, none of fewer than `shortest`, so that a list that goes on as evenly leaves no
    page half empty. The reader keeps the newest; the oldest has all that lies beyond. So where a list turns out to be
    dense in a few hours only, one piece is empty, and the next cuts fall into those hours.
    """
    pieces = min(others + 1, int(ahead.pages / shortest))
    if pieces < 2:
        return being_read, []
    each = ahead.pages // pieces * ahead.seconds_a_page
    cuts = [being_read.start, *(int(oldest - each * n) for n in range(pieces - 1, 0, -1))]
    handed_out = [Range(start, end) for start, end in pairwise(cuts)]
    return replace(being_read, start=cuts[-1]), handed_out[::-1]


@dataclass
class Descent:
    """How far down a list its reader has come: newest rows first, so what lies above is through once it was emitted.

    A list whose pages don't come in that order is never through before its end.
    """

    every: int
    """Steps after which it is time to say so."""
    _steps: int = 0
    _oldest: int | None = None
    _ordered: bool = True

    def through(self, page: PageSpan, steps: int) -> int | None:
        """The second from which on all rows have come with this page, if it is time to say so."""
        self._ordered &= self._oldest is None or page.newest <= self._oldest
        self._oldest = page.oldest
        self._steps += steps
        return page.oldest + 1 if self._ordered and self._steps >= self.every else None

    def said(self) -> None:
        """It was said: the next time is as many steps away."""
        self._steps = 0


def intersect(several: Iterable[Iterable[Range]]) -> tuple[Range, ...]:
    """The seconds that are in each of several sets of ranges, oldest first."""
    sets = [merge(ranges) for ranges in several]
    common = sets[0] if sets else ()
    for others in sets[1:]:
        overlaps = [Range(max(one.start, other.start), min(one.end, other.end)) for one in common for other in others]
        common = merge(overlaps)
    return common
