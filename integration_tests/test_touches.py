"""What changes in an object without an event of its own is right after the next sync, by events of other objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from integration_tests.connection import Connection, stream_rows, synced
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator

_OLD = 40 * 86_400
"""Seconds: older than any look-back."""
_BEFORE_CLOVER = "2025-08-27"
"""The last version whose discounts and promotion codes have their coupon in themselves."""
_BEFORE_BASIL = "2025-02-24"
"""The last version whose lines have their invoice items in themselves."""

Names = dict[str, str]
"""The ids of a story's objects: `it` is the one that changes in silence."""
Given = Callable[[StripeEmulator], Names]
Happens = Callable[[StripeEmulator, Names], object]


@dataclass(frozen=True)
class Story:
    stream: str
    path: str
    """What changes in the stream's row."""
    given: Given
    silent: Happens
    """What nothing tells."""
    told: Happens
    """What Stripe tells."""
    version: str | None = None
    """The account's, where it is an older one."""


def has(it: str, **fields: Any) -> Given:
    """An object."""
    return lambda emulator: {"it": emulator.create(it, **fields)["id"]}


def has_with(it: str, other: str, field: str, **fields: Any) -> Given:
    """An object, and another that names it in a field."""

    def given(emulator: StripeEmulator) -> Names:
        names = has(it)(emulator)
        return {**names, "other": emulator.create(other, **{field: names["it"]}, **fields)["id"]}

    return given


def changes(of: str = "it", **fields: Any) -> Happens:
    """The object changes in silence."""
    return lambda emulator, names: emulator.update(names[of], event=False, **fields)


def is_made(kind: str, field: str, **fields: Any) -> Happens:
    """Another object is made, which names it in a field."""
    return lambda emulator, names: emulator.create(kind, **{field: names["it"]}, **fields)


def other_gets(**fields: Any) -> Happens:
    """The other object changes."""
    return lambda emulator, names: emulator.update(names["other"], **fields)


def other_goes(emulator: StripeEmulator, names: Names) -> None:
    emulator.delete(names["other"])


def a_paid_intent(emulator: StripeEmulator) -> Names:
    intent = emulator.create("payment_intent")["id"]
    charge = emulator.create("charge", payment_intent=intent)["id"]
    emulator.update(intent, event=False, latest_charge=charge)
    return {"it": intent, "charge": charge}


def a_coupon(emulator: StripeEmulator) -> Names:
    coupon = emulator.create("coupon")["id"]
    code = emulator.create("promotion_code", promotion={"type": "coupon", "coupon": coupon})["id"]
    return {"it": coupon, "other": code, "customer": emulator.create("customer")["id"]}


def a_code(emulator: StripeEmulator) -> Names:
    names = a_coupon(emulator)
    return {**names, "it": names["other"], "coupon": names["it"]}


def is_redeemed(emulator: StripeEmulator, names: Names) -> None:
    source = {"type": "coupon", "coupon": names.get("coupon", names["it"])}
    emulator.create("discount", customer=names["customer"], source=source, promotion_code=names["other"])


def a_card_of_a_customer(emulator: StripeEmulator) -> Names:
    customer = emulator.create("customer")["id"]
    card = emulator.create("payment_method", customer=customer, allow_redisplay="unspecified")["id"]
    return {"it": card, "customer": customer}


def is_set_up(emulator: StripeEmulator, names: Names) -> None:
    intent = emulator.create(
        "setup_intent", event=False, customer=names["customer"], payment_method=names["it"], status="processing"
    )
    emulator.update(intent["id"], status="succeeded")


def in_a_financial_account(kind: str) -> Given:
    def given(emulator: StripeEmulator) -> Names:
        account = emulator.create("treasury.financial_account")["id"]
        return {"account": account, **has(kind, financial_account=account)(emulator)}

    return given


def in_the_same_account(kind: str, field: str, **fields: Any) -> Happens:
    def happens(emulator: StripeEmulator, names: Names) -> None:
        *above, last = field.split(".")
        named: dict[str, Any] = {last: names["it"]}
        for name in reversed(above):
            named = {name: named}
        emulator.create(kind, financial_account=names["account"], **named, **fields)

    return happens


