"""Back-fills that are killed with SIGKILL at random instants: nothing is lost, and what comes again has a bound.

python -m integration_tests.back_fills --rows 100000 --kills 100
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from statistics import median

from integration_tests.connector import Json
from integration_tests.syncing import Kill, sync
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts.bulk import Plan, Spread, populate
from stripe_emulator.bulk import token

_STREAM = "charges"
_PAGE = 100
_PAGES_A_CHECKPOINT = 5
_KILLS_A_BACK_FILL = 5


@dataclass
class Killed:
    """What the kills cost. `again` has for each the rows that came out of the sync and that no state covers."""

    again: list[int] = field(default_factory=list)
    rows: int = 0
    """That came out of all syncs."""


@dataclass(frozen=True)
class Account:
    """An account whose charges are kept in bulk, with when each was created (Unix time), by id."""

    emulator: StripeEmulator
    charges: Mapping[str, int]

    @classmethod
    def of(cls, rows: int, spread: Spread = "even") -> Account:
        emulator = StripeEmulator()
        populate(emulator, Plan({"charge": rows}, spread))
        times = emulator.bulk["/v1/charges"].times  # type: ignore[union-attr] # no children
        return cls(emulator, {f"ch_{token(number).decode()}": time for number, time in enumerate(times)})

    def at_most_again(self, workers: int) -> int:
        """Rows that a kill makes come again at most: what each reader read since its checkpoint, with the rest of the
        second that it was in."""
        seconds: dict[int, int] = {}
        for time in self.charges.values():
            seconds[time] = seconds.get(time, 0) + 1
        return workers * (_PAGES_A_CHECKPOINT * _PAGE + max(seconds.values()))


def back_fill(account: Account, chance: Random, kills: int, workers: int, killed: Killed) -> None:
    """One back-fill, killed so often, then left alone. AssertionError where a row is lost or too many come again."""
    instants = sorted(chance.randrange(1, len(account.charges)) for _ in range(kills))
    state: list[Json] = []
    came: set[str] = set()
    for kill in [*_kills(instants, chance), None]:
        done = sync(account.emulator, [_STREAM], state, kill=kill, num_workers=workers)
        assert done.killed or done.code == 0, done.lines[-3:]
        ids = done.output.ids(_STREAM)
        came |= ids.keys()
        state = done.output.state_messages or state
        again = [row for row in ids if not is_covered(state, account.charges[row])]
        lost = [row for row, time in account.charges.items() if is_covered(state, time) and row not in came]
        assert not lost, (kill, lost[:3])
        assert len(again) <= account.at_most_again(workers), (kill, len(again))
        assert len(_done(state)) <= 2 * workers + 2
        killed.rows += ids.total()
        if not done.killed:
            break
        killed.again.append(len(again))
    assert came == account.charges.keys()


def _kills(instants: list[int], chance: Random) -> Iterator[Kill]:
    """Each so far behind the last, by rows or by requests."""
    at = 0
    for instant in instants:
        rows = max(instant - at, 1)
        yield Kill(record=rows) if chance.random() < 0.5 else Kill(request=rows // _PAGE + 2)
        at = instant


def is_covered(state: list[Json], created: int) -> bool:
    """Whether a sync that goes on from this state leaves out what was created then."""
    through = bool(state) and "backfill" not in state[0]["stream"]["stream_state"]
    return through or any(start <= created < end for start, end in _done(state))


def _done(state: list[Json]) -> list[tuple[int, int]]:
    """The ranges of `created` (Unix time) that a state says are done."""
    window = state[0]["stream"]["stream_state"].get("backfill", {}) if state else {}
    return [(start, end) for start, end in window.get("done", [])]


def main() -> None:
    """Kill back-fills, and say what came again."""
    parser = argparse.ArgumentParser(prog="python -m integration_tests.back_fills", description=main.__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--spread", choices=["even", "skewed"], default="even")
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    account, chance, killed, back_fills = Account.of(words.rows, words.spread), Random(words.seed), Killed(), 0
    with serve(account.emulator):
        while len(killed.again) < words.kills:
            back_fill(account, chance, min(_KILLS_A_BACK_FILL, words.kills - len(killed.again)), words.workers, killed)
            back_fills += 1
    more = killed.rows / (back_fills * words.rows) - 1
    print(
        f"{len(killed.again)} kills of {back_fills} back-fills of {words.rows:,} rows with {words.workers} workers: "
        f"nothing lost; came again after a kill: median {median(killed.again):,.0f}, worst {max(killed.again):,}, "
        f"at most {account.at_most_again(words.workers):,}; rows in all: {more:+.1%}"
    )


if __name__ == "__main__":
    main()
