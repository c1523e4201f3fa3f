"""Stdout, where the messages go: lines from all threads, whole and in order."""

from __future__ import annotations

import io
import logging
import os
import threading


class Output(io.TextIOBase):
    """A text file over a descriptor. A write is through when it returns; none is cut in two by another thread's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        self.write_bytes(text.encode())
        return len(text)

    def write_bytes(self, content: bytes) -> None:
        """Raises OSError (a closed pipe, a full disk): then nobody can be told anything any more."""
        left = memoryview(content)
        with self._lock:
            while left:
                left = left[os.write(self._descriptor, left) :]

    def writable(self) -> bool:
        return True

    def take_logs(self) -> None:
        """Let the CDK's log handlers write here."""
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(self)
