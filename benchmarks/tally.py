"""Counting the rows in what a process writes, as it writes it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

_RECORDS = (b'\n{"type":"RECORD"', b'\n{"type": "RECORD"')
_LAST_WORDS = 5
# Ids of the emulator's bulk account: the row's number, times this step modulo 2**64, in hex.
_TOKEN, _DIGITS = b"3Bulk000", 16
_SPACE = 1 << 64
_ROW_OF = pow(0x9E37_79B9_7F4A_7C15, -1, _SPACE)


@dataclass
class Seen:
    """Which rows of a stream came: their ids begin with `prefix`, their numbers are below `rows`."""

    stream: str
    prefix: str
    rows: int
    distinct: int = 0
    again: int = 0

    def __post_init__(self) -> None:
        self._record = b'"record":{"stream":"%b"' % self.stream.encode()
        self._id = b'"id":"%b_%b' % (self.prefix.encode(), _TOKEN)
        self._came = bytearray(self.rows)

    def read(self, lines: bytes) -> None:
        """Note the ids in these lines. What is expanded in a record has ids of other prefixes."""
        record = lines.find(self._record)
        while record >= 0 and (start := lines.find(self._id, record)) >= 0:
            end = start + len(self._id) + _DIGITS
            self._note(int(lines[end - _DIGITS : end], 16) * _ROW_OF % _SPACE)
            record = lines.find(self._record, end)

    def _note(self, number: int) -> None:
        if number < self.rows and not self._came[number]:
            self._came[number] = 1
            self.distinct += 1
        else:
            self.again += 1


@dataclass
class Tally:
    """What came so far. `seen` are the streams of which each row is looked at, and not only counted."""

    seen: Iterable[Seen] = ()
    records: int = 0
    first_at: float | None = None
    """When the first record came, on the monotonic clock."""
    last_words: deque[bytes] = field(default_factory=lambda: deque(maxlen=_LAST_WORDS))
    """The last lines that are no records: what went wrong, if something did."""
    _rest: bytes = b""

    def read(self, piece: bytes) -> None:
        """Take in the next piece of the output, wherever it is cut."""
        whole, newline, rest = piece.rpartition(b"\n")
        if not newline:
            self._rest += piece
            return
        lines, self._rest = b"\n" + self._rest + whole, rest
        records = sum(map(lines.count, _RECORDS))
        if records and self.first_at is None:
            self.first_at = time.monotonic()
        self.records += records
        for seen in self.seen:
            seen.read(lines)
        if lines.count(b"\n") > records:
            self.last_words.extend(line for line in lines.split(b"\n") if line and b'"RECORD"' not in line[:20])
