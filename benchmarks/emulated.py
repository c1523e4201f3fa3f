"""The emulator, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import orjson
import requests

from benchmarks.cases import Case
from benchmarks.running import ROOT, environment


@dataclass(frozen=True)
class Load:
    """What the emulator did so far: requests answered, those of them with 429, seconds of its CPU."""

    requests: int
    limited: int
    cpu: float

    def since(self, before: Load) -> Load:
        return Load(self.requests - before.requests, self.limited - before.limited, self.cpu - before.cpu)


@dataclass(frozen=True)
class Emulated:
    """A running emulator."""

    url: str

    def load(self) -> Load:
        made, cpu = (requests.get(f"{self.url}/_emulator/{what}", timeout=10).json() for what in ("requests", "cpu"))
        return Load(made["total"], made["by_status"].get("429", 0), cpu["seconds"])

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Let other limits hold from now on."""
        requests.post(f"{self.url}/_emulator/limits", json=dict(limits), timeout=10).raise_for_status()


@contextmanager
def emulated(case: Case) -> Iterator[Emulated]:
    """An emulator with a case's account and limits."""
    command = [sys.executable, "-m", "stripe_emulator", "--account", "bulk"]
    command += ["--plan", orjson.dumps(case.plan).decode(), "--limits", orjson.dumps(case.limits).decode()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment(), text=True) as process:
        try:
            yield Emulated(cast(IO[str], process.stdout).readline().strip())
        finally:
            process.terminate()
