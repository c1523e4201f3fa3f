"""Config filters: the filters of the config as conditions that stand in every question. Pure.

What a filter says of a column's value is a bound like that of a WHERE, and the list is asked by both together. A filter
that compares in another way is asked for by itself. Every row is tested by all of them (objects/filtered.py).
"""

from __future__ import annotations

from source_stripe.catalog.filters import Filter
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.sql.bounds import Bound, Bounds, Span, Values, both


def bounds_of(row: StreamRow) -> Bounds:
    """What the filters of a stream say, as far as bounds can say it."""
    found: Bounds = {}
    for each in row.filters:
        if _is_bound(each, row):
            found = both(found, {str(each.parameter.field): _bound(each)})
    return found


def others_of(row: StreamRow) -> tuple[Filter, ...]:
    """The filters that are not among the bounds."""
    return tuple(each for each in row.filters if not _is_bound(each, row))


def _is_bound(wanted: Filter, row: StreamRow) -> bool:
    one = wanted.parameter
    if row.all_parents or row.api == "v2" or not one.pushed or one.op != "equals":
        return False
    return not wanted.is_created or (row.filter is not None and one.field == row.time_field)


def _bound(wanted: Filter) -> Bound:
    if wanted.parameter.range:
        return Span(wanted.since, None if wanted.until is None else wanted.until - 1)
    return Values(frozenset(wanted.values))
