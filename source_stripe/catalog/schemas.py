"""Schemas: a stream's own from its file, with what the config expands in it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from airbyte_cdk.sources.declarative.schema import SchemaLoader

from source_stripe.catalog.expanding import Kinds, stops
from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow

Schema = dict[str, Any]

_OURS = "Added by the connector."
_ID: Schema = {"type": ["null", "string"]}
_IS_DELETED: Schema = {
    "description": "True if the row does not match the filters of the config any more. Added by the connector.",
    "type": ["null", "boolean"],
}
_OPEN: Schema = {"type": ["null", "object"], "additionalProperties": True}


@dataclass
class StreamSchema(SchemaLoader):
    """A stream's JSON schema, read when it is asked for. What the file has as an id, and the row expands, is an object:
    as the stream of such objects describes them."""

    row: StreamRow
    rows: Mapping[str, StreamRow]

    def get_json_schema(self) -> Mapping[str, Any]:
        schema = _file(self.row.name)
        for path in self.row.expand:
            for stop in stops(self.row.object, path):
                place = _at(schema, stop.path)
                if stop.is_id and place is not None and "object" not in place["type"]:
                    place.update(self._object(stop.kinds))
        if self.row.cursor is not None and any(each.parameter.mutable for each in self.row.filters):
            # Of rows that are never deleted, too: one that leaves a filter makes a tombstone.
            schema["properties"].setdefault("is_deleted", _IS_DELETED)
        return schema

    def _object(self, kinds: Kinds) -> Schema:
        """The schema of one of these objects, open where there is no stream of them."""
        return merged([_OPEN, *(self._of_stream(row) for row in map(self._stream_of, kinds) if row is not None)])

    def _stream_of(self, kind: str) -> StreamRow | None:
        """A stream of such objects; rather one that has them from no parent."""
        rows = [row for row in self.rows.values() if row.object == (kind,)]
        return min(rows, key=lambda row: len(row.all_parents), default=None)

    def _of_stream(self, row: StreamRow) -> Schema:
        """A stream's schema without what the connector adds, and with nothing expanded."""
        schema = _file(row.name)
        for path in row.expand:
            for stop in stops(row.object, path):
                place = _at(schema, stop.path)
                if stop.is_id and place is not None:
                    described = {key: place[key] for key in ("description",) if key in place}
                    place.clear()
                    place.update(described | _ID)
        own = {name: field for name, field in schema["properties"].items() if not _is_ours(field)}
        return {**_OPEN, "properties": own}


def merged(schemas: Iterable[Schema]) -> Schema:
    """One schema for what is one of several: all their properties, all their types."""
    found: Schema = {}
    for schema in schemas:
        for key, value in schema.items():
            found[key] = _both(key, found[key], value) if key in found else value
    return found


def _both(key: str, one: Any, other: Any) -> Any:
    if key == "type":
        return [*one, *(kind for kind in other if kind not in one)]
    if key == "properties":
        names = dict.fromkeys([*one, *other])
        return {name: merged(each[name] for each in (one, other) if name in each) for name in names}
    if isinstance(one, dict) and isinstance(other, dict):
        return merged((one, other))
    return True if key == "additionalProperties" else one


def _file(stream: str) -> Schema:
    schema: Schema = orjson.loads(resource(f"schemas/{stream}.json").read_bytes())
    return schema


def _at(schema: Schema, path: str) -> Schema | None:
    """The schema of the value, or the array's elements, at a dotted path; None where the schema says nothing of it."""
    place: Schema | None = schema
    for name in path.split("."):
        place = _elements(place.get("properties", {}).get(name)) if place else None
    return place


def _elements(schema: Schema | None) -> Schema | None:
    while schema and "items" in schema:
        schema = schema["items"]
    return schema


def _is_ours(field: Schema) -> bool:
    return str(field.get("description", "")).endswith(_OURS)
