"""The frontier: what is left to read of a stream, shared by the threads that read it.

The CDK's partition generator takes pieces from here and waits for those that readers hand out.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.values import Row
from source_stripe.objects.records import Known
from source_stripe.reading.pieces import ListedPiece, ListPiece, Phase, Piece, RowsPiece, SparsePiece
from source_stripe.reading.splitting import Need, Trust, foresee, part_of, shortest_piece, split
from source_stripe.reading.workers import Workers

_ENOUGH = 0.8
"""Below this part of its fair share of workers, a list can't use its request budget. See
docs/design/reading-and-splitting.md, "Readers"."""


@dataclass
class _Part:
    """What a reader emits from one checkpoint to the next."""

    rows_left: int = 0
    """RowsPieces of it that are not finished."""
    read: ListPiece | None = None
    """What its checkpoint covers, once its reader has emitted all that it kept."""

    def completed(self) -> ListPiece | None:
        return None if self.rows_left else self.read


@dataclass
class _Open:
    """A piece that is not finished, with what its phase knows."""

    piece: Piece
    known: Known
    part: _Part = field(default_factory=_Part)
    unproved: bool = False
    """Whether it was handed out by a reader, and no page of it has come."""
    pages_left: float = 0.0
    """As far as can be foreseen; 0 until its first page has come."""
    oldest: int | None = None
    """The oldest second (Unix) of its pages so far."""


class _Pieces:
    """The pieces of one stream, by number. Every method needs the lock, which is that of `changed`."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.changed = threading.Condition()
        self.open: dict[int, _Open] = {}
        self.trust = Trust()
        self.failure: Exception | None = None
        self._to_take: deque[int] = deque()
        self._next_number = 0

    def add(self, pieces: Sequence[_Open]) -> None:
        numbers = range(self._next_number, self._next_number + len(pieces))
        self._next_number = numbers.stop
        if pieces:
            self.workers.expect(len(pieces))
            self.open.update(zip(numbers, pieces, strict=True))
            self._to_take.extend(numbers)
            self.changed.notify_all()

    def take(self) -> int | None:
        """The next number, None behind the last one. Blocks while there are open pieces but none to take."""
        self.changed.wait_for(lambda: self._to_take or self.failure or not self.open)
        if self.failure is not None:
            self.workers.expect(-len(self._to_take))
            self._to_take.clear()
        return self._to_take.popleft() if self._to_take else None

    def of_lists(self) -> list[_Open]:
        return [each for each in self.open.values() if isinstance(each.piece, ListPiece)]


class PieceReader:
    """What the reader of one piece does with it, beside making records. For the thread that reads the piece.

    For each page: `page_came`, which may hand out what lies behind it; then the records are emitted, some rows perhaps
    left to others by `leave`; then perhaps `checkpoint`.
    """

    def __init__(self, pieces: _Pieces, own: _Open) -> None:
        self._pieces = pieces
        self._own = own

    @property
    def piece(self) -> Piece:
        """The piece as it is now: one of a list shrinks when parts of it are handed out or checkpointed."""
        return self._own.piece

    @property
    def known(self) -> Known:
        """What was known before the first piece of its phase was read."""
        return self._own.known

    @property
    def list_piece(self) -> ListPiece:
        """The same, of a list. TypeError if it is of another kind."""
        if not isinstance(self._own.piece, ListPiece):
            raise TypeError(f"{type(self._own.piece).__name__} is no part of a list")
        return self._own.piece

    def page_came(self, *, rows: bool, more: bool, span: PageSpan | None = None, readers: int = 0) -> int:
        """Take note of a page of a list, with rows or without, with more behind it or not. Hands out what idle workers
        shall read of what lies behind it, and returns how many pieces that is.

        `span` is None where the list can't be split behind this page. `readers` are as many as fill the rate budget of
        the list: more would only wait for each other.
        """
        pieces, own = self._pieces, self._own
        with pieces.changed:
            pieces.trust.came(rows=rows, more=more, first=own.unproved)
            own.unproved = False
            if not more:
                own.pages_left = 0.0
            if span is None or pieces.failure is not None:
                return 0
            # A list may come in another order: what lies above its oldest row so far has perhaps come already.
            own.oldest = span.oldest if own.oldest is None else min(own.oldest, span.oldest)
            return self._hand_out(replace(span, oldest=own.oldest), readers)

    def leave(self, rows: Sequence[Row]) -> bool:
        """Leave rows of a list piece to an idle worker; False if there is none."""
        with self._pieces.changed:
            if not self._pieces.workers.idle():
                return False
            self._own.part.rows_left += 1
            left = RowsPiece(self.list_piece.route, tuple(rows))
            self._pieces.add([_Open(left, self.known, self._own.part)])
            return True

    def hand_out(self, parts: Callable[[int], Sequence[Piece]]) -> None:
        """Hand out the pieces that `parts` makes for the number of workers that are idle."""
        with self._pieces.changed:
            if idle := self._pieces.workers.idle():
                self._pieces.add([_Open(part, self.known) for part in parts(idle)])

    def hand_on(self, kept: SparsePiece, dense: Sequence[ListPiece]) -> None:
        """Go on with these ranges only; the others become pieces of their own, which any worker takes."""
        with self._pieces.changed:
            self._own.piece = kept
            self._pieces.add([_Open(each, self.known) for each in dense])

    def checkpoint(self, second: int) -> ListPiece | None:
        """The records of a list piece from `second` (Unix) on were emitted, but for the rows left to others: the piece
        goes on as what lies before. Returns what is completely emitted by that, as `Frontier.finishing` does.
        """
        with self._pieces.changed:
            piece, part = self.list_piece, self._own.part
            if piece.created is None:
                raise ValueError("a list without seconds has no checkpoints")
            part.read = replace(piece, created=replace(piece.created, start=second))
            self._own.piece = replace(piece, created=Range(piece.created.start, second))
            self._own.part = _Part()
            return part.completed()

    def _hand_out(self, page: PageSpan, readers: int) -> int:
        pieces, own, piece = self._pieces, self._own, self.list_piece
        if piece.created is None:
            return 0
        read, lists = pieces.trust.pages, pieces.of_lists()
        ahead = foresee(piece.created, page, read=read, birth=piece.birth)
        own.pages_left = ahead.pages
        left = [each.pages_left for each in lists]
        fair = pieces.workers.fair_share(pieces, Need(math.ceil(sum(left)), readers))
        free = min(pieces.workers.idle(), pieces.trust.pieces, fair - len(lists))
        others = part_of(free, ahead.pages, left)
        shortest = shortest_piece(read, ending=len(lists) < fair * _ENOUGH)
        kept, handed_out = split(piece.created, page.oldest, ahead, others=others, shortest=shortest)
        own.piece = replace(piece, created=kept)
        own.pages_left = ahead.pages / (len(handed_out) + 1)
        new = (replace(piece, created=part, behind=None) for part in handed_out)
        pieces.add([_Open(each, own.known, unproved=True, pages_left=own.pages_left) for each in new])
        pieces.trust.given += len(handed_out)
        return len(handed_out)


