"""The reading of a stream that has events: a back-fill once, then what the events say has changed."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range
from source_stripe.api.values import Params
from source_stripe.objects.events import OVERLAP, RETENTION, TRUSTED, ChangedParent, Fold, Plan, id_of, is_gap, plan
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import ById, Change, Changes, Ledger
from source_stripe.objects.records import Known
from source_stripe.reading.feed import Ask, Seat, Span
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece, Phase, Piece
from source_stripe.reading.readings import Pass, Phases, RangesDone, ResumableReading, State, every_pass, first_pieces
from source_stripe.reading.resuming import resume
from source_stripe.reading.state import StreamState, Window

logger = logging.getLogger("airbyte.stripe")

GAP = (
    "The stream %s was last synced more than 29 days ago, and Stripe keeps events for 30: it is read whole again. What "
    "was deleted more than 30 days ago can't be seen; its rows stay in the destination."
)
"""Logged where the watermark is older than the events that Stripe keeps."""
UNREADABLE = (
    "The stream %s is read whole again, as nobody knows what changed: an event does not say what it is about (%s)."
)
"""Logged where an event names no object."""


@dataclass(frozen=True)
class Following:
    """How a stream goes by events: what takes them, and how what changed is read again."""

    fold: Fold
    hydrator: Hydrator | None
    """How what changed is read again; None where the events name parents, whose children are."""
    parent_field: str | None = None
    """The field of an event's object that names the parent."""
    misses_births: bool = False
    """Some creations have no event: so what was created lately is listed too."""
    names_unlisted: bool = False
    """They name objects that no list shows: the first sync too reads those of the last 30 days."""
    lone: int | None = None
    """Of the stream's routes the one of objects that have no parent, which no list shows; None where each has one."""
    tells_of_children: bool = False
    """They are about the stream's own rows, which stand in the objects of several others."""


