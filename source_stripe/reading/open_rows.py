"""Open rows: noted while a stream is read, and listed again when they are due."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from source_stripe.api.ranges import Range, without
from source_stripe.api.values import unix_seconds
from source_stripe.catalog.stream_rows import OpenRow
from source_stripe.reading.open_ranges import MOST_RANGES, DueRanges, OpenRanges, day_of

_NOTES = 4 * MOST_RANGES
"""Notes that are kept before they are made ranges. See docs/design/changes.md, "Open rows"."""


@dataclass
class OpenRows:
    """The open rows of one stream. A sync begins with `begin`; then any thread may note rows and say what is through.

    At any time `left` holds every row that is open: those of the saved state until they are listed, and those that this
    sync has read. A row is noted before it is emitted.
    """

    rule: OpenRow
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _since: int = field(default=0, init=False)
    """Rows that were created before (Unix seconds) are not noted: they are taken as final."""
    _saved: OpenRanges = field(default_factory=OpenRanges, init=False)
    """What the state had."""
    _due: OpenRanges = field(default_factory=OpenRanges, init=False)
    """Of that, what this sync lists and what is not through."""
    _later: OpenRanges = field(default_factory=OpenRanges, init=False)
    _noted: OpenRanges = field(default_factory=OpenRanges, init=False)
    _notes: set[tuple[int | None, int]] = field(default_factory=set, init=False)
    """By day and second, what is not yet part of `_noted`."""
    _dues: dict[int | None, int | None] = field(default_factory=dict, init=False)
    """The first second of each day at which a row of `_notes` is due."""

    def begin(self, saved: OpenRanges, *, start: int, now: int) -> None:
        """Go on from what a state has. What was created before `start` (Unix seconds) is left out."""
        self._since = 0 if self.rule.young is None else now - self.rule.young
        self._saved = saved.since(start)
        self._due, self._later = self._saved.due_at(now), self._saved.later_than(now)

    def to_list(self, but: Sequence[Range]) -> tuple[Range, ...]:
        """What is due, oldest first, less the ranges that are listed anyway."""
        return without(self._due.ranges, but)

    def note(self, row: Mapping[str, Any], created: int | None) -> None:
        """Take down a row that was read, if it is open."""
        if created is None or created < self._since or not self._is_open(row):
            return
        due = self._due_of(row)
        day = day_of(due)
        with self._lock:
            self._notes.add((day, created))
            known = self._dues.get(day, due)
            self._dues[day] = due if known is None or due is None else min(known, due)
            if len(self._notes) > _NOTES:
                self._fold()

    def wants(self, row: Mapping[str, Any], created: int | None) -> bool:
        """Whether a row that was listed as it was due may have changed since it was noted.

        One that is still open has not, if it is due on the day that it was due on.
        """
        due = self._due_of(row)
        if due is None or created is None or not self._is_open(row):
            return True
        return not any(each.day == day_of(due) and each.holds(created) for each in self._saved.groups)

    def through(self, ranges: Sequence[Range]) -> None:
        """Whatever was due in these ranges was emitted, or noted again."""
        with self._lock:
            self._due = self._due.without(ranges)

    def all_through(self) -> None:
        """Whatever was due was emitted, or noted again."""
        with self._lock:
            self._due = OpenRanges()

    @property
    def left(self) -> OpenRanges:
        """The ranges of all rows that are open."""
        with self._lock:
            self._fold()
            return OpenRanges.of((*self._later.groups, *self._due.groups, *self._noted.groups))

    def _fold(self) -> None:
        """Make ranges of the notes."""
        if not self._notes:
            return
        notes = (DueRanges(self._dues[day], (Range(second, second + 1),)) for day, second in self._notes)
        self._noted = OpenRanges.of((*self._noted.groups, *notes))
        self._notes.clear()
        self._dues.clear()

    def _is_open(self, row: Mapping[str, Any]) -> bool:
        return row.get(self.rule.field) in self.rule.values

    def _due_of(self, row: Mapping[str, Any]) -> int | None:
        return unix_seconds(row.get(self.rule.due)) if self.rule.due else None
