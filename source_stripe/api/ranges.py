"""Ranges of `created`. Pure: no clock, no threads, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Range:
    """A half-open interval of `created`: `start <= created < end`, Unix seconds.

    With `onward`, whatever was created later belongs to it as well: test clocks run ahead, so that objects are created
    in the future. `end` then says only up to when the range counts as read.
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


def without(ranges: Iterable[Range], done: Iterable[Range]) -> tuple[Range, ...]:
    """What of each range is not in `done`, in their order."""
    known = merge(done)
    return tuple(part for piece in ranges for part in subtract(piece, known))


@dataclass(frozen=True)
class PageSpan:
    """The seconds (Unix) in which the rows of a page were created."""

    newest: int
    oldest: int


@dataclass
class Descent:
    """How far down a list its reader has come: newest rows come first, so all that lies above was emitted.

    A list whose pages don't come in that order has no checkpoint before its end.
    """

    every: int
    """Steps from one checkpoint to the next."""
    _steps: int = 0
    _oldest: int | None = None
    _ordered: bool = True

    def emitted_from(self, page: PageSpan, steps: int) -> int | None:
        """The second (Unix) from which on all rows were emitted with this page; None if no checkpoint is due."""
        self._ordered &= self._oldest is None or page.newest <= self._oldest
        self._oldest = page.oldest
        self._steps += steps
        return page.oldest + 1 if self._ordered and self._steps >= self.every else None

    def checkpointed(self) -> None:
        """The next checkpoint is due `every` steps later."""
        self._steps = 0


def intersect(several: Iterable[Iterable[Range]]) -> tuple[Range, ...]:
    """The seconds that are in each of several sets of ranges, oldest first."""
    sets = [merge(ranges) for ranges in several]
    common = sets[0] if sets else ()
    for others in sets[1:]:
        overlaps = [Range(max(one.start, other.start), min(one.end, other.end)) for one in common for other in others]
        common = merge(overlaps)
    return common
