"""Batches: the records of a page, made into lines by the thread that read them and handed over as one.

A record by itself costs the CDK's queue, its message objects and a write each; a page of them as one costs a tenth.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from airbyte_cdk.models import AirbyteMessage
from airbyte_cdk.sources.types import Record

from source_stripe.api.values import Row

_RECORDS = 100
_BYTES = 500_000
"""Two pages of charges. A hundred invoices of a hundred lines would be 30 MB."""
_KEY = "source_stripe.batch"
"""The only field of a record that carries a batch; it never leaves the process."""


@dataclass(frozen=True)
class Flush:
    """Stands among records: those before it shall be handed over before the next one is made."""


@dataclass(frozen=True)
class Batch:
    """Records of one stream as the lines that go to stdout."""

    lines: bytes
    records: int


class Batches:
    """Makes batches, and holds readers back while `pages` of them wait to be written: memory stays flat."""

    def __init__(self, pages: int) -> None:
        self._room = threading.BoundedSemaphore(pages)

    def of(self, stream: str, records: Iterator[Row | Flush]) -> Iterator[Record]:
        """The records, each stream's in batches; those of another stream come as the CDK's Record of that stream."""
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

    def written(self) -> None:
        """A batch is through: there is room for another."""
        self._room.release()

    def _rest(self, waiting: dict[str, list[bytes]]) -> Iterator[Record]:
        for name in [*waiting]:
            yield self._batch(name, waiting.pop(name))

    def _batch(self, stream: str, rows: list[bytes]) -> Record:
        start = b'{"type":"RECORD","record":{"stream":' + orjson.dumps(stream) + b',"data":'
        end = b',"emitted_at":' + str(time.time_ns() // 1_000_000).encode() + b"}}\n"
        lines = start + (end + start).join(rows) + end
        self._room.acquire()
        return Record(data={_KEY: Batch(lines, len(rows))}, stream_name=stream)


def batch_in(message: AirbyteMessage) -> Batch | None:
    """The batch that a record message carries, if it is one of ours."""
    data: Mapping[str, Any] = message.record.data if message.record else {}
    return data.get(_KEY)
