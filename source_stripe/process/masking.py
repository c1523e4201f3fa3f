"""The mask: no key of Stripe's is in any text that is printed, wherever somebody pasted it. Pure.

The text files that replace stdout and stderr mask what is written to them. Rows and states are bytes and not masked.
"""

from __future__ import annotations

import io
import re
from typing import TextIO

_KEYS = re.compile(r"((?:sk|rk|rkcs|pk|ek)_(?:live|test)_|sk_org_(?:live_|test_)?|whsec_)[\w*]+", re.IGNORECASE)
"""Keys that are masked in part, as Stripe's messages show them, as well."""


def masked(text: str) -> str:
    """The text, with three dots for what follows the prefix of a key."""
    return _KEYS.sub(r"\1...", text)


class MaskedText(io.TextIOBase):
    """A text file that masks what is written. It does not see a key that comes in two writes."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(masked(text))
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def writable(self) -> bool:
        return True