class Frontier:
    """The pieces of one stream, known by number: the CDK's partitions carry it from thread to thread."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._pieces = _Pieces(workers)

    @property
    def failed(self) -> bool:
        """Whether a piece could not be read."""
        return self._pieces.failure is not None

    @property
    def failure(self) -> Exception | None:
        """Why a piece could not be read: the first reason, if there are several."""
        return self._pieces.failure

    def open(self, phase: Phase) -> None:
        """Begin with a phase: its pieces come up in their order. May be called again once they are finished."""
        with self._pieces.changed:
            self._pieces.add([_Open(piece, each.known) for each in (phase, *phase.beside) for piece in each.pieces])

    def pieces(self) -> Iterator[int]:
        """Piece numbers as they come up, until all are finished or one has failed. Blocks in between."""
        while (number := self._take()) is not None:
            yield number

    def reader(self, number: int) -> PieceReader:
        """Of a piece that is not finished; KeyError of any other."""
        return PieceReader(self._pieces, self._pieces.open[number])

    @contextmanager
    def reading(self, number: int) -> Iterator[PieceReader]:
        """While a piece is read. Blocks while all workers are reading.

        If the reading fails no more pieces come up, and the piece stays open. So do those that came up before and wait
        for a worker: they fail as it did, without being read.
        """
        with self._workers.reading():
            if self._pieces.failure is not None:
                raise self._pieces.failure
            with self._failing():
                yield self.reader(number)

    @contextmanager
    def finishing(self, number: int) -> Iterator[ListedPiece | None]:
        """While a piece is finished that was read and whose records were emitted; it is closed behind that.

        Yields the piece of a list that is completely emitted by this, or what checkpoints had left of it: None while
        rows that its reader left to others are not finished. What fails here fails the stream, as in `reading`.
        """
        with self._failing():
            with self._pieces.changed:
                done = self._pieces.open[number]
                if isinstance(done.piece, ListPiece):
                    done.part.read = done.piece
                elif isinstance(done.piece, RowsPiece):
                    done.part.rows_left -= 1
                completed = done.piece if isinstance(done.piece, SparsePiece) else done.part.completed()
            yield completed
            self._close(number)

    def _close(self, number: int) -> None:
        with self._pieces.changed:
            del self._pieces.open[number]
            if not self._pieces.of_lists():
                self._workers.done_with(self._pieces)
            self._pieces.changed.notify_all()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """While something is done without which a piece can't be closed: nobody waits for it if that fails."""
        try:
            yield
        except Exception as failure:
            with self._pieces.changed:
                self._pieces.failure = self._pieces.failure or failure
                self._workers.done_with(self._pieces)
                self._pieces.changed.notify_all()
            raise

    def _take(self) -> int | None:
        with self._pieces.changed:
            return self._pieces.take()
