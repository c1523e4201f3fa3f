"""A list of events, and streams that follow it, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from source_stripe.api.account import Account
from source_stripe.api.listing import Listing
from source_stripe.api.pages import Page
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.values import Params
from source_stripe.objects.events import Fold
from source_stripe.objects.subjects import Subjects, by_type
from source_stripe.reading.feed import Ask, Asked, Feed, Place, Span
from source_stripe.reading.pieces import ListPiece, Phase
from unit_tests.conftest import CREATED

NOW = 1_000_000
ACCOUNT = Account("acct_1", "", birth=None, now=NOW)
Event = dict[str, Any]
PAGE = 5


def event(number: int, time: int, what: str = "coupon.updated") -> Event:
    kind = what.partition(".")[0]
    return {
        "id": f"evt_{number}",
        "type": what,
        "created": time,
        "data": {"object": {"id": f"x_{number}", "object": kind}},
    }


@dataclass(frozen=True)
class Events(Listing):
    """A list of events, as Stripe pages it."""

    events: Sequence[Event] = ()
    requests: list[tuple[Params, Range]] = field(default_factory=list)
    failing: list[Callable[[Params], Exception | None]] = field(default_factory=list)

    def page(self, asked: Params, created: Range | None, previous: Page | None, ids: Any) -> Page:
        assert created is not None
        self.requests.append((asked, created))
        for fails in self.failing:
            if (failure := fails(asked)) is not None:
                raise failure
        wanted = [
            each
            for each in sorted(self.events, key=lambda each: (each["created"], each["id"]), reverse=True)
            if created.holds(each["created"])
            and (not asked or by_type(dict.fromkeys(dict_of(asked), True), each["type"]))
        ]
        at = 0 if previous is None else int(str(previous.next))
        return Page(wanted[at : at + PAGE], str(at + PAGE) if len(wanted) > at + PAGE else None)

    def span(self, page: Page) -> PageSpan | None:
        times = [row["created"] for row in page.rows]
        return PageSpan(max(times), min(times)) if times else None


def dict_of(asked: Params) -> list[str]:
    return [value for _, value in asked]


def asked_for(types: Sequence[str]) -> Params:
    return tuple(("types[]", name) for name in types)


def feed_of(*events: Event, span: int = 100_000) -> tuple[Feed, Events]:
    listing = Events("/v1/events", cast(Any, None), cast(Any, None), ((),), CREATED, events=events)
    return Feed(listing, asked_for, span), listing


def fold(kind: str) -> Fold:
    return Fold(Subjects(frozenset({kind})))


def joined(feed: Feed, ask: Ask | None, *types: str) -> Place:
    place = feed.join([(types, fold(types[0].partition(".")[0]))], route=7)
    place.foresees = lambda _: ask
    return place


def read(made: Asked, listing: Events, feed: Feed) -> Span:
    """What a stream gets; its phases are read as its workers would."""
    while True:
        try:
            phase = next(made)
        except StopIteration as end:
            return cast(Span, end.value)
        read_phase(phase, listing, feed)


def read_phase(phase: Phase, listing: Events, feed: Feed) -> None:
    for piece in phase.pieces:
        assert isinstance(piece, ListPiece)
        assert piece.route == 7
        page = piece.behind
        while (page is None or page.next is not None) and not feed.is_full():
            page = listing.page(piece.asked, piece.created, page, {})
            for row in page.rows:
                feed.take(row)


def ids(span: Span) -> set[str]:
    return {change.id for change in span.fold.changes}


def begin(*places: Place) -> None:
    for place in places:
        place.enter(ACCOUNT)


def all_spans(place: Place, ask: Ask, listing: Events, feed: Feed) -> Iterator[Span]:
    while True:
        span = read(place.next(ask, ACCOUNT), listing, feed)
        yield span
        if span.last:
            return
        ask = Ask(span.end)
