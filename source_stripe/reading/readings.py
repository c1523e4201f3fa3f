"""Readings: in which order, and from where on, a stream is read, and the state that it leaves.

This module has the two that need no events: whole, and by `created`. source_stripe/reading/changes.py has the third.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from source_stripe.api.account import Account, utc
from source_stripe.api.listing import Listing
from source_stripe.api.ranges import Range, intersect, merge
from source_stripe.objects.events import TRUSTED
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known
from source_stripe.reading.pieces import ChangedPiece, ListPiece, Phase, Piece
from source_stripe.reading.resuming import resume
from source_stripe.reading.state import ReadWith, StreamState, Window

logger = logging.getLogger("airbyte.stripe")

State = Mapping[str, Any]

GONE = (
    "Stripe keeps events for 30 days, and the stream %s was last read to its end too long ago: events from %s to %s "
    "may be missing."
)
"""Warns of rows that nobody can read any more."""


class Reading(Protocol):
    """How a stream is read. Used by one thread at a time."""

    def phases(self, account: Account, saved: State) -> Iterator[Phase]:
        """What to read. The next phase is asked for when all pieces of this one are finished."""

    def through(self, piece: ListPiece) -> State | None:
        """A list piece was read and its records emitted: the state that can be gone on from now, if that is new."""

    def final_state(self) -> State | None:
        """The state when all phases are through; None for a stream that has none."""

    def share(self) -> float | None:
        """How much of the time span to be read is through, 0 to 1; None where nobody can know."""


@dataclass
class WholeReading:
    """Everything, each time.

    With a cursor, rows of a later sync count as changed at the watermark, so that they replace what was there. With a
    `lookback` only children created since the watermark, and that many seconds before, are asked for.
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
    _state: StreamState = field(default_factory=StreamState)

    def phases(self, account: Account, saved: State) -> Iterator[Phase]:
        state = StreamState()
        if self.cursor is not None:
            state = resume(saved, self.stream, self.cursor, account, self.setting)
        known = Known(again=self.again)
        if self.lookback is None:
            known = replace(known, floor=state.watermark)
        else:
            children = Range(self._children_since(state, account), account.now, onward=True)
            again = Range(self.start, account.now, onward=True)
            known = replace(known, children=children, children_again=again)
        if self.of_events:
            warn_of_gone(self.stream, state, [Range(self.start, account.now)], account.now)
        self._state = replace(state, watermark=account.now, window=None)
        everything = Range(self.start, account.now, onward=True)
        yield Phase(first_pieces(self.listings, [everything], account.birth), known)

    def _children_since(self, state: StreamState, account: Account) -> int:
        if state.watermark is None:
            return max(self.start, account.birth or 0)
        # With an earlier start date than before, all of them.
        moved = state.window is not None
        return self.start if moved else max(self.start, state.watermark - (self.lookback or 0) - state.doubt)

    def through(self, piece: ListPiece) -> None:
        return None

    def final_state(self) -> State | None:
        return None if self.cursor is None else self._state.dump(self.cursor)

    def share(self) -> None:
        return None


@dataclass
class Progress:
    """How far a window is read, over several lists and passes: a range is done when all of them are through it."""

    listings: Sequence[Listing]
    window: Window
    birth: int | None = None
    """The account's (Unix seconds)."""
    _done: dict[tuple[int, Any], tuple[Range, ...]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How much of what may hold rows is done, 0 to 1."""
        return self.window.share(self.birth or 0)

    def through(self, piece: ListPiece) -> Window:
        """The window, with what this piece completes."""
        key, part = (piece.route, piece.asked), self.window.span if piece.created is None else piece.created
        self._done[key] = merge((*self._done.get(key, ()), part))
        every = [(route, asked) for route, listing in enumerate(self.listings) for asked in listing.passes]
        self.window = self.window.with_done(*intersect(self._done.get(one, ()) for one in every))
        return self.window


@dataclass
class CreatedReading:
    """By `created`: what came since the watermark, and what may have changed or appeared since."""

    stream: str
    cursor: str
    listings: Sequence[Listing]
    start: int
    lookback: int
    again: tuple[str, ...] = ()
    """Objects that earlier syncs were refused: those are read by their ids as well."""
    setting: ReadWith = field(default_factory=ReadWith)
    """What the stream is read with, by its config."""
    of_events: bool = False
    """Whether the rows are events, which Stripe does not keep."""
    _state: StreamState = field(default_factory=StreamState)
    _progress: Progress | None = None

    def phases(self, account: Account, saved: State) -> Iterator[Phase]:
        state = resume(saved, self.stream, self.cursor, account, self.setting)
        window = state.next_window(start=self.start, now=account.now, lookback=self.lookback + state.doubt)
        if self.of_events:
            warn_of_gone(self.stream, state, window.left, account.now)
        self._state = StreamState(account.now, window, state.read_with)
        self._progress = Progress(self.listings, window, account.birth)
        again = tuple(Change(each, account.now, None, deleted=False, shown={}) for each in self.again)
        refused_earlier = [ChangedPiece(0, again)] if again else []
        pieces: list[Piece] = [*first_pieces(self.listings, window.left, account.birth), *refused_earlier]
        yield Phase(pieces, Known(again=self.again))
        self._state = replace(self._state, window=None)

    def through(self, piece: ListPiece) -> State | None:
        if self._progress is None:
            return None
        self._state = replace(self._state, window=self._progress.through(piece))
        return self._state.dump(self.cursor)

    def final_state(self) -> State:
        return self._state.dump(self.cursor)

    def share(self) -> float | None:
        # Asked by another thread.
        progress = self._progress
        return progress.share if progress else None


def warn_of_gone(stream: str, state: StreamState, left: Sequence[Range], now: int) -> None:
    """Say which events a stream that goes on from this state can't read any more. `left` is what it has not read."""
    if state.watermark is None:
        return
    # Of a window that was interrupted, what was there at the time may be left.
    since = state.watermark - (TRUSTED if state.window is not None else 0)
    if gone := intersect([left, [Range(since, now - TRUSTED)]]):
        logger.warning(GONE, stream, utc(gone[0].start), utc(gone[-1].end))


def first_pieces(
    listings: Sequence[Listing], ranges: Sequence[Range], birth: int | None, *, expects: bool = False
) -> list[ListPiece]:
    """Of each list and pass all ranges, newest first. A list that can't be asked for a range is one piece.

    `birth` and `expects` as in ListPiece.
    """
    return [
        ListPiece(route, asked, created, expects=expects, birth=birth or 0)
        for route, listing in enumerate(listings)
        for asked in listing.passes
        for created in (reversed(ranges) if listing.range_filter is not None else [None])
    ]