def is_invoiced(emulator: StripeEmulator, names: Names) -> None:
    parent = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": names["it"]}}
    invoice = emulator.create("invoice", lines=[{"parent": parent}])
    emulator.update(names["it"], event=False, invoice=invoice["id"])


def an_invoiced_item(emulator: StripeEmulator) -> Names:
    item = emulator.create("invoiceitem")["id"]
    parent = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": item}}
    invoice = emulator.create("invoice", status="draft", lines=[{"parent": parent}])["id"]
    emulator.update(item, event=False, invoice=invoice)
    return {"it": item, "other": invoice}


def nothing(emulator: StripeEmulator, names: Names) -> None:
    pass


DISPUTED, USED = changes(disputed=True), changes(times_redeemed=1)
STORIES = {
    "a charge is disputed": Story("charges", "disputed", has("charge"), DISPUTED, is_made("dispute", "charge")),
    "a dispute of a charge is won": Story(
        "charges", "disputed", has_with("charge", "dispute", "charge"), DISPUTED, other_gets(status="won")
    ),
    "a refund fails": Story(
        "charges",
        "amount_refunded",
        has_with("charge", "refund", "charge", status="succeeded"),
        changes(amount_refunded=7),
        other_gets(status="failed"),
    ),
    "a refund fails at an older version": Story(
        "charges",
        "amount_refunded",
        has_with("charge", "refund", "charge", status="succeeded"),
        changes(amount_refunded=7),
        other_gets(status="failed"),
        version="2022-11-15",
    ),
    "a charge is reviewed": Story(
        "charges", "review", has("charge"), changes(review="prv_1"), is_made("review", "charge")
    ),
    "a charge was reviewed": Story(
        "charges",
        "review",
        has_with("charge", "review", "charge"),
        changes(review="prv_1"),
        other_gets(open=False, closed_reason="approved", reason="approved"),
    ),
    "a charge is reported": Story(
        "charges",
        "fraud_details.stripe_report",
        has("charge"),
        changes(fraud_details={"stripe_report": "fraudulent"}),
        is_made("radar.early_fraud_warning", "charge"),
    ),
    "the charge of a payment intent is disputed": Story(
        "payment_intents",
        "latest_charge.disputed",
        a_paid_intent,
        changes("charge", disputed=True),
        is_made("dispute", "payment_intent"),
    ),
    "a refund of a payment intent fails": Story(
        "payment_intents",
        "latest_charge.amount_refunded",
        a_paid_intent,
        changes("charge", amount_refunded=7),
        is_made("refund", "payment_intent", status="failed"),
    ),
    "a customer loses a discount": Story(
        "customers",
        "discount",
        has_with("customer", "discount", "customer"),
        changes(discount={"id": "di_1", "object": "discount"}),
        other_goes,
    ),
    "a subscription gets a discount": Story(
        "subscriptions",
        "discounts",
        has("subscription"),
        lambda emulator, names: emulator.update(names["it"], event=False, discounts=[made_discount(emulator)]),
        is_made("discount", "subscription"),
    ),
    "an invoice is credited": Story(
        "invoices",
        "post_payment_credit_notes_amount",
        has("invoice"),
        changes(post_payment_credit_notes_amount=7),
        is_made("credit_note", "invoice"),
    ),
    "a credit note is voided": Story(
        "invoices",
        "post_payment_credit_notes_amount",
        has_with("invoice", "credit_note", "invoice"),
        changes(post_payment_credit_notes_amount=7),
        other_gets(status="void"),
    ),
    "a payment of an invoice is made": Story(
        "invoices",
        "amount_paid",
        has_with("invoice", "invoice_payment", "invoice", status="open"),
        changes(amount_paid=7),
        other_gets(status="paid"),
    ),
    "a coupon is redeemed": Story("coupons", "times_redeemed", a_coupon, USED, is_redeemed),
    "a coupon is redeemed at an older version": Story(
        "coupons", "times_redeemed", a_coupon, USED, is_redeemed, version=_BEFORE_CLOVER
    ),
    "a code of a coupon changes": Story("coupons", "times_redeemed", a_coupon, USED, other_gets(active=False)),
    "a code of a coupon changes at an older version": Story(
        "coupons", "times_redeemed", a_coupon, USED, other_gets(active=False), version=_BEFORE_CLOVER
    ),
    "a promotion code is redeemed": Story("promotion_codes", "times_redeemed", a_code, USED, is_redeemed),
    "a session of a payment link is paid": Story(
        "payment_links",
        "active",
        has_with("payment_link", "checkout.session", "payment_link", status="open"),
        changes(active=False),
        other_gets(status="complete"),
    ),
    "a payout is reversed": Story(
        "payouts", "reversed_by", has("payout"), changes(reversed_by="po_1"), is_made("payout", "original_payout")
    ),
    "a payment method is set up": Story(
        "payment_methods", "allow_redisplay", a_card_of_a_customer, changes(allow_redisplay="always"), is_set_up
    ),
    "a payment method of a customer is set up": Story(
        "customer_payment_methods",
        "allow_redisplay",
        a_card_of_a_customer,
        changes(allow_redisplay="always"),
        is_set_up,
    ),
    "an inbound transfer is returned": Story(
        "treasury_inbound_transfers",
        "returned",
        in_a_financial_account("treasury.inbound_transfer"),
        changes(returned=True),
        in_the_same_account("treasury.received_debit", "linked_flows.inbound_transfer"),
    ),
    "a received credit is reversed": Story(
        "treasury_received_credits",
        "linked_flows.credit_reversal",
        in_a_financial_account("treasury.received_credit"),
        changes(linked_flows={"credit_reversal": "credrev_1"}),
        in_the_same_account("treasury.credit_reversal", "received_credit"),
    ),
    "a received debit is reversed": Story(
        "treasury_received_debits",
        "linked_flows.debit_reversal",
        in_a_financial_account("treasury.received_debit"),
        changes(linked_flows={"debit_reversal": "debrev_1"}),
        in_the_same_account("treasury.debit_reversal", "received_debit"),
    ),
    "an item is invoiced": Story("invoice_items", "invoice", has("invoiceitem"), nothing, is_invoiced),
    "an item is invoiced at an older version": Story(
        "invoice_items", "invoice", has("invoiceitem"), nothing, is_invoiced, version=_BEFORE_BASIL
    ),
    "the draft with an item is deleted": Story(
        "invoice_items", "invoice", an_invoiced_item, changes(invoice=None), other_goes
    ),
}


