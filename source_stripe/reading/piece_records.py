"""The records of one piece: what it is read from, page by page, and what becomes of its rows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from source_stripe.api.errors import Outcome, StreamFailure, StripeError
from source_stripe.api.pages import Page
from source_stripe.api.ranges import Descent, Range, without
from source_stripe.api.refusals import Refused, is_of_one
from source_stripe.api.values import Params, Row, unix_seconds
from source_stripe.objects.children import Children
from source_stripe.objects.covering import Cover
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.hydration import Hydrator, hydrate
from source_stripe.objects.ledger import Change, Missing
from source_stripe.objects.records import Known, Several
from source_stripe.objects.route import Route
from source_stripe.reading.batches import Flush
from source_stripe.reading.frontier import PieceReader
from source_stripe.reading.open_ranges import left_behind
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.pieces import ChangedPiece, ListedPiece, ListPiece, ParentsPiece, RowsPiece, SparsePiece

logger = logging.getLogger("airbyte.stripe")

STAYS_EMPTY = "The stream %s stays empty. %s"
"""Logged where the account has not turned on what the stream lists."""
_STEPS_A_CHECKPOINT = 5
"""Steps from one checkpoint of a reader to its next: pages, and handfuls of rows that cost requests. If the sync is
killed, what came since the last checkpoint comes again. A checkpoint costs as much as a few rows. See
docs/design/state.md, "Checkpoints"."""
_ROWS_LEFT_AT_ONCE = 5
"""Rows that an idle worker takes over at a time: few, as each costs a request or more. See
docs/design/reading-and-splitting.md, "Rows that cost requests"."""


@dataclass(frozen=True)
class PieceRecords:
    """Makes the records of one piece, on the thread that reads it."""

    stream: str
    route: Route
    reader: PieceReader
    start: int
    """Rows created before (Unix seconds) are left out."""
    checkpoint: Callable[[ListedPiece], object]
    """Called with a part of a list, while the rest of it is read on: all records of it were emitted."""
    refused: Refused
    """Takes up the objects that the stream is read without."""
    said_empty: threading.Lock
    """Held for good by the first piece that finds the product disabled, so that the warning comes once a stream."""
    open_rows: OpenRows | None = None
    """Takes down the rows that can still change without an event."""

    def all(self) -> Iterator[Row | Flush]:
        """The records. Raises StripeError or MalformedPage."""
        piece = self.reader.piece
        if isinstance(piece, RowsPiece):
            yield from self._records(piece.rows)
        elif isinstance(piece, ListPiece):
            yield from self._listed(piece)
        elif isinstance(piece, SparsePiece):
            yield from self._sparse(piece)
        elif isinstance(piece, ChangedPiece):
            yield from self._changed(piece)
        else:
            yield from self._children_of(piece)

    @property
    def _known(self) -> Known:
        return self.reader.known

    def _listed(self, piece: ListPiece) -> Iterator[Row | Flush]:
        unseen = self._known.born.missing() if piece.expects else None
        descent = Descent(_STEPS_A_CHECKPOINT)
        # The range that the list could not be asked for: only its rows that were created then are wanted.
        by_hand = None if self.route.listing.has_ranges else piece.created
        for page in self._pages():
            if unseen:
                for row in page.rows:
                    unseen.came(str(row.get("id")))
            steps = yield from self._on_page(page, by_hand, due=piece.due)
            if self._behind(page.rows, by_hand, unseen):
                break
            span = self.route.listing.split_at(page)
            second = None if span is None else descent.emitted_from(span, steps)
            if second is not None and (part := self._part(second)) is not None:
                yield from self._missed(unseen, part)
                yield Flush()
                if (completed := self.reader.checkpoint(second)) is not None:
                    self.checkpoint(completed)
                descent.checkpointed()
            # While the next page is on its way nobody else holds on to this one.
            page.taken()
        if unseen:
            yield from self._missed(unseen, self.reader.list_piece)

    def _on_page(self, page: Page, by_hand: Range | None, *, due: bool) -> Generator[Row | Flush, None, int]:
        """The records of a page. Returns in how many steps this reader made them."""
        wanted: Sequence[Row] = page.rows
        if self.start or by_hand is not None:
            wanted = [row for row in page.rows if self._wanted(row, by_hand)]
        if self.open_rows is not None:
            wanted = self._noting(wanted, self.open_rows, due=due)
        steps = 0
        for rows in self._kept(wanted):
            yield from self._records(rows)
            steps += 1
        return steps

    def _behind(self, rows: Sequence[Row], by_hand: Range | None, unseen: Missing | None) -> bool:
        """Whether a list that can't be asked for a range has come to rows older than the range.

        Only where its rows come newest first: a list in another order is read to its end.
        """
        if by_hand is None or not rows:
            return False
        times = [self.route.listing.created(row) for row in rows]
        oldest, said = times[-1], [time for time in times if time is not None]
        if oldest is None:
            return not unseen
        return oldest < by_hand.start and all(newer >= older for newer, older in pairwise(said))

    def _part(self, second: int) -> ListPiece | None:
        """The piece from `second` (Unix) on; None if nothing of it lies before."""
        piece = self.reader.list_piece
        if piece.created is None or not piece.created.start < second < piece.created.end:
            return None
        return replace(piece, created=replace(piece.created, start=second))

    def _missed(self, unseen: Missing | None, piece: ListPiece) -> Iterator[Row]:
        """The records of objects that are missing in a list though events name them: hidden, or gone meanwhile."""
        hydrator = self.route.hydrator
        if not unseen or hydrator is None or piece.created is None:
            return
        for change in unseen.created_in(piece.created):
            if hydrator.asked_for(change) == piece.asked:
                yield from self._changed(ChangedPiece(piece.route, (change,)))

    def _noting(self, rows: Sequence[Row], open_rows: OpenRows, *, due: bool) -> Sequence[Row]:
        """The rows that are wanted, all open ones noted. `due` where the page was listed for rows that were open."""
        created = self.route.listing.created
        for row in rows:
            open_rows.note(row, created(row))
        return [row for row in rows if open_rows.wants(row, created(row))] if due else rows

    def _sparse(self, piece: SparsePiece) -> Iterator[Row]:
        """Rows that were open. A page brings those of all ranges that it reaches."""
        listing, open_rows, ranges = self.route.listing, self.open_rows, piece.ranges
        if open_rows is None:
            raise TypeError(f"{self.stream} notes no open rows")
        while ranges:
            page = self._page(piece.asked, Range(ranges[0].start, ranges[-1].end), None)
            if page is None:
                return
            rows = [row for row in page.rows if self._is_in(row, ranges)]
            yield from self._records(self._noting(rows, open_rows, due=True))
            rest = left_behind(listing.newest_first(page), ranges, more=page.next is not None)
            if rest.dense:
                piece = replace(piece, ranges=without(piece.ranges, rest.dense))
                dense = [ListPiece(piece.route, piece.asked, each, due=True) for each in rest.dense]
                self.reader.hand_on(piece, dense)
            ranges = rest.sparse

    def _is_in(self, row: Row, ranges: Sequence[Range]) -> bool:
        created = self.route.listing.created(row)
        return created is None or (created >= self.start and any(each.holds(created) for each in ranges))

    def _page(self, asked: Params, created: Range | None, previous: Page | None) -> Page | None:
        """The page behind `previous`, or the first; None where the account has not turned the product on."""
        try:
            return self.route.listing.page(asked, created, previous, {})
        except StripeError as error:
            if error.outcome is not Outcome.NOT_ENABLED or previous is not None:
                raise
            if self.said_empty.acquire(blocking=False):
                logger.warning(STAYS_EMPTY, self.stream, error)
            return None

    def _pages(self) -> Iterator[Page]:
        listing, page = self.route.listing, self.reader.list_piece.behind
        while page is None or page.next is not None:
            if self.route.is_full is not None and self.route.is_full():
                return
            piece = self.reader.list_piece
            page = self._page(piece.asked, piece.created, page)
            if page is None:
                return
            span = listing.split_at(page)
            readers = 0 if span is None else listing.worth_having_under_way()
            self.reader.page_came(rows=bool(page.rows), more=page.next is not None, span=span, readers=readers)
            yield page

    def _kept(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """The rows that this reader keeps: all but those that cost requests and that idle workers take over."""
        costs = self.route.projection.costs
        costly = [row for row in rows if costs(row)]
        if not costly:
            yield rows
            return
        free = [row for row in rows if not costs(row)]
        for first in range(0, len(costly), _ROWS_LEFT_AT_ONCE):
            few = costly[first : first + _ROWS_LEFT_AT_ONCE]
            if not self.reader.leave(few):
                yield few
        yield free

    def _records(self, rows: Sequence[Row]) -> Iterator[Row]:
        route, known = self.route, self._known
        created, updated, records = route.listing.created, known.updated, route.projection.records
        for row in filter(known.brings, rows) if known.changed_elsewhere else rows:
            try:
                yield from records(row, updated(row.get("id", ""), created(row)), known)
            except StreamFailure as failure:  # noqa: PERF203 - costs nothing where nothing is raised
                self._refuse(str(row.get("id", "")), failure)

    def _refuse(self, object_id: str, failure: StreamFailure) -> None:
        """Go on without an object. Raises the failure where it is not about it alone."""
        if not is_of_one(failure):
            raise failure
        if isinstance(self.route.projection, Several):
            self.route.projection.refuse(object_id, failure)
            return
        for each in self._to_ask_again(object_id, failure):
            self.refused.put_down(each, failure)

    def _to_ask_again(self, object_id: str, failure: StreamFailure) -> Sequence[str]:
        """The ids by which later syncs read what is missing: of the parents, where events name those; else its own."""
        children = self.route.projection
        if not isinstance(children, Children) or not children.own_events:
            return [object_id]
        if not failure.parents and isinstance(children.parent, Children):
            raise failure
        return failure.parents or [object_id]

    def _changed(self, piece: ChangedPiece) -> Iterator[Row]:
        """Objects that changed, as they are now; tombstones of those that are gone."""
        gone, hydrator = 0, self.route.hydrator
        for change in piece.changes:
            if change.deleted:
                gone += 1
                yield from self._tombstones(change)
        if hydrator is None or gone == len(piece.changes):
            return
        by_time = self.route.listing.has_ranges
        there = [change for change in piece.changes if not change.deleted] if gone else piece.changes
        cover = Cover(there, can_list=piece.asked is not None, by_time=by_time)
        asked = piece.asked if by_time else None
        parts = partial(_parts_of, piece.route, cover, asked)
        for change, row in hydrate(hydrator, piece.asked, cover, self._refuse):
            if row is None:
                yield from self._tombstones(change)
            elif self._wanted(row, None):
                if self.open_rows is not None:
                    self._noting([row], self.open_rows, due=False)
                yield from self._records([row])
            self.reader.hand_out(parts)

    def _tombstones(self, change: Change) -> Iterable[Row]:
        """Tombstones, no older than the rows that they replace: what test clocks make may be ahead of its events."""
        own = unix_seconds(change.shown.get("updated"))
        least = max(time for time in (change.time, change.created, own) if time is not None)
        time = self._known.updated(change.id, least)
        return self.route.projection.tombstones(replace(change, time=least if time is None else time))

    def _children_of(self, piece: ParentsPiece) -> Iterator[Row]:
        """The children of parents that events named."""
        children = self.route.projection
        if not isinstance(children, Children):
            raise TypeError(f"{self.stream} has no children to read")
        for changed in piece.parents:
            try:
                yield from self._of_parent(changed, children, self.route.hydrator)
            except StreamFailure as failure:  # noqa: PERF203 - each of them is a request
                self.refused.put_down(changed.id, failure)

    def _of_parent(self, changed: ChangedParent, children: Children, hydrator: Hydrator | None) -> Iterator[Row]:
        if not children.wants(changed.id):
            return
        if not children.params_from or hydrator is None:
            yield from children.of(changed, self._known)
            return
        parent = hydrator.get(Change(changed.id, changed.time, None, deleted=False, shown={}))
        if parent is not None:
            yield from children.records(parent, changed.time, self._known)

    def _wanted(self, row: Row, by_hand: Range | None) -> bool:
        created = self.route.listing.created(row)
        if created is None:
            # A list that was asked for a range has put it there. Of any other, events tell what is new.
            return by_hand is None or str(row.get("id")) in self._known.born
        return created >= self.start and (by_hand is None or by_hand.holds(created))


def _parts_of(route: int, cover: Cover, asked: Params | None, idle: int) -> list[ChangedPiece]:
    """What `idle` workers take over of changes that are covered."""
    return [ChangedPiece(route, part, asked) for part in cover.split_off(idle)]
