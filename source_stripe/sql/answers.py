"""Answers: the rows of a question, read as they are asked for. What Stripe refuses meanwhile is raised as such."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from source_stripe.sql.engine import reason_of
from source_stripe.sql.errors import QueryError
from source_stripe.sql.feeds import Feed

_AT_ONCE = 1_000
"""Rows that are handed over at a time. See docs/design/sql.md, "Memory"."""


@dataclass
class Answer:
    """A cursor, as Python's DB-API has it, with `df` and `arrow` beside. It is good until the next question."""

    cursor: duckdb.DuckDBPyConnection
    feeds: Iterable[Feed] = ()
    came: Callable[[], object] = lambda: None
    """Called when rows have come, before they are handed over by the thousand."""

    @property
    def description(self) -> list[tuple[Any, ...]]:
        """The name and the type of each column, and five times None."""
        return list(self.cursor.description or [])

    @property
    def columns(self) -> list[str]:
        return [str(each[0]) for each in self.description]

    def fetchone(self) -> tuple[Any, ...] | None:
        with self._told():
            row: tuple[Any, ...] | None = self.cursor.fetchone()
            return row

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        with self._told():
            return list(self.cursor.fetchmany(size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        with self._told():
            return list(self.cursor.fetchall())

    def df(self) -> Any:
        """A pandas DataFrame, where pandas is installed."""
        with self._told():
            return self.cursor.df()

    def arrow(self) -> pa.Table:
        with self._told(), _quiet():
            return self._arrow("to_arrow_table", "fetch_arrow_table")()

    @contextmanager
    def reader(self) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        """All rows as Arrow has them, and their schema."""
        with self._told(), _quiet():
            found: pa.RecordBatchReader = self._arrow("to_arrow_reader", "fetch_record_batch")(_AT_ONCE)
            yield found.schema, iter(found)

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """All rows, a thousand at a time."""
        while rows := self.fetchmany(_AT_ONCE):
            self.came()
            yield rows
        self.came()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for rows in self.batches():
            yield from rows

    def _arrow(self, name: str, before: str) -> Any:
        """A method of DuckDB's that has another name before its version 2."""
        return getattr(self.cursor, name, None) or getattr(self.cursor, before)

    def _told(self) -> Any:
        return telling(self.feeds)


@contextmanager
def _quiet() -> Iterator[None]:
    """DuckDB warns of each answer that it gives to Arrow from a cursor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@contextmanager
def telling(feeds: Iterable[Feed]) -> Iterator[None]:
    """Around what DuckDB does: what ended a reading is raised, and not that DuckDB found it ended."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, RuntimeError) as error:
        for feed in feeds:
            if feed.failure is not None:
                raise feed.failure from None
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from None
        raise QueryError(reason_of(error)) from None
