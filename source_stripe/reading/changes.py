"""The reading of a stream that has events: a back-fill once, then what the events say has changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from source_stripe.api.account import Account
from source_stripe.api.listing import Listing
from source_stripe.api.ranges import Range
from source_stripe.api.values import Params
from source_stripe.objects.events import OVERLAP, RETENTION, TRUSTED, ChangedParent, Fold, Plan, id_of, is_gap, plan
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import ById, Change, Changes
from source_stripe.objects.records import Known
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece, Phase, Piece
from source_stripe.reading.readings import RangesDone, ResumableReading, State, first_pieces
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
class Feed:
    """The events that a stream follows: the route that reads them, and the fold that takes them."""

    route: int
    listing: Listing
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

    The watermark moves on when all changes that events named until then are emitted. An interrupted back-fill goes on
    behind them: it may take longer than Stripe keeps events, and be interrupted again.
    """

    feed: Feed = field(kw_only=True)
    new_children_only: bool = field(default=False, kw_only=True)
    """Of a parent that changed, ask only for children created since the watermark."""
    shared: bool = field(default=False, kw_only=True)
    """Rows may stand in objects of other lists too: all that are read again count as changed when the sync began."""
    quiet: bool = field(default=False, kw_only=True)
    """Another reading of the same stream logs the warnings about its state."""

    def phases(self, account: Account, saved: State) -> Iterator[Phase]:
        now, known = account.now, Known(again=self.again)
        state = resume(saved, self.stream, self.cursor, account, self.setting, quiet=self.quiet)
        watermark, window = self._begin(state, now)
        self._state = StreamState(now if watermark is None else watermark, window, state.read_with)
        first, overlap = state.watermark is None, OVERLAP + state.doubt
        unlisted = window is not None and (window.floor is not None or (first and self.feed.names_unlisted))
        if unlisted:
            yield Phase(self._events(now - RETENTION, now), known)
        elif watermark is not None:
            yield Phase(self._events(watermark - overlap, now), known)
        # The pieces that read the events are finished now: the fold has all of them.
        if state.watermark is not None and self.feed.parent_field is None:
            for each in self.again:
                # When these objects changed is unknown; it was before the watermark, as what was read then.
                self.feed.fold.touch(each, state.watermark)
        changes = self.feed.fold.changes
        if watermark is not None and self._loses_track(changes, watermark - overlap):
            floor = watermark if window is None or window.floor is None else max(watermark, window.floor)
            unlisted, watermark, window = True, None, Window(Range(self.start, now), floor=floor)
            self._state = StreamState(now, window, state.read_with)
        if unlisted and window is not None:
            known = self._knowing(known, changes, floor=self._floor(window, now))
            yield Phase(self._bury(changes, window), known)
        if watermark is not None:
            phase = self._follow(changes.since(watermark - overlap), watermark, state.doubt, now)
            known = phase.known
            yield phase
            del phase
            self._state = replace(self._state, watermark=now)
        if window is not None:
            known = self._before_back_fill(known, changes, self._floor(window, now), unlisted=unlisted)
            self._ranges = RangesDone(self.listings, window, account.birth)
            pieces = first_pieces(self.listings, window.left, account.birth, expects=bool(known.born))
            yield Phase(pieces, known, state_first=True)
            self._ranges = None
            self._state = replace(self._state, window=None)
            if watermark is None and state.watermark is not None and self.again:
                yield Phase(self._refused_earlier(state.watermark), known)
        # Everything is emitted. The other streams of the sync need the memory.
        self.feed.fold.forget()

    @property
    def state(self) -> StreamState:
        """Where the stream is."""
        return self._state

    def _begin(self, state: StreamState, now: int) -> tuple[int | None, Window | None]:
        """The watermark since which changes are followed up, if they can be, and the window of the list to read."""
        watermark, window = state.watermark, state.window
        if watermark is None:
            return None, Window(Range(self.start, now))
        if is_gap(watermark, now):
            if not self.quiet:
                logger.warning(GAP, self.stream)
            # Not the watermark: a sync that was killed may have left rows that are newer.
            return None, Window(Range(self.start, now), floor=now - TRUSTED)
        if window is not None and window.floor is not None:
            # As well: of the rows that it left, the events may be gone by now.
            window = replace(window, floor=max(window.floor, now - TRUSTED))
        return watermark, window

    def _bury(self, changes: Changes, window: Window) -> list[Piece]:
        """Emit tombstones for deletions that events still record, and rows that lists hide, before the list is read.

        If this sync is killed, the events may be gone when the next one comes. Only objects of the window count.
        """
        planned = plan(_that_may_be_in(window, changes), since=0, start=self.start)
        hidden = planned.there.grouped(_is_hidden).get(True, changes.only([]))
        return [ChangedPiece(0, planned.gone.and_then(hidden)), *self._lone(changes)]

    def _lone(self, changes: Changes) -> list[Piece]:
        """The piece of objects that have no parent."""
        route, field = self.feed.lone, self.feed.parent_field
        if route is None or field is None:
            return []
        lone = [change for change in changes if not change.deleted and not id_of(change.shown, field)]
        return [ChangedPiece(route, tuple(lone))] if lone else []

    def _loses_track(self, changes: Changes, since: int) -> bool:
        """Whether an event since then does not name what has to be read again."""
        unreadable, field = self.feed.fold.unreadable, self.feed.parent_field
        lost = None
        if unreadable is not None and unreadable.time >= since:
            lost = unreadable.name
        elif field is not None and self.feed.lone is None:
            named = (change for change in changes.since(since) if not change.deleted and field not in change.shown)
            lost = next((f"{change.id} without its {field}" for change in named), None)
        if lost is not None:
            logger.warning(UNREADABLE, self.stream, lost)
        return lost is not None

    def _follow(self, changes: Changes, watermark: int, doubt: int, now: int) -> Phase:
        """What brings the changes since a watermark."""
        since = watermark - self.lookback - doubt
        floor = now if self.shared else watermark if self.feed.misses_births else None
        known = Known(ById(changes), floor=floor, again=self.again)
        if self.feed.parent_field is not None:
            pieces = self._of_parents(changes, self.feed.parent_field)
            return Phase([*pieces, *self._parents_again(watermark, pieces)], known)
        if self.new_children_only:
            children = Range(max(since, self.start), now, onward=True)
            known = replace(known, children=children, children_again=Range(self.start, now, onward=True))
        planned = plan(changes, since=since, start=self.start)
        return Phase(self._changed(planned, since, now), replace(known, born=ById(planned.born)))

    def _floor(self, window: Window, now: int) -> int | None:
        return now if self.shared and window.floor is not None else window.floor

    def _before_back_fill(self, known: Known, changes: Changes, own_floor: int | None, *, unlisted: bool) -> Known:
        """What is known of the rows of a back-fill. `unlisted` where lists may lack some of them."""
        # The floor of what was followed up goes for these rows too: they may stand in both.
        floors = (floor for floor in (own_floor, known.floor) if floor is not None)
        known = replace(self._knowing(known, changes, floor=max(floors, default=None)), children=None, born=ById.none())
        if not unlisted or self.feed.hydrator is None:
            return known
        there = plan(changes, since=0, start=self.start).there
        return replace(known, born=ById(there.grouped(_is_hidden).get(False, changes.only([]))))

    def _knowing(self, known: Known, changes: Changes, *, floor: int | None) -> Known:
        """The same, with what happened last to each object whose row is to come."""
        known = replace(known, floor=floor)
        if self.feed.parent_field is not None:
            # A sync that was killed may have put down these times for all children of the parents.
            lone = changes if self.feed.lone is not None else ()
            own = {change.id: change for change in lone}
            return replace(known, changed={**own, **_parents_of(changes, self.feed.parent_field)})
        return known if self.feed.hydrator is None else replace(known, changed=ById(changes))

    def _events(self, since: int, now: int) -> list[ListPiece]:
        span = Range(since, now + 1)
        return [ListPiece(self.feed.route, asked, span) for asked in self.feed.listing.passes]

    def _changed(self, planned: Plan, since: int, now: int) -> list[Piece]:
        """The pieces that bring what the events name."""
        pieces: list[Piece] = []
        if self.feed.misses_births:
            lately = Range(since, now + 1, onward=True)
            pieces += [ListPiece(0, asked, lately, expects=True) for asked in self.listings[0].passes]
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
        if self.feed.parent_field is not None:
            return self._parents_again(watermark, ())
        again = (Change(each, watermark, None, deleted=False, shown={}) for each in self.again)
        return [ChangedPiece(0, tuple(again))]

    def _parents_again(self, watermark: int, pieces: Iterable[Piece]) -> list[Piece]:
        """The pieces that bring the children which earlier syncs were refused, but for those that `pieces` bring."""
        if self.feed.parent_field is None:
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
        hydrator = self.feed.hydrator
        return changes.grouped(lambda change: hydrator.asked_for(change) if hydrator else None)

    def _of_parents(self, changes: Changes, parent_field: str) -> list[Piece]:
        children: dict[str, list[Change]] = {}
        gone: list[Change] = []
        for change in changes:
            if change.deleted:
                gone.append(change)
            elif parent := id_of(change.shown, parent_field):
                children.setdefault(parent, []).append(change)
        parents = (ChangedParent(parent, tuple(named)) for parent, named in children.items())
        pieces: list[Piece] = [*(ParentsPiece(0, (parent,)) for parent in parents), *self._lone(changes)]
        return [*pieces, ChangedPiece(0, tuple(gone))] if gone else pieces


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
