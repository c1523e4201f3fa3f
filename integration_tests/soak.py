"""A soak: one connection is synced again and again while its account changes and requests break at random.

    python -m integration_tests.soak --seed 1

After each sync the streams that are complete hold what Stripe holds; those that failed do so after a later one, and all
of them do in the end. The account's changes follow from the seed, and which faults come in which order; which request
meets one depends on the threads, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

from integration_tests.company import Company
from integration_tests.connection import Connection, stream_rows
from integration_tests.convergence import LATE, Replica, check_is_complete
from integration_tests.doings import DOINGS
from integration_tests.histories import STREAMS, Change
from integration_tests.setup import QUICK
from integration_tests.syncing import Sync
from stripe_emulator import StripeEmulator, faults, serve

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_PAUSES = (_MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY)
_LONG_PAUSE, _ROUNDS_BETWEEN = 40 * _DAY, 15
"""Stripe does not keep events for so long: streams are read whole again."""
_DELAYS = (0, 0, 1, 60, LATE)

FATAL = (
    faults.TOLD_NOT_TO_RETRY,
    faults.VERSION_REFUSED,
    faults.MORE_WITHOUT_ROWS,
    faults.REPEATED_CURSOR,
    faults.ROW_WITHOUT_ID,
    faults.DUPLICATE_PAGE,
)
"""Faults that a stream may fail of; the next sync goes on from where this one was."""
PASSING = (*faults.PASSING, faults.STALLED_HEAD, faults.STALLED_BODY)
_SETUP = replace(QUICK, timeouts={"connect": 1, "read": 0.5})

_ALIKE = 10
"""So many of the first syncs and of the last ones are compared for their memory."""
_GROWTH = 1.1
"""How many times the memory of the first syncs the last ones may take."""
_WIDTH = 500
"""Characters of a difference that are worth reading."""


@dataclass(frozen=True)
class Plan:
    """How long a soak is, and in `seconds` how long at most. `share` of all requests meet a fault."""

    seed: int = 1
    syncs: int = 50
    share: float = 0.05
    changes_before: int = 4_000
    changes_between: int = 150
    seconds: float = 480


@dataclass
class Figures:
    """What a soak came to."""

    requests: int = 0
    rows: int = 0
    repeated: int = 0
    """Rows that one sync brought twice."""
    faults: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """How often each stream failed."""
    failed_syncs: int = 0
    peaks: list[int] = field(default_factory=list)
    """Of each sync's process, in kilobytes."""
    seconds: list[float] = field(default_factory=list)

    def count(self, done: Sync, seconds: float) -> None:
        output = done.output
        self.rows += len(output.records())
        self.repeated += sum(_repeated(done, stream) for stream in output.statuses)
        self.failures.update(stream for stream, status in output.statuses.items() if status != "COMPLETE")
        self.failed_syncs += done.code != 0
        self.peaks.append(done.peak)
        self.seconds.append(seconds)

    def grew(self) -> float:
        """How many times the memory of the first syncs the last ones took."""
        return statistics.median(self.peaks[-_ALIKE:]) / statistics.median(self.peaks[:_ALIKE])

    def lines(self) -> Iterator[str]:
        yield f"syncs: {len(self.peaks)}, of which {self.failed_syncs} failed in part"
        yield f"requests: {self.requests:,}"
        yield f"faults: {self.faults.total()} ({self.faults.total() / self.requests:.1%} of the requests)"
        yield from (f"  {count:4} {name}" for name, count in self.faults.most_common())
        yield f"streams failed: {self.failures.total()}"
        yield from (f"  {count:4} {name}" for name, count in self.failures.most_common())
        yield f"rows: {self.rows:,}, of which {self.repeated:,} came twice in one sync"
        for which, peaks in (("first", self.peaks[:_ALIKE]), ("last", self.peaks[-_ALIKE:])):
            median, most = statistics.median(peaks) / 1024, max(peaks) / 1024
            yield f"peak memory of the {which} {len(peaks)} syncs: {median:.1f} MiB in the median, {most:.1f} at most"
        # The first one waits for the server that processes are forked from.
        yield f"seconds: {sum(self.seconds):.0f} of syncs, {max(self.seconds[1:]):.1f} for the longest but the first"


def soak(plan: Plan) -> Figures:
    """Soak. AssertionError where a destination would be wrong, TimeoutError where a sync hangs or time is up."""
    random, figures, began = Random(plan.seed), Figures(), time.monotonic()
    emulator = StripeEmulator()
    emulator.shuffle_same_second = Random(plan.seed)
    with serve(emulator):
        replica = Replica(Company(emulator), Connection(STREAMS), workers=8)
        for change in _changes(random, plan.changes_before):
            replica.happen(change)
        emulator.faults.at_random(plan.share, seed=plan.seed, faults=(*PASSING, *FATAL))
        for number in range(1, plan.syncs):
            emulator.event_delay = random.choice(_DELAYS)
            emulator.clock.advance(_LONG_PAUSE if number % _ROUNDS_BETWEEN == 0 else random.choice(_PAUSES))
            for change in _changes(random, plan.changes_between):
                replica.happen(change)
            _sync(replica, figures, random)
            if time.monotonic() - began > plan.seconds:
                raise TimeoutError(f"{number} syncs of {plan.syncs} took {plan.seconds:.0f} s")
        emulator.clock.advance(LATE + 1)
        emulator.faults.at_random(plan.share, seed=plan.seed, faults=PASSING)
        check_is_complete(_sync(replica, figures, random), replica.connection)
    figures.requests, figures.faults = len(emulator.requests), emulator.faults.met
    return figures


def _sync(replica: Replica, figures: Figures, random: Random) -> Sync:
    meanwhile = [(random.randint(1, 60), change) for change in _changes(random, random.randint(0, 3))]
    began = time.monotonic()
    done = replica.sync(meanwhile=meanwhile, setup=_SETUP, may_fail=True)
    figures.count(done, time.monotonic() - began)
    failed = set(replica.connection.streams) - {name for name, is_ in done.output.statuses.items() if is_ == "COMPLETE"}
    assert bool(done.code) == bool(failed) == bool(done.output.errors), (done.code, failed, done.output.errors)
    return done


def _changes(random: Random, count: int) -> Iterator[Change]:
    """Things that happen one after the other, seconds or minutes apart; half of them are creations."""
    creations = [name for name, doing in DOINGS.items() if doing.creates]
    for _ in range(count):
        what = random.choice(creations if random.random() < 0.5 else [*DOINGS])
        after = random.choice((0, 0, 1, _MINUTE))
        yield Change(what, which=random.randint(0, 500), after=after)


def _repeated(done: Sync, stream: str) -> int:
    keys = [tuple(row[name] for name in stream_rows()[stream].primary_key) for row in done.output.records(stream)]
    return len(keys) - len(set(keys))


def main() -> int:
    """Soak as the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--syncs", type=int, default=Plan.syncs)
    plan = Plan(**vars(parser.parse_args()))
    print(f"A soak of {plan.syncs} syncs, seed {plan.seed}, {len(STREAMS)} streams", flush=True)
    try:
        figures = soak(plan)
    except (AssertionError, TimeoutError) as error:
        print("FAILED:", *(line[:_WIDTH] for line in str(error).splitlines()), sep="\n  ")
        return 1
    print(*figures.lines(), sep="\n")
    if figures.grew() > _GROWTH:
        print(f"FAILED: the last syncs took {figures.grew():.2f} times the memory of the first ones")
        return 1
    print("The destination holds what Stripe holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
