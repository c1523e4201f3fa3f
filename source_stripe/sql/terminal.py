"""The terminal: how wide it is, what is asked there, and what is said while a question is answered."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field

from source_stripe.sql.errors import NotConfirmedError
from source_stripe.sql.session import Session

_EVERY = 0.2
"""Seconds between two lines of progress on a terminal. See docs/design/sql.md, "Output"."""


def line_width() -> int | None:
    """The letters of a line; None where no terminal limits them."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def confirm(told: str) -> bool:
    """Ask on the terminal, where there is one. Raises NotConfirmedError where the user says no."""
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    clear_line()
    print(f"{told}\nGo on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmedError("Nothing more is read.")
    return True


@dataclass
class Progress:
    """What is said on stderr while a question is answered, where that is a terminal."""

    session: Session | None = None
    _shown: float = field(default=0.0)
    _stands: bool = field(default=False)

    def show(self) -> None:
        """A request was answered."""
        now = time.monotonic()
        if self.session is not None and sys.stderr.isatty() and now - self._shown >= _EVERY:
            self._shown, self._stands = now, True
            print(
                f"\r{_counted(self.session.meter.requests, 'request')} ...\x1b[K", end="", file=sys.stderr, flush=True
            )

    def clear(self) -> None:
        """Make place for rows."""
        if self._stands:
            self._stands = False
            clear_line()

    def end(self, rows: int, *, there_are_more: bool = False) -> None:
        """All rows were written that were wanted."""
        if self.session is not None and sys.stderr.isatty():
            so_far = " so far" if there_are_more else ""
            say(f"{_counted(rows, 'row')}{so_far}, {_counted(self.session.meter.requests, 'request')} to Stripe.")


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def say(told: str) -> None:
    """Say something on stderr, in place of the line of progress."""
    clear_line()
    print(told, file=sys.stderr, flush=True)


def plain(failure: Exception) -> str:
    """What a failure says to users: the CDK's keep that beside what they say to developers."""
    return str(getattr(failure, "message", None) or failure)


def clear_line() -> None:
    """Take back the line of progress."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
