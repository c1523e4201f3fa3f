"""Columns as Arrow has them: types from a stream's JSON schema, and the rows of a page as a batch.

An object with fields is a struct, one with any keys a map where its values are simple, else JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from source_stripe.api.values import Row
from source_stripe.sql.errors import QueryError

Schema = Mapping[str, Any]

_SIMPLE: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
_JSON = pa.json_()


def type_of(schema: Schema) -> pa.DataType:
    """The type of what a schema describes."""
    kind = _kind(schema)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind == "array" and "items" in schema:
        return pa.list_(type_of(schema["items"]))
    if kind == "object" and schema.get("properties"):
        return pa.struct([(name, type_of(inner)) for name, inner in schema["properties"].items()])
    more = schema.get("additionalProperties")
    if kind == "object" and isinstance(more, Mapping) and _kind(more) in _SIMPLE:
        return pa.map_(pa.string(), _SIMPLE[_kind(more)])
    return _JSON


@dataclass(frozen=True)
class Columns:
    """The columns of a table that a question needs."""

    table: str
    types: Mapping[str, pa.DataType]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema(list(self.types.items()))

    def batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """The rows as a batch. Raises QueryError where a value is not what the schema says."""
        arrays = [self._column(name, kind, rows) for name, kind in self.types.items()]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _column(self, name: str, kind: pa.DataType, rows: Sequence[Row]) -> pa.Array:
        values = [row.get(name) for row in rows]
        plain = _stored(kind)
        try:
            array = pa.array(values if plain == kind else [_fitted(each, kind) for each in values], plain)
        except (pa.ArrowException, TypeError, OverflowError):
            try:
                array = pa.array([_fitted(each, kind) for each in values], plain)
            except (pa.ArrowException, TypeError, OverflowError) as error:
                raise QueryError(
                    f"Stripe's answer has something else in {self.table}.{name} than its schema says: {error}. "
                    "Leave the column out, and report it."
                ) from None
        return array if plain == kind else _as_type(array, kind)


def _kind(schema: Schema) -> str:
    kinds = schema.get("type") or ()
    named = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    return str(named[0]) if len(named) == 1 else ""


def _stored(kind: pa.DataType) -> pa.DataType:
    """The type with text for JSON: as such Arrow makes arrays of Python's values."""
    if kind == _JSON:
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([(each.name, _stored(each.type)) for each in kind])
    if pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    return kind


def _as_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same array, its text as JSON where that is meant."""
    if array.type == kind:
        return array
    if kind == _JSON:
        return pa.ExtensionArray.from_storage(kind, array)
    if pa.types.is_struct(kind):
        inner = [_as_type(array.field(place), each.type) for place, each in enumerate(kind)]
        return pa.StructArray.from_arrays(inner, fields=list(kind), mask=array.is_null())
    return pa.ListArray.from_arrays(array.offsets, _as_type(array.values, kind.value_type), kind, mask=array.is_null())


def _fitted(value: Any, kind: pa.DataType) -> Any:
    """A value as its column takes it: JSON as text, and an id that stands for an object as an object with that id."""
    if value is None:
        return None
    if kind == _JSON:
        return orjson.dumps(value).decode()
    if pa.types.is_struct(kind):
        if isinstance(value, str) and kind.get_field_index("id") >= 0:
            return {"id": value}
        if isinstance(value, Mapping):
            return {each.name: _fitted(value.get(each.name), each.type) for each in kind}
    if pa.types.is_list(kind) and isinstance(value, list):
        return [_fitted(each, kind.value_type) for each in value]
    return value
