"""Events: from the feed of events to what changed. Pure.

Events tell what changed, never what it is: Stripe renders them at the account's own API version, with nested lists
cut at ten (https://docs.stripe.com/api/events). Only of a deletion they are the last word.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from source_stripe.ledger import Change, Changes, Ledger
from source_stripe.listing import unix_seconds

RETENTION = 30 * 86_400
"""Seconds for which Stripe keeps events."""
TRUSTED = RETENTION - 86_400
"""Seconds for which we trust them to be all there."""
OVERLAP = 600
"""Seconds that are read again: events are eventually consistent, some show up late."""
TYPES_A_REQUEST = 20


@dataclass
class Fold:
    """Folds events, in any order, to one change per object. `keep` names the fields that finding one takes."""

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
    _ledger: Ledger = field(default_factory=Ledger)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an event in, if it is about an object of these kinds."""
        if event["type"] in self.touches:
            if object_id := id_of(event["data"]["object"], self.touches[event["type"]]):
                self._ledger.touch(object_id, event["created"])
            return
        change = self._v2_change(event) if "related_object" in event else self._change(event)
        if change is None:
            return
        self._ledger.take(change, creation=event["type"].endswith(".created"))
        if event["type"] in self.hides:
            self._ledger.hide(change.id)
        for name in self.lists:
            self._note_rows(change.id, name, (event["data"].get("previous_attributes") or {}).get(name))

    @property
    def changes(self) -> Changes:
        """What happened last to each object."""
        return Changes.all_of(self._ledger)

    def forget(self) -> None:
        """Begin anew."""
        self._ledger = Ledger()

    def _note_rows(self, object_id: str, name: str, previous: Any) -> None:
        """Take down the rows that a list held before an event, if the event says that it was another."""
        rows = previous.get("data") if isinstance(previous, Mapping) else previous
        if isinstance(rows, list):
            held = {row["id"]: row for row in rows if isinstance(row, Mapping) and "id" in row}
            self._ledger.held(object_id, name, held)

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


@dataclass(frozen=True)
class Plan:
    """The cheapest way to the current rows of what changed. Newest objects first."""

    gone: Changes
    born: Changes
    """Created since the watermark: a list of that time brings a hundred a request."""
    older: Changes
    """The rest: covered by pages or got by id."""

    @property
    def there(self) -> Changes:
        """All that are not gone."""
        return self.born.and_then(self.older)


def plan(changes: Changes, *, since: int, start: int) -> Plan:
    """Sort changes by what it takes to read them again.

    `since` is the time (Unix seconds) from which events were read, `start` that of the first object that is wanted.
    """
    ledger = changes.ledger
    gone, born, older = array("I"), array("I"), array("I")
    for place in changes.newest_first().places:
        created = ledger.created_at(place)
        if created < start and ledger.says_created(place):
            continue
        group = gone if ledger.is_deleted(place) else born if created >= since else older
        group.append(place)
    return Plan(changes.only(gone), changes.only(born), changes.only(older))


def is_gap(watermark: int, now: int) -> bool:
    """Whether events since a watermark may be gone already."""
    return now - watermark > TRUSTED


def type_groups(types: Iterable[str]) -> list[tuple[str, ...]]:
    """Event types in groups that one request may ask for."""
    ordered = tuple(types)
    return [ordered[at : at + TYPES_A_REQUEST] for at in range(0, len(ordered), TYPES_A_REQUEST)]
