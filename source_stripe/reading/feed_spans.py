"""Spans of the feed: how far one goes, how the rest of it is asked for, and who takes which event."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from source_stripe.api.pages import Page
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.values import Params, unix_seconds
from source_stripe.objects.events import Fold
from source_stripe.objects.subjects import by_type
from source_stripe.reading.pieces import ListPiece

Folds: TypeAlias = Sequence[tuple[Collection[str], Fold]]
"""Folds, each with the event types, and groups of them, that it takes."""


class Sorter:
    """Gives each event to the folds that take its type. Used by all threads that read events."""

    def __init__(self, folds: Folds = (), most: int | None = None) -> None:
        self._folds = folds
        self._most = most
        self._by_type: dict[str, list[Fold]] = {}
        self._lock = threading.Lock()
        self._times = array("q")
        """Of the events, once for each fold that took one."""

    def take(self, event: Mapping[str, Any]) -> None:
        name = str(event["type"])
        with self._lock:
            if name not in self._by_type:
                self._by_type[name] = [fold for types, fold in self._folds if by_type(dict.fromkeys(types, 1), name)]
            for fold in self._by_type[name]:
                fold.add(event)
                self._times.append(unix_seconds(event["created"]) or 0)

    @property
    def taken(self) -> int:
        """How many events the folds took, at most one change of each."""
        return len(self._times)

    @property
    def is_full(self) -> bool:
        """Whether there are too many changes for one span."""
        return self._most is not None and self.taken > self._most

    def middle(self, start: int, end: int) -> int:
        """The second (Unix) between these that has as many of the events before it as behind it."""
        return min(max(sorted(self._times)[self.taken // 2], start + 1), end - 1)


@dataclass(frozen=True)
class FirstPage:
    """The first page of the events of a span, and what can be foreseen by it."""

    span: Range
    page: Page
    asked: Params
    groups: Sequence[Params]
    """How all wanted types are asked for."""
    seen: PageSpan | None
    """The seconds that the page came from."""

    @property
    def pages_left(self) -> float:
        """As far as can be foreseen: the rest is as dense."""
        if self.page.next is None or self.seen is None:
            return 0.0 if self.page.next is None else 1.0
        return max(1.0, (self.seen.oldest - self.span.start) / max(self.seen.newest - self.seen.oldest, 1))

    def end_of_a_span(self, taken: int, most: int) -> int | None:
        """Where a span ends that has about `most` changes, if this one has many more. `taken` are those of the page."""
        seconds, foreseen = self.span.end - self.span.start, taken * (1 + self.pages_left)
        return None if foreseen <= 1.5 * most else self.span.start + max(1, int(seconds * most / foreseen))

    def rest(self, route: int) -> list[ListPiece]:
        """The pieces of what is left: of all events, or of each group of types where many pages are left.

        The groups cost a few requests at most that they need not; all events may be mostly of nobody.
        """
        if self.page.next is None:
            return []
        if self.asked or self.pages_left <= 2 * len(self.groups):
            return [ListPiece(route, self.asked, self.span, behind=self.page)]
        # In the page's oldest second there may be more than it has.
        left = self.span if self.seen is None else replace(self.span, end=min(self.span.end, self.seen.oldest + 1))
        return [ListPiece(route, asked, left) for asked in self.groups]
