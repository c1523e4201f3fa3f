"""Events are written at the account's own API version; lists and objects are not."""

from typing import Any

import pytest

from integration_tests.conftest import Client
from integration_tests.stripe_emulator import StripeEmulator, facts, versions
from integration_tests.stripe_emulator.facts import PINNED_VERSION, Json
from tools.stripe_types import object_type

OLD = "2022-11-15"
SUBSCRIPTION = {"subscription_details": {"subscription": "sub_1", "metadata": {"a": "b"}}}
LINE_PARENT = {"type": "subscription_item_details", "subscription_item_details": {"subscription_item": "si_1"}}
TAX = {
    "amount": 19,
    "tax_behavior": "inclusive",
    "tax_rate_details": {"tax_rate": "txr_1"},
    "taxability_reason": "standard_rated",
    "taxable_amount": 100,
}
OLD_TAX = {
    "amount": 19,
    "inclusive": True,
    "tax_rate": "txr_1",
    "taxability_reason": "standard_rated",
    "taxable_amount": 100,
}


def newest(emulator: StripeEmulator) -> Json:
    event: Json = emulator.objects("event")[0]
    return event


@pytest.mark.parametrize(
    ("kind", "fields", "old"),
    [
        ("charge", {}, {"invoice": None}),
        ("payment_intent", {}, {"invoice": None}),
        ("plan", {}, {"aggregate_usage": None}),
        ("product", {"marketing_features": [{"name": "fast"}]}, {"features": [{"name": "fast"}]}),
        (
            "checkout.session",
            {"collected_information": {"shipping_details": {"name": "Jenny"}}},
            {"shipping_details.name": "Jenny"},
        ),
        ("discount", {"source": {"coupon": "HALF"}}, {"coupon.percent_off": 50, "coupon.object": "coupon"}),
        ("promotion_code", {"promotion": {"coupon": "HALF"}}, {"coupon.percent_off": 50}),
        ("promotion_code", {"promotion": {"coupon": "NEVER_MADE"}}, {"coupon": None}),
        (
            "credit_note",
            {"refunds": [{"refund": "re_1"}], "total_taxes": [TAX]},
            {"refund": "re_1", "tax_amounts": [OLD_TAX]},
        ),
        (
            "invoice",
            {"parent": SUBSCRIPTION, "status": "paid", "total_taxes": [TAX, TAX]},
            {
                "paid": True,
                "quote": None,
                "subscription": "sub_1",
                "subscription_details": {"metadata": {"a": "b"}},
                "tax": 38,
                "total_tax_amounts": [OLD_TAX, OLD_TAX],
            },
        ),
        ("invoice", {"status": "open"}, {"paid": False, "tax": None, "payment_intent": None, "discount": None}),
        (
            "invoice",
            {"payments": [{"payment": {"payment_intent": "pi_1"}}], "discounts": ["di_1"]},
            {"payment_intent": "pi_1", "charge": "ch_1", "discount.coupon.percent_off": 50},
        ),
        ("invoice", {"payments": [{"payment": {"charge": "ch_2"}}]}, {"charge": "ch_2", "payment_intent": None}),
        (
            "invoice",
            {"lines": [{"parent": LINE_PARENT, "taxes": [TAX]}, {"pricing": {}}]},
            {
                "lines.data.0.type": "subscription",
                "lines.data.0.proration": False,
                "lines.data.0.subscription_item": "si_1",
                "lines.data.0.tax_amounts": [OLD_TAX],
                "lines.data.1.type": "invoiceitem",
                "lines.data.1.price": None,
            },
        ),
        (
            "invoiceitem",
            {
                "parent": {"subscription_details": {"subscription": "sub_1"}},
                "pricing": {"price_details": {"price": "price_1"}, "unit_amount_decimal": "7.5"},
            },
            {"subscription": "sub_1", "price.object": "price", "unit_amount_decimal": "7.5"},
        ),
        (
            "subscription",
            {"items": [{"current_period_start": 5, "current_period_end": 9}], "discounts": ["di_1"]},
            {"current_period_start": 5, "current_period_end": 9, "discount.coupon.id": "HALF"},
        ),
        (
            "customer",
            {"discount": {"object": "discount", "source": {"coupon": "HALF"}}},
            {"discount.coupon.id": "HALF"},
        ),
        ("charge", {"metadata": {"object": "invoice"}}, {"metadata": {"object": "invoice"}}),
    ],
)
def test_objects_in_events_of_an_old_version(
    emulator: StripeEmulator, kind: str, fields: dict[str, Any], old: Json
) -> None:
    emulator.create("coupon", id="HALF", percent_off=50, event=False)
    emulator.create("price", id="price_1", event=False)
    emulator.create("discount", id="di_1", source={"coupon": "HALF"}, event=False)
    emulator.create("payment_intent", id="pi_1", latest_charge="ch_1", event=False)
    made = emulator.create(kind, event=False, **fields)
    emulator.default_version = OLD
    emulator.update(made["id"], event=facts.event_types(kind)[0])
    event = newest(emulator)
    assert event["api_version"] == OLD
    for path, value in old.items():
        assert at(event["data"]["object"], path) == value, path


def at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def test_an_old_version_has_more_fields_and_only_in_events(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.default_version = OLD
    invoice = emulator.create("invoice", status="draft", lines=[{}])
    told = newest(emulator)["data"]["object"]
    assert {**told, "lines": None} == {**told, **invoice, "lines": None}
    assert {"subscription", "charge", "paid", "tax"} <= set(told) - set(invoice)
    listed = stripe.get("/v1/invoices", **{"Stripe-Version": PINNED_VERSION}).json()["data"]
    assert listed == [invoice] == [stripe.get(f"/v1/invoices/{invoice['id']}").json()]
    assert stripe.get("/v1/events").json()["data"] == emulator.objects("event")


def test_a_version_has_what_later_ones_took_away(emulator: StripeEmulator) -> None:
    emulator.default_version = "2025-03-31.basil"
    emulator.create("discount")
    assert "coupon" in newest(emulator)["data"]["object"]
    emulator.create("invoice")
    assert "paid" not in newest(emulator)["data"]["object"]
    emulator.default_version = "2025-02-24.acacia"
    emulator.create("invoice")
    assert {"paid", "rendering_options"} - set(newest(emulator)["data"]["object"]) == {"rendering_options"}


def test_previous_attributes_of_an_old_version(emulator: StripeEmulator) -> None:
    emulator.default_version = OLD
    invoice = emulator.create("invoice", status="open")["id"]
    emulator.update(invoice, status="paid")
    assert newest(emulator)["data"]["previous_attributes"] == {"status": "open", "paid": False}
    subscription = emulator.create("subscription", items=[{"current_period_end": 9}])
    (item,) = newest(emulator)["data"]["object"]["items"]["data"]
    emulator.update(subscription["items"]["data"][0]["id"], current_period_end=10)
    assert newest(emulator)["data"]["previous_attributes"] == {"current_period_end": 9, "items": {"data": [item]}}


def test_old_fields_are_not_of_the_pinned_version() -> None:
    for change in versions._changes():
        known = {field.name for field in object_type(change["object"]).fields}
        assert not known & {path.split(".")[0] for path in change["fields"]}, change
