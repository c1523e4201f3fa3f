"""How streams join: which columns hold ids of other streams' rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from source_stripe.catalog.expanding import places
from source_stripe.catalog.stream_rows import StreamRow

Columns = Mapping[str, Any]
"""The JSON schemas of a stream's columns, by name."""


@dataclass(frozen=True)
class Join:
    """A column that holds ids, dotted where it is inside of others; and the streams whose rows they may be."""

    column: str
    streams: tuple[str, ...]


def joins(row: StreamRow, columns: Columns, rows: Mapping[str, StreamRow]) -> list[Join]:
    """All joins of a stream: with its parents first, then by what Stripe's types say of its ids."""
    found: dict[str, list[str]] = {}
    for parent in row.all_parents:
        if parent.id_field and parent.id_field in columns and parent.id_field not in row.primary_key[:1]:
            found.setdefault(parent.id_field, []).append(parent.stream)
    for kind in row.object:
        for path, kinds in places(kind).ids.items():
            if column := _column(path.split("."), columns):
                found.setdefault(column, []).extend(_streams(kinds, rows))
    return [Join(column, tuple(dict.fromkeys(streams))) for column, streams in found.items() if streams]


def children(row: StreamRow, rows: Mapping[str, StreamRow]) -> list[str]:
    """The streams whose rows belong to those of this one."""
    return [each.name for each in rows.values() if any(parent.stream == row.name for parent in each.all_parents)]


def _streams(kinds: Iterable[str], rows: Mapping[str, StreamRow]) -> Iterator[str]:
    """The stream that has the rows of each kind: the one that lists all of them, if there is one."""
    for kind in kinds:
        having = [each for each in rows.values() if each.object == (kind,) and each.primary_key == ("id",)]
        # `account` holds the key's own, alone.
        having = [each for each in having if each.sync != "single"]
        if having:
            yield min(having, key=lambda each: (len(each.all_parents), len(each.name))).name


def _column(path: list[str], columns: Columns) -> str | None:
    """The place as SQL names it; None in a list, where a join takes more than a name."""
    name, *rest = path
    schema = columns.get(name)
    if schema is None or "array" in schema.get("type", ()):
        return None
    inner = schema.get("properties", {})
    if not rest:
        return f"{name}.id" if "id" in inner else name
    below = _column(rest, inner)
    return f"{name}.{below}" if below else None
