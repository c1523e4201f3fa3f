"""The mask: keys of Stripe's are in nothing that is printed, wherever somebody pasted them. Pure.

It lies at the rim, in the text files that stand for stdout and stderr. Rows and states pass beside it.
"""

from __future__ import annotations

import io
import re
from typing import TextIO

_KEYS = re.compile(r"((?:sk|rk|rkcs|pk|ek)_(?:live|test)_|sk_org_(?:live_|test_)?|whsec_)[\w*]+", re.IGNORECASE)
"""Half masked ones too, as Stripe shows them."""


def masked(text: str) -> str:
    """The text, with three dots for what follows the prefix of a key."""
    return _KEYS.sub(r"\1...", text)


class MaskedText(io.TextIOBase):
    """A text file whose text passes the mask. A key must not come in two writes."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        self._file.write(masked(text))
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def writable(self) -> bool:
        return True
