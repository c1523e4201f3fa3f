"""Which events a change writes, what an event looks like, and where it stands in the list.

`facts/told.json` says which change of which kind writes which event, and which writes none; `facts/events.json` what
each type carries.

What Stripe says of the order of /v1/events: newest first by `created`, which is in whole seconds. Of the events of one
second it says nothing, ids don't sort as events were written, and webhooks come in any order. All that can be relied on
is that the list has one order, whichever it is: cursors would be of no use otherwise.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from random import Random
from typing import Any

import orjson

from stripe_emulator import facts, legacy
from stripe_emulator.clock import rfc3339
from stripe_emulator.factory import object_id
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.paths import at, without
from stripe_emulator.store import Resource

RETENTION = 30 * 24 * 3600
"""Seconds for which /v1/events keeps an event."""

KINDS = ("event", "v2.core.event")

MAYBE = "?"
"""Before a type: whether Stripe writes it is unknown."""
Guess = Callable[[], bool]

_MISSING = object()

PARENT = "parent"
"""Instead of a type: what happened is a change of the object in whose list this one stands."""
# (type, type before, release that renamed it).
_RENAMED = {
    "payment_method.automatically_updated": ("payment_method.card_automatically_updated", "2020-08-27"),
}
_WHOLE_ARRAYS = "2017-05-25"
_REFUNDS_TOLD = "2024-10-28"
"""The release since which refunds of charges have events of their own; before, only `charge.refunded` and
`charge.refund.updated` tell of them (https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update)."""


def never() -> bool:
    """A guess: what Stripe's reference leaves open is not told."""
    return False


def on_creation(kind: str, fields: Json) -> list[str]:
    """Types of the events that an object's creation writes."""
    rule = told_of(kind, fields).made
    made = rule.get(str(fields.get("status"))) if isinstance(rule, Mapping) else rule
    return [made] if made else []


def on_update(kind: str, old: Json, new: Json, guess: Guess = never) -> list[str]:
    """Types of the events of an update, given what the object showed before and after it. That may be the same: what
    changed may be hidden, or stand in a list beyond its first ten rows. `guess` says whether Stripe tells of what its
    reference leaves open."""
    name = _on_update(told_of(kind, new).changed, old, new)
    if name.startswith(MAYBE):
        name = name[len(MAYBE) :] if guess() else ""
    # Stripe writes it beside refund.updated.
    beside = ["charge.refund.updated"] if kind == "refund" and new["charge"] else []
    return [*([name] if name else []), *beside]


def on_deletion(kind: str, fields: Json) -> list[str]:
    """Types of the events that an object's deletion writes."""
    gone = told_of(kind, fields).gone
    return [gone] if gone else []


def told_of(kind: str, fields: Json) -> facts.Told:
    """What Stripe tells of an object of a kind: some kinds have a row for those that an account has, or nobody."""
    whose = " of an account" if fields.get("account") else "" if fields.get("customer") else " of nobody"
    return facts.told().get(f"{kind}{whose}") or facts.told().get(kind, facts.SILENT)


def at_version(names: Iterable[str], kind: str, fields: Json, version: str) -> list[str]:
    """Those of the events of a change that an account of a version is told of, by the names that they had then."""
    if kind == "refund" and fields["charge"] and version < _REFUNDS_TOLD:
        names = [name for name in names if not name.startswith("refund.")]
    renamed = [(name, *_RENAMED.get(name, (name, ""))) for name in names]
    return [before if version < release else name for name, before, release in renamed]


def check_type(name: str, kind: str) -> None:
    """Raise ValueError unless events of a type carry objects of a kind, also as payment methods."""
    if kind in legacy.KINDS and name in facts.event_types("payment_method"):
        return
    if name not in facts.event_types(kind):
        known = ", ".join(facts.event_types(kind)) or "none"
        raise ValueError(f"no event {name!r} carries a {kind}; its event types: {known}")


def previous_attributes(old: Json, new: Json, version: str = PINNED_VERSION) -> Json:
    """The old values of what changed: hashes key by key (a key that is new was null), arrays whole.

    An embedded list is a hash with an array in it: `data` is there whole, as it was shown, and beside it what else of
    the list changed (`total_count`, `has_more`), but not its `object` and `url`. Before 2017-05-25 an array held of the
    elements that changed what changed in them, place by place.
    """
    return dict(_differences(old, new, whole=version >= _WHOLE_ARRAYS))


