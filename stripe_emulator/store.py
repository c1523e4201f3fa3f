"""The account's objects: kept by id, and on shelves in the order in which lists have them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stripe_emulator import facts
from stripe_emulator.facts import Json

Position = tuple[int, int]


@dataclass(slots=True, eq=False)
class Resource:
    """One object.

    `fields` hold what Stripe knows of it: references as ids, hidden fields too, embedded lists not (their rows are
    resources of their own). `fields` are replaced, never changed in place. `at` (Unix time) and `number` (order of
    writing) place it in lists. A child that doesn't name its parent in a field has an `owner`, in one of its slots.
    `rendered` is the JSON that lists and GETs give, once it was asked for.
    """

    kind: str
    key: str
    fields: Json
    at: int
    number: int
    owner: str | None = None
    slot: str | None = None
    deleted: bool = False
    rendered: bytes | None = None

    @property
    def id(self) -> str:
        """The object's id; of objects without one, what the store calls it."""
        return str(self.fields.get("id", self.key))

    @property
    def position(self) -> Position:
        """Where it stands: lists run from the highest position down. Lines of a document keep the order given."""
        return (0, -self.number) if _in_order_given(self) else (self.at, self.number)


def _in_order_given(resource: Resource) -> bool:
    return resource.slot is not None or resource.kind == "line_item"


class Shelf:
    """Resources in the order of their positions. Sorted when it is read, so that writing in any order is cheap."""

    def __init__(self) -> None:
        self._rows: list[tuple[Position, Resource]] = []
        self._sorted = True

    def add(self, resource: Resource) -> None:
        row = (resource.position, resource)
        self._sorted = self._sorted and (not self._rows or self._rows[-1][0] < row[0])
        self._rows.append(row)

    def remove(self, resource: Resource) -> None:
        rows = self._in_order()
        del rows[self._index(resource.position)]

    def down(self, below: Position | None, since: int | None, until: int | None) -> Iterator[Resource]:
        """Newest first: rows under a position, within `since <= at < until`."""
        rows, low, high = self._bounds(since, until)
        if below is not None:
            high = min(high, self._index(below))
        for index in range(high - 1, low - 1, -1):
            yield rows[index][1]

    def up(self, above: Position, since: int | None, until: int | None) -> Iterator[Resource]:
        """Oldest first: rows over a position, within `since <= at < until`."""
        rows, low, high = self._bounds(since, until)
        for index in range(max(low, self._index((above[0], above[1] + 1))), high):
            yield rows[index][1]

    def _bounds(self, since: int | None, until: int | None) -> tuple[list[tuple[Position, Resource]], int, int]:
        rows = self._in_order()
        low = 0 if since is None else self._index((since, 0))
        high = len(rows) if until is None else self._index((until, 0))
        return rows, low, high

    def _index(self, position: Position) -> int:
        return bisect_left(self._in_order(), position, key=_position)

    def _in_order(self) -> list[tuple[Position, Resource]]:
        if not self._sorted:
            self._rows.sort(key=_position)
            self._sorted = True
        return self._rows


def _position(row: tuple[Position, Resource]) -> Position:
    return row[0]


Value = Callable[[Resource], Any]


@dataclass
class _Index:
    """Shelves of one kind by the value of a field (or of the owner and slot)."""

    value: Value
    shelves: dict[Any, Shelf] = field(default_factory=dict)

    def add(self, resource: Resource) -> None:
        value = self.value(resource)
        if value is not None:
            self.shelves.setdefault(value, Shelf()).add(resource)

    def remove(self, resource: Resource) -> None:
        value = self.value(resource)
        if value is not None:
            self.shelves[value].remove(resource)


