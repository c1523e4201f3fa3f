"""How the CDK by itself reads a stream: page by page, with what the row adds to the requests and to the records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from airbyte_cdk.sources.declarative.partition_routers.partition_router import PartitionRouter
from airbyte_cdk.sources.declarative.requesters.request_options import RequestOptionsProvider
from airbyte_cdk.sources.declarative.retrievers.simple_retriever import LazySimpleRetriever
from airbyte_cdk.sources.streams.core import StreamData
from airbyte_cdk.sources.types import Record, StreamSlice

from source_stripe.catalog.stream_rows import are_from_events
from source_stripe.catalog.terms import RetrieverFields
from source_stripe.declared.answers import answer_to
from source_stripe.declared.parents import DRAWN, FIRST_PAGE, MARKS
from source_stripe.declared.whole_lists import WholeListsExtractor

_ACCOUNT = "/v1/account"


@dataclass
class DeclaredRetriever(LazySimpleRetriever):
    """Reads pages of a list, or one object. `RetrieverFields` explains the fields that it adds to the CDK's."""

    request_options_provider: RequestOptionsProvider | None = None
    """What the CDK's factory calls `request_option_provider`."""
    partition_router: PartitionRouter | None = None
    object: str | list[str] = ""
    expand: list[str] = field(default_factory=list)
    nested: Mapping[str, Any] = field(default_factory=dict)
    leaves_out: list[str] = field(default_factory=list)
    adds: Mapping[str, Any] = field(default_factory=dict)
    may_refuse: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    pace: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        said = {name: getattr(self, name) for name in RetrieverFields.model_fields}
        self._fields = RetrieverFields.model_validate(said)
        if provider := self.request_options_provider or self.partition_router:
            self.request_option_provider = provider
        self._extractor = self._prepared()

    def _prepared(self) -> WholeListsExtractor:
        """The extractor, told which objects there are and what stands in them."""
        extractor = getattr(self.record_selector, "extractor", None)
        if not isinstance(extractor, WholeListsExtractor):
            raise TypeError(f"{self.name}: the extractor makes no list whole")
        extractor.kinds = frozenset(self._fields.object)
        extractor.nested = self._fields.nested
        extractor.leaves_out = self._fields.leaves_out
        extractor.expand = self._fields.expand
        path = self.requester.get_path(stream_state=None, stream_slice=None, next_page_token=None)
        extractor.from_events = are_from_events(f"/{path}", self._fields.object)
        return extractor

    def _request_params(
        self,
        stream_slice: StreamSlice | None = None,
        next_page_token: Mapping[str, Any] | None = None,
        page_size_override: int | None = None,
    ) -> Mapping[str, Any]:
        params = dict(super()._request_params(stream_slice, next_page_token, page_size_override))
        if self._paginator.path(next_page_token) is not None:
            # The address of the next page has them all.
            return params
        params.update(stream_slice.extra_fields.get(DRAWN, {}) if stream_slice else {})
        prefix = "data." if self._extractor.field_path else ""
        if self._fields.expand:
            params["expand[]"] = [f"{prefix}{path}" for path in self._fields.expand]
        if self._extractor.from_events:
            params["types[]"] = list(self._fields.changes.events)
        return params

    def _read_pages(
        self,
        records_generator_fn: Callable[[requests.Response | None], Iterable[Record]],
        stream_slice: StreamSlice,
    ) -> Iterable[Record]:
        """From the first page that stands in the parent, where one does; the CDK would wait for it for ever."""
        # The class behind the one that begins in the parent begins with the list's own first page.
        behind = DeclaredRetriever if FIRST_PAGE in stream_slice.extra_fields else LazySimpleRetriever
        yield from super(behind, self)._read_pages(records_generator_fn, stream_slice)

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterable[StreamData]:
        added = {**(stream_slice.extra_fields.get(MARKS, {}) if stream_slice else {}), **self._added()}
        for record in super().read_records(records_schema, stream_slice):
            if not isinstance(record, Record):
                yield record
                continue
            row = self._whole(record.data)
            yield Record({**row, **added}, record.stream_name, record.associated_slice)

    def _added(self) -> Mapping[str, Any]:
        """What the connector adds to an object that lacks it."""
        added: dict[str, Any] = {}
        if "account_id" in self._fields.adds:
            added["account_id"] = answer_to(self.requester, _ACCOUNT, {})["id"]
        if "read_at" in self._fields.adds:
            added["read_at"] = int(time.time())
        return added

    def _whole(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row with what v2 leaves null in lists."""
        changes = self._fields.changes
        if not changes.include or not changes.get:
            return row
        asked = {f"include[{place}]": name for place, name in enumerate(changes.include)}
        return answer_to(self.requester, changes.get.replace("{id}", str(row["id"])), asked)
