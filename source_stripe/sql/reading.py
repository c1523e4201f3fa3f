"""Reading: the rows of one account that answer an ask, page by page, as a sync makes them of what Stripe says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from source_stripe.api.errors import Outcome, StripeError, ends
from source_stripe.api.listing import Listing
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.refusals import is_gone
from source_stripe.api.values import Params, Row, has_address
from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.objects.children import Children
from source_stripe.objects.filtered import Filtered
from source_stripe.objects.hydration import is_on_test_clock
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known, Projection
from source_stripe.objects.route import Route
from source_stripe.objects.shared_children import Together
from source_stripe.objects.whole_lists import NestedList, WithWholeLists
from source_stripe.sql.asks import Ask
from source_stripe.sql.config_filters import others_of
from source_stripe.sql.places import Place
from source_stripe.sql.tables import Table

logger = logging.getLogger("airbyte.stripe")

IsThrough = Callable[[list[Row]], bool]
"""Says of the rows of a page whether the rest of the list is not wanted."""
Judge = Callable[[], IsThrough]


@dataclass(frozen=True)
class Chunk:
    """The rows of a page. `span` is from when to when the page was created, where another one follows."""

    rows: list[Row]
    span: PageSpan | None = None
    ends_list: bool = False
    account: str | None = None
    """Whose they are, where several accounts are read."""


@dataclass(frozen=True)
class Reader:
    """Reads one table of one account, and of each row only what some columns need."""

    table: Table
    columns: Collection[str]
    place: Place
    start: int = 0
    """Rows created before (Unix seconds) are left out."""
    refused: set[Ask] = field(default_factory=set)
    """What Stripe has refused to be asked, and was read without its parameters."""
    told: set[Ask] = field(default_factory=set)
    """What the user knows that of."""
    _known: Known = field(default_factory=partial(Known, first=True))

    def chunks(self, asks: Sequence[Ask], judge: Judge | None = None) -> Iterator[Chunk]:
        """The rows, none twice. `judge` makes, for each list, what says where the rest of it is not wanted.

        Raises StripeError, MalformedPage and MalformedObject.
        """
        # New ones for each reading: some remember what they have met.
        routes = self._routes()
        met: set[tuple[object, ...]] | None = set() if len(asks) > 1 or len(routes) > 1 else None
        with ends(self.table.name):
            whole: list[Ask] = []
            for ask in asks:
                if any(map(ask.is_within, whole)):
                    continue
                self.refused.discard(ask)
                for chunk in self._answers(routes, ask, judge):
                    rows = chunk.rows if met is None else self._new(chunk.rows, met)
                    yield replace(chunk, rows=rows, account=self.place.account)
                if ask in self.refused:
                    whole.append(ask.without_params())

    def page_before(self, ask: Ask, second: int) -> PageSpan | None:
        """When the page was created that lies before a second (Unix); None where no other one follows it."""
        route = self._routes()[0]
        asked = merged(_passes(route), () if ask in self.refused else ask.params)[0]
        start = self.since(ask)
        return route.listing.split_at(route.listing.page(asked, Range(start, max(second, start)), None, {}))

    def since(self, ask: Ask) -> int:
        """No row that is asked for was created before (Unix seconds)."""
        limits = self._routes()[0].listing.limits or (None, None)
        return max(ask.created.start if ask.created is not None else 0, self.start, limits[0] or 0)

    def _new(self, rows: Iterable[Row], met: set[tuple[object, ...]]) -> list[Row]:
        """The rows that have not come yet. A row whose fields change while several lists are read may be in two."""
        new = []
        for row in rows:
            key = tuple(row.get(name) for name in self.table.row.primary_key)
            if key not in met:
                met.add(key)
                new.append(row)
        return new

    def _answers(self, routes: Sequence[Route], ask: Ask, judge: Judge | None) -> Iterator[Chunk]:
        if ask.object_id is not None:
            yield Chunk(self._of_object(routes[0], ask.object_id))
            return
        some = False
        try:
            for chunk in self._of_lists(routes, ask, judge):
                some = True
                yield chunk
        except StripeError as refusal:
            if some or not ask.params or refusal.outcome not in (Outcome.REFUSED, Outcome.RESOURCE_MISSING):
                raise
            if self._is_of_nobody(ask):
                yield Chunk([], ends_list=True)
                return
            self.refused.add(ask)
            self._tell(ask, refusal)
            yield from self._of_lists(routes, ask.without_params(), judge)

    def _tell(self, ask: Ask, refusal: StripeError) -> None:
        """Say that a list is read without parameters; of many accounts that of the first."""
        if ask not in self.told:
            self.told.add(ask)
            of = "" if self.place.account is None else f" of {self.place.account}, and of whoever refuses that too,"
            logger.warning(
                "%s%s is read whole: Stripe refuses %s, %s", self.table.name, of, shown(ask.params), refusal.refusal
            )

    def _is_of_nobody(self, ask: Ask) -> bool:
        """Whether what is asked for is of a customer that this account never had: that is another account's.

        Stripe shows customers that were deleted (https://docs.stripe.com/api/customers/retrieve).
        """
        customer = dict(ask.params).get("customer")
        if self.place.account is None or customer is None or not has_address(customer):
            return False
        try:
            self.place.routes.requester.get(self.table.other("customers").row.get_path, id=customer)
        except StripeError as error:
            if not is_gone(error, customer, "customer"):
                raise
            return True
        return False

    def _of_object(self, route: Route, object_id: str) -> list[Row]:
        """The rows of one object, or below it; none if it is gone, or its list would not show it."""
        if route.hydrator is None:
            raise TypeError(f"{self.table.name} has no objects that are got by an id")
        row = route.hydrator.get(Change(object_id, 0, None, deleted=False, shown={}))
        return [] if row is None else self._records(route, [row])

    def _of_lists(self, routes: Sequence[Route], ask: Ask, judge: Judge | None) -> Iterator[Chunk]:
        for route in routes:
            created = self._range(route.listing, ask.created)
            for asked in merged(_passes(route), ask.params):
                page, is_through = None, judge() if judge is not None else None
                while page is None or page.next is not None:
                    page = route.listing.page(asked, created, page, {})
                    span = route.listing.split_at(page)
                    rows = self._records(route, page.rows)
                    page.taken()
                    enough = is_through is not None and is_through(rows)
                    yield Chunk(rows, span, ends_list=page.next is None or enough)
                    if enough:
                        break

    def _range(self, listing: Listing, created: Range | None) -> Range | None:
        if not listing.has_ranges or not self.start:
            return created
        if created is None:
            return Range(self.start, self.start + 1, onward=True)
        start = max(created.start, self.start)
        return replace(created, start=start, end=max(created.end, start))

    def _records(self, route: Route, rows: Iterable[Row]) -> list[Row]:
        records = self._made(route, rows)
        if self.place.account is not None:
            for record in records:
                record[ACCOUNT_COLUMN] = self.place.account
        return records

    def _made(self, route: Route, rows: Iterable[Row]) -> list[Row]:
        created, updated = route.listing.created, self._known.updated
        wanted = (row for row in rows if not self.start or (created(row) or self.start) >= self.start)
        return [
            record
            for row in wanted
            # Some lists show what is on a test clock once they are asked for a customer's.
            if not is_on_test_clock(row)
            for record in route.projection.records(row, updated(str(row.get("id", "")), created(row)), self._known)
            if record.get("is_deleted") is not True
        ]

    def _routes(self) -> Sequence[Route]:
        row = self._lean_row
        routes = self.place.routes.of(row)
        if row.filters:
            # What the bounds ask for is only tested.
            asking = self.place.routes.of(row.model_copy(update={"filters": others_of(row)}))
            routes = tuple(replace(each, listing=of.listing) for each, of in zip(routes, asking, strict=True))
        return [replace(each, projection=self._lean(each.projection)).expanded() for each in routes]

    @property
    def _lean_row(self) -> StreamRow:
        """The row of the manifest, with only what is needed expanded."""
        row = self.table.row
        return row.model_copy(update={"expand": tuple(path for path in row.expand if self._needs(path))})

    def _needs(self, path: str) -> bool:
        first = path.partition(".")[0]
        return first in self.columns or any(each.startswith(f"{first}.") for each in self._tested)

    @cached_property
    def _tested(self) -> Sequence[str]:
        """The dotted paths by which the config's filters test a row."""
        return [str(each.parameter.field) for each in self.table.row.filters]

    def _lean(self, projection: Projection) -> Projection:
        """What makes the rows, without lists that no column needs. A refusal about one parent ends the question."""
        if isinstance(projection, WithWholeLists):
            lists = self._lists(projection.lists)
            return replace(projection, lists=lists) if lists else projection.inner
        if isinstance(projection, Filtered):
            return replace(projection, inner=self._lean(projection.inner))
        if isinstance(projection, Together):
            return replace(projection, children=tuple(map(self._lean, projection.children)))
        if isinstance(projection, Children):
            return replace(_told(projection), lists=self._lists(projection.lists))
        return projection

    def _lists(self, lists: Iterable[NestedList]) -> tuple[NestedList, ...]:
        return tuple(each for each in lists if self._needs(f"{each.owner}.{each.field}".lstrip(".")))


def _passes(route: Route) -> Sequence[Params]:
    """With what a list is read, by itself and for the filters of the config that are not in the asks."""
    return route.listing.passes_to_read(first=True)


def _told(children: Children) -> Children:
    """The same children; of a parent that Stripe refuses, the refusal is raised."""
    above = children.parent
    return replace(children, left_out=None, parent=_told(above) if isinstance(above, Children) else above)


def merged(passes: Sequence[Params], params: Params) -> list[Params]:
    """The passes of a list with more parameters. One that a pass has already decides which passes are read."""
    found = [tuple(each) for each in passes]
    decided = {key for each in passes for key, _ in each}
    for name, value in params:
        if name not in decided:
            found = [(*each, (name, value)) for each in found]
            continue
        kept = []
        for each in found:
            theirs = dict(each).get(name)
            if theirs in (value, "all", None):
                rest = tuple(pair for pair in each if pair[0] != name)
                kept.append((*rest, (name, value)))
        found = list(dict.fromkeys(kept))
    return [tuple(each) for each in found]


def shown(params: Params) -> str:
    """Parameters as a query has them, for people."""
    return "&".join(f"{name}={value}" for name, value in params)
