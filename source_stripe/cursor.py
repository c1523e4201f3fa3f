"""The cursor of a stream read by `created`: opens its window, hands out its pieces, checkpoints what is done."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams import NO_CURSOR_STATE_KEY
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Record, StreamSlice

from source_stripe.account import AccountReader
from source_stripe.frontier import Frontier, ListPiece
from source_stripe.listing import Listing
from source_stripe.ranges import Range
from source_stripe.state import CreatedState, Window


@dataclass
class CreatedCursor(Cursor):
    """Reads a stream's window, newest ranges first, and emits a state whenever a piece of it is through.

    Without `cursor_field` the stream has no state to go on from: it is read whole, and says so at the end.
    """

    stream: str
    cursor_field: str | None
    saved_state: Mapping[str, Any]
    start: int
    """Unix seconds; what was created before is left out."""
    lookback: int
    """Seconds before the watermark to read again."""
    account: AccountReader
    listings: Sequence[Listing]
    frontier: Frontier
    messages: MessageRepository

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._reached = CreatedState()

    @property
    def state(self) -> MutableMapping[str, Any]:
        if self.cursor_field is None:
            return {NO_CURSOR_STATE_KEY: True}
        return self._reached.dump(self.cursor_field)

    def stream_slices(self) -> Iterable[StreamSlice]:
        """Open the window and give out its pieces as they come up. Blocks in between."""
        account = self.account.read()
        saved = CreatedState()
        if self.cursor_field is not None:
            saved = CreatedState.parse(self.saved_state, stream=self.stream, cursor=self.cursor_field)
        window = saved.next_window(start=self.start, now=account.now, lookback=self.lookback)
        self._reached = CreatedState(watermark=account.now, window=window if window.left else None)
        self.frontier.open(_pieces(self.listings, _newest_first(window, account.birth)))
        for number in self.frontier.pieces():
            yield StreamSlice(partition={}, cursor_slice={"piece": number}, extra_fields={"piece": number})

    def observe(self, record: Record) -> None:
        """Rows are accounted for by the piece, when it is closed."""

    def close_partition(self, partition: Partition) -> None:
        """The rows of a piece were emitted: checkpoint it."""
        stream_slice = partition.to_slice()
        if not isinstance(stream_slice, StreamSlice):
            raise TypeError(f"{self.stream} was given a partition that is not its own")
        with self._lock:
            for piece in self.frontier.close(stream_slice.extra_fields["piece"]):
                if piece.created is not None and self._reached.window is not None:
                    window = self._reached.window.with_done(piece.created)
                    self._reached = CreatedState(self._reached.watermark, window if window.left else None)
                if self.cursor_field is not None:
                    self._emit()

    def ensure_at_least_one_state_emitted(self) -> None:
        """At the end of the stream. One that failed keeps the state it came with, or its last checkpoint."""
        with self._lock:
            if self.frontier.finished:
                self._emit()

    def should_be_synced(self, record: Record) -> bool:
        return True

    def _emit(self) -> None:
        manager = ConnectorStateManager()
        manager.update_state_for_stream(self.stream, None, self.state)
        self.messages.emit_message(manager.create_state_message(self.stream, None))


def _pieces(listings: Sequence[Listing], ranges: Sequence[Range]) -> list[ListPiece]:
    """The first pieces of a stream: of each list and pass all ranges, or the whole list where it has no filter."""
    return [
        ListPiece(route, asked, created)
        for route, listing in enumerate(listings)
        for asked in listing.passes
        for created in (ranges if listing.range_filter is not None else [None])
    ]


def _newest_first(window: Window, birth: int | None) -> list[Range]:
    """The window's open ranges, the newest first, cut at the account's birth: hardly anything lies before that."""
    return [part for left in reversed(window.left) for part in (left.split_at(birth) if birth else [left])]
