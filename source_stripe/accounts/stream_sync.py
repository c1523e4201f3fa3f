"""One stream's way through the accounts of a sync: what each goes on from, and the state at any time.

An account is known, behind or under way. So each state says exactly what was emitted: those under way stand in it with
their own states, of whatever passed to the output. Accounts are handed out by any thread, under the lock of the
platform's sync.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from source_stripe.accounts import known
from source_stripe.accounts.legs import Leg, Target, Wants
from source_stripe.accounts.packed_codes import PackedCodes
from source_stripe.accounts.platform_state import (
    DIFFERING,
    Mark,
    PlatformState,
    Run,
    Setting,
    State,
    code_of,
    lower,
    state_of,
)
from source_stripe.api.ranges import Range
from source_stripe.reading.resuming import OtherData, StateError
from source_stripe.reading.state import (
    PLATFORM,
    REFUSED,
    ReadWith,
    StreamState,
    UnknownStateError,
    Window,
    is_under_way,
    refused_in,
)

logger = logging.getLogger("airbyte.stripe")

MOVED = (
    "The stream %s read the part %s of the accounts so far, and reads %s now. Accounts that it does not know may have "
    "been another connection's: they are read whole, and their rows count as changed now. Deletions of the last 30 "
    "days are seen."
)
"""Logged where the part is another one than at the last sync."""


@dataclass(frozen=True)
class Of:
    """What a stream is read of in this sync."""

    setting: Setting
    now: int
    """Unix seconds: the cutoff of all accounts."""
    start_date: int | None
    targets: Sequence[Target]
    parts: int = 1


class StreamSync:
    """One stream that keeps a state. Not thread-safe."""

    def __init__(
        self,
        stream: str,
        cursor: str,
        saved: Mapping[str, Any],
        of: Of,
        belongs_to: str,
        *,
        refresh: bool,
        filters: str | None = None,
    ) -> None:
        """`filters` is the digest of those that the stream is read with.

        Raises StateError or OtherData where the saved state can't be gone on from.
        """
        self._stream, self._cursor, self._of, self._refresh = stream, cursor, of, refresh
        self._belongs_to, self._filters = belongs_to, filters
        self._ambiguous = known.ambiguous(target.key for target in of.targets)
        state = _taken(stream, cursor, saved, of, filters)
        if refresh and not (state.refresh and _reads_with(state.mark, self._now())):
            state = PlatformState(of.setting, self._now())
        self._mark, self._run = state.mark, state.run
        self._moved = state.moved or (state.setting.part != of.setting.part and bool(state.known or state.behind))
        if self._moved and not state.moved:
            logger.warning(MOVED, stream, state.setting.part, of.setting.part)
        there = {target.key for target in of.targets if belongs_to in target.owns}
        self._known = PackedCodes(pair for pair in state.known.pairs() if pair[0] in there)
        self._behind = self._still_behind(state, there)
        self._under_way: dict[str, State] = {}
        self._relisted: int | None = None
        self._seen = False
        self._left: dict[Leg, int] = {}
        self._interrupted = frozenset(key for key in state.new if self._is_in_part(key))
        self._new = {*self._interrupted, *(target.key for target in of.targets if self._is_new(target))}
        self._begun = of.now if state.begun is None else state.begun
        if self._run is not None and not _reads_with(self._run.mark, self._now()):
            # Accounts up to a key have another start date or filters than the others: what holds for all of them.
            self._mark, self._run = self._mark.lower(self._run.mark), None
        self._other_filters = self._doubt_filters()

    def wants(self) -> Wants:
        """What the stream wants of which accounts, before the first is handed out."""
        return Wants(
            self._belongs_to,
            known=() if self._refresh else self._known,
            through=self._run.through if self._run is not None else None,
            has=self._known if self._refresh else (),
            behind=self._is_behind,
        )

    def begin(self, left: Mapping[Leg, int]) -> None:
        """The sync begins: so many accounts are handed out in each leg."""
        self._left = dict(left)
        if self._run is None:
            self._begin_changes()
        elif not self._left.get(Leg.REST):
            self._rest_is_out()

    @property
    def tells_first(self) -> bool:
        """Whether a state has to come before any row, as it says more than the saved one.

        There are new accounts, or ones whose rows were brought by other filters.
        """
        return self._other_filters or not self._new <= self._interrupted

    def hand_out(self, target: Target, leg: Leg) -> State:
        """What an account goes on from. It is under way until it is `done`."""
        state = self._take(target)
        self._under_way[target.id] = state
        self._left[leg] -= 1
        if self._run is not None and leg is not Leg.LATER:
            self._run = replace(self._run, through=target.key)
            if not self._left[leg]:
                self._rest_is_out() if leg is Leg.REST else self._changes_are_out()
        return state

    def took(self, target: Target, state: State) -> None:
        """A state of an account that is under way passed to the output."""
        self._under_way[target.id] = state

    def done(self, target: Target, *, whole: bool) -> None:
        """An account was read; to its end if `whole`."""
        state = self._under_way.pop(target.id)
        if whole and target.key not in self._ambiguous and self._joins(target.key, state):
            self._new.discard(target.key)
        elif state:
            self._new.discard(target.key)
            self._behind[target.id] = state

    def dump(self, *, ended: bool = False) -> dict[str, Any]:
        """The state; at the `ended` sync without what it only needs while it goes on.

        First syncs that an earlier sync may have begun stay, of accounts that this one did not come to.
        """
        new = self._new & self._interrupted if ended else self._new
        under_way = {account: state for account, state in self._under_way.items() if state}
        state = PlatformState(
            self._of.setting,
            self._mark,
            self._known,
            self._run,
            {**self._behind, **under_way},
            moved=self._moved and not ended,
            refresh=self._refresh and not ended,
            begun=self._begun if new else None,
            new=frozenset(new),
        )
        return state.dump(self._cursor)

    def read_until(self, target: Target) -> int | None:
        """Up to when an account is read (Unix seconds); None where not all of it is."""
        state = self._under_way.get(target.id) or self._behind.get(target.id) or self._behind.get(target.key)
        if state is None and target.key in self._known:
            return self._mark_of(target.key).watermark
        if not state or "backfill" in state:
            return None
        return int(state[self._cursor])

    def _still_behind(self, state: PlatformState, there: Collection[str]) -> dict[str, State]:
        """Those that are behind, with those that are not `there` any more; without those of other parts."""
        setting, behind = self._of.setting, dict(state.behind)
        if self._refresh:
            begin = self._of.start_date or 0
            return {name: own for name, own in behind.items() if is_under_way(own, begin)}
        for key, code in state.known.pairs():
            if key not in there:
                behind[key] = state_of(None, state.mark_of(key), code, self._cursor, setting)
        return {name: own for name, own in behind.items() if self._is_in_part(name)}

    def _is_behind(self, target: Target) -> bool:
        return not self._behind.keys().isdisjoint(target.names)

    def _is_new(self, target: Target) -> bool:
        is_read = self._belongs_to in target.owns
        return is_read and target.key not in self._known and not self._is_behind(target)

    def _doubt_filters(self) -> bool:
        """Let no account be known by filters that it is not read with now; whether there are such accounts.

        As soon as one is handed out, some of its rows may be there, or gone, by the filters of now.
        """
        others = {name: state for name, state in self._behind.items() if _filters_of(state) != self._filters}
        for name, state in others.items():
            self._behind[name] = {**state, "read_with": {**state.get("read_with", {}), "filters": DIFFERING}}
        if self._known and self._mark.filters != self._filters:
            self._mark = replace(self._mark, filters=DIFFERING)
            return True
        return bool(others)

    def _is_in_part(self, name: str) -> bool:
        key = known.key_of(name) if name.startswith("acct_") else name
        number = int(self._of.setting.part.partition("/")[0])
        return known.part_of(key, self._of.parts) == number

    def _take(self, target: Target) -> State:
        for name in target.names:
            if name in self._behind:
                return self._behind.pop(name)
        code = self._known.pop(target.key)
        if code is not None:
            return state_of(target.id, self._mark_of(target.key), code, self._cursor, self._of.setting)
        if self._moved:
            return self._window(target, self._of.now, floor=self._of.now)
        return self._window(target, self._begun) if target.key in self._interrupted else {}

    def _window(self, target: Target, cutoff: int, floor: int | None = None) -> State:
        """The state of an account whose list is to be read, and what changes since `cutoff` (Unix seconds).

        With that as a floor all of it counts as changed then, as behind a gap.
        """
        window = Window(Range(min(self._of.start_date or 0, cutoff), cutoff), floor=floor)
        about = ReadWith(target.id, self._of.setting.live, self._of.start_date, self._filters)
        return StreamState(cutoff, window, about).dump(self._cursor)

    def _joins(self, key: str, state: State) -> bool:
        """Count an account as known, if its state says no more than a mark and a code can."""
        of_run = self._run is not None and key <= self._run.through
        mark = self._mark_of(key)
        if of_run or not self._known:
            # All of the run have what was seen last; where there are no others, the first one says it.
            mark = replace(mark, relisted=state.get("relisted"))
        code = code_of(state, mark, self._cursor, live=self._of.setting.live)
        if code is None:
            return False
        relisted = state.get("relisted")
        self._relisted, self._seen = lower(self._relisted, relisted) if self._seen else relisted, True
        if of_run and self._run is not None:
            self._run = replace(self._run, mark=replace(self._run.mark, relisted=self._relisted))
        elif not self._known:
            self._mark = mark
        self._known[key] = code
        return True

    def _mark_of(self, key: str) -> Mark:
        return self._run.mark if self._run is not None and key <= self._run.through else self._mark

    def _now(self) -> Mark:
        return Mark(self._of.now, self._of.start_date, filters=self._filters)

    def _rest_is_out(self) -> None:
        """All that an interrupted sync did not come to is handed out: known accounts are as far as that one was."""
        if self._run is not None:
            self._mark, self._run = self._run.mark, None
        self._begin_changes()

    def _begin_changes(self) -> None:
        if self._left.get(Leg.CHANGES):
            self._run = Run(replace(self._now(), relisted=self._mark.relisted))
        else:
            self._changes_are_out()

    def _changes_are_out(self) -> None:
        if self._run is not None:
            self._mark, self._run = self._run.mark, None
        elif not (self._refresh and self._known):
            # There are none, or this sync has read them all on the leg before.
            self._mark = replace(self._now(), relisted=self._mark.relisted)


def _taken(stream: str, cursor: str, saved: Mapping[str, Any], of: Of, filters: str | None) -> PlatformState:
    """The saved state; one of a single account is that account's."""
    fresh = PlatformState(of.setting, Mark(of.now, of.start_date, filters=filters))
    try:
        if isinstance(saved.get(PLATFORM), str):
            state = PlatformState.parse(saved, stream=stream, cursor=cursor)
            try:
                StreamState(state.mark.watermark).not_ahead_of(of.now)
            except ValueError:
                raise UnknownStateError(stream, saved) from None
        else:
            own = StreamState.parse(saved, stream=stream, cursor=cursor)
            if own.watermark is None:
                return fresh
            return _of_one(cursor, saved, own, of, fresh)
    except UnknownStateError as unknown:
        raise StateError(stream, unknown) from None
    _check(state.setting.platform, of.setting.platform)
    if state.setting.live != of.setting.live:
        raise OtherData(_mode(live=state.setting.live), _mode(live=of.setting.live))
    return state


