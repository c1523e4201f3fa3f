"""Histories of a platform with two connected accounts, later three: what happens on each, and who loses access.

Some have filters, which may be others at each sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from typing import Literal

from hypothesis import strategies as st

from integration_tests.company import Company
from integration_tests.connection import stream_rows
from integration_tests.convergence import BREAKS, BROKEN, LATE, Replica, set_up
from integration_tests.filtered_histories import (
    CUSTOMERS,
    FilteredHistory,
    FilteredReplica,
    Filters,
    dated,
    filtered_histories,
)
from integration_tests.histories import VERSIONS, Change, History, Round, histories
from integration_tests.platforms import SYNCS, Platform
from integration_tests.setup import QUICK, Setup
from integration_tests.syncing import Kill, Sync
from source_stripe.accounts.known import key_of
from source_stripe.accounts.platform_state import PlatformState
from stripe_emulator import StripeEmulator, serve

_DAY = 86_400
_AT_FIRST, _IN_ALL = 3, 4
"""Accounts, the platform's own too."""


@dataclass(frozen=True)
class Access:
    """Before a round an account loses the platform's access, and stays in its list or not, or gets it back."""

    round: int
    account: int
    what: Literal["revoke", "revoke but list", "again"]


@dataclass(frozen=True)
class PlatformHistory:
    """A history whose changes happen on one account after the other, as `owners` says again and again. One account is
    connected before the round `comes`, and may be older than all others."""

    base: History
    owners: tuple[int, ...]
    access: tuple[Access, ...] = ()
    comes: int = 1
    filters: tuple[Filters, ...] = ()
    """Of each sync, if there are any; those of the last one count for any that follow."""


def platform_histories(
    *, kills: bool, streams: tuple[str, ...] | None = None, delays: tuple[int, ...] = (0, 0, 1, 60, 600)
) -> st.SearchStrategy[PlatformHistory]:
    """Random histories of a platform; with `kills` half of the syncs are killed."""
    whats = st.sampled_from(["revoke", "revoke but list", "again", "again"])
    access = st.builds(Access, round=st.integers(0, 3), account=st.integers(1, _IN_ALL - 1), what=whats)
    plain = histories(kills=kills, streams=streams, delays=delays).map(lambda base: FilteredHistory(base, ()))
    one = plain if streams is not None else plain | plain | filtered_histories(kills=kills)
    return st.builds(
        lambda base, **others: PlatformHistory(base.history, filters=base.filters, **others),
        base=one,
        owners=st.lists(st.integers(0, _IN_ALL - 1), min_size=5, max_size=40).map(tuple),
        access=st.lists(access, max_size=4).map(tuple),
        comes=st.integers(1, 4),
    )


def histories_of_killed_first_syncs() -> st.SearchStrategy[PlatformHistory]:
    """The first sync is killed; before the next one what it has brought is deleted, and hours pass."""

    def history(record: int, which: int) -> PlatformHistory:
        in_all = 2 * _AT_FIRST
        first = Round((Change("create customer"),) * in_all, kill=Kill(record=record))
        deletions = (Change("delete customer", which),) * in_all
        next_one = Round((*deletions, Change("create customer", after=3 * LATE)))
        base = History(("customers",), (first, next_one), workers=1)
        return PlatformHistory(base, owners=tuple(range(_AT_FIRST)), comes=2)

    return st.builds(history, record=st.integers(1, 6), which=st.integers(0, 200))


