"""Processes: run to their end, with what they cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from benchmarks.tally import Tally

ROOT = Path(__file__).parent.parent
STDERR = "stderr.txt"
_PIECE = 1 << 20
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds from start to exit, seconds of CPU (user and system), bytes of memory at most."""

    code: int
    wall: float
    cpu: float
    memory: int
    started_at: float
    """On the monotonic clock."""


def environment(**more: str) -> dict[str, str]:
    """This process's environment, without what would slow Python down or send it elsewhere."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED")
    return {**{name: value for name, value in os.environ.items() if name not in left_out}, **more}


def run(command: Sequence[str], tally: Tally, env: Mapping[str, str], folder: Path) -> Cost:
    """Run a command in a folder, to its end, and read all that it writes; what it says on stderr goes to a file there.

    The kernel counts the memory of whoever starts a process as the process's own, until it needs more: whoever calls
    this has to be small.
    """
    started_at = time.monotonic()
    with (
        (folder / STDERR).open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=env, cwd=folder) as child,
    ):
        stdout = cast(IO[bytes], child.stdout).fileno()
        while piece := os.read(stdout, _PIECE):
            tally.read(piece)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        code=child.returncode,
        wall=time.monotonic() - started_at,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss * _MEMORY_UNIT,
        started_at=started_at,
    )
