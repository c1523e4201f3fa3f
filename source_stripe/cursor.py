"""The cursor that the CDK sees: gives out a reading's pieces, and checkpoints what is through."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams import NO_CURSOR_STATE_KEY
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Record, StreamSlice

from source_stripe.account import AccountReader
from source_stripe.frontier import Frontier
from source_stripe.reading import Reading


@dataclass
class ReadingCursor(Cursor):
    """Runs a reading on the CDK's threads: one generates partitions from its pieces, others close them."""

    stream: str
    reading: Reading
    saved_state: Mapping[str, Any]
    account: AccountReader
    frontier: Frontier
    messages: MessageRepository

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._finished = False

    @property
    def state(self) -> MutableMapping[str, Any]:
        final = self.reading.final_state()
        return {NO_CURSOR_STATE_KEY: True} if final is None else dict(final)

    def stream_slices(self) -> Iterable[StreamSlice]:
        """The pieces of one phase after the other, as they come up. Blocks in between."""
        for pieces in self.reading.phases(self.account.read(), self.saved_state):
            self.frontier.open(pieces)
            for number in self.frontier.pieces():
                yield StreamSlice(partition={}, cursor_slice={"piece": number}, extra_fields={"piece": number})
            if self.frontier.failed:
                return
        self._finished = True

    def observe(self, record: Record) -> None:
        """Rows are accounted for by their piece, when it is closed."""

    def close_partition(self, partition: Partition) -> None:
        """The records of a piece were emitted: checkpoint it."""
        stream_slice = partition.to_slice()
        if not isinstance(stream_slice, StreamSlice):
            raise TypeError(f"{self.stream} was given a partition that is not its own")
        with self._lock:
            number: int = stream_slice.extra_fields["piece"]
            for piece in self.frontier.completes(number):
                if (state := self.reading.through(piece)) is not None:
                    self._emit(state)
            # Only now: the reading goes on to its next phase when no piece is open.
            self.frontier.close(number)

    def ensure_at_least_one_state_emitted(self) -> None:
        """At the end of the stream. One that failed keeps the state it came with, or its last checkpoint."""
        if self._finished:
            self._emit(self.state)

    def should_be_synced(self, record: Record) -> bool:
        return True

    def _emit(self, state: Mapping[str, Any]) -> None:
        manager = ConnectorStateManager()
        manager.update_state_for_stream(self.stream, None, state)
        self.messages.emit_message(manager.create_state_message(self.stream, None))
