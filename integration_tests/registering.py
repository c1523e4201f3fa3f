"""Runs of `tools.register` against an instance for tests, as a user would start them."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration_tests.airbyte_stub import Instance, serve
from tools import register
from tools.registration import calls, taking_over

REPOSITORY = "registry.example.com/source-stripe"
IMAGE = f"{REPOSITORY}:0.1.0"
KEY = "rk_test_emulator_registration"
CONFIG = {"client_secret": KEY, "start_date": "2024-01-01T00:00:00Z"}


@dataclass(frozen=True)
class Run:
    """What a run ended with and printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Registering:
    """Runs against one instance. Each is searched for secrets."""

    instance: Instance
    url: str
    folder: Path
    capsys: pytest.CaptureFixture[str]
    secrets: set[str] = field(default_factory=lambda: {KEY})
    config: dict[str, Any] = field(default_factory=lambda: dict(CONFIG))

    def run(self, *words: str, image: str = IMAGE) -> Run:
        """A run with the config and these words on its command line; forgets what was called before."""
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.config), "utf-8")
        self.instance.calls.clear()
        self.secrets.add(str(self.config.get("client_secret")))
        code = register.main(["--airbyte-url", self.url, "--image", image, "--config", str(path), *words])
        shown = self.capsys.readouterr()
        run = Run(code, shown.out, shown.err)
        for secret in (*self.secrets, *filter(None, self.instance.tokens), self.instance.client_secret):
            assert secret not in run.out + run.err
        assert "Traceback" not in run.err
        return run

    def held(self) -> tuple[Any, ...]:
        """What the instance holds."""
        its = self.instance
        return copy.deepcopy((its.definitions, its.sources, its.connections, its.states))


@contextmanager
def registering(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, instance: Instance | None = None
) -> Iterator[Registering]:
    """An instance that is served, whose cluster can pull two tags of the image."""
    instance = instance or Instance(images={IMAGE, f"{REPOSITORY}:0.2.0"})
    monkeypatch.setattr(calls, "_PAUSE", 0.0)
    monkeypatch.setattr(taking_over, "_LOOKS_AGAIN", 0.0)
    monkeypatch.setitem(os.environ, "AIRBYTE_CLIENT_ID", instance.client_id)
    monkeypatch.setitem(os.environ, "AIRBYTE_CLIENT_SECRET", instance.client_secret)
    with serve(instance) as url:
        yield Registering(instance, url, folder, capsys)
