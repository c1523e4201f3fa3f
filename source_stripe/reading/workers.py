"""Workers: how many pieces may be read at once, over all streams of a sync."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from source_stripe.reading.splitting import Need, fair_share


class Workers:
    """How many may read at once, over all streams, and how many of them have nothing to do."""

    def __init__(self, count: int, worth_having: Callable[[], int] | None = None) -> None:
        """At most `count`, and no more than `worth_having` says at the time."""
        self._most = count
        self._worth_having = worth_having
        self._reading = 0
        self._waiting = 0
        self._needs: dict[object, Need] = {}
        self._changed = threading.Condition()

    def expect(self, pieces: int) -> None:
        """Pieces are waiting to be read."""
        with self._changed:
            self._waiting += pieces

    def idle(self) -> int:
        """Workers with nothing to do, once the pieces that wait are taken."""
        return max(0, self._count() - self._reading - self._waiting)

    def fair_share(self, whose: object, need: Need) -> int:
        """How many workers should read the list that needs this, given what the others need."""
        with self._changed:
            self._needs[whose] = need
            others = [need for one, need in self._needs.items() if one is not whose]
            return fair_share(self._count(), need, others)

    def done_with(self, whose: object) -> None:
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
