"""Syncs that are cheap to start and can be killed: each a process, forked from one that has the connector loaded."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.connection import Connection
from multiprocessing.util import get_temp_dir
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from integration_tests.connector import Json, catalog
from integration_tests.setup import Setup
from stripe_emulator import Request, StripeEmulator
from unit_tests.output import Output

_LONGEST = 120.0
"""Seconds after which a sync hangs."""

_LONGEST_SOCKET = 103
"""Bytes that the path of a socket may have: so many on macOS, 107 on Linux."""

_RECORD = '{"type":"RECORD"'

processes = multiprocessing.get_context("forkserver")
"""Where processes are forked that have the connector loaded."""
_places_of_sockets: set[str] = set()
"""Folders outside of the checkout that this process has made."""
# This module too: each process looks for `_run` here.
processes.set_forkserver_preload([__name__, f"{__package__}.connector_process"])


@dataclass(frozen=True)
class Kill:
    """When to end a sync with SIGKILL: behind so many of its records, or while its so-manyth request is answered.

    Whichever comes first; not at all if it is done before.
    """

    record: int | None = None
    request: int | None = None


@dataclass(frozen=True)
class Sync:
    """What came out of one process. `code` is its exit code, -9 if it was killed."""

    lines: list[str]
    code: int
    stderr: str = ""
    peak: int = 0
    """Kilobytes of memory at most; 0 if it was killed."""

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @cached_property
    def output(self) -> Output:
        return Output.of_lines(self.lines)


def sync(
    emulator: StripeEmulator,
    streams: Iterable[str],
    state: list[Json] | None = None,
    *,
    mode: str = "incremental",
    kill: Kill | None = None,
    meanwhile: Mapping[int, Callable[[], None]] | None = None,
    setup: Setup | None = None,
    options: Sequence[str] = (),
    **config: object,
) -> Sync:
    """Run `source-stripe read` in a process of its own, against an emulator that is served.

    `meanwhile` is what happens in the account while the so-manyth request is answered. Raises TimeoutError where the
    sync hangs.
    """
    kill = kill or Kill()
    happenings = dict(meanwhile or {})
    with tempfile.TemporaryDirectory() as folder:
        line = [*words(Path(folder), emulator, streams, state, mode=mode, **config), *options]
        process = _Process(line, Path(folder), setup or Setup())
        if kill.request is not None:
            happenings[kill.request] = process.kill
        with each_request(emulator, happenings):
            return process.read(kill.record)


def words(
    folder: Path,
    emulator: StripeEmulator,
    streams: Iterable[str],
    state: list[Json] | None = None,
    *,
    mode: str = "incremental",
    **config: object,
) -> list[str]:
    """The command line of a sync, its files in `folder`."""
    files = {"config": _config(emulator, config), "catalog": catalog(streams, mode), "state": state or []}
    return ["read", *_words(folder, files)]


def command(name: str, emulator: StripeEmulator, *options: str, setup: Setup | None = None, **config: object) -> Sync:
    """Run `check` or `discover` likewise."""
    with tempfile.TemporaryDirectory() as folder:
        line = [name, *_words(Path(folder), {"config": _config(emulator, config)}), *options]
        return _Process(line, Path(folder), setup or Setup()).read(None)


def _config(emulator: StripeEmulator, config: Mapping[str, object]) -> Json:
    return {"client_secret": emulator.key, "api_url": emulator.url, "call_rate_limit": 10_000, **config}


def _words(folder: Path, files: Mapping[str, Any]) -> list[str]:
    words = []
    for name, content in files.items():
        path = folder / name
        path.write_text(json.dumps(content))
        words += [f"--{name}", str(path)]
    return words


@dataclass
class _Process:
    words: list[str]
    folder: Path
    setup: Setup
    _pid: Future[int | None] = field(default_factory=Future, init=False)
    """Of the process, once it has started: its first request can be quicker than that."""

    def read(self, last_record: int | None) -> Sync:
        """Run it to its end, or until so many records came out."""
        receiver, sender = processes.Pipe(duplex=False)
        stderr = self.folder / "stderr"
        process = processes.Process(target=_run, args=(self.words, self.setup, sender, str(stderr)))
        with no_main_script():
            process.start()
        sender.close()
        self._pid.set_result(process.pid)
        hung = threading.Timer(_LONGEST, self.kill)
        hung.start()
        with receiver, open(os.dup(receiver.fileno()), encoding="utf-8") as output:  # noqa: PTH123 - no path
            lines, records, cut = [], 0, False
            for line in output:
                # What a killed process was about to write is no message.
                if line.endswith("\n"):
                    lines.append(line)
                    records += line.startswith(_RECORD)
                if records == last_record:
                    cut = True
                    self.kill()
                    break
        process.join()
        if not hung.is_alive():
            raise TimeoutError(f"the sync was not done in {_LONGEST:.0f} s; its last line: {lines[-1:]}")
        hung.cancel()
        # It may have been through by itself, with the rest of its output still in the pipe.
        code = -signal.SIGKILL if cut else process.exitcode or 0
        return Sync(lines, code, self._left("stderr"), int(self._left("peak") or 0))

    def _left(self, name: str) -> str:
        """What the process wrote into a file, if it came that far."""
        file = self.folder / name
        return file.read_text() if file.exists() else ""

    def kill(self) -> None:
        if pid := self._pid.result():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def no_main_script() -> Iterator[None]:
    """A process would run the main script anew, which is pytest's: that takes longer than a sync."""
    _choose_place_of_sockets()
    # unittest.mock's patch.dict would take from sys.modules what other threads import meanwhile.
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _choose_place_of_sockets() -> None:
    """The server's socket is one of the temporary files; where their path is too long, it is in /tmp until the end."""
    socket = Path(tempfile.gettempdir(), "pymp-12345678", "listener-12345678")
    if len(os.fsencode(socket)) > _LONGEST_SOCKET:
        with patch.object(tempfile, "tempdir", "/tmp"):  # noqa: S108 - its folder gets a random name
            _places_of_sockets.add(get_temp_dir())


def remove_sockets() -> None:
    """Remove what stands in /tmp. At the end of the tests: their process may be killed before it does so itself."""
    for place in _places_of_sockets:
        shutil.rmtree(place, ignore_errors=True)


def _run(words: list[str], setup: Setup, stdout: Connection, stderr: str) -> None:
    from integration_tests import connector_process  # noqa: PLC0415 - it changes the connector: not in this process

    connector_process.run(words, setup, stdout.fileno(), stderr)


class _Watched(list[Request]):
    """The emulator's requests, and what happens when one is added."""

    def __init__(self, requests: Iterable[Request], happenings: Mapping[int, Callable[[], None]]) -> None:
        super().__init__(requests)
        self._first = len(self)
        self._happenings = happenings

    def append(self, request: Request) -> None:
        super().append(request)
        if happens := self._happenings.get(len(self) - self._first):
            happens()


@contextmanager
def each_request(emulator: StripeEmulator, happenings: Mapping[int, Callable[[], None]]) -> Iterator[None]:
    """Let things happen while the so-manyth requests from now on are answered."""
    plain = emulator.requests
    emulator.requests = _Watched(plain, happenings)
    try:
        yield
    finally:
        emulator.requests = plain + emulator.requests[len(plain) :]
