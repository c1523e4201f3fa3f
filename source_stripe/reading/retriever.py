"""The retriever: reads a stream's pieces and turns their rows into records."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

from airbyte_cdk.sources.declarative.retrievers import Retriever
from airbyte_cdk.sources.types import StreamSlice

from source_stripe.api.errors import Outcome, StreamFailure, StripeError, ends
from source_stripe.api.pages import Page
from source_stripe.api.ranges import Descent, PageSpan, Range
from source_stripe.api.refusals import Refused, is_of_one
from source_stripe.api.values import Row, unix_seconds
from source_stripe.objects.children import Children
from source_stripe.objects.covering import Cover
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.hydration import Hydrator, hydrate
from source_stripe.objects.ledger import Change, Missing
from source_stripe.objects.records import Known, Several
from source_stripe.objects.route import Route
from source_stripe.process.progress import Progress
from source_stripe.reading.batches import Batches, Flush
from source_stripe.reading.frontier import Frontier, PieceReader
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece, RowsPiece

logger = logging.getLogger("airbyte.stripe")

_STEPS_A_CHECKPOINT = 5
"""Pages, and handfuls of rows that cost requests, from one checkpoint of a reader to its next. What came since the last
one comes again if the sync is killed; each costs as much as a few rows."""
_ROWS_LEFT_AT_ONCE = 5
"""Rows that an idle worker takes over: few, as each costs at least a request."""


@dataclass
class StripeRetriever(Retriever):
    """Reads pieces of lists. Declared in the manifest; made for each stream by source_stripe/streams.py."""

    name: str
    routes: tuple[Route, ...]
    frontier: Frontier
    known: Known
    progress: Progress
    start: int
    """Rows created before (Unix seconds) are left out."""
    checkpoint: Callable[[ListPiece], object]
    """Called with a part of a list, while the rest of it is read on: all records of it were emitted."""
    refused: Refused
    """The objects that the stream is read without."""
    batches: Batches | None = None
    """Where records are handed over a page at a time; one by one if None."""
    _said_empty: threading.Lock = field(default_factory=threading.Lock)
    """Taken for good by the first part of the stream that finds it empty: all its parts do."""

    def read_records(
        self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """The records of the slice's piece. Raises StripeError or MalformedPage; the piece then stays open."""
        if stream_slice is None:
            raise ValueError(f"{self.name} is read by slices")
        self.progress.reading(self.name)
        number: int = stream_slice.extra_fields["piece"]
        with self.frontier.reading(number) as reader, ends(self.name):
            records = self._read(reader)
            if self.batches is None:
                yield from (record for record in records if not isinstance(record, Flush))
            else:
                yield from self.batches.of(self.name, records)

    def _read(self, reader: PieceReader) -> Iterator[Row | Flush]:
        piece = reader.piece
        route = self.routes[piece.route]
        if isinstance(piece, RowsPiece):
            yield from self._records(route, piece.rows)
        elif isinstance(piece, ListPiece):
            yield from self._listed(reader, route)
        elif isinstance(piece, ChangedPiece):
            yield from self._changed(piece, route, reader)
        else:
            yield from self._children_of(piece, route)

    def _listed(self, reader: PieceReader, route: Route) -> Iterator[Row | Flush]:
        piece = reader.list_piece
        unseen = self.known.born.missing() if piece.expects else None
        descent = Descent(_STEPS_A_CHECKPOINT)
        for page in self._pages(reader, route):
            if unseen:
                for row in page.rows:
                    unseen.came(str(row.get("id")))
            steps = yield from self._on_page(reader, route, page, piece.created)
            if self._behind(page.rows, route, piece, unseen):
                break
            span = self._span(page, route)
            second = None if span is None else descent.through(span, steps)
            if second is not None and (part := self._part(reader.list_piece, second)) is not None:
                yield from self._missed(unseen, route, part, reader)
                yield Flush()
                if (completed := reader.checkpoint(second)) is not None:
                    self.checkpoint(completed)
                descent.said()
            # While the next page is on its way nobody else holds on to this one.
            page.taken()
        if unseen:
            yield from self._missed(unseen, route, reader.list_piece, reader)

    def _on_page(
        self, reader: PieceReader, route: Route, page: Page, created_in: Range | None
    ) -> Generator[Row | Flush, None, int]:
        """The records of a page; returns in how many steps this reader made them."""
        wanted = page.rows
        if self.start or route.listing.range_filter is None:
            wanted = [row for row in page.rows if self._wanted(row, route, created_in)]
        steps = 0
        for rows in self._kept(reader, route, wanted):
            yield from self._records(route, rows)
            steps += 1
        return steps

    def _behind(self, rows: Sequence[Row], route: Route, piece: ListPiece, unseen: Missing | None) -> bool:
        """Whether a list that can't be asked for a range, newest first, has come down to rows older than wanted.

        One that comes in another order is read to its end.
        """
        if route.listing.range_filter is not None or piece.created is None or not rows:
            return False
        times = [route.listing.created(row) for row in rows]
        oldest, said = times[-1], [time for time in times if time is not None]
        if oldest is None:
            return not unseen
        return oldest < piece.created.start and all(newer >= older for newer, older in pairwise(said))

    def _part(self, piece: ListPiece, second: int) -> ListPiece | None:
        """A list piece from `second` on, if it goes on before that."""
        if piece.created is None or not piece.created.start < second < piece.created.end:
            return None
        return replace(piece, created=replace(piece.created, start=second))

    def _missed(self, unseen: Missing | None, route: Route, piece: ListPiece, reader: PieceReader) -> Iterator[Row]:
        """What should have been in a list, by its events, and was not: lists hide it, or it is gone already."""
        if not unseen or route.hydrator is None or piece.created is None:
            return
        for change in unseen.created_in(piece.created):
            if route.hydrator.asked_for(change) == piece.asked:
                yield from self._changed(ChangedPiece(piece.route, (change,)), route, reader)

    def _pages(self, reader: PieceReader, route: Route) -> Iterator[Page]:
        page: Page | None = None
        while page is None or page.next is not None:
            piece = reader.list_piece
            try:
                page = route.listing.page(piece.asked, piece.created, page, {})
            except StripeError as error:
                if error.outcome is not Outcome.NOT_ENABLED or page is not None:
                    raise
                if self._said_empty.acquire(blocking=False):
                    logger.warning("The stream %s stays empty. %s", self.name, error)
                return
            span = self._span(page, route)
            readers = 0 if span is None else route.listing.worth_having_under_way()
            reader.page_came(rows=bool(page.rows), more=page.next is not None, span=span, readers=readers)
            yield page

    def _span(self, page: Page, route: Route) -> PageSpan | None:
        """The seconds of a page behind which a list can be cut.

        Each part of a list that can't be asked for a range would be read from its top again.
        """
        can_be_cut = route.listing.range_filter is not None and page.next is not None
        return route.listing.span(page) if can_be_cut and page.rows else None

    def _kept(self, reader: PieceReader, route: Route, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """The rows for this reader: all, but for those that idle workers take over where each costs requests."""
        costs = route.projection.costs
        costly = [row for row in rows if costs(row)]
        if not costly:
            yield rows
            return
        free = [row for row in rows if not costs(row)]
        for first in range(0, len(costly), _ROWS_LEFT_AT_ONCE):
            few = costly[first : first + _ROWS_LEFT_AT_ONCE]
            if not reader.leave(few):
                yield few
        yield free

    def _records(self, route: Route, rows: Sequence[Row]) -> Iterator[Row]:
        created, updated, records = route.listing.created, self.known.updated, route.projection.records
        for row in rows:
            try:
                yield from records(row, updated(row.get("id", ""), created(row)))
            except StreamFailure as failure:  # noqa: PERF203 - costs nothing where nothing is raised
                self._refuse(route, str(row.get("id", "")), failure)

    def _refuse(self, route: Route, object_id: str, failure: StreamFailure) -> None:
        """Go on without an object. Raises the failure where it is not about it alone."""
        if not is_of_one(failure):
            raise failure
        if isinstance(route.projection, Several):
            route.projection.refuse(object_id, failure)
            return
        for each in self._to_ask_again(route, object_id, failure):
            self.refused.put_down(each, failure)

    def _to_ask_again(self, route: Route, object_id: str, failure: StreamFailure) -> Sequence[str]:
        """The ids by which later syncs find what is missing of a listed object: where events name the parents of
        children, those; else its own.
        """
        children = route.projection
        if not isinstance(children, Children) or not children.own_events:
            return [object_id]
        if not failure.parents and isinstance(children.parent, Children):
            raise failure
        return failure.parents or [object_id]

    def _changed(self, piece: ChangedPiece, route: Route, reader: PieceReader) -> Iterator[Row]:
        """Objects that changed, as they are now; tombstones of those that are gone."""
        gone = 0
        for change in piece.changes:
            if change.deleted:
                gone += 1
                yield from self._tombstones(change, route)
        if route.hydrator is None or gone == len(piece.changes):
            return
        by_time = route.listing.range_filter is not None
        there = [change for change in piece.changes if not change.deleted] if gone else piece.changes
        cover = Cover(there, can_list=piece.asked is not None, by_time=by_time)
        asked = piece.asked if by_time else None
        for change, row in hydrate(route.hydrator, piece.asked, cover, partial(self._refuse, route)):
            if row is None:
                yield from self._tombstones(change, route)
            elif self._wanted(row, route, None):
                yield from self._records(route, [row])
            reader.hand_out(lambda idle: [ChangedPiece(piece.route, part, asked) for part in cover.share(idle)])

    def _tombstones(self, change: Change, route: Route) -> Iterable[Row]:
        """No older than the rows that they replace: those of what was created in the future are ahead of all events."""
        own = unix_seconds(change.shown.get("updated"))
        least = max(time for time in (change.time, change.created, own) if time is not None)
        time = self.known.updated(change.id, least)
        return route.projection.tombstones(replace(change, time=least if time is None else time))

    def _children_of(self, piece: ParentsPiece, route: Route) -> Iterator[Row]:
        """The children of parents that events named."""
        if not isinstance(route.projection, Children):
            raise TypeError(f"{self.name} has no children to read")
        for changed in piece.parents:
            try:
                yield from self._of_parent(changed, route.projection, route.hydrator)
            except StreamFailure as failure:  # noqa: PERF203 - each of them is a request
                self.refused.put_down(changed.id, failure)

    def _of_parent(self, changed: ChangedParent, children: Children, hydrator: Hydrator | None) -> Iterator[Row]:
        if not children.params_from or hydrator is None:
            yield from children.of(changed)
            return
        parent = hydrator.get(Change(changed.id, changed.time, None, deleted=False, shown={}))
        if parent is not None:
            yield from children.records(parent, changed.time)

    def _wanted(self, row: Row, route: Route, created_in: Range | None) -> bool:
        created = route.listing.created(row)
        if created is None:
            # A list that was asked for a range has put it there. Of any other, events tell what is new.
            asked = route.listing.range_filter is not None or created_in is None
            return asked or str(row.get("id")) in self.known.born
        if created_in is not None and route.listing.range_filter is None and not created_in.holds(created):
            return False
        return created >= self.start
