"""Prose for generated pages: wrapped, quoted, with placeholders set apart."""

from __future__ import annotations

import re
import textwrap


def marked(text: str) -> str:
    """The text with its placeholders, `<...>`, set apart."""
    return re.sub(r"<[^>]*>", lambda found: f"`{found[0]}`", text)


def quoted(text: str) -> str:
    """The text as a quotation."""
    return "\n".join(f"> {line}" for line in wrapped(text, 118))


def filled(text: str) -> str:
    """The text in lines that fit the page."""
    return "\n".join(wrapped(text, 120))


def wrapped(text: str, width: int) -> list[str]:
    """Lines of so many letters at most; a longer word stands by itself."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