class Store:
    """Every object of an account. Not thread-safe: its emulator holds the lock."""

    def __init__(self) -> None:
        self._by_key: dict[str, Resource] = {}
        self._shelves: dict[str, Shelf] = {}
        self._indexes: dict[str, dict[str, _Index]] = {}
        self._count = 0

    def next_number(self) -> int:
        self._count += 1
        return self._count

    def get(self, key: str) -> Resource | None:
        """The object of that id, deleted or not."""
        return self._by_key.get(key)

    def add(self, resource: Resource) -> None:
        """Take in a new object. ValueError if there is one of that id; that of a deleted one can be used again."""
        known = self._by_key.get(resource.key)
        if known is not None and not known.deleted:
            raise ValueError(f"there is a {known.kind} with id {resource.key!r} already")
        self._by_key[resource.key] = resource
        self._shelve(resource)

    def replace(self, resource: Resource, fields: Json) -> None:
        """Give an object other fields, `id` and `created` excepted."""
        self._unindex(resource)
        resource.fields = fields
        resource.rendered = None
        self._index(resource)

    def move(self, resource: Resource, owner: str, slot: str | None) -> None:
        """Put an object into a slot of another one."""
        self._unshelve(resource)
        resource.owner, resource.slot = owner, slot
        self._shelve(resource)

    def remove(self, resource: Resource) -> None:
        """Take an object out of every list; it is still known as deleted."""
        self._unshelve(resource)
        resource.deleted, resource.rendered = True, None

    def all(self) -> Iterator[Resource]:
        """All objects, in the order in which they came; those that lists show no longer, too."""
        return iter(self._by_key.values())

    def shelf(self, kind: str) -> Shelf:
        """All objects of a kind."""
        return self._shelves.setdefault(kind, Shelf())

    def shelf_by(self, kind: str, name: str, value: Any) -> Shelf:
        """Objects of a kind whose field has a value; `name` "owner" and "slot" ask for (owner) and (owner, slot)."""
        indexes = self._indexes.setdefault(kind, {})
        if name not in indexes:
            indexes[name] = _Index(_VALUES.get(name) or _field(name))
            for resource in self.shelf(kind).up((-1, -(1 << 62)), None, None):
                indexes[name].add(resource)
        return indexes[name].shelves.setdefault(value, Shelf())

    def children(self, row: facts.Embedded, parent: str) -> list[Shelf]:
        """The shelves that make up an embedded list of a parent."""
        if row.by is not None:
            return [self.shelf_by(kind, row.by, parent) for kind in row.kinds]
        return [self.shelf_by(kind, "slot", (parent, row.field)) for kind in row.kinds]

    def _shelve(self, resource: Resource) -> None:
        self.shelf(resource.kind).add(resource)
        self._index(resource)

    def _unshelve(self, resource: Resource) -> None:
        self.shelf(resource.kind).remove(resource)
        self._unindex(resource)

    def _index(self, resource: Resource) -> None:
        for index in self._indexes.get(resource.kind, {}).values():
            index.add(resource)
        self._parents_changed(resource)

    def _unindex(self, resource: Resource) -> None:
        for index in self._indexes.get(resource.kind, {}).values():
            index.remove(resource)
        self._parents_changed(resource)

    def _parents_changed(self, resource: Resource) -> None:
        """What parents show of their children is to be rendered anew."""
        for row in facts.embeddings(resource.kind):
            if row.shown:
                parent = self._by_key.get(parent_key(resource, row) or "")
                if parent is not None:
                    parent.rendered = None


def parent_key(child: Resource, row: facts.Embedded) -> str | None:
    """The id of the object in whose embedded list a child stands, if it does."""
    if row.by is not None:
        value = child.fields.get(row.by)
        return value if isinstance(value, str) else None
    return child.owner if child.slot == row.field else None


def _field(name: str) -> Value:
    def value(resource: Resource) -> Any:
        return resource.fields.get(name)

    return value


_VALUES: dict[str, Value] = {
    "owner": lambda resource: resource.owner,
    "slot": lambda resource: (resource.owner, resource.slot) if resource.slot else None,
}
