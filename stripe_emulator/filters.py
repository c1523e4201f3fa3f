"""Which rows a list shows: its filters, and what it hides unless it is asked.

Most filters compare the field of the same name; the tables below name those that don't, and the lists that leave
objects out by default (Stripe's documentation of each list says so).
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from stripe_emulator import errors, events, facts, metering
from stripe_emulator.clock import unix_time
from stripe_emulator.facts import Endpoint
from stripe_emulator.pages import Accept, Selection
from stripe_emulator.parameters import Range
from stripe_emulator.paths import at
from stripe_emulator.store import Resource, Shelf, Store

MAX_EVENT_TYPES = 20

Filters = Mapping[str, Any]

# Filters whose value is the id of an object that has to exist. v2 lists take any id.
_REFERENCES = {
    "card": "issuing.card",
    "cardholder": "issuing.cardholder",
    "charge": "charge",
    "customer": "customer",
    "financial_account": "treasury.financial_account",
    "invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_link": "payment_link",
    "payment_record": "payment_record",
    "payout": "payout",
    "product": "product",
    "setup_intent": "setup_intent",
    "subscription": "subscription",
    "test_clock": "test_helpers.test_clock",
    "value_list": "radar.value_list",
}
# Filters of another name, or deeper, than the field they compare.
_FIELDS = {
    ("billing.alert", "meter"): "usage_threshold.meter",
    ("event", "types"): "type",
    ("invoice", "subscription"): "parent.subscription_details.subscription",
    ("issuing.authorization", "card"): "card.id",
    ("issuing.card", "cardholder"): "cardholder.id",
    ("issuing.personalization_design", "lookup_keys"): "lookup_key",
    ("price", "lookup_keys"): "lookup_key",
    ("product", "ids"): "id",
    ("product_catalog.trial_offer", "prices"): "price",
    ("promotion_code", "coupon"): "promotion.coupon",
    ("shipping_rate", "currency"): "fixed_amount.currency",
    ("v2.core.event", "object_id"): "related_object.id",
    ("v2.core.event", "types"): "type",
    ("v2.core.vault.us_bank_account", "verification_status"): "verification.status",
    ("v2.money_management.financial_account", "statuses"): "status",
    ("v2.money_management.outbound_payment", "recipient"): "to.recipient",
}
# Filters by a parent that the object doesn't name in a field.
_OWNERS = {
    ("balance_transaction", "payout"),
    ("billing.meter_event_summary", "customer"),
    ("financial_connections.account", "session"),
}
# What only says how to answer, not which rows.
_NO_FILTERS = {"include", "order_by", "value_grouping_window"}

_Matches = Callable[[Resource, Any, Store], bool]


def selection(endpoint: Endpoint, parent: str | None, filters: Filters, store: Store, now: int) -> Selection:
    """The rows of a list, given its checked parameters. `parent` is the id that its path names, `now` Unix time.

    Raises StripeError for values that Stripe refuses.
    """
    check_references(endpoint, filters, store)
    bounds = dict(filters.get("created") or {}) if endpoint.params.get("created") == "range" else {}
    shelves, accepts = _shelves(endpoint, parent, filters, store), []
    if endpoint.objects[0] in events.KINDS:
        bounds["gte"] = max(bounds.get("gte", 0), now - events.RETENTION)
    for name, value in filters.items():
        if name not in _NO_FILTERS and not (name == "created" and bounds):
            accepts.append(_accept(endpoint.objects[0], name, value, store))
    if bounds and endpoint.path == "/v1/accounts":
        accepts.append(lambda resource: "created" in resource.fields)
    if hides := _HIDES.get(endpoint.path):
        accepts.append(lambda resource: not hides(resource.fields, filters))
    since, until = interval(bounds)
    return Selection(shelves, _all(accepts), since, until)


def check_references(endpoint: Endpoint, filters: Filters, store: Store) -> None:
    """Raise StripeError for a filter that names an object which doesn't exist, or has a value that Stripe refuses."""
    if endpoint.path == "/v1/events":
        _check_event_types(filters)
    if endpoint.objects == ("billing.meter_event_summary",):
        metering.check_window(filters)
    if filters.get("order_by", "created") != "created":
        raise errors.invalid_value("order_by", "The emulator serves order_by=created only.")
    for name, value in filters.items():
        kind = _REFERENCES.get(name)
        if kind is not None and isinstance(value, str) and not endpoint.is_v2:
            resource = store.get(value)
            if resource is None or resource.kind != kind:
                raise errors.no_such(kind, value, status=400, param=name)


def check_names_of_types(filters: Filters) -> None:
    """Raise StripeError for event types that there aren't. A `type` with * in it names a group, empty or not."""
    named = filters.get("types", (filters["type"],) if "*" not in filters.get("type", "*") else ())
    for name in named:
        if name not in facts.snapshot_types():
            raise errors.invalid_value("types", f"Invalid event type: {name}")


