"""The processes that tests fork run wherever the checkout lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def in_a_deep_folder(program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program whose temporary files have a path that is too long for a socket.

    In a process of its own: the server that this one forks from may be there already.
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
    assert list(deep.iterdir()) == []
    return done


def test_processes_start_where_the_path_of_temporary_files_is_too_long_for_a_socket(tmp_path: Path) -> None:
    program = """
import sys
from integration_tests.syncing import no_main_script, processes
process = processes.Process(target=print, args=("It runs.",))
with no_main_script():
    process.start()
process.join()
sys.exit(process.exitcode)
"""
    done = in_a_deep_folder(program, tmp_path)

    assert (done.stdout, done.returncode) == ("It runs.\n", 0), done.stderr


def test_a_test_process_that_is_killed_at_its_end_leaves_no_socket_behind(tmp_path: Path) -> None:
    program = """
import os
from multiprocessing.util import get_temp_dir
from integration_tests.syncing import no_main_script, processes, remove_sockets
process = processes.Process(target=int)
with no_main_script():
    process.start()
process.join()
print(get_temp_dir(), os.path.isdir(get_temp_dir()), flush=True)
remove_sockets()
os._exit(0)
"""
    place, was_there = in_a_deep_folder(program, tmp_path).stdout.split()

    assert was_there == "True"
    assert place.startswith("/tmp/")  # noqa: S108
    assert not Path(place).exists()
