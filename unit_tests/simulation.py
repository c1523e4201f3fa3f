"""First syncs in simulated time: the real frontiers and rate budget, but no threads, no HTTP and no clock."""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import count

from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.rates import RateBudget
from source_stripe.catalog.asking import RateLimits
from source_stripe.objects.records import Known
from source_stripe.reading.frontier import Frontier, PieceReader
from source_stripe.reading.pieces import ListedPiece, ListPiece, Phase
from source_stripe.reading.workers import Workers

_JITTER = 0.25

Row = tuple[int, int]
"""When it was created, and its number."""


class ListOfRows:
    """A list as Stripe pages it: newest first, rows of a second in a fixed order."""

    def __init__(self, created: Sequence[int]) -> None:
        self.rows = sorted((second, number) for number, second in enumerate(created))
        self.requests = 0

    def page(self, piece: Range, after: Row | None, size: int) -> tuple[list[Row], bool]:
        """The rows of a range behind one of them, or the first ones, and whether there are more."""
        self.requests += 1
        first = bisect_left(self.rows, (piece.start, -1))
        end = bisect_left(self.rows, min((piece.end, -1), after or (piece.end, -1)))
        return self.rows[max(first, end - size) : max(first, end)][::-1], end - first > size


@dataclass
class ListBeingRead:
    """A list, the frontier of the stream that reads it, and the readers of its pieces."""

    path: str
    rows: ListOfRows
    frontier: Frontier
    emitted: list[Row] = field(default_factory=list)
    readers: dict[int, Reader] = field(default_factory=dict)


class Reader:
    """One worker that reads a piece: what the retriever does with it, and the cursor at its end."""

    def __init__(self, frontier: Frontier, rows: ListOfRows, number: int) -> None:
        self._rows, self._frontier, self._number = rows, frontier, number
        self._reading: AbstractContextManager[PieceReader] = frontier.reading(number)
        self._reader = self._reading.__enter__()
        self._after: Row | None = None

    def page(self, size: int, readers: int = 64) -> tuple[list[Row], bool, int]:
        """The next rows, whether there are more behind them, and how many pieces were handed out."""
        created = self._reader.list_piece.created
        assert created is not None
        rows, more = self._rows.page(created, self._after, size)
        span = PageSpan(rows[0][0], rows[-1][0]) if more else None
        self._after = rows[-1] if more else None
        return rows, more, self._reader.page_came(rows=bool(rows), more=more, span=span, readers=readers)

    def leave(self, rows: Sequence[Row]) -> bool:
        """Leave rows to another worker, as rows that cost requests are left."""
        return self._reader.leave([{"created": created, "id": number} for created, number in rows])

    def checkpoint(self) -> ListPiece | None:
        """What was read so far, as the retriever says it after some pages."""
        created = self._reader.list_piece.created
        assert created is not None
        assert self._after is not None
        second = self._after[0] + 1
        return self._reader.checkpoint(second) if created.start < second < created.end else None

    def end(self) -> ListedPiece | None:
        """The reading, and then the piece, once its records were emitted."""
        self._reading.__exit__(None, None, None)
        with self._frontier.finishing(self._number) as completed:
            return completed


@dataclass
class Simulation:
    """Some lists, by path, read by so many workers at most. Answers take `latency` seconds in the median."""

    lists: Mapping[str, Sequence[int]]
    limits: RateLimits
    latency: float
    workers: int = 64
    size: int = 100
    """Rows of a page."""
    seed: int = 0
    seconds: float = 0.0
    """How long it took."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._budget = RateBudget(self.limits)
        self._workers = Workers(self.workers, self._budget.worth_having_under_way)
        self.all = [ListBeingRead(path, ListOfRows(rows), Frontier(self._workers)) for path, rows in self.lists.items()]
        self._waiting: deque[ListBeingRead] = deque()
        self._answers: list[tuple[float, int, float, ListBeingRead, int]] = []
        self._order = count()

    @property
    def requests(self) -> int:
        return sum(one.rows.requests for one in self.all)

    def run(self, whole: Range) -> None:
        """Read all of the lists."""
        for one in self.all:
            one.frontier.open(Phase([ListPiece(created=whole, birth=whole.start)], Known()))
            self._waiting.append(one)
        self._take_pieces()
        while self._answers:
            self.seconds, _, sent, one, number = heapq.heappop(self._answers)
            self._budget.answered(self.seconds - sent, self.seconds)
            self._answered(one, number)
            self._take_pieces()

    def _take_pieces(self) -> None:
        """Workers that have nothing to do take the pieces that wait, in the order in which they came."""
        while self._waiting and self._under_way < self._most:
            one = self._waiting.popleft()
            number = next(one.frontier.pieces())
            one.readers[number] = Reader(one.frontier, one.rows, number)
            self._ask(one, number)

    @property
    def _under_way(self) -> int:
        return sum(len(one.readers) for one in self.all)

    @property
    def _most(self) -> int:
        return max(1, min(self.workers, self._budget.worth_having_under_way()))

    def _ask(self, one: ListBeingRead, number: int) -> None:
        sent = self._budget.reserve(one.path, self.seconds).at
        answered = sent + self.latency * math.exp(self._random.gauss(0, _JITTER))
        heapq.heappush(self._answers, (answered, next(self._order), sent, one, number))

    def _answered(self, one: ListBeingRead, number: int) -> None:
        rows, more, handed_out = one.readers[number].page(self.size, self._budget.worth_having_under_way(one.path))
        one.emitted += rows
        self._waiting.extend([one] * handed_out)
        if more:
            self._ask(one, number)
        else:
            one.readers.pop(number).end()
