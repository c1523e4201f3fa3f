"""Workers: how many pieces may be read at once, over all streams of a sync."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from source_stripe.reading.splitting import Need, fair_share


class Workers:
    """How many pieces may be read at once, and how many workers are idle. Used by all threads of a sync."""

    def __init__(self, count: int, worth_having: Callable[[], int] | None = None) -> None:
        """`count` at most, and no more than `worth_having` returns at the time."""
        self._most = count
        self._worth_having = worth_having
        self._reading = 0
        self._waiting = 0
        self._needs: dict[object, Need] = {}
        self._changed = threading.Condition()

    def expect(self, pieces: int) -> None:
        """So many more pieces wait to be read."""
        with self._changed:
            self._waiting += pieces

    def idle(self) -> int:
        """Workers that have nothing to do when all waiting pieces are taken."""
        return max(0, self._count() - self._reading - self._waiting)

    def fair_share(self, whose: object, need: Need) -> int:
        """How many workers should read the list `whose`, which needs this, beside what all others need."""
        with self._changed:
            self._needs[whose] = need
            others = [need for one, need in self._needs.items() if one is not whose]
            return fair_share(self._count(), need, others)

    def done_with(self, whose: object) -> None:
        """The list needs no workers any more."""
        with self._changed:
            self._needs.pop(whose, None)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around the reading of a piece that waited. Blocks while all workers are reading."""
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
