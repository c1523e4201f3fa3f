"""Readings: which pieces a stream is read in, in which order, and the state that it leaves.

This module has the two that need no events: whole, and by `created`. source_stripe/reading/changes.py has the third.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from source_stripe.api.account import Account, utc
from source_stripe.api.listing import Listing
from source_stripe.api.ranges import Range, intersect, merge
from source_stripe.api.values import Params
from source_stripe.objects.events import TRUSTED
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known
from source_stripe.reading.open_ranges import DueRanges, OpenRanges
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.pieces import ChangedPiece, ListedPiece, ListPiece, Phase, Piece, SparsePiece
from source_stripe.reading.relisting import Relisting
from source_stripe.reading.resuming import resume
from source_stripe.reading.state import ReadWith, StreamState, Window

logger = logging.getLogger("airbyte.stripe")

State = Mapping[str, Any]

GONE = (
    "Stripe keeps events for 30 days, and the stream %s was last read to its end too long ago: events from %s to %s "
    "may be missing."
)
"""Logged where events are older than Stripe keeps them: nobody can read those any more."""


Pass: TypeAlias = tuple[int, Params]
"""The number of a list, and what is asked for with it."""
Phases: TypeAlias = Generator[Phase, None, None]


class Reading(Protocol):
    """How a stream is read: what the cursor asks it for. Used by one thread at a time, but for `part_read`."""

    def phases(self, account: Account, saved: State) -> Phases:
        """What to read. The next phase is asked for when all pieces of this one are finished. The failure of a piece is
        thrown into it.

        Raises StateError or OtherData where the saved state can't be gone on from.
        """

    def checkpoint(self, piece: ListedPiece) -> State | None:
        """The records of a list piece were emitted: the state that can be gone on from now, None if it is no other."""

    def final_state(self) -> State | None:
        """The state when all phases are finished; None for a stream that has none."""

    def part_read(self) -> float | None:
        """How much of the time span to be read is done, 0 to 1; None where nobody can know. From any thread."""


@dataclass
class WholeReading:
    """Reads everything, each time.

    With a cursor, rows of a later sync count as changed at the watermark, so that they replace what was there. With a
    `lookback` (seconds), only children are asked for that were created since that long before the watermark.
    """

    stream: str
    cursor: str | None
    listings: Sequence[Listing]
    start: int
    lookback: int | None = None
    again: tuple[str, ...] = ()
    """Objects that earlier syncs were refused."""
    setting: ReadWith = field(default_factory=ReadWith)
    """What the stream is read with, by its config."""
    of_events: bool = False
    """Whether the rows stand in events, which Stripe does not keep."""
    relisting: Relisting = field(default_factory=Relisting)
    """How often all children are asked for, where there is a `lookback`."""
    _state: StreamState = field(default_factory=StreamState)

    def phases(self, account: Account, saved: State) -> Phases:
        state = StreamState()
        if self.cursor is not None:
            state = resume(saved, self.stream, self.cursor, account, self.setting)
        # With a cursor, rows of a sync that was killed without a state may have left a filter since.
        first = self.cursor is None
        known = Known(again=self.again, first=first)
        if self.lookback is None:
            known = replace(known, floor=state.watermark)
        else:
            listed, began = self.relisting.begins(self.stream, state, start=self.start, now=account.now)
            state = replace(state, relisted=began)
            again = Range(self.start, account.now, onward=True)
            children = again if listed else replace(again, start=self._children_since(state, account))
            known = replace(known, children=children, children_again=again)
        if self.of_events:
            warn_of_gone(self.stream, state, [Range(self.start, account.now)], account.now)
        self._state = replace(state, watermark=account.now, window=None)
        everything = Range(self.start, account.now, onward=True)
        passes = every_pass(self.listings, first=first)
        yield Phase(first_pieces(self.listings, [everything], account.birth, passes), known)

    def _children_since(self, state: StreamState, account: Account) -> int:
        if state.watermark is None:
            return max(self.start, account.birth or 0)
        # With an earlier start date than before, all of them.
        moved = state.window is not None
        return self.start if moved else max(self.start, state.watermark - (self.lookback or 0) - state.doubt)

    def checkpoint(self, piece: ListedPiece) -> None:
        return None

    def final_state(self) -> State | None:
        return None if self.cursor is None else self._state.dump(self.cursor)

    def part_read(self) -> None:
        return None


@dataclass
class RangesDone:
    """Which ranges of a window are done. A range is done when every list and pass has emitted its rows."""

    listings: Sequence[Listing]
    window: Window
    birth: int | None = None
    """The account's (Unix seconds)."""
    passes: Sequence[Pass] = ()
    """Every way in which the lists are asked for here; as they are read later if empty."""
    _done: dict[tuple[int, Any], tuple[Range, ...]] = field(default_factory=dict)

    @property
    def part(self) -> float:
        """How much of the window since the account's birth is done, 0 to 1."""
        return self.window.part_done(self.birth or 0)

    def add(self, piece: ListedPiece) -> Window:
        """The window, with what this piece completes."""
        key = (piece.route, piece.asked)
        if isinstance(piece, SparsePiece):
            parts = piece.ranges
        else:
            parts = (self.window.span if piece.created is None else piece.created,)
        self._done[key] = merge((*self._done.get(key, ()), *parts))
        self.window = self.window.with_done(
            *intersect(self._done.get(one, ()) for one in self.passes or every_pass(self.listings))
        )
        return self.window