@dataclass
class ChangesReading(ResumableReading):
    """Reads a stream that has events: a back-fill once, then what changed.

    The watermark moves on when all changes that a span of events named are emitted. An interrupted back-fill goes on
    behind them: it may take longer than Stripe keeps events, and be interrupted again.
    """

    following: Following = field(kw_only=True)
    seat: Seat = field(kw_only=True)
    new_children_only: bool = field(default=False, kw_only=True)
    """Of a parent that changed, ask only for children created since the watermark."""
    shared: bool = field(default=False, kw_only=True)
    """Rows may stand in objects of other lists too: all that are read again count as changed when the sync began."""
    refresh: Sequence[Params] = field(default=(), kw_only=True)
    """What the list is asked for, to be read whole in later syncs: such rows can change without an event."""
    quiet: bool = field(default=False, kw_only=True)
    """Another reading of the same stream logs the warnings about its state."""

    def phases(self, account: Account, saved: State) -> Phases:
        try:
            self.seat.enter(account)
            yield from self._phases(account, saved)
        finally:
            self.seat.leave()

    def foresees(self, account: Account, saved: State) -> Ask | None:
        """The events that the stream will ask for first. None if it needs none, or can't go on from this state."""
        try:
            state = resume(saved, self.stream, self.cursor, account, self.setting, quiet=True)
        except AirbyteTracedException:
            return None
        return self._begin(state, account.now).ask

    def _phases(self, account: Account, saved: State) -> Phases:
        now = account.now
        state = resume(saved, self.stream, self.cursor, account, self.setting, quiet=self.quiet)
        if state.watermark is not None and is_gap(state.watermark, now) and not self.quiet:
            logger.warning(GAP, self.stream)
        self._begin_open_rows(state, account)
        _, self._relisted = self.relisting.begins(self.stream, state, start=self.start, now=now, quiet=self.quiet)
        task, known, changes = self._begin(state, now), Known(again=self.again), Changes.all_of(Ledger())
        self._state = StreamState(now if task.watermark is None else task.watermark, task.window, state.read_with)
        if task.ask is not None:
            span = yield from self.seat.next(task.ask, account)
            if state.watermark is not None and self.following.parent_field is None:
                # When the refused objects changed is unknown; it was before the watermark, as what was read then.
                for each in self.again:
                    span.fold.touch(each, state.watermark)
            task, span, known = yield from self._follow_up(task, span, account)
            changes = span.fold.changes
        if task.window is not None:
            known = self._before_back_fill(known, changes, self._floor(task.window, now), unlisted=task.unlisted)
            first = state.watermark is None
            if first and (young := self._young(account)):
                yield Phase(young, known)
            passes, expects = self._passes(known, first=first, anew=state.other_filters)
            self._ranges = RangesDone(self.listings, task.window, account.birth, passes)
            pieces = first_pieces(self.listings, task.window.left, account.birth, passes, expects=expects)
            yield Phase(pieces, replace(known, first=first), state_first=True)
            self._ranges = None
            self._state = replace(self._state, window=None)
            if task.watermark is None and state.watermark is not None and self.again:
                yield Phase(self._refused_earlier(state.watermark), known)
        self._open_rows_are_through()

    def _young(self, account: Account) -> list[ListPiece]:
        """What brings the rows that may be open, where a list that is asked for all filters leaves some of them out."""
        young = None if self.open_rows is None else self.open_rows.rule.young
        if young is None or all(each.first == each.again for each in self.listings):
            return []
        lately = Range(max(self.start, account.now - young), account.now, onward=True)
        return [ListPiece(route, asked, lately) for route, asked in every_pass(self.listings)]

    def _passes(self, known: Known, *, first: bool, anew: bool) -> tuple[list[Pass], bool]:
        """How the lists of a back-fill are asked for, and whether what events name has to be in them.

        If it has to, a filter that events were not tested for would make each object that it leaves out be got by its
        id. So such lists are asked for less, but for those that nothing of was read before with these filters.
        """
        if known.born and not first and not anew:
            return [(route, asked) for route, each in enumerate(self.listings) for asked in each.passes], True
        wide = all(each.passes_to_read(first=first) == each.passes for each in self.listings)
        return every_pass(self.listings, first=first), bool(known.born) and wide

    def _follow_up(
        self, task: _Task, span: Span, account: Account
    ) -> Generator[Phase, None, tuple[_Task, Span, Known]]:
        """What changed, span by span. Returns what is left to do, the last span, and what is known since."""
        known, later = Known(again=self.again), False
        while True:
            if task.watermark is not None and self._loses_track(span.fold, task.since(span)):
                if not span.last:
                    span = yield from self.seat.next(Ask(span.start, whole=True), account)
                task = self._anew(task, account.now)
            if task.unlisted and task.window is not None:
                changes = span.fold.changes
                known = self._knowing(known, changes, floor=self._floor(task.window, account.now))
                yield Phase(self._bury(changes, task.window), known)
            if task.watermark is None:
                return task, span, known
            phase = self._follow(span, task, account.now, later=later)
            known = phase.known
            beside = () if later else self._untold(known, task, account.now)
            yield replace(phase, beside=beside)
            del phase
            self._state = replace(self._state, watermark=min(span.end, account.now))
            if span.last:
                return task, span, known
            later, span = True, (yield from self.seat.next(Ask(span.end), account))

    def _begin(self, state: StreamState, now: int) -> _Task:
        """What is to be done: changes are followed up since the watermark, if they can be, and a window is read."""
        watermark, window = state.watermark, state.window
        if watermark is None:
            unlisted = self.following.names_unlisted
            return _Task(None, 0, Window(Range(self.start, now)), unlisted, _of_last_30_days(now) if unlisted else None)
        if is_gap(watermark, now):
            # Not the watermark: a sync that was killed may have left rows that are newer.
            window = Window(Range(self.start, now), floor=now - TRUSTED)
            return _Task(None, 0, window, unlisted=True, ask=_of_last_30_days(now))
        unlisted = False
        if self.relisting.is_due(state, start=self.start, now=now):
            # Of what is newer, events tell.
            window = Window(Range(min(self.start, watermark), watermark), floor=watermark)
        elif window is not None and window.floor is not None:
            # As well: of the rows that it left, the events may be gone by now.
            window = replace(window, floor=max(window.floor, now - TRUSTED))
            unlisted = not state.other_filters or self.following.names_unlisted
        ask = _of_last_30_days(now) if unlisted else Ask(watermark - OVERLAP - state.doubt)
        return _Task(watermark, state.doubt, window, unlisted, ask)

    def _anew(self, task: _Task, now: int) -> _Task:
        """The stream is read whole. No row counts as older than those that were emitted so far."""
        floors = (self._state.watermark, task.window.floor if task.window else None)
        window = Window(Range(self.start, now), floor=max(floor for floor in floors if floor is not None))
        self._state = StreamState(now, window, self._state.read_with)
        return _Task(None, 0, window, unlisted=True, ask=None)

    def _bury(self, changes: Changes, window: Window) -> list[Piece]:
        """Emit tombstones for deletions that events still record, and rows that lists hide, before the list is read.

        If this sync is killed, the events may be gone when the next one comes. Only objects of the window count.
        """
        planned = plan(_that_may_be_in(window, changes), since=0, start=self.start)
        hidden = planned.there.grouped(_is_hidden).get(True, changes.only([]))
        return [ChangedPiece(0, planned.gone.and_then(hidden)), *self._lone(changes)]

    def _lone(self, changes: Changes) -> list[Piece]:
        """The piece of objects that have no parent."""
        route, field = self.following.lone, self.following.parent_field
        if route is None or field is None:
            return []
        lone = [change for change in changes if not change.deleted and not id_of(change.shown, field)]
        return [ChangedPiece(route, tuple(lone))] if lone else []

    def _loses_track(self, fold: Fold, since: int) -> bool:
        """Whether an event since then does not name what has to be read again."""
        unreadable, field = fold.unreadable, self.following.parent_field
        lost = None
        if unreadable is not None and unreadable.time >= since:
            lost = unreadable.name
        elif field is not None and self.following.lone is None:
            named = (change for change in fold.changes.since(since) if not change.deleted and field not in change.shown)
            lost = next((f"{change.id} without its {field}" for change in named), None)
        if lost is not None:
            logger.warning(UNREADABLE, self.stream, lost)
        return lost is not None

    def _follow(self, span: Span, task: _Task, now: int, *, later: bool) -> Phase:
        """What brings the changes of a span. `later` where it is not the first one: all before it was emitted."""
        watermark, since = task.watermark or 0, task.before(self.lookback)
        changes = span.fold.changes.since(task.since(span))
        created = Range(span.start if later else since, span.end, onward=span.last)
        floor = now if self.shared else watermark if self.following.misses_births else None
        known = Known(ById(changes), floor=floor, again=self.again)
        if self.following.parent_field is not None:
            pieces = self._of_parents(changes, self.following.parent_field)
            again = () if later else self._parents_again(watermark, pieces)
            return Phase([*pieces, *again], known, state_first=later)
        if self.new_children_only:
            children = Range(max(since, self.start), now, onward=True)
            known = replace(known, children=children, children_again=Range(self.start, now, onward=True))
        until = None if span.last else span.end
        planned = plan(changes, since=created.start, start=self.start, until=until)
        return Phase(self._changed(planned, created), replace(known, born=ById(planned.born)), state_first=later)

    def _untold(self, known: Known, task: _Task, now: int) -> tuple[Phase, ...]:
        """The rows that may have changed without an event: they replace what the last sync wrote."""
        births = Range(task.before(self.lookback), now + 1)
        of_open = self._of_open_rows([births] if self.following.misses_births else ())
        refreshed = [
            ListPiece(0, (*asked, *those), None)
            for those in self.refresh
            for asked in self.listings[0].passes_to_read(first=False)
        ]
        floor = max(time for time in (known.floor, task.watermark, 0) if time is not None)
        since = replace(known, floor=floor, born=ById.none(), changed_elsewhere=True)
        phases = (Phase(of_open, replace(since, rows_only=True)), Phase(refreshed, since))
        return tuple(phase for phase in phases if phase.pieces)

    def _floor(self, window: Window, now: int) -> int | None:
        return now if self.shared and window.floor is not None else window.floor

    def _before_back_fill(self, known: Known, changes: Changes, own_floor: int | None, *, unlisted: bool) -> Known:
        """What is known of the rows of a back-fill. `unlisted` where lists may lack some of them."""
        # The floor of what was followed up goes for these rows too: they may stand in both.
        floors = (floor for floor in (own_floor, known.floor) if floor is not None)
        known = replace(self._knowing(known, changes, floor=max(floors, default=None)), children=None, born=ById.none())
        if not unlisted or self.following.hydrator is None:
            return known
        there = plan(changes, since=0, start=self.start).there
        return replace(known, born=ById(there.grouped(_is_hidden).get(False, changes.only([]))))

    def _knowing(self, known: Known, changes: Changes, *, floor: int | None) -> Known:
        """The same, with what happened last to each object whose row is to come."""
        known = replace(known, floor=floor)
        if self.following.parent_field is not None:
            # A sync that was killed may have put down these times for all children of the parents.
            lone = changes if self.following.lone is not None else ()
            own = {change.id: change for change in lone}
            return replace(known, changed={**own, **_parents_of(changes, self.following.parent_field)})
        return known if self.following.hydrator is None else replace(known, changed=ById(changes))

    def _changed(self, planned: Plan, created: Range) -> list[Piece]:
        """The pieces that bring what the events name, and what was created meanwhile."""
        pieces: list[Piece] = []
        if self.following.misses_births:
            pieces += [ListPiece(0, asked, created, expects=True) for asked in self.listings[0].passes]
            rest = planned.older
        else:
            born, single = self._born(planned.born)
            pieces += born
            rest = single.and_then(planned.older)
        if planned.gone:
            pieces.append(ChangedPiece(0, planned.gone))
        return pieces + self._again(rest)

    def _refused_earlier(self, watermark: int) -> list[Piece]:
        """After a gap: lists may hide what earlier syncs were refused."""
        if self.following.parent_field is not None:
            return self._parents_again(watermark, ())
        again = (Change(each, watermark, None, deleted=False, shown={}) for each in self.again)
        return [ChangedPiece(0, tuple(again))]

    def _parents_again(self, watermark: int, pieces: Iterable[Piece]) -> list[Piece]:
        """The pieces that bring the children which earlier syncs were refused, but for those that `pieces` bring."""
        if self.following.parent_field is None:
            return []
        named = {parent.id for piece in pieces if isinstance(piece, ParentsPiece) for parent in piece.parents}
        parents = (ChangedParent(each, (), since=watermark) for each in self.again if each not in named)
        return [ParentsPiece(0, (parent,)) for parent in parents]

    def _born(self, born: Changes) -> tuple[list[ListPiece], Changes]:
        """Lists of what was created since, and single objects that no list is worth."""
        pieces, single = [], born.only([])
        for asked, changes in self._by_list(born).items():
            newest, oldest = changes[0].created, changes[-1].created
            if len(changes) == 1 or asked is None or newest is None or oldest is None:
                single = single.and_then(changes)
                continue
            pieces.append(ListPiece(0, asked, Range(oldest, newest + 1), expects=True))
        return pieces, single

    def _again(self, changes: Changes) -> list[Piece]:
        return [ChangedPiece(0, group, asked) for asked, group in self._by_list(changes).items()]

    def _by_list(self, changes: Changes) -> dict[Params | None, Changes]:
        """Changes by how a list is asked for them."""
        hydrator = self.following.hydrator
        return changes.grouped(lambda change: hydrator.asked_for(change) if hydrator else None)

    def _of_parents(self, changes: Changes, parent_field: str) -> list[Piece]:
        children: dict[str, list[Change]] = {}
        gone: list[Change] = []
        for change in changes:
            if change.deleted:
                gone.append(change)
            elif parent := id_of(change.shown, parent_field):
                children.setdefault(parent, []).append(change)
        parents = (ChangedParent.of(parent, named) for parent, named in children.items())
        pieces: list[Piece] = [*(ParentsPiece(0, (parent,)) for parent in parents), *self._lone(changes)]
        return [*pieces, ChangedPiece(0, tuple(gone))] if gone else pieces


