"""Streams: from the rows of the manifest to the streams that the CDK runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from source_stripe.changes import ChangesReading
from source_stripe.config import Config
from source_stripe.cursor import ReadingCursor
from source_stripe.events import OVERLAP
from source_stripe.frontier import Frontier, Workers
from source_stripe.reading import CreatedReading, Reading, WholeReading
from source_stripe.records import Known
from source_stripe.requester import StripeRequester
from source_stripe.resources import SchemaFile
from source_stripe.retriever import Route
from source_stripe.routes import Routes
from source_stripe.rows import StreamRow


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
        row, known = self.rows[name], Known()
        routes, reading = self._routes_and_reading(row, known)
        frontier = Frontier(self.workers)
        cursor = ReadingCursor(name, reading, saved_state, self.account, frontier, self.messages)
        retriever = self.factory.create_component(
            CustomRetriever,
            dict(row.retriever),
            self.config.model_dump(),
            name=name,
            routes=routes,
            frontier=frontier,
            known=known,
            start=0 if row.sync == "single" else self._start,
        )
        schema: SchemaLoader = SchemaFile(name)
        partitions = DeclarativePartitionFactory(name, schema, retriever, self.messages)
        return DefaultStream(
            partition_generator=StreamSlicerPartitionGenerator(partitions, cursor),
            name=name,
            json_schema=schema.get_json_schema,
            primary_key=list(row.primary_key),
            cursor_field=CursorField(row.cursor) if row.cursor else None,
            logger=logging.getLogger(f"airbyte.{name}"),
            cursor=cursor,
        )

    @property
    def _start(self) -> int:
        return self.config.start_date or 0

    def _routes_and_reading(self, row: StreamRow, known: Known) -> tuple[tuple[Route, ...], Reading]:
        made = Routes(self.rows, self.paging, self.requester, self.account, known)
        routes = made.of(row)
        listings = [route.listing for route in routes]
        lookback = row.read_again(self.config.lookback_window_days)
        feed = made.feed(row, routes)
        if feed is not None and row.cursor is not None:
            reading: Reading = ChangesReading(
                stream=row.name,
                cursor=row.cursor,
                listings=listings,
                feed=feed,
                known=known,
                start=self._start,
                lookback=max(lookback if feed.misses_births else 0, OVERLAP),
                new_children_only=row.parent is not None and row.filter is not None,
            )
            return (*routes, made.events_route(feed)), reading
        if row.sync == "created" and not row.all_parents and row.cursor is not None:
            return routes, CreatedReading(row.name, row.cursor, listings, self._start, lookback)
        return routes, self._whole(row, listings, known, lookback)

    def _whole(self, row: StreamRow, listings: Sequence[Any], known: Known, lookback: int) -> WholeReading:
        children_lookback = lookback if row.sync == "created" and row.all_parents else None
        return WholeReading(row.name, row.cursor, listings, known, self._start, children_lookback)