@dataclass
class ResumableReading:
    """A reading that goes on where an interrupted sync stopped: its checkpoints say which ranges are done."""

    stream: str
    cursor: str
    listings: Sequence[Listing]
    start: int
    """Unix seconds: nothing is listed that was created before."""
    lookback: int
    """Seconds before the watermark from which rows are listed again, as not all that happens to them is told."""
    again: tuple[str, ...] = ()
    """Objects that earlier syncs were refused: they are asked for again."""
    setting: ReadWith = field(default_factory=ReadWith)
    """What the stream is read with, by its config."""
    open_rows: OpenRows | None = None
    """The rows that can still change without an event; None where a look-back finds them, or none can."""
    lookback_once: int = 0
    """Seconds before the watermark in which rows may be open, where the state does not say which are."""
    relisting: Relisting = field(default_factory=Relisting)
    """How often all of it is listed."""
    _state: StreamState = field(default_factory=StreamState, init=False)
    _relisted: int | None = field(default=None, init=False)
    """When all of it was listed last (Unix seconds), as the state is to say it."""
    _due: RangesDone | None = field(default=None, init=False)
    """Of the open rows that are listed again; None where none are."""
    _ranges: RangesDone | None = field(default=None, init=False)
    """Of the window that is being read; None while none is."""

    def checkpoint(self, piece: ListedPiece) -> State | None:
        if isinstance(piece, SparsePiece) or piece.due:
            if self._due is None or self.open_rows is None:
                return None
            self.open_rows.through(self._due.add(piece).done)
        elif self._ranges is None:
            return None
        else:
            self._state = replace(self._state, window=self._ranges.add(piece))
        return self.final_state()

    def final_state(self) -> State:
        return self.state.dump(self.cursor)

    @property
    def state(self) -> StreamState:
        """Where the stream is."""
        open_ranges = self.open_rows.left if self.open_rows is not None else None
        return replace(self._state, open=open_ranges, relisted=self._relisted)

    def _begin_open_rows(self, state: StreamState, account: Account) -> None:
        if self.open_rows is None:
            return
        saved = state.open or OpenRanges()
        if state.open is None and state.watermark is not None and self.lookback_once:
            lately = Range(max(state.watermark - self.lookback_once, 0), state.watermark)
            saved = OpenRanges.of([DueRanges(None, (lately,))])
        self.open_rows.begin(saved, start=self.start, now=account.now)

    def _of_open_rows(self, but: Sequence[Range]) -> list[Piece]:
        """The pieces of open rows that are due, but for those in ranges that are listed anyway."""
        ranges = self.open_rows.to_list(but) if self.open_rows is not None else ()
        if not ranges:
            return []
        passes = every_pass(self.listings)
        self._due = RangesDone(self.listings, Window(Range(ranges[0].start, ranges[-1].end)), passes=passes)
        if len(ranges) == 1:
            return [ListPiece(route, asked, ranges[0], due=True) for route, asked in passes]
        return [SparsePiece(route, asked, ranges) for route, asked in passes]

    def _open_rows_are_through(self) -> None:
        self._due = None
        if self.open_rows is not None:
            self.open_rows.all_through()

    def part_read(self) -> float | None:
        # Another thread calls this.
        ranges = self._ranges
        return ranges.part if ranges else None


