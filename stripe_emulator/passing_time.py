"""What time does to objects. Stripe tells nobody of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stripe_emulator.facts import Json
from stripe_emulator.paths import at
from stripe_emulator.store import Resource, Store


@dataclass(frozen=True)
class _Rule:
    """At the time in one field of a kind's objects, another one turns from a value to the next. Both are dotted."""

    kind: str
    at: str
    field: str
    before: Any
    after: Any


_RULES = (
    _Rule("balance_transaction", "available_on", "status", "pending", "available"),
    _Rule("coupon", "redeem_by", "valid", before=True, after=False),
    _Rule("dispute", "evidence_details.due_by", "evidence_details.past_due", before=False, after=True),
    _Rule("file_link", "expires_at", "expired", before=False, after=True),
    _Rule("promotion_code", "expires_at", "active", before=True, after=False),
)


def due(store: Store, now: int) -> Iterator[tuple[Resource, Json]]:
    """The objects that have to change by now, and their new values."""
    for rule in _RULES:
        for resource in store.shelf(rule.kind).up((-1, -(1 << 62)), None, None):
            time = at(resource.fields, rule.at.split("."))
            if time is not None and time <= now and at(resource.fields, rule.field.split(".")) == rule.before:
                yield resource, _nested(rule.field, rule.after)


def _nested(path: str, value: Any) -> Json:
    name, _, below = path.partition(".")
    return {name: _nested(below, value) if below else value}
