"""Streams: from the rows of the manifest to the streams that the CDK runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRetriever
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.schema import SchemaLoader
from airbyte_cdk.sources.declarative.stream_slicers.declarative_partition_generator import (
    DeclarativePartitionFactory,
    StreamSlicerPartitionGenerator,
)
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.cursor import CursorField
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream

from source_stripe.account import AccountReader
from source_stripe.config import Config
from source_stripe.cursor import CreatedCursor
from source_stripe.frontier import Frontier, Workers
from source_stripe.listing import CreatedAfterFilter, CreatedFilter, Listing, RangeFilter
from source_stripe.nesting import Children, ParentKey
from source_stripe.pages import NextPageUrl, OneObject, Paging, StartingAfter, WholeList
from source_stripe.records import Fetched, Finish, FromEvents, Itself, Projection
from source_stripe.requester import Params, StripeRequester
from source_stripe.resources import SchemaFile
from source_stripe.retriever import Route
from source_stripe.rows import ParentRow, StreamRow

_RANGE_FILTERS: Mapping[str | None, RangeFilter | None] = {
    "created": CreatedFilter(),
    "created_after": CreatedAfterFilter(),
    None: None,
}


@dataclass(frozen=True)
class StreamBuilder:
    """What all streams of a sync share."""

    rows: Mapping[str, StreamRow]
    paging: Mapping[str, Mapping[str, Any]]
    """The manifest's parameters of each way to page."""
    config: Config
    factory: ModelToComponentFactory
    requester: StripeRequester
    account: AccountReader
    workers: Workers
    messages: MessageRepository

    def build(self, name: str, saved_state: Mapping[str, Any]) -> DefaultStream:
        """A stream, going on from its saved state."""
        row = self.rows[name]
        frontier = Frontier(self.workers)
        routes = self._routes(row)
        cursor = CreatedCursor(
            stream=name,
            cursor_field=row.cursor if row.incremental else None,
            saved_state=saved_state,
            start=self.config.start_date or 0,
            lookback=row.read_again(self.config.lookback_window_days),
            account=self.account,
            listings=[route.listing for route in routes],
            frontier=frontier,
            messages=self.messages,
        )
        retriever = self.factory.create_component(
            CustomRetriever,
            dict(row.retriever),
            self.config.model_dump(),
            name=name,
            routes=routes,
            frontier=frontier,
            start=0 if row.sync == "single" else self.config.start_date or 0,
        )
        schema: SchemaLoader = SchemaFile(name)
        partitions = DeclarativePartitionFactory(name, schema, retriever, self.messages)
        return DefaultStream(
            partition_generator=StreamSlicerPartitionGenerator(partitions, cursor),
            name=name,
            json_schema=schema.get_json_schema,
            primary_key=list(row.primary_key),
            cursor_field=CursorField(row.cursor) if row.incremental and row.cursor else None,
            logger=logging.getLogger(f"airbyte.{name}"),
            cursor=cursor,
        )

    def _routes(self, row: StreamRow) -> tuple[Route, ...]:
        """The lists that a stream is read from: its own, or those of its parents."""
        if not row.all_parents:
            return (Route(self._listing(row), self._projection(row)),)
        return tuple(self._child_route(row, parent) for parent in row.all_parents)

    def _child_route(self, row: StreamRow, parent: ParentRow) -> Route:
        (above,) = self._routes(self.rows[parent.stream])
        listing = above.listing
        if parent.field is not None and parent.hidden:
            expanded = ("expand[]", f"data.{parent.field}")
            listing = replace(listing, passes=tuple((*asked, expanded) for asked in listing.passes))
        children = Children(
            parent=above.projection,
            key=ParentKey(parent.name, parent.id_field, parent.carries, parent.id_from),
            listing=self._listing(row),
            finish=self._finish(row),
            # A list of several kinds of object holds more than the stream's.
            kinds=frozenset(row.object) if "object" in row.params else frozenset(),
            embedded=parent.field,
        )
        return Route(listing, children)

    def _projection(self, row: StreamRow) -> Projection:
        finish = self._finish(row)
        if row.path == "/v1/events" and row.object != ("event",):
            return FromEvents(frozenset(row.object), finish)
        if row.include:
            asked = tuple((f"include[{place}]", name) for place, name in enumerate(row.include))
            one = replace(self._listing(row), path=row.get or f"{row.path}/{{id}}", paging=OneObject())
            return Fetched(one, asked, finish)
        return Itself(finish)

    def _listing(self, row: StreamRow) -> Listing:
        types: Params = tuple(("types[]", event) for event in row.events) if row.path == "/v1/events" else ()
        always = (*row.params.items(), *types)
        return Listing(
            path=row.path,
            requester=self.requester,
            paging=self._paging(row.paging),
            passes=tuple((*always, *parameters.items()) for parameters in row.passes),
            range_filter=_RANGE_FILTERS[row.filter],
            time_field=row.time_field,
            version=row.version,
        )

    def _paging(self, way: str) -> Paging:
        if way == "starting_after":
            return StartingAfter(**self.paging[way])
        if way == "next_page_url":
            return NextPageUrl(**self.paging[way])
        return OneObject() if way == "object" else WholeList()

    def _finish(self, row: StreamRow) -> Finish:
        return Finish(row.cursor, self._facts, tuple(row.adds), row.time_field)

    def _facts(self) -> Mapping[str, Any]:
        account = self.account.read()
        return {"account_id": account.id, "read_at": account.now}
