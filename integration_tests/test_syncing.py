"""The processes that tests fork run wherever the checkout lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_processes_start_where_the_path_of_temporary_files_is_too_long_for_a_socket(tmp_path: Path) -> None:
    """In a process of its own: the server that this one forks from may be there already."""
    program = """
import sys
from integration_tests.syncing import no_main_script, processes
process = processes.Process(target=print, args=("It runs.",))
with no_main_script():
    process.start()
process.join()
sys.exit(process.exitcode)
"""
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(deep)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("It runs.\n", 0), done.stderr
    assert list(deep.iterdir()) == []
