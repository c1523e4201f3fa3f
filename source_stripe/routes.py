"""Routes: from which lists a stream's rows come, and what is made of them. Read off the rows of the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from source_stripe.account import AccountReader
from source_stripe.changes import Feed
from source_stripe.events import Fold, type_groups
from source_stripe.hydration import Hydrator
from source_stripe.listing import Listing, RangeFilter
from source_stripe.nesting import Beside, Children, ParentKey, Via
from source_stripe.pages import NextPageUrl, OneObject, Paging, StartingAfter, WholeList
from source_stripe.records import Fetched, Finish, Folded, FromEvents, Itself, Known, Projection
from source_stripe.requester import Params, StripeRequester
from source_stripe.retriever import Route
from source_stripe.rows import EVENTS_PATH, ParentRow, StreamRow

_FILTERS: Mapping[str, RangeFilter] = {
    "created": RangeFilter(),
    "created_gte": RangeFilter("created_gte", "created_lt"),
    "created_after": RangeFilter("created_after", "created_before", exclusive=True),
    "start_time": RangeFilter("start_time", "end_time", days=True),
}
_V2_EVENTS_PATH = "/v2/core/events"


@dataclass(frozen=True)
class Routes:
    """Makes the routes of one stream."""

    rows: Mapping[str, StreamRow]
    paging: Mapping[str, Mapping[str, Any]]
    requester: StripeRequester
    account: AccountReader
    known: Known

    def of(self, row: StreamRow) -> tuple[Route, ...]:
        """The lists that a stream is read from: its own, or those of its parents."""
        parents = row.all_parents
        if not parents:
            finish = self._finish(row)
            return (Route(self._listing(row), self._projection(row), self._hydrator(row), finish, row.object[0]),)
        if row.product:
            first, second = parents
            return (self._child_route(row, second, self._beside(first)),)
        return tuple(self._child_route(row, parent) for parent in parents)

    def feed(self, row: StreamRow, routes: Sequence[Route]) -> Feed | None:
        """The events that tell what changed in a stream: its own, or its only parent's. None if there are none."""
        if row.from_events or len(row.all_parents) > 1 or row.sync not in ("events", "events+created", "parent"):
            return None
        if row.parent is not None and row.events:
            named = (row.parent.name or "",)
            fold = Fold(frozenset(row.event_object or row.object), row.deletions, named, row.time_field)
            return Feed(len(routes), self._events(row), fold, None, row.parent.name)
        root = self._root(row)
        if not root.events or root.from_events:
            return None
        hydrator = routes[0].hydrator
        keep = hydrator.keep if hydrator else ()
        fold = Fold(frozenset(root.event_object or root.object), root.deletions, keep, root.time_field)
        return Feed(len(routes), self._events(root), fold, hydrator, misses_births=root.sync == "events+created")

    def events_route(self, feed: Feed) -> Route:
        """The route that folds a feed's events."""
        return Route(feed.listing, Folded(feed.fold))

    def _root(self, row: StreamRow) -> StreamRow:
        while row.parent is not None:
            row = self.rows[row.parent.stream]
        return row

    def _child_route(self, row: StreamRow, parent: ParentRow, beside: Beside | None = None) -> Route:
        above = self.of(self.rows[parent.stream])[0]
        listing, hydrator = above.listing, above.hydrator
        if parent.field is not None and parent.hidden:
            listing = replace(
                listing, passes=tuple((*asked, _expand(parent.field, "data.")) for asked in listing.passes)
            )
            hydrator = hydrator and replace(hydrator, listing=listing, asked=(*hydrator.asked, _expand(parent.field)))
        children = Children(
            parent=above.projection,
            key=ParentKey(parent.name, parent.id_field, parent.carries, parent.id_from),
            listing=self._listing(row) if row.path else None,
            finish=self._finish(row),
            known=self.known,
            kinds=frozenset(row.object),
            embedded=parent.field,
            where=parent.where,
            params_from=parent.params_from,
            via=self._via(parent),
            beside=beside,
        )
        own_events = bool(row.events)
        return Route(listing, children, hydrator, children.finish if own_events else None, row.object[0])

    def _via(self, parent: ParentRow) -> Via | None:
        if parent.via is None:
            return None
        return Via(Listing(parent.via.path, self.requester, OneObject()), parent.via.name)

    def _beside(self, parent: ParentRow) -> Beside:
        (route,) = self.of(self.rows[parent.stream])
        key = ParentKey(parent.name, parent.id_field, parent.carries, parent.id_from)
        return Beside(route.listing, route.projection, key)

    def _projection(self, row: StreamRow) -> Projection:
        finish = self._finish(row)
        if row.from_events:
            return FromEvents(frozenset(row.object), finish)
        if row.include:
            one = replace(self._listing(row), path=row.get_path, paging=OneObject())
            return Fetched(one, _includes(row), finish)
        return Itself(finish)

    def _hydrator(self, row: StreamRow) -> Hydrator | None:
        if not row.events or row.from_events:
            return None
        return Hydrator(self._listing(row), row.get_path, _includes(row))

    def _listing(self, row: StreamRow) -> Listing:
        types: Params = tuple(("types[]", event) for event in row.events) if row.from_events else ()
        always = (*row.params.items(), *types)
        return Listing(
            path=row.path or "",
            requester=self.requester,
            paging=self._paging(row.paging),
            passes=tuple((*always, *parameters.items()) for parameters in row.passes),
            range_filter=None if row.from_events else self._filter(row),
            time_field=row.time_field,
            version=row.version,
        )

    def _events(self, row: StreamRow) -> Listing:
        v2 = row.api == "v2"
        groups = type_groups(row.events)
        passes = [
            tuple((f"types[{n}]" if v2 else "types[]", event) for n, event in enumerate(group)) for group in groups
        ]
        return Listing(
            path=_V2_EVENTS_PATH if v2 else EVENTS_PATH,
            requester=self.requester,
            paging=self._paging("next_page_url" if v2 else "starting_after"),
            passes=tuple(passes),
            range_filter=RangeFilter(rfc_3339=v2),
        )

    def _filter(self, row: StreamRow) -> RangeFilter | None:
        return replace(_FILTERS[row.filter], rfc_3339=row.api == "v2") if row.filter else None

    def _paging(self, way: str | None) -> Paging:
        if way == "starting_after":
            return StartingAfter(**self.paging[way])
        if way == "next_page_url":
            return NextPageUrl(**self.paging[way])
        return OneObject() if way == "object" else WholeList()

    def _finish(self, row: StreamRow) -> Finish:
        return Finish(row.cursor, self._facts, tuple(row.adds))

    def _facts(self) -> Mapping[str, Any]:
        account = self.account.read()
        return {"account_id": account.id, "read_at": account.now}


def _expand(path: str, prefix: str = "") -> tuple[str, str]:
    return ("expand[]", f"{prefix}{path}")


def _includes(row: StreamRow) -> Params:
    return tuple((f"include[{place}]", name) for place, name in enumerate(row.include))