def _of_one(cursor: str, saved: Mapping[str, Any], own: StreamState, of: Of, fresh: PlatformState) -> PlatformState:
    read_with = own.read_with or ReadWith()
    account = read_with.account or of.setting.platform
    if account is None or account not in {target.id for target in of.targets}:
        _check(account, of.setting.platform)
    if read_with.live is not None and read_with.live != of.setting.live:
        raise OtherData(_mode(live=read_with.live), _mode(live=of.setting.live))
    if account is None:
        return fresh
    about = replace(read_with, account=account, live=of.setting.live).dump()
    refused = refused_in(saved)
    state = {**own.dump(cursor), "read_with": about, **({REFUSED: list(refused)} if refused else {})}
    return replace(fresh, behind={account: state})


def _reads_with(mark: Mark, now: Mark) -> bool:
    """Whether accounts were read with what they are read with now."""
    return (mark.start_date, mark.filters) == (now.start_date, now.filters)


def _filters_of(state: State) -> str | None:
    filters: str | None = state.get("read_with", {}).get("filters")
    return filters


def _check(was: str | None, reads: str | None) -> None:
    if was and reads and was != reads:
        raise OtherData(f"the account {was}", f"the account {reads}")


def _mode(*, live: bool) -> str:
    return "live data" if live else "test data"
