"""Streams: from the rows of the manifest to the streams that the CDK runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from airbyte_cdk.sources.declarative.schema import InlineSchemaLoader
from airbyte_cdk.sources.declarative.stream_slicers.declarative_partition_generator import (
    DeclarativePartitionFactory,
    StreamSlicerPartitionGenerator,
)
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor, CursorField
from airbyte_cdk.sources.streams.concurrent.default_stream import DefaultStream

from source_stripe.api.account import Reader
from source_stripe.api.listing import Listing
from source_stripe.api.refusals import Refused
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config
from source_stripe.catalog.pushing import digest, may_lose_parents
from source_stripe.catalog.schemas import StreamSchema
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import Again, Followed, Since, SyncPlan, Way, plan_of, root_of
from source_stripe.objects.events import OVERLAP
from source_stripe.objects.route import Route, failures_of, left_out_of
from source_stripe.objects.shared_children import Shared
from source_stripe.process.progress import Progress
from source_stripe.reading.batches import Batches
from source_stripe.reading.changes import ChangesReading, Following
from source_stripe.reading.cursor import FollowingCursor, ReadingCursor
from source_stripe.reading.feed import Feed, Seat
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.readings import CreatedReading, Reading, ResumableReading, WholeReading
from source_stripe.reading.relisting import Relisting
from source_stripe.reading.retriever import StripeRetriever
from source_stripe.reading.several_roots import Root, Seats, SeveralRoots
from source_stripe.reading.state import ReadWith, StreamState, UnknownStateError, refused_in
from source_stripe.reading.workers import Workers
from source_stripe.routes import OfRows, Routes, events_of

State = Mapping[str, Any]
SavedState = Callable[[str], Mapping[str, Any]]
"""The saved state of a stream, by its name."""


@dataclass(frozen=True)
class StreamBuilder:
    """What all streams of a sync share."""

    rows: Mapping[str, StreamRow]
    paging: Mapping[str, Mapping[str, Any]]
    """The manifest's parameters of each way to page."""
    config: Config
    requester: StripeRequester
    account: Reader
    workers: Workers
    messages: MessageRepository
    progress: Progress
    batches: Batches | None
    account_id: str | None = None
    """The account that is read, where rows are to say it: there are several."""
    of_rows: OfRows = field(default_factory=OfRows)
    feeds: dict[str, Feed] = field(default_factory=dict)
    """The events that streams follow, by the API that has them."""

    def build(self, selected: Collection[str], saved: SavedState) -> list[DefaultStream]:
        """All streams, or the selected ones: then those with one root are read as one. Each goes on from its state."""
        wanted = selected or self.rows.keys()
        groups = self._groups(selected, saved)
        together = {name for names in groups for name in names}
        streams = [stream for names in groups for stream in self._read_as_one(names, saved)]
        alone = (row for row in self.rows.values() if row.name in wanted and row.name not in together)
        return streams + [self._stream([row], saved)[0] for row in alone]

    def _groups(self, selected: Iterable[str], saved: SavedState) -> list[list[str]]:
        """Streams whose rows come from the same root, and that stand at the same point: roots first."""
        groups: dict[tuple[str, StreamState, str | None], list[str]] = {}
        for name in selected:
            row = self.rows.get(name)
            root = plan_of(row, self.rows).shares if row is not None else None
            if row is None or root is None or row.cursor is None:
                continue
            try:
                state = StreamState.parse(saved(name), stream=name, cursor=row.cursor)
            except UnknownStateError:
                continue
            groups.setdefault((root, state, digest(row, self.rows)), []).append(name)
        root_first = (sorted(names, key=lambda name: name != root) for (root, _, _), names in groups.items())
        return [names for names in root_first if len(names) > 1]

    def _read_as_one(self, names: Sequence[str], saved: SavedState) -> list[DefaultStream]:
        leader, *followers = self._stream([self.rows[name] for name in names], saved)
        return [leader, *followers]

    def _stream(self, rows: Sequence[StreamRow], saved: SavedState) -> list[DefaultStream]:
        """The stream of the first row, and of the others that come with it."""
        row = rows[0]
        refused = {each.name: Refused(each.name, refused_in(saved(each.name))) for each in rows}
        routes, reading = self._routes_and_reading(rows, refused, saved(row.name))
        frontier = Frontier(self.workers)
        cursor = ReadingCursor(
            progress=self.progress,
            stream=row.name,
            cursor_name=row.cursor,
            reading=reading,
            saved_state=saved(row.name),
            account=self.account,
            frontier=frontier,
            messages=self.messages,
            refused=refused,
            followers={follower.name: str(follower.cursor) for follower in rows[1:]},
            failures=failures_of(routes[0]),
            left_out=left_out_of(routes),
        )
        retriever = StripeRetriever(
            name=row.name,
            routes=routes,
            frontier=frontier,
            progress=self.progress,
            batches=self.batches,
            start=0 if row.sync == "single" else self._start,
            checkpoint=cursor.checkpoint,
            refused=refused[row.name],
            open_rows=reading.open_rows if isinstance(reading, ResumableReading) else None,
            account_id=self.account_id,
        )
        following = (FollowingCursor(follower.name, cursor, self.messages) for follower in rows[1:])
        cursors: tuple[Cursor, ...] = (cursor, *following)
        return [self._default_stream(one, retriever, own) for one, own in zip(rows, cursors, strict=True)]

    def _default_stream(self, row: StreamRow, retriever: Any, cursor: Cursor) -> DefaultStream:
        # The retriever makes no use of the schema, and the CDK would read its file for each partition.
        no_schema = InlineSchemaLoader({}, {})
        partitions = DeclarativePartitionFactory(row.name, no_schema, retriever, self.messages)
        return DefaultStream(
            partition_generator=StreamSlicerPartitionGenerator(partitions, cursor),
            name=row.name,
            # The CDK would read it with each status of each account.
            json_schema=StreamSchema(row, self.rows).get_json_schema if self.account_id is None else {},
            primary_key=list(row.primary_key),
            cursor_field=CursorField(row.cursor) if row.cursor else None,
            logger=logging.getLogger(f"airbyte.{row.name}"),
            cursor=cursor,
        )

    @property
    def _start(self) -> int:
        return self.config.start_date or 0

    def _setting(self, row: StreamRow) -> ReadWith:
        config = self.config
        return ReadWith(config.account_id, config.live, config.start_date, digest(row, self.rows))

    def _routes_and_reading(
        self, rows: Sequence[StreamRow], refused: Mapping[str, Refused], saved: State
    ) -> tuple[tuple[Route, ...], Reading]:
        row = rows[0]
        plan = plan_of(row, self.rows)
        # What one of them missed is read again for all: their rows come from the same objects.
        again = tuple(dict.fromkeys(each for one in refused.values() for each in one.carried))
        made = Routes(self.rows, self.paging, self.requester, self.account, self.of_rows)
        if len(plan.followed) > 1 and row.cursor is not None:
            return self._of_several_roots(row, row.cursor, plan, made, again, saved)
        plain = made.of(row) if len(rows) == 1 else (made.shared(rows, refused),)
        routes = tuple(route.expanded() for route in plain)
        listings = [route.listing for route in routes]
        following = made.following(row, plan, routes)
        if self._parents_come_unseen(row, plan):
            following = None
        if following is not None and row.cursor is not None:
            (followed,) = plan.followed
            feed = self._feed(made, row)
            types = tuple(dict.fromkeys((*followed.types, *following.fold.of_parents)))
            place = feed.join([(types, following.fold)], len(routes))
            reading = self._changes(row, row.cursor, followed, following, place, again, listings=listings)
            # A parent that comes into a filter brings all of its children.
            reading.new_children_only = plan.new_children_only and not may_lose_parents(row, self.rows)
            self._untold(reading, rows, followed)
            place.foresees = partial(reading.foresees, saved=saved)
            return (*routes, *made.beside(row, following, feed)), reading
        return routes, self._by_lists(plan, row, listings, again)

    def _of_several_roots(
        self, row: StreamRow, cursor: str, plan: SyncPlan, made: Routes, again: tuple[str, ...], saved: State
    ) -> tuple[tuple[Route, ...], Reading]:
        """The routes of the roots, of the events of all, and of the children that have events of their own."""
        shared, feed = Shared(), self._feed(made, row)
        lists = [route.expanded() for route in made.of_several(row, shared)]
        events_route = len(lists)
        routes = dict(zip(plan.lists, enumerate(lists), strict=True))
        for followed in plan.followed:
            if _are_own(followed):
                routes[followed.stream] = events_route + 1, made.named(row, followed.again, shared)
        following = [
            replace(made.following_of(each, routes[each.stream][1].hydrator), tells_of_children=_are_own(each))
            for each in plan.followed
        ]
        types = (followed.types for followed in plan.followed)
        place = feed.join(list(zip(types, (each.fold for each in following), strict=True)), events_route)
        seats = Seats(place)
        roots = []
        for number, (followed, own) in enumerate(zip(plan.followed, following, strict=True)):
            number_of_route, route = routes[followed.stream]
            # No child has the id of a parent.
            refused = () if followed.again is Again.NOTHING else again
            listings = [] if own.tells_of_children else [route.listing]
            changes = self._changes(row, cursor, followed, own, seats.seat(number), refused, listings=listings)
            changes.shared, changes.quiet = True, number > 0
            roots.append(Root(changes, number_of_route))
        reading = SeveralRoots(row.name, cursor, roots, events_route, shared, seats)
        place.foresees = partial(reading.foresees, saved=saved)
        ordered = [route for _, route in sorted(routes.values(), key=lambda each: each[0])]
        ordered.insert(events_route, events_of(feed))
        return tuple(ordered), reading

    def _changes(
        self,
        row: StreamRow,
        cursor: str,
        followed: Followed,
        following: Following,
        seat: Seat,
        again: tuple[str, ...],
        *,
        listings: Sequence[Listing],
    ) -> ChangesReading:
        return ChangesReading(
            stream=row.name,
            cursor=cursor,
            listings=listings,
            following=following,
            seat=seat,
            again=again,
            start=self._start,
            lookback=max(self._seconds(followed.since), OVERLAP),
            setting=self._setting(row),
            relisting=Relisting(self.config.relist_days),
        )

    def _untold(self, reading: ChangesReading, rows: Sequence[StreamRow], followed: Followed) -> None:
        """What becomes of rows that change without an event, where their list is read for this stream alone."""
        plans = [plan_of(row, self.rows) for row in rows]
        reading.refresh = [tuple(those.items()) for those in plans[0].refresh]
        open_rows = next((found for plan in plans if (found := self._open_rows(plan))), None)
        if open_rows is not None:
            once = max(root_of(rows[0], self.rows).lookback, open_rows.rule.young or 0)
            reading.open_rows, reading.lookback, reading.lookback_once = open_rows, OVERLAP, once
        elif reading.refresh:
            reading.following = replace(reading.following, misses_births=False)

    def _parents_come_unseen(self, row: StreamRow, plan: SyncPlan) -> bool:
        """Whether parents may come into a filter without an event that the stream follows."""
        follows_children = any(each.again is Again.CHILDREN for each in plan.followed)
        if row.parent is None or not follows_children or not may_lose_parents(row, self.rows):
            return False
        return not self.rows[row.parent.stream].events

    def _feed(self, made: Routes, row: StreamRow) -> Feed:
        if row.api not in self.feeds:
            self.feeds[row.api] = made.feed(row.api)
        return self.feeds[row.api]

    def _by_lists(self, plan: SyncPlan, row: StreamRow, listings: Sequence[Listing], again: tuple[str, ...]) -> Reading:
        """The reading of a stream that follows no events."""
        since = self._seconds(plan.since)
        # What stands in events is not kept: there is no more to list.
        relisting = Relisting(None if row.of_events else self.config.relist_days)
        parents_come = bool(row.all_parents) and may_lose_parents(row, self.rows)
        goes_by_creation = plan.way is Way.CREATED or (plan.way is Way.NEW_PARENTS and not parents_come)
        if goes_by_creation and plan.since is not None and row.cursor is not None:
            open_rows = self._open_rows(plan)
            return CreatedReading(
                row.name,
                row.cursor,
                listings,
                self._start,
                since if open_rows is None else plan.since.overlap,
                again,
                self._setting(row),
                open_rows,
                lookback_once=since,
                relisting=relisting,
                of_events=row.of_events,
            )
        children_since = since if plan.way is Way.NEW_CHILDREN and not parents_come else None
        return WholeReading(
            row.name,
            row.cursor,
            listings,
            self._start,
            children_since,
            again,
            self._setting(row),
            row.of_events,
            relisting,
        )

    def _open_rows(self, plan: SyncPlan) -> OpenRows | None:
        """The rows that the stream's state keeps; None where the config says how far back is read instead."""
        if plan.open is None or self.config.lookback_window_days is not None:
            return None
        return OpenRows(plan.open)

    def _seconds(self, since: Since | None) -> int:
        return since.seconds(self.config.lookback_window_days) if since is not None else 0


def _are_own(followed: Followed) -> bool:
    """Whether events tell of the stream's own rows, where those stand in objects of several others."""
    return followed.again in (Again.ONE_BY_ONE, Again.NOTHING)
