"""The feed: the events of an account, read once a sync for all streams that follow them.

A stream asks for what happened since a time. Whoever asks first reads, and sorts each event to the streams that follow
its type; the others wait for it. Many events are read in spans of time, oldest first: the next span is read when all
streams have emitted what changed in this one. So memory is bounded, and a sync that is killed goes on from its last
span. docs/design/changes.md, "The feed", has the why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from source_stripe.api.account import Account, utc
from source_stripe.api.errors import Outcome, StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import Page
from source_stripe.api.ranges import Range
from source_stripe.api.values import Params
from source_stripe.objects.events import Fold, type_groups
from source_stripe.objects.records import Known
from source_stripe.reading.feed_spans import FirstPage, Folds, Sorter
from source_stripe.reading.pieces import ListPiece, Phase

logger = logging.getLogger("airbyte.stripe")

NO_EVENTS = "The account has no events, so that nothing tells what changed. %s"
"""Logged where Stripe has no list of events for the account."""
READ_IN_SPANS = "What happened until %s was read and comes first; then what happened since."
"""Logged where so much happened that it is read in spans."""
_SPAN = 100_000
"""Changes of a span, as far as can be foreseen; it is read in two if it has twice as many. See docs/design/changes.md,
"The feed"."""
_NEAR = 3_600
"""Seconds between the watermarks of two streams for which the older one's events alone are worth a request of their
own. See docs/design/changes.md, "The feed"."""


@dataclass(frozen=True)
class Span:
    """What happened in a span of time, by the folds of one stream."""

    start: int
    end: int
    """Unix seconds; events from then on are in later spans."""
    folds: Sequence[Fold]
    last: bool
    """Whether the sync reads no later ones."""

    @property
    def fold(self) -> Fold:
        """The only one."""
        (fold,) = self.folds
        return fold


@dataclass(frozen=True)
class Ask:
    """Since when a stream needs the events."""

    since: int
    """Unix seconds."""
    whole: bool = False
    """Whether it can only use them all at once."""


Asked = Generator[Phase, None, Span]
"""Yields what has to be read first, and returns the span."""


class Seat(Protocol):
    """Where a reading gets its events from: its place in the feed, or its part of one."""

    def enter(self, account: Account) -> None:
        """The reading begins."""

    def next(self, ask: Ask, account: Account) -> Asked:
        """The next span of events, up to now at most."""

    def leave(self) -> None:
        """The reading needs no more events."""


@dataclass(eq=False)
class Place:
    """Where a stream stands in the feed. The feed's lock guards its fields."""

    feed: Feed
    folds: Folds
    """Empty ones: each span gets copies."""
    route: int
    """That of the feed, among the routes of the stream."""
    foresees: Callable[[Account], Ask | None] = lambda _: None
    """What the stream will ask for first, by its saved state; None if it needs no events."""
    ask: Ask | None = None
    """What it asks for, or will ask for; None where it needs nothing more."""
    since: int = 0
    """The events before (Unix seconds) are in `so_far`: of those that it can only use at once."""
    so_far: Sequence[Fold] = ()
    span: Span | None = None
    """What was read for the stream, and not taken yet."""
    entered: bool = False
    waiting: bool = False
    left_behind: bool = False
    """Whether the others went on before it began."""

    def enter(self, account: Account) -> None:
        """The stream begins: others wait for it from now on."""
        self.feed.enter(self, account)

    def next(self, ask: Ask, account: Account) -> Asked:
        """The next span: the others wait for this stream until it asks again, or leaves. Raises StreamFailure."""
        return self.feed.read(self, ask, account.now + 1)

    def leave(self) -> None:
        """The stream needs no more events."""
        self.feed.leave(self)

    def asks(self, ask: Ask | None) -> None:
        """Note what the stream asks for. What was read for another ask is of no use."""
        self.ask, self.since, self.so_far, self.span = ask, ask.since if ask else 0, (), None

    @property
    def is_busy(self) -> bool:
        """Whether the stream has begun, and comes for a later span when this one is emitted."""
        return self.entered and self.ask is not None and (self.span is not None or not self.waiting)

    def fresh(self) -> Sequence[Fold]:
        return [fold.fresh() for _, fold in self.folds]

    def with_types(self, folds: Sequence[Fold]) -> Folds:
        """Folds of a span, each with its types."""
        return [(types, fold) for (types, _), fold in zip(self.folds, folds, strict=True)]

    @property
    def types(self) -> Iterator[str]:
        return (event for types, _ in self.folds for event in types)


