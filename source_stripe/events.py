"""Events: from the feed of events to what changed. Pure.

Events tell what changed, never what it is: Stripe renders them at the account's own API version, with nested lists
cut at ten (https://docs.stripe.com/api/events). Only of a deletion they are the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.listing import unix_seconds

RETENTION = 30 * 86_400
"""Seconds for which Stripe keeps events."""
TRUSTED = RETENTION - 86_400
"""Seconds for which we trust them to be all there."""
OVERLAP = 600
"""Seconds that are read again: events are eventually consistent, some show up late."""
TYPES_A_REQUEST = 20


@dataclass(frozen=True)
class Change:
    """What happened last to an object."""

    id: str
    time: int
    """`created` of its newest event, Unix seconds."""
    created: int | None
    """When the object was created, where the event says so."""
    deleted: bool
    shown: Mapping[str, Any] = field(repr=False)
    """The object as the event shows it: of a deletion all, else only what finding it takes."""
    listed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """By field, what its embedded lists held before its events: rows by id."""
    hidden: bool = False
    """Whether its list does not show it any more, though it is there."""


@dataclass
class Fold:
    """Folds events, in any order, to one change per object.

    A deletion is final, whatever comes behind it, unless that is a creation: some ids are the user's own choice and can
    be used again. Nothing says which of one second's events was last: an object that was created and deleted in the
    same second counts as there, and is asked for. `keep` names the fields that finding a changed object takes.
    """

    kinds: frozenset[str]
    deletions: frozenset[str]
    keep: tuple[str, ...] = ()
    time_field: str = "created"
    lists: tuple[str, ...] = ()
    """The embedded lists whose former rows are wanted."""
    touches: Mapping[str, str] = field(default_factory=dict)
    """Event types that are about another object, which shows in these: and the field of it that names the one."""
    hides: frozenset[str] = frozenset()
    """Event types after which a list does not show the object."""
    _newest: dict[str, Change] = field(default_factory=dict)
    _creations: dict[str, Change] = field(default_factory=dict)
    _deletions: dict[str, Change] = field(default_factory=dict)
    _touched: dict[str, Change] = field(default_factory=dict)
    _listed: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _hidden: set[str] = field(default_factory=set)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an event in, if it is about an object of these kinds."""
        if event["type"] in self.touches:
            if object_id := id_of(event["data"]["object"], self.touches[event["type"]]):
                _keep_newer(self._touched, Change(object_id, event["created"], None, deleted=False, shown={}))
            return
        change = self._v2_change(event) if "related_object" in event else self._change(event)
        if change is None:
            return
        _keep_newer(self._newest, change)
        if event["type"] in self.hides:
            self._hidden.add(change.id)
        if change.deleted:
            _keep_newer(self._deletions, change)
        elif event["type"].endswith(".created"):
            _keep_newer(self._creations, change)
        for name in self.lists:
            self._note_rows(change.id, name, (event["data"].get("previous_attributes") or {}).get(name))

    @property
    def changes(self) -> list[Change]:
        """What happened last to each object."""
        last = {change.id: self._last(change) for change in self._newest.values()}
        for touch in self._touched.values():
            known = last.get(touch.id, touch)
            last[touch.id] = replace(known, time=max(known.time, touch.time))
        return [
            replace(change, listed=self._listed.get(change.id, {}), hidden=change.id in self._hidden)
            for change in last.values()
        ]

    def _last(self, newest: Change) -> Change:
        creation, deletion = self._creations.get(newest.id), self._deletions.get(newest.id)
        if deletion is not None and (creation is None or creation.time < deletion.time):
            return replace(deletion, time=newest.time)
        if creation is None:
            return newest
        return replace(newest, created=creation.created if newest.created is None else newest.created, deleted=False)

    def _note_rows(self, object_id: str, name: str, previous: Any) -> None:
        """Take down the rows that a list held before an event, if the event says that it was another."""
        rows = previous.get("data") if isinstance(previous, Mapping) else previous
        if isinstance(rows, list):
            held = self._listed.setdefault(object_id, {}).setdefault(name, {})
            held.update((row["id"], row) for row in rows if isinstance(row, Mapping) and "id" in row)

    def _change(self, event: Mapping[str, Any]) -> Change | None:
        shown = event["data"]["object"]
        object_id = shown.get("id") or "".join(str(shown.get(name) or "") for name in self.keep)
        if shown.get("object") not in self.kinds or not object_id:
            return None
        deleted = event["type"] in self.deletions
        kept = shown if deleted else {name: shown.get(name) for name in self.keep}
        created = unix_seconds(shown.get(self.time_field))
        if created is None and event["type"].endswith(".created"):
            created = event["created"]
        return Change(object_id, event["created"], created, deleted, kept)

    def _v2_change(self, event: Mapping[str, Any]) -> Change | None:
        related = event["related_object"] or {}
        time = unix_seconds(event["created"])
        if related.get("type") not in self.kinds or time is None:
            return None
        data = event.get("data") or {}
        shown = {"id": related["id"], "object": related["type"], **{name: data.get(f"{name}_id") for name in self.keep}}
        return Change(related["id"], time, None, event["type"] in self.deletions, shown)


def id_of(shown: Mapping[str, Any], name: str) -> str | None:
    """The id that an object has in a field: as such, or of an object that stands there."""
    value = shown.get(name)
    value = value.get("id") if isinstance(value, Mapping) else value
    return str(value) if value else None


def _keep_newer(changes: dict[str, Change], change: Change) -> None:
    known = changes.get(change.id)
    if known is None or change.time > known.time:
        changes[change.id] = change


@dataclass(frozen=True)
class Plan:
    """The cheapest way to the current rows of what changed."""

    gone: tuple[Change, ...] = ()
    born: tuple[Change, ...] = ()
    """Created since the watermark: a list of that time brings a hundred a request."""
    older: tuple[Change, ...] = ()
    """The rest, newest first: covered by pages or got by id."""


def plan(changes: Iterable[Change], *, since: int, start: int) -> Plan:
    """Sort changes by what it takes to read them again.

    `since` is the time (Unix seconds) from which events were read, `start` that of the first object that is wanted.
    """
    wanted = [change for change in changes if change.created is None or change.created >= start]
    there = [change for change in wanted if not change.deleted]
    return Plan(
        gone=tuple(change for change in wanted if change.deleted),
        born=tuple(change for change in there if change.created is not None and change.created >= since),
        older=newest_first(change for change in there if change.created is None or change.created < since),
    )


def newest_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes by the creation of their objects; those that don't say when come last."""
    return tuple(sorted(changes, key=_age, reverse=True))


def _age(change: Change) -> tuple[int, str]:
    return -1 if change.created is None else change.created, change.id


def is_gap(watermark: int, now: int) -> bool:
    """Whether events since a watermark may be gone already."""
    return now - watermark > TRUSTED


def type_groups(types: Iterable[str]) -> list[tuple[str, ...]]:
    """Event types in groups that one request may ask for."""
    ordered = tuple(types)
    return [ordered[at : at + TYPES_A_REQUEST] for at in range(0, len(ordered), TYPES_A_REQUEST)]