@dataclass
class CreatedReading(ResumableReading):
    """Reads by `created`: what came since the watermark, and again what may have changed or appeared since."""

    of_events: bool = False
    """Whether the rows are events, which Stripe does not keep."""

    def phases(self, account: Account, saved: State) -> Phases:
        state = resume(saved, self.stream, self.cursor, account, self.setting)
        self._begin_open_rows(state, account)
        listed, self._relisted = self.relisting.begins(self.stream, state, start=self.start, now=account.now)
        if listed:
            window = Window(Range(self.start, account.now), floor=state.watermark)
        else:
            window = state.next_window(start=self.start, now=account.now, lookback=self.lookback + state.doubt)
        if self.of_events:
            warn_of_gone(self.stream, state, window.left, account.now)
        self._state = StreamState(account.now, window, state.read_with)
        first = state.watermark is None and self.open_rows is None
        passes = every_pass(self.listings, first=first)
        self._ranges = RangesDone(self.listings, window, account.birth, passes)
        again = tuple(Change(each, account.now, None, deleted=False, shown={}) for each in self.again)
        refused_earlier = [ChangedPiece(0, again)] if again else []
        new = first_pieces(self.listings, window.left, account.birth, passes)
        known = Known(again=self.again, first=first)
        # If this sync is killed before its first checkpoint, the next one knows that rows and tombstones may be there.
        state_first = (first and any(each.first != each.again for each in self.listings)) or state.other_filters
        yield Phase([*new, *self._of_open_rows(window.left), *refused_earlier], known, state_first=state_first)
        self._open_rows_are_through()
        self._state = replace(self._state, window=None)


def warn_of_gone(stream: str, state: StreamState, left: Sequence[Range], now: int) -> None:
    """Warn of events that are gone before a stream that goes on from this state reads them: they lie in `left`."""
    if state.watermark is None:
        return
    # An interrupted window may have left events that were there at the time.
    since = state.watermark - (TRUSTED if state.window is not None else 0)
    if gone := intersect([left, [Range(since, now - TRUSTED)]]):
        logger.warning(GONE, stream, utc(gone[0].start), utc(gone[-1].end))


def first_pieces(
    listings: Sequence[Listing],
    ranges: Sequence[Range],
    birth: int | None,
    passes: Sequence[Pass] = (),
    *,
    expects: bool = False,
) -> list[ListPiece]:
    """All ranges of each pass, newest first. A list that can't be asked for a range is one piece.

    `passes` where they are others than those of later syncs.

    `birth` and `expects` as in ListPiece.
    """
    return [
        ListPiece(route, asked, created, expects=expects, birth=birth or 0)
        for route, asked in passes or every_pass(listings)
        for created in (reversed(ranges) if listings[route].has_ranges else [None])
    ]


def every_pass(listings: Sequence[Listing], *, first: bool = False) -> list[Pass]:
    """The numbers of lists, each with every way in which it is asked for. `first` where no row was emitted before."""
    return [(route, asked) for route, listing in enumerate(listings) for asked in listing.passes_to_read(first=first)]
