"""`make demo`: sync a Stripe account into demo.duckdb with PyAirbyte, sync again after some changes, ask it questions.

With STRIPE_SECRET_KEY set it reads that account; without, a local Stripe that it starts by itself. Streams may be named
on the command line; all of them are read otherwise. Runs in PyAirbyte's own environment (tools/demo-requirements.txt)
and starts the connector and the local Stripe from the project's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import requests

ROOT = Path(__file__).resolve().parent.parent
DATABASE = ROOT / "demo.duckdb"
QUESTIONS = ROOT / "tools/demo.sql"
CONNECTOR = ROOT / ".venv/bin/source-stripe"
EMULATOR = (ROOT / ".venv/bin/python", "-m", "stripe_emulator", "--port", "0", "--account", "demo")
EMULATOR_KEY = "sk_test_emulator_51PqZ"

_REDRAW_SECONDS = 0.1
_REPEAT_SECONDS = 2.0
_WIDEST_CELL = 30
_MOST_COLUMNS = 8
_TELLING_COLUMNS = ("id", "created", "amount", "currency", "status", "description", "customer")
"""Those to show of a row that has too many."""

_TABLE = re.compile(r"(?:FROM|JOIN) (\w+)")

Row = Mapping[str, Any]


class DemoError(Exception):
    """The demo can't go on. The text says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The account to sync: the connector's config, and what lets a few things happen in it, where that is possible."""

    config: dict[str, object]
    live_on: Callable[[], None] | None


@contextmanager
def chosen_account() -> Iterator[Account]:
    """The account of STRIPE_SECRET_KEY, or one in a local Stripe that runs as long as the context."""
    if key := os.environ.get("STRIPE_SECRET_KEY"):
        print("Reading the Stripe account of STRIPE_SECRET_KEY.")
        yield Account({"client_secret": key}, None)
        return
    print("STRIPE_SECRET_KEY is not set: starting a local Stripe with a made-up company's account in it.")
    with subprocess.Popen(EMULATOR, cwd=ROOT, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            url = (emulator.stdout.readline() if emulator.stdout else "").strip()
            if not url:
                raise DemoError("The local Stripe did not start; what went wrong stands above.")
            print(f"It listens on {url}. Starting PyAirbyte takes a few seconds.")
            config = {"client_secret": EMULATOR_KEY, "api_url": url, "call_rate_limit": 500}
            yield Account(config, lambda: requests.post(f"{url}/_emulator/live_on", timeout=60).raise_for_status())
        finally:
            emulator.terminate()


@dataclass
class StreamProgress:
    """What came of one stream so far; times are those of `time.monotonic`."""

    name: str
    started: float
    rows: int = 0
    ended: float | None = None
    complete: bool = False
    told: float = 0.0

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.started

    def __str__(self) -> str:
        mark = "  " if not self.ended else "✓ " if self.complete else "✗ "
        state = "so far" if not self.ended else "" if self.complete else "then failed"
        return f"{mark}{self.name:<26} {self.rows:>9,} rows {state:<12} {self.seconds:6.1f} s"


@dataclass
class Progress:
    """Listens to what the connector says, one line a message, and shows a line for each stream.

    On a terminal, the lines of streams under way stay at the bottom and count; elsewhere they come again now and then.
    `errors` are the connector's own words.
    """

    streams: dict[str, StreamProgress] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    screen: TextIO = field(default_factory=lambda: sys.stdout)
    _drawn: int = 0
    _drawn_at: float = 0.0

    def hear(self, line: str) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        kind = message.get("type")
        if kind == "RECORD":
            self._stream(message["record"]["stream"]).rows += 1
        elif kind == "TRACE":
            self._hear_trace(message["trace"])
        elif kind == "CONNECTION_STATUS" and message["connectionStatus"]["status"] == "FAILED":
            self.errors.append(message["connectionStatus"].get("message") or "The check failed without a reason.")
        self._redraw()

    def end(self) -> None:
        """The connector has said everything."""
        self._erase()
        if self.streams:
            print(f"Loading the rows into {DATABASE.name}...", file=self.screen, flush=True)

    def _hear_trace(self, trace: Row) -> None:
        if trace["type"] == "ERROR":
            stream = (trace["error"].get("stream_descriptor") or {}).get("name")
            self.errors.append(f"{stream}: {trace['error']['message']}" if stream else trace["error"]["message"])
        elif trace["type"] == "STREAM_STATUS":
            status = trace["stream_status"]["status"]
            stream = self._stream(trace["stream_status"]["stream_descriptor"]["name"])
            if status in ("COMPLETE", "INCOMPLETE"):
                stream.ended, stream.complete = time.monotonic(), status == "COMPLETE"
                self._erase()
                print(stream, file=self.screen, flush=True)

    def _stream(self, name: str) -> StreamProgress:
        if name not in self.streams:
            self.streams[name] = StreamProgress(name, time.monotonic())
        return self.streams[name]

    def _redraw(self) -> None:
        now = time.monotonic()
        if now - self._drawn_at < _REDRAW_SECONDS:
            return
        self._drawn_at = now
        self._erase()
        for stream in self.streams.values():
            if stream.ended:
                continue
            if self.screen.isatty():
                print(stream, file=self.screen)
                self._drawn += 1
            elif now - max(stream.told, stream.started) >= _REPEAT_SECONDS:
                stream.told = now
                print(stream, file=self.screen)
        self.screen.flush()

    def _erase(self) -> None:
        if self._drawn:
            print(f"\x1b[{self._drawn}F\x1b[J", end="", file=self.screen)
            self._drawn = 0


@dataclass(frozen=True)
class Pipeline:
    """PyAirbyte's source and cache: from the connector into DuckDB."""

    source: Any
    cache: Any

    def select(self, wanted: Sequence[str]) -> None:
        """Check the connection and select the streams `wanted`, all there are if none is named."""
        self._run(self.source.check)
        self._run(self.source.select_all_streams)
        if unknown := set(wanted) - set(self.streams):
            raise DemoError(f"No such stream: {', '.join(sorted(unknown))}. There are: {', '.join(self.streams)}.")
        if wanted:
            self.source.select_streams(list(wanted))

    @property
    def streams(self) -> list[str]:
        return list(self.source.get_selected_streams())

    def sync(self) -> dict[str, StreamProgress]:
        """Read what the cache doesn't hold yet; raises DemoError with the connector's words if a stream fails."""
        return self._run(lambda: self.source.read(cache=self.cache)).streams

    def rows(self, stream: str) -> int:
        return len(self.cache[stream])

    def reads_changes_only(self, stream: str) -> bool:
        modes = {it.name: it.supported_sync_modes for it in self.source.discovered_catalog.streams}[stream]
        return any(mode.value == "incremental" for mode in modes)

    def query(self, sql: str) -> list[Row]:
        return list(self.cache.run_sql_query(sql))

    def _run(self, command: Callable[[], object]) -> Progress:
        """Run one command of the connector with PyAirbyte's own chatter held back."""
        progress = Progress()
        execute = self.source.executor.execute

        def overheard(arguments: list[str], **options: Any) -> Iterator[str]:
            for line in execute(arguments, **options):
                progress.hear(line)
                yield line
            progress.end()

        self.source.executor.execute = overheard
        try:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                command()
        except Exception as error:
            raise DemoError("\n".join(progress.errors) or str(error)) from error
        finally:
            self.source.executor.execute = execute
        return progress


