"""Routes: the lists that a stream reads, and the projection of each. They are made from the rows of the manifest."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.api.account import Reader
from source_stripe.api.listing import Listing, RangeFilter
from source_stripe.api.pages import NextPageUrl, OneAnswer, OneObject, Paging, StartingAfter
from source_stripe.api.refusals import Refused
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.catalog.expanding import lists_in, paths_below
from source_stripe.catalog.pushing import Level, filtered_lineage, limits, may_lose_parents, passes
from source_stripe.catalog.stream_rows import EVENTS_PATH, V2_EVENTS_PATH, ParentRow, StreamRow
from source_stripe.catalog.sync_plan import Again, Followed, SyncPlan, plan_of, root_of
from source_stripe.objects.children import Beside, Children, ParentKey, Via
from source_stripe.objects.events import Fold
from source_stripe.objects.filtered import Filtered
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.left_out import LeftOut
from source_stripe.objects.records import Fetched, Finish, FromEvents, Itself, Projection, Several, Taken
from source_stripe.objects.route import Route
from source_stripe.objects.row_filters import RowFilters
from source_stripe.objects.shared_children import Named, Shared, Together
from source_stripe.objects.subjects import Subjects, is_group, shared
from source_stripe.objects.whole_lists import NestedList, SecondLook, WithWholeLists
from source_stripe.reading.changes import Following
from source_stripe.reading.feed import Feed

_ANY_BRACE = re.compile(r"\{\w+\}")


@dataclass
class OfRows:
    """What only the rows decide: for many accounts it is worked out once."""

    subjects: dict[tuple[str, tuple[str, ...]], Subjects] = field(default_factory=dict)
    """By stream, and what of its objects is kept."""
    endpoints: dict[tuple[str, str], str] = field(default_factory=dict)
    """By kind of object and field, where the list in it goes on."""


@dataclass(frozen=True)
class Routes:
    """Makes the routes of one stream."""

    rows: Mapping[str, StreamRow]
    paging: Mapping[str, Mapping[str, Any]]
    requester: StripeRequester
    account: Reader
    of_rows: OfRows = field(default_factory=OfRows)
    first: Level = Level.FIRST
    """How much of the filters lists are asked for that nothing was read of before."""

    def of(self, row: StreamRow) -> tuple[Route, ...]:
        """The lists that a stream is read from: its own, or those of its parents, each once."""
        parents = row.all_parents
        if not parents:
            return (Route(self._listing(row), self._whole(row, row.expand), self._hydrator(row), row.expand),)
        if row.product:
            first, second = parents
            return (self.child_route(row, second, beside=self._beside(first)),)
        return self.of_several(row, Shared()) if row.parents else (self.child_route(row, parents[0]),)

    def of_several(self, row: StreamRow, shared: Shared) -> tuple[Route, ...]:
        """Of a stream with several parents: for each of their lists a route."""
        routes = []
        for root in plan_of(row, self.rows).lists:
            parents = [each for each in row.parents if root_of(self.rows[each.stream], self.rows).name == root]
            places = [self.child_route(row, parent, shared=shared) for parent in parents]
            projections = tuple(place.projection for place in places)
            projection = projections[0] if len(places) == 1 else Together(projections)
            expand = tuple(dict.fromkeys(path for place in places for path in place.expand))
            routes.append(replace(places[0], projection=projection, expand=expand))
        return tuple(routes)

    def shared(self, rows: Sequence[StreamRow], refused: Mapping[str, Refused]) -> Route:
        """One route for several streams with the same root: a parent and its children, or children alone."""
        routes = [self.of(row)[0] for row in rows]
        expand = tuple(path for route in routes for path in route.expand)
        each = [
            (row.name, route.projection if row.all_parents else self._whole(row, expand))
            for row, route in zip(rows, routes, strict=True)
        ]
        return replace(routes[0], projection=Several(each, refused), expand=expand)

    def following(self, row: StreamRow, plan: SyncPlan, routes: Sequence[Route]) -> Following | None:
        """How a stream goes by events. None if its plan follows none, or those of several streams."""
        if len(plan.followed) != 1:
            return None
        (followed,) = plan.followed
        if followed.again is Again.CHILDREN and row.parent is not None:
            subjects = self._subjects(row, (row.parent.name or "",))
            lists = (row.shown_in,) if row.shown_in else ()
            fold = Fold(
                subjects,
                row.deletions,
                lists,
                followed.touches,
                parent=row.parent.name,
                leaves_out=_leaves_out(row),
                of_parents=self._of_parents(row, self.rows[row.parent.stream]),
            )
            lone = len(routes) + 1 if row.parent.optional else None
            return Following(fold, None, row.parent.name, names_unlisted=row.parent.optional, lone=lone)
        return self.following_of(followed, routes[0].hydrator)

    def following_of(self, followed: Followed, hydrator: Hydrator | None) -> Following:
        """How a stream goes by the events about the objects of one stream."""
        of = self.rows[followed.stream]
        subjects = self._subjects(of, hydrator.keep if hydrator else ())
        own = followed.touches.keys() & set(followed.events)
        fold = Fold(
            subjects,
            of.deletions,
            self._embedded(of),
            followed.touches,
            frozenset(own),
            hides=of.hides,
            leaves_out=_leaves_out(of),
        )
        return Following(fold, hydrator, misses_births=followed.since is not None, names_unlisted=bool(of.hides))

    def _of_parents(self, row: StreamRow, parent: StreamRow) -> frozenset[str]:
        """The events of a parent by which it may come into a filter, and its children with it."""
        if not may_lose_parents(row, self.rows):
            return frozenset()
        return frozenset(event for event in parent.events if not parent.says_gone(event))

    def named(self, row: StreamRow, again: Again, shared: Shared) -> Route:
        """The route of a child that its own events name: it is got by its id, or only ever gone."""
        listing = self._listing(row)
        projection = Named(self._finish(row), row.object[0], row.primary_key, shared)
        hydrator = Hydrator(listing, row.get_path, kinds=frozenset(row.object)) if again is Again.ONE_BY_ONE else None
        return Route(listing, projection, hydrator, row.expand if hydrator else ()).expanded()

    def feed(self, api: str) -> Feed:
        """The feed of all events, as v1 or v2 lists them."""
        return Feed(self.events(api), _asked_for_v2 if api == "v2" else _asked_for)

    def events(self, api: str) -> Listing:
        """The list of all events."""
        path = V2_EVENTS_PATH if api == "v2" else EVENTS_PATH
        stream = next(each for each in self.rows.values() if each.path == path and not each.from_events)
        return replace(self._listing(stream), passes=((),), again=(), first=(), limits=None)

    def _subjects(self, row: StreamRow, keep: tuple[str, ...]) -> Subjects:
        """How the objects that a stream follows are found in events."""
        found = self.of_rows.subjects.get((row.name, keep))
        if found is None:
            found = self.of_rows.subjects[row.name, keep] = self._found_subjects(row, keep)
        return found

    def _found_subjects(self, row: StreamRow, keep: tuple[str, ...]) -> Subjects:
        own = frozenset(row.carried)
        others = [other for other in self.rows.values() if other.name != row.name]
        taken: dict[str, frozenset[str]] = {}
        for other in others:
            for event in shared(row.events, other.events):
                taken[event] = taken.get(event, frozenset()).union(other.carried) - own
        return Subjects(
            kinds=own,
            keep=keep,
            time_fields=(row.time_field, *row.older_time_fields),
            taken=taken,
            other_ids=row.other_ids,
            v2=row.api == "v2",
            strangers=frozenset(kind for other in others for kind in other.object) - own,
        )

    def beside(self, row: StreamRow, following: Following, feed: Feed) -> tuple[Route, ...]:
        """The routes that following events adds: one that reads them, and perhaps one of objects without a parent."""
        if following.lone is None:
            return (events_of(feed),)
        listing = replace(self._listing(row), range_filter=None)
        lone = Route(listing, self._whole(row, row.expand), Hydrator(listing, row.get_path), row.expand)
        return (events_of(feed), lone.expanded())

    def _embedded(self, root: StreamRow) -> tuple[str, ...]:
        """The lists in a root's objects that are streams of their own."""
        parents = (parent for row in self.rows.values() for parent in row.all_parents if parent.stream == root.name)
        return tuple(dict.fromkeys(parent.field for parent in parents if parent.field))

    def child_route(
        self, row: StreamRow, parent: ParentRow, *, beside: Beside | None = None, shared: Shared | None = None
    ) -> Route:
        # Children that stand in the rows of a list in the parent need that whole.
        filters = RowFilters(self.rows[parent.stream].filters)
        through_list = (parent.field is not None and ".data." in parent.field) or filters.need_lists
        above = self._above(self.rows[parent.stream], _expansions(row, parent), whole=through_list)
        children = Children(
            parent=above.projection,
            key=_key_of(parent),
            listing=self._listing(row).expanding(row.expand) if row.path else None,
            finish=self._finish(row),
            kinds=frozenset(row.object),
            primary_key=row.primary_key,
            embedded=parent.field,
            where=parent.where,
            params_from=parent.params_from,
            via=self._via(parent),
            beside=beside,
            own_events=bool(row.events) and not row.event_object and shared is None,
            shared=shared,
            lists=self._nested(row, row.expand),
            parent_again=self._again(self.rows[parent.stream], _expansions(row, parent)),
            again=self._again(row, row.expand),
            left_out=LeftOut(row.name, parent.stream) if self.rows[parent.stream].may_refuse else None,
            filters=RowFilters(row.filters),
            tests_parents=bool(filtered_lineage(self.rows[parent.stream], self.rows)),
        )
        return replace(above, projection=children)

    def _above(self, parent: StreamRow, expand: tuple[str, ...], *, whole: bool) -> Route:
        """The route to a child's parents, with what the child needs of them expanded and nothing else."""
        if not parent.all_parents:
            projection = self._with_lists(parent, expand) if whole else self._projection(parent)
            projection = self._filtered(parent, projection, tells=True)
            return Route(self._listing(parent), projection, self._hydrator(parent), expand)
        (route, *_) = self.of(parent)
        if isinstance(route.projection, Children) and route.projection.listing is not None:
            listing = route.projection.listing.expanding(expand)
            return replace(route, projection=replace(route.projection, listing=listing))
        return route

    def _whole(self, row: StreamRow, expand: Collection[str]) -> Projection:
        """A stream's own rows that the config wants, with the lists whole that stand in them when these paths are
        expanded."""
        return self._filtered(row, self._with_lists(row, expand), tells=row.cursor is not None)

    def _filtered(self, row: StreamRow, projection: Projection, *, tells: bool) -> Projection:
        """The rows that the config wants; `tells` where those that leave make tombstones."""
        if not row.filters:
            return projection
        filters = RowFilters(row.filters)
        needs_whole = filters.need_lists or bool(row.include)
        return Filtered(projection, filters, self._finish(row), needs_whole, tells)

    def _with_lists(self, row: StreamRow, expand: Collection[str]) -> Projection:
        projection, lists = self._projection(row), self._nested(row, expand)
        return WithWholeLists(projection, lists, self._again(row, expand)) if lists else projection

    def _again(self, row: StreamRow, expand: Collection[str]) -> SecondLook:
        """How one object of a stream is got again, with these paths expanded."""
        if row.from_events or row.path is None:
            return SecondLook()
        path, listing = row.get_path, self._listing(row)
        if row.paging == "object":
            # The list's path is that of the object.
            path = _ANY_BRACE.sub("{id}", row.path)
        elif row.all_parents:
            return SecondLook()
        return SecondLook(Hydrator(listing, path, _includes(row), frozenset(row.object)).expanding(listing, expand))

    def _nested(self, row: StreamRow, expand: Collection[str]) -> tuple[NestedList, ...]:
        """The lists that stand in a stream's rows, cut at ten, when these paths are expanded. Outer ones come first."""
        endpoints, lists = self._endpoints(), []
        for place in lists_in(row.object, expand):
            listed = row.nested.get(place.path)
            owner, field = ("", place.path) if listed else (place.owner, place.field)
            listed = listed or endpoints.get((place.kind, place.field))
            if listed is not None:
                path, _, param = listed.partition("?")
                listing = Listing(path, self.requester, self._paging("starting_after"))
                listing = listing.expanding(paths_below(f"{place.path}.data.", expand))
                lists.append(NestedList(field, listing, param or None, owner, place.kind))
        return tuple(lists)

    def _endpoints(self) -> Mapping[tuple[str, str], str]:
        if not self.of_rows.endpoints:
            self.of_rows.endpoints.update(
                ((kind, field), endpoint)
                for other in self.rows.values()
                for kind in other.object
                for field, endpoint in other.nested.items()
            )
        return self.of_rows.endpoints

    def _via(self, parent: ParentRow) -> Via | None:
        if parent.via is None:
            return None
        return Via(Listing(parent.via.path, self.requester, OneObject()), parent.via.name)

    def _beside(self, parent: ParentRow) -> Beside:
        (route,) = self.of(self.rows[parent.stream])
        return Beside(route.listing, route.projection, _key_of(parent))

    def _projection(self, row: StreamRow) -> Projection:
        finish = self._finish(row)
        if row.from_events:
            return FromEvents(finish)
        if row.include:
            one = replace(self._listing(row), path=row.get_path, paging=OneObject())
            return Fetched(finish, row.object[0], listing=one, asked=_includes(row))
        return Itself(finish, row.object[0])

    def _hydrator(self, row: StreamRow) -> Hydrator | None:
        if row.from_events or not (row.events or row.sync == "created"):
            return None
        return Hydrator(self._listing(row), row.get_path, _includes(row), frozenset(row.object))

    def _listing(self, row: StreamRow) -> Listing:
        types: Params = tuple(("types[]", event) for event in row.events) if row.from_events else ()
        again, first = (passes(row, level) if row.filters else () for level in (Level.AGAIN, self.first))
        return Listing(
            path=row.path or "",
            requester=self.requester,
            paging=self._paging(row.paging, frozenset(row.object)),
            passes=tuple((*asked, *types) for asked in passes(row, Level.COVER)),
            again=again,
            first=first,
            limits=limits(row),
            range_filter=None if row.from_events else self._filter(row),
            time_field=row.time_field,
            version=row.version,
        )

    def _filter(self, row: StreamRow) -> RangeFilter | None:
        return RangeFilter(**dict(row.filter)) if row.filter is not None else None

    def _paging(self, way: str | None, kinds: frozenset[str] = frozenset()) -> Paging:
        if way == "starting_after":
            return StartingAfter(**self.paging[way])
        if way == "next_page_url":
            return NextPageUrl(**self.paging[way])
        return OneObject(kinds) if way == "object" else OneAnswer()

    def _finish(self, row: StreamRow) -> Finish:
        return Finish(row.cursor, self._facts, tuple(row.adds), row.leaves_out)

    def _facts(self) -> Mapping[str, Any]:
        account = self.account.read()
        return {"account_id": account.id, "read_at": account.now}


