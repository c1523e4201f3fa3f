"""Feeds: the rows of a scan as batches, a page each, read while DuckDB asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa

Batches = Callable[[], Iterator[pa.RecordBatch]]
"""Reads from the top."""


@dataclass
class Feed:
    """What DuckDB reads as a table: an object of Arrow's stream interface.

    DuckDB may read a table more than once, as in a recursive question. One that is kept is asked for once, whoever
    reads it; any other is asked for anew. What ends a reading is kept in `failure`: DuckDB only says that it ended.
    """

    schema: pa.Schema
    read: Batches
    kept: bool = False
    failure: BaseException | None = None
    _had: list[pa.RecordBatch] = field(default_factory=list)
    _source: Iterator[pa.RecordBatch] | None = None

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._kept() if self.kept else self._once()
        except GeneratorExit:
            raise
        except BaseException as failure:
            self.failure = failure
            raise

    def begin(self, pages: int) -> None:
        """Read so many pages now. They come first whenever the feed is read next."""
        if self._source is None:
            self._source = self.read()
        self._had.extend(islice(self._source, max(pages - len(self._had), 0)))

    def _once(self) -> Iterator[pa.RecordBatch]:
        begun, source = self._had, self._source or self.read()
        self._had, self._source = [], None
        yield from begun
        yield from source

    def _kept(self) -> Iterator[pa.RecordBatch]:
        if self._source is None:
            self._source = self.read()
        at = 0
        while True:
            if at == len(self._had):
                batch = next(self._source, None)
                if batch is None:
                    return
                self._had.append(batch)
            yield self._had[at]
            at += 1
