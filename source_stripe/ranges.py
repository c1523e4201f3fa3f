"""Ranges of `created`, and the rule that splits one while it is read. Pure: no clock, no threads, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_PAGES_A_PIECE = 8
"""A piece shorter than this wastes too much: each ends in a page that is half empty."""

_PAGES_A_TRUST = 20


@dataclass(frozen=True, order=True)
class Range:
    """A half-open interval of `created`: `start <= created < end`, Unix seconds."""

    start: int
    end: int

    def __bool__(self) -> bool:
        return self.start < self.end

    def split_at(self, second: int) -> list[Range]:
        """The parts before and from `second` on, newest first; one part where `second` lies outside."""
        if not self.start < second < self.end:
            return [self]
        return [Range(second, self.end), Range(self.start, second)]


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
    """The seconds that a page of a list, newest row first, came from. `rows` is at least one."""

    newest: int
    oldest: int
    rows: int


def split(being_read: Range, page: PageSpan, idle: int) -> tuple[Range, list[Range]]:
    """What the reader keeps of its range after a page that has more behind it, and the pieces for `idle` other workers.

    The reader has come down to `page.oldest`; what lies before that second is cut into equal pieces, one for the reader
    and one for each idle worker, none shorter than eight pages by the density of this page. The reader keeps the newest
    piece and goes on by cursor, so that a cut costs no request by itself.
    """
    unread = page.oldest - being_read.start
    seconds_a_row = max(page.newest - page.oldest, 1) / page.rows
    shortest = seconds_a_row * page.rows * _PAGES_A_PIECE
    pieces = min(idle + 1, int(unread / shortest))
    if pieces < 2:
        return being_read, []
    cuts = [being_read.start + unread * n // pieces for n in range(pieces)]
    handed_out = [Range(start, end) for start, end in pairwise(cuts)]
    return Range(cuts[-1], being_read.end), handed_out[::-1]


@dataclass
class Trust:
    """How many pieces may be handed out before it is known that there is anything in them.

    A piece that turns out empty has cost a request for nothing. One is given on trust; what proves to hold rows earns
    two more, and so do some pages: what is wasted stays a small part of what is read, whatever the shape of the data.
    """

    pieces: int = 1
    _pages: int = 0

    def give(self, pieces: int) -> None:
        """Pieces were handed out."""
        self.pieces -= pieces

    def proved(self, *, rows: bool) -> None:
        """The first page of a piece that was handed out came."""
        if rows:
            self.pieces += 2

    def page(self) -> None:
        """A page came."""
        self._pages += 1
        if self._pages % _PAGES_A_TRUST == 0:
            self.pieces += 1


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
