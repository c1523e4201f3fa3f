"""Children: rows that stand in their parents, or are asked for parent by parent."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.dotted import matches, values_at
from source_stripe.events import Change
from source_stripe.listing import Listing
from source_stripe.pages import Page, Row
from source_stripe.pieces import ChangedParent
from source_stripe.records import Finish, Known, Projection, tombstone
from source_stripe.whole_lists import NestedList, behind, embedded, is_cut, passing_over_what_is_gone


@dataclass(frozen=True)
class ParentKey:
    """How a child knows its parent: `name` fills `{name}` in the child's path, or else is a query parameter.

    The child's record gets the id as `field`, and each of the parent's `carries` as `<name>_<field>`.
    """

    name: str | None
    field: str | None
    carries: tuple[str, ...] = ()
    id_from: tuple[str, ...] = ("id",)
    """Dotted paths in the parent's record to the ids to ask for."""

    @property
    def is_own(self) -> bool:
        """Whether the id is the parent's own, and not one of others that it names."""
        return self.id_from == ("id",)

    def ids(self, parent: Mapping[str, Any]) -> list[str]:
        """The ids that the parent's record holds; an expanded object counts by its own."""
        found = (value for path in self.id_from for value in values_at(parent, path))
        ids = (value.get("id") if isinstance(value, dict) else value for value in found)
        return list(dict.fromkeys(str(value) for value in ids if value))

    def mark(self, child: Row, parent: Mapping[str, Any], parent_id: str) -> None:
        """Write onto a child's record whose it is."""
        if self.field is not None:
            child[self.field] = parent_id
        for carried in self.carries:
            child[f"{self.name}_{carried}"] = parent.get(carried)


@dataclass(frozen=True)
class Via:
    """What is asked for each parent first, its id under `name`: the answer has the ids that are meant."""

    listing: Listing
    name: str

    def answer(self, parent_id: str) -> Mapping[str, Any]:
        listing = self.listing
        return listing.requester.get(listing.path, ((self.name, parent_id),), version=listing.version).body


@dataclass(frozen=True)
class Beside:
    """The other parents, where each pair of parents has children. Few: they are read once and kept."""

    listing: Listing
    projection: Projection
    key: ParentKey
    _parents: list[Row] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        with self._lock:
            if not self._parents:
                for asked in self.listing.passes:
                    for page in self.listing.pages(asked, {}):
                        self._parents.extend(
                            record for row in page.rows for record in self.projection.records(row, None)
                        )
            return [parent_id for parent in self._parents for parent_id in self.key.ids(parent)]