def _leaves_out(row: StreamRow) -> Callable[[Mapping[str, Any], int | None], bool] | None:
    """What tells by an event's copy of an object that no filter wants it."""
    filters = RowFilters(tuple(each for each in row.filters if each.is_created or each.parameter.in_events))
    return filters.leave_out if filters else None


def _key_of(parent: ParentRow) -> ParentKey:
    return ParentKey(parent.name, parent.id_field, parent.carries, parent.id_from)


def events_of(feed: Feed) -> Route:
    """The route by which a stream reads the feed, for itself and all others."""
    return Route(feed.listing, Taken(feed.take), is_full=feed.is_full)


def _asked_for(types: Sequence[str]) -> Params:
    """The parameters that ask for events of these types."""
    return tuple(("type" if is_group(event) else "types[]", event) for event in types)


def _asked_for_v2(types: Sequence[str]) -> Params:
    return tuple((f"types[{place}]", event) for place, event in enumerate(types))


def _expansions(row: StreamRow, parent: ParentRow) -> tuple[str, ...]:
    """What has to be expanded in a parent for its children to stand in it as they would in their own list."""
    if parent.field is None:
        return ()
    inside = tuple(f"{parent.field}.data.{path}" for path in row.expand)
    return (parent.field, *inside) if parent.hidden else inside


def _includes(row: StreamRow) -> Params:
    return tuple((f"include[{place}]", name) for place, name in enumerate(row.include))
