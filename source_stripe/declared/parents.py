"""The slices of a stream whose rows belong to those of others: one for each id that a parent's row names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import orjson
import requests
from airbyte_cdk.sources.declarative.partition_routers import SubstreamPartitionRouter
from airbyte_cdk.sources.declarative.partition_routers.substream_partition_router import (
    ParentStreamConfig,
    SafeResponse,
)
from airbyte_cdk.sources.declarative.requesters.requester import Requester
from airbyte_cdk.sources.types import StreamSlice

from source_stripe.api.values import Row
from source_stripe.catalog.manifest import NO_NAME
from source_stripe.catalog.terms import ParentsFields
from source_stripe.declared.answers import answer_to
from source_stripe.objects.paths import matches, objects_at, values_at

MARKS = "marks"
"""What a slice says of the fields that its rows get from their parent."""
DRAWN = "drawn"
"""What it says of the query parameters that come from there."""
FIRST_PAGE = "child_response"
"""The CDK's name of the first page of rows, where that stands in the parent."""


@dataclass
class ParentsRouter(SubstreamPartitionRouter):
    """Slices by parents. `ParentsFields` explains the fields that it adds to the CDK's."""

    where: Mapping[str, Any] = field(default_factory=dict)
    via: Mapping[str, Any] | None = None
    params_from: Mapping[str, Any] = field(default_factory=dict)
    id_as: Mapping[str, Any] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    optional: bool = False
    named_by: Mapping[str, Any] = field(default_factory=dict)
    product: bool = False
    requester: Requester | None = None
    """Asks what `via` says."""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        said = {name: getattr(self, name) for name in ParentsFields.model_fields}
        self._fields = ParentsFields.model_validate(said)

    def stream_slices(self) -> Iterable[StreamSlice]:
        if self.product:
            yield from map(_pair, product(*(list(self._of([config])) for config in self.parent_stream_configs)))
            return
        # One reading of a stream serves all configs that name it.
        by_stream: dict[str, list[ParentStreamConfig]] = {}
        for config in self.parent_stream_configs:
            by_stream.setdefault(config.stream.name, []).append(config)
        for configs in by_stream.values():
            yield from self._of(configs)

    def _of(self, configs: Sequence[ParentStreamConfig]) -> Iterator[StreamSlice]:
        met: set[str] = set()
        for partition in configs[0].stream.generate_partitions():
            for record in partition.read():
                row = dict(record.data)
                there = {name: values_at(row, path) for name, path in self._fields.params_from.items()}
                drawn = {name: found[0] for name, found in there.items() if found}
                if matches(row, self._fields.where) and (drawn or not self._fields.params_from):
                    for config in configs:
                        yield from self._in_row(row, config, drawn, met)

    def _in_row(
        self, row: Row, config: ParentStreamConfig, drawn: Mapping[str, Any], met: set[str]
    ) -> Iterator[StreamSlice]:
        name, key = self._text(config.partition_field), self._text(config.parent_key)
        carried = [self._text(path[0]) for path in config.extra_fields or ()]
        marks = {f"{name}_{carry}": row.get(carry) for carry in carried}
        first_page = self._first_page(row, config)
        for value in self._ids(row, key):
            if key != "id":
                # What several parents name is read once.
                if value in met:
                    continue
                met.add(value)
            own = {} if name == NO_NAME else {self._fields.id_as.get(name, f"{name}_id"): value, **marks}
            extra: dict[str, Any] = {MARKS: own, DRAWN: drawn}
            if first_page is not None:
                extra[FIRST_PAGE] = first_page
            yield StreamSlice(partition={name: value}, cursor_slice={}, extra_fields=extra)

    def _ids(self, row: Row, key: str) -> Iterable[str]:
        """The ids that a row names at a dotted path, or the answer to what is asked about it."""
        about = row if self._fields.via is None else self._asked(row)
        named = (value.get("id") if isinstance(value, Mapping) else value for value in values_at(about, key))
        return dict.fromkeys(map(str, named))

    def _asked(self, row: Row) -> Row:
        via = self._fields.via
        if via is None or self.requester is None:
            raise ValueError("what is asked about a parent needs `via` and a requester")
        return answer_to(self.requester, via.path, {via.name: row["id"]})

    def _first_page(self, row: Row, config: ParentStreamConfig) -> requests.Response | None:
        """The rows that stand in a parent, as an answer. None where it doesn't say: then they are asked for."""
        pointer = [self._text(part) for part in config.lazy_read_pointer or ()]
        if not pointer:
            return None
        *way, last = pointer
        owners = objects_at(row, ".".join(way)) if way else (row,)
        says = any(last in owner for owner in owners) or self._text(config.partition_field) == NO_NAME
        return _answer(values_at(row, ".".join(pointer))) if says else None

    def _text(self, template: Any) -> str:
        """The CDK makes templates of all that a config says."""
        return str(template if isinstance(template, str) else template.eval(self.config))


def _pair(slices: Sequence[StreamSlice]) -> StreamSlice:
    partition = {name: value for each in slices for name, value in each.partition.items()}
    marks = {name: value for each in slices for name, value in each.extra_fields[MARKS].items()}
    return StreamSlice(partition=partition, cursor_slice={}, extra_fields={MARKS: marks})


def _answer(found: Sequence[Any]) -> requests.Response:
    """Rows that stand in a parent (lists, arrays, objects) as an answer that lists them."""
    rows: list[Row] = []
    for value in found:
        inside = value["data"] if isinstance(value, Mapping) and isinstance(value.get("data"), list) else value
        rows += [each for each in (inside if isinstance(inside, list) else [inside]) if isinstance(each, dict)]
    more = any(isinstance(value, Mapping) and value.get("has_more") is True for value in found)
    response = SafeResponse()
    response.content = orjson.dumps({"object": "list", "data": rows, "has_more": more})
    response.status_code = 200
    return response
