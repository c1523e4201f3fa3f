"""The ledger: what happened last to each object, in little memory. Pure.

A sync that comes late finds hundreds of thousands of changed objects. Kept as Python objects they would take most of a
kilobyte each. So the ledger has a column for each field, with a place for each object, and makes a Change of a place
when one is asked for.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, overload

import orjson

from source_stripe.api.ranges import Range

_Key = TypeVar("_Key", bound=Hashable)

_NEVER = -(1 << 62)
"""In columns of times (Unix seconds): no event told."""
_SHORT = 200
"""Bytes of JSON that are not worth compressing. See docs/design/changes.md, "Memory of a ledger"."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """What happened last to an object."""

    id: str
    time: int
    """`created` of its newest event, Unix seconds."""
    created: int | None
    """When the object was created, where an event says so."""
    deleted: bool
    shown: Mapping[str, Any] = field(repr=False)
    """The object as the event shows it: of a deletion all, else only what finding it takes."""
    listed: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING, repr=False)
    """By field, what its embedded lists held before its events: rows by id."""
    hidden: bool = False
    """Whether its list does not show it any more, though it is there."""


class Ledger:
    """Takes in changes, in any order, and keeps what happened last to each object. Used by one thread at a time.

    Nothing but a creation undoes a deletion: users choose some ids themselves, and may use one again. Events of one
    second have no order. An object that was created and deleted in the same second counts as there.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._ids: list[str] = []
        self._times = array("q")
        """Of the newest event of each object's own."""
        self._created = array("q")
        self._final = array("q")
        """Twice the time of the newest creation or deletion; one more if it was a creation."""
        self._hidden = bytearray()
        # Of few objects, by their places. As JSON: it takes a fifth of what is read from it.
        self._touched: dict[int, int] = {}
        self._shown: dict[int, bytes] = {}
        self._gone: dict[int, bytes] = {}
        self._listed: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, change: Change, *, creation: bool = False) -> None:
        """Take in an event about an object. Of several in one second, what the first of them shows is kept."""
        place = self._place(change.id)
        if change.created is not None:
            # Where an id was used again, the last object counts.
            self._created[place] = max(self._created[place], change.created)
        shown = _packed(change.shown)
        if change.time > self._times[place]:
            self._times[place] = change.time
            _put(self._shown, place, shown)
        final = 2 * change.time + creation
        if (creation or change.deleted) and final > self._final[place]:
            self._final[place] = final
            _put(self._gone, place, shown if change.deleted else b"")

    def touch(self, object_id: str, time: int) -> None:
        """An event about another object shows in this one; `time` is the event's (Unix seconds)."""
        place = self._place(object_id)
        self._touched[place] = max(self._touched.get(place, time), time)

    def hide(self, object_id: str) -> None:
        """Lists don't show the object any more."""
        self._hidden[self._place(object_id)] = True

    def held(self, object_id: str, name: str, rows: Mapping[str, Any]) -> None:
        """The object's embedded list `name` held these rows, by their ids."""
        place = self._place(object_id)
        lists = _unpacked(self._listed.get(place))
        self._listed[place] = _packed({**lists, name: {**lists.get(name, {}), **rows}})

    def change(self, place: int) -> Change:
        deleted = self.is_deleted(place)
        created = self._created[place]
        return Change(
            self._ids[place],
            self.time_at(place),
            None if created == _NEVER else created,
            deleted,
            _unpacked((self._gone if deleted else self._shown).get(place)),
            _unpacked(self._listed.get(place)),
            hidden=bool(self._hidden[place]),
        )

    def place_of(self, object_id: str) -> int | None:
        return self._places.get(object_id)

    def id_at(self, place: int) -> str:
        return self._ids[place]

    def time_at(self, place: int) -> int:
        return max(self._times[place], self._touched.get(place, _NEVER))

    def created_at(self, place: int) -> int:
        """When an object was created; before all times where nothing says so."""
        return self._created[place]

    def says_created(self, place: int) -> bool:
        """Whether an event says when an object was created."""
        return self._created[place] != _NEVER

    def is_deleted(self, place: int) -> bool:
        final = self._final[place]
        return final != _NEVER and not final % 2

    def _place(self, object_id: str) -> int:
        place = self._places.setdefault(object_id, len(self._ids))
        if place == len(self._ids):
            self._ids.append(object_id)
            for column in (self._times, self._created, self._final):
                column.append(_NEVER)
            self._hidden.append(False)
        return place


