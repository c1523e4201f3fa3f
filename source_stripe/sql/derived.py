"""Derived tables: through which CTEs and subqueries a condition reaches the table that it is about. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from source_stripe.sql.scopes import Named

_OPAQUE = ("group", "having", "qualify", "distinct", "windows", "limit", "offset", "sample")
"""With one of these, a SELECT of fewer rows is not the same as fewer rows of a SELECT."""


@dataclass(frozen=True)
class Reached:
    """A column of a table. `by` is the name, in the SELECT that the column stands in, by which it is reached."""

    by: str
    node: exp.Table
    path: str


@dataclass
class Derived:
    """Finds columns through SELECTs that only choose rows and columns, and that one other SELECT reads from."""

    scopes: Sequence[Scope]
    named_of: Callable[[Scope], Named]
    _known: dict[int, Named] = field(default_factory=dict)

    def named(self, scope: Scope) -> Named:
        """What a SELECT reads from."""
        key = id(scope.expression)
        if key not in self._known:
            self._known[key] = self.named_of(scope)
        return self._known[key]

    def reach(self, scope: Scope, column: exp.Expr) -> Reached | None:
        """The table's column that a column of a SELECT is; None where it is something else."""
        named = self.named(scope)
        owner = named.owner_of(column)
        if owner is not None:
            return Reached(owner[0], named.tables[owner[0]].node, owner[1])
        if not isinstance(column, exp.Column) or isinstance(column.this, exp.Star):
            return None
        first, *rest = (part.name.lower() for part in column.parts)
        if first in named.names and rest:
            name, path = first, rest
        elif len(named.names) == 1 and first not in named.names:
            name, path = named.names[0], [first, *rest]
        else:
            return None
        inner = self._inner(scope, named, name)
        parts = _projected(inner.expression, path[0]) if inner is not None else None
        if inner is None or parts is None:
            return None
        found = self.reach(inner, _column([*parts, *path[1:]]))
        return None if found is None else Reached(name, found.node, found.path)

    def _inner(self, scope: Scope, named: Named, name: str) -> Scope | None:
        """The SELECT that a name stands for, if a condition on its rows may be tested inside of it."""
        if name not in named.names or name in named.tables or self._has_recursion:
            return None
        item = named.items[named.names.index(name)]
        alias = item.args.get("alias")
        source = scope.sources.get(item.alias_or_name)
        if not isinstance(source, Scope) or (alias is not None and alias.args.get("columns")):
            return None
        select = source.expression
        if not isinstance(select, exp.Select) or self._uses[id(select)] != 1 or not self.named(source).is_plain:
            return None
        if any(select.args.get(key) for key in _OPAQUE):
            return None
        if any(True for each in select.expressions for _ in each.find_all(exp.AggFunc, exp.Window, exp.Unnest)):
            return None
        return source

    @cached_property
    def _uses(self) -> Counter[int]:
        """How often each derived table is read from."""
        found: Counter[int] = Counter()
        for scope in self.scopes:
            for item in self.named(scope).items:
                source = scope.sources.get(item.alias_or_name)
                if isinstance(source, Scope):
                    found[id(source.expression)] += 1
        return found

    @cached_property
    def _has_recursion(self) -> bool:
        withs = (scope.expression.args.get("with_") for scope in self.scopes)
        return any(each is not None and each.args.get("recursive") for each in withs)


def _projected(select: exp.Expr, name: str) -> list[str] | None:
    """The column inside of a SELECT that it shows by a name."""
    stars = [each for each in select.expressions if isinstance(each, exp.Star) or each.is_star]
    called = [each for each in select.expressions if each.alias_or_name.lower() == name]
    if called:
        column = called[0].unalias()
        plain = len(called) == 1 and not stars and isinstance(column, exp.Column)
        return [part.name for part in column.parts] if plain and isinstance(column, exp.Column) else None
    whole = len(stars) == 1 and isinstance(stars[0], exp.Star) and not any(stars[0].args.values())
    return [name] if whole else None


def _column(parts: Sequence[str]) -> exp.Expr:
    """A column by its parts."""
    names = ("this", "table", "db", "catalog")
    if len(parts) > len(names):
        return exp.null()
    return exp.Column(**{key: exp.to_identifier(part) for key, part in zip(names, reversed(parts), strict=False)})
