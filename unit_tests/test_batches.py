"""Batches: pages of records as one record of the CDK's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import cast

import pytest
from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, Type
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.sources.types import Record

from source_stripe.api.values import Row
from source_stripe.process.output import Output
from source_stripe.reading.batches import Batches, Flush, count_records


def message(record: Record) -> AirbyteMessage:
    """As the CDK makes one of each record."""
    content = AirbyteRecordMessage(stream=record.stream_name, data=dict(record), emitted_at=0)
    return AirbyteMessage(type=Type.RECORD, record=content)


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Output]:
    descriptor = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY)
    yield Output(descriptor)
    os.close(descriptor)


def test_batches_of_large_records_are_small() -> None:
    rows = ({"id": str(number), "lines": "x" * 200_000} for number in range(7))

    batches = [batch for record in Batches(9).of("invoices", rows) for batch in record.values()]

    assert [batch.records for batch in batches] == [3, 3, 1]
    assert sum(batch.lines.count(b"\n") for batch in batches) == 7


def test_readers_wait_while_nobody_writes(output: Output) -> None:
    batches = Batches(2)
    handed_over: Queue[Record] = Queue()
    made = 0

    def read() -> None:
        nonlocal made
        for record in batches.of("charges", iter({"id": str(n)} for n in range(1_000))):
            made += 1
            handed_over.put(record)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for number in range(10):
        record = handed_over.get(timeout=30)
        assert made <= number + 2
        assert batches.write(message(record), output) == 100
    reader.join(30)

    assert made == 10
    assert not reader.is_alive()


def test_what_stands_before_a_flush_is_handed_over_before_more_is_made() -> None:
    made: list[str] = []

    def records() -> Iterator[Row | Flush]:
        for name in "ab":
            made.append(name)
            yield {"id": name}
        yield cast(Row, Record(data={"id": "li"}, stream_name="lines"))
        yield Flush()
        made.append("c")
        yield {"id": "c"}

    batches = Batches(4).of("charges", records())

    assert next(batches).stream_name == "charges"
    assert next(batches).stream_name == "lines"
    assert made == ["a", "b"]
    (last,) = batches
    assert [batch.records for batch in last.values()] == [1]


def test_a_record_that_is_no_batch_is_left_to_others(output: Output, tmp_path: Path) -> None:
    alone = message(Record(data={"id": "a"}, stream_name="charges"))
    counts: dict[HashableStreamDescriptor, float] = {}

    assert Batches().write(alone, output) is None
    count_records(alone, counts)

    assert (tmp_path / "stdout").read_bytes() == b""
    assert not counts
