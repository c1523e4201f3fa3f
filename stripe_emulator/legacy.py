"""Cards, sources and bank accounts of the API before payment methods, which answers to their ids too.

Who changes one as a payment method writes `payment_method.updated` with the old id, and no `customer.source.updated`.
"""

from stripe_emulator import factory
from stripe_emulator.errors import StripeError
from stripe_emulator.facts import Json
from stripe_emulator.store import Resource

KINDS = ("bank_account", "card", "source")
_TYPES = {"bank_account": "us_bank_account", "card": "card"}
_OF_A_CARD = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")


def as_payment_method(resource: Resource) -> Json:
    """The payment method that a legacy object is. What it shows in no field of its own (`description`) is missing."""
    legacy = resource.fields
    given: Json = {
        "type": _TYPES.get(resource.kind, legacy.get("type")),
        "customer": legacy["customer"],
        "metadata": legacy["metadata"] or {},
        "billing_details": {"name": legacy.get("name") or legacy.get("account_holder_name")},
    }
    if resource.kind == "card":
        given["card"] = {name: legacy[name] for name in _OF_A_CARD}
    return factory.make("payment_method", given, object_id=resource.id, created=resource.at)


def payment_method(resource: Resource) -> Resource:
    """What /v1/payment_methods answers to the id of a legacy object. Raises StripeError where that has no customer."""
    if not resource.fields["customer"]:
        raise StripeError(
            400, "A source must be attached to a customer to be used as a `payment_method`", param="payment_method"
        )
    return Resource("payment_method", resource.key, as_payment_method(resource), resource.at, resource.number)
