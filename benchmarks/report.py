"""What a benchmark ran on, and RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEADING = "# Results"


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
    old = RESULTS.read_text() if RESULTS.exists() else f"{_HEADING}\n"
    sections = old.split("\n## ")
    kept = [section for section in sections if not section.startswith(f"{title}\n")]
    RESULTS.write_text("\n## ".join([*map(str.rstrip, kept), f"{title}\n\n" + "\n\n".join(parts)]).rstrip() + "\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
