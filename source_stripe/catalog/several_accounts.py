"""Several accounts in one table: each row says whose it is, and the key begins with that. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_stripe.catalog.stream_rows import ParentRow, StreamRow

ACCOUNT_COLUMN = "account_id"
"""The field that says whose a row is."""
_SCHEMA = {
    "description": "The account that the row is of. Added by the connector.",
    "type": ["null", "string"],
}


def with_room(rows: Mapping[str, StreamRow]) -> Mapping[str, StreamRow]:
    """The rows, none of which says something else by that field: a parent's id gets a longer name."""
    return {name: _with_room(row, rows) for name, row in rows.items()}


def key_of(key: tuple[str, ...]) -> tuple[str, ...]:
    """A stream's primary key, where it has rows of several accounts."""
    return (ACCOUNT_COLUMN, *(name for name in key if name != ACCOUNT_COLUMN))


def schema_of(row: StreamRow, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A stream's schema, where it has rows of several accounts. `row` is one that has room."""
    properties: dict[str, Any] = dict(schema["properties"])
    moved = [parent for parent in row.all_parents if parent.id_as is not None and parent.id_as not in properties]
    for parent in moved:
        properties[str(parent.id_as)] = properties.pop(ACCOUNT_COLUMN)
    return {**schema, "properties": {**properties, ACCOUNT_COLUMN: _SCHEMA}}


def _with_room(row: StreamRow, rows: Mapping[str, StreamRow]) -> StreamRow:
    parent = row.parent
    if parent is None or parent.id_field != ACCOUNT_COLUMN:
        return row
    return row.model_copy(update={"parent": _longer(parent, rows)})


def _longer(parent: ParentRow, rows: Mapping[str, StreamRow]) -> ParentRow:
    kind = rows[parent.stream].object[0].replace(".", "_")
    return parent.model_copy(update={"id_as": f"{kind}_id"})
