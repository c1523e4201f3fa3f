"""What a benchmark ran on, and RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEADING = """# Results

Written by `make bench` and `make bench-peers` with `BENCH=--write`. Each line is one run of a whole process, start-up
included. CPU seconds are its own, user and system; peak MB its own too; `per page` are its requests for each hundred
rows; the emulator is another process on the same machine. Live limits are 100 requests a second for the account and 25
for each endpoint; answers then take 300 ms in the median.
"""


def circumstances() -> str:
    """The machine, the versions and the day."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("airbyte-cdk", "requests", "orjson"))
    return (
        f"{datetime.now(timezone.utc):%Y-%m-%d}, source-stripe {version('source-stripe')}, "
        f"Python {platform.python_version()}, {packages}; {_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}"
    )


def write(title: str, parts: Iterable[str]) -> None:
    """Put a section of that title into RESULTS.md, in place of the one that is there."""
    _, *old = RESULTS.read_text().split("\n## ") if RESULTS.exists() else [""]
    sections = {section.partition("\n")[0]: section.strip() for section in old}
    sections[title] = "\n\n".join([title, *parts])
    RESULTS.write_text("\n## ".join([_HEADING, *(f"{section}\n" for section in sections.values())]))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