@contextmanager
def pipeline(config: dict[str, object]) -> Iterator[Pipeline]:
    """A pipeline into a new demo.duckdb."""
    for left_over in ROOT.glob("demo.duckdb*"):
        left_over.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        # Read by PyAirbyte when it is imported: no registry, no telemetry, no live view, logs that go away.
        os.environ.update(
            AIRBYTE_OFFLINE_MODE="1", DO_NOT_TRACK="1", NO_LIVE_PROGRESS="1", AIRBYTE_LOGGING_ROOT=scratch
        )
        warnings.simplefilter("ignore")
        with redirect_stderr(StringIO()):
            import airbyte  # noqa: PLC0415 (takes seconds, and its environment has to be set before)

            source = airbyte.get_source("source-stripe", config=config, local_executable=CONNECTOR)
        cache = airbyte.DuckDBCache(db_path=DATABASE, cache_dir=Path(scratch) / "cache")
        try:
            yield Pipeline(source, cache)
        finally:
            cache.close()


def sync(line: Pipeline, known: Mapping[str, int]) -> dict[str, int]:
    """Sync and print what came. `known` are the rows that each table had before; returns those it has now."""
    began = time.monotonic()
    progress = line.sync()
    seconds = time.monotonic() - began
    rows = {stream: line.rows(stream) for stream in line.streams}
    report = []
    for stream in line.streams:
        heard = progress.get(stream) or StreamProgress(stream, 0.0, ended=0.0)
        only_changes = bool(known) and line.reads_changes_only(stream)
        report.append(
            {
                "stream": stream,
                "read": "what is new" if only_changes else "everything",
                "rows": heard.rows,
                "seconds": heard.seconds,
                "rows in table": rows[stream],
                **({"new rows": rows[stream] - known.get(stream, 0)} if known else {}),
            }
        )
    print()
    print_table(report)
    total = sum(it.rows for it in progress.values())
    print(f"{total:,} rows of {len(report)} streams in {seconds:.1f} s, PyAirbyte's work and DuckDB's included.\n")
    return rows


