"""The end of the process: within seconds, not in the middle of a line if possible, and with a message on stderr."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from source_stripe.process.output import Output

_PATIENCE = 5.0
"""Seconds for the rest of a line that is being written: a reader that has not taken it by then never will. See
docs/design/threads.md, "The end of the process"."""
_told = threading.Lock()
"""Held once a message was written: two threads may find a reason to end the process."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end(output: Output, code: int, message: str | None = None) -> NoReturn:
    """End the process, whatever its threads are doing. The message goes to stderr. Call it from any thread."""
    late = threading.Timer(_PATIENCE, os._exit, (code,))
    late.daemon = True
    late.start()
    # stderr may be the same pipe, which nobody reads any more.
    if message is not None and sys.stderr is not None and _told.acquire(blocking=False):
        with suppress(OSError, ValueError):
            print(message, file=sys.stderr, flush=True)
    output.end()
    os._exit(code)


def watch(output: Output) -> None:
    """End the process as soon as a signal asks for it, or nobody reads its output any more. Call it in the main thread.

    A thread of its own waits for both: a signal handler would interrupt the main thread, perhaps within a line.
    """
    signals, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for each in _SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, lambda *_: None)
    threading.Thread(target=_wait, args=(output, signals), daemon=True, name="ending").start()


def _wait(output: Output, signals: int) -> NoReturn:
    happenings = select.poll()
    happenings.register(signals, select.POLLIN)
    # With no events asked for, poll still reports POLLERR and POLLHUP.
    happenings.register(output.fileno(), 0)
    ready = [descriptor for descriptor, _ in happenings.poll()]
    if signals in ready:
        number = os.read(signals, 1)[0]
        end(output, 128 + number, f"source-stripe was told to end ({signal.Signals(number).name}).")
    end(output, 1, "source-stripe ends: nobody reads its messages any more.")
