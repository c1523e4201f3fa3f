"""Subjects: which object an event is about. Pure.

Stripe writes an event at the account's default API version, which may be years older than the pinned one
(https://docs.stripe.com/upgrades): payouts were called transfers once, invoices had a `date` and no `created`, and
lines of invoices had their ids under `unique_id`. So an event is left out only if it is known to be about an object of
another stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from source_stripe.api.values import unix_seconds

_Value = TypeVar("_Value")


class UnreadableEventError(Exception):
    """An event of a type that was asked for, which does not say what object it is about."""


@dataclass(frozen=True)
class Subject:
    """The object that an event is about."""

    id: str
    time: int
    """`created` of the event, Unix seconds."""
    created: int | None
    """When the object was created, where the event says so."""
    kept: Mapping[str, Any]
    """Of the fields that a request for the object needs, those that the event shows, as they are or were before."""
    shown: Mapping[str, Any]
    """The object as the event shows it."""


@dataclass(frozen=True)
class Subjects:
    """Finds the objects of a stream in events.

    Maps by event type have its name, or a group that it is in (`payment_method.*`).
    """

    kinds: frozenset[str]
    """What the objects are called at the pinned version."""
    keep: tuple[str, ...] = ()
    """The fields that a request for an object needs. They make up the id of an object that has none."""
    time_fields: tuple[str, ...] = ("created",)
    """The field that says when an object was created (Unix seconds), then the names that it had before."""
    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By event type: the kinds (`object`) of the other streams that follow this type."""
    other_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By event type: how the ids of other streams' objects begin, where ids tell streams apart and kinds do not."""
    v2: bool = False
    strangers: frozenset[str] = frozenset()
    """The kinds of all other streams' objects, as v2 calls them."""

    def of(self, event: Mapping[str, Any]) -> Subject | None:
        """The object; None if it belongs to another stream. Raises UnreadableEventError."""
        return self._of_v2(event) if self.v2 else self._of_v1(event)

    def is_others(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is about an object that belongs to other streams, by its id."""
        return self.has_others(event["type"], str(event["data"]["object"].get("id")))

    def has_others(self, event_type: str, object_id: str) -> bool:
        """Whether an id that events of a type name is one of other streams."""
        return object_id.startswith(by_type(self.other_ids, event_type) or ())

    def _of_v1(self, event: Mapping[str, Any]) -> Subject | None:
        data = event.get("data") or {}
        shown, before = data.get("object"), data.get("previous_attributes") or {}
        if not isinstance(shown, Mapping):
            raise UnreadableEventError
        if self.is_others(event):
            return None
        kind, by_id = shown.get("object"), by_type(self.other_ids, event["type"]) is not None
        if not by_id and kind not in self.kinds and kind in (by_type(self.taken, event["type"]) or ()):
            return None
        kept = {name: shown_or_before(shown, before, name) for name in self.keep if name in shown or name in before}
        object_id = own_id(shown) or "".join(str(kept.get(name) or "") for name in self.keep)
        if not object_id:
            raise UnreadableEventError
        times = (unix_seconds(shown.get(name)) for name in self.time_fields)
        created = next((time for time in times if time is not None), None)
        if created is None and event["type"].endswith(".created"):
            created = event["created"]
        return Subject(object_id, event["created"], created, kept, shown)

    def _of_v2(self, event: Mapping[str, Any]) -> Subject | None:
        related, data = event.get("related_object") or {}, event.get("data") or {}
        kind, object_id = related.get("type"), related.get("id")
        if kind not in self.kinds:
            if kind in (by_type(self.taken, event["type"]) or ()):
                return None
            (own_kind, *_) = sorted(self.kinds)
            named = data.get(f"{own_kind.rpartition('.')[2]}_id")
            kind, object_id = own_kind, named or (None if kind in self.strangers else object_id)
        time = unix_seconds(event["created"])
        if not object_id or time is None:
            raise UnreadableEventError
        kept = {name: data[f"{name}_id"] for name in self.keep if f"{name}_id" in data}
        return Subject(object_id, time, None, kept, {"id": object_id, "object": kind, **kept})


def by_type(values: Mapping[str, _Value], event_type: str) -> _Value | None:
    """What is given for an event type: by its name, or by a group that it is in."""
    if event_type in values:
        return values[event_type]
    groups = (group for group in values if is_group(group))
    return next((values[group] for group in groups if event_type.startswith(group[:-1])), None)


def is_group(name: str) -> bool:
    """Whether a name stands for all event types that begin so: `payment_method.*`."""
    return name.endswith("*")


def shared(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names of event types, and of groups of them, among which one of the others can be."""
    every = dict.fromkeys(others)
    groups = [name for name in every if is_group(name)]
    return [
        name
        for name in names
        if name in every
        or any(name.startswith(group[:-1]) for group in groups)
        or (is_group(name) and any(other.startswith(name[:-1]) for other in every))
    ]


def own_id(shown: Mapping[str, Any]) -> Any:
    """The id that an object has now. Lines of invoices had another before 2019-12-03, and this under `unique_id`."""
    return shown.get("unique_id") or shown.get("id")


def shown_or_before(shown: Mapping[str, Any], before: Mapping[str, Any], name: str) -> Any:
    """What a field holds, or held before the event where it holds nothing now: what was detached names no customer."""
    value = shown.get(name)
    return before.get(name) if value is None else value
