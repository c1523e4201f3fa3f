"""One measurement: a program does a case."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from threading import Timer

from benchmarks.cases import ID_PREFIXES, Case
from benchmarks.emulated import Emulated, Load, emulated
from benchmarks.programs import Program, Task
from benchmarks.running import STDERR, Cost, environment, run
from benchmarks.tally import Seen, Tally

_PAGE = 100


class RunFailedError(Exception):
    """A program ended with an error, or without a row; the text is the last it said."""


@dataclass(frozen=True)
class Result:
    """What a run took, and what it brought."""

    case: Case
    program: str
    rows: int
    first_row: float
    """Seconds from the start to the first row."""
    cost: Cost
    load: Load
    seen: tuple[Seen, ...]
    afterwards: tuple[float, Load] | None = None
    """Seconds from the change of limits to the end, and the requests of that time."""

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.cost.wall

    @property
    def rows_per_cpu_second(self) -> float:
        return self.rows / self.cost.cpu

    @property
    def requests_per_page(self) -> float:
        """Requests for each full page that the rows would make."""
        return self.load.requests / ceil(self.rows / _PAGE)

    @property
    def remarks(self) -> str:
        """What the figures alone don't tell."""
        said = []
        if self.rows != self.case.expected:
            said.append(f"{self.case.expected:,} ROWS EXPECTED")
        elif self.seen and all(seen.again == 0 for seen in self.seen):
            said.append("every row once")
        said += [f"{seen.again:,} OF {seen.stream} TWICE" for seen in self.seen if seen.again]
        if self.afterwards is not None:
            seconds, load = self.afterwards
            said.append(
                f"afterwards {(load.requests - load.limited) / seconds:.2f} requests/s, "
                f"{load.limited / max(load.requests, 1):.1%} of them 429"
            )
        return ", ".join(said)


def measure_all(runs: Iterable[tuple[Case, Program]]) -> tuple[list[Result], list[str]]:
    """Have programs do cases, one after the other: the results, and what was said by those that failed."""
    results, failures = [], []
    for case, program in runs:
        print(f"{program.name}: ({case.letter}) {case.title}...", file=sys.stderr, flush=True)
        try:
            results.append(measure(case, program))
        except RunFailedError as failure:
            failures.append(str(failure))
    return results, failures


def measure(case: Case, program: Program) -> Result:
    """Have a program do a case, against an emulator of its own. Raises RunFailedError."""
    watched = case.rows.items() if program.tells_rows else ()
    seen = [Seen(stream, ID_PREFIXES[stream], count) for stream, count in watched]
    tally = Tally(seen)
    with tempfile.TemporaryDirectory() as name, emulated(case) as emulator:
        folder, change = Path(name), _Change(case, emulator)
        command = program.command(Task(case, emulator.url, folder))
        before = emulator.load()
        change.start()
        cost = run(command.words, tally, environment(**command.variables), folder)
        change.cancel()
        load = emulator.load()
        if cost.code or not tally.records:
            raise RunFailedError(_last_words(case, program, tally, folder / STDERR))
    ended_at = cost.started_at + cost.wall
    return Result(
        case=case,
        program=program.name,
        rows=tally.records,
        first_row=(tally.first_at or ended_at) - cost.started_at,
        cost=cost,
        load=load.since(before),
        seen=tuple(seen),
        afterwards=(ended_at - change.at, load.since(change.load)) if change.load else None,
    )


class _Change(Timer):
    """Other limits, from some seconds after the start on, if the case says so."""

    def __init__(self, case: Case, emulator: Emulated) -> None:
        super().__init__(case.later[0] if case.later else 0.0, self._change)
        self.daemon = True
        self._limits = case.later[1] if case.later else None
        self._emulator = emulator
        self.at = 0.0
        self.load: Load | None = None

    def _change(self) -> None:
        if self._limits is not None:
            self._emulator.limit(self._limits)
            self.at = time.monotonic()
            self.load = self._emulator.load()


def _last_words(case: Case, program: Program, tally: Tally, errors: Path) -> str:
    said = [*tally.last_words, *errors.read_bytes().splitlines()[-5:]]
    lines = [f"{program.name} failed in case {case.letter}:", *(line.decode(errors="replace") for line in said)]
    return "\n".join(lines)
