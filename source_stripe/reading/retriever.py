"""The retriever: what the CDK asks for the records of a stream's pieces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airbyte_cdk.sources.declarative.retrievers import Retriever
from airbyte_cdk.sources.types import Record, StreamSlice

from source_stripe.api.errors import ends
from source_stripe.api.refusals import Refused
from source_stripe.api.values import Row
from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.objects.route import Route
from source_stripe.process.progress import Progress
from source_stripe.reading.batches import Batches, Flush
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.piece_records import PieceRecords
from source_stripe.reading.pieces import ListedPiece


@dataclass
class StripeRetriever(Retriever):
    """Reads the pieces of one stream, in place of the manifest's retriever, which the CDK by itself reads with."""

    name: str
    routes: tuple[Route, ...]
    frontier: Frontier
    progress: Progress
    start: int
    """Rows created before (Unix seconds) are left out."""
    checkpoint: Callable[[ListedPiece], object]
    """Called with a part of a list, while the rest of it is read on: all records of it were emitted."""
    refused: Refused
    """Takes up the objects that the stream is read without."""
    batches: Batches | None = None
    """Where records are handed over a page at a time; one by one if None."""
    open_rows: OpenRows | None = None
    """Takes down the rows that can still change without an event."""
    account_id: str | None = None
    """What goes into the rows, where those of several accounts are read."""
    _said_empty: threading.Lock = field(default_factory=threading.Lock)

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """The records of the slice's piece; on as many threads as there are workers, each with a piece of its own.

        Raises StripeError or MalformedPage; the piece then stays open.
        """
        if stream_slice is None:
            raise ValueError(f"{self.name} is read by slices")
        self.progress.reading(self.name)
        with self.frontier.reading(stream_slice.extra_fields["piece"]) as reader, ends(self.name):
            route = self.routes[reader.piece.route]
            open_rows = self.open_rows if route.listing is self.routes[0].listing else None
            records = PieceRecords(
                self.name, route, reader, self.start, self.checkpoint, self.refused, self._said_empty, open_rows
            ).all()
            if self.account_id is not None:
                records = _of_account(records, self.account_id)
            if self.batches is None:
                yield from (record for record in records if not isinstance(record, Flush))
            else:
                yield from self.batches.of(self.name, records)


def _of_account(records: Iterator[Row | Flush], account_id: str) -> Iterator[Row | Flush]:
    """The records, tombstones and those of other streams too, with the account that they are of."""
    for record in records:
        if isinstance(record, dict):
            record[ACCOUNT_COLUMN] = account_id
        elif isinstance(record, Record):
            row: Any = record.data
            row[ACCOUNT_COLUMN] = account_id
        yield record
