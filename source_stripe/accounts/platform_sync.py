"""A sync of many accounts: so many at a time, each a sync of its own, their messages merged into one order.

Threads take one account after the other and put its messages on one queue. Whoever reads `messages` takes them off, and
makes the states of the platform of those of its accounts: so none comes before the rows that it covers. See
docs/design/accounts.md, "Threads".
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

from airbyte_cdk.models import AirbyteMessage, AirbyteRecordMessage, AirbyteStreamStatus, StreamDescriptor
from airbyte_cdk.models import Type as MessageType
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams import NO_CURSOR_STATE_KEY
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.accounts.account_rows import STREAM as ACCOUNT_SYNCS
from source_stripe.accounts.account_rows import AccountRows, Status, gone, ids_of
from source_stripe.accounts.legs import Leg, Target, Visit, Wants, counted, visits
from source_stripe.accounts.listing import Accounts, requester_of
from source_stripe.accounts.one_account import Limits, OneAccount
from source_stripe.accounts.outcomes import Outcomes
from source_stripe.accounts.platform_state import Setting, State
from source_stripe.accounts.stream_sync import Of, StreamSync
from source_stripe.accounts.told_once import reading, told_once
from source_stripe.api.account import Account, KnownAccount, Reader
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.process.progress import Progress
from source_stripe.reading.cursor import state_message

logger = logging.getLogger("airbyte.stripe")

_WORKERS_OF_ONE = 4
"""Workers for each account that is read at the same time. See docs/design/accounts.md, "Threads"."""
_WAITING = 1_000
"""Messages of all accounts that wait to be taken. See docs/design/accounts.md, "Threads"."""
_EVERY = 30.0
"""Seconds from one state of a stream to the next. See docs/design/accounts.md, "State"."""
_ACCOUNTS = 1_000
"""Accounts after which a state comes earlier. See docs/design/accounts.md, "State"."""

_COLLECTED = 200
"""Accounts after which their cycles are collected. See docs/design/accounts.md, "Threads"."""

Build = Callable[
    [StripeRequester, Reader, MessageRepository, Collection[str], Callable[[str], State]], Sequence[AbstractStream]
]
"""Makes the streams of one account: asked for by this requester, with these states."""


@dataclass(frozen=True)
class Work:
    """What is to be done."""

    config: Config
    requester: StripeRequester
    accounts: Callable[[], Accounts]
    """Asks for the accounts."""
    build: Build
    rows: Mapping[str, StreamRow]
    """The selected streams, without `account_syncs`."""
    saved: Callable[[str], Mapping[str, Any]]
    refreshed: Collection[str]
    """Streams that are read anew."""
    tells_of_accounts: bool
    """Whether `account_syncs` is selected."""
    progress: Progress
    filters: Mapping[str, str] = field(default_factory=dict)
    """By stream the digest of its filters, where it has some."""


@dataclass(frozen=True)
class _Done:
    complete: frozenset[str]
    """The streams that were read to their end."""
    said: str | None
    """What went wrong."""


@dataclass
class _Emitted:
    """When a stream's last state went out."""

    at: float
    accounts: int = 0
    """How many were done since."""


