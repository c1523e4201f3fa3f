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
        self._in_vain = 0
        self.most_in_vain: int | None = None
        """Events that no fold takes and that may come; any number if None."""

    def take(self, event: Mapping[str, Any]) -> None:
        name, time = str(event["type"]), unix_seconds(event["created"]) or 0
        with self._lock:
            if name not in self._by_type:
                self._by_type[name] = [fold for types, fold in self._folds if by_type(dict.fromkeys(types, 1), name)]
            for fold in self._by_type[name]:
                fold.add(event)
                self._times.append(time)
            self._in_vain += not self._by_type[name]

    def wants(self, event: Mapping[str, Any]) -> bool:
        """Whether a fold took an event that came."""
        return bool(self._by_type[str(event["type"])])

    @property
    def taken(self) -> int:
        """How many events the folds took, at most one change of each."""
        return len(self._times)

    @property
    def is_full(self) -> bool:
        """Whether there are too many changes for one span."""
        return self._most is not None and self.taken > self._most

    @property
    def has_many_in_vain(self) -> bool:
        """Whether too many events came that nobody wants."""
        return self.most_in_vain is not None and self._in_vain > self.most_in_vain

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
    taken: int
    """How many changes it brought."""
    wanted: int
    """How many of its events brought one."""

    @property
    def seconds(self) -> int:
        """How long it took until all of it had happened."""
        whole = self.page.next is None or self.seen is None
        return max(self.span.end - (self.span.start if whole or self.seen is None else self.seen.oldest), 1)

    def end_of_a_span(self, most: int) -> int | None:
        """Where a span ends that has about `most` changes; None if this one has hardly more, all being as dense."""
        length = self.span.end - self.span.start
        foreseen = self.taken * length / self.seconds
        return None if foreseen <= 1.5 * most else self.span.start + max(1, int(length * most / foreseen))

    @property
    def older_half(self) -> Range:
        return replace(self.span, end=(self.span.start + self.span.end) // 2)

    @property
    def left(self) -> Range:
        """What this page leaves. In its oldest second there may be more than it has."""
        return self.span if self.seen is None else replace(self.span, end=min(self.span.end, self.seen.oldest + 1))

    @property
    def is_mostly_in_vain(self) -> bool:
        """Whether more pages are left than there are groups, and most of their events are of nobody."""
        if self.page.next is None or self.seen is None:
            return False
        pages_left = (self.seen.oldest - self.span.start) / max(self.seen.newest - self.seen.oldest, 1)
        return self.wanted * 2 < len(self.page.rows) and pages_left > len(self.groups)

    @property
    def most_in_vain(self) -> int:
        """Events of nobody that may come: those of as many pages as the groups would be twice."""
        return 2 * len(self.groups) * len(self.page.rows)
