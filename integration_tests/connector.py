"""The connector as users run it: a process of its own, JSON files in, messages out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unit_tests.output import Output

Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> Output:
        """The messages. Raises where a line is none."""
        return Output.of_lines(self.stdout.splitlines())


@dataclass(frozen=True)
class Connector:
    """`source-stripe` with a config, its files in `folder`."""

    folder: Path
    config: Mapping[str, Any]

    def spec(self) -> Run:
        return self._run("spec")

    def check(self, *options: str) -> Run:
        return self._run("check", "--config", self._file("config", self.config), *options)

    def discover(self) -> Run:
        return self._run("discover", "--config", self._file("config", self.config))

    def read(self, catalog: Json, state: list[Json] | None = None, *options: str) -> Run:
        files = ["--config", self._file("config", self.config), "--catalog", self._file("catalog", catalog)]
        if state is not None:
            files += ["--state", self._file("state", state)]
        return self._run("read", *files, *options)

    def _file(self, name: str, content: Any) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def _run(self, *words: str) -> Run:
        command = [sys.executable, "-m", "source_stripe.run", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        return Run(done.returncode, done.stdout, done.stderr)


def catalog(streams: Iterable[str], mode: str = "full_refresh") -> Json:
    """A configured catalog of these streams, all in one sync mode."""
    return {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
                "sync_mode": mode,
                "destination_sync_mode": "append_dedup" if mode == "incremental" else "overwrite",
            }
            for name in streams
        ]
    }
