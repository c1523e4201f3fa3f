"""One account: a small sync of the CDK's, with a queue and messages of its own, on threads that all accounts share."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

from airbyte_cdk.models import AirbyteMessage, AirbyteStreamStatus, Level
from airbyte_cdk.models import Type as MessageType
from airbyte_cdk.sources.concurrent_source.concurrent_read_processor import ConcurrentReadProcessor
from airbyte_cdk.sources.concurrent_source.concurrent_source import ConcurrentSource
from airbyte_cdk.sources.concurrent_source.stream_thread_exception import StreamThreadException
from airbyte_cdk.sources.concurrent_source.thread_pool_manager import ThreadPoolManager
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.message.repository import LogMessage
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.sources.streams.concurrent.partitions.types import QueueItem
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.accounts.told_once import reading
from source_stripe.reading.cursor import FollowingCursor

_silent = logging.getLogger("source_stripe.accounts")
_silent.setLevel(logging.CRITICAL + 1)
"""For what the CDK says of each account."""


class OwnMessages(MessageRepository):
    """Puts messages on an account's queue. The thread that takes them off puts its own where it looks next."""

    def __init__(self, queue: Queue[QueueItem]) -> None:
        self._queue = queue
        self._consumer = threading.get_ident()
        self._pending: deque[AirbyteMessage] = deque()

    def emit_message(self, message: AirbyteMessage) -> None:
        if threading.get_ident() == self._consumer:
            self._pending.append(message)
        else:
            self._queue.put(message)

    def log_message(self, level: Level, message_provider: Callable[[], LogMessage]) -> None:
        """Says nothing: what is worth telling goes to the logger."""

    def consume_queue(self) -> Iterator[AirbyteMessage]:
        while self._pending:
            yield self._pending.popleft()


class Lent(Executor):
    """Threads of a pool that others use too, each told which account it reads for. Nobody ends the pool by it."""

    def __init__(self, pool: Executor, account: str) -> None:
        self._pool = pool
        self._account = account

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._pool.submit(reading, self._account, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Limits:
    """How much of the threads and the memory one account may take."""

    generators: int
    """Streams of it that are read at once."""
    waiting: int
    """Messages that wait to be taken."""


@dataclass
class OneAccount:
    """Reads some streams of one account. For the thread that made it."""

    account: str
    pool: Executor
    limits: Limits
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    """By stream."""
    complete: set[str] = field(default_factory=set)
    """Streams that were read to their end."""

    def __post_init__(self) -> None:
        self._queue: Queue[QueueItem] = Queue(maxsize=self.limits.waiting)
        self.messages = OwnMessages(self._queue)

    def read(self, streams: Sequence[AbstractStream]) -> Iterator[AirbyteMessage]:
        """The records and states of the streams. What fails is in `failures`."""
        followers_last = sorted(streams, key=lambda stream: isinstance(stream.cursor, FollowingCursor))
        source = _Source(self)
        try:
            for message in source.read(followers_last):
                if message.type in (MessageType.RECORD, MessageType.STATE):
                    yield message
                elif message.trace is not None and message.trace.stream_status is not None:
                    report = message.trace.stream_status
                    if report.status is AirbyteStreamStatus.COMPLETE:
                        self.complete.add(report.stream_descriptor.name)
        except AirbyteTracedException:
            # The CDK repeats the failures of all streams.
            if not self.failures:
                raise

    def source_parts(self) -> tuple[ThreadPoolManager, Queue[QueueItem]]:
        return ThreadPoolManager(Lent(self.pool, self.account), _silent), self._queue  # type: ignore[arg-type]


class _Source(ConcurrentSource):
    """The CDK's, which keeps the exceptions of streams."""

    def __init__(self, one: OneAccount) -> None:
        threads, queue = one.source_parts()
        super().__init__(
            threads,
            _silent,
            queue=queue,
            message_repository=one.messages,
            initial_number_partitions_to_generate=one.limits.generators,
        )
        self._failures = one.failures

    def _handle_item(
        self, queue_item: QueueItem, concurrent_stream_processor: ConcurrentReadProcessor
    ) -> Iterable[AirbyteMessage]:
        if isinstance(queue_item, StreamThreadException):
            self._failures.setdefault(queue_item.stream_name, []).append(queue_item.exception)
        return super()._handle_item(queue_item, concurrent_stream_processor)