def _check_event_types(filters: Filters) -> None:
    if "type" in filters and "types" in filters:
        raise errors.invalid_value("types", "You may only specify one of these parameters: type, types.")
    if len(filters.get("types", ())) > MAX_EVENT_TYPES:
        raise errors.invalid_value("types", f"Array has too many elements: types takes {MAX_EVENT_TYPES} at most.")


def _shelves(endpoint: Endpoint, parent: str | None, filters: Filters, store: Store) -> list[Shelf]:
    """The fewest rows that hold all that a list may show: a parent's, or those with one field's value."""
    nested = facts.nested().get(endpoint.path)
    if nested is not None and nested.by:
        return [store.shelf_by(kind, nested.by, parent) for kind in endpoint.objects]
    if nested is not None and nested.slot:
        return [store.shelf_by(kind, "slot", (parent, nested.slot)) for kind in endpoint.objects]
    kind = endpoint.objects[0]
    for name, value in filters.items():
        if (kind, name) in _OWNERS:
            return [store.shelf_by(kind, "owner", value)]
        elsewhere = (kind, name) in _FIELDS or (kind, name) in _SPECIAL
        if name in _REFERENCES and not elsewhere and isinstance(value, str):
            return [store.shelf_by(kind, name, value)]
    if kind == "event" and "types" in filters:
        return [store.shelf_by(kind, "type", name) for name in dict.fromkeys(filters["types"])]
    return [store.shelf(kind) for kind in endpoint.objects]


def shows(resource: Resource, filters: Filters, store: Store) -> bool:
    """Whether a list shows an object by these filters, given as checked parameters."""
    return all(_accept(resource.kind, name, value, store)(resource) for name, value in filters.items())


def _accept(kind: str, name: str, value: Any, store: Store) -> Accept:
    special = _SPECIAL.get((kind, name))
    if special is not None:
        return lambda resource: special(resource, value, store)
    if (kind, name) in _OWNERS:
        return lambda resource: resource.owner == value
    path = _FIELDS.get((kind, name), name).split(".")
    return lambda resource: _equals(at(resource.fields, path), value)


def _all(accepts: list[Accept]) -> Accept | None:
    if len(accepts) > 1:
        return lambda resource: all(accept(resource) for accept in accepts)
    return accepts[0] if accepts else None


def interval(bounds: Range) -> tuple[int | None, int | None]:
    """A range of whole seconds as `since <= at < until`."""
    since = [bounds[key] + extra for key, extra in (("gte", 0), ("gt", 1), ("eq", 0)) if key in bounds]
    until = [bounds[key] + extra for key, extra in (("lte", 1), ("lt", 0), ("eq", 1)) if key in bounds]
    return max(since, default=None), min(until, default=None)


def _equals(actual: Any, wanted: Any) -> bool:
    """Whether a field has the wanted value: one of a list, within a range, or in every part of a hash."""
    if isinstance(wanted, list):
        return any(item in wanted for item in actual) if isinstance(actual, list) else actual in wanted
    if isinstance(wanted, dict) and wanted.keys() <= _RANGE_KEYS:
        return isinstance(actual, int) and _within(actual, wanted)
    if isinstance(wanted, dict):
        return all(_equals(at(actual, [name]), item) for name, item in wanted.items())
    return bool(actual == wanted)


_RANGE_KEYS = {"gt", "gte", "lt", "lte", "eq"}


def _within(number: int, bounds: Range) -> bool:
    since, until = interval(bounds)
    return (since is None or since <= number) and (until is None or number < until)


def _any_item(path: str) -> _Matches:
    """Whether one of a subscription's items has the value."""

    def matches(resource: Resource, value: Any, store: Store) -> bool:
        items = store.shelf_by("subscription_item", "subscription", resource.key)
        return any(_equals(at(item.fields, path.split(".")), value) for item in Selection([items]).down())

    return matches


def _period(end: str, pick: Callable[[list[int]], int]) -> _Matches:
    """Whether one end of the items' periods is in a range: the least end, or the greatest start, of all items."""

    def matches(resource: Resource, value: Any, store: Store) -> bool:
        items = store.shelf_by("subscription_item", "subscription", resource.key)
        times = [item.fields[end] for item in Selection([items]).down()]
        return bool(times) and _equals(pick(times), value)

    return matches


def _has_code(resource: Resource, value: str, _: Store) -> bool:
    """Codes are the same in any letter case."""
    return bool(resource.fields["code"].casefold() == value.casefold())


def _is_archived(resource: Resource, value: bool, _: Store) -> bool:
    return resource.fields["active"] is not value


def _has_all(field: str) -> _Matches:
    return lambda resource, value, _: set(value) <= set(resource.fields[field] or ())


def _came_by(resource: Resource, value: facts.Json, _: Store) -> bool:
    """By which flow a received credit came; `other` is none that has a name."""
    details = at(resource.fields, ["linked_flows", "source_flow_details"])
    return bool((at(details, ["type"]) or "other") == value["source_flow_type"])


