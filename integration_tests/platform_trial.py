"""A trial of a platform with many accounts: they change, go, come, and miss weeks, and its syncs are killed at random.

    python -m integration_tests.platform_trial --accounts 1000 --kills 50

Nothing is lost, no state covers a row that did not come, and what a state covers does not come again. At the end it
says what a sync costs in which nothing happened.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from integration_tests.platforms import SYNCS, Platform, requests_by_account
from integration_tests.syncing import Kill, Sync
from source_stripe.accounts.known import key_of
from source_stripe.accounts.platform_state import PlatformState
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import crowd
from stripe_emulator.accounts.crowd import Crowd

STREAMS = (SYNCS, "balance_transactions", "charges", "customers", "disputes", "payouts")
_READ = STREAMS[1:]
_HOUR, _DAY = 3_600, 86_400
_ROWS = 9
"""That an account of the crowd has in these streams, about."""


@dataclass(frozen=True)
class Trial:
    """How many connected accounts there are, and how often their syncs are killed."""

    accounts: int = 1_000
    kills: int = 50
    seed: int = 1
    workers: int = 16


@dataclass
class Figures:
    """What a trial came to."""

    kills: int = 0
    again: list[int] = field(default_factory=list)
    """After each kill of the first sync, the rows that came out of it and that no state covers."""
    no_op: dict[str, int] = field(default_factory=dict)
    """Requests of a sync in which nothing happened, by address."""
    no_op_seconds: float = 0.0
    states: dict[str, int] = field(default_factory=dict)
    """Bytes of the last state, by stream."""
    peaks: dict[str, int] = field(default_factory=dict)
    """Kilobytes of memory at most, by sync."""

    def lines(self) -> Iterator[str]:
        yield f"kills: {self.kills}"
        if self.again:
            yield f"rows that came again: median {statistics.median(self.again):,.0f}, worst {max(self.again):,}"
        yield f"a sync in which nothing happened: {sum(self.no_op.values()):,} requests, {self.no_op_seconds:.0f} s"
        yield from (f"  {count:7,} {path}" for path, count in sorted(self.no_op.items()))
        yield from (f"  state of {stream}: {size / 1_000:,.1f} kB" for stream, size in self.states.items())
        yield from (f"  peak of the {which} sync: {peak / 1024:,.1f} MiB" for which, peak in self.peaks.items())


def play(trial: Trial) -> Figures:
    """Play a trial. AssertionError where the destination would be wrong, or a state is."""
    emulator, random, figures = StripeEmulator(), Random(trial.seed), Figures()
    accounts = crowd.populate(emulator, Crowd(trial.accounts))
    for _ in range(3):
        emulator.create("charge", event=False, created=emulator.clock.now() - _DAY)
    platform = Platform(emulator, STREAMS)
    with serve(emulator):
        _first_sync(platform, trial, random, figures)
        gone, missed = random.sample(accounts, 2), random.choice(accounts)
        _miss_weeks(platform, missed)
        _change(platform, [*random.sample(accounts, min(trial.accounts // 10, 100)), missed], random)
        emulator.connected.revoke(gone[0])
        emulator.delete(gone[1])
        _come(emulator)
        emulator.clock.advance(_HOUR)
        _until_through(platform, trial, random, figures)
        _check_told(platform, gone)
        _no_op(platform, trial, figures)
    return figures


def _first_sync(platform: Platform, trial: Trial, random: Random, figures: Figures) -> None:
    """Nothing changes meanwhile, so what a state covers must be there, and must not come again."""
    rows = trial.accounts * _ROWS
    instants = sorted(random.randrange(1, rows) for _ in range(trial.kills // 2))
    at = 0
    for instant in instants:
        covered = _covered(platform)
        done = platform.sync(kill=_kill(max(instant - at, 1), random), num_workers=trial.workers)
        at = instant
        _check_first(platform, done, covered, figures)
        if not done.killed:
            break
        figures.kills += 1
    covered = _covered(platform)
    done = platform.synced(after=0, num_workers=trial.workers)
    _check_first(platform, done, covered, figures)
    figures.peaks["first"] = done.peak
    assert not (wrong := platform.wrong()), wrong[:10]


def _kill(rows: int, random: Random) -> Kill:
    return Kill(record=rows) if random.random() < 0.5 else Kill(request=max(rows * len(_READ) // _ROWS, 1))


def _covered(platform: Platform) -> dict[str, set[str]]:
    """By stream, the accounts that its state says are read."""
    found: dict[str, set[str]] = {}
    for stream in platform.states.keys() & set(_READ):
        state = PlatformState.parse(platform.state(stream), stream=stream, cursor=_cursor(stream))
        found[stream] = {account for account in platform.accounts if key_of(account) in state.known}
    return found


def _check_first(platform: Platform, done: Sync, covered: dict[str, set[str]], figures: Figures) -> None:
    """AssertionError where a row came that a state covered before, or one is not there that a state covers now."""
    came: dict[str, list[str]] = {stream: [] for stream in _READ}
    for stream in _READ:
        came[stream] = [row["account_id"] for row in done.output.records(stream)]
        twice = covered.get(stream, set()) & set(came[stream])
        assert not twice, (stream, sorted(twice)[:3])
    now = _covered(platform)
    for stream, accounts in now.items():
        for account in accounts:
            there = len(platform.of(account).table(stream))
            assert there == len(platform.account(account).objects(_KINDS[stream])), (stream, account, there)
    if done.killed:
        figures.again.append(sum(account not in now.get(stream, ()) for stream in _READ for account in came[stream]))


_KINDS = {
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "customers": "customer",
    "disputes": "dispute",
    "payouts": "payout",
}


def _cursor(stream: str) -> str:
    return "created" if stream == "balance_transactions" else "updated"


def _miss_weeks(platform: Platform, account: str) -> None:
    """An account can't be read for 40 days, and what happened on it in the first ones has no events any more."""
    emulator, connected = platform.emulator, platform.emulator.connected[account]
    old = connected.objects("charge")[-1]["id"]
    for days in (1, 20, 19):
        # Whether a platform still lists an account that it has no access to is unknown.
        emulator.connected.revoke(account, listed=days == 20)
        connected.update(old, description=f"day {days}")
        connected.create("charge")
        if days == 19:
            connected.delete(connected.objects("customer")[0]["id"])
        platform.synced(after=days * _DAY)
        assert platform.told[account]["status"] == ("refused" if days == 20 else "gone"), platform.told[account]
        emulator.connected.again(account)


