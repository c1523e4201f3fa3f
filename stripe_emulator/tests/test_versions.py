"""Events are written at the account's own API version; lists and objects are not."""

from typing import Any

import pytest

from stripe_emulator import StripeEmulator, facts, versions
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.fixtures import Client
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


def test_old_fields_are_not_of_the_pinned_version_unless_they_are_hidden_there_or_name_the_object() -> None:
    for change in versions._changes():
        known = {field.name for field in object_type(change["object"]).fields}
        hidden = {row.field for row in facts.embedded(change["object"]) if not row.shown}
        assert not known - hidden - {"id", "object"} & {path.split(".")[0] for path in change["fields"]}, change
        assert set(change.get("lack", ())) <= known, change


def told(emulator: StripeEmulator, version: str, kind: str, **fields: Any) -> Json:
    """What the event of an object's creation shows of it to an account of a version."""
    emulator.default_version = version
    made = emulator.create(kind, event=facts.event_types(kind)[0], **fields)
    shown = (event["data"]["object"] for event in emulator.objects("event"))
    return next(one for one in shown if one.get("id") == made["id"])


def test_a_payout_was_a_transfer(emulator: StripeEmulator) -> None:
    payout = told(emulator, "2017-02-14", "payout", arrival_date=1_793_000_000)
    assert (payout["object"], payout["date"], payout["reversed"]) == ("transfer", 1_793_000_000, False)
    assert "arrival_date" not in payout
    assert told(emulator, "2017-04-06", "payout")["object"] == "payout"
    assert told(emulator, "2017-02-14", "transfer")["object"] == "transfer"


@pytest.mark.parametrize(("version", "name"), [("2019-02-19", "date"), ("2019-03-14", "created")])
def test_an_invoice_had_a_date(emulator: StripeEmulator, version: str, name: str) -> None:
    at = emulator.clock.now() - 7
    invoice = told(emulator, version, "invoice", created=at)
    assert {key: invoice[key] for key in ("date", "created") if key in invoice} == {name: at}


BY_SUBSCRIPTION = {
    "type": "subscription_item_details",
    "subscription_item_details": {"subscription": "sub_1", "subscription_item": "si_7"},
}
BY_ITEM = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": "ii_1"}}


@pytest.mark.parametrize(
    ("version", "ids"),
    [
        ("2018-02-28", ["sub_1", "sub_1", "ii_1", "ii_4"]),
        ("2019-11-05", ["sli_7", "sli_7", "ii_1", "ii_4"]),
        ("2019-12-03", ["il_1", "il_2", "il_3", "il_4"]),
    ],
)
def test_ids_of_lines_were_not_unique(emulator: StripeEmulator, version: str, ids: list[str]) -> None:
    parents: list[Json | None] = [BY_SUBSCRIPTION, BY_SUBSCRIPTION, BY_ITEM, None]
    lines = [{"id": f"il_{number}", "parent": parent} for number, parent in enumerate(parents, 1)]
    shown = told(emulator, version, "invoice", status="draft", lines=lines)["lines"]["data"]
    assert [line["id"] for line in shown] == ids
    assert [line.get("unique_id", line["id"]) for line in shown] == ["il_1", "il_2", "il_3", "il_4"]
    emulator.delete("il_2")
    event = newest(emulator)
    assert (event["type"], event["api_version"]) == ("invoice.updated", version)
    assert event["data"]["previous_attributes"]["lines"] == {"data": shown, "total_count": 4}


def test_arrays_in_previous_attributes_showed_what_changed_in_them(emulator: StripeEmulator) -> None:
    parents: list[Json] = [BY_SUBSCRIPTION, BY_SUBSCRIPTION, BY_ITEM]
    lines = [
        {"id": f"il_{number}", "parent": parent, "amount": 5, "description": f"line {number}"}
        for number, parent in enumerate(parents, 1)
    ]
    emulator.default_version = "2017-04-06"
    emulator.create("invoice", status="draft", lines=lines)
    last = newest(emulator)["data"]["object"]["lines"]["data"][2]
    emulator.update("il_2", description="new")
    assert newest(emulator)["data"]["previous_attributes"] == {"lines": {"data": [{"description": "line 2"}]}}
    emulator.delete("il_1")
    first, second, third = newest(emulator)["data"]["previous_attributes"]["lines"]["data"]
    assert first == {"unique_id": "il_1", "description": "line 1"}
    assert (second["id"], second["unique_id"], second["description"]) == ("sub_1", "il_2", "new")
    assert "amount" not in second
    assert third == last


@pytest.mark.parametrize(("version", "is_shown"), [("2020-03-02", True), ("2020-08-27", False)])
def test_a_customer_showed_what_it_has(emulator: StripeEmulator, version: str, is_shown: bool) -> None:
    customer = emulator.create("customer", sources=[{"object": "card"}], tax_ids=[{}], event=False)["id"]
    emulator.create("subscription", customer=customer, items=[{"current_period_end": 9}], event=False)
    emulator.default_version = version
    emulator.update(customer, name="Jenny")
    data = newest(emulator)["data"]
    assert data["previous_attributes"] == {"name": None}
    lists = {"sources", "subscriptions", "tax_ids"}
    assert lists & data["object"].keys() == (lists if is_shown else set())
    if is_shown:
        (subscription,) = data["object"]["subscriptions"]["data"]
        assert subscription["current_period_end"] == 9
        assert [row["object"] for row in data["object"]["sources"]["data"]] == ["card"]


def test_a_charge_showed_its_refunds(emulator: StripeEmulator) -> None:
    emulator.default_version = "2022-08-01"
    charge = emulator.create("charge", refunds=[{"amount": 5}] * 11)["id"]
    emulator.update(charge, amount_refunded=55)
    refunds = newest(emulator)["data"]["object"]["refunds"]
    assert (len(refunds["data"]), refunds["has_more"], refunds["total_count"]) == (10, True, 11)
