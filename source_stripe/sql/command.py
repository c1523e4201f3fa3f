"""The command `source-stripe sql`: a question from the command line, a file, standard input or a prompt."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.catalog.config import ConfigError
from source_stripe.process.inputs import read_config
from source_stripe.sql.answers import Answer
from source_stripe.sql.dialect import statements_in
from source_stripe.sql.errors import QueryError
from source_stripe.sql.extra import without_pandas
from source_stripe.sql.logs import plain_logs
from source_stripe.sql.metering import Meter
from source_stripe.sql.output import FORMATS, opened
from source_stripe.sql.session import Session
from source_stripe.sql.terminal import Progress, confirm, line_width, plain, say

INTERRUPTED = 130
"""The exit code of what Ctrl-C ends."""


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    without_pandas()
    said = _parser().parse_args(words)
    try:
        with plain_logs():
            return _run(said)
    except (QueryError, ConfigError, AirbyteTracedException) as error:
        return _failed(plain(error))
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads the answer: what Python still holds of it must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _failed(f"{error.filename or 'The answer'} can't be written or read: {error.strerror}.")


def _run(said: argparse.Namespace) -> int:
    asked = _asked(said)
    progress = Progress()
    session = Session(read_config(said.config), Meter(confirm=confirm, came=progress.show))
    progress.session = session
    if asked is None:
        from source_stripe.sql.prompt import prompt  # noqa: PLC0415 - only where there is a terminal

        return prompt(session, progress)
    statements = statements_in(asked)
    if not statements:
        raise QueryError("There is no question.")
    if said.output is not None and len(statements) > 1:
        raise QueryError("--output takes the answer to one question.")
    for statement in statements:
        _answer(session, progress, statement, said)
    return 0


def _answer(session: Session, progress: Progress, statement: str, said: argparse.Namespace) -> None:
    kind = said.format or (Path(said.output).suffix.removeprefix(".") if said.output else "")
    write = FORMATS.get(kind, FORMATS["table"])

    def answer() -> Answer:
        return replace(session.answer(statement, agreed=said.yes), came=progress.clear)

    if said.output is not None:
        with opened(said.output) as file:
            rows = write(answer(), file, None)
    elif kind == "parquet" and sys.stdout.isatty():
        raise QueryError("Parquet is no text: say --output, or send it somewhere else than to a terminal.")
    else:
        sys.stdout.flush()
        rows = write(answer(), sys.stdout.buffer, line_width())
        sys.stdout.buffer.flush()
    progress.end(rows)


def _asked(said: argparse.Namespace) -> str | None:
    """The text of the question; None where it is asked at a prompt. Raises QueryError."""
    if said.question is not None and said.file is not None:
        raise QueryError("Ask by -f or by an argument, not both.")
    if said.question is not None:
        return str(said.question)
    if said.file is not None:
        return Path(said.file).read_text("utf-8-sig")
    return None if sys.stdin is not None and sys.stdin.isatty() else sys.stdin.read()


def _failed(told: str) -> int:
    say(told)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="source-stripe sql",
        description="Ask Stripe in SQL. Every stream is a table. Nothing is ever written to Stripe.",
        epilog='Example: source-stripe sql --config config.json "SELECT id, amount FROM charges LIMIT 10"',
    )
    parser.add_argument(
        "question", nargs="?", help="a SELECT, DESCRIBE, SHOW or EXPLAIN; without one: a prompt, or stdin"
    )
    parser.add_argument("--config", required=True, help="the connector's config, a JSON file")
    parser.add_argument("-f", "--file", help="a file with questions")
    parser.add_argument("--format", choices=[*FORMATS], help="how the answer is written (table)")
    parser.add_argument("--output", help="the file that the answer is written to")
    parser.add_argument("--yes", action="store_true", help="answer even if that takes more than 200 requests")
    return parser
