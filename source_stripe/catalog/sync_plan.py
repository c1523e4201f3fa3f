"""How a stream is kept up to date: one decision, made from its row of the manifest and the rows of its parents. Pure.

The streams' builder, `check`, docs/streams.md and tests take it from here, and decide nothing of it themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from source_stripe.catalog.expanding import paths_below
from source_stripe.catalog.stream_rows import EVENTS_PATH, V2_EVENTS_PATH, OpenRow, ParentRow, StreamRow

_DAY = 86_400
"""Seconds."""
_BY_EVENTS = ("events", "events+created", "parent")


class Way(Enum):
    """What the syncs after the first one read."""

    WHOLE = "whole"
    """All of it."""
    CREATED = "created"
    """What was created since."""
    NEW_CHILDREN = "new children"
    """Of every parent, the children that were created since."""
    NEW_PARENTS = "new parents"
    """All children of the parents that were created since."""
    CHANGES = "changes"
    """What events name."""


class Again(Enum):
    """What is read again of what events name."""

    OBJECTS = "objects"
    """The objects themselves, by pages of their list or by id."""
    ONE_BY_ONE = "one by one"
    """The objects themselves, by id: no list has them."""
    CHILDREN = "children"
    """The children of the parents that the objects name."""
    NOTHING = "nothing"
    """Nothing. Events tell what is gone."""


@dataclass(frozen=True)
class Since:
    """How far before the last sync lists are read again, in seconds."""

    lookback: int = 0
    overlap: int = 0

    def seconds(self, lookback_window_days: int | None) -> int:
        """`lookback_window_days` is the config's: it replaces the stream's own lookback."""
        lookback = self.lookback if lookback_window_days is None else lookback_window_days * _DAY
        return max(lookback, self.overlap)


@dataclass(frozen=True)
class Followed:
    """The events about the objects of one stream, and what is read again for them."""

    stream: str
    events: tuple[str, ...]
    touches: Mapping[str, tuple[str, ...]]
    """Event types of other objects, and the dotted paths by which they name objects of this stream."""
    again: Again
    since: Since | None = None
    """Not every creation has an event: how far back what was created is listed as well. None where all have one."""

    @property
    def types(self) -> tuple[str, ...]:
        """All event types that are asked for."""
        return tuple(dict.fromkeys((*self.events, *self.touches)))


@dataclass(frozen=True)
class SyncPlan:
    """How a stream is kept up to date."""

    stream: str
    way: Way
    lists: tuple[str, ...]
    """The streams whose lists it is read from: itself, or the roots of its parents. Each list is read once."""
    asked: tuple[str, ...]
    """What `check` asks for: the paths of those lists, and of the events that are followed."""
    kept: str
    """The words of docs/streams.md for it."""
    heading: str
    """Under which of the page's numbers the stream counts."""
    followed: tuple[Followed, ...] = ()
    """Whose events tell what changed."""
    since: Since | None = None
    """How far back is read again where `way` goes by creation."""
    open: OpenRow | None = None
    """Which rows of its list can still change without an event: they are listed again when they are due."""
    refresh: tuple[Mapping[str, str], ...] = ()
    """What its list is asked for, to be read whole: such rows can change without an event."""
    new_children_only: bool = False
    """Of a parent that changed, only the children that were created since are read."""
    shares: str | None = None
    """The stream whose list and events it can be read from together with other streams."""
    set_of: str | None = None
    """The field with the parent's id, where all rows of a parent are read whenever one of them is: they come with the
    same cursor value, so one with a lower value than others of its parent has left it."""


def root_of(row: StreamRow, rows: Mapping[str, StreamRow]) -> StreamRow:
    """The stream whose list a stream's rows come from, by its only parent."""
    while row.parent is not None:
        row = rows[row.parent.stream]
    return row


def plan_of(row: StreamRow, rows: Mapping[str, StreamRow]) -> SyncPlan:
    """How a stream is kept up to date. `rows` are those of all streams, or at least of its parents."""
    followed = _followed(row, rows)
    way = _way(row, rows, followed)
    if way is not Way.CHANGES:
        followed = ()
    lists = _lists(row, rows)
    return SyncPlan(
        stream=row.name,
        way=way,
        lists=lists,
        asked=(*_paths(row, rows, lists), *_event_paths(row, followed)),
        kept=_kept(row, rows, way),
        heading=_heading(row),
        followed=followed,
        since=_since(row, rows, way),
        open=_open(row, rows, way, followed),
        refresh=root_of(row, rows).refresh if way is Way.CHANGES and _by_objects(followed) else (),
        new_children_only=row.parent is not None and row.filter is not None and _by_objects(followed),
        shares=_shares(row, rows, way, followed),
        set_of=_set_of(row, way),
    )


def _way(row: StreamRow, rows: Mapping[str, StreamRow], followed: tuple[Followed, ...]) -> Way:
    if row.cursor is None or row.from_events:
        return Way.WHOLE
    if row.sync == "created":
        return Way.NEW_CHILDREN if row.all_parents else Way.CREATED
    if row.sync not in _BY_EVENTS or row.product:
        return Way.WHOLE
    if followed:
        return Way.CHANGES
    return Way.NEW_PARENTS if row.parent is not None and root_of(row, rows).sync == "created" else Way.WHOLE


