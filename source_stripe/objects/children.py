"""Children: rows that stand in their parents, or are asked for parent by parent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedObject, MalformedPage
from source_stripe.api.refusals import is_gone, is_of_one, of_a_whole_list
from source_stripe.api.values import Params, Row
from source_stripe.objects.events import ChangedParent, rows_as_now
from source_stripe.objects.ledger import Change
from source_stripe.objects.left_out import LeftOut
from source_stripe.objects.paths import ids_at, matches, values_at
from source_stripe.objects.records import Finish, Known, Projection, tombstone
from source_stripe.objects.row_filters import RowFilters
from source_stripe.objects.shared_children import Key, Shared
from source_stripe.objects.whole_lists import CutList, NestedList, SecondLook, embedded, is_cut

logger = logging.getLogger("airbyte.stripe")


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
        return list(dict.fromkeys(each for path in self.id_from for each in ids_at(parent, path)))

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
        """Nothing where Stripe has none for this parent. Raises MalformedObject where it is another one's."""
        listing = self.listing
        try:
            body = listing.requester.get(listing.path, ((self.name, parent_id),), version=listing.version).body
        except StripeError as error:
            if not is_gone(error, parent_id, self.name):
                raise
            return {}
        if (named := body.get(self.name, parent_id)) != parent_id:
            raise MalformedObject(listing.path, f"its `{self.name}` is {named}, not {parent_id}")
        return body


@dataclass(frozen=True)
class Beside:
    """The other parents, where each pair of parents has children. Few: they are read once and kept."""

    listing: Listing
    projection: Projection
    key: ParentKey
    _parents: list[Row] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        with self._lock, of_a_whole_list():
            if not self._parents:
                for asked in self.listing.passes_to_read(first=True):
                    for page in self.listing.pages(asked, {}):
                        records = (each for row in page.rows for each in self.projection.records(row, None, Known()))
                        self._parents.extend(record for record in records if not record.get("is_deleted"))
            return [parent_id for parent in self._parents for parent_id in self.key.ids(parent)]