@dataclass
class PlatformReplica:
    """A platform, a connection that syncs it, and what of each account the connection can know."""

    platform: Platform
    owners: Iterator[int]
    workers: int
    filtered: bool = False
    replicas: dict[str, Replica] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Accounts that the platform has no access to."""
    syncs: int = 0
    kills: int = 0

    def connect(self, history: History, number: int, *, born: int) -> None:
        """Connect the so-manyth account."""
        self.add(self.platform.emulator.connect(id=f"acct_{number}", created=born), history, number)

    def add(self, emulator: StripeEmulator, history: History, number: int) -> None:
        version = VERSIONS[(VERSIONS.index(history.version) + number) % len(VERSIONS)]
        set_up(emulator, replace(history, version=version))
        account = str(emulator.account["id"])
        company = Company(emulator)
        for customer in CUSTOMERS if self.filtered else ():
            company.create("customer", id=customer)
        kind = FilteredReplica if self.filtered else Replica
        self.replicas[account] = kind(company, self.platform.of(account))

    def filter(self, wanted: Filters) -> None:
        """Have these filters from now on, of all accounts."""
        self.platform.config = {**self.platform.config, "filters": wanted}
        for replica in self.replicas.values():
            if isinstance(replica, FilteredReplica):
                replica.filter(wanted)

    def change_access(self, change: Access) -> None:
        account, connected = f"acct_{change.account}", self.platform.emulator.connected
        if account in self.lost and change.what == "again":
            connected.again(account)
            self.lost.discard(account)
        elif account in connected and account not in self.lost and change.what != "again":
            connected.revoke(account, listed=change.what == "revoke but list")
            self.lost.add(account)

    def happen(self, change: Change) -> None:
        """Let a change happen on the next account."""
        replicas = [*self.replicas.values()]
        replicas[next(self.owners) % len(replicas)].happen(change)
        self.pass_time(0)

    def pass_time(self, seconds: int) -> None:
        """Let time pass on all accounts: they have one clock."""
        for replica in self.replicas.values():
            replica.company.emulator.pass_time(seconds)
            seconds = 0

    def delay(self, seconds: int) -> None:
        for replica in self.replicas.values():
            replica.company.emulator.event_delay = seconds

    def sync(self, setup: Setup, kill: Kill | None = None, meanwhile: Iterable[tuple[int, Change]] = ()) -> Sync:
        """Sync, and compare what the destination has then with what each account has. AssertionError if they differ."""
        for account, replica in self.replicas.items():
            self._tell_watermarks(account, replica)
            replica.give_up_on_what_is_gone()
        begun = {account: (each.company.number, each.company.now) for account, each in self.replicas.items()}
        done = self.platform.sync(
            kill=kill,
            meanwhile={request: partial(self.happen, change) for request, change in meanwhile},
            setup=setup,
            num_workers=self.workers,
        )
        self.syncs += 1
        if done.killed and kill:
            self.kills += 1
            return done
        assert done.code == 0, (done.code, done.output.errors, done.lines[-3:])
        assert done.output.statuses == dict.fromkeys(self.platform.streams, "COMPLETE"), done.output.statuses
        differences = [
            f"{account}: {line}"
            for account, replica in self.replicas.items()
            if account not in self.lost
            for stream in replica.connection.streams
            for line in replica.differences(stream, *begun[account])
        ]
        assert not differences, "\n".join(differences)
        self._check_told(begun)
        return done

    def _tell_watermarks(self, account: str, replica: Replica) -> None:
        """Let the account's connection know how far the platform's states say that it is."""
        for stream in replica.connection.streams:
            replica.connection.states.pop(stream, None)
            cursor = stream_rows()[stream].cursor
            if cursor is None or stream not in self.platform.states:
                continue
            state = PlatformState.parse(self.platform.state(stream), stream=stream, cursor=cursor)
            if own := state.of(account, key_of(account), cursor):
                replica.connection.states[stream] = {"stream": {"stream_state": own}}

    def _check_told(self, begun: dict[str, tuple[int, int]]) -> None:
        """`account_syncs` says of each account how far it is read, and of which ones a close misses something."""
        told = self.platform.told
        for account, (_, now) in begun.items():
            if account in self.lost and not self.replicas[account].connection.states:
                # It was never read, and Stripe does not list it any more.
                continue
            if account in self.lost:
                assert told[account]["status"] in ("refused", "gone"), told[account]
                assert (told[account]["read_until"] or 0) <= now, told[account]
            else:
                assert told[account]["status"] == "complete", told[account]
                assert told[account]["read_until"] == told[account]["synced_at"], told[account]


def play(history: PlatformHistory, setup: Setup = QUICK) -> PlatformReplica:
    """Let a history happen, and one more sync when all is quiet. AssertionError where a destination would be wrong."""
    base, emulator = history.base, StripeEmulator()
    setup, born = replace(setup, span=base.span), emulator.clock.now()
    if base.breaks is not None:
        emulator.faults.at_random(BROKEN, seed=base.breaks, faults=BREAKS)
    with serve(emulator):
        platform, filters = Platform(emulator, (SYNCS, *base.streams)), history.filters
        replica = PlatformReplica(platform, cycle(history.owners), base.workers, bool(filters))
        replica.add(emulator, base, 0)
        for number in range(1, _AT_FIRST):
            replica.connect(base, number, born=born)
        for number, one in enumerate(base.rounds):
            if number == history.comes:
                replica.connect(base, _AT_FIRST, born=born - len(history.owners) * 100 * _DAY)
            for change in history.access:
                if change.round == number:
                    replica.change_access(change)
            _play_round(replica, one, setup, dated(filters[number], born) if filters else {})
        for account in sorted(replica.lost):
            replica.change_access(Access(0, int(account.removeprefix("acct_")), "again"))
        replica.pass_time(LATE)
        emulator.clock.advance(1)
        replica.sync(setup)
    return replica


def _play_round(replica: PlatformReplica, one: Round, setup: Setup, filters: Filters) -> None:
    replica.delay(one.delay)
    for change in one.changes:
        replica.happen(change)
    if replica.filtered:
        replica.filter(filters)
    replica.sync(setup, one.kill, one.meanwhile)