def event_fields(name: str, number: int, created: int, version: str) -> Json:
    """An event without its data: the `number`th thing written, at Unix time `created`."""
    return {
        "id": object_id("evt", number),
        "object": "event",
        "api_version": version,
        "created": created,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": object_id("req", number), "idempotency_key": None},
        "type": name,
    }


def v2_event_fields(
    name: str, number: int, created: int, about: tuple[str, str, str] | None, data: Json | None
) -> Json:
    """A v2 event: thin, it names what it is `about` (id, kind and path) and shows nothing of it. Some name nothing."""
    event: Json = {
        "id": object_id("evt", number),
        "object": "v2.core.event",
        "changes": None,
        "context": None,
        "created": rfc3339(created),
        "livemode": False,
        "reason": {"type": "request", "request": {"id": object_id("req", number), "idempotency_key": ""}},
        "snapshot_event": None,
        "type": name,
    }
    if about is not None:
        event["related_object"] = dict(zip(("id", "type", "url"), about, strict=True))
    if data is not None:
        event["data"] = data
    return event


def path_of(resource: Resource) -> str:
    """Where an object is got by its id; nowhere, if Stripe has no address for it (a discount)."""
    try:
        pattern = facts.path_of(resource.kind)
    except LookupError:
        return ""
    *above, last = re.findall(r"{(\w+)}", pattern)
    for name in above:
        parent = resource.fields.get(name) or resource.fields.get(name.removesuffix("_id")) or resource.owner
        pattern = pattern.replace(f"{{{name}}}", str(parent))
    return pattern.replace(f"{{{last}}}", resource.id)


def v2_data(resource: Resource) -> Json | None:
    """What a v2 event says beside the id of its object: whose person it is."""
    return {"account_id": resource.fields["account"]} if resource.kind == "v2.core.account_person" else None


def event_json(event: Json, snapshot: bytes, previous: Json | None) -> bytes:
    """The JSON of an event with its object's snapshot."""
    data: Json = {"object": orjson.Fragment(snapshot)}
    if previous is not None:
        data["previous_attributes"] = previous
    return orjson.dumps({**event, "data": data})


def shuffled(number: int, rng: Random) -> int:
    """A place in the list for the `number`th thing written, by chance among the events of its second."""
    return rng.getrandbits(30) << 32 | number


def _on_update(changed: Mapping[str, facts.Rule], old: Json, new: Json) -> str:
    """The type of the first field that changed and has one for sure; else of the first that may have one; or ""."""
    fields = [name for name in changed if name != facts.OTHER]
    paths = [name.split(".") for name in fields]
    rules = [(changed[name], at(old, path), at(new, path)) for name, path in zip(fields, paths, strict=True)]
    names = [_named(rule, before, after, changed) for rule, before, after in rules if before != after]
    if not names or reduce(without, paths, old) != reduce(without, paths, new):
        names.append(_named(changed[facts.OTHER], None, None, changed))
    return min(filter(None, names), key=lambda name: name.startswith(MAYBE), default="")


def _named(rule: facts.Rule, old: Any, new: Any, changed: Mapping[str, facts.Rule]) -> str:
    """What a rule says of a field's new value."""
    if not isinstance(rule, Mapping):
        return rule or ""
    more = "more" if isinstance(old, int) and isinstance(new, int) and new > old else ""
    cases = (f"{old}>{new}", "unset" if old and not new else "", more, str(new), facts.OTHER)
    return next((rule[case] or "" for case in cases if case in rule), _named(changed[facts.OTHER], None, None, changed))


def _differences(old: Json, new: Json, *, whole: bool) -> Iterator[tuple[str, Any]]:
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, _MISSING), new.get(name, _MISSING)
        if isinstance(before, dict) and isinstance(after, dict):
            if below := dict(_differences(before, after, whole=whole)):
                yield name, below
        elif before != after and isinstance(before, list) and isinstance(after, list) and not whole:
            yield name, _changed_elements(before, after)
        elif before != after:
            yield name, None if before is _MISSING else before


def _changed_elements(old: list[Any], new: list[Any]) -> list[Any]:
    """Of the elements that are others now what changed in them; those that have no counterpart any more are whole."""
    changed: list[Any] = []
    for place, before in enumerate(old):
        after = new[place] if place < len(new) else None
        if isinstance(before, dict) and isinstance(after, dict):
            changed += [below] if (below := dict(_differences(before, after, whole=False))) else []
        elif before != after:
            changed.append(before)
    return changed
