"""The frontier: what is left to read of a stream, shared by the threads that read it.

The CDK's partition generator takes pieces from here and waits for those that readers split off.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from source_stripe.ranges import PageSpan, Range, split


class Workers:
    """How many may read at once, over all streams, and how many of them have nothing to do."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._reading = 0
        self._waiting = 0
        self._changed = threading.Condition()

    def expect(self, pieces: int) -> None:
        """Pieces are waiting to be read."""
        with self._changed:
            self._waiting += pieces

    def idle(self) -> int:
        """Workers with nothing to do, once the pieces that wait are taken."""
        return max(0, self._count - self._reading - self._waiting)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read one of the pieces that waited; blocks while all workers are reading."""
        with self._changed:
            self._changed.wait_for(lambda: self._reading < self._count)
            self._waiting -= 1
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify()


class Frontier:
    """The pieces of one stream. A piece is known by a number; its range shrinks as its reader hands parts of it out."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._changed = threading.Condition()
        self._open: dict[int, Range] = {}
        self._to_take: deque[int] = deque()
        self._failed = False
        self._next_number = 0

    def open(self, ranges: Iterable[Range]) -> None:
        """Begin with these ranges, in the order in which they shall be read."""
        with self._changed:
            self._add(list(ranges))

    def pieces(self) -> Iterator[int]:
        """Piece numbers as they come up, until all are read or one has failed. Blocks; for the partition generator."""
        while (number := self._take()) is not None:
            yield number

    def range_of(self, number: int) -> Range:
        return self._open[number]

    @contextmanager
    def reading(self, number: int) -> Iterator[None]:
        """While a piece is read. If that fails no more pieces come up, and the piece stays open."""
        with self._workers.reading():
            try:
                yield
            except Exception:
                with self._changed:
                    self._failed = True
                    self._changed.notify_all()
                raise

    def share(self, number: int, page: PageSpan) -> None:
        """Hand out what the reader of a piece, now behind `page`, need not read itself."""
        with self._changed:
            kept, handed_out = split(self._open[number], page, self._workers.idle())
            self._open[number] = kept
            self._add(handed_out)

    def close(self, number: int) -> Range:
        """A piece was read to its end and its rows were emitted. Returns what it covered in the end."""
        with self._changed:
            covered = self._open.pop(number)
            self._changed.notify_all()
            return covered

    def _add(self, ranges: list[Range]) -> None:
        self._workers.expect(len(ranges))
        for piece in ranges:
            self._open[self._next_number] = piece
            self._to_take.append(self._next_number)
            self._next_number += 1
        self._changed.notify_all()

    def _take(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._to_take or self._failed or not self._open)
            if self._failed:
                self._workers.expect(-len(self._to_take))
                self._to_take.clear()
            return self._to_take.popleft() if self._to_take else None
