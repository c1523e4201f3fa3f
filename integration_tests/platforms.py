"""A platform as one connection syncs it: the rows of each account go to a small destination of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integration_tests.connection import Connection, stream_rows
from integration_tests.connector import Json
from integration_tests.convergence import differences, truth_of
from integration_tests.syncing import Sync, sync
from stripe_emulator import Request, StripeEmulator
from unit_tests.output import Output

ACCOUNT = "account_id"
SYNCS = "account_syncs"


@dataclass
class Platform:
    """What is kept between the syncs of a platform and its connected accounts. `config` has the keys that matter."""

    emulator: StripeEmulator
    streams: Sequence[str]
    config: Mapping[str, Any] = field(default_factory=lambda: {"connected_accounts": ["all"]})
    states: dict[str, Json] = field(default_factory=dict)
    """The last state message of each stream."""
    told: dict[str, Json] = field(default_factory=dict)
    """The newest row of `account_syncs`, by account."""
    _destinations: dict[str, Connection] = field(default_factory=dict)

    @property
    def own(self) -> str:
        """The id of the platform's own account."""
        return str(self.emulator.account["id"])

    @property
    def accounts(self) -> list[str]:
        """The ids of all accounts, the platform's own first."""
        return [self.own, *self.emulator.connected]

    def of(self, account: str) -> Connection:
        """What the destination has of an account."""
        if account not in self._destinations:
            read = (name for name in self.streams if name != SYNCS and (account == self.own or not is_platforms(name)))
            self._destinations[account] = Connection([*read])
        return self._destinations[account]

    def sync(self, *, after: int = 0, **options: Any) -> Sync:
        """The next sync, so many seconds later. Forgets the requests of the last one."""
        self.emulator.clock.advance(after)
        self.emulator.requests.clear()
        done = sync(self.emulator, self.streams, [*self.states.values()], **{**self.config, **options})
        self.take(done.output)
        return done

    def synced(self, *, after: int = 1_800, **options: Any) -> Sync:
        """The same, of a sync that goes well; at first longer after the last one than events come late."""
        done = self.sync(after=after, **options)
        assert done.code == 0, (done.output.errors, done.lines[-3:], done.stderr[-2_000:])
        assert done.output.statuses == dict.fromkeys(self.streams, "COMPLETE")
        return done

    def take(self, output: Output) -> None:
        """Keep what came out: rows by their accounts, and the last states."""
        by_account: dict[str, list[Json]] = {}
        for message in output.messages:
            if message["type"] != "RECORD":
                continue
            stream, row = message["record"]["stream"], message["record"]["data"]
            if stream == SYNCS:
                self.told[row[ACCOUNT]] = row
            else:
                by_account.setdefault(row[ACCOUNT], []).append({**message, "record": _own(stream, row)})
        for account, messages in by_account.items():
            assert account in {*self.accounts, *self.emulator.organization}, account
            assert {message["record"]["stream"] for message in messages} <= {*self.of(account).streams}
            self.of(account).take(Output(messages))
        for state in output.state_messages:
            self.states[state["stream"]["stream_descriptor"]["name"]] = state

    def state(self, stream: str) -> Json:
        content: Json = self.states[stream]["stream"]["stream_state"]
        return content

    def account(self, account: str) -> StripeEmulator:
        """An account, to be looked at."""
        return self.emulator if account == self.own else self.emulator.connected.lent(account)

    def wrong(self, accounts: Iterable[str] | None = None) -> list[str]:
        """How the destination differs from what the accounts hold: a line each."""
        listed = self.accounts if accounts is None else accounts
        return [f"{account}: {line}" for account in listed for line in self._wrong(account)]

    def _wrong(self, account: str) -> Iterator[str]:
        emulator, held = self.account(account), self.of(account)
        for stream in held.streams:
            truth, rows = truth_of(emulator, stream), held.current(stream)
            for key in truth.keys() | rows.keys():
                yield from differences(emulator, stream, rows.get(key), truth.get(key))


def is_platforms(stream: str) -> bool:
    """Whether a stream is read of the platform alone."""
    return stream_rows()[stream].belongs_to != "account"


def requests_by_account(requests: Iterable[Request], own: str) -> Mapping[str, Counter[str]]:
    """How often which address was asked for, by account."""
    counts: dict[str, Counter[str]] = {}
    for request in requests:
        counts.setdefault(request.account or own, Counter())[request.pattern] += 1
    return counts


def _own(stream: str, row: Json) -> Json:
    """A record as the account by itself would have it."""
    given = ACCOUNT in stream_rows()[stream].adds
    return {"stream": stream, "data": row if given else {name: row[name] for name in row if name != ACCOUNT}}
