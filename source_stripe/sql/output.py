"""Output: an answer as a table for people, as CSV, JSON or Parquet. Rows are written as they come."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from source_stripe.sql.answers import Answer
from source_stripe.sql.text_table import write_table

Write = Callable[[Answer, BinaryIO, int | None], int]
"""Writes an answer; returns how many rows it had. A number is the letters that a line may have."""


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file that appears under its name when all of it is written, and not at all if that fails."""
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def plain(value: Any) -> Any:
    """A value as JSON has it. A number that JSON's readers would round is text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta | bytes) or not isinstance(value, str | int | float | bool | None):
        return str(value)
    return value


def _table(answer: Answer, file: BinaryIO, width: int | None) -> int:
    text = io.TextIOWrapper(file, "utf-8", newline="\n", write_through=True)
    try:
        return write_table(answer, text, width)
    finally:
        text.detach()


def _csv(answer: Answer, file: BinaryIO, _: int | None) -> int:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(answer.columns)
        rows = 0
        for batch in answer.batches():
            writer.writerows([_field(value) for value in row] for row in batch)
            rows += len(batch)
        text.flush()
        return rows
    finally:
        text.detach()


def _field(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _json(answer: Answer, file: BinaryIO, _: int | None) -> int:
    names = [(str(name), str(kind) == "JSON") for name, kind, *_ in answer.description]
    rows = 0
    for row in answer:
        found = {
            name: json.loads(value) if is_json and isinstance(value, str) else plain(value)
            for (name, is_json), value in zip(names, row, strict=True)
        }
        file.write((",\n" if rows else "[\n").encode() + json.dumps(found, ensure_ascii=False).encode())
        rows += 1
    file.write(b"\n]\n" if rows else b"[]\n")
    return rows


def _parquet(answer: Answer, file: BinaryIO, _: int | None) -> int:
    rows = 0
    with answer.reader() as (schema, batches), pq.ParquetWriter(file, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


FORMATS: Mapping[str, Write] = {"table": _table, "csv": _csv, "json": _json, "parquet": _parquet}
