"""Conditions: what a WHERE or an ON says of the columns of one table, as bounds. Pure.

What is not understood says nothing, so that more is read than needed, and nothing is missed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlglot import exp

from source_stripe.sql.bounds import Bound, Bounds, Span, Value, Values, both, either
from source_stripe.sql.dialect import sql_of
from source_stripe.sql.errors import TIMES_ARE_NUMBERS, QueryError

Constant = Callable[[str], Any]
"""What DuckDB makes of an expression without columns; None where it can't be had."""
PathOf = Callable[[exp.Expr], str | None]
"""The dotted path of a column of the table that is asked about; None for anything else."""

_DAY = 86_400
"""Seconds."""
_UNITS = {"hour": 3_600, "day": _DAY, "week": 7 * _DAY, "month": 31 * _DAY, "quarter": 92 * _DAY, "year": 366 * _DAY}
"""Seconds that a unit of time has at most."""
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?")
_FIRST_YEAR, _LAST_YEAR = 1970, 9999
"""Of Unix time, and of Python's."""
_CONSTANTS: tuple[type[exp.Expr], ...] = (
    exp.Literal, exp.Boolean, exp.Neg, exp.Paren, exp.Cast, exp.DataType, exp.Interval, exp.Var, exp.Add, exp.Sub,
    exp.Mul, exp.CurrentTimestamp, exp.CurrentDate, exp.TimestampTrunc, exp.TimeToUnix, exp.ToDays,
)  # fmt: skip
"""What constants are made of: each has one value while a question runs."""
_TIMES = (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ, exp.DType.TIMESTAMPTZ)
_FLIPPED: Mapping[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.EQ: exp.EQ,
}


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all have to hold."""
    if condition is None:
        return
    if isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    else:
        yield condition


@dataclass(frozen=True)
class Conditions:
    """Reads conditions about one table. `kind_of` says the JSON type at a path."""

    path_of: PathOf
    kind_of: Callable[[str], str]
    constant: Constant

    def bounds(self, condition: exp.Expr) -> Bounds:
        """What a row has to be for the condition to be true: that it is not where one of the columns is null."""
        if isinstance(condition, exp.Paren):
            return self.bounds(condition.this)
        if isinstance(condition, exp.And):
            return both(self.bounds(condition.left), self.bounds(condition.right))
        if isinstance(condition, exp.Or):
            return either(self.bounds(condition.left), self.bounds(condition.right))
        if isinstance(condition, exp.Between):
            if condition.args.get("symmetric"):
                return {}
            low = self._compared(condition.this, exp.GTE, condition.args["low"])
            return both(low, self._compared(condition.this, exp.LTE, condition.args["high"]))
        if isinstance(condition, exp.In):
            return self._one_of(condition)
        if type(condition) in _FLIPPED:
            straight = self._compared(condition.this, type(condition), condition.expression)
            return straight or self._compared(condition.expression, _FLIPPED[type(condition)], condition.this)
        return self._flag(condition)

    def _flag(self, condition: exp.Expr) -> Bounds:
        """A column that is true or false by itself."""
        wanted = True
        if isinstance(condition, exp.Not):
            condition, wanted = condition.this, False
        if isinstance(condition, exp.Is) and isinstance(condition.expression, exp.Boolean):
            condition, wanted = condition.this, wanted == bool(condition.expression.this)
            if not wanted:
                # IS NOT TRUE holds for null too.
                return {}
        path = self.path_of(condition)
        return {path: Values(frozenset({wanted}))} if path is not None and self.kind_of(path) == "boolean" else {}

    def _one_of(self, condition: exp.In) -> Bounds:
        found: list[Bounds] = [self._compared(condition.this, exp.EQ, each) for each in condition.expressions]
        if not found or condition.args.get("query") is not None or condition.args.get("unnest") is not None:
            return {}
        bounds = found[0]
        for other in found[1:]:
            bounds = either(bounds, other)
        return bounds

    def _compared(self, column: exp.Expr, how: type[exp.Expr], other: exp.Expr) -> Bounds:
        """A column, or the time that it says, compared with a constant."""
        if not _is_constant(other):
            return {}
        path = self.path_of(column)
        if path is not None:
            return _said(path, _plain(how, self._value(other), self.kind_of(path)))
        if isinstance(column, exp.Year):
            return self._in_year(column.this, how, self._value(other))
        moment = self._moment_of(column)
        if moment is None:
            return {}
        path, slack = moment
        return _said(path, _of_time(how, self._time(other), slack))

    def _in_year(self, column: exp.Expr, how: type[exp.Expr], year: Any) -> Bounds:
        moment = self._moment_of(column)
        if moment is None or how is not exp.EQ or not isinstance(year, int) or not _FIRST_YEAR <= year < _LAST_YEAR:
            return {}
        first, behind = (int(datetime(each, 1, 1, tzinfo=timezone.utc).timestamp()) for each in (year, year + 1))
        return {moment[0]: Span(first, behind - 1 + moment[1])}

    def _value(self, constant: exp.Expr) -> Any:
        if isinstance(constant, exp.Literal) and constant.is_string:
            return str(constant.this)
        if isinstance(constant, exp.Boolean):
            return bool(constant.this)
        return self.constant(sql_of(constant))

    def _time(self, constant: exp.Expr) -> float | None:
        """A moment in Unix seconds, as DuckDB compares it with a timestamp."""
        moment = self.constant(f"CAST(({sql_of(constant)}) AS TIMESTAMP)")
        return moment.replace(tzinfo=timezone.utc).timestamp() if isinstance(moment, datetime) else None

    def _moment_of(self, expression: exp.Expr) -> tuple[str, int] | None:
        """The column whose Unix seconds an expression shows as a time, and how much earlier that may be, in seconds."""
        if isinstance(expression, exp.Paren):
            return self._moment_of(expression.this)
        if isinstance(expression, exp.Cast) and expression.to.this in _TIMES:
            inner = self._moment_of(expression.this)
            lost = _DAY if expression.to.this == exp.DType.DATE else 0
            return None if inner is None else (inner[0], inner[1] + lost)
        if isinstance(expression, exp.TimestampTrunc):
            inner = self._moment_of(expression.this)
            lost = _UNITS.get(str(expression.args["unit"].name).lower(), 0)
            return None if inner is None or not lost else (inner[0], inner[1] + lost)
        shown = _shown_as_time(expression)
        path = None if shown is None else self.path_of(shown)
        return None if path is None or self.kind_of(path) != "integer" else (path, 0)


def _shown_as_time(expression: exp.Expr) -> exp.Expr | None:
    """What stripe_time(...) or to_timestamp(...) are about."""
    if isinstance(expression, exp.Anonymous) and str(expression.this).lower() in ("stripe_time", "to_timestamp"):
        return expression.expressions[0] if len(expression.expressions) == 1 else None
    if isinstance(expression, exp.UnixToTime):
        return expression.this if isinstance(expression.this, exp.Expr) else None
    return None


def _is_constant(expression: exp.Expr) -> bool:
    return all(isinstance(node, _CONSTANTS) or _is_function(node) for node in expression.walk())


def _is_function(node: exp.Expr) -> bool:
    names = ("now", "today", "epoch", "get_current_timestamp", "current_localtimestamp")
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in names


def _said(path: str, bound: Bound | None) -> Bounds:
    return {} if bound is None else {path: bound}


def _plain(how: type[exp.Expr], value: Any, kind: str) -> Bound | None:
    """A column compared with a value of its own type. Raises QueryError."""
    if kind == "integer":
        if isinstance(value, str) and _DATE.match(value):
            # DuckDB would say so too, at the first row.
            raise QueryError(f"A number can't be compared with '{value}'. {TIMES_ARE_NUMBERS}")
        return _of_number(how, value)
    fits: Mapping[str, type[Value]] = {"string": str, "boolean": bool}
    if how is exp.EQ and kind in fits and isinstance(value, fits[kind]):
        return Values(frozenset({value}))
    return None


def _of_number(how: type[exp.Expr], value: Any) -> Bound | None:
    if isinstance(value, bool) or (not isinstance(value, int | float) and not hasattr(value, "as_integer_ratio")):
        return None
    if not math.isfinite(value):
        return None
    if how is exp.EQ:
        return Values(frozenset({int(value)})) if int(value) == value else None
    if how in (exp.GT, exp.GTE):
        return Span(low=math.floor(value) + 1 if how is exp.GT else math.ceil(value))
    return Span(high=math.ceil(value) - 1 if how is exp.LT else math.floor(value))


def _of_time(how: type[exp.Expr], time: float | None, slack: int) -> Bound | None:
    """A time compared with a moment. What is shown may be earlier than what the column says, by less than `slack`."""
    if time is None:
        return None
    low, high = math.floor(time), math.ceil(time) + slack
    if how is exp.EQ:
        return Span(low, high)
    return Span(low=low) if how in (exp.GT, exp.GTE) else Span(high=high)
