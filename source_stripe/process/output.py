"""Output: stdout, to which all threads write whole lines."""

from __future__ import annotations

import io
import logging
import os
import select
import threading
from collections.abc import Callable

from source_stripe.process.masking import masked


class OutputError(Exception):
    """Messages can't be written any more: their reader is gone, or the disk is full."""


class Output(io.TextIOBase):
    """A text file over a descriptor, for all threads. A write returns when all of it is written, and none is divided by
    another thread's.

    Text is masked, bytes are written as they are. The first write that fails may leave half a line: `lost` is called,
    and nothing is written behind it.
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
        """Blocks until all is written. Raises OutputError."""
        left = memoryview(content)
        with self._lock:
            if self._failure is not None:
                raise self._failure
            while left:
                left = left[self._write(left) :]

    def end(self) -> None:
        """Wait for the line that is being written, and take the lock for ever: no other thread writes another."""
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
            # The pipe is non-blocking, as its owner set it, and its reader is slow.
            select.select([], [self._descriptor], [])
            return 0
        except OSError as error:
            self._failure = OutputError(f"source-stripe can't write its messages: {error.strerror}.")
            self._lost(self._failure)
            raise self._failure from error