@dataclass
class PlatformSync:
    """One sync. `messages` is for one thread."""

    work: Work
    clock: Callable[[], float] = time.monotonic
    _outcomes: Outcomes = field(default_factory=Outcomes, init=False)
    _syncs: dict[str, StreamSync] = field(default_factory=dict, init=False)
    _emitted: dict[str, _Emitted] = field(default_factory=dict, init=False)
    _running: set[str] = field(default_factory=set, init=False)
    _visits: deque[Visit] = field(default_factory=deque, init=False)
    _over: int = field(default=0, init=False)
    """Visits that are through."""
    _told_later: list[Target] = field(default_factory=list, init=False)
    """Accounts whose rows come at the end."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: Queue[tuple[Visit, AirbyteMessage | _Done] | None] = Queue(maxsize=_WAITING)
        self._stopped = threading.Event()

    def messages(self) -> Iterator[AirbyteMessage]:
        """All of it: records, states, what fails, and each stream's status."""
        names = [*self.work.rows, *([ACCOUNT_SYNCS] if self.work.tells_of_accounts else [])]
        yield from (_status(name, AirbyteStreamStatus.STARTED) for name in names)
        try:
            accounts = self.work.accounts()
        except AirbyteTracedException as why:
            self._outcomes.ended = why
            for name in names:
                yield from self._ended(name)
            return
        if self.work.tells_of_accounts:
            yield from self._new_ids(accounts)
        with told_once():
            yield from self._of_accounts(accounts)
        self._outcomes.end()
        for name in self.work.rows:
            yield from self._last_state(name)
            yield from self._ended(name)
        if self.work.tells_of_accounts:
            yield from self._told_at_the_end(AccountRows(accounts.own.now))
            yield from self._gone(accounts)
            yield from self._ended(ACCOUNT_SYNCS)

    def _of_accounts(self, accounts: Accounts) -> Iterator[AirbyteMessage]:
        self._begin(accounts)
        total = len(self._visits)
        if not total:
            return
        for name, sync in self._syncs.items():
            if sync.tells_first:
                yield state_message(name, sync.dump())
        self.work.progress.heading = lambda: f"accounts: {self._over:,} of {total:,} are through"
        workers = self.work.config.num_workers
        at_once = min(max(1, workers // _WORKERS_OF_ONE), total)
        limits = Limits(max(1, workers // at_once), max(1, _WAITING // at_once))
        pool = ThreadPoolExecutor(2 * workers, thread_name_prefix="accounts")
        try:
            for number in range(at_once):
                threading.Thread(
                    target=self._work, args=(pool, limits, accounts.own.now), daemon=True, name=f"account-{number}"
                ).start()
            yield from self._merged(at_once, AccountRows(accounts.own.now))
        finally:
            self._stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, accounts: Accounts) -> None:
        """What each stream wants of which accounts."""
        config, own = self.work.config, accounts.own
        platform = None if config.organization else own.id
        setting = Setting(platform, config.live, str(config.part))
        of = Of(setting, own.now, config.start_date, accounts.targets, config.part.of)
        wants: dict[str, Wants] = {}
        for name, row in self.work.rows.items():
            if row.cursor is None:
                wants[name] = Wants(row.belongs_to, rides=True)
                continue
            try:
                sync = StreamSync(
                    name,
                    row.cursor,
                    self.work.saved(name),
                    of,
                    row.belongs_to,
                    refresh=name in self.work.refreshed,
                    filters=self.work.filters.get(name),
                )
            except AirbyteTracedException as why:
                self._outcomes.failed[name] = why
                continue
            self._syncs[name], wants[name] = sync, sync.wants()
        self._visits = deque(visits(accounts.targets, wants))
        counts = counted(self._visits)
        for name, sync in self._syncs.items():
            sync.begin(counts.get(name, {}))
            self._emitted[name] = _Emitted(self.clock())
        others = f" of {accounts.total}" if config.part.of > 1 else ""
        logger.info("%d%s accounts are read.", len(accounts.targets), others)

    def _work(self, pool: ThreadPoolExecutor, limits: Limits, now: int) -> None:
        """Read one account after the other. Runs on several threads."""
        while (taken := self._next()) is not None:
            visit, states = taken
            one = OneAccount(visit.target.id, pool, limits)
            reading(visit.target.id, self._read, one, visit, states, now)
            self._queue.put((visit, self._judged(visit.target.id, one)))
        self._queue.put(None)

    def _judged(self, account: str, one: OneAccount) -> _Done:
        """What came of an account. What ends a stream, or all of them, does so before the next account is begun."""
        complete = frozenset(one.complete - one.failures.keys())
        with self._lock:
            said = self._outcomes.take(account, one.failures, len(complete))
            if said is not None and self.work.requester.in_vain:
                self._outcomes.in_vain(one.failures)
        return _Done(complete, said)

    def _read(self, one: OneAccount, visit: Visit, states: Mapping[str, State], now: int) -> None:
        target = visit.target
        requester = self._requester_of(target)
        try:
            reader = KnownAccount(Account(target.id, "", target.created, now))
            streams = self.work.build(requester, reader, one.messages, states.keys(), states.__getitem__)
            for message in one.read(streams):
                self._queue.put((visit, message))
        except Exception as error:
            for name in states:
                one.failures.setdefault(name, []).append(error)
        finally:
            if requester is not self.work.requester:
                requester.forget()

    def _requester_of(self, target: Target) -> StripeRequester:
        return requester_of(target, self.work.requester)

    def _next(self) -> tuple[Visit, dict[str, State]] | None:
        """The next account, and what its streams go on from. None behind the last one."""
        with self._lock:
            while self._visits and not self._stopped.is_set() and self._outcomes.ended is None:
                visit = self._visits.popleft()
                states: dict[str, State] = {}
                for name in visit.streams:
                    if name in self._outcomes.failed:
                        continue
                    sync = self._syncs.get(name)
                    states[name] = sync.hand_out(visit.target, visit.leg) if sync is not None else {}
                if states and visit.target.id not in self._outcomes.refused:
                    return Visit(visit.target, visit.leg, tuple(states)), states
                self._close(visit.target, states, ())
                self._over += 1
        return None

    def _merged(self, threads: int, rows: AccountRows) -> Iterator[AirbyteMessage]:
        """The messages of all accounts as they come, and the states that they make."""
        while threads:
            item = self._queue.get()
            if item is None:
                threads -= 1
                continue
            visit, content = item
            if isinstance(content, _Done):
                yield from self._through(visit, content, rows)
            elif content.record is not None:
                yield from self._record(content, content.record.stream)
            elif content.state is not None and content.state.stream is not None:
                name = content.state.stream.stream_descriptor.name
                if name in self._syncs:
                    with self._lock:
                        self._syncs[name].took(visit.target, _plain(content.state.stream.stream_state))
                    yield from self._state_if_due(name)

    def _record(self, message: AirbyteMessage, stream: str) -> Iterator[AirbyteMessage]:
        if stream not in self._running:
            self._running.add(stream)
            yield _status(stream, AirbyteStreamStatus.RUNNING)
        yield message

    def _through(self, visit: Visit, done: _Done, rows: AccountRows) -> Iterator[AirbyteMessage]:
        """An account was read, or not."""
        target, said = visit.target, done.said
        with self._lock:
            self._close(target, visit.streams, done.complete)
            self._over += 1
            until = self._read_until(target)
        if self._over % _COLLECTED == 0:
            gc.collect()
        if self.work.tells_of_accounts:
            status: Status = "complete" if said is None and until is not None else "behind"
            status = "refused" if target.id in self._outcomes.refused else status
            if status == "complete" and visit.leg is Leg.REST:
                # Its watermark is that of the interrupted sync until all accounts of that are through.
                self._told_later.append(target)
            else:
                yield from self._account_row(rows.row(target.id, until, status, said), rows.now)
        for name in visit.streams:
            if name in self._syncs:
                self._emitted[name].accounts += 1
                yield from self._state_if_due(name)

    def _close(self, target: Target, streams: Collection[str], complete: Collection[str]) -> None:
        for name in streams:
            if name in self._syncs:
                self._syncs[name].done(target, whole=name in complete)

    def _read_until(self, target: Target) -> int | None:
        """Up to when the streams of an account are read, all of them."""
        rows = self.work.rows
        times = [sync.read_until(target) for name, sync in self._syncs.items() if rows[name].belongs_to in target.owns]
        return None if None in times else min((time for time in times if time is not None), default=None)

    def _state_if_due(self, name: str) -> Iterator[AirbyteMessage]:
        """The stream's state, if the last one is long ago: the more accounts it has, the longer it is."""
        emitted, now = self._emitted[name], self.clock()
        share = min(1.0, (len(self._visits) + self._over) / _ACCOUNTS)
        if now - emitted.at < _EVERY * share and emitted.accounts < _ACCOUNTS * share:
            return
        if name not in self._outcomes.failed:
            with self._lock:
                state = self._syncs[name].dump()
            yield state_message(name, state)
        self._emitted[name] = _Emitted(now)

    def _last_state(self, name: str) -> Iterator[AirbyteMessage]:
        """At the end of the sync. A stream that failed keeps its last one."""
        if name in self._outcomes.failed:
            return
        if name in self._syncs:
            ended = self._outcomes.ended is None
            yield state_message(name, self._syncs[name].dump(ended=ended))
        elif self._outcomes.failure_of(name) is None:
            yield state_message(name, {NO_CURSOR_STATE_KEY: True})

    def _told_at_the_end(self, rows: AccountRows) -> Iterator[AirbyteMessage]:
        for target in self._told_later:
            yield from self._account_row(rows.row(target.id, self._read_until(target), "complete", None), rows.now)

    def _new_ids(self, accounts: Accounts) -> Iterator[AirbyteMessage]:
        """The ids of new accounts, before their rows: if this sync is killed, the next one knows of which to look."""
        saved, part = self.work.saved(ACCOUNT_SYNCS), self.work.config.part
        there = {*ids_of(saved)}
        if any(target.id not in there for target in accounts.targets):
            listed_before = gone(saved, accounts.targets, (part.number, part.of))
            rows = AccountRows(accounts.own.now)
            yield state_message(ACCOUNT_SYNCS, rows.state([*accounts.targets, *listed_before]))

    def _gone(self, accounts: Accounts) -> Iterator[AirbyteMessage]:
        """The last rows of `account_syncs`: of accounts that are there no more."""
        rows, part = AccountRows(accounts.own.now), self.work.config.part
        for target in gone(self.work.saved(ACCOUNT_SYNCS), accounts.targets, (part.number, part.of)):
            until = self._read_until(target)
            said = "Stripe does not list it any more, or connected_accounts does not name it."
            yield from self._account_row(rows.row(target.id, until, "gone", said), rows.now)
        yield state_message(ACCOUNT_SYNCS, rows.state(accounts.targets))

    def _account_row(self, row: dict[str, Any], now: int) -> Iterator[AirbyteMessage]:
        record = AirbyteRecordMessage(stream=ACCOUNT_SYNCS, data=row, emitted_at=now * 1_000)
        yield from self._record(AirbyteMessage(type=MessageType.RECORD, record=record), ACCOUNT_SYNCS)

    def _ended(self, name: str) -> Iterator[AirbyteMessage]:
        """The status of a stream, behind what failed."""
        failure = self._outcomes.failure_of(name)
        if failure is not None:
            yield failure.as_airbyte_message(StreamDescriptor(name=name))
        status = AirbyteStreamStatus.COMPLETE if failure is None else AirbyteStreamStatus.INCOMPLETE
        yield _status(name, status)


def _status(name: str, status: AirbyteStreamStatus) -> AirbyteMessage:
    return as_airbyte_message(StreamDescriptor(name=name), status)


def _plain(state: Any) -> dict[str, Any]:
    """A state message's content."""
    return dict(vars(state)) if state is not None else {}
