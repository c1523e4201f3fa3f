"""The prompt: questions one after the other, with a history, and completion of tables and columns."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from source_stripe.sql.completion import candidates
from source_stripe.sql.dialect import is_finished, statements_in
from source_stripe.sql.errors import QueryError
from source_stripe.sql.screenfuls import EnoughError, Screenfuls
from source_stripe.sql.session import Session
from source_stripe.sql.tables import Tables
from source_stripe.sql.terminal import Progress, line_width, plain, say
from source_stripe.sql.text_table import write_table

_LEAVE = ("exit", "quit", r"\q", ".exit", ".quit")
_HELP = ("help", r"\?", ".help", "?")
_TOLD = """\
Every stream of Stripe is a table. End a question with a semicolon.
  SHOW TABLES;                what there is
  DESCRIBE charges;           the columns of a table
  EXPLAIN SELECT ...;         what would be asked of Stripe
  SELECT id, amount FROM charges ORDER BY created DESC LIMIT 10;
Tab completes, the arrows bring back earlier questions, Ctrl-C stops one, Ctrl-D or exit leaves."""


def prompt(session: Session, progress: Progress) -> int:
    """Ask until the user leaves. Returns the exit code."""
    print("Ask Stripe in SQL. help says how, exit leaves.", file=sys.stderr)
    reader: PromptSession[str] = PromptSession(
        "stripe> ",
        multiline=True,
        prompt_continuation=lambda width, _line, _wraps: "> ".rjust(width),
        completer=_Completer(session.tables),
        complete_while_typing=False,
        history=_history(),
        key_bindings=_keys(),
        bottom_toolbar="End a question with ;   Tab completes   help   Ctrl-D leaves",
    )
    while True:
        try:
            text = reader.prompt().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        word = text.rstrip("; ").lower()
        if word in _LEAVE:
            return 0
        if word in _HELP:
            print(_TOLD, file=sys.stderr)
            continue
        _answer(session, progress, text)


def _answer(session: Session, progress: Progress, text: str) -> None:
    try:
        for statement in statements_in(text):
            _show(session, progress, statement)
    except KeyboardInterrupt:
        say("Interrupted.")
    except (QueryError, AirbyteTracedException) as error:
        say(plain(error))


def _show(session: Session, progress: Progress, statement: str) -> None:
    """Write an answer, as much of it as the user wants to see."""
    text = TextIOWrapper(sys.stdout.buffer, "utf-8", newline="\n", write_through=True)
    screenfuls = Screenfuls(text)
    try:
        answer = replace(session.answer(statement), came=progress.clear)
        rows = write_table(answer, screenfuls, line_width())
    except EnoughError:
        progress.end(screenfuls.rows, there_are_more=True)
    else:
        progress.end(rows)
    finally:
        text.detach()


def _keys() -> KeyBindings:
    """Enter ends a question that has its semicolon, and begins a new line of any other."""
    keys = KeyBindings()

    @Condition
    def is_done() -> bool:
        text = get_app().current_buffer.text.strip()
        return text.lower() in (*_LEAVE, *_HELP, "") or is_finished(text)

    @keys.add("enter", filter=is_done)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys


def _history() -> History:
    """Of all sessions, in a file that only the user may read: questions may name customers."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "source-stripe"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "sql-history"
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class _Completer(Completer):
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        word = document.get_word_before_cursor(pattern=None, WORD=True)
        for text, told in candidates(before, self._tables, document.text_after_cursor):
            length = _common(word, text)
            yield Completion(text, start_position=-length, display_meta=told[:80])


def _common(word: str, text: str) -> int:
    """How many letters before the cursor a completion takes the place of."""
    for length in range(min(len(word), len(text)), 0, -1):
        if text.lower().startswith(word[-length:].lower()):
            return length
    return 0
