"""Without the packages of the extra a sentence says how to get them, and everything else works."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules[{package!r}] = None
{then}
"""


def run(package: str, then: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT.format(package=package, then=then), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - words of our own


@pytest.mark.parametrize("package", ["duckdb", "prompt_toolkit"])
def test_the_command_says_how_to_get_them(package: str) -> None:
    done = run(package, "from source_stripe.run import main; main()", "sql", "--config", "none.json", "SELECT 1")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "source-stripe[sql]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_so_does_the_door() -> None:
    done = run("duckdb", "from source_stripe.sql import connect")
    assert done.returncode == 1
    assert 'pip install "source-stripe[sql]"' in done.stderr.splitlines()[-1]


def test_nothing_else_loads_them() -> None:
    then = "import source_stripe.entrypoint, source_stripe.run; print([*{'duckdb', 'sqlglot'} & {*sys.modules}])"
    assert run("pyarrow", then).stdout == "[]\n"