def made_discount(emulator: StripeEmulator) -> str:
    return str(emulator.create("discount", event=False)["id"])


@pytest.mark.parametrize("name", STORIES)
def test_it_is_right_after_the_next_sync(emulator: StripeEmulator, name: str) -> None:
    story = STORIES[name]
    emulator.default_version = story.version or emulator.default_version
    names = story.given(emulator)
    emulator.clock.advance(_OLD)
    connection, key = Connection([story.stream]), (names["it"],)
    synced(emulator, connection)
    before = connection.table(story.stream)[key]

    story.silent(emulator, names)
    story.told(emulator, names)
    synced(emulator, connection)

    row, expand = connection.table(story.stream)[key], stream_rows()[story.stream].expand
    assert values_at(row, story.path) == values_at(emulator.get(names["it"], expand=expand), story.path)
    assert values_at(row, story.path) != values_at(before, story.path)


def test_every_stream_that_others_touch_has_a_story() -> None:
    touched = {name for name, row in stream_rows().items() if row.touches}

    assert touched - {story.stream for story in STORIES.values()} == {"application_fees"}


def test_what_is_named_many_times_is_read_once(emulator: StripeEmulator) -> None:
    charge = emulator.create("charge")["id"]
    connection = Connection(["charges"])
    synced(emulator, connection)

    refund = emulator.create("refund", charge=charge)["id"]
    emulator.update(refund, status="failed")
    emulator.create("dispute", charge=charge)
    emulator.update(charge, disputed=True, description="in dispute")
    synced(emulator, connection)

    assert {event["type"] for event in emulator.objects("event")} >= {"charge.updated", "refund.failed"}
    assert len(emulator.objects("event")) >= 6
    assert [request.path for request in emulator.requests if "charge" in request.path] == [f"/v1/charges/{charge}"]
    assert connection.table("charges")[(charge,)]["disputed"] is True
