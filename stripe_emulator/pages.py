"""Pages of lists: which rows they hold, and their JSON."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

import orjson

from stripe_emulator.facts import Json
from stripe_emulator.store import Position, Resource, Shelf

Accept = Callable[[Resource], bool]


@dataclass(frozen=True)
class Selection:
    """What a list shows: the rows of some shelves that `accept` takes, with `since <= at < until`."""

    shelves: Sequence[Shelf]
    accept: Accept | None = None
    since: int | None = None
    until: int | None = None

    def down(self, below: Position | None = None) -> Iterator[Resource]:
        """Rows newest first, under a position."""
        rows = [shelf.down(below, self.since, self.until) for shelf in self.shelves]
        return filter(self.accept, rows[0] if len(rows) == 1 else merge(*rows, key=_position, reverse=True))

    def up(self, above: Position) -> Iterator[Resource]:
        """Rows oldest first, over a position."""
        rows = [shelf.up(above, self.since, self.until) for shelf in self.shelves]
        return filter(self.accept, rows[0] if len(rows) == 1 else merge(*rows, key=_position))


@dataclass(frozen=True)
class Page:
    rows: list[Resource]
    has_more: bool


def page(selection: Selection, limit: int, *, after: Position | None = None, before: Position | None = None) -> Page:
    """The rows that follow `after`, or the last ones that precede `before`; newest first either way."""
    rows = list(islice(selection.up(before) if before is not None else selection.down(after), limit + 1))
    has_more = len(rows) > limit
    rows = rows[:limit]
    if before is not None:
        rows.reverse()
    return Page(rows, has_more)


def list_json(rows: Iterable[bytes], has_more: bool, url: str) -> bytes:
    """A v1 list object, put together from rows that are JSON already."""
    tail = b'],"has_more":true,"url":' if has_more else b'],"has_more":false,"url":'
    return b'{"object":"list","data":[' + b",".join(rows) + tail + orjson.dumps(url) + b"}"


def embedded_list(rows: list[object], has_more: bool, total: int, url: str) -> Json:
    """A list as it stands inside its parent."""
    return {"object": "list", "data": rows, "has_more": has_more, "total_count": total, "url": url}


def _position(resource: Resource) -> Position:
    return resource.position
