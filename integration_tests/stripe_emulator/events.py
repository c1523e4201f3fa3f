"""Which events a change writes, what an event looks like, and where it stands in the list.

Event types come from `facts/events.json`. Most follow one pattern: `<stem>.created`, `<stem>.<status>`,
`<stem>.updated`, `<stem>.deleted`; the tables below name what doesn't.

What Stripe says of the order of /v1/events: newest first by `created`, which is in whole seconds. Of the events of one
second it says nothing, ids don't sort as events were written, and webhooks come in any order. All that can be relied on
is that the list has one order, whichever it is: cursors would be of no use otherwise.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import orjson

from integration_tests.stripe_emulator import facts
from integration_tests.stripe_emulator.factory import object_id
from integration_tests.stripe_emulator.facts import Json

RETENTION = 30 * 24 * 3600
"""Seconds for which /v1/events keeps an event."""

_MISSING = object()

# Kinds whose creation isn't told by `.created` of their own stem.
_BORN = {"charge": "charge.{status}", "review": "review.opened"}
# Kinds that send nothing when they are made, although some `.created` type carries them.
_SILENT = {"billing.alert_triggered", "entitlements.active_entitlement_summary"}
# (kind, field, new value): what a status other than its own name is called in events.
_STATUS_NAMES = {
    ("checkout.session", "complete"): "completed",
    ("credit_note", "void"): "voided",
    ("dispute", "won"): "closed",
    ("dispute", "lost"): "closed",
    ("dispute", "warning_closed"): "closed",
    ("invoice", "open"): "finalized",
    ("invoice", "uncollectible"): "marked_uncollectible",
    ("invoice", "void"): "voided",
    ("issuing.dispute", "won"): "closed",
    ("issuing.dispute", "lost"): "closed",
    ("payment_intent", "requires_payment_method"): "payment_failed",
    ("payment_intent", "requires_capture"): "amount_capturable_updated",
    ("setup_intent", "requires_payment_method"): "setup_failed",
    ("subscription", "canceled"): "deleted",
    ("billing.meter", "inactive"): "deactivated",
    ("billing.meter", "active"): "reactivated",
}
# (kind, field): the event that a change of the field writes instead of a plain update.
_FIELD_EVENTS = {
    ("charge", "amount_refunded"): "charge.refunded",
    ("charge", "captured"): "charge.captured",
    ("application_fee", "amount_refunded"): "application_fee.refunded",
    ("application_fee", "refunds"): "application_fee.refunded",
    ("transfer", "amount_reversed"): "transfer.reversed",
    ("transfer", "reversals"): "transfer.reversed",
    ("review", "open"): "review.closed",
    ("invoice_payment", "status"): "invoice_payment.paid",
    ("climate.product", "current_prices_per_metric_ton"): "climate.product.pricing_updated",
}
# What an update is called where `.updated` is not of the kind's own stem, or doesn't exist.
_UPDATES = {
    "balance": "balance.available",
    "cash_balance": "cash_balance.funds_available",
    "fee_refund": "application_fee.refund.updated",
}
_STEMS = {
    "dispute": "charge.dispute",
    "discount": "customer.discount",
    "subscription": "customer.subscription",
    "scheduled_query_run": "sigma.scheduled_query_run",
    "source_transaction": "source.transaction",
}


def on_creation(kind: str, fields: Json) -> list[str]:
    """Types of the events that an object's creation writes."""
    if kind == "payment_method":
        return ["payment_method.attached"] if fields["customer"] else []
    name = _BORN.get(kind, f"{stem(kind, fields)}.created").format(status=fields.get("status"))
    return [name] if kind not in _SILENT and name in facts.event_types(kind) else []


def on_update(kind: str, old: Json, new: Json) -> list[str]:
    """Types of the events of an update, given what the object showed before and after it. That may be the same: what
    changed may be hidden, or stand in a list beyond its first ten rows."""
    names = [name for name in _update_names(kind, old, new) if name in facts.event_types(kind)]
    if kind == "refund" and new["charge"]:
        names.append("charge.refund.updated")  # Stripe writes it beside refund.updated
    return names


def on_deletion(kind: str, fields: Json) -> list[str]:
    """Types of the events that an object's deletion writes."""
    name = f"{stem(kind, fields)}.deleted"
    return [name] if name in facts.event_types(kind) else []


def check_type(name: str, kind: str) -> None:
    """Raise ValueError unless events of a type carry objects of a kind."""
    if name not in facts.event_types(kind):
        known = ", ".join(facts.event_types(kind)) or "none"
        raise ValueError(f"no event {name!r} carries a {kind}; its event types: {known}")


def stem(kind: str, fields: Json) -> str:
    """What the event types of a kind begin with."""
    if kind in ("bank_account", "card", "source"):
        return "account.external_account" if fields.get("account") else "customer.source"
    if kind == "tax_id":
        return "customer.tax_id" if fields["customer"] else kind  # those of the account itself have no events
    if kind.startswith("issuing."):
        return kind.replace(".", "_")
    return _STEMS.get(kind, kind)


def previous_attributes(old: Json, new: Json) -> Json:
    """The old values of what changed: hashes key by key (a key that is new was null), arrays whole.

    An embedded list is a hash with an array in it: `data` is there whole, as it was shown, and beside it what else of
    the list changed (`total_count`, `has_more`), but not its `object` and `url`.
    """
    return dict(_differences(old, new))


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


def event_json(event: Json, snapshot: bytes, previous: Json | None) -> bytes:
    """The JSON of an event with its object's snapshot."""
    data: Json = {"object": orjson.Fragment(snapshot)}
    if previous is not None:
        data["previous_attributes"] = previous
    return orjson.dumps({**event, "data": data})


def shuffled(number: int, rng: Random) -> int:
    """A place in the list for the `number`th thing written, by chance among the events of its second."""
    return rng.getrandbits(30) << 32 | number


def _update_names(kind: str, old: Json, new: Json) -> list[str]:
    known, prefix = facts.event_types(kind), stem(kind, new)
    for (of_kind, name), event in _FIELD_EVENTS.items():
        if of_kind == kind and old.get(name) != new.get(name):
            return [event]
    if kind == "payment_method" and old["customer"] != new["customer"]:
        return ["payment_method.attached" if new["customer"] else "payment_method.detached"]
    if old.get("status") != new.get("status"):
        event = f"{prefix}.{_STATUS_NAMES.get((kind, str(new['status'])), new['status'])}"
        if event in known:
            return [event]
    return [_UPDATES.get(kind, f"{prefix}.updated")]


def _differences(old: Json, new: Json) -> Iterator[tuple[str, Any]]:
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name, _MISSING), new.get(name, _MISSING)
        if isinstance(before, dict) and isinstance(after, dict):
            if below := previous_attributes(before, after):
                yield name, below
        elif before != after:
            yield name, None if before is _MISSING else before
