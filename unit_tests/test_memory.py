"""How many heaps glibc makes: looked at in a process of its own, as it can't be undone."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from unittest.mock import patch

import pytest

from source_stripe.process.memory import share_heaps

THREADS = """
import ctypes, sys, threading
if sys.argv[1:]:
    from source_stripe.process.memory import share_heaps
    share_heaps()
barrier, kept = threading.Barrier(12), []
def work():
    kept.append(bytearray(50_000))
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
stdout = ctypes.c_void_p.in_dll(libc, "stdout")
libc.malloc_info(0, stdout)
libc.fflush(stdout)
"""


def heaps(*words: str) -> int:
    command = [sys.executable, "-c", THREADS, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return len(re.findall("<heap nr=", done.stdout))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has them")
def test_threads_share_two_heaps() -> None:
    assert heaps() > 2
    assert heaps("shared") <= 2


def test_other_c_libraries_are_left_alone() -> None:
    with patch("source_stripe.process.memory.ctypes.CDLL", return_value=object()):
        share_heaps()