def print_table(rows: Sequence[Row]) -> None:
    """Print rows as a table. Long cells are cut, and of many columns only the telling ones are shown."""
    if not rows:
        print("  (no rows)")
        return
    shown = list(rows[0])
    if len(shown) > _MOST_COLUMNS:
        shown = [column for column in _TELLING_COLUMNS if column in rows[0]]
    cells = [[_cell(row[column]) for column in shown] for row in rows]
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(shown)]
    numeric = [all(isinstance(row[column], (int, float, type(None))) for row in rows) for column in shown]

    def printed(line: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        return ("  " + "  ".join(parts)).rstrip()

    print(printed(shown))
    print(printed(["-" * width for width in widths]))
    for line in cells:
        print(printed(line))
    if len(shown) < len(rows[0]):
        print(f"  ... and {len(rows[0]) - len(shown)} more columns")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}"
    text = str(value)
    return text if len(text) <= _WIDEST_CELL else text[: _WIDEST_CELL - 1] + "…"


def questions() -> Iterator[tuple[str, str]]:
    """What tools/demo.sql asks: each question's text and its query."""
    for text in QUESTIONS.read_text(encoding="utf-8").split("\n\n")[1:]:
        title, _, sql = text.strip().partition("\n")
        yield title.removeprefix("-- "), sql


def ask(line: Pipeline) -> None:
    """Ask the questions whose tables were synced."""
    print(
        f"Now ask. Money is in cents and time in Unix seconds; the queries are those of {QUESTIONS.relative_to(ROOT)}."
    )
    for title, sql in questions():
        if set(_TABLE.findall(sql)) <= set(line.streams):
            print(f"\n{title}\n\n{sql}\n")
            print_table(line.query(sql))


def run(streams: Sequence[str]) -> None:
    if not CONNECTOR.exists():
        raise DemoError(f"{CONNECTOR} is not there. `make demo` makes it first; `make venv` makes it alone.")
    with chosen_account() as account, pipeline(account.config) as line:
        line.select(streams)
        print("\nFirst sync: everything there is.")
        rows = sync(line, {})
        if account.live_on:
            account.live_on()
            print("Business went on: new customers and charges, a refund, a payout, a closed dispute...")
        print("Second sync: of incremental streams only what is new.")
        sync(line, rows)
        ask(line)
    print(f"\nThe tables are yours to query: {DATABASE}")


def main() -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        # Piped output, too, is shown as it comes.
        sys.stdout.reconfigure(line_buffering=True)
    try:
        run(sys.argv[1:])
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
