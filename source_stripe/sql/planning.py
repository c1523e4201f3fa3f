"""Planning: from the text of a question to the tables that it reads, and what of each it needs. Pure.

DuckDB answers the whole question again from what is read, so a plan only has to name enough. Whatever in a question is
not understood makes it read more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, reduce
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.tokenizer_core import TokenType

from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.sql.bounds import Bounds, both
from source_stripe.sql.conditions import Conditions, Constant, PathOf
from source_stripe.sql.derived import Derived
from source_stripe.sql.dialect import parsed, quoted, sql_of, tokens_of
from source_stripe.sql.errors import QueryError
from source_stripe.sql.newest import Newest, newest_of, rows_wanted
from source_stripe.sql.scopes import Edge, Named, edges_of, pushable

if TYPE_CHECKING:
    from source_stripe.sql.tables import Table, Tables

_ONLY_IN_MEMORY = ("range", "generate_series", "unnest", "json_each", "json_tree", "values")
"""Functions that may stand where a table does: they read nothing."""


@dataclass(frozen=True)
class Keys:
    """A scan whose rows are only wanted where `path` has one of the values that a question about another one has."""

    path: str
    other: int
    values: str
    """The question, in SQL."""
    is_needed_whole: bool = False
    """Whether the other scan is read whatever becomes of this one."""
    with_accounts: bool = False
    """Whether the question has a second column: the account in which each value is wanted."""


@dataclass(frozen=True)
class Scan:
    """One mention of a table in a question."""

    number: int
    table: Table
    columns: tuple[str, ...]
    bounds: Bounds = field(default_factory=dict)
    newest: Newest | None = None
    """If only the newest rows are wanted: how many."""
    keys: tuple[Keys, ...] = ()

    @property
    def name(self) -> str:
        """What DuckDB knows it by."""
        return f"stripe_{self.number}"


@dataclass(frozen=True)
class Plan:
    """A question: its text with the scans in place of the tables, and the scans."""

    text: str
    scans: tuple[Scan, ...]
    reads_all: bool = True
    """Whether nothing in it could end the reading early: it has no LIMIT."""
    most_rows: int | None = None
    """How many rows are read at most, where nothing but a LIMIT decides that."""


def plan_of(text: str, tables: Tables, constant: Constant) -> Plan:
    """The plan of a SELECT. Raises QueryError."""
    tree = parsed(text)
    if not isinstance(tree, exp.Query):
        raise QueryError("Only SELECT, DESCRIBE, SHOW and EXPLAIN are answered: nothing is ever written.")
    _refuse_functions(tree)
    try:
        scopes = list(traverse_scope(tree))
    except SqlglotError as error:
        raise QueryError(f"This is no question that can be planned: {error}") from None
    return _Planner(text, tree, tables, constant).plan(scopes)


@dataclass
class _Planner:
    text: str
    tree: exp.Expr
    tables: Tables
    constant: Constant
    _scans: dict[int, Scan] = field(default_factory=dict)
    """By the identity of the node that mentions the table."""

    def plan(self, scopes: Sequence[Scope]) -> Plan:
        mentions = self._mentions(scopes)
        for number, (node, table) in enumerate(mentions):
            self._scans[id(node)] = Scan(number, table, self._columns(table), table.bounds)
        selects = [scope for scope in scopes if isinstance(scope.expression, exp.Select)]
        derived = Derived(selects, self._named)
        for scope in selects:
            self._push(scope, derived)
        self._add_keys(selects)
        scans = tuple(self._scans[id(node)] for node, _ in mentions)
        limited = any(True for _ in self.tree.find_all(exp.Limit, exp.Fetch))
        return Plan(self._rewritten([node for node, _ in mentions]), scans, not limited, self._most_rows(scans))

    def _most_rows(self, scans: Sequence[Scan]) -> int | None:
        """Of a SELECT that takes rows as they come."""
        select = self.tree
        others = ("where", "group", "order", "having", "qualify", "distinct", "joins", "sample", "with_")
        if len(scans) != 1 or not isinstance(select, exp.Select) or any(select.args.get(key) for key in others):
            return None
        if any(select.find_all(exp.AggFunc, exp.Window, exp.Unnest, exp.Subquery)):
            return None
        return rows_wanted(select)

    def _mentions(self, scopes: Sequence[Scope]) -> list[tuple[exp.Table, Table]]:
        found: dict[int, tuple[exp.Table, Table]] = {}
        for scope in scopes:
            for source in scope.sources.values():
                if isinstance(source, exp.Table) and source.name and id(source) not in found:
                    names = tuple(part.name for part in source.parts)
                    found[id(source)] = (source, self.tables.find(names))
        placed = [each for each in found.values() if _is_placed(each[0])]
        if len(placed) < len(found):
            raise QueryError("A table of this question is named in a way that is not understood.")
        return sorted(placed, key=lambda each: int(each[0].parts[0].meta["start"]))

    def _columns(self, table: Table) -> tuple[str, ...]:
        """The columns that the text may mean: all that it names, wherever it does."""
        if self._names_all:
            return tuple(table.columns)
        wanted = [name for name in table.columns if name.lower() in self._names]
        return tuple(wanted or table.row.primary_key[:1])

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(token.text.lower() for token in tokens_of(self.text))

    @cached_property
    def _names_all(self) -> bool:
        """Whether columns are meant that the text does not name."""
        stars = (star for star in self.tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count))
        if any(True for _ in stars) or self.tree.find(exp.Columns, exp.Pivot):
            return True
        if any(join.method == "NATURAL" for join in self.tree.find_all(exp.Join)):
            return True
        aliases = list(self.tree.find_all(exp.TableAlias))
        if any(alias.columns and isinstance(alias.parent, exp.Table) for alias in aliases):
            return True
        # A table's name where a column could stand is its whole row.
        called = {table.alias_or_name.lower().rpartition("/")[2] for table in self.tree.find_all(exp.Table)}
        return any(column.parts[0].name.lower() in called and len(column.parts) == 1 for column in self._found_columns)

    @property
    def _found_columns(self) -> Iterator[exp.Column]:
        return self.tree.find_all(exp.Column)

    def _push(self, scope: Scope, derived: Derived) -> None:
        """What the conditions of a SELECT say of the tables that it reads from, by itself or through others."""
        named = derived.named(scope)
        for name in named.names:
            conditions = list(pushable(scope, named, name))
            for key, scan in self._scans.items():
                bounds = scan.bounds
                read = self._conditions(scan, partial(_path, derived, scope, name, key))
                self._scans[key] = replace(scan, bounds=reduce(both, map(read.bounds, conditions), bounds))
        for table in named.tables.values():
            newest = newest_of(scope.expression, named, table.table.row.time_field)
            self._scans[id(table.node)] = replace(self._scans[id(table.node)], newest=newest)

    def _add_keys(self, scopes: Sequence[Scope]) -> None:
        named = {id(scope.expression): self._named(scope) for scope in scopes}
        for scope in scopes:
            edges = [*edges_of(scope, named[id(scope.expression)], lambda select: named.get(id(select)))]
            self._add_accounts(edges)
            for edge in edges:
                of, other = self._scans[id(edge.node)], self._scans[id(edge.other)]
                paired = edge.with_accounts(edges) if self.tables.several else None
                values = _of_scan(paired or edge.values, other)
                keys = Keys(edge.path, other.number, values, edge.is_needed_whole, paired is not None)
                self._scans[id(edge.node)] = replace(of, keys=(*of.keys, keys))

    def _add_accounts(self, edges: Sequence[Edge]) -> None:
        """Of accounts that are named for one table no others are wanted of those that are joined by them."""
        for edge in [each for each in edges if each.path == each.column == ACCOUNT_COLUMN] * len(self._scans):
            of, other = self._scans[id(edge.node)], self._scans[id(edge.other)]
            if self.tables.several and ACCOUNT_COLUMN in other.bounds:
                bounds = both(of.bounds, {ACCOUNT_COLUMN: other.bounds[ACCOUNT_COLUMN]})
                self._scans[id(edge.node)] = replace(of, bounds=bounds)

    def _named(self, scope: Scope) -> Named:
        """The tables that a scope reads by the names that they have there."""
        return Named.of(scope, {key: scan.table for key, scan in self._scans.items()})

    def _conditions(self, scan: Scan, path_of: PathOf) -> Conditions:
        def kind_of(path: str) -> str:
            kinds = (scan.table.at(path) or {}).get("type") or ()
            plain = [kind for kind in kinds if kind != "null"]
            return str(plain[0]) if len(plain) == 1 else ""

        return Conditions(path_of, kind_of, self.constant)

    def _rewritten(self, nodes: Sequence[exp.Table]) -> str:
        """The text with scans in place of tables, and with DuckDB's quotes for names in backticks."""
        edits: list[tuple[int, int, str]] = []
        for node in nodes:
            scan = self._scans[id(node)]
            parts = node.parts
            called = "" if node.alias else f" AS {quoted(scan.table.name)}"
            edits.append((parts[0].meta["start"], parts[-1].meta["end"] + 1, f"{scan.name}{called}"))
        sources = {part.name.lower() for node in nodes for part in node.parts[:-1]}
        taken = [(start, end) for start, end, _ in edits]
        for column in self._found_columns:
            # mystripe.charges.id is charges.id to DuckDB, which knows no source.
            first, *rest = column.parts
            if rest and first.name.lower() in sources and "start" in first.meta and "start" in rest[0].meta:
                edits.append((first.meta["start"], rest[0].meta["start"], ""))
        for token in tokens_of(self.text):
            inside = any(start <= token.start < end for start, end in taken)
            if not inside and token.token_type == TokenType.IDENTIFIER and self.text[token.start] == "`":
                edits.append((token.start, token.end + 1, quoted(token.text)))
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def _path(derived: Derived, scope: Scope, name: str, node: int, column: exp.Expr) -> str | None:
    """The path of a column, if it is of this node's table and is reached by this name."""
    found = derived.reach(scope, column)
    return found.path if found is not None and found.by == name and id(found.node) == node else None


def _of_scan(query: exp.Query, scan: Scan) -> str:
    """The text of a question about one table, with its scan in the table's place."""
    asked = query.copy()
    for node in list(asked.find_all(exp.Table)):
        called = exp.TableAlias(this=exp.to_identifier(node.alias or scan.table.name, quoted=True))
        node.replace(exp.Table(this=exp.to_identifier(scan.name), alias=called))
    return sql_of(asked)


def _is_placed(node: exp.Table) -> bool:
    return all("start" in part.meta and "end" in part.meta for part in node.parts)


def _refuse_functions(tree: exp.Expr) -> None:
    """Raise QueryError for a function in place of a table that may read something else than Stripe."""
    for node in tree.find_all(exp.Table):
        if isinstance(node.this, exp.Func) and not _is_harmless(node.this):
            raise QueryError(f"{_function(node.this)} can't be used here: only Stripe is read, no file and no network.")


def _is_harmless(function: Any) -> bool:
    return _function(function).lower() in _ONLY_IN_MEMORY or isinstance(function, exp.GenerateSeries | exp.Unnest)


def _function(function: Any) -> str:
    return str(function.this if isinstance(function, exp.Anonymous) else function.sql_name())
