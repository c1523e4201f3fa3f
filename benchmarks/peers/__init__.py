"""Other connectors of Stripe, on the same work in the same hour.

Each has an environment of its own, of the packages that were current when it came out (`make bench-peers`), and reads
the emulator through `redirect/sitecustomize.py`; its own code is as it was published.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks.cases import CASES
from benchmarks.measuring import Result, measure_all
from benchmarks.programs import FLOOR, LIVE_KEY, SOURCE_STRIPE, Command, Program, Task, airbyte_files
from benchmarks.running import environment
from benchmarks.table import table

_HERE = Path(__file__).parent
_ENVIRONMENTS = _HERE.parent / ".peers"
_ROUNDS = 2
_HALF = 0.5
"""Of case (a): the others take a minute and more for 100,000 rows."""
_ACCOUNT = "acct_1Emulator"


def compare(scale: float) -> tuple[list[str], list[str]]:
    """Case (a), every program in turn, all of it twice: the table of all runs and how this connector compares, and what
    was said by programs that failed."""
    case = next(case for case in CASES if case.letter == "a").scaled(_HALF * scale)
    programs, missing = _installed()
    SOURCE_STRIPE.prepare()
    results, failures = measure_all((case, program) for program in programs * _ROUNDS)
    return [table(results), "\n".join(f"- {line}" for line in [*_ratios(results), *missing])], failures


def _installed() -> tuple[list[Program], list[str]]:
    """What can be measured here, and a sentence for what can't."""
    here = {peer: (_ENVIRONMENTS / peer.name.split()[0] / ".installed").exists() for peer in (_AIRBYTE, _TAP)}
    missing = [f"{peer.name} could not be installed here." for peer, installed in here.items() if not installed]
    return [SOURCE_STRIPE, *(peer for peer, installed in here.items() if installed), FLOOR], missing


def _ratios(results: Sequence[Result]) -> Iterator[str]:
    ours, names = SOURCE_STRIPE.name, dict.fromkeys(result.program for result in results)

    def rates(program: str) -> tuple[float, float]:
        mine = [result for result in results if result.program == program]
        return median(run.rows_per_cpu_second for run in mine), median(run.rows_per_second for run in mine)

    for other in [name for name in names if name != ours and ours in names]:
        cpu, wall = (mine / theirs for mine, theirs in zip(rates(ours), rates(other), strict=True))
        yield f"Rows per CPU second of {ours}: {cpu:.3g} x those of {other}; rows a second: {wall:.3g} x."


def _executable(peer: str, name: str) -> str:
    return str(_ENVIRONMENTS / peer / "bin" / name)


def _redirected(url: str) -> dict[str, str]:
    return {"PYTHONPATH": str(_HERE / "redirect"), "STRIPE_EMULATOR": url}


def _config() -> dict[str, Any]:
    opened = datetime.now(timezone.utc) - timedelta(days=3 * 365)
    return {"client_secret": LIVE_KEY, "account_id": _ACCOUNT, "start_date": f"{opened:%Y-%m-%dT00:00:00Z}"}


def _airbyte(task: Task) -> Command:
    words = [_executable("airbyte-source-stripe", "source-stripe"), "read", *airbyte_files(task, _config())]
    return Command(words, _redirected(task.url))


def _tap(task: Task) -> Command:
    """A Singer tap says itself what it has; all fields are selected, as ours are."""
    config, catalog = task.folder / "config.json", task.folder / "catalog.json"
    config.write_bytes(orjson.dumps(_config()))
    words, variables = [_executable("tap-stripe", "tap-stripe"), "--config", str(config)], _redirected(task.url)
    discover = subprocess.run([*words, "--discover"], env=environment(**variables), capture_output=True, check=True)
    streams = [stream for stream in orjson.loads(discover.stdout)["streams"] if stream["stream"] in task.case.streams]
    for stream in streams:
        for part in stream["metadata"]:
            part["metadata"]["selected"] = True
    catalog.write_bytes(orjson.dumps({"streams": streams}))
    return Command([*words, "--catalog", str(catalog)], variables)


_AIRBYTE = Program("airbyte-source-stripe 5.14.1", _airbyte)
_TAP = Program("tap-stripe 3.3.0", _tap)
