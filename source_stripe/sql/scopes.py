"""Scopes: whose columns the conditions of one SELECT are about, and which may be tested before its joins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.sql.conditions import conjuncts

if TYPE_CHECKING:
    from source_stripe.sql.tables import Table

_SIMPLE: tuple[type[exp.Expr], ...] = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or, exp.Not, exp.Paren, exp.In, exp.Between,
    exp.Is, exp.Null, exp.Boolean, exp.Literal, exp.Neg, exp.Like, exp.ILike, exp.Column, exp.Identifier,
)  # fmt: skip
"""What conditions are made of that are tested on a page before DuckDB tests them again."""
_IN_QUERIES: tuple[type[exp.Expr], ...] = (
    *_SIMPLE, exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Where, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.Alias, exp.Max, exp.Min, exp.Distinct, exp.Var,
)  # fmt: skip
"""What a question is made of that is asked for its values before the one that it stands in."""


@dataclass(frozen=True)
class Mention:
    """A table where a question names it."""

    node: exp.Table
    table: Table


@dataclass(frozen=True)
class Named:
    """What one SELECT reads from, by the names that it has there."""

    names: tuple[str, ...]
    tables: Mapping[str, Mention]
    """Those of them that are streams."""
    is_plain: bool
    """Whether a condition on one of them may be tested before they are joined."""
    items: tuple[exp.Expr, ...] = ()
    """The same, as the tree has it, in the order of the names."""

    @classmethod
    def of(cls, scope: Scope, tables: Mapping[int, Table]) -> Named:
        """`tables` are the streams, by the identity of the node that names them."""
        select = scope.expression
        items = _items(select)
        names = tuple(_called(item, tables.get(id(item))) for item in items)
        found = {
            name: Mention(item, tables[id(item)])
            for name, item in zip(names, items, strict=True)
            if isinstance(item, exp.Table) and id(item) in tables
        }
        return cls(names, found, is_plain(select, items) and len(set(names)) == len(names), tuple(items))

    def owner_of(self, column: exp.Expr) -> tuple[str, str] | None:
        """The name of the stream that a column is of, and the column's dotted path there."""
        if not isinstance(column, exp.Column) or isinstance(column.this, exp.Star):
            return None
        first, *rest = (part.name.lower() for part in column.parts)
        having = [name for name, mention in self.tables.items() if mention.table.column(first) is not None]
        if first in self.names and rest:
            if having or first not in self.tables:
                return None
            owner, path = first, ".".join(rest)
        elif len(having) == 1 and len(self.tables) == len(self.names) and first not in self.names:
            owner, path = having[0], ".".join((first, *rest))
        else:
            return None
        return (owner, path) if self.tables[owner].table.at(path) is not None else None

    def name_of(self, item: exp.Expr) -> str | None:
        """The name of what is read from."""
        return next((name for name, each in zip(self.names, self.items, strict=True) if each is item), None)

    def path_of(self, name: str, column: exp.Expr) -> str | None:
        """The dotted path of a column of this stream."""
        found = self.owner_of(column)
        return found[1] if found is not None and found[0] == name else None

    def is_about(self, name: str, condition: exp.Expr) -> bool:
        """Whether a condition is a simple one, about columns of this stream only."""
        if not all(isinstance(node, _SIMPLE) for node in condition.walk()):
            return False
        columns = list(condition.find_all(exp.Column))
        return bool(columns) and all(self.path_of(name, column) is not None for column in columns)


@dataclass(frozen=True)
class Edge:
    """Rows of one stream that are only wanted where `path` has one of the values that a question about another has."""

    node: exp.Table
    path: str
    other: exp.Table
    values: exp.Query
    """One column of the other stream."""
    column: str | None = None
    """Its dotted path there; None where the question chooses it."""
    is_needed_whole: bool = False
    """Whether the other stream's part of the question is answered whole whatever becomes of this one."""

    def with_accounts(self, edges: Sequence[Edge]) -> exp.Query | None:
        """The values, each with the account that another edge between the two names beside it; None if none does."""
        if self.is_needed_whole or self.path == ACCOUNT_COLUMN or not isinstance(self.values, exp.Select):
            return None
        for each in edges:
            of_both = each.node is self.node and each.other is self.other and not each.is_needed_whole
            if of_both and each.path == ACCOUNT_COLUMN:
                return self.values.select(each.values.selects[0].copy())
        return None


def is_plain(select: exp.Expr, items: Sequence[exp.Expr]) -> bool:
    """Whether the conditions of a SELECT may be tested on the rows of its tables."""
    joins: list[exp.Join] = select.args.get("joins") or []
    known = all(isinstance(item, exp.Table | exp.Subquery | exp.Unnest | exp.Lateral) for item in items)
    alone = not any(item.args.get(key) for item in items for key in ("joins", "sample", "pivots"))
    usual = all(join.method in ("", "NATURAL") for join in joins)
    return known and alone and usual and not select.args.get("sample") and not select.args.get("laterals")


