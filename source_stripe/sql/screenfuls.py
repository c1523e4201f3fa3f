"""Screenfuls: a long answer at the prompt stops where the screen is full, until the user wants more of it.

What is not shown is not asked for either, but for the page or so that was read ahead.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Literal, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

Wish = Literal["more", "all", "enough"]
_KEYS: dict[str, Wish] = {
    "enter": "more",
    "space": "more",
    "a": "all",
    "q": "enough",
    "escape": "enough",
    "c-c": "enough",
    "c-d": "enough",
}
_TOLD = "-- Enter: more   a: all of it   q: enough -- "
_HEAD = 2
"""Lines above the rows: their names, and a line under these. See docs/design/sql.md, "Output"."""


class EnoughError(Exception):
    """The user has seen enough of an answer."""


class Screenfuls:
    """Writes lines, each by itself, and asks before each screenful but the first. Raises EnoughError."""

    def __init__(self, file: TextIO, ask: Callable[[], Wish] | None = None, height: int | None = None) -> None:
        self._file, self._ask = file, ask or asked
        self._height = height or shutil.get_terminal_size().lines
        self._pauses = file.isatty()
        self._on_screen = self._lines = 0

    @property
    def rows(self) -> int:
        """How many rows of a table were written."""
        return max(self._lines - _HEAD, 0)

    def write(self, text: str) -> int:
        if self._pauses and self._on_screen >= self._height - 1:
            self._file.flush()
            self._on_screen = 0
            wish = self._ask()
            self._pauses = wish != "all"
            if wish == "enough":
                raise EnoughError
        self._on_screen += 1
        self._lines += 1
        return self._file.write(text)


def asked() -> Wish:
    """Ask on the terminal, by one key."""
    keys = KeyBindings()

    def bind(key: str, meant: Wish) -> None:
        @keys.add(key, eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.exit(result=meant)

    for key, meant in _KEYS.items():
        bind(key, meant)
    session: PromptSession[Wish] = PromptSession(key_bindings=keys, erase_when_done=True)
    return session.prompt(_TOLD)
