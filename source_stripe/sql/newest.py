"""Newest: how many of a list's newest rows a SELECT wants, where its ORDER BY and LIMIT say so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from source_stripe.sql.conditions import conjuncts
from source_stripe.sql.dialect import sql_of
from source_stripe.sql.scopes import Named

_NOT_IN_ONE_PASS = ("group", "having", "qualify", "distinct", "windows", "sample", "with_")


@dataclass(frozen=True)
class Newest:
    """The newest rows of a list: so many of those that meet some conditions."""

    rows: int
    called: str = ""
    where: tuple[str, ...] = ()
    """In SQL; they call the table so."""


def newest_of(select: exp.Expr, named: Named, time_field: str) -> Newest | None:
    """What a SELECT from one stream wants; None where it may want others than the newest rows."""
    if not isinstance(select, exp.Select) or not named.is_plain or len(named.names) != 1 or not named.tables:
        return None
    if any(select.args.get(key) for key in _NOT_IN_ONE_PASS):
        return None
    if any(_makes_other_rows(node) for each in select.expressions for node in each.walk()):
        return None
    rows = rows_wanted(select)
    if rows is None or not _is_newest_first(select, named, time_field):
        return None
    (name,) = named.names
    where = select.args.get("where")
    conditions = list(conjuncts(where.this if where is not None else None))
    if not all(named.is_about(name, each) for each in conditions):
        return None
    return Newest(rows, name, tuple(map(sql_of, conditions)))


@dataclass
class Descent:
    """Whether a reader of a list, newest rows first, has all that is wanted. Rows come by page."""

    wanted: int
    _had: int = 0
    _oldest_wanted: int | None = None
    _last: int | None = None
    _in_order: bool = field(default=True)

    def is_through(self, times: Sequence[int | None], meet: Sequence[bool]) -> bool:
        """Take in a page: when each row was created (Unix seconds), and whether it meets the conditions.

        Rows of the second of the last one that is wanted are all wanted: which of them come first is for DuckDB to say.
        """
        for time, wanted in zip(times, meet, strict=True):
            self._in_order &= time is not None and (self._last is None or time <= self._last)
            self._last = time
            self._had += wanted
            if self._had == self.wanted and wanted:
                self._oldest_wanted = time
        if not self._in_order:
            return False
        if self._had < self.wanted:
            return False
        return self.wanted == 0 or (
            self._last is not None and self._oldest_wanted is not None and self._last < self._oldest_wanted
        )


def rows_wanted(select: exp.Select) -> int | None:
    """How many rows a SELECT takes at most, with those that it skips; None where it does not say."""
    limit, offset = select.args.get("limit"), select.args.get("offset")
    if not isinstance(limit, exp.Limit):
        return None
    numbers = [limit.expression, *([offset.expression] if offset is not None else [])]
    if not all(isinstance(each, exp.Literal) and not each.is_string and str(each.this).isdigit() for each in numbers):
        return None
    return sum(int(each.this) for each in numbers)


def _makes_other_rows(node: exp.Expr) -> bool:
    """Whether a column may be of several rows, or make several of one."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() not in ("stripe_time", "major")
    return isinstance(node, exp.AggFunc | exp.Window | exp.UDTF | exp.Unnest | exp.Explode)


def _is_newest_first(select: exp.Select, named: Named, time_field: str) -> bool:
    order = select.args.get("order")
    first = order.expressions[0] if order is not None and order.expressions else None
    if not isinstance(first, exp.Ordered) or not first.args.get("desc"):
        return False
    (name,) = named.names
    column = first.this
    if isinstance(column, exp.Anonymous) and str(column.this).lower() == "stripe_time" and column.expressions:
        column = column.expressions[0]
    if named.path_of(name, column) != time_field:
        return False
    # ORDER BY takes a name that the SELECT gives before a column's.
    for each in select.expressions:
        if isinstance(each, exp.Star) and (each.args.get("replace") or each.args.get("rename")):
            return False
        if each.alias_or_name.lower() == time_field and named.path_of(name, each.unalias()) != time_field:
            return False
    return True