def _change(platform: Platform, accounts: list[str], random: Random) -> None:
    emulator = platform.emulator
    for name in accounts:
        account = emulator.connected[name]
        charge = random.choice(account.objects("charge"))["id"]
        account.update(charge, description="changed")
        account.create("balance_transaction", status="available")
        account.update(account.objects("payout")[0]["id"], metadata={"changed": "yes"})
        for customer in account.objects("customer"):
            account.delete(customer["id"])
        account.create("customer", name="new")
        emulator.clock.advance(1)


def _come(emulator: StripeEmulator) -> None:
    """Two accounts are connected that are older than all others; of one Stripe does not say how old it is."""
    old = emulator.clock.now() - 1_000 * _DAY
    for dated in (True, False):
        account = emulator.connect(dated=dated, created=old)
        account.create("charge", created=old + _DAY, event=False)
        account.create("balance_transaction", created=old + _DAY, event=False)
        account.create("payout")


def _until_through(platform: Platform, trial: Trial, random: Random, figures: Figures) -> None:
    """Sync until one is not killed."""
    for _ in range(trial.kills - figures.kills):
        requests = random.randrange(1, 2 * trial.accounts)
        done = platform.sync(kill=Kill(request=requests), num_workers=trial.workers)
        if not done.killed:
            break
        figures.kills += 1
    platform.synced(after=0, num_workers=trial.workers)
    # What changed just before a sync is settled by the next one.
    figures.peaks["last"] = platform.synced(num_workers=trial.workers).peak
    assert not (wrong := platform.wrong()), wrong[:10]


def _check_told(platform: Platform, gone: list[str]) -> None:
    assert platform.told.keys() == set(platform.accounts)
    told = {account: platform.told[account]["status"] for account in platform.accounts}
    assert told[gone[0]] in ("refused", "gone"), platform.told[gone[0]]
    assert told[gone[1]] in ("refused", "gone"), platform.told[gone[1]]
    assert {status for account, status in told.items() if account not in gone} == {"complete"}
    synced_at = platform.told[platform.own]["synced_at"]
    for account in set(platform.accounts) - set(gone):
        assert platform.told[account]["read_until"] == synced_at, platform.told[account]
    for account in gone:
        assert platform.told[account]["read_until"] < synced_at, platform.told[account]


def _no_op(platform: Platform, trial: Trial, figures: Figures) -> None:
    began = time.monotonic()
    done = platform.synced(after=_HOUR, num_workers=trial.workers)
    figures.no_op_seconds = time.monotonic() - began
    assert not [row for stream in _READ for row in done.output.records(stream)]
    by_account = requests_by_account(platform.emulator.requests, platform.own)
    for counts in by_account.values():
        for path, count in counts.items():
            figures.no_op[path] = figures.no_op.get(path, 0) + count
    ledger = figures.no_op["/v1/balance_transactions"]
    accounts = len(platform.accounts)
    # The feed of each, the pages of the list of accounts, and the platform itself.
    assert sum(figures.no_op.values()) - ledger <= accounts + -(-accounts // 100) + 3, figures.no_op
    assert ledger <= accounts
    figures.states = {stream: len(json.dumps(platform.state(stream))) for stream in STREAMS}
    figures.peaks["no-op"] = done.peak


def main() -> int:
    """Play a trial as the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="platform_trial", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=Trial.accounts)
    parser.add_argument("--kills", type=int, default=Trial.kills)
    parser.add_argument("--seed", type=int, default=Trial.seed)
    parser.add_argument("--workers", type=int, default=Trial.workers)
    trial = Trial(**vars(parser.parse_args()))
    print(f"A platform with {trial.accounts:,} accounts, {trial.kills} kills, seed {trial.seed}", flush=True)
    began = time.monotonic()
    figures = play(trial)
    print(*figures.lines(), f"{time.monotonic() - began:.0f} s in all", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
