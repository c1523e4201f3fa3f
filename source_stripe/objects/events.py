"""Events: from the feed of events to what changed. Pure.

Events tell that an object changed, and the API what it is now: Stripe renders events at the account's own API version,
with nested lists cut at ten (https://docs.stripe.com/api/events). Their payload is used for deletions only.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.api.values import unix_seconds
from source_stripe.objects.ledger import Change, Changes, Ledger
from source_stripe.objects.paths import ids_at
from source_stripe.objects.subjects import (
    Subject,
    Subjects,
    UnreadableEventError,
    by_type,
    is_group,
    own_id,
)

RETENTION = 30 * 86_400
"""Seconds for which Stripe keeps events."""
TRUSTED = RETENTION - 86_400
"""Seconds for which all events are taken to be there. A day is left for long syncs and differing clocks. See
docs/design/changes.md, "Gaps"."""
OVERLAP = 600
"""Seconds before the watermark from which events are read again: some show up late. See docs/design/changes.md, "The
phases of a stream with events"."""
TYPES_A_REQUEST = 20
"""Stripe's limit of `types[]` (https://docs.stripe.com/api/events/list)."""


@dataclass(frozen=True)
class Unreadable:
    """An event that does not say what it is about."""

    time: int
    name: str


@dataclass
class Fold:
    """Folds events, in any order, to one change per object. Used by one thread at a time."""

    subjects: Subjects
    deletions: frozenset[str] | None = None
    """Event types after which the object is gone: those that end in .deleted if None."""
    lists: tuple[str, ...] = ()
    """The embedded lists of which the rows before an event are kept."""
    touches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By type of event about another object that shows in a stream's own: the dotted paths that name the stream's
    objects. The account's version decides which of them an event has."""
    own: frozenset[str] = frozenset()
    """Those of these types that are about an object of the stream's own as well."""
    parent: str | None = None
    """The field by which an event's object names the parent of the rows: where it is given, what is touched are all
    rows of that parent."""
    hides: frozenset[str] = frozenset()
    """Event types after which a list does not show the object."""
    leaves_out: Callable[[Mapping[str, Any], int | None], bool] | None = None
    """Whether an event's copy of an object, created then (Unix seconds), shows that no filter wants it."""
    of_parents: frozenset[str] = frozenset()
    """Event types about a parent itself, which may bring it and so all of its rows into a filter."""
    unreadable: Unreadable | None = None
    """The newest event that does not say what it is about."""
    _ledger: Ledger = field(default_factory=Ledger)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in an event, unless it is about an object of another stream, or one that no filter wants."""
        if event["type"] in self.of_parents:
            self._take_parent(str(event["data"]["object"]["id"]), event["created"])
            return
        paths = by_type(self.touches, event["type"])
        try:
            if paths is not None:
                self._touch(event, paths)
            subject = self.subjects.of(event) if paths is None or event["type"] in self.own else None
        except UnreadableEventError:
            time, name = unix_seconds(event["created"]) or 0, f"{event['type']}, {event.get('id')}"
            if self.unreadable is None or time > self.unreadable.time:
                self.unreadable = Unreadable(time, name)
            return
        if subject is not None:
            self._add(event, subject)

    def _touch(self, event: Mapping[str, Any], paths: Iterable[str]) -> None:
        """Note what an event's object names, or named before. Raises UnreadableEventError."""
        data = event.get("data") or {}
        shown, before = data.get("object"), data.get("previous_attributes") or {}
        if not isinstance(shown, Mapping):
            raise UnreadableEventError
        if self.subjects.is_others(event):
            return
        named = dict.fromkeys(each for path in paths for held in (shown, before) for each in ids_at(held, path))
        if self.parent is None:
            for each in named:
                if not self.subjects.has_others(event["type"], each):
                    self.touch(each, event["created"])
        elif named and (parent := id_of(shown, self.parent) or id_of(before, self.parent)):
            self._take_parent(parent, event["created"])

    def _take_parent(self, parent: str, time: int) -> None:
        """All rows of a parent may have changed."""
        self._ledger.take(Change(parent, time, None, deleted=False, shown={str(self.parent): parent}))

    def _add(self, event: Mapping[str, Any], subject: Subject) -> None:
        if self.leaves_out is not None and self.leaves_out(subject.shown, subject.created):
            return
        deleted = self._deletes(event["type"])
        shown = subject.shown if deleted or self.subjects.v2 else subject.kept
        change = Change(subject.id, subject.time, subject.created, deleted, shown)
        self._ledger.take(change, creation=event["type"].endswith(".created"))
        if event["type"] in self.hides:
            self._ledger.hide(change.id)
        for name in self.lists:
            self._note_rows(change.id, name, (event["data"].get("previous_attributes") or {}).get(name))

    def _deletes(self, event_type: str) -> bool:
        return event_type.endswith(".deleted") if self.deletions is None else event_type in self.deletions

    def touch(self, object_id: str, time: int) -> None:
        """The object may have changed until then (Unix seconds), whatever events say."""
        self._ledger.touch(object_id, time)

    def fresh(self) -> Fold:
        """The same, without any events."""
        return replace(self, unreadable=None, _ledger=Ledger())

    @property
    def changes(self) -> Changes:
        """What happened last to each object."""
        return Changes.all_of(self._ledger)

    def forget(self) -> None:
        """Drop all events, and their memory."""
        self._ledger, self.unreadable = Ledger(), None

    def _note_rows(self, object_id: str, name: str, previous: Any) -> None:
        """Keep the rows that a list held before an event, where the event tells that the list changed."""
        rows = previous.get("data") if isinstance(previous, Mapping) else previous
        if isinstance(rows, list):
            self._ledger.held(object_id, name, {row["id"]: row for row in rows_as_now(rows)})


