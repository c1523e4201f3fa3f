"""One question to each stream's table, in SQL: of tools/stream_queries.sql, else one that the table's columns allow."""

# ruff: noqa: S608 - these are texts for pages
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from source_stripe.catalog.stream_rows import StreamRow

Columns = Mapping[str, Any]
"""The JSON schemas of a stream's columns, by name."""

_ASKED = re.compile(r"^-- (\w+): (.+\?)\n((?:.+\n)+?)(?=\n|\Z)", re.MULTILINE)
_SHOWN = 5
"""Columns that a question without a subject shows."""


@dataclass(frozen=True)
class Question:
    """A question, and the query that answers it."""

    text: str
    sql: str


@cache
def written() -> Mapping[str, Question]:
    """The questions of the file, by stream."""
    text = Path(__file__).with_name("stream_queries.sql").read_text("utf-8")
    return {stream: Question(asked, sql.rstrip("\n;")) for stream, asked, sql in _ASKED.findall(text)}


def question(row: StreamRow, columns: Columns) -> Question:
    """The question of a stream."""
    return written().get(row.name) or _of_parents(row) or _of_kinds(row, columns) or _any(row, columns)


def _of_parents(row: StreamRow) -> Question | None:
    """How many rows each parent has."""
    parent = row.parent
    if parent is None or parent.id_field is None or parent.id_field in row.primary_key[:1]:
        return None
    return Question(
        f"Which `{parent.stream}` have most of them?",
        f"SELECT p.id, count(*) AS {row.name}\n"
        f"FROM {row.name} AS c JOIN {parent.stream} AS p ON p.id = c.{parent.id_field}\n"
        f"{_that_are_there(row, 'c.')}GROUP BY ALL ORDER BY {row.name} DESC LIMIT 20",
    )


def _of_kinds(row: StreamRow, columns: Columns) -> Question | None:
    """How many rows there are of each kind."""
    found = [name for name in ("status", "type", "currency", "active", "enabled") if _kind(columns.get(name, {}))]
    if not found:
        return None
    names = ", ".join(found[:2])
    return Question(
        f"How many are there by {' and '.join(f'`{name}`' for name in found[:2])}?",
        f"SELECT {names}, count(*) AS {row.name} FROM {row.name}\n"
        f"{_that_are_there(row)}GROUP BY ALL ORDER BY {row.name} DESC",
    )


def _any(row: StreamRow, columns: Columns) -> Question:
    """Some rows."""
    plain = [name for name, schema in columns.items() if _kind(schema) and name not in ("object", "livemode")]
    shown = list(dict.fromkeys((*row.primary_key, *plain)))[:_SHOWN]
    return Question("What is there?", f"SELECT {', '.join(shown)} FROM {row.name} LIMIT 20")


def _that_are_there(row: StreamRow, table: str = "") -> str:
    return f"WHERE {table}is_deleted IS NOT TRUE\n" if row.cursor == "updated" else ""


def _kind(schema: Mapping[str, Any]) -> str | None:
    """The type of a column that can be counted by."""
    kinds: Iterable[str] = schema.get("type", ())
    return next((kind for kind in kinds if kind in ("string", "boolean", "integer", "number")), None)
