"""Syncs that are watched from outside, as a platform does, and the faults that may befall them there."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from integration_tests.setup import Setup
from integration_tests.syncing import no_main_script, processes, words
from stripe_emulator import StripeEmulator

HANGS = 90.0
"""Seconds after which a process hangs: the ten that it has, on a machine that does much else."""
PIPE = 4_096
"""Bytes that wait in the pipe, so that a slow reader is felt at once."""


@dataclass
class Process:
    """A sync, and the pipe that it writes into."""

    folder: Path
    reading: int
    _process: ForkServerProcess

    def close(self) -> None:
        """Read no more."""
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1

    def signal(self, number: int) -> None:
        pid = self._process.pid
        assert pid, "it was not started"
        os.kill(pid, number)

    def end(self) -> int:
        """Its exit code. AssertionError where it does not end."""
        self._process.join(HANGS)
        assert self._process.exitcode is not None, "it was still running"
        return self._process.exitcode

    def read(self, size: int = 1 << 16) -> bytes:
        return os.read(self.reading, size)

    def rest(self) -> bytes:
        return b"".join(iter(self.read, b""))

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()


@contextmanager
def sync_process(
    folder: Path, emulator: StripeEmulator, fault: str = "", streams: Iterable[str] = ("charges", "customers")
) -> Iterator[Process]:
    """A sync that runs, its files in `folder`, with one of FAULTS."""
    receiver, sender = processes.Pipe(duplex=False)
    line = words(folder, emulator, streams)
    forked = processes.Process(target=_run, args=(line, sender, str(folder), fault))
    with receiver, sender:
        fcntl.fcntl(sender.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
        with no_main_script():
            forked.start()
        watched = Process(folder, os.dup(receiver.fileno()), forked)
    try:
        yield watched
    finally:
        forked.kill()
        forked.join()
        watched.close()


def _run(line: list[str], stdout: Any, folder: str, fault: str) -> None:
    from integration_tests import connector_process  # noqa: PLC0415 - it changes the connector: not in this process

    os.chdir(folder)
    # A shell's background job ignores it, and so would we.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    descriptor = stdout.fileno()
    if fault:
        descriptor = FAULTS[fault](descriptor)
    connector_process.run(line, Setup(), descriptor, "stderr")


Fault = Callable[[int], int]
"""Comes before the sync begins. It may write to another descriptor than the one that it was given."""


def _fails(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("made to fail")


def _patched(target: str, with_what: Any = _fails) -> Fault:
    def apply(descriptor: int) -> int:
        patch(target, with_what).start()
        return descriptor

    return apply


def _of_charges(target: str) -> Fault:
    """A method of a stream's part fails for charges."""

    def apply(descriptor: int) -> int:
        module, name, method = target.rsplit(".", 2)
        plain = getattr(getattr(__import__(module, fromlist=[name]), name), method)

        def fails(self: Any, *args: Any) -> Any:
            if getattr(self, "name", getattr(self, "stream", "")) == "charges":
                _fails()
            return plain(self, *args)

        patch(target, fails).start()
        return descriptor

    return apply


def _file(limit: int | None) -> Fault:
    """Stdout is a file on a disk that is full at once, or after so many bytes."""

    def apply(_: int) -> int:
        if limit is None:
            return os.open("/dev/full", os.O_WRONLY)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return os.open("stdout", os.O_CREAT | os.O_WRONLY)

    return apply


def _not_blocking(descriptor: int) -> int:
    os.set_blocking(descriptor, False)
    return descriptor


def _progress_dies(descriptor: int) -> int:
    patch("source_stripe.process.progress._EVERY", 0.001).start()
    return _patched("source_stripe.process.progress.Tally.line")(descriptor)


def _closed(descriptor: int) -> int:
    patch("sys.stdout", None).start()
    return descriptor


FAULTS: Mapping[str, Fault] = {
    "generator": _of_charges("source_stripe.reading.cursor.ReadingCursor._slices"),
    "reader": _of_charges("source_stripe.reading.piece_records.PieceRecords.all"),
    "serializing": _patched("source_stripe.reading.batches.Batches._batch"),
    "checkpoint": _patched("source_stripe.reading.readings.RangesDone.add"),
    "main": _patched("airbyte_cdk.sources.concurrent_source.concurrent_read_processor.stream_data_to_airbyte_message"),
    "progress": _progress_dies,
    "incomplete": _patched("source_stripe.entrypoint._completed", lambda _: None),
    "full": _file(None),
    "filling up": _file(500_000),
    "not blocking": _not_blocking,
    "closed": _closed,
}