@dataclass(frozen=True)
class _Task:
    """What a sync has to do for a stream."""

    watermark: int | None
    """Since when changes are followed up; None if they can't be."""
    doubt: int
    window: Window | None
    """What of the list is read behind that."""
    unlisted: bool
    """Whether that list lacks what events of the last 30 days name."""
    ask: Ask | None
    """The events to begin with."""

    def since(self, span: Span) -> int:
        """From when on (Unix seconds) a span's events are followed."""
        return max(span.start, self.before(OVERLAP))

    def before(self, seconds: int) -> int:
        """So long before the watermark, and longer where that is in doubt."""
        return (self.watermark or 0) - seconds - self.doubt


def _of_last_30_days(now: int) -> Ask:
    return Ask(now - RETENTION, whole=True)


def _is_hidden(change: Change) -> bool:
    return change.hidden


def _that_may_be_in(window: Window, changes: Changes) -> Changes:
    """Those of objects that were created in what is left of a window, or that don't say."""
    ledger, left = changes.ledger, window.left
    return changes.only(
        place
        for place in changes.places
        if not ledger.says_created(place) or any(piece.holds(ledger.created_at(place)) for piece in left)
    )


def _parents_of(children: Iterable[Change], parent_field: str) -> dict[str, Change]:
    """Changes of children as those of their parents, the newest of each."""
    named = ((id_of(change.shown, parent_field), change) for change in children)
    oldest_first = sorted(((parent, change) for parent, change in named if parent), key=lambda pair: pair[1].time)
    return {parent: Change(parent, change.time, None, deleted=False, shown={}) for parent, change in oldest_first}
