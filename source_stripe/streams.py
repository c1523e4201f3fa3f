"""Streams: from a row of the manifest to the stream that the CDK runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
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
from pydantic import BaseModel, ConfigDict, Field

from source_stripe.account import AccountReader
from source_stripe.config import Config
from source_stripe.cursor import CreatedCursor
from source_stripe.frontier import Frontier, Workers
from source_stripe.requester import StripeRequester
from source_stripe.resources import SchemaFile

_DAY = 86_400


class StreamRow(BaseModel):
    """A row of `streams` in the manifest, its `$ref` resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    name: str
    path: str
    object: str
    """Stripe's name of the listed object."""
    retriever: Mapping[str, Any]
    primary_key: str
    cursor: str
    """`created`, Stripe's own field, or `updated`, which we add: the Stripe time of the last known change."""
    incremental: bool = False
    params: Mapping[str, str] = Field(default_factory=dict)
    lookback: int = 0
    """Seconds before the watermark whose rows may have changed since; the config's lookback_window_days replaces it."""
    overlap: int = 0
    """Seconds before the watermark whose rows may have appeared since; always read again."""

    def read_again(self, lookback_window_days: int | None) -> int:
        """Seconds before the watermark to read again."""
        lookback = self.lookback if lookback_window_days is None else lookback_window_days * _DAY
        return max(lookback, self.overlap)


@dataclass(frozen=True)
class StreamBuilder:
    """What all streams of a sync share."""

    config: Config
    factory: ModelToComponentFactory
    requester: StripeRequester
    account: AccountReader
    workers: Workers
    messages: MessageRepository

    def build(self, row: StreamRow, saved_state: Mapping[str, Any]) -> DefaultStream:
        """The stream of a row, going on from its saved state."""
        frontier = Frontier(self.workers)
        cursor_field = CursorField(row.cursor) if row.incremental else None
        cursor = CreatedCursor(
            row.name,
            cursor_field=row.cursor if row.incremental else None,
            saved_state=saved_state,
            start=self.config.start_date or 0,
            lookback=row.read_again(self.config.lookback_window_days),
            account=self.account,
            frontier=frontier,
            messages=self.messages,
        )
        schema: SchemaLoader = SchemaFile(row.name)
        retriever = self.factory.create_component(
            CustomRetriever,
            dict(row.retriever),
            self.config.model_dump(),
            name=row.name,
            path=row.path,
            params=row.params,
            cursor=row.cursor,
            requester=self.requester,
            frontier=frontier,
        )
        partitions = DeclarativePartitionFactory(row.name, schema, retriever, self.messages)
        return DefaultStream(
            partition_generator=StreamSlicerPartitionGenerator(partitions, cursor),
            name=row.name,
            json_schema=schema.get_json_schema,
            primary_key=[row.primary_key],
            cursor_field=cursor_field,
            logger=logging.getLogger(f"airbyte.{row.name}"),
            cursor=cursor,
        )