class Changes(Sequence[Change]):
    """Changes of a ledger, in an order. A part of them costs no memory of its own."""

    def __init__(self, ledger: Ledger, places: Iterable[int]) -> None:
        self.ledger = ledger
        self.places = places if isinstance(places, memoryview) else memoryview(array("I", places))

    @classmethod
    def all_of(cls, ledger: Ledger) -> Changes:
        return cls(ledger, range(len(ledger)))

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Change: ...
    @overload
    def __getitem__(self, at: slice) -> Changes: ...
    def __getitem__(self, at: int | slice) -> Change | Changes:
        if isinstance(at, slice):
            return Changes(self.ledger, self.places[at])
        return self.ledger.change(self.places[at])

    def __iter__(self) -> Iterator[Change]:
        return map(self.ledger.change, self.places)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(Change.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Changes({[*self]})"

    def since(self, time: int) -> Changes:
        """Those whose newest event is no older (Unix seconds)."""
        return self.only(place for place in self.places if self.ledger.time_at(place) >= time)

    def only(self, places: Iterable[int]) -> Changes:
        """Those at these places of the ledger."""
        return Changes(self.ledger, places)

    def and_then(self, others: Changes) -> Changes:
        """These, and behind them others of the same ledger."""
        return self.only([*self.places, *others.places])

    def newest_first(self) -> Changes:
        """By the creation of their objects; those that don't say when come last."""
        # In two steps, as pairs to sort by would take more memory than all else.
        places = sorted(self.places, key=self.ledger.id_at, reverse=True)
        places.sort(key=self.ledger.created_at, reverse=True)
        return self.only(places)

    def grouped(self, key: Callable[[Change], _Key]) -> dict[_Key, Changes]:
        """In groups of one key each, in the same order."""
        groups: dict[_Key, array[int]] = {}
        for place, change in zip(self.places, self, strict=True):
            groups.setdefault(key(change), array("I")).append(place)
        return {group: self.only(places) for group, places in groups.items()}


class ById(Mapping[str, Change]):
    """Changes by the ids of their objects."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._ledger = changes.ledger
        self._marks = bytearray(len(changes.ledger))
        for place in changes.places:
            self._marks[place] = True

    @classmethod
    def none(cls) -> ById:
        return cls(Changes(Ledger(), ()))

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[str]:
        return map(self._ledger.id_at, self._changes.places)

    def __contains__(self, object_id: object) -> bool:
        place = self._ledger.place_of(object_id) if isinstance(object_id, str) else None
        return place is not None and bool(self._marks[place])

    def __getitem__(self, object_id: str) -> Change:
        place = self._ledger.place_of(object_id)
        if place is None or not self._marks[place]:
            raise KeyError(object_id)
        return self._ledger.change(place)

    def missing(self) -> Missing:
        """A reader's own note of which of them did not come yet."""
        return Missing(self._newest_first, self._marks[:])

    @cached_property
    def _newest_first(self) -> Changes:
        return self._changes.newest_first()


class Missing:
    """Which of some changed objects did not come yet."""

    def __init__(self, newest_first: Changes, marks: bytearray) -> None:
        self._expected = newest_first
        self._marks = marks
        self._left = len(newest_first)

    def __len__(self) -> int:
        return self._left

    def came(self, object_id: str) -> None:
        place = self._expected.ledger.place_of(object_id)
        if place is not None and self._marks[place]:
            self._marks[place] = False
            self._left -= 1

    def created_in(self, seconds: Range) -> Iterator[Change]:
        """Those that were created in a range, newest first."""
        ledger, places = self._expected.ledger, self._expected.places
        ends = (None if seconds.onward else seconds.end, seconds.start)
        first, end = (
            0 if second is None else bisect_left(places, -second + 1, key=lambda place: -ledger.created_at(place))
            for second in ends
        )
        return (ledger.change(place) for place in places[first:end] if self._marks[place])


def _put(column: dict[int, bytes], place: int, packed: bytes) -> None:
    """No entry for what is empty."""
    if packed:
        column[place] = packed
    else:
        column.pop(place, None)


def _packed(value: Mapping[str, Any]) -> bytes:
    """JSON, compressed where that pays; nothing for what is empty."""
    if not value:
        return b""
    text = orjson.dumps(value, default=dict)
    # A copy, as what orjson gives holds on to the room that it wrote in.
    return bytes(memoryview(text)) if len(text) < _SHORT else zlib.compress(text, 1)


def _unpacked(packed: bytes | None) -> Mapping[str, Any]:
    if not packed:
        return _NOTHING
    value: Mapping[str, Any] = orjson.loads(packed if packed.startswith(b"{") else zlib.decompress(packed))
    return value
