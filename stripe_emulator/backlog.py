"""Events that were written and can't be seen yet: Stripe's Events API is eventually consistent."""

from heapq import heappop, heappush

from stripe_emulator.store import Resource, Shelf

MAX_DELAY = 600
"""Seconds by which the emulator lets an event come late, at most."""


class Backlog:
    """Events by the Unix time from which they can be seen."""

    def __init__(self) -> None:
        self._events: list[tuple[int, int, Resource]] = []

    def add(self, event: Resource, delay: int) -> None:
        """Hold an event back for so many seconds after it happened. ValueError for more than MAX_DELAY."""
        if not 0 <= delay <= MAX_DELAY:
            raise ValueError(f"an event may come 0 to {MAX_DELAY} seconds late, not {delay}")
        heappush(self._events, (event.at + delay, event.number, event))

    def take(self, now: int) -> list[Resource]:
        """The events that can be seen by now, and were not taken before."""
        due = []
        while self._events and self._events[0][0] <= now:
            due.append(heappop(self._events)[2])
        return due

    def shelf(self, kind: str) -> Shelf:
        """The events of a kind, v1's or v2's, that are held back."""
        shelf = Shelf()
        for _, _, event in self._events:
            if event.kind == kind:
                shelf.add(event)
        return shelf
