"""Ways to pay beside the demo company's cards, and what is paid with them."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import BILLING, DAY, USD, money
from stripe_emulator.accounts.payments import card_fee

CARD = {"brand": "visa", "country": "US", "exp_month": 8, "exp_year": 2031, "funding": "debit", "last4": "5556"}
_BROWSER = {"accept_header": "text/html", "ip_address": "203.0.113.7", "language": "en", "user_agent": "Mozilla/5.0"}


def pay(maker: Maker) -> None:
    """Methods of payment with what they were used for, and the ways to pay that the account offers."""
    customer = maker.any("customer")
    methods = _methods(maker, customer)
    _set_up(maker, customer, methods["us_bank_account"])
    _recorded_payments(maker, customer)
    _legacy_sources(maker, customer)
    _authentications(maker, methods["card"])
    _offers_to_pay(maker)


def movement(maker: Maker, amount: int, kind: str, source: str, **fields: Any) -> str:
    """A movement of `amount` cents on the balance, by an object of id `source`; returns its id."""
    available_on = maker.tick() // DAY * DAY + 2 * DAY
    return maker.make(
        "balance_transaction",
        amount=amount,
        available_on=available_on,
        balance_type="payments",
        net=amount - fields.get("fee", 0),
        reporting_category=kind,
        source=source,
        status="available" if available_on <= maker.now else "pending",
        type=kind,
        **fields,
    )


def intend(maker: Maker, amount: int, **fields: Any) -> str:
    """A payment intent of `amount` cents, with a customer and their card; returns its id."""
    customer = maker.any("customer")
    method = maker.make("payment_method", billing_details=BILLING, card=CARD, customer=customer)
    return maker.make(
        "payment_intent",
        amount=amount,
        amount_received=amount,
        customer=customer,
        payment_method=method,
        payment_method_types=["card"],
        **fields,
    )


def charge(maker: Maker, amount: int, *, intent: str | None = None, **fields: Any) -> str:
    """A card payment of `amount` cents that went through, of a payment intent; returns the charge's id."""
    charge_id = maker.new_id("charge")
    intended = maker.whole(intent or intend(maker, amount))
    maker.make(
        "charge",
        id=charge_id,
        amount=amount,
        amount_captured=amount,
        balance_transaction=movement(maker, amount, "charge", charge_id, fee=card_fee(amount)),
        billing_details=BILLING,
        customer=intended["customer"],
        payment_intent=intended["id"],
        payment_method=intended["payment_method"],
        payment_method_details={"type": "card", "card": CARD},
        **fields,
    )
    maker.update(intended["id"], latest_charge=charge_id)
    return charge_id


def _methods(maker: Maker, customer: str) -> dict[str, str]:
    """One of each type; one that nobody has any more, and one of the account's own making, which lists hide."""
    details: dict[str, Any] = {
        "card": CARD,
        "link": {"email": "kim@example.com"},
        "sepa_debit": {"bank_code": "37040044", "country": "DE", "last4": "3000"},
        "us_bank_account": {"account_holder_type": "individual", "bank_name": "STRIPE TEST BANK", "last4": "6789"},
    }
    methods = {
        name: maker.make("payment_method", billing_details=BILLING, customer=customer, type=name, **{name: fields})
        for name, fields in details.items()
    }
    maker.make("payment_method", billing_details=BILLING, card={**CARD, "last4": "0341"}, type="card")
    kind = maker.new_id("payment_method")
    maker.make("payment_method", custom={"display_name": "Voucher", "type": kind}, customer=customer, type="custom")
    return methods


def _set_up(maker: Maker, customer: str, method: str) -> None:
    """Setup intents: one that got a mandate at the second attempt, and one that didn't get that far."""
    mandate = maker.make(
        "mandate",
        customer_acceptance={"accepted_at": maker.tick(), "online": {"ip_address": "203.0.113.7"}, "type": "online"},
        payment_method=method,
        payment_method_details={"type": "us_bank_account", "us_bank_account": {"collection_method": "paper"}},
        status=maker.in_turn("active", "inactive", "pending"),
    )
    intent = maker.make(
        "setup_intent",
        customer=customer,
        mandate=mandate,
        payment_method=method,
        payment_method_types=["us_bank_account"],
        status="processing",
        usage="off_session",
    )
    for status in ("failed", "succeeded"):
        attempt = maker.make(
            "setup_attempt",
            customer=customer,
            payment_method=method,
            payment_method_details={"type": "us_bank_account", "us_bank_account": {}},
            setup_intent=intent,
            status=status,
            usage="off_session",
        )
    maker.update(intent, latest_attempt=attempt, status="succeeded")
    maker.make(
        "setup_intent",
        payment_method_types=["card"],
        status=maker.in_turn("canceled", "requires_payment_method", "requires_action"),
        usage="on_session",
    )


