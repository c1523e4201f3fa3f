"""The frontier: what is left to read of a stream, shared by the threads that read it.

The CDK's partition generator takes pieces from here and waits for those that readers hand out.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.values import Row
from source_stripe.reading.pieces import ListPiece, Piece, RowsPiece
from source_stripe.reading.splitting import Need, Trust, fair_share, foresee, part_of, shortest_piece, split

_ENOUGH = 0.8
"""Of the workers that a list should have: some are a reserve, but fewer readers than that leave requests unused."""


class Workers:
    """How many may read at once, over all streams, and how many of them have nothing to do."""

    def __init__(self, count: int, worth_having: Callable[[], int] | None = None) -> None:
        """At most `count`, and no more than `worth_having` says at the time."""
        self._most = count
        self._worth_having = worth_having
        self._reading = 0
        self._waiting = 0
        self._needs: dict[Frontier, Need] = {}
        self._changed = threading.Condition()

    def expect(self, pieces: int) -> None:
        """Pieces are waiting to be read."""
        with self._changed:
            self._waiting += pieces

    def idle(self) -> int:
        """Workers with nothing to do, once the pieces that wait are taken."""
        return max(0, self._count() - self._reading - self._waiting)

    def fair_share(self, whose: Frontier, need: Need) -> int:
        """How many workers should read the list that needs this, given what the others need."""
        with self._changed:
            self._needs[whose] = need
            others = [need for one, need in self._needs.items() if one is not whose]
            return fair_share(self._count(), need, others)

    def done_with(self, whose: Frontier) -> None:
        """A list needs nothing any more."""
        with self._changed:
            self._needs.pop(whose, None)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read one of the pieces that waited; blocks while all workers are reading."""
        with self._changed:
            self._changed.wait_for(lambda: self._reading < self._count())
            self._waiting -= 1
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()

    def _count(self) -> int:
        return self._most if self._worth_having is None else max(1, min(self._most, self._worth_having()))


