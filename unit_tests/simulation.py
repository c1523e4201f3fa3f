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
from source_stripe.api.rates import RateBudget, RateLimits
from source_stripe.reading.frontier import Frontier, Workers
from source_stripe.reading.pieces import ListPiece

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
    """A list, the frontier of the stream that reads it, and the last row that the reader of each piece had."""

    path: str
    rows: ListOfRows
    frontier: Frontier
    emitted: list[Row] = field(default_factory=list)
    after: dict[int, Row] = field(default_factory=dict)
    readers: dict[int, AbstractContextManager[None]] = field(default_factory=dict)


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
            one.frontier.open([ListPiece(created=whole, birth=whole.start)])
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
            one.readers[number] = one.frontier.reading(number)
            one.readers[number].__enter__()
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
        """As the retriever does with a page, and the cursor at the end of a piece."""
        frontier, reading = one.frontier, one.frontier.list_piece(number).created
        assert reading is not None
        page, more = one.rows.page(reading, one.after.get(number), self.size)
        one.emitted += page
        frontier.came(number, rows=bool(page), more=more)
        if more:
            one.after[number] = page[-1]
            readers = self._budget.worth_having_under_way(one.path)
            handed_out = frontier.share(number, PageSpan(page[0][0], page[-1][0]), readers)
            self._waiting.extend([one] * handed_out)
            self._ask(one, number)
            return
        one.readers.pop(number).__exit__(None, None, None)
        frontier.completes(number)
        frontier.close(number)
