"""Ranges of `created`, and the rule that splits one while it is read. Pure: no clock, no threads, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_PAGES_A_PIECE = 12
"""A piece shorter than this wastes too much: each ends in a page that is half empty."""
_PAGES_AT_THE_END = 4
"""But where a long list leaves many workers idle, its end is near, and that waste is little beside their waiting."""
_LONG = 100
"""Pages."""
_MANY = 8
"""Workers."""

_FORESIGHT = 24
"""A list is taken to go on as densely for so many times as many pages as were read of it, and no further."""

_FIRST_PAGES = 30
_PAGES_A_WASTE = 8


@dataclass(frozen=True, order=True)
class Range:
    """A half-open interval of `created`: `start <= created < end`, Unix seconds."""

    start: int
    end: int

    def __bool__(self) -> bool:
        return self.start < self.end


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


def split(being_read: Range, page: PageSpan, *, others: int, read: int, birth: int = 0) -> tuple[Range, list[Range]]:
    """What the reader keeps of its range after a page that has more behind it, and the pieces for `others`.

    The reader has come down to `page.oldest` and goes on by cursor, so that a cut costs no request by itself. As far as
    `read` pages let it be foreseen, and hardly anything is older than `birth`, what lies before that second is cut into
    equal pieces, none shorter than twelve pages by the density of this one; or than four, where many wait at the end of
    a long list. The reader keeps the newest; the oldest has all that lies beyond. So where a list turns out to be dense
    in a few hours only, one piece is empty, and the next cuts fall into those hours.
    """
    bottom = birth if being_read.start < birth < page.oldest else being_read.start
    seconds_a_page = max(page.newest - page.oldest, 1)
    foreseen = min(page.oldest - bottom, _FORESIGHT * read * seconds_a_page)
    shortest = _PAGES_AT_THE_END if read >= _LONG and others >= _MANY else _PAGES_A_PIECE
    pieces = min(others + 1, foreseen // (shortest * seconds_a_page))
    if pieces < 2:
        return being_read, []
    cuts = [being_read.start, *(page.oldest - foreseen * n // pieces for n in range(pieces - 1, 0, -1))]
    handed_out = [Range(start, end) for start, end in pairwise(cuts)]
    return Range(cuts[-1], being_read.end), handed_out[::-1]


@dataclass
class Trust:
    """How many pieces may be handed out before it is known what is in them.

    A piece has cost a request for nothing if it turns out to hold no more than a page. One request may be wasted in the
    first thirty pages, and then one more for every eighth; how much of that a new piece takes is judged by those before
    it: all of a request at first, ever less while they prove to hold more. So all workers have something to do after a
    few pages of a list that goes on and on, and a short one costs a request beside its pages, wherever its rows lie.
    """

    pages: int = 0
    given: int = 0
    judged: int = 0
    proved: int = 0
    wasted: int = 0

    def came(self, *, rows: bool, more: bool, first: bool) -> None:
        """A page came, with rows or without, more behind it or not; the first of a piece that was given, or another."""
        self.pages += 1
        self.judged += first
        self.proved += first and more
        # What a reader kept may turn out empty as well.
        self.wasted += not more if first else not rows

    @property
    def pieces(self) -> int:
        risk = (self.wasted + 1) / (self.wasted + self.proved + 1)
        to_waste = 1 + max(0, self.pages - _FIRST_PAGES) / _PAGES_A_WASTE - self.wasted
        return max(0, int(to_waste / risk) - (self.given - self.judged))


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