class Frontier:
    """The pieces of one stream, known by number. A list piece shrinks as its reader hands parts of it out."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._changed = threading.Condition()
        self._open: dict[int, Piece] = {}
        self._to_take: deque[int] = deque()
        self._parts: dict[int, int] = {}
        """Of list pieces that are read part by part: the number of the part that is being read."""
        self._read: dict[int, ListPiece] = {}
        self._rows_left: Counter[int] = Counter()
        self._failure: Exception | None = None
        self._trust = Trust()
        self._given: set[int] = set()
        self._ahead: dict[int, float] = {}
        """Pages that list pieces have left, as far as can be foreseen."""
        self._next_number = 0

    @property
    def failed(self) -> bool:
        """Whether a piece could not be read."""
        return self._failure is not None

    @property
    def failure(self) -> Exception | None:
        """Why a piece could not be read: the first reason, if there are several."""
        return self._failure

    def open(self, pieces: Iterable[Piece]) -> None:
        """Begin with these, in the order in which they shall be read. May be called again once they are through."""
        with self._changed:
            self._add(list(pieces))

    def pieces(self) -> Iterator[int]:
        """Piece numbers as they come up, until all are read or one has failed. Blocks; for the partition generator."""
        while (number := self._take()) is not None:
            yield number

    def piece(self, number: int) -> Piece:
        return self._open[number]

    def list_piece(self, number: int) -> ListPiece:
        """A list piece as it is now. TypeError if it is another kind."""
        piece = self._open[number]
        if not isinstance(piece, ListPiece):
            raise TypeError(f"piece {number} is no part of a list")
        return piece

    @contextmanager
    def reading(self, number: int) -> Iterator[None]:
        """While a piece is read. If that fails no more pieces come up, and the piece stays open.

        So do those that came up before and wait for a worker: they fail as it did, without being read.
        """
        with self._workers.reading():
            if self._failure is not None:
                raise self._failure
            with self.failing():
                yield

    @contextmanager
    def failing(self) -> Iterator[None]:
        """While something is done without which a piece can't be closed: nobody waits for it if that fails."""
        try:
            yield
        except Exception as failure:
            with self._changed:
                self._failure = self._failure or failure
                self._workers.done_with(self)
                self._changed.notify_all()
            raise

    def share(self, number: int, page: PageSpan, readers: int) -> int:
        """Hand out what the reader of a list piece, now behind `page`, need not read itself. Returns how many pieces.

        `readers` are as many as fill the rate budget of the list: more would only wait for each other.
        """
        with self._changed:
            piece = self.list_piece(number)
            if piece.created is None or self.failed:
                return 0
            read, reading = self._trust.pages, len(self._list_pieces())
            ahead = foresee(piece.created, page, read=read, birth=piece.birth)
            self._ahead[number] = ahead.pages
            fair = self._workers.fair_share(self, Need(math.ceil(sum(self._ahead.values())), readers))
            free = min(self._workers.idle(), self._trust.pieces, fair - reading)
            others = part_of(free, ahead.pages, self._ahead.values())
            shortest = shortest_piece(read, ending=reading < fair * _ENOUGH)
            kept, handed_out = split(piece.created, page.oldest, ahead, others=others, shortest=shortest)
            self._open[number] = replace(piece, created=kept)
            given = self._add([replace(piece, created=part) for part in handed_out])
            self._trust.given += len(given)
            self._given.update(given)
            self._ahead.update(dict.fromkeys((number, *given), ahead.pages / (len(given) + 1)))
            return len(given)

    def came(self, number: int, *, rows: bool, more: bool) -> None:
        """A page of a list piece came, with rows or without, with more behind it or not."""
        with self._changed:
            self._trust.came(rows=rows, more=more, first=number in self._given)
            self._given.discard(number)
            if not more:
                self._ahead.pop(number, None)

    def leave(self, number: int, rows: Sequence[Row]) -> bool:
        """Leave rows of a list piece to an idle worker, if there is one."""
        with self._changed:
            if not self._workers.idle():
                return False
            part = self._parts.get(number, number)
            self._rows_left[part] += 1
            self._add([RowsPiece(part, self.list_piece(number).route, tuple(rows))])
            return True

    def hand_out(self, parts: Callable[[int], Sequence[Piece]]) -> None:
        """Hand out the pieces that `parts` makes for the number of workers that are idle."""
        with self._changed:
            if idle := self._workers.idle():
                self._add(parts(idle))

    def cut(self, number: int, second: int) -> list[ListPiece]:
        """The records of a list piece from `second` on were emitted: it goes on as what lies before. Returns what this
        completes, as `completes` does."""
        with self._changed:
            piece = self.list_piece(number)
            if piece.created is None:
                raise ValueError(f"piece {number} has no seconds")
            rest, done = Range(piece.created.start, second), replace(piece.created, start=second)
            part = self._parts.get(number, number)
            self._read[part] = replace(piece, created=done)
            self._open[number] = replace(piece, created=rest)
            self._parts[number] = self._next_number
            self._next_number += 1
            return self._completed(part)

    def completes(self, number: int) -> list[ListPiece]:
        """A piece was read to its end and its records were emitted. Returns the list piece that this completes, if any,
        or what had been left of it.

        It is complete when the rows that its reader left to others are through as well.
        """
        with self._changed:
            piece = self._open[number]
            part = self._parts.pop(number, number)
            if isinstance(piece, ListPiece):
                self._read[part] = piece
            elif isinstance(piece, RowsPiece):
                part = piece.of
                self._rows_left[part] -= 1
            return self._completed(part)

    def close(self, number: int) -> None:
        """What a piece completed is taken note of: it is done."""
        with self._changed:
            del self._open[number]
            if not self._list_pieces():
                self._workers.done_with(self)
            self._changed.notify_all()

    def _list_pieces(self) -> list[ListPiece]:
        return [piece for piece in self._open.values() if isinstance(piece, ListPiece)]

    def _completed(self, part: int) -> list[ListPiece]:
        if self._rows_left[part] or part not in self._read:
            return []
        del self._rows_left[part]
        return [self._read.pop(part)]

    def _add(self, pieces: Sequence[Piece]) -> range:
        """Their numbers."""
        first = self._next_number
        self._next_number += len(pieces)
        numbers = range(first, self._next_number)
        if pieces:
            self._workers.expect(len(pieces))
            self._open.update(zip(numbers, pieces, strict=True))
            self._to_take.extend(numbers)
            self._changed.notify_all()
        return numbers

    def _take(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._to_take or self.failed or not self._open)
            if self.failed:
                self._workers.expect(-len(self._to_take))
                self._to_take.clear()
            return self._to_take.popleft() if self._to_take else None