def _lists_value(resource: Resource, value: str, store: Store) -> bool:
    items = store.shelf_by("radar.value_list_item", "value_list", resource.key)
    return any(item.fields["value"] == value for item in Selection([items]).down())


def _has_status(resource: Resource, value: str, _: Store) -> bool:
    return value == "all" or _equals(resource.fields["status"], list(_ENDED) if value == "ended" else value)


def _names_flow(field: str) -> _Matches:
    def matches(resource: Resource, value: str, _: Store) -> bool:
        flow = resource.fields[field]
        return isinstance(flow, dict) and value in flow.values()

    return matches


def _is_entitled(resource: Resource, customer: str, store: Store) -> bool:
    """Whether an active entitlement is the customer's: in their summary, or below them where there is none."""
    owner = store.get(resource.owner or "")
    return owner is not None and customer in (owner.key, owner.fields.get("customer"))


def _of_grants_customer(resource: Resource, customer: str, store: Store) -> bool:
    grant = store.get(resource.fields["credit_grant"])
    return grant is not None and grant.fields["customer"] == customer


_ENDED = ("canceled", "incomplete_expired")
_SPECIAL: Mapping[tuple[str, str], _Matches] = {
    ("billing.credit_balance_transaction", "customer"): _of_grants_customer,
    ("billing.meter_event_summary", "end_time"): lambda row, value, _: row.fields["end_time"] <= value,
    ("billing.meter_event_summary", "start_time"): lambda row, value, _: row.fields["start_time"] >= value,
    ("entitlements.active_entitlement", "customer"): _is_entitled,
    ("entitlements.feature", "archived"): _is_archived,
    ("event", "delivery_success"): lambda row, value, _: (row.fields["pending_webhooks"] == 0) == value,
    ("event", "type"): lambda row, value, _: fnmatchcase(row.fields["type"], value),
    ("invoiceitem", "pending"): lambda row, value, _: (row.fields["invoice"] is None) == value,
    ("payment_record", "created_after"): lambda row, value, _: row.at > value,
    ("payment_record", "created_before"): lambda row, value, _: row.at < value,
    ("promotion_code", "code"): _has_code,
    ("radar.value_list", "contains"): _lists_value,
    ("subscription", "current_period_end"): _period("current_period_end", min),
    ("subscription", "current_period_start"): _period("current_period_start", max),
    ("subscription", "plan"): _any_item("plan.id"),
    ("subscription", "price"): _any_item("price.id"),
    ("subscription", "status"): _has_status,
    ("subscription_schedule", "scheduled"): lambda row, value, _: (row.fields["status"] == "not_started") == value,
    ("tax.registration", "status"): _has_status,
    ("treasury.received_credit", "linked_flows"): _came_by,
    ("v2.commerce.product_catalog_import", "created_gt"): lambda row, value, _: row.at > unix_time(value),
    ("v2.commerce.product_catalog_import", "created_gte"): lambda row, value, _: row.at >= unix_time(value),
    ("v2.commerce.product_catalog_import", "created_lt"): lambda row, value, _: row.at < unix_time(value),
    ("v2.commerce.product_catalog_import", "created_lte"): lambda row, value, _: row.at <= unix_time(value),
    ("v2.core.account", "applied_configurations"): _has_all("applied_configurations"),
    ("v2.core.account", "closed"): lambda row, value, _: bool(row.fields["closed"]) == value,
    ("v2.money_management.adjustment", "adjusted_flow"): _names_flow("adjusted_flow"),
    ("v2.money_management.transaction", "flow"): _names_flow("flow"),
}


def _on_test_clock(fields: facts.Json, filters: Filters) -> bool:
    return fields.get("test_clock") is not None and "test_clock" not in filters and "customer" not in filters


def _subscription_hidden(fields: facts.Json, filters: Filters) -> bool:
    ended = fields["status"] in _ENDED and "status" not in filters
    return ended or _on_test_clock(fields, filters)


# Lists that hide rows by default: whether one is hidden, given the list's filters.
_HIDES: Mapping[str, Callable[[facts.Json, Filters], bool]] = {
    "/v1/billing/meters/{id}/event_summaries": metering.is_hidden,
    "/v1/customers": _on_test_clock,
    "/v1/payment_methods": lambda fields, _: fields["type"] == "custom",
    "/v1/prices": lambda fields, filters: not fields["active"] and "active" not in filters,
    "/v1/quotes": _on_test_clock,
    "/v1/reviews": lambda fields, _: not fields["open"],
    "/v1/subscription_schedules": _on_test_clock,
    "/v1/subscriptions": _subscription_hidden,
    "/v1/tax/registrations": lambda fields, filters: fields["status"] != "active" and "status" not in filters,
    "/v1/tax_ids": lambda fields, filters: "owner" not in filters and at(fields, ["owner", "type"]) != "self",
    "/v2/core/accounts": lambda fields, filters: bool(fields["closed"]) and "closed" not in filters,
    "/v2/money_management/financial_accounts": (
        lambda fields, filters: fields["status"] == "closed" and "statuses" not in filters
    ),
}
