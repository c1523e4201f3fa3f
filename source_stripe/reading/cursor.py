"""The cursors that the CDK sees: they give out a reading's pieces, and checkpoint what is through."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from airbyte_cdk.models import AirbyteMessage, FailureType
from airbyte_cdk.sources.connector_state_manager import ConnectorStateManager
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams import NO_CURSOR_STATE_KEY
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Record, StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.account import Reader
from source_stripe.api.errors import ends
from source_stripe.api.refusals import Refused
from source_stripe.objects.left_out import LeftOut
from source_stripe.process.progress import Progress
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.pieces import ListedPiece
from source_stripe.reading.readings import Reading
from source_stripe.reading.state import REFUSED


@dataclass
class ReadingCursor(Cursor):
    """Runs a reading on the CDK's threads: one generates partitions from its pieces, others close them.

    `followers` are streams, with the names of their cursors, whose records come with this one's.
    """

    stream: str
    cursor_name: str | None
    reading: Reading
    saved_state: Mapping[str, Any]
    account: Reader
    frontier: Frontier
    messages: MessageRepository
    progress: Progress
    refused: Mapping[str, Refused]
    """By stream, this one or a follower: the objects that it is read without."""
    followers: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, AirbyteTracedException] = field(default_factory=dict)
    """By stream, this one or a follower: why it could not be read to its end. Filled while it is read."""
    left_out: Sequence[LeftOut] = ()
    """Parents about which Stripe refuses to answer. Filled while the stream is read."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._finished = False
        self._failure: Exception | None = None

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self._with_refused(self.stream, self._plain_state)

    @property
    def _plain_state(self) -> Mapping[str, Any]:
        final = self.reading.final_state()
        return {NO_CURSOR_STATE_KEY: True} if final is None else final

    def _with_refused(self, stream: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state with the ids to ask for again. A stream without a cursor needs none: it is read whole each time."""
        ids = [] if self.cursor_name is None else self.refused[stream].ids(ended=self._finished)
        return {**state, REFUSED: ids} if ids else dict(state)

    def stream_slices(self) -> Iterable[StreamSlice]:
        """The pieces of one phase after the other, as they come up. Blocks in between."""
        try:
            with ends(self.stream):
                yield from self._slices()
        except AirbyteTracedException as failure:
            self._failure = failure
            raise
        finally:
            self._ended.set()

    def _slices(self) -> Iterator[StreamSlice]:
        self.progress.follow(self.stream, self.reading.part_read)
        self.progress.reading(self.stream)
        with closing(self.reading.phases(self.account.read(), self.saved_state)) as phases:
            for phase in phases:
                if phase.state_first:
                    self._emit_states()
                self.frontier.open(phase)
                for number in self.frontier.pieces():
                    yield StreamSlice(partition={}, cursor_slice={"piece": number}, extra_fields={"piece": number})
                if (failure := self.frontier.failure) is not None:
                    # The reading may have to tell others why. The failure itself was raised where it came up.
                    with suppress(type(failure)):
                        phases.throw(failure)
                    return
        for left_out in self.left_out:
            left_out.end()
        self._finished = True
        if failure := self.own_failure_of(self.stream):
            raise failure

    def own_failure_of(self, stream: str) -> AirbyteTracedException | None:
        """Why this stream, or one that follows it, was not read to its end or lacks objects; None if it is whole."""
        return self.failures.get(stream) or self.refused[stream].failure()

    def finishes(self) -> bool:
        """Waits until the stream has ended. Returns whether it was read to its end."""
        self._ended.wait()
        return self._finished

    def failure_of(self, follower: str) -> AirbyteTracedException:
        """Why this stream was not read to its end, as the failure of a stream that follows it."""
        why = self._failure or self.frontier.failure
        told, failure_type = f"The stream {self.stream} failed.", FailureType.system_error
        if isinstance(why, AirbyteTracedException):
            told, failure_type = str(why), why.failure_type
        failure = AirbyteTracedException(
            message=f"The stream {follower} is read together with {self.stream}. {told}",
            internal_message=f"{follower} follows {self.stream}: {type(why).__name__}",
            failure_type=failure_type,
        )
        failure.__cause__ = why
        return failure

    def observe(self, record: Record) -> None:
        """Does nothing: the state goes by pieces, not by records."""

    def close_partition(self, partition: Partition) -> None:
        """The records of a piece were emitted: checkpoint it."""
        stream_slice = partition.to_slice()
        if not isinstance(stream_slice, StreamSlice):
            raise TypeError(f"{self.stream} was given a partition that is not its own")
        number: int = stream_slice.extra_fields["piece"]
        # It is closed only when it is checkpointed: the reading goes on to its next phase when no piece is open.
        with self.frontier.finishing(number) as completed:
            if completed is not None:
                self.checkpoint(completed)

    def checkpoint(self, piece: ListedPiece) -> None:
        """All records of a list piece, or of a part of one, were emitted."""
        with self._lock:
            if self.reading.checkpoint(piece) is not None:
                self._emit_states()

    def ensure_at_least_one_state_emitted(self) -> None:
        """At the end of the stream, emit its state. A stream that failed keeps its last checkpoint."""
        if self._finished and self.stream not in self.failures:
            emit_state(self.messages, self.stream, self.state)

    def should_be_synced(self, record: Record) -> bool:
        return True

    def state_of(self, follower: str) -> dict[str, Any]:
        """This stream's state, as that of a stream that follows it."""
        cursor = self.followers[follower]
        renamed = {cursor if key == self.cursor_name else key: value for key, value in self._plain_state.items()}
        return self._with_refused(follower, renamed)

    def _emit_states(self) -> None:
        if any(left_out.is_all for left_out in self.left_out):
            # If no parent is answered for, the stream fails, and all have to be asked for again.
            return
        states = {self.stream: self.state, **{follower: self.state_of(follower) for follower in self.followers}}
        for stream, state in states.items():
            if stream not in self.failures:
                emit_state(self.messages, stream, state)


@dataclass
class FollowingCursor(Cursor):
    """The cursor of a stream whose records come with another's: it waits for that one, and ends as it did."""

    stream: str
    leader: ReadingCursor
    messages: MessageRepository

    @property
    def state(self) -> MutableMapping[str, Any]:
        return self.leader.state_of(self.stream)

    def stream_slices(self) -> Iterable[StreamSlice]:
        """Yields nothing. Waits for the leading stream to end; raises its failure."""
        if not self.leader.finishes():
            raise self.leader.failure_of(self.stream)
        if failure := self.leader.own_failure_of(self.stream):
            raise failure
        yield from ()

    def observe(self, record: Record) -> None:
        """Does nothing: the other stream's cursor has the state."""

    def close_partition(self, partition: Partition) -> None:
        raise TypeError(f"{self.stream} has no partitions of its own")

    def ensure_at_least_one_state_emitted(self) -> None:
        if self.leader.finishes() and self.stream not in self.leader.failures:
            emit_state(self.messages, self.stream, self.state)

    def should_be_synced(self, record: Record) -> bool:
        return True


def emit_state(messages: MessageRepository, stream: str, state: Mapping[str, Any]) -> None:
    """Put a state message behind the records that were emitted so far."""
    messages.emit_message(state_message(stream, state))


def state_message(stream: str, state: Mapping[str, Any]) -> AirbyteMessage:
    """A stream's state as a message."""
    manager = ConnectorStateManager()
    manager.update_state_for_stream(stream, None, state)
    return manager.create_state_message(stream, None)
