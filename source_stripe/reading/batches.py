"""Batches: a page's records go through the CDK as one record of its own kind, and come out as lines.

A record by itself costs the CDK's queue, its message objects and a write each; a page of them as one costs a tenth. The
thread that reads a page makes the lines (`Batches.of`). The CDK takes the batch for one record with one odd field. The
entry point mends the CDK's counts (`count_records`), and writes the lines (`Batches.write`). What the CDK logs of
counts is dropped with its other lines about single streams (`cdk_log.py`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson
from airbyte_cdk.models import AirbyteMessage
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.sources.types import Record

from source_stripe.api.values import Row
from source_stripe.process.output import Output

_WAITING = 64
"""Batches in memory at most, made but not yet written. See docs/design/threads.md, "Memory"."""
_RECORDS = 100
"""Records of a batch, at most: a page. See docs/design/threads.md, "Memory"."""
_BYTES = 500_000
"""Bytes from which on a batch ends: two pages of charges. A hundred invoices of a hundred lines would be 30 MB. See
docs/design/threads.md, "Memory"."""
_KEY = "source_stripe.batch"
"""The only field of a record that carries a batch; it never leaves the process."""


@dataclass(frozen=True)
class Flush:
    """Stands among records: those before it are handed over before the next one is made."""


@dataclass(frozen=True)
class Batch:
    """Records of one stream as the lines that go to stdout."""

    lines: bytes
    records: int


class Batches:
    """Makes batches on the readers' threads and writes them on the main one.

    Readers wait while `waiting` batches are made but not written, so that memory stays flat.
    """

    def __init__(self, waiting: int = _WAITING) -> None:
        self._room = threading.BoundedSemaphore(waiting)
        self.waited: Callable[[float], None] = lambda _seconds: None
        """Called by a reader that has waited for a batch to be written, with the seconds."""

    def of(self, stream: str, records: Iterator[Row | Flush]) -> Iterator[Record]:
        """The records of a stream, a batch at a time. Those that come as the CDK's Record of another stream go into
        batches of that one."""
        waiting: dict[str, list[bytes]] = {}
        row: Mapping[str, Any]
        sizes: Counter[str] = Counter()
        for record in records:
            if isinstance(record, dict):
                name, row = stream, record
            elif isinstance(record, Record):
                name, row = record.stream_name, record.data
            else:
                yield from self._rest(waiting)
                sizes.clear()
                continue
            lines = waiting.setdefault(name, [])
            lines.append(bytes(memoryview(orjson.dumps(row))))
            sizes[name] += len(lines[-1])
            if len(lines) >= _RECORDS or sizes[name] >= _BYTES:
                del sizes[name]
                yield self._batch(name, waiting.pop(name))
        yield from self._rest(waiting)

    def write(self, message: AirbyteMessage, output: Output) -> int | None:
        """Write the lines of the batch that a message carries, and let a reader make another. Returns how many records
        it holds; None where the message carries none. Raises OutputError."""
        if (batch := _in(message)) is None:
            return None
        output.write_bytes(batch.lines)
        self._room.release()
        return batch.records

    def _rest(self, waiting: dict[str, list[bytes]]) -> Iterator[Record]:
        for name in [*waiting]:
            yield self._batch(name, waiting.pop(name))

    def _batch(self, stream: str, rows: list[bytes]) -> Record:
        start = b'{"type":"RECORD","record":{"stream":' + orjson.dumps(stream) + b',"data":'
        end = b',"emitted_at":' + str(time.time_ns() // 1_000_000).encode() + b"}}\n"
        lines = start + (end + start).join(rows) + end
        if not self._room.acquire(blocking=False):
            begun = time.monotonic()
            self._room.acquire()
            self.waited(time.monotonic() - begun)
        return Record(data={_KEY: Batch(lines, len(rows))}, stream_name=stream)


def count_records(message: AirbyteMessage, counts: MutableMapping[HashableStreamDescriptor, float]) -> None:
    """Mend the counts of records by stream, behind the CDK, which has counted the message as one record."""
    if message.record is not None and (batch := _in(message)) is not None:
        stream = HashableStreamDescriptor(name=message.record.stream, namespace=message.record.namespace)
        counts[stream] += batch.records - 1


def _in(message: AirbyteMessage) -> Batch | None:
    data: Mapping[str, Any] = message.record.data if message.record else {}
    return data.get(_KEY)
