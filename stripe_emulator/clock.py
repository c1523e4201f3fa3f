"""Stripe's own clock, as the emulator keeps it."""

import time
from datetime import datetime, timezone
from email.utils import formatdate

DEFAULT_START = 1793534400  # 2026-11-01 12:00 UTC: days after the pinned API version came out


class Clock:
    """Unix time in whole seconds: frozen where it was set, or ticking on from there."""

    def __init__(self, start: int | None = None, *, ticking: bool = False) -> None:
        self._ticking = ticking
        self.set(start if start is not None else int(time.time()) if ticking else DEFAULT_START)

    def now(self) -> int:
        """Unix time, seconds."""
        return self._set_to + (int(time.monotonic() - self._set_at) if self._ticking else 0)

    def set(self, unix: int) -> None:
        """Set the clock to a Unix time; a ticking clock goes on from there."""
        self._set_to = unix
        self._set_at = time.monotonic()

    def advance(self, seconds: int) -> None:
        """Move the clock forward (or back) by so many seconds."""
        self._set_to += seconds

    def http_date(self) -> str:
        """Now as the `Date` header has it."""
        return formatdate(self.now(), usegmt=True)


def rfc3339(unix: int) -> str:
    """A Unix time as the v2 API writes it: 2026-11-01T12:00:00.000Z."""
    return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def unix_time(text: str) -> int:
    """The Unix time of an RFC 3339 text, fractions cut. ValueError if it is none."""
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return int(moment.timestamp() // 1)
