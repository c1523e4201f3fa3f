"""Tables: every stream is one, by its name or by its path in Stripe's API, alone or behind the name of a source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from source_stripe.catalog.guessing import did_you_mean
from source_stripe.catalog.pushing import filtered_lineage
from source_stripe.catalog.schemas import StreamSchema
from source_stripe.catalog.several_accounts import schema_of
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.sql.bounds import Bounds
from source_stripe.sql.config_filters import bounds_of
from source_stripe.sql.errors import QueryError

_FIRST = ("id", "created", "status", "amount", "currency", "customer", "email", "name", "description")
_SOURCE = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class Table:
    """One stream."""

    row: StreamRow
    rows: Mapping[str, StreamRow]
    several: bool = False
    """Whether it has rows of several accounts, and a column that says whose each is."""

    @property
    def name(self) -> str:
        return self.row.name

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        schema = StreamSchema(self.row, self.rows).get_json_schema()
        return schema_of(self.row, schema) if self.several else schema

    @cached_property
    def columns(self) -> Mapping[str, Mapping[str, Any]]:
        """Their schemas, by name: those first that people look for in every table, then by the schema's order."""
        properties: Mapping[str, Mapping[str, Any]] = self.schema["properties"]
        first = {name: properties[name] for name in _FIRST if name in properties}
        return {**first, **properties}

    @cached_property
    def bounds(self) -> Bounds:
        """What the config's filters say of all rows."""
        return bounds_of(self.row)

    @property
    def is_filtered(self) -> bool:
        """Whether the config's filters leave rows out."""
        return bool(filtered_lineage(self.row, self.rows))

    @property
    def description(self) -> str:
        return str(self.schema.get("description") or self.schema.get("title") or "")

    def at(self, path: str) -> Mapping[str, Any] | None:
        """The schema at a dotted path; None where there is none. No path leads through an array."""
        place: Mapping[str, Any] | None = self.schema
        for name in path.split("."):
            place = (place.get("properties") or {}).get(name) if place else None
        return place

    def other(self, stream: str) -> Table:
        """The table of another stream."""
        return Table(self.rows[stream], self.rows, self.several)

    def column(self, name: str) -> str | None:
        """The column of that name, whatever its case, as DuckDB finds it."""
        return self._folded.get(name.lower())

    @cached_property
    def _folded(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self.columns}


@dataclass(frozen=True)
class Tables:
    """All tables."""

    rows: Mapping[str, StreamRow]
    several: bool = False
    """Whether several accounts are read."""
    _made: dict[str, Table] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def named(self, stream: str) -> Table:
        """The table of a stream."""
        if stream not in self._made:
            self._made[stream] = Table(self.rows[stream], self.rows, self.several)
        return self._made[stream]

    def find(self, parts: tuple[str, ...]) -> Table:
        """The table that a question names: `charges`, `mystripe.charges`, or mystripe.`/charges`. Raises QueryError."""
        *source, name = parts
        if len(source) > 1 or not all(_SOURCE.fullmatch(each.lower()) for each in source):
            raise QueryError(
                f"A table is called as its stream, such as charges, perhaps behind a name for the source, such as "
                f"mystripe.charges. {'.'.join(parts)} is not."
            )
        stream = self._paths.get(name.rstrip("/")) if name.startswith("/") else name.lower()
        if stream in self.rows:
            return self.named(str(stream))
        known = [*self._paths] if name.startswith("/") else [*self.rows]
        guess = did_you_mean(name, known) or " SHOW TABLES lists what there is."
        raise QueryError(f"There is no table {name}.{guess}")

    def find_inside(self, parts: tuple[str, ...]) -> tuple[Table, tuple[str, ...]]:
        """The table that is named, and perhaps the path of an object in its rows: `charges.billing_details`. Raises
        QueryError."""
        for place, part in enumerate(parts):
            path = tuple(each.lower() for each in parts[place + 1 :])
            table = self.named(part.lower()) if part.lower() in self.rows else None
            if path and table is not None and (table.at(".".join(path)) or {}).get("properties"):
                return table, path
        return self.find(parts), ()

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        """The streams by their paths, with or without the version in front."""
        found: dict[str, str] = {}
        for row in self.rows.values():
            if row.path is not None and not row.from_events and not row.all_parents:
                found.setdefault(row.path, row.name)
                found.setdefault(re.sub(r"^/v1(?=/)", "", row.path), row.name)
        return found
