"""Stdout, where the messages go: lines from all threads, whole and in order."""

from __future__ import annotations

import io
import logging
import os
import select
import threading
from collections.abc import Callable

from source_stripe.process.masking import masked


class OutputError(Exception):
    """Nobody can be told anything any more: the reader is gone, or the disk is full."""


class Output(io.TextIOBase):
    """A text file over a descriptor. A write is through when it returns; none is cut in two by another thread's.

    Text passes the mask, bytes come out as they are.

    Behind the first write that fails nothing is written: it may have left half a line. `lost` is called then.
    """

    def __init__(self, descriptor: int, lost: Callable[[OutputError], object] = lambda _: None) -> None:
        self._descriptor = descriptor
        self._lost = lost
        self._failure: OutputError | None = None
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        self.write_bytes(masked(text).encode())
        return len(text)

    def write_bytes(self, content: bytes) -> None:
        """Raises OutputError."""
        left = memoryview(content)
        with self._lock:
            if self._failure is not None:
                raise self._failure
            while left:
                left = left[self._write(left) :]

    def end(self) -> None:
        """Wait until the line that is being written is through, and let nobody but this thread write another."""
        self._lock.acquire()

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def take_logs(self) -> None:
        """Let the CDK's log handlers write here."""
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                # `setStream` would first flush the CDK's own buffer, past us.
                handler.stream = self

    def _write(self, left: memoryview) -> int:
        try:
            return os.write(self._descriptor, left)
        except BlockingIOError:
            # Whoever gave us this pipe made it so; its reader is slow.
            select.select([], [self._descriptor], [])
            return 0
        except OSError as error:
            self._failure = OutputError(f"source-stripe can't write its messages: {error.strerror}.")
            self._lost(self._failure)
            raise self._failure from error
