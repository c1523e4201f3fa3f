"""Guessing: which of some names was meant by one that there is not. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like it; None if none is."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to end a message with, with a space in front; empty if no known name is alike."""
    alike = closest(name, known)
    return f" Did you mean {alike}?" if alike else ""
