"""The cursor of a stream read by `created`: opens its window, hands out its pieces, checkpoints what is done."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams import NO_CURSOR_STATE_KEY
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Record, StreamSlice

from source_stripe.account import AccountReader
from source_stripe.frontier import Frontier
from source_stripe.ranges import Range
from source_stripe.state import CreatedState, Window


class CreatedCursor(Cursor):
    """Reads a stream's window, newest ranges first, and emits a state whenever a piece of it is through.

    Without `cursor_field` the stream has no state to go on from: it is read whole, and says so at the end.
    """

    def __init__(
        self,
        stream: str,
        *,
        cursor_field: str | None,
        saved_state: Mapping[str, Any],
        start: int,
        lookback: int,
        account: AccountReader,
        frontier: Frontier,
        messages: MessageRepository,
    ) -> None:
        self._stream = stream
        self._cursor_field = cursor_field
        self._start = start
        self._lookback = lookback
        self._account = account
        self._frontier = frontier
        self._messages = messages
        self._lock = threading.Lock()
        self._saved_state = saved_state
        self._reached = CreatedState()

    @property
    def state(self) -> MutableMapping[str, Any]:
        if self._cursor_field is None:
            return {NO_CURSOR_STATE_KEY: True}
        return self._reached.dump(self._cursor_field)

    def stream_slices(self) -> Iterable[StreamSlice]:
        """Open the window and give out its pieces as they come up. Blocks in between."""
        account = self._account.read()
        saved = CreatedState()
        if self._cursor_field is not None:
            saved = CreatedState.parse(self._saved_state, stream=self._stream, cursor=self._cursor_field)
        window = saved.next_window(start=self._start, now=account.now, lookback=self._lookback)
        self._reached = CreatedState(watermark=account.now, window=window if window.left else None)
        self._frontier.open(_newest_first(window, account.birth))
        for number in self._frontier.pieces():
            piece = self._frontier.range_of(number)
            yield StreamSlice(
                partition={},
                cursor_slice={"start": piece.start, "end": piece.end},
                extra_fields={"piece": number},
            )

    def observe(self, record: Record) -> None:
        """Rows are accounted for by the piece, when it is closed."""

    def close_partition(self, partition: Partition) -> None:
        """The rows of a piece were emitted: checkpoint it."""
        stream_slice = partition.to_slice()
        if not isinstance(stream_slice, StreamSlice):
            raise TypeError(f"{self._stream} was given a partition that is not its own")
        with self._lock:
            covered = self._frontier.close(stream_slice.extra_fields["piece"])
            window = self._reached.window
            if window is None:
                raise RuntimeError(f"{self._stream} closed a piece of no window")
            left = window.with_done(covered)
            self._reached = CreatedState(self._reached.watermark, left if left.left else None)
            if self._cursor_field is not None:
                self._emit()

    def ensure_at_least_one_state_emitted(self) -> None:
        """At the end of the stream. One that failed keeps the state it came with, or its last checkpoint."""
        with self._lock:
            if self._reached.watermark is not None and self._reached.window is None:
                self._emit()

    def should_be_synced(self, record: Record) -> bool:
        return True

    def _emit(self) -> None:
        manager = ConnectorStateManager()
        manager.update_state_for_stream(self._stream, None, self.state)
        self._messages.emit_message(manager.create_state_message(self._stream, None))


def _newest_first(window: Window, birth: int | None) -> list[Range]:
    """The window's open ranges, the newest first, cut at the account's birth: hardly anything lies before that."""
    return [part for left in reversed(window.left) for part in (left.split_at(birth) if birth else [left])]