@dataclass(frozen=True)
class Children:
    """The children of a parent's records: embedded in `embedded`, the rest by request; without it all by request."""

    parent: Projection
    key: ParentKey
    listing: Listing | None
    """Where they are listed; None where they only stand in their parents."""
    finish: Finish
    known: Known
    kinds: frozenset[str]
    """The `object` values that belong to the stream; a list may hold others."""
    embedded: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    params_from: Mapping[str, str] = field(default_factory=dict)
    via: Via | None = None
    beside: Beside | None = None
    own_events: bool = False
    """Whether events tell of the children themselves, not of their parents."""
    seen: dict[str, object] | None = None
    """The ids that were met already, where a child may stand in several parents; None where it can't."""
    lists: tuple[NestedList, ...] = ()
    """The lists that stand in the children themselves."""
    _asked: set[str] = field(default_factory=set)

    def costs(self, row: Row) -> bool:
        if self.embedded is None:
            return True
        return self.parent.costs(row) or any(is_cut(value) for value in values_at(row, self.embedded))

    def records(self, row: Row, updated: int | None) -> Iterator[Row]:
        for parent in self.parent.records(row, updated):
            if not matches(parent, self.where):
                continue
            time = parent.get("updated", updated)
            there: set[str] = set()
            for parent_id, child in self._children(parent):
                child_id = str(child.get("id"))
                there.add(child_id)
                if self._is_new(child_id):
                    yield self._record(child, parent, parent_id, time)
            yield from self._vanished(parent, there, time)

    def tombstones(self, change: Change) -> Iterator[Row]:
        """Of a child that is gone its own; of a parent that is gone those of the children that its event shows."""
        if self.own_events:
            (kind, *_) = self.kinds
            yield self.finish.record(tombstone(change, kind), change.time, deleted=True)
        elif self.embedded is not None:
            parent = {**change.shown, "id": change.id, "updated": change.time}
            shown = [row for value in values_at(parent, self.embedded) for row in self._own(embedded(value)[0])]
            lost = {str(child["id"]): child for child in (*change.listed.get(self.embedded, {}).values(), *shown)}
            for child in lost.values():
                yield self._record(dict(child), parent, change.id, change.time, deleted=True)

    def _is_new(self, child_id: str) -> bool:
        """Whether no other parent has brought the child yet."""
        if self.seen is None:
            return True
        first = object()
        return self.seen.setdefault(child_id, first) is first

    def _vanished(self, parent: Row, there: set[str], time: int | None) -> Iterator[Row]:
        """Tombstones of the children that the parent had before its events, and has no more."""
        change = self.known.changed.get(str(parent.get("id")))
        if change is None or self.embedded is None:
            return
        for child_id, child in change.listed.get(self.embedded, {}).items():
            if child_id not in there and ("object" not in child or child["object"] in self.kinds):
                yield self._record(dict(child), parent, change.id, time, deleted=True)

    def _record(
        self, child: Row, parent: Mapping[str, Any], parent_id: str, time: int | None, *, deleted: bool = False
    ) -> Row:
        self.key.mark(child, parent, parent_id)
        for nested in () if deleted else self.lists:
            nested.complete(child)
        return self.finish.record(child, time, deleted=deleted)

    def of(self, changed: ChangedParent) -> Iterator[Row]:
        """The children of one parent that events named; the parent itself is not read.

        Those that events name and that its list lacks are gone: a deletion can be in the second of another event, or
        its event late.
        """
        parent = {"id": changed.id, "updated": changed.time}
        missing = {change.id: change for change in changed.children} if self.own_events else {}
        for child in self._guarded(changed.id, self._asked_for(changed.id, parent, None)):
            missing.pop(str(child.get("id")), None)
            yield self._record(child, parent, changed.id, changed.time)
        for change in missing.values():
            yield from self.tombstones(replace(change, time=changed.time))

    def _children(self, parent: Row) -> Iterator[tuple[str, Row]]:
        if self.embedded is not None:
            parent_id = str(parent.get("id"))
            for child in self._guarded(parent_id, self._embedded(parent, parent_id, self.embedded)):
                yield parent_id, child
            return
        for parent_id in self._ids(parent):
            for child in self._guarded(parent_id, self._asked_for(parent_id, parent, None)):
                yield parent_id, child

    def _ids(self, parent: Row) -> list[str]:
        """The ids to ask for. Those that are not the parent's own may come again: each is asked for once."""
        if self.via is not None:
            parent = {"id": parent["id"], **self.via.answer(parent["id"])}
        ids = self.key.ids(parent)
        if self.key.is_own:
            return ids
        new = [parent_id for parent_id in ids if parent_id not in self._asked]
        self._asked.update(new)
        return new

    def _embedded(self, parent: Row, parent_id: str, path: str) -> Iterator[Row]:
        for value in values_at(parent, path):
            shown, cut = embedded(value)
            yield from self._own(shown)
            if cut:
                yield from self._asked_for(parent_id, parent, behind(shown))

    def _asked_for(self, parent_id: str, parent: Row, behind: Page | None) -> Iterator[Row]:
        if self.listing is None or self.key.name is None:
            return
        drawn = {name: value for name, path in self.params_from.items() for value in values_at(parent, path)[:1]}
        if self.params_from and not drawn:
            return
        for others in self._pairs():
            ids = {self.key.name: parent_id, **others}
            in_path = {name: value for name, value in ids.items() if f"{{{name}}}" in self.listing.path}
            params = {**{name: value for name, value in ids.items() if name not in in_path}, **drawn}
            for parameters in self.listing.passes:
                page = behind
                while page is None or page.next is not None:
                    page = self.listing.page((*params.items(), *parameters), self.known.children, page, in_path)
                    for child in self._own(page.rows):
                        if self.beside is not None and self.beside.key.field is not None:
                            child[self.beside.key.field] = others[str(self.beside.key.name)]
                        yield child

    def _own(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The stream's own of a list that may hold several kinds; copies, as the parent's row keeps its own."""
        return (dict(row) for row in rows if "object" not in row or row["object"] in self.kinds)

    def _pairs(self) -> Iterable[Mapping[str, str]]:
        if self.beside is None:
            return ({},)
        name = str(self.beside.key.name)
        return ({name: other} for other in self.beside.ids())

    def _guarded(self, parent_id: str, children: Iterator[Row]) -> Iterator[Row]:
        with passing_over_what_is_gone(parent_id):
            yield from children
