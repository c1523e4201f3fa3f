"""GETs that say with parameters, not with an id, which object they want."""

from collections.abc import Callable, Mapping
from typing import Any

from stripe_emulator import errors
from stripe_emulator.errors import StripeError
from stripe_emulator.pages import Selection
from stripe_emulator.store import Resource, Store

Filters = Mapping[str, Any]


def find(path: str, filters: Filters, store: Store) -> Resource:
    """The object that such a GET answers. Raises StripeError 404 if there is none, KeyError for other paths."""
    return FINDERS[path](filters, store)


def _tax_association(filters: Filters, store: Store) -> Resource:
    """How a payment intent hangs together with tax calculations and transactions: Stripe makes it, one for each."""
    intent = filters["payment_intent"]
    resource = store.get(intent)
    if resource is None or resource.kind != "payment_intent":
        raise errors.no_such("payment_intent", intent, status=404, param="payment_intent")
    found = next(Selection([store.shelf_by("tax.association", "payment_intent", intent)]).down(), None)
    if found is None:
        raise StripeError(404, f"No tax association found for payment intent: {intent}", code="resource_missing")
    return found


def _secret(filters: Filters, store: Store) -> Resource:
    """An app's secret, by its name and scope."""
    name, scope = filters["name"], filters["scope"]
    for resource in Selection([store.shelf_by("apps.secret", "name", name)]).down():
        if all(resource.fields["scope"][part] == value for part, value in scope.items()):
            return resource
    raise errors.no_such("secret", name, status=404, param="name")


FINDERS: Mapping[str, Callable[[Filters, Store], Resource]] = {
    "/v1/apps/secrets/find": _secret,
    "/v1/tax/associations/find": _tax_association,
}