@dataclass(frozen=True)
class Children:
    """The children of a parent's records: embedded in `embedded`, the rest by request; without it all by request."""

    parent: Projection
    key: ParentKey
    listing: Listing | None
    """Where they are listed; None where they only stand in their parents."""
    finish: Finish
    kinds: frozenset[str]
    """The `object` values that belong to the stream; a list may hold others."""
    primary_key: tuple[str, ...] = ("id",)
    embedded: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    params_from: Mapping[str, str] = field(default_factory=dict)
    via: Via | None = None
    beside: Beside | None = None
    own_events: bool = False
    """Whether events tell of the children themselves, not of their parents."""
    shared: Shared | None = None
    """What is known of children that may stand in several parents; None where they can't."""
    lists: tuple[NestedList, ...] = ()
    """The lists that stand in the children themselves."""
    parent_again: SecondLook = field(default_factory=SecondLook)
    """At a parent whose list could not be made whole."""
    again: SecondLook = field(default_factory=SecondLook)
    """At a child, likewise."""
    left_out: LeftOut | None = None
    """Where Stripe may refuse one parent and not the others: those that it did."""
    filters: RowFilters = field(default_factory=RowFilters)
    """What the config wants of the children."""
    tests_parents: bool = False
    """Whether the config wants some of the parents only."""
    _asked: set[str] = field(default_factory=set)

    def costs(self, row: Row) -> bool:
        if self.embedded is None:
            return True
        return self.parent.costs(row) or any(is_cut(value) for value in values_at(row, self.embedded))

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        """Of a row: of all its parents whose children can be had. Raises the failure of the others behind them."""
        if known.rows_only and self.embedded is None:
            return
        refused: dict[str, StreamFailure] = {}
        for parent in self._parents(row, updated, known):
            if not matches(parent, self.where):
                continue
            time = parent.get("updated", updated)
            if parent.get("is_deleted"):
                yield from self._left_with(parent, time)
                continue
            if self.embedded is not None:
                embedded = self._embedded(parent, self.embedded, time, known)
                yield from self._sparing(str(parent.get("id")), embedded, refused)
                continue
            for parent_id in self._ids(parent):
                listed = self._new(self._listed(parent_id, parent, known), parent, parent_id, time)
                yield from self._sparing(parent_id, listed, refused)
        for failure in refused.values():
            failure.parents = tuple(refused)
            raise failure

    def _parents(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        try:
            yield from self.parent.records(row, updated, known)
        except StreamFailure as failure:
            # The failure names parents of another stream: not those of these children.
            failure.parents = ()
            raise

    def _sparing(self, parent_id: str, children: Iterator[Row], refused: dict[str, StreamFailure]) -> Iterator[Row]:
        """The children of one parent. A failure that is about this parent alone goes into `refused`."""
        try:
            yield from children
        except StreamFailure as failure:
            if not is_of_one(failure):
                raise
            refused[parent_id] = failure

    def tombstones(self, change: Change) -> Iterator[Row]:
        """Of a child that is gone its own; of a parent that is gone those of the children that its event shows.

        None of children that may stand in other parents too.
        """
        if self.shared is not None:
            return
        if self.own_events:
            (kind, *_) = self.kinds
            yield self.finish.record(tombstone(change, kind), change.time, deleted=True)
        elif self.embedded is not None:
            parent = {**change.shown, "id": change.id, "updated": change.time}
            held = change.listed.get(self.embedded, {}).values()
            yield from self._lost(parent, self.embedded, held, change.time)

    def _left_with(self, parent: Row, time: int | None) -> Iterator[Row]:
        """Tombstones of the children that stand in a parent which is gone, or has left a filter."""
        if self.shared is None and self.embedded is not None:
            yield from self._lost(parent, self.embedded, (), time)

    def _lost(self, parent: Row, path: str, held: Iterable[Row], time: int | None) -> Iterator[Row]:
        shown = [row for value in values_at(parent, path) for row in self._own(embedded(value))]
        lost = {str(child["id"]): child for child in (*held, *rows_as_now(shown))}
        for child in lost.values():
            yield self._tombstone(child, parent, time)

    def wants(self, parent_id: str) -> bool:
        """Whether the config wants the children of a parent; of one that is gone too, as its children go with it."""
        hydrator = self.parent_again.hydrator
        if not self.tests_parents or hydrator is None:
            return True
        row = hydrator.get(Change(parent_id, 0, None, deleted=False, shown={}))
        if row is None:
            return True
        return any(not record.get("is_deleted") for record in self.parent.records(row, 0, Known()))

    def of(self, changed: ChangedParent, known: Known) -> Iterator[Row]:
        """The children of one parent that events named; the parent itself is not read.

        Those that events name or show, and that its list lacks, are gone: a deletion can be in the second of another
        event, or its event late.
        """
        parent = {"id": changed.id, "updated": changed.time}
        missing = {change.id: change for change in changed.children} if self.own_events else {}
        left = dict(changed.held)
        for child in self._listed(changed.id, parent, known):
            for lacking in (missing, left):
                lacking.pop(str(child.get("id")), None)
            self._mark(child, parent, changed.id)
            yield from self._finished(child, changed.time)
        if self.left_out is not None and self.left_out.has(changed.id):
            # Of those that events name others may have been there before: it is no failure that this one is refused.
            self.left_out.answered()
            return
        for change in missing.values():
            yield from self.tombstones(replace(change, time=changed.time))
        for row in left.values():
            yield self._tombstone(row, parent, changed.time)

    def _embedded(self, parent: Row, path: str, time: int | None, known: Known) -> Iterator[Row]:
        """The children that stand in a parent; tombstones of those that it had before its events, and has no more."""
        parent_id, children = str(parent.get("id")), list[Row]()

        def read(row: Row) -> None:
            children[:] = [child for value in values_at(row, path) for child in self._whole(value, path, parent_id)]

        # The same row may be a record of its own stream: so a copy is changed.
        try:
            if not self.parent_again.whole(dict(parent), read):
                return
        except StripeError as why:
            if not self._leaves_out(parent_id, why):
                raise
            return
        self._answered()
        yield from self._new(self._own(children), parent, parent_id, time)
        if self.shared is not None:
            return
        there = {str(child.get("id")) for child in children}
        change = known.changed.get(parent_id)
        listed = {} if change is None else change.listed.get(path, {})
        for child_id, child in listed.items():
            if child_id not in there and self._is_own(child):
                yield self._tombstone(child, parent, time)

    def _whole(self, value: Any, path: str, parent_id: str) -> Sequence[Row]:
        """The rows of one embedded list, all of them."""
        if not is_cut(value):
            return embedded(value)
        where = f"{path} of {parent_id}"
        if self.listing is None or self.key.name is None:
            raise MalformedPage(path, f"{where} is cut, and listed nowhere")
        asked, in_path = self._request({self.key.name: parent_id}, self.listing)
        # The parent's list holds all kinds: only all of them can be compared with it.
        expansions = tuple(each for each in self.listing.passes[0] if each[0] == "expand[]")
        whole = replace(self.listing, passes=(expansions,), limits=None)
        return CutList(value, where, whole, asked, in_path).rows()

    def _new(self, children: Iterable[Row], parent: Row, parent_id: str, time: int | None) -> Iterator[Row]:
        """The records of those that no other parent has brought yet."""
        for child in children:
            key = self._mark(child, parent, parent_id)
            if self.shared is None or self.shared.takes(key, child):
                yield from self._finished(child, time)

    def _mark(self, child: Row, parent: Mapping[str, Any], parent_id: str) -> Key:
        """Write onto a child whose it is. Raises MalformedPage where it lacks a part of its primary key then."""
        self.key.mark(child, parent, parent_id)
        key = tuple(child.get(name) for name in self.primary_key)
        if any(value in (None, "") for value in key):
            path = self.embedded if self.listing is None else self.listing.path
            lacking = next(name for name, value in zip(self.primary_key, key, strict=True) if value in (None, ""))
            raise MalformedPage(str(path), f"a row of {parent_id} has no {lacking}")
        return key

    def _finished(self, child: Row, time: int | None) -> Iterator[Row]:
        """The record of a child, with its own lists whole; none if it is gone meanwhile, or no filter wants it."""
        if not self.filters.match(child):
            if self.finish.cursor is not None and self.filters.may_have_matched(child):
                yield self.finish.record(child, time, deleted=True)
            return
        whole = dict(child) if self.lists else child
        if not self.lists or self.again.whole(whole, self._complete):
            record = {**child, **whole}
            yield (
                self.finish.record(record, time)
                if self.shared is None
                else self.shared.record(self.finish, record, time)
            )

    def _complete(self, child: Row) -> None:
        for nested in self.lists:
            nested.complete(child)

    def _tombstone(self, child: Mapping[str, Any], parent: Mapping[str, Any], time: int | None) -> Row:
        row = dict(child)
        self.key.mark(row, parent, str(parent["id"]))
        return self.finish.record(row, time, deleted=True)

    def _ids(self, parent: Row) -> list[str]:
        """The ids to ask for. Those that are not the parent's own may come again: each is asked for once."""
        if self.via is not None:
            parent = {"id": parent["id"], **self.via.answer(parent["id"])}
        ids = self.key.ids(parent)
        if self.key.is_own:
            return ids
        asked = self._asked if self.shared is None else self.shared.asked
        new = [parent_id for parent_id in ids if parent_id not in asked]
        asked.update(new)
        return new

    def _listed(self, parent_id: str, parent: Row, known: Known) -> Iterator[Row]:
        """The children of one parent, by request; none of one that is gone."""
        some = False
        try:
            for child in self._asked_for(parent_id, parent, known):
                some = True
                yield child
            self._answered()
        except StripeError as why:
            if self._leaves_out(parent_id, why):
                return
            if not is_gone(why, parent_id, str(self.key.name)):
                raise
            # The parent may be there all the same. Then the rows so far are only a part of its list.
            if some:
                self.parent_again.check_gone(parent_id, why)
            logger.info("%s is gone since it was listed: %s", parent_id, why)

    def _leaves_out(self, parent_id: str, why: StripeError) -> bool:
        return self.left_out is not None and self.left_out.takes(parent_id, why)

    def _answered(self) -> None:
        if self.left_out is not None:
            self.left_out.answered()

    def _asked_for(self, parent_id: str, parent: Row, known: Known) -> Iterator[Row]:
        if self.listing is None or self.key.name is None:
            return
        drawn = {name: value for name, path in self.params_from.items() for value in values_at(parent, path)[:1]}
        if self.params_from and not drawn:
            return
        for others in self._pairs():
            asked, in_path = self._request({self.key.name: parent_id, **others}, self.listing)
            for parameters in self._passes(self.listing, known):
                pages = self.listing.pages((*asked, *drawn.items(), *parameters), in_path, known.children_of(parent_id))
                for child in (child for page in pages for child in self._own(page.rows)):
                    if self.beside is not None and self.beside.key.field is not None:
                        child[self.beside.key.field] = others[str(self.beside.key.name)]
                    yield child

    def _passes(self, listing: Listing, known: Known) -> tuple[Params, ...]:
        """What events name has to be listed whether filters want it or not, so that what is missing is gone."""
        return listing.passes if self.own_events and not known.first else listing.passes_to_read(first=known.first)

    def _request(self, ids: Mapping[str, str], listing: Listing) -> tuple[Params, Mapping[str, str]]:
        """The parameters that name parents, and what fills the path."""
        in_path = {name: value for name, value in ids.items() if f"{{{name}}}" in listing.path}
        return tuple((name, value) for name, value in ids.items() if name not in in_path), in_path

    def _own(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The stream's own of a list that may hold several kinds; copies, as the parent's row keeps its own."""
        return (dict(row) for row in rows if self._is_own(row))

    def _is_own(self, row: Mapping[str, Any]) -> bool:
        return "object" not in row or row["object"] in self.kinds

    def _pairs(self) -> Iterable[Mapping[str, str]]:
        if self.beside is None:
            return ({},)
        name = str(self.beside.key.name)
        return ({name: other} for other in self.beside.ids())
