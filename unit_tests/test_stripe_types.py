"""Stripe's types are read as they are on the wire."""

import pytest

from tools.stripe_types import (
    Anything,
    Array,
    Expandable,
    ListOf,
    Map,
    ObjectType,
    Resource,
    Scalar,
    Type,
    Union,
    UnknownObjectError,
    list_operations,
    object_names,
    object_type,
)


def field_type(path: str) -> Type:
    """The type at `object:field.field`, through arrays and maps."""
    name, _, fields = path.partition(":")
    found: Type = object_type(name)
    for field in fields.split("."):
        while isinstance(found, Array | Map):
            found = found.items if isinstance(found, Array) else found.values
        assert isinstance(found, ObjectType), path
        found = found.field(field).type
    return found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("charge:amount", Scalar("integer")),
        ("charge:object", Scalar("string", values=("charge",))),
        ("charge:status", Scalar("string", values=("failed", "pending", "succeeded"))),
        ("charge:paid", Scalar("boolean")),
        ("charge:customer", Expandable((Resource("customer"),))),
        ("charge:metadata", Map(Scalar("string"))),
        ("charge:refunds", ListOf(Resource("refund"))),
        ("charge:payment_method_details.card.brand", Scalar("string")),
        ("event:data.object", Map(Anything())),
        ("invoice:discounts", Array(Expandable((Resource("discount"),)))),
        ("price:unit_amount_decimal", Scalar("string", format="decimal")),
        ("price:tiers.unit_amount_decimal", Scalar("string", format="decimal")),
        ("payout:destination", Expandable((Resource("bank_account"), Resource("card")))),
        ("account:external_accounts", ListOf(Union((Resource("bank_account"), Resource("card"))))),
        # a class imported under another name
        (
            "payment_intent:last_payment_error.source",
            Union(tuple(map(Resource, ("account", "bank_account", "card", "source")))),
        ),
        # a Python keyword on the wire
        ("tax.registration:country_options.in.type", Scalar("string", values=("simplified",))),
        ("v2.core.account:created", Scalar("string", format="date-time")),
        ("v2.commerce.product_catalog_import:status_details.succeeded.success_count", Scalar("string", format="int64")),
        ("v2.money_management.transaction:amount.value", Scalar("integer")),
    ],
)
def test_a_field_is_read(path: str, expected: Type) -> None:
    assert field_type(path) == expected


def test_a_field_carries_its_documentation() -> None:
    field = object_type("charge").field("amount_captured")
    assert field.nullable is False
    assert field.description.startswith("Amount in cents (or local equivalent) captured")
    assert object_type("charge").field("customer").nullable is True
    assert object_type("charge").description.startswith("The `Charge` object represents")


def test_deletable_objects_are_marked() -> None:
    assert object_type("customer").deletable is True
    assert object_type("charge").deletable is False
    with pytest.raises(KeyError):
        object_type("customer").field("deleted")


def test_every_object_is_readable_and_leads_only_to_known_ones() -> None:
    known = set(object_names())
    assert {"charge", "checkout.session", "line_item", "v2.core.account"} <= known
    for name in known:
        assert resources(object_type(name)) <= known


def resources(kind: Type) -> set[str]:
    if isinstance(kind, Resource):
        return {kind.name}
    if isinstance(kind, ObjectType):
        return {name for field in kind.fields for name in resources(field.type)}
    if isinstance(kind, Union | Expandable):
        options = kind.options if isinstance(kind, Union) else kind.targets
        return {name for option in options for name in resources(option)}
    if isinstance(kind, Array | ListOf):
        return resources(kind.items)
    return resources(kind.values) if isinstance(kind, Map) else set()


def test_an_unknown_object_is_named() -> None:
    with pytest.raises(UnknownObjectError, match="knows no object 'chargeback'"):
        object_type("chargeback")


def test_list_operations_are_found() -> None:
    objects = {operation.path: operation.objects for operation in list_operations()}
    assert objects["/v1/charges"] == ("charge",)
    assert objects["/v1/invoices/{invoice}/lines"] == ("line_item",)
    assert objects["/v1/accounts/{account}/external_accounts"] == ("bank_account", "card")
    assert objects["/v2/core/accounts"] == ("v2.core.account",)
    assert len(objects) == 138
    assert not any(path.endswith("/search") for path in objects)
