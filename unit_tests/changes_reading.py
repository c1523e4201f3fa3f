"""A reading of changes, as tests look into it: its events are given, and each phase is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from source_stripe.api.account import Account
from source_stripe.api.listing import Listing
from source_stripe.api.pages import StartingAfter
from source_stripe.api.ranges import Range
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.objects.events import OVERLAP, Fold
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known
from source_stripe.objects.subjects import Subjects
from source_stripe.reading.changes import ChangesReading, Following
from source_stripe.reading.feed import Ask, Asked, Span
from source_stripe.reading.pieces import ListPiece, Phase, Piece
from source_stripe.reading.readings import State
from source_stripe.reading.state import ReadWith
from unit_tests.conftest import CREATED

DAY = 86_400
NOW = 1_763_800_000
W = NOW - 3_600
SINCE = W - OVERLAP
ACCOUNT = Account("acct_1", "", birth=None, now=NOW)
READ_WITH = {"account": "acct_1"}
TYPES: Params = (("types[]", "coupon.created"), ("types[]", "coupon.deleted"), ("types[]", "coupon.updated"))
EVENTS = 1


def listing(path: str, passes: tuple[Params, ...] = ((),), *, filtered: bool = True) -> Listing:
    v1 = StartingAfter("limit", 100, "starting_after")
    requester = cast(StripeRequester, None)  # nothing is asked here
    return Listing(path, requester, v1, passes, CREATED if filtered else None)


@dataclass
class Told:
    """A seat that lists events as one span, and reads them by a phase of its own, as the feed does."""

    fold: Fold
    passes: tuple[Params, ...]
    events: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)
    left: bool = False

    def enter(self, account: Account) -> None:
        self.left = False

    def next(self, ask: Ask, account: Account) -> Asked:
        self.asked.append(ask)
        span, fold = Range(ask.since, account.now + 1), self.fold.fresh()
        if self.passes:
            yield Phase([ListPiece(EVENTS, asked, span) for asked in self.passes], Known())
        for each in self.events:
            if span.holds(each["created"]):
                fold.add(each)
        return Span(span.start, span.end, [fold], last=True)

    def leave(self) -> None:
        self.left = True


@dataclass
class Watched(ChangesReading):
    """A reading that keeps the last phase that it gave out."""

    last: Phase = field(default_factory=lambda: Phase((), Known()))

    def pieces(self, account: Account, saved: State) -> Iterator[Sequence[Piece]]:
        for phase in self.phases(account, saved):
            self.last = phase
            yield phase.pieces

    def begun(self) -> bool:
        return self.last.state_first

    @property
    def known(self) -> Known:
        return self.last.known


def reading(
    coupons: Listing | None = None,
    *,
    types: tuple[Params, ...] = (TYPES,),
    parent: str | None = None,
    misses_births: bool = False,
    start: int = 0,
    lookback: int = OVERLAP,
    new_children_only: bool = False,
    lone: int | None = None,
) -> Watched:
    coupons = coupons or listing("/v1/coupons")
    hydrator = None if parent else Hydrator(coupons, "/v1/coupons/{id}")
    keep = (parent,) if parent else Hydrator(coupons, "/v1/coupons/{id}").keep
    fold = Fold(Subjects(frozenset({"coupon"}), keep))
    unlisted = lone is not None
    following = Following(fold, hydrator, parent, misses_births, unlisted, lone)
    setting = ReadWith(start_date=start or None)
    return Watched(
        "coupons",
        "updated",
        [coupons],
        start,
        lookback,
        (),
        setting,
        following=following,
        seat=Told(fold, types),
        new_children_only=new_children_only,
    )


def event(of: str, what: str, time: int, created: int | None = 50, **shown: Any) -> dict[str, Any]:
    fields = {"id": of, "object": "coupon", "created": created, **shown}
    return {"type": f"coupon.{what}", "created": time, "data": {"object": fields}}


def run(
    stream: Watched, saved: dict[str, Any], *events: dict[str, Any], account: Account = ACCOUNT
) -> list[Sequence[Piece]]:
    """Read all phases, as the cursor and the retriever do: `events` are what Stripe would list."""
    phases = []
    told(stream).events.extend(events)
    for pieces in stream.pieces(account, saved):
        phases.append(pieces)
        for piece in pieces:
            if isinstance(piece, ListPiece):
                stream.checkpoint(piece)
    return phases


def told(stream: ChangesReading) -> Told:
    assert isinstance(stream.seat, Told)
    return stream.seat


def change(of: str, time: int, created: int | None = 50, *, deleted: bool = False, **shown: Any) -> Change:
    if deleted:
        shown = {"id": of, "object": "coupon", "created": created, **shown}
    return Change(of, time, created, deleted, shown)
