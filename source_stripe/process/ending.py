"""The end of the process: within seconds, and not in the middle of a line if possible."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import NoReturn

from source_stripe.process.output import Output

_PATIENCE = 5.0
"""Seconds for the rest of a line that is being written: a reader that has not taken it by then never will. See
docs/design/threads.md, "The end of the process"."""
_INIT = 1
"""The process that a container starts. The kernel spares it from signals that it does not handle. See
docs/design/threads.md, "The end of the process"."""
_told = threading.Lock()
"""Held once a message was written: two threads may find a reason to end the process."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end(output: Output, code: int, message: str | None = None) -> NoReturn:
    """End the process, whatever its threads are doing. The message goes to stderr. Call it from any thread."""
    # stderr may be the same pipe, which nobody reads any more.
    _end(output, partial(os._exit, code), message)


def watch(output: Output) -> None:
    """End the process as soon as a signal asks for it, or nobody reads its output any more. Call it in the main thread.

    Threads of their own wait for both: a signal handler would interrupt the main thread, perhaps within a line.
    """
    signals = {each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN}
    for each in signals:
        signal.signal(each, signal.SIG_DFL)
    # All threads to come block them too, so that the one that waits for them gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    if signals:
        threading.Thread(target=_wait_for_signal, args=(output, signals), daemon=True, name="ending").start()
    threading.Thread(target=_wait_for_reader, args=(output,), daemon=True, name="reader").start()


def _end(output: Output, leave: Callable[[], object], message: str | None = None) -> NoReturn:
    late = threading.Timer(_PATIENCE, leave)
    late.daemon = True
    late.start()
    if message is not None and sys.stderr is not None and _told.acquire(blocking=False):
        with suppress(OSError, ValueError):
            print(message, file=sys.stderr, flush=True)
    output.end()
    leave()
    raise AssertionError("the process has ended")


def _wait_for_signal(output: Output, signals: Collection[signal.Signals]) -> NoReturn:
    _end(output, partial(_die_of, signal.sigwait(signals)))


def _die_of(number: int) -> NoReturn:
    """End as if the signal had ended the process: who sent it looks for that."""
    if os.getpid() != _INIT:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(128 + number)


def _wait_for_reader(output: Output) -> NoReturn:
    happenings = select.poll()
    # With no events asked for, poll still reports POLLERR and POLLHUP.
    happenings.register(output.fileno(), 0)
    happenings.poll()
    end(output, 1, "source-stripe ends: nobody reads its messages any more.")
