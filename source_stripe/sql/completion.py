"""Completion: which words may stand where somebody types a question. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_stripe.sql.tables import Table, Tables

_WORD = re.compile(r"[\w.]*$")
_TABLE_NEXT = re.compile(r"\b(?:from|join|describe|desc)\s+$", re.IGNORECASE)
_MENTION = re.compile(r"\b(?:from|join)\s+(?:\w+\.)?(?:\"|`)?/?(\w+)(?:\"|`)?(?:\s+(?:as\s+)?(\w+))?", re.IGNORECASE)
_WORDS = (
    "SELECT", "FROM", "WHERE", "JOIN", "LEFT JOIN", "ON", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "AND", "OR", "NOT",
    "IN", "LIKE", "BETWEEN", "IS NULL", "DESC", "DISTINCT", "AS", "WITH", "UNION ALL", "CASE", "WHEN", "THEN", "ELSE",
    "END", "EXPLAIN", "DESCRIBE", "SHOW TABLES", "count(*)", "sum(", "avg(", "min(", "max(", "stripe_time(", "major(",
)  # fmt: skip


def candidates(before: str, tables: Tables, behind: str = "") -> Iterator[tuple[str, str]]:
    """What the last word before the cursor may become, and what each is. `behind` is the text behind the cursor."""
    match = _WORD.search(before)
    word = match.group() if match else ""
    head = before[: len(before) - len(word)]
    if _TABLE_NEXT.search(head):
        names = (tables.named(name) for name in tables if name.startswith(word.lower()))
        yield from ((table.name, table.description) for table in names)
        return
    mentioned = _mentioned(before + behind, tables)
    *path, last = word.split(".")
    if path:
        prefix = ".".join(path)
        yield from ((f"{prefix}.{name}", told) for name, told in _inside(path, mentioned) if _begins(name, last))
        return
    # Before a FROM nobody knows which table is meant.
    possible = [*mentioned.values()] or ([tables.named(name) for name in tables] if len(word) > 1 else [])
    columns = {name: _told(schema) for table in possible for name, schema in table.columns.items()}
    yield from ((name, told) for name, told in columns.items() if _begins(name, word))
    yield from ((each, "") for each in _WORDS if word and _begins(each, word))


def _mentioned(text: str, tables: Tables) -> Mapping[str, Table]:
    """The tables that a text names, by their names and aliases."""
    found: dict[str, Table] = {}
    for name, alias in _MENTION.findall(text):
        if name.lower() in tables.rows:
            table = tables.named(name.lower())
            found[table.name] = table
            if alias and alias.upper() not in ("WHERE", "JOIN", "ON", "GROUP", "ORDER", "LIMIT", "LEFT", "USING"):
                found[alias.lower()] = table
    return found


def _inside(path: list[str], mentioned: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    """The columns of a table, or the fields of a column."""
    first, *rest = path
    table = mentioned.get(first.lower())
    places = [(table, rest)] if table is not None else [(each, path) for each in mentioned.values()]
    for each, below in places:
        schema = each.at(".".join(below)) if below else each.schema
        yield from ((name, _told(inner)) for name, inner in ((schema or {}).get("properties") or {}).items())


def _begins(name: str, word: str) -> bool:
    return name.lower().startswith(word.lower())


def _told(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or "")
