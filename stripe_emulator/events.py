"""Which events a change writes, what an event looks like, and where it stands in the list.

Event types come from `facts/events.json`. Most follow one pattern: `<stem>.created`, `<stem>.<status>`,
`<stem>.updated`, `<stem>.deleted`; the tables below name what doesn't.

What Stripe says of the order of /v1/events: newest first by `created`, which is in whole seconds. Of the events of one
second it says nothing, ids don't sort as events were written, and webhooks come in any order. All that can be relied on
is that the list has one order, whichever it is: cursors would be of no use otherwise.
"""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import orjson

from stripe_emulator import facts, legacy
from stripe_emulator.clock import rfc3339
from stripe_emulator.factory import object_id
from stripe_emulator.facts import PINNED_VERSION, Json

RETENTION = 30 * 24 * 3600
"""Seconds for which /v1/events keeps an event."""

KINDS = ("event", "v2.core.event")

_MISSING = object()

# Kinds whose creation isn't told by `.created` of their own stem.
_BORN = {
    "charge": "charge.{status}",
    "review": "review.opened",
    "v2.commerce.product_catalog_import": "v2.commerce.product_catalog.imports.{status}",
    "v2.money_management.received_credit": "v2.money_management.received_credit.{status}",
}
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
    ("v2.core.account", "closed"): "v2.core.account.closed",
    ("v2.core.account", "defaults"): "v2.core.account[defaults].updated",
    ("v2.core.account", "future_requirements"): "v2.core.account[future_requirements].updated",
    ("v2.core.account", "identity"): "v2.core.account[identity].updated",
    ("v2.core.account", "requirements"): "v2.core.account[requirements].updated",
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
    "v2.commerce.product_catalog_import": "v2.commerce.product_catalog.imports",
}
# (type, type before, release that renamed it).
_RENAMED = {
    "payment_method.automatically_updated": ("payment_method.card_automatically_updated", "2020-08-27"),
}
_WHOLE_ARRAYS = "2017-05-25"
_REFUNDS_TOLD = "2024-10-28"
"""The release since which refunds of charges have events of their own; before, only `charge.refunded` and
`charge.refund.updated` tell of them (https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update)."""


def on_creation(kind: str, fields: Json) -> list[str]:
    """Types of the events that an object's creation writes."""
    if kind == "payment_method":
        return ["payment_method.attached"] if fields["customer"] else []
    if kind == "source" and not fields["customer"]:
        return ["source.chargeable"] if fields["status"] == "chargeable" else []
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


def stem(kind: str, fields: Json) -> str:
    """What the event types of a kind begin with."""
    if kind == "source" and not fields["customer"]:
        return kind
    if kind in legacy.KINDS:
        return "account.external_account" if fields.get("account") else "customer.source"
    if kind == "tax_id":
        return "customer.tax_id" if fields["customer"] else kind  # those of the account itself have no events
    if kind.startswith("issuing."):
        return kind.replace(".", "_")
    return _STEMS.get(kind, kind)


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
    if kind == "source" and old["customer"] != new["customer"]:
        return ["customer.source.created" if new["customer"] else "customer.source.deleted"]
    if kind == "v2.core.account" and (part := _part_changed(old.get("configuration"), new.get("configuration"))):
        return [f"v2.core.account[configuration.{part}].updated"]
    if old.get("status") != new.get("status"):
        of_status = kind if kind == "source" else prefix
        event = f"{of_status}.{_STATUS_NAMES.get((kind, str(new['status'])), new['status'])}"
        if event in known:
            return [event]
    return [_UPDATES.get(kind, f"{prefix}.updated")]


def _part_changed(old: Any, new: Any) -> str | None:
    """The first part of a hash that is another one."""
    before, after = old or {}, new or {}
    return next((name for name in {**before, **after} if before.get(name) != after.get(name)), None)


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
