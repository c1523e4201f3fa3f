"""Bounds: what a condition says that a column's value has to be. Pure.

A bound may allow more than its condition does, never less: Stripe is asked by it, and DuckDB tests every row again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | int | bool


@dataclass(frozen=True)
class Values:
    """One of these; none at all where there are none."""

    values: frozenset[Value]


@dataclass(frozen=True)
class Span:
    """A whole number from `low` to `high`, both included; None is no end."""

    low: int | None = None
    high: int | None = None


Bound = Values | Span
Bounds = Mapping[str, Bound]
"""By dotted path of a column. A path that is not in it may have any value."""


def both(one: Bounds, other: Bounds) -> dict[str, Bound]:
    """What holds where two conditions hold."""
    merged = dict(one)
    for path, bound in other.items():
        merged[path] = _meet(merged[path], bound) if path in merged else bound
    return merged


def either(one: Bounds, other: Bounds) -> dict[str, Bound]:
    """What holds where at least one of two conditions holds."""
    joined = {path: _join(bound, other[path]) for path, bound in one.items() if path in other}
    return {path: bound for path, bound in joined.items() if bound is not None}


def is_impossible(bounds: Bounds) -> bool:
    """Whether no row can be within them."""
    return any(
        not bound.values
        if isinstance(bound, Values)
        else bound.low is not None and bound.high is not None and bound.low > bound.high
        for bound in bounds.values()
    )


def _meet(one: Bound, other: Bound) -> Bound:
    if isinstance(one, Values) and isinstance(other, Values):
        return Values(frozenset(value for value in one.values if _is_in(value, other.values)))
    if isinstance(one, Span) and isinstance(other, Span):
        lows = [low for low in (one.low, other.low) if low is not None]
        highs = [high for high in (one.high, other.high) if high is not None]
        return Span(max(lows, default=None), min(highs, default=None))
    values, span = (one, other) if isinstance(one, Values) else (other, one)
    return Values(frozenset(value for value in _values(values) if _within(value, span)))


def _join(one: Bound, other: Bound) -> Bound | None:
    if isinstance(one, Values) and isinstance(other, Values):
        return Values(one.values | other.values)
    first, second = _span(one), _span(other)
    if first is None or second is None:
        return None
    low = None if first.low is None or second.low is None else min(first.low, second.low)
    high = None if first.high is None or second.high is None else max(first.high, second.high)
    return Span(low, high)


def _values(bound: Bound) -> frozenset[Value]:
    return bound.values if isinstance(bound, Values) else frozenset()


def _span(bound: Bound) -> Span | None:
    """The span that holds a bound; None where its values are no numbers."""
    if isinstance(bound, Span):
        return bound
    numbers = [value for value in bound.values if isinstance(value, int) and not isinstance(value, bool)]
    if not numbers or len(numbers) < len(bound.values):
        return None
    return Span(min(numbers), max(numbers))


def _is_in(value: Value, values: frozenset[Value]) -> bool:
    """True is no 1 here, as it is in Python."""
    return any(type(value) is type(other) and value == other for other in values)


def _within(value: Value, bound: Bound) -> bool:
    if not isinstance(bound, Span) or not isinstance(value, int):
        return True
    return (bound.low is None or bound.low <= value) and (bound.high is None or value <= bound.high)
