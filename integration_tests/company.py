"""A company that lives on an emulated account: what changed in it, and when a sync can know of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

import orjson

from stripe_emulator import StripeEmulator, facts
from stripe_emulator.facts import Json
from stripe_emulator.store import Resource, parent_key

_SHOWN = 10
"""Rows that an event shows of an embedded list."""


class Trace(Enum):
    """What is left of an object that went out of Stripe's lists."""

    EVENT = "an event says so"
    PARENT = "an event of its parent says so"
    NOTHING = "nothing says so"


@dataclass(frozen=True)
class Loss:
    """When an object went out of the lists (Unix seconds), and what tells of it."""

    kind: str
    time: int
    trace: Trace


@dataclass(frozen=True)
class Touch:
    """An object's last change: the so-manyth one of the account, and the Unix time from which events tell of it."""

    number: int
    told_at: int


@dataclass
class Company:
    """Takes note of all that changes, whoever changes it. Objects are known by their ids."""

    emulator: StripeEmulator
    touched: dict[str, Touch] = field(default_factory=dict)
    lost: dict[str, Loss] = field(default_factory=dict)
    silent: dict[str, set[str]] = field(default_factory=dict)
    """Fields that changed since an event last showed the object, or what it stands in."""
    _number: int = 0
    _deleting: str | None = None
    _cut: set[tuple[str, str]] = field(default_factory=set)
    """Lists, by parent and field, of which events don't show all when something is deleted."""

    def __post_init__(self) -> None:
        store = self.emulator.store
        notes: dict[str, Callable[..., None]] = {
            "add": self._added,
            "replace": self._replaced,
            "remove": self._removed,
        }
        for name, note in notes.items():
            setattr(store, name, partial(note, getattr(store, name)))
        setattr(self.emulator, "write_event", partial(self._told, self.emulator.write_event))  # noqa: B010
        setattr(self.emulator, "write_v2_event", partial(self._told_in_v2, self.emulator.write_v2_event))  # noqa: B010

    @property
    def number(self) -> int:
        """How many changes there were."""
        return self._number

    @property
    def now(self) -> int:
        return self.emulator.clock.now()

    def count(self) -> None:
        """Note that something else happens."""
        self._number += 1

    def create(self, kind: str, **fields: Any) -> Json:
        return self.emulator.create(kind, **fields)

    def delete(self, object_id: str) -> None:
        self._deleting, self._cut = object_id, set(self._cut_lists(object_id))
        self.emulator.delete(object_id)
        self._deleting = None

    def alive(self, kind: str) -> list[Resource]:
        """The objects of a kind, oldest first."""
        with self.emulator.lock:
            return list(self.emulator.store.shelf(kind).up((-1, -(1 << 62)), None, None))

    def pick(self, kind: str, which: int, **wanted: Any) -> Resource | None:
        """One of the objects with some values, if there is any."""
        found = [row for row in self.alive(kind) if all(row.fields[name] == value for name, value in wanted.items())]
        return found[which % len(found)] if found else None

    def tell(self, object_id: str) -> None:
        """Note that something that shows an object was changed."""
        if (resource := self.emulator.store.get(object_id)) is not None:
            self._touch(resource)

    def hide(self, resource: Resource) -> None:
        """Note that lists show an object no longer, though it is there."""
        self.lost[resource.key] = Loss(resource.kind, self.now, Trace.EVENT)

    def _added(self, add: Callable[[Resource], None], resource: Resource) -> None:
        add(resource)
        self.lost.pop(resource.key, None)
        self._touch(resource)

    def _replaced(self, replace: Callable[[Resource, Json], None], resource: Resource, fields: Json) -> None:
        changed = {name for name, value in fields.items() if resource.fields.get(name) != value}
        # What shows it now may not show it any more.
        self._touch(resource)
        replace(resource, fields)
        self._touch(resource)
        self.silent.setdefault(resource.key, set()).update(changed)
        for parent, row in self._lists_of(resource):
            self.silent.setdefault(parent.key, set()).add(row.field.partition(".")[0])

    def _told(self, write: Callable[..., None], name: str, at: int, snapshot: bytes, *rest: Any) -> None:
        write(name, at, snapshot, *rest)
        self._show(orjson.loads(snapshot).get("id"))

    def _told_in_v2(self, write: Callable[..., None], *about: Any, **data: Any) -> None:
        write(*about, **data)
        self._show(next((one.key for one in about if isinstance(one, Resource)), None))

    def _show(self, object_id: str | None) -> None:
        """Note that an event shows an object, with all that stands in it."""
        for key in [*self.silent]:
            resource = self.emulator.store.get(key)
            above = [parent.key for parent, _ in self._lists_of(resource)] if resource is not None else []
            if object_id in (key, *above):
                del self.silent[key]

    def _removed(self, remove: Callable[[Resource], None], resource: Resource) -> None:
        self.lost[resource.key] = Loss(resource.kind, self.now, self._trace(resource))
        remove(resource)
        self._touch(resource)

    def _touch(self, resource: Resource) -> None:
        delay = self.emulator.event_delay
        touch = Touch(self._number, self.now + (delay if isinstance(delay, int) else 0))
        for key in (resource.key, *(parent.key for parent, _ in self._lists_of(resource))):
            # Events may come late by more or by less: all of them have to be there.
            before = self.touched.get(key, touch)
            self.touched[key] = Touch(touch.number, max(touch.told_at, before.told_at))

    def _trace(self, resource: Resource) -> Trace:
        """What will tell that an object is gone, just before it goes."""
        if resource.key == self._deleting and f"{_STEMS.get(resource.kind, resource.kind)}.deleted" in _DELETIONS:
            return Trace.EVENT
        for parent, row in self._lists_of(resource):
            shown = row.shown and (parent.key, row.field) not in self._cut
            if shown and self._deleting in (resource.key, parent.key):
                return Trace.PARENT if self._deleting == resource.key else Trace.EVENT
        return Trace.NOTHING

    def _lists_of(self, resource: Resource) -> Iterator[tuple[Resource, facts.Embedded]]:
        for row in facts.embeddings(resource.kind):
            parent = self.emulator.store.get(parent_key(resource, row) or "")
            if parent is not None:
                yield parent, row

    def _cut_lists(self, object_id: str) -> Iterator[tuple[str, str]]:
        resource = self.emulator.store.get(object_id)
        if resource is not None:
            own = ((resource, row) for row in facts.embedded(resource.kind))
            for parent, row in (*own, *self._lists_of(resource)):
                if len(list(self._rows(parent, row))) > _SHOWN:
                    yield parent.key, row.field

    def _rows(self, parent: Resource, row: facts.Embedded) -> Iterator[Resource]:
        for shelf in self.emulator.store.children(row, parent.key):
            yield from shelf.up((-1, -(1 << 62)), None, None)


_STEMS = {
    "discount": "customer.discount",
    "tax_id": "customer.tax_id",
    **dict.fromkeys(("bank_account", "card", "source"), "customer.source"),
}
_DELETIONS = {
    "coupon.deleted",
    "customer.discount.deleted",
    "customer.deleted",
    "customer.source.deleted",
    "customer.tax_id.deleted",
    "invoice.deleted",
    "invoiceitem.deleted",
    "price.deleted",
    "product.deleted",
    "v2.core.account_person.deleted",
}