def pushable(scope: Scope, named: Named, name: str) -> Iterator[exp.Expr]:
    """The conditions that a stream's rows have to meet to make a difference to a SELECT.

    Rows that a WHERE would refuse later, at whatever side of a join. Rows that an ON refuses, where it is of an inner
    join or of the one that brings the table as the side that may be missing.
    """
    if not named.is_plain:
        return
    where = scope.expression.args.get("where")
    yield from conjuncts(where.this if where is not None else None)
    for join in scope.expression.args.get("joins") or []:
        brings = named.name_of(join.this) == name
        if _is_inner(join) or (brings and _may_miss(join)):
            yield from conjuncts(join.args.get("on"))


def edges_of(scope: Scope, named: Named, below: Callable[[exp.Expr], Named | None]) -> Iterator[Edge]:
    """The equalities by which one stream's rows may be asked for by what another has. `below` names what a subquery
    reads from."""
    if not named.is_plain:
        return
    select = scope.expression
    where = select.args.get("where")
    wheres = list(conjuncts(where.this if where is not None else None))
    for condition in wheres:
        yield from _both_ways(named, condition, wheres)
        yield from _of_subquery(named, condition, below)
    for join in select.args.get("joins") or []:
        for condition in (*conjuncts(join.args.get("on")), *_using(join, named)):
            for edge in _both_ways(named, condition, wheres):
                if _is_inner(join) or (_may_miss(join) and edge.node is join.this):
                    yield edge


def _using(join: exp.Join, named: Named) -> Iterator[exp.Expr]:
    """The equalities that USING says, where one other stream has the column."""
    for identifier in join.args.get("using") or []:
        column, brought = identifier.name.lower(), named.name_of(join.this)
        others = [
            name
            for name, mention in named.tables.items()
            if name != brought and mention.table.column(column) is not None
        ]
        if (
            len(others) == 1
            and brought is not None
            and brought in named.tables
            and len(named.tables) == len(named.names)
        ):
            yield exp.EQ(this=_column(others[0], column), expression=_column(brought, column))


def _column(table: str, name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name), table=exp.to_identifier(table))


def _both_ways(named: Named, condition: exp.Expr, wheres: Sequence[exp.Expr]) -> Iterator[Edge]:
    if not isinstance(condition, exp.EQ):
        return
    left, right = named.owner_of(condition.this), named.owner_of(condition.expression)
    if left is None or right is None or left[0] == right[0]:
        return
    for (name, path), (other, inside), column in ((left, right, condition.expression), (right, left, condition.this)):
        node = named.tables[other].node
        values = exp.select(column.copy()).from_(node.copy())
        for each in wheres:
            if named.is_about(other, each):
                values = values.where(each.copy())
        yield Edge(named.tables[name].node, path, node, values, inside)


def _of_subquery(named: Named, condition: exp.Expr, below: Callable[[exp.Expr], Named | None]) -> Iterator[Edge]:
    """Of IN (SELECT ...) and = (SELECT ...), about one other stream and nothing outside."""
    if isinstance(condition, exp.In):
        pairs = [(condition.this, condition.args.get("query"))]
    elif isinstance(condition, exp.EQ):
        pairs = [(condition.this, condition.expression), (condition.expression, condition.this)]
    else:
        return
    for column, query in pairs:
        inner = query.unnest() if isinstance(query, exp.Subquery) else query
        found = named.owner_of(column)
        if found is None or not isinstance(inner, exp.Select) or len(inner.expressions) != 1:
            continue
        others = below(inner)
        if others is None or not others.is_plain or len(others.names) != 1 or not others.tables:
            continue
        simple = all(isinstance(node, _IN_QUERIES) for node in inner.walk())
        if simple and all(others.owner_of(each) is not None for each in inner.find_all(exp.Column)):
            (other,) = others.tables.values()
            yield Edge(named.tables[found[0]].node, found[1], other.node, inner, is_needed_whole=True)


def _items(select: exp.Expr) -> list[exp.Expr]:
    """What a SELECT reads from."""
    begun = select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    return [*([begun.this] if begun is not None else []), *(join.this for join in joins)]


def _called(item: exp.Expr, table: Table | None) -> str:
    """The name of an item. A stream's path is no name: there its table has that of the stream."""
    return str(item.alias or (table.name if table is not None else item.alias_or_name)).lower()


def _is_inner(join: exp.Join) -> bool:
    return not join.side and join.kind in ("", "INNER", "CROSS")


def _may_miss(join: exp.Join) -> bool:
    """Whether the table that a join brings may have no row for one of the others."""
    return (join.side == "LEFT" and join.kind in ("", "OUTER")) or (not join.side and join.kind in ("SEMI", "ANTI"))
