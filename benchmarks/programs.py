"""What is measured, and how it is started: this connector, and the least that any program has to do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.cases import Case
from benchmarks.running import ROOT, environment

LIVE_KEY = "sk_live_emulator_51PqZ"
"""The connector fills the limits of a live account for a live key only."""
_DAY = 24 * 3600
_SOURCE_STRIPE = str(Path(sys.executable).with_name("source-stripe"))


@dataclass(frozen=True)
class Task:
    """A case to do, the emulator's URL, and a folder for what files that takes."""

    case: Case
    url: str
    folder: Path


@dataclass(frozen=True)
class Command:
    """Words, and more variables of the environment."""

    words: list[str]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """`command` gives what makes it do a task.

    `warm_up` are the words of a first run, in which Python compiles the program. `tells_rows` where the ids of rows can
    be found in what it writes.
    """

    name: str
    command: Callable[[Task], Command]
    warm_up: tuple[str, ...] = ()
    tells_rows: bool = False

    def prepare(self) -> None:
        if self.warm_up:
            subprocess.run(self.warm_up, env=environment(), capture_output=True, check=True)


def airbyte_files(task: Task, config: Mapping[str, Any]) -> list[str]:
    """Write the files that an Airbyte source reads; returns the words that name them."""
    streams = [
        {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
            "sync_mode": "incremental",
            "destination_sync_mode": "append_dedup",
        }
        for name in task.case.streams
    ]
    files: dict[str, Any] = {"config": config, "catalog": {"streams": streams}}
    if task.case.changes:
        yesterday = {"updated": int(time.time()) - _DAY}
        states = ({"stream_descriptor": {"name": name}, "stream_state": yesterday} for name in task.case.streams)
        files["state"] = [{"type": "STREAM", "stream": state} for state in states]
    words = []
    for name, content in files.items():
        path = task.folder / f"{name}.json"
        path.write_bytes(orjson.dumps(content))
        words += [f"--{name}", str(path)]
    return words


def _source_stripe(task: Task) -> Command:
    config = {"client_secret": LIVE_KEY, "api_url": task.url, **task.case.config}
    return Command([_SOURCE_STRIPE, "read", *airbyte_files(task, config)])


def _floor(task: Task) -> Command:
    return Command([sys.executable, str(ROOT / "benchmarks" / "floor.py"), task.url, LIVE_KEY])


SOURCE_STRIPE = Program("source-stripe", _source_stripe, warm_up=(_SOURCE_STRIPE, "spec"), tells_rows=True)
FLOOR = Program("requests + orjson", _floor)