class Feed:
    """The events of an account. Used by the threads of all streams."""

    def __init__(
        self, listing: Listing, parameters: Callable[[Sequence[str]], Params], span: int | None = None
    ) -> None:
        """`parameters` ask for event types, up to twenty or one group; `span` is how many changes are read at once."""
        self.listing = listing
        self._parameters = parameters
        self._span = span or _SPAN
        self._changed = threading.Condition()
        self._places: list[Place] = []
        self._foreseen = False
        self._reader: Place | None = None
        self._failure: StreamFailure | None = None
        self._apart = False
        """Whether each stream asks for its own events, as the key may not read those of all."""
        self._sorter = Sorter()
        self._ends: list[int] = []
        """Where spans end that were too long at first."""

    def join(self, folds: Folds, route: int) -> Place:
        """A place for one more stream. Before the sync begins."""
        place = Place(self, folds, route)
        self._places.append(place)
        return place

    def take(self, event: Mapping[str, Any]) -> None:
        """An event of the span that is being read."""
        self._sorter.take(event)

    def is_full(self) -> bool:
        """Whether the span that is being read has too many changes, or events of nobody: then it is read in another
        way."""
        return self._sorter.is_full or self._sorter.has_many_in_vain

    def enter(self, place: Place, account: Account) -> None:
        with self._changed:
            if not self._foreseen:
                for each in self._places:
                    each.asks(each.foresees(account))
                self._foreseen = True
            place.entered = True

    def leave(self, place: Place) -> None:
        with self._changed:
            place.asks(None)
            place.waiting = False
            self._changed.notify_all()

    def read(self, place: Place, ask: Ask, end: int) -> Asked:
        """The next span of a stream, up to `end` (Unix seconds) at most."""
        with self._changed:
            if place.ask != ask:
                place.asks(ask)
            place.waiting = True
            self._changed.notify_all()
        while (span := self._take(place)) is None:
            yield from self._reading(place, end)
        return span

    def _take(self, place: Place) -> Span | None:
        """What was read for a stream; None if the stream has to read it for itself and all others. Blocks until it is
        one of both. Raises the failure of another stream that read for this one."""
        with self._changed:
            self._changed.wait_for(lambda: place.span or self._failure or self._may_read())
            if self._failure is not None:
                raise self._failure.again()
            span = place.span
            if span is None:
                self._reader = place
                return None
            place.asks(None if span.last else Ask(span.end))
            place.waiting = False
            return span

    def _may_read(self) -> bool:
        """Whether nobody reads, and nobody is busy with what was read before."""
        return self._reader is None and (self._apart or not any(each.is_busy for each in self._places))

    def _reading(self, place: Place, end: int) -> Generator[Phase, None, None]:
        try:
            yield from self._read_for_all(place, end)
        except StreamFailure as failure:
            self._fails(failure)
        finally:
            with self._changed:
                self._reader = None
                self._sorter = Sorter()
                self._changed.notify_all()

    def _fails(self, failure: StreamFailure) -> None:
        """All that need it fail with it. But a key that may not read all events may read those of single streams."""
        with self._changed:
            others = any(each.ask and each is not self._reader for each in self._places)
            refused = isinstance(failure, StripeError) and failure.outcome is Outcome.PERMISSION_MISSING
            if others and refused and not self._apart:
                self._apart = True
                return
            if not self._apart:
                self._failure = failure.again()
        raise failure

    def _read_for_all(self, reader: Place, end: int) -> Generator[Phase, None, None]:
        """Read a span for all that need it. Yields phases of the reader's stream."""
        asks = self._asks_of_all(reader)
        start = min(each.since for each in asks)
        self._ends = [each for each in self._ends if each > start]
        until = min((*(each.since for each in asks if each.since > start + _NEAR), *self._ends, end))
        while True:
            # A stream that begins behind a shorter span gets nothing of it: an empty one would come again for ever.
            readers = [each for each in asks if each.since < until]
            bounded = any(not asks[each].whole for each in readers)
            # What can only be used at once, and what is of one second, can't be cut.
            most = 2 * self._span if bounded and until - start > 1 else None
            folds = {each: each.so_far or each.fresh() for each in readers}
            self._sorter = Sorter([pair for each in readers for pair in each.with_types(folds[each])], most)
            first = self._first_page(readers, Range(start, until))
            if most and (shorter := self._shorter(first, readers)) is not None:
                self._ends.append(until)
                until = shorter
                continue
            yield from self._rest(first, reader.route)
            if not self._sorter.is_full:
                break
            self._ends.append(until)
            until = self._sorter.middle(start, until)
        self._hand_over(asks, folds, until, last=until == end)

    def _shorter(self, first: FirstPage, readers: Sequence[Place]) -> int | None:
        """Where the span has to end so that it is not too long. One page may be of a burst: two have to foretell it."""
        end = first.end_of_a_span(self._span)
        if end is None or first.page.next is None:
            return None
        other = self._first_page(readers, first.older_half).end_of_a_span(self._span)
        return None if other is None else max(end, other)

    def _rest(self, first: FirstPage, route: int) -> Generator[Phase, None, None]:
        """Read what is left of a span: of all types, or by groups of them where too much is of nobody."""
        if first.page.next is None:
            return
        by_groups = not first.asked and first.is_mostly_in_vain
        if not by_groups:
            self._sorter.most_in_vain = None if first.asked else first.most_in_vain
            yield Phase([ListPiece(route, first.asked, first.span, behind=first.page)], Known())
        if by_groups or self._sorter.has_many_in_vain:
            self._sorter.most_in_vain = None
            yield Phase([ListPiece(route, asked, first.left) for asked in first.groups], Known())

    def _asks_of_all(self, reader: Place) -> Mapping[Place, Ask]:
        """The streams for which something is read next. What was read for one that has not begun is kept if it is all
        that it needs; else it reads again."""
        with self._changed:
            if self._apart:
                return {} if reader.ask is None else {reader: reader.ask}
            for each in self._places:
                if not each.entered and each.span is not None and not each.span.last:
                    each.asks(each.ask)
                    each.left_behind = True
            waiting = (each for each in self._places if each.span is None and (each.entered or not each.left_behind))
            return {each: each.ask for each in waiting if each.ask is not None}

    def _first_page(self, readers: Sequence[Place], span: Range) -> FirstPage:
        """The first page of the events of a span: of all types, if one request can't ask for those that are wanted."""
        names = dict.fromkeys(name for each in readers for name in each.types)
        groups = [self._parameters(group) for group in type_groups(names)]
        asked = groups[0] if len(groups) == 1 else ()
        page, before = self._page(asked, span), self._sorter.taken
        for event in page.rows:
            self._sorter.take(event)
        taken, wanted = self._sorter.taken - before, sum(map(self._sorter.wants, page.rows))
        return FirstPage(span, page, asked, groups, self.listing.span(page), taken, wanted)

    def _page(self, asked: Params, span: Range) -> Page:
        try:
            return self.listing.page(asked, span, None, {})
        except StripeError as why:
            if why.outcome is not Outcome.NOT_ENABLED:
                raise
            logger.warning(NO_EVENTS, why)
            return Page([])

    def _hand_over(
        self, asks: Mapping[Place, Ask], folds: Mapping[Place, Sequence[Fold]], end: int, *, last: bool
    ) -> None:
        if not last:
            logger.info(READ_IN_SPANS, utc(end))
        with self._changed:
            for each, own in folds.items():
                if each.ask is not asks[each]:
                    # It has left, or needs something else.
                    continue
                if each.ask.whole and not last:
                    each.since, each.so_far = end, own
                else:
                    each.span, each.so_far = Span(each.ask.since, end, own, last), ()
