"""Progress: what a long sync says about itself, a line every ten seconds and one at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

logger = logging.getLogger("airbyte.stripe")

_EVERY = 10.0
"""Seconds between two reports. See docs/design/threads.md, "Guards"."""
_NAMED = 5
"""Streams that a report names, those with the most rows since the last one. See docs/design/threads.md, "Guards"."""
_MUCH = 0.25
"""Part of the time that threads waited for the rate budget, from which on it holds the sync back. See
docs/design/threads.md, "Guards"."""
_BUSY = 0.9
"""Part of a core from which on the process is busy. See docs/design/threads.md, "Guards"."""
PartRead = Callable[[], float | None]
"""How much of a stream's time span is read, 0 to 1; None where nobody can know. Called from any thread."""


class Wait(Enum):
    """What threads wait for."""

    RATE = "the rate budget"
    STRIPE = "Stripe's answers"
    TAKEN = "whoever takes the rows"
    CPU = "this process's core"


@dataclass
class Tally:
    """The rows and requests of a stream so far."""

    rows: int = 0
    told: int = 0
    """Rows that a report has told of."""
    requests: int = 0
    part_read: PartRead = lambda: None

    def line(self, stream: str) -> str:
        """Some words for people, and from now on the rows are told."""
        new, self.told = self.rows - self.told, self.rows
        part = self.part_read()
        span = f", {part:.0%} of its time span" if part is not None and 0 < part < 1 else ""
        return f"{stream} {self.rows:,} (+{new:,}{span})"


@dataclass
class Totals:
    """The counts of all streams at one time. Times are in seconds, `at` on the monotonic clock."""

    at: float
    cpu: float = 0.0
    rows: int = 0
    requests: int = 0
    limited: int = 0
    """Answers 429."""
    waits: Mapping[Wait, float] = field(default_factory=dict)
    """Seconds of all threads together."""

    def line(self, before: Totals, budget: float | None) -> str:
        """What came since an earlier time, beside the sums. `budget` is in requests a second."""
        seconds = max(self.at - before.at, 0.001)
        of = f" of {budget:,.0f}/s" if budget is not None else ""
        asked = f"{(self.requests - before.requests) / seconds:,.1f}/s{of}"
        words = [f"{self.rows:,} rows ({(self.rows - before.rows) / seconds:,.0f}/s)"]
        words.append(f"{self.requests:,} requests ({asked})")
        words += [f"{self.limited:,} x 429"] if self.limited else []
        return ", ".join(words)

    def held_back_by(self, before: Totals) -> Wait | None:
        """What the threads have waited for since an earlier time; None if nothing was waited for."""
        waited = {wait: seconds - before.waits.get(wait, 0) for wait, seconds in self.waits.items()}
        if not any(waited.values()):
            return None
        if max(waited, key=waited.__getitem__) is Wait.TAKEN:
            return Wait.TAKEN
        if waited.get(Wait.RATE, 0) >= _MUCH * sum(waited.values()):
            return Wait.RATE
        busy = self.cpu - before.cpu >= _BUSY * (self.at - before.at)
        return Wait.CPU if busy else Wait.STRIPE


class Progress:
    """Counts rows and requests by stream. The requests of a thread count for the stream that it said it reads.

    Every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._sums = Totals(0.0)
        self._waits = dict.fromkeys(Wait, 0.0)
        self._reading = threading.local()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._done: set[str] = set()
        self.budget: float | None = None
        """Requests a second that the rate budget allows; None where nobody can say."""
        self.heading: Callable[[], str] | None = None
        """What else a report says first. Called from any thread."""

    def follow(self, stream: str, part_read: PartRead) -> None:
        """Report a stream from now on."""
        with self._lock:
            self._tally(stream).part_read = part_read

    def reading(self, stream: str) -> None:
        """This thread reads for a stream from now on."""
        self._reading.stream = stream

    def request(self, *, limited: bool) -> None:
        """This thread has made a request."""
        with self._lock:
            self._sums.requests += 1
            self._sums.limited += limited
            if (stream := getattr(self._reading, "stream", "")) in self._tallies:
                self._tallies[stream].requests += 1

    def waited(self, what: Wait, seconds: float) -> None:
        """This thread has waited for something."""
        with self._lock:
            self._waits[what] += seconds

    def rows(self, stream: str, count: int) -> None:
        """Rows of a stream were emitted."""
        with self._lock:
            self._sums.rows += count
            self._tally(stream).rows += count

    def done(self, stream: str) -> None:
        """A stream is complete."""
        with self._lock:
            self._done.add(stream)

    @contextmanager
    def reported(self, streams: int) -> Iterator[None]:
        """While a sync of so many streams runs: report every ten seconds, and when it is over."""
        begun = self._now()
        words = (streams, begun)
        thread = threading.Thread(target=self._report_until_over, args=words, daemon=True, name="progress")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._say(f"Read in {self._now().at - begun.at:,.0f} s", streams, begun)
            with self._lock:
                tallies = {**self._tallies}
            logger.info("Rows by stream: %s", rows_by_stream(tallies))
            for stream, tally in tallies.items():
                logger.debug("%s: %d rows, %d requests", stream, tally.rows, tally.requests)

    def _report_until_over(self, streams: int, before: Totals) -> None:
        while not self._over.wait(_EVERY):
            with self._lock:
                moved = moving(self._tallies)
            now = self._say("Reading", streams, before, f". {moved}" if moved else "")
            before = now

    def _say(self, word: str, streams: int, before: Totals, more: str = "") -> Totals:
        """One line. Returns the counts that it tells."""
        now = self._now()
        words = [] if self.heading is None else [self.heading()]
        words += [now.line(before, self.budget), f"{len(self._done):,} of {streams:,} streams done"]
        if (wait := now.held_back_by(before)) is not None:
            words.append(f"held back by {wait.value}")
        logger.info("%s: %s%s", word, ", ".join(words), more)
        return now

    def _now(self) -> Totals:
        at, cpu = time.monotonic(), time.process_time()
        with self._lock:
            sums = self._sums
            return Totals(at, cpu, sums.rows, sums.requests, sums.limited, dict(self._waits))

    def _tally(self, stream: str) -> Tally:
        return self._tallies.setdefault(stream, Tally())


class OfMany(Progress):
    """The counts of streams that are read of many accounts: none of these knows how much is left of all."""

    def follow(self, stream: str, part_read: PartRead) -> None:
        """Report a stream from now on."""
        super().follow(stream, lambda: None)


def moving(tallies: Mapping[str, Tally]) -> str:
    """The streams with rows that no report has told of, in a few words; from now on they are told."""
    new = {stream: tally.rows - tally.told for stream, tally in tallies.items() if tally.rows > tally.told}
    named = sorted(new, key=lambda stream: (-new[stream], stream))
    told = [tallies[stream].line(stream) for stream in named]
    more = [f"{_streams(len(named) - _NAMED)} more"] if len(named) > _NAMED else []
    return ", ".join([*told[:_NAMED], *more])


def rows_by_stream(tallies: Mapping[str, Tally]) -> str:
    """The rows of each stream that has any, the most first, and how many have none."""
    some = sorted((stream for stream in tallies if tallies[stream].rows), key=lambda name: (-tallies[name].rows, name))
    told: Iterable[str] = (f"{stream} {tallies[stream].rows:,}" for stream in some)
    none = len(tallies) - len(some)
    return "; ".join([*filter(None, [", ".join(told)]), *([f"none: {_streams(none)}"] if none else [])])


def _streams(number: int) -> str:
    return f"{number:,} stream{'' if number == 1 else 's'}"
