"""The manifest: its text, and the rows that the engine reads off its components.

The CDK resolves 154 rows, with their parents in them, in a second. Here parents stay names, and what is referenced is
shared: a hundredth of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver
from pydantic import TypeAdapter, ValidationError

from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import FilterRow, OpenRow, Paging, ParentRow, StreamRow
from source_stripe.catalog.terms import (
    Node,
    OpenTerms,
    OwnStream,
    ParentConfigTerms,
    ParentsTerms,
    PassesTerms,
    RetrieverTerms,
    StreamTerms,
)

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PARTITION = re.compile(r"{{ stream_partition\.(\w+) }}")
_ROWS = "#/definitions/streams/"
NO_NAME = "parent"
"""The partition field of parents whose ids no request needs, and that leave nothing on their rows."""
_WAYS: Mapping[Paging, str] = {"starting_after": "v1_list", "next_page_url": "v2_list"}
"""The retrievers whose paginators are read."""
_duration = TypeAdapter(timedelta)


class ManifestError(ValueError):
    """The manifest can't be used. The text says which row, and what is wrong with it."""


@dataclass(frozen=True)
class Manifest:
    """The text of manifest.yaml, as YAML says it."""

    text: Node

    @classmethod
    def load(cls, path: Path | None = None) -> Manifest:
        """The package's own manifest, or another."""
        return cls(yaml.load((path or resource("manifest.yaml")).read_bytes(), _Loader))  # noqa: S506 - safe ones, both

    @cached_property
    def definitions(self) -> Node:
        """What is defined for all rows, resolved."""
        return {name: self._resolver.resolved(node) for name, node in self._shared.items()}

    @cached_property
    def rows(self) -> Mapping[str, StreamRow]:
        """The streams by name, in order. Raises ManifestError."""
        return {row.name: row for row in self._rows()}

    @cached_property
    def account_syncs(self) -> OwnStream:
        """The stream that tells of accounts, where connected ones are read."""
        return OwnStream.model_validate(self.text["definitions"]["account_syncs"])

    @cached_property
    def api_budget(self) -> Node:
        budget: Node = self._resolver.resolved(self.text["api_budget"])
        return budget

    @cached_property
    def paging(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters of each way to page."""
        return {way: _paging_of(paginator) for way, paginator in self._paginators.items()}

    def with_one_row(self) -> Node:
        """A manifest for the CDK's own classes, which take a second for all rows; the engine doesn't need theirs."""
        first = next(row for row in self.text["streams"] if not row["$ref"].startswith(_ROWS))
        return {**self.text, "definitions": self._shared, "streams": [first]}

    @cached_property
    def _shared(self) -> Node:
        """The definitions but for those of rows, as the text says them."""
        return {name: node for name, node in self.text["definitions"].items() if name != "streams"}

    @cached_property
    def _resolver(self) -> _Resolver:
        return _Resolver(self.text)

    @cached_property
    def _paginators(self) -> Mapping[Paging, Node]:
        return {way: self.definitions[definition]["paginator"] for way, definition in _WAYS.items()}

    def _rows(self) -> Iterator[StreamRow]:
        created, headers = self.definitions["created"], self.definitions["requester"]["request_headers"]
        shared = _Shared(self._paginators, created["cursor_field"], _seconds(created), headers)
        for node in self.text["streams"]:
            resolved = self._resolver.resolved(node)
            name = str(resolved.get("$parameters", {}).get("name"))
            try:
                yield row_of(name, StreamTerms.model_validate(resolved), shared)
            except ValidationError as error:
                problems = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
                raise ManifestError(
                    f"The stream {name} of manifest.yaml can't be used: {'; '.join(problems)}."
                ) from None


class _Resolver(ManifestReferenceResolver):
    """Resolves references as the CDK does, but for parents, which stay names, and for copies: readers don't write."""

    def __init__(self, text: Node) -> None:
        self._text = text
        self._known: dict[str, Any] = {}

    def resolved(self, node: Any) -> Any:
        return self._evaluate_node(node, self._text, set())

    def _evaluate_node(self, node: Any, manifest: Mapping[str, Any], visited: set[Any]) -> Any:
        if isinstance(node, dict) and "partition_field" in node:
            rest = {key: value for key, value in node.items() if key != "stream"}
            return {
                **super()._evaluate_node(rest, manifest, visited),
                "stream": node["stream"]["$ref"].removeprefix(_ROWS),
            }
        if not self._is_ref(node):
            return super()._evaluate_node(node, manifest, visited)
        if node not in self._known:
            self._known[node] = super()._evaluate_node(node, manifest, visited)
        return self._known[node]


@dataclass(frozen=True)
class _Shared:
    """What rows are compared with."""

    paginators: Mapping[Paging, Node]
    time_field: str
    overlap: int
    headers: Mapping[str, str]


def row_of(name: str, stream: StreamTerms, shared: _Shared) -> StreamRow:
    """A row as the engine sees it."""
    retriever, changes = stream.retriever, stream.retriever.changes
    requester = retriever.requester
    router = retriever.partition_router
    path, params = _path_and_params(requester)
    parents = ParentsTerms.model_validate(router) if router and "parent_stream_configs" in router else None
    passes = PassesTerms.model_validate(router) if router and parents is None else None
    hung = _parents_of(parents) if parents is not None else ()
    lookback = _seconds(stream.incremental_sync) if stream.incremental_sync else shared.overlap
    if changes.lookback_window is not None:
        lookback = int(changes.lookback_window.total_seconds())
    version = requester["request_headers"]["Stripe-Version"]
    return StreamRow(
        name=name,
        path=path,
        object=retriever.object,
        primary_key=stream.primary_key,
        params=params,
        passes=_passes_of(passes) if passes else ({},),
        expand=retriever.expand,
        filter=_filter_of(stream.incremental_sync, exclusive=changes.exclusive) if stream.incremental_sync else None,
        time_field=stream.incremental_sync["cursor_field"] if stream.incremental_sync else shared.time_field,
        paging=_way_of(name, retriever, shared.paginators) if path else None,
        api="v2" if path and path.startswith("/v2/") else "v1",
        version=version if version != shared.headers["Stripe-Version"] else None,
        adds=retriever.adds,
        parent=hung[0] if len(hung) == 1 else None,
        parents=hung if len(hung) > 1 else (),
        product=parents.product if parents is not None else False,
        lookback=lookback if lookback != shared.overlap else 0,
        # Events, which others follow, have an overlap of their own.
        overlap=shared.overlap if changes.sync == "created" else 0,
        open=_open_of(changes.open) if changes.open is not None else None,
        nested=retriever.nested,
        leaves_out=retriever.leaves_out,
        may_refuse=retriever.may_refuse,
        **{key: getattr(changes, key) for key in _OF_CHANGES},
        **retriever.about.model_dump(),
    )


_OF_CHANGES = (
    "sync", "cursor", "events", "event_object", "shown_in", "touched_by", "other_ids", "deletes", "hides", "get",
    "include", "older_time_fields", "refresh",
)  # fmt: skip


def _path_and_params(requester: Node) -> tuple[str | None, dict[str, str]]:
    """Where a list is, parents' ids as braces, and what is always asked for.

    A parameter called `type` would be a component to the CDK: it stands in the path.
    """
    path, _, query = _PARTITION.sub(r"{\1}", requester.get("path", "")).partition("?")
    inside = dict([query.split("=")]) if query else {}
    return path or None, {**requester.get("request_parameters", {}), **inside}


def _passes_of(passes: PassesTerms) -> tuple[dict[str, str], ...]:
    field = passes.request_option["field_name"]
    return tuple({field: value} if value else {} for value in passes.values)


def _parents_of(parents: ParentsTerms) -> tuple[ParentRow, ...]:
    """The parents; configs that differ only in where the id stands are one."""
    found: list[ParentRow] = []
    for config in parents.parent_stream_configs:
        parent = _parent_of(config, parents)
        last = found[-1] if found else None
        if last is not None and parent.field is None and parent.model_copy(update={"id_from": last.id_from}) == last:
            found[-1] = last.model_copy(update={"id_from": (*last.id_from, *parent.id_from)})
        else:
            found.append(parent)
    return tuple(found)


def _parent_of(config: ParentConfigTerms, parents: ParentsTerms) -> ParentRow:
    field = ".".join(config.lazy_read_pointer) or None
    via = parents.via
    said = {
        "stream": config.stream,
        "as": None if config.partition_field == NO_NAME else config.partition_field,
        "where": parents.where,
        "via": {"path": via.path, "as": via.name} if via is not None else None,
        "id_from": (config.parent_key,),
        "id_as": parents.id_as.get(config.partition_field),
        "params_from": parents.params_from,
        "field": field,
        "hidden": field in parents.hidden,
        "carries": tuple(name for (name,) in config.extra_fields),
        "optional": parents.optional,
        "named_by": parents.named_by.get(config.stream),
    }
    return ParentRow.model_validate(said)


def _filter_of(cursor: Node, *, exclusive: bool) -> FilterRow:
    return FilterRow(
        start=cursor["start_time_option"]["field_name"],
        end=cursor["end_time_option"]["field_name"],
        exclusive=exclusive,
        days=cursor.get("cursor_granularity") == "P1D",
        rfc_3339=cursor["datetime_format"] != "%s",
    )


def _open_of(terms: OpenTerms) -> OpenRow:
    young = None if terms.young is None else int(terms.young.total_seconds())
    return OpenRow(field=terms.field, values=terms.values, due=terms.due, young=young)


def _seconds(cursor: Node) -> int:
    return int(_duration.validate_python(cursor["lookback_window"]).total_seconds())


def _way_of(name: str, retriever: RetrieverTerms, paginators: Mapping[Paging, Node]) -> Paging:
    """How a list is paged: one of the two ways, or all in one answer, or the answer is the row itself."""
    if retriever.paginator is None:
        return "none" if retriever.record_selector["extractor"]["field_path"] else "object"
    ways = [way for way, paginator in paginators.items() if paginator == retriever.paginator]
    if not ways:
        raise ManifestError(
            f"The stream {name} of manifest.yaml has a paginator of its own: only the defined ones are read."
        )
    return ways[0]


def _paging_of(paginator: Node) -> Mapping[str, Any]:
    size = {
        "page_size_param": paginator["page_size_option"]["field_name"],
        "page_size": paginator["pagination_strategy"]["page_size"],
    }
    token = paginator["page_token_option"]
    return size if token["type"] == "RequestPath" else {**size, "cursor_param": token["field_name"]}