def _recorded_payments(maker: Maker, customer: str) -> None:
    """A payment that was taken elsewhere, at the second attempt, and told to Stripe."""
    details = {
        "billing_details": {key: value for key, value in BILLING.items() if key != "tax_id"},
        "card": {"brand": "visa", "exp_month": 8, "exp_year": 2031, "funding": "debit", "last4": "5556"},
        "type": "card",
    }
    common: dict[str, Any] = {
        "amount_requested": money(4200),
        "customer_details": {"customer": customer, "email": "kim@example.com", "name": "Kim Sato"},
        "payment_method_details": details,
        "processor_details": {"type": "custom", "custom": {"payment_reference": "till-7-0042"}},
    }
    record = maker.make("payment_record", amount=money(4200), amount_guaranteed=money(4200), **common)
    maker.make("payment_attempt_record", amount_failed=money(4200), payment_record=record, **common)
    attempt = maker.make("payment_attempt_record", amount_guaranteed=money(4200), payment_record=record, **common)
    maker.update(record, latest_payment_attempt_record=attempt)


def _legacy_sources(maker: Maker, customer: str) -> None:
    """A virtual bank account of the customer, from before there were payment methods, and transfers to it."""
    source = maker.make(
        "source",
        client_secret="src_client_secret_0",
        ach_credit_transfer={"account_number": "test_52796e3294dc", "routing_number": "110000000"},
        currency=USD,
        customer=customer,
        flow="receiver",
        receiver={
            "amount_charged": 900,
            "amount_received": 900,
            "refund_attributes_method": "email",
            "refund_attributes_status": "missing",
        },
        status=maker.in_turn("pending", "chargeable", "consumed"),
        type="ach_credit_transfer",
        usage="reusable",
    )
    for amount in (400, 500):
        maker.make(
            "source_transaction",
            ach_credit_transfer={"last4": "6789", "routing_number": "110000000"},
            amount=amount,
            source=source,
            status="succeeded",
            type="ach_credit_transfer",
        )


def _authentications(maker: Maker, card: str) -> None:
    """The card's owner is asked to prove who they are; its data goes to another processor; it becomes a token."""
    maker.make(
        "three_d_secure.authentication",
        amount=4200,
        channel={"type": "browser", "browser": _BROWSER},
        currency=USD,
        directory_server="visa",
        outcome=maker.in_turn("authenticated", "denied", "abandoned"),
        payment_method=card,
        status=maker.in_turn("succeeded", "failed", "requires_challenge"),
    )
    maker.make(
        "forwarding.request",
        payment_method=card,
        replacements=["card_number", "card_expiry"],
        request_context={"destination_duration": 120, "destination_ip_address": "203.0.113.80"},
        request_details={"body": "{}", "headers": [{"name": "Accept", "value": "*/*"}], "http_method": "POST"},
        response_details={"body": "{}", "headers": [], "status": 200},
        url="https://processor.example.com/payments",
    )
    maker.make("confirmation_token", payment_method_preview={"type": "card", "billing_details": BILLING, "card": CARD})
    maker.make("token", card={"id": "card_1Emulator", "last4": "5556"}, type="card", used=True)


def _offers_to_pay(maker: Maker) -> None:
    """Where the account takes payments, and which."""
    host = f"shop-{maker.era + 1}.example.com"
    maker.make("apple_pay_domain", domain_name=host)
    maker.make(
        "payment_method_domain",
        domain_name=host,
        enabled=maker.in_turn(True, False),
        google_pay={"status": "inactive", "status_details": {"error_message": "The domain can't be reached."}},
    )
    shown = {"available": True, "display_preference": {"overridable": None, "preference": "on", "value": "on"}}
    maker.make(
        "payment_method_configuration",
        active=maker.in_turn(True, False),
        card=shown,
        is_default=maker.era == 0,
        link={**shown, "available": False},
        name=f"Checkout {maker.era + 1}",
    )
