"""docs/register.md, as a reader would follow it: its commands in their order, and what it says that they print."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration_tests.airbyte_stub import Instance
from integration_tests.registering import REPOSITORY, Registering, registering
from tools import register

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "register.md").read_text("utf-8")
NOT_HERE = ("docker ", "kubectl ", "kind ")
"""Commands that want a registry or a cluster."""

STREAMS: list[dict[str, Any]] = [
    {"name": "charges", "syncMode": "incremental_deduped_history"},
    {"name": "customers", "syncMode": "incremental_deduped_history"},
    {"name": "tax_codes", "syncMode": "full_refresh_overwrite"},
]
STATES = {"charges": {"updated": 1}, "customers": {"updated": 1}}


def steps() -> Iterator[tuple[str, str]]:
    """The page's commands, and what stands below each as its output."""
    command, fence = "", ""
    output: list[str] = []
    for line in PAGE.splitlines():
        if line.startswith("```"):
            fence, closed = ("", fence) if fence else (line, "")
            if closed == "```text":
                yield command, "".join(f"{each}\n" for each in output)
                command = ""
            output = []
        elif fence:
            output.append(line)
        elif line.strip():
            if command:
                yield command, ""
            command = line.strip() if line.startswith("    ") else ""


STEPS = [*steps()]


def words_of(command: str) -> list[str] | None:
    """The words for tools.register in a command; None if it is another one."""
    words = shlex.split(command)
    if words[:3] == [".venv/bin/python", "-m", "tools.register"]:
        return words[3:]
    if words[:2] == ["make", "register"]:
        return shlex.split(words[2].removeprefix("REGISTER="))
    return None


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def stand(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Registering]:
    """The instance of the page."""
    monkeypatch.chdir(tmp_path)
    instance = Instance(images={f"{REPOSITORY}:0.1.0", f"{REPOSITORY}:0.2.0"})
    (workspace,) = re.findall(r"workspace ([\w-]{36})", "\n".join(sorted(set(re.findall("workspace .*", PAGE))))) or [
        ""
    ]
    instance.workspaces[0]["workspaceId"] = workspace
    (old,) = set(re.findall(r"--like ([\w-]{36})", PAGE))
    instance.old_connection(STREAMS, STATES, connectionId=old)
    with registering(tmp_path, capsys, monkeypatch, instance) as made:
        yield made


def test_the_commands_print_in_their_order_what_the_page_says(stand: Registering) -> None:
    ran = [(words, output) for command, output in STEPS if (words := words_of(command)) is not None]
    assert len(ran) == 5
    assert sum(bool(output) for _, output in ran) == 4
    for words, output in ran:
        run = stand.run(*words)
        assert (run.code, run.err) == (0, "")
        assert not output or run.out.replace(stand.url, "http://localhost:8000") == output


def test_no_other_command_could_be_run() -> None:
    others = [command for command, _ in STEPS if words_of(command) is None and not command.startswith(NOT_HERE)]

    assert others == [
        "export AIRBYTE_CLIENT_ID=... AIRBYTE_CLIENT_SECRET=...",
        '{"client_secret": "rk_live_...", "start_date": "2024-01-01T00:00:00Z"}',
    ]


def test_make_hands_the_words_on() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "register", "REGISTER=--image x:1 --dry-run"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert shown.splitlines()[-1] == ".venv/bin/python -m tools.register --image x:1 --dry-run"


def test_the_options_are_those_of_the_page() -> None:
    told = re.findall(r"^\| `(--[\w-]+)", PAGE, re.MULTILINE)
    parser: argparse.ArgumentParser = register._parser()
    there = [text for text in re.findall(r"^  (--[\w-]+)", parser.format_help(), re.MULTILINE) if text != "--help"]

    assert sorted(told) == sorted(there)
    told_defaults = dict(re.findall(r"^\| `(--[\w-]+) .*Default: `?([^`, ]+?)`?[.,] ?", PAGE, re.MULTILINE))
    defaults = {name: parser.get_default(name.strip("-").replace("-", "_")) for name in there}
    assert told_defaults == {"--airbyte-url": defaults["--airbyte-url"], "--name": "Stripe", "--timeout": "600"}
    assert (defaults["--name"], defaults["--timeout"], defaults["--wait"]) == ("Stripe", 600, 0)


def test_snippets_can_be_read() -> None:
    (values,) = fenced("yaml")
    assert yaml.safe_load(values)["global"]["imagePullSecrets"]
    (code,) = fenced("python")
    compile(code, "register.md", "exec")
    (terraform,) = fenced("terraform")
    assert terraform.count("{") == terraform.count("}")
    assert re.findall(r'^resource "(\w+)"', terraform, re.MULTILINE) == [
        "airbyte_source_definition",
        "airbyte_source",
        "airbyte_connection",
    ]