def rows_as_now(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Rows of an embedded list as an event shows it, by the ids that they have now."""
    return ({**row, "id": own_id(row)} for row in rows if isinstance(row, Mapping) and own_id(row))


def id_of(shown: Mapping[str, Any], name: str) -> str | None:
    """The id that an object has in a field: as such, or of an object that stands there."""
    value = shown.get(name)
    value = value.get("id") if isinstance(value, Mapping) else value
    return str(value) if value else None


@dataclass(frozen=True)
class Plan:
    """Changes by how their objects are read with the fewest requests. Newest objects first."""

    gone: Changes
    born: Changes
    """Created since the watermark: a list of that time brings a hundred with each request."""
    older: Changes
    """All others: covered by pages, or got by id."""

    @property
    def there(self) -> Changes:
        """All that are not gone."""
        return self.born.and_then(self.older)


def plan(changes: Changes, *, since: int, start: int, until: int | None = None) -> Plan:
    """Sort changes by what it takes to read them again.

    Events were read from `since` on (Unix seconds), and before `until` if that is given. `start` is the time of the
    first object that is wanted.
    """
    ledger = changes.ledger
    gone, born, older = array("I"), array("I"), array("I")
    for place in changes.newest_first().places:
        created = ledger.created_at(place)
        if created < start and ledger.says_created(place):
            continue
        born_now = created >= since and (until is None or created < until)
        group = gone if ledger.is_deleted(place) else born if born_now else older
        group.append(place)
    return Plan(changes.only(gone), changes.only(born), changes.only(older))


def is_gap(watermark: int, now: int) -> bool:
    """Whether events since a watermark may be gone already."""
    return now - watermark > TRUSTED


def type_groups(types: Iterable[str]) -> list[tuple[str, ...]]:
    """Event types, a tuple for each request: up to twenty names, or one group (`payment_method.*`)."""
    types = tuple(types)
    names = [name for name in types if not is_group(name)]
    lots = [tuple(names[at : at + TYPES_A_REQUEST]) for at in range(0, len(names), TYPES_A_REQUEST)]
    return [*lots, *((name,) for name in types if is_group(name))]


@dataclass(frozen=True)
class ChangedParent:
    """A parent, and what events name of its children."""

    id: str
    children: tuple[Change, ...]
    since: int = 0
    """Its children may have changed until then (Unix seconds) without an event that was read."""
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Children that it had before its events, by id."""

    @classmethod
    def of(cls, parent_id: str, changes: Iterable[Change]) -> ChangedParent:
        """A parent with the changes that name it. One of its own id is of all its children."""
        children = tuple(changes)
        since = max((change.time for change in children if change.id == parent_id), default=0)
        held = {child: row for change in children for rows in change.listed.values() for child, row in rows.items()}
        return cls(parent_id, tuple(change for change in children if change.id != parent_id), since, held)

    @property
    def time(self) -> int:
        """When its children changed last (Unix seconds)."""
        return max((self.since, *(change.time for change in self.children)))
