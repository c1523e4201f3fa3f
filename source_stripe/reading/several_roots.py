"""The reading of a stream whose rows stand in the objects of several streams: the changes of each, under one state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range, intersect, merge, subtract
from source_stripe.objects.records import Known
from source_stripe.objects.shared_children import Shared
from source_stripe.reading.changes import ChangesReading
from source_stripe.reading.feed import Ask, Asked, Place, Span
from source_stripe.reading.pieces import ListedPiece, Phase
from source_stripe.reading.readings import Phases, State
from source_stripe.reading.state import StreamState, Window


@dataclass(frozen=True)
class Root:
    """The changes of one of the streams. `route` is that of its list, among the routes of the stream that is read."""

    reading: ChangesReading
    route: int


@dataclass
class Seats:
    """The parts of one place in the feed: whoever of the roots asks first gets a span for all of them.

    One thread makes the phases of all roots, side by side: so those that come later let a phase pass, and do not wait.
    """

    place: Place
    entered: bool = False
    asked: Ask | None = None
    """What `span` was asked for."""
    span: Span | None = None
    asking: bool = False

    def seat(self, number: int) -> RootSeat:
        return RootSeat(self, number)


@dataclass(frozen=True)
class RootSeat:
    """The part of one of the roots, by the number of its fold."""

    seats: Seats
    number: int

    def enter(self, account: Account) -> None:
        if not self.seats.entered:
            self.seats.entered = True
            self.seats.place.enter(account)

    def next(self, ask: Ask, account: Account) -> Asked:
        seats = self.seats
        while seats.asking:
            yield Phase([], Known())
        if seats.span is None or seats.asked != ask:
            seats.asking = True
            seats.span = yield from seats.place.next(ask, account)
            seats.asked, seats.asking = ask, False
        return replace(seats.span, folds=[seats.span.folds[self.number]])

    def leave(self) -> None:
        """Does nothing: the stream leaves when all of its roots are read."""


@dataclass
class SeveralRoots:
    """Reads the roots side by side: each goes on from the state of the whole, which is where the last one is."""

    stream: str
    cursor: str
    roots: Sequence[Root]
    events_route: int
    shared: Shared
    seats: Seats

    def phases(self, account: Account, saved: State) -> Phases:
        try:
            yield from self._phases(account, saved)
        finally:
            self.seats.span = None
            self.seats.place.leave()

    def foresees(self, account: Account, saved: State) -> Ask | None:
        """The events that the first root will ask for."""
        return self.roots[0].reading.foresees(account, saved)

    def _phases(self, account: Account, saved: State) -> Phases:
        under_way = [(root, root.reading.phases(account, saved)) for root in self.roots]
        while under_way:
            next_ones = [(root, phases, next(phases, None)) for root, phases in under_way]
            self._note_what_is_gone()
            under_way = [(root, phases) for root, phases, phase in next_ones if phase is not None]
            beside = tuple(self._of_stream(phase, root) for root, _, phase in next_ones if phase is not None)
            if beside:
                yield Phase([], Known(), any(phase.state_first for phase in beside), beside)

    def _note_what_is_gone(self) -> None:
        """Before any row is read of what a span names."""
        if self.seats.span is None:
            return
        for root, fold in zip(self.roots, self.seats.span.folds, strict=True):
            if root.reading.following.tells_of_children:
                self.shared.gone = self.shared.gone.union(change.id for change in fold.changes if change.deleted)

    def _of_stream(self, phase: Phase, root: Root) -> Phase:
        """A phase of a root, its pieces by the routes of the stream."""
        # Pieces of the feed say so by its route among those of the whole stream.
        of_feed = self.events_route
        pieces = [replace(piece, route=of_feed if piece.route == of_feed else root.route) for piece in phase.pieces]
        return replace(phase, pieces=pieces)

    def checkpoint(self, piece: ListedPiece) -> State | None:
        root = next((root for root in self.roots if root.route == piece.route), None)
        if root is None or root.reading.checkpoint(replace(piece, route=0)) is None:
            return None
        return self.final_state()

    def final_state(self) -> State:
        return together([root.reading.state for root in self.roots]).dump(self.cursor)

    def part_read(self) -> float | None:
        # Another thread calls this.
        parts = [part for root in self.roots if (part := root.reading.part_read()) is not None]
        return min(parts, default=None)


def together(states: Sequence[StreamState]) -> StreamState:
    """The state from which all of them can be gone on from: what not all have done is not done.

    One without a window has done all of it.
    """
    watermarks = [state.watermark for state in states if state.watermark is not None]
    windows = [state.window for state in states if state.window is not None]
    watermark = min(watermarks) if len(watermarks) == len(states) else None
    if not windows:
        return replace(states[0], watermark=watermark, window=None)
    span = Range(min(each.span.start for each in windows), max(each.span.end for each in windows))
    floors = [each.floor for each in windows if each.floor is not None]
    done = intersect(merge((*each.done, *subtract(span, [each.span]))) for each in windows)
    return replace(states[0], watermark=watermark, window=Window(span, done, max(floors, default=None)))
