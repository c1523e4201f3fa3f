"""Children that may stand in several parents: what a sync knows of them, whichever parent it meets them in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from source_stripe.api.values import Row
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Finish, Known, Projection, tombstone

Key = tuple[Any, ...]
"""A row's primary key."""


@dataclass
class Shared:
    """The children of one stream. Used by several threads.

    Each is emitted once a sync, and not at all if an event says that it is gone. Only such an event makes a tombstone:
    a child that left one of its parents may stand in others.
    """

    gone: frozenset[str] = frozenset()
    """The ids of those that are gone. Set before the parents' rows are read."""
    asked: set[str] = field(default_factory=set)
    """The ids that were asked for one by one."""
    _met: dict[Key, object] = field(default_factory=dict)

    def takes(self, key: Key, child: Mapping[str, Any]) -> bool:
        """Whether this is the first that comes of a child, and it is there."""
        if str(child.get("id")) in self.gone:
            return False
        first = object()
        # One step, so that of two threads one is first.
        return self._met.setdefault(key, first) is first

    def record(self, finish: Finish, child: Row, time: int | None) -> Row:
        """The record of a child that changed at `time` (Unix seconds).

        It is no part of the parent that it was met in, which may lie in the future: no time is later than the sync.
        """
        now = int(finish.facts()["read_at"])
        deleted = child.get("deleted") is True
        return finish.record(child, now if time is None else min(time, now), deleted=deleted)


@dataclass(frozen=True)
class Together:
    """The children that stand at several places of one list's rows."""

    children: tuple[Projection, ...]

    def costs(self, row: Row) -> bool:
        return any(each.costs(row) for each in self.children)

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        for each in self.children:
            yield from each.records(row, updated, known)

    def tombstones(self, change: Change) -> Iterator[Row]:
        for each in self.children:
            yield from each.tombstones(change)


@dataclass(frozen=True)
class Named:
    """Children that their own events name."""

    finish: Finish
    kind: str
    primary_key: tuple[str, ...]
    shared: Shared

    def costs(self, row: Row) -> bool:
        return False

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        if self.shared.takes(tuple(row.get(name) for name in self.primary_key), row):
            yield self.shared.record(self.finish, row, updated)

    def tombstones(self, change: Change) -> Iterable[Row]:
        if change.deleted:
            yield self.finish.record(tombstone(change, self.kind), change.time, deleted=True)
