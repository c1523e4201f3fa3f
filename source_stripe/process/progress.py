"""Progress: what a long sync says about itself, every ten seconds and at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

logger = logging.getLogger("airbyte.stripe")

_EVERY = 10.0
"""Seconds between two reports. See docs/design/threads.md, "Guards"."""
PartRead = Callable[[], float | None]
"""How much of a stream's time span is read, 0 to 1; None where nobody can know. Called from any thread."""


@dataclass
class Tally:
    """The rows and requests of a stream so far. `began` is in seconds of the monotonic clock."""

    began: float
    rows: int = 0
    requests: int = 0
    limited: int = 0
    """Answers 429."""
    part_read: PartRead = lambda: None

    def line(self, stream: str, now: float) -> str:
        """One line for people. Times in seconds on one monotonic clock."""
        seconds = max(now - self.began, 0.001)
        words = [f"{self.rows:,} rows", f"{self.rows / seconds:,.0f}/s", f"{self.requests:,} requests"]
        if self.limited:
            words.append(f"{self.limited:,} x 429")
        part = self.part_read()
        if part is not None and 0 < part < 1:
            words.append(f"{part:.0%} of its time span")
            words.append(f"about {seconds * (1 - part) / part:,.0f} s left")
        return f"{stream}: {', '.join(words)}"


class Progress:
    """Counts rows and requests by stream. The requests of a thread count for the stream that it said it reads.

    Every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._reading = threading.local()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.heading: Callable[[], str] | None = None
        """What else a report says first. Called from any thread."""

    def follow(self, stream: str, part_read: PartRead) -> None:
        """Report a stream from now on; its time counts from here."""
        with self._lock:
            self._tallies[stream] = Tally(time.monotonic(), part_read=part_read)

    def reading(self, stream: str) -> None:
        """This thread reads for a stream from now on."""
        self._reading.stream = stream

    def request(self, *, limited: bool) -> None:
        """This thread has made a request."""
        tally = self._tallies.get(getattr(self._reading, "stream", ""))
        if tally is not None:
            with self._lock:
                tally.requests += 1
                tally.limited += limited

    def rows(self, stream: str, count: int) -> None:
        """Rows of a stream were emitted."""
        with self._lock:
            tally = self._tallies.setdefault(stream, Tally(time.monotonic()))
            tally.rows += count

    @contextmanager
    def reported(self) -> Iterator[None]:
        """While a sync runs: report every ten seconds, and when it is over."""
        thread = threading.Thread(target=self._report_until_over, daemon=True, name="progress")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._report("Read")

    def _report_until_over(self) -> None:
        while not self._over.wait(_EVERY):
            self._report("Reading")

    def _report(self, word: str) -> None:
        now = time.monotonic()
        with self._lock:
            lines = [tally.line(stream, now) for stream, tally in self._tallies.items()]
        heading = [self.heading()] if self.heading is not None else []
        for line in (*heading, *lines):
            logger.info("%s %s", word, line)


class OfMany(Progress):
    """The counts of streams that are read of many accounts: none of these knows how much is left of all."""

    def follow(self, stream: str, part_read: PartRead) -> None:
        """Report a stream from now on; its time counts from the first account."""
        with self._lock:
            self._tallies.setdefault(stream, Tally(time.monotonic()))
