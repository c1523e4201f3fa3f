"""The reading of a stream whose rows stand in the objects of several streams: the changes of each, under one state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range, intersect, merge, subtract
from source_stripe.objects.records import Known
from source_stripe.objects.shared_children import Shared
from source_stripe.reading.changes import ChangesReading
from source_stripe.reading.pieces import ListPiece, Phase
from source_stripe.reading.readings import State
from source_stripe.reading.state import StreamState, Window


@dataclass(frozen=True)
class Root:
    """The changes of one of the streams. `route` is that of its list, among the routes of the stream that is read."""

    reading: ChangesReading
    route: int


@dataclass
class SeveralRoots:
    """Reads the roots side by side. Each goes on from the state of the whole, and the whole is where the last one is.

    The first root asks for the events of all; all others find theirs folded already.
    """

    stream: str
    cursor: str
    roots: Sequence[Root]
    events_route: int
    shared: Shared

    def phases(self, account: Account, saved: State) -> Iterator[Phase]:
        under_way = [(root, root.reading.phases(account, saved)) for root in self.roots]
        while under_way:
            self._note_what_is_gone()
            next_ones = [(root, phases, next(phases, None)) for root, phases in under_way]
            under_way = [(root, phases) for root, phases, phase in next_ones if phase is not None]
            beside = tuple(self._of_stream(phase, root) for root, _, phase in next_ones if phase is not None)
            if beside:
                yield Phase([], Known(), any(phase.state_first for phase in beside), beside)

    def _note_what_is_gone(self) -> None:
        for root in self.roots:
            if root.reading.feed.tells_of_children:
                gone = (change.id for change in root.reading.feed.fold.changes if change.deleted)
                self.shared.gone = self.shared.gone.union(gone)

    def _of_stream(self, phase: Phase, root: Root) -> Phase:
        """A phase of a root, its pieces by the routes of the stream."""
        to = {root.reading.feed.route: self.events_route}
        return replace(phase, pieces=[replace(piece, route=to.get(piece.route, root.route)) for piece in phase.pieces])

    def checkpoint(self, piece: ListPiece) -> State | None:
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