def _followed(row: StreamRow, rows: Mapping[str, StreamRow]) -> tuple[Followed, ...]:
    """Whose events tell of a stream's rows: its own, its root's, or those of several roots and its own."""
    if row.parents:
        return _followed_of_several(row, rows)
    if row.parent is not None and row.events:
        return (Followed(row.name, row.events, row.touches, Again.CHILDREN),)
    root = root_of(row, rows)
    if not root.events or root.from_events:
        return ()
    # What shows in the root's rows is nothing to children that don't stand there.
    touches = root.touches if row.parent is None or row.parent.field else {}
    return (Followed(root.name, root.events, touches, Again.OBJECTS, _births(root)),)


def _followed_of_several(row: StreamRow, rows: Mapping[str, StreamRow]) -> tuple[Followed, ...]:
    """Its own events first, as they tell what is gone from all parents; none where a root has no events at all."""
    roots = [rows[name] for name in _lists(row, rows)]
    if not all(root.events and not root.from_events for root in roots):
        return ()
    each = [
        Followed(root.name, root.events, _named_by(row, root, rows), Again.OBJECTS, _births(root)) for root in roots
    ]
    if not row.events:
        return tuple(each)
    return (Followed(row.name, row.events, {}, Again.ONE_BY_ONE if row.get else Again.NOTHING), *each)


def _named_by(row: StreamRow, root: StreamRow, rows: Mapping[str, StreamRow]) -> Mapping[str, tuple[str, ...]]:
    """The events of children that are still there, and the paths by which those name the root."""
    parents = (parent for parent in row.parents if root_of(rows[parent.stream], rows).name == root.name)
    paths = tuple(dict.fromkeys(parent.named_by for parent in parents if parent.named_by))
    return {event: paths for event in row.events if paths and not row.says_gone(event)}


def _births(root: StreamRow) -> Since | None:
    return Since(root.lookback, root.overlap) if root.sync == "events+created" else None


def _open(row: StreamRow, rows: Mapping[str, StreamRow], way: Way, followed: tuple[Followed, ...]) -> OpenRow | None:
    """Which rows are open. Children that cost requests are no reason to list their parents again."""
    if row.parent is not None and row.parent.field is None:
        return None
    goes_by_lists = way in (Way.CREATED, Way.NEW_PARENTS) or (way is Way.CHANGES and _by_objects(followed))
    return root_of(row, rows).open if goes_by_lists else None


def _lists(row: StreamRow, rows: Mapping[str, StreamRow]) -> tuple[str, ...]:
    if not row.all_parents:
        return (row.name,)
    parents = row.parents[1:] if row.product else row.all_parents
    return tuple(dict.fromkeys(root_of(rows[parent.stream], rows).name for parent in parents))


def _paths(row: StreamRow, rows: Mapping[str, StreamRow], lists: Iterable[str]) -> tuple[str, ...]:
    beside = [rows[row.parents[0].stream].path] if row.product else []
    return tuple(dict.fromkeys(str(path) for path in (*(rows[name].path for name in lists), *beside)))


def _event_paths(row: StreamRow, followed: Iterable[Followed]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(V2_EVENTS_PATH if row.api == "v2" else EVENTS_PATH for _ in followed))


def _since(row: StreamRow, rows: Mapping[str, StreamRow], way: Way) -> Since | None:
    if way in (Way.CREATED, Way.NEW_CHILDREN):
        return Since(row.lookback, row.overlap)
    root = root_of(row, rows)
    return Since(root.lookback, root.overlap) if way is Way.NEW_PARENTS else None


def _shares(row: StreamRow, rows: Mapping[str, StreamRow], way: Way, followed: tuple[Followed, ...]) -> str | None:
    by_root = way in (Way.CREATED, Way.NEW_PARENTS) or _by_objects(followed)
    if not by_root or row.parents or row.of_events or (row.parent is not None and row.filter is not None):
        return None
    root = root_of(row, rows)
    return root.name if row.parent is None or _alike_in(root, row, row.parent) else None


def _set_of(row: StreamRow, way: Way) -> str | None:
    parent = row.parent
    if parent is None or parent.optional or way is not Way.CHANGES or row.api == "v2":
        return None  # v2's objects may have a later `updated` of their own
    return parent.id_field if row.cursor in ("updated", f"{parent.name}_updated") else None


def _by_objects(followed: tuple[Followed, ...]) -> bool:
    return bool(followed) and all(each.again is Again.OBJECTS for each in followed)


def _alike_in(root: StreamRow, row: StreamRow, parent: ParentRow) -> bool:
    """Whether rows that stand in others are the same in both streams: a config may expand more in one of them."""
    return parent.field is None or set(paths_below(f"{parent.field}.data.", root.expand)) == set(row.expand)


def _kept(row: StreamRow, rows: Mapping[str, StreamRow], way: Way) -> str:
    if way is Way.WHOLE and row.from_events:
        return "events"
    if way is Way.WHOLE:
        return "read whole" if row.cursor else "full refresh only"
    if way is Way.NEW_PARENTS:
        return f"parents {_created_since(root_of(row, rows))}"
    if way is not Way.CHANGES:
        return _created_since(row)
    if row.sync == "parent":
        return "changed parents, events" if row.events else "changed parents"
    if row.refresh:
        return "events, and short lists"
    if row.sync == "events":
        return "events, and open ones" if row.open is not None else "events"
    return f"events, {_created_since(row)}"


def _created_since(row: StreamRow) -> str:
    if row.open is not None:
        return "created since, and open ones"
    return "created since" + (f" ({row.lookback // _DAY} days)" if row.lookback else "")


def _heading(row: StreamRow) -> str:
    headings = {"events": "by_events", "events+created": "by_events", "created": "by_created", "parent": "by_parents"}
    return headings.get(row.sync, "whole") if row.cursor else "full_refresh"
