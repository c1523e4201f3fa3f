"""Filtered: the rows of a stream that the config's filters want. Each is tested, wherever it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from source_stripe.api.values import Row
from source_stripe.objects.hydration import is_on_test_clock
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Finish, Known, Projection
from source_stripe.objects.row_filters import RowFilters


@dataclass(frozen=True)
class Filtered:
    """Leaves out the rows that do not match. One that may have matched before makes a tombstone."""

    inner: Projection
    filters: RowFilters
    finish: Finish
    needs_whole: bool
    """Whether a row can be tested only as `inner` makes it: lists show less of it."""
    tells: bool
    """Whether tombstones are wanted."""

    def costs(self, row: Row) -> bool:
        return (self.needs_whole or self.filters.match(row)) and self.inner.costs(row)

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        if is_on_test_clock(row):
            # Some lists show them once they are filtered.
            return
        if not self.needs_whole and not self.filters.match(row):
            yield from self._left(row, updated)
            return
        for record in self.inner.records(row, updated, known):
            if record.get("is_deleted") or self.filters.match(record):
                yield record
            else:
                yield from self._left(record, updated)

    def _left(self, row: Row, updated: int | None) -> Iterator[Row]:
        if self.tells and self.filters.may_have_matched(row):
            yield self.finish.record(dict(row), updated, deleted=True)

    def tombstones(self, change: Change) -> Iterable[Row]:
        return self.inner.tombstones(change)
