"""What Billing has beside plain subscriptions and their invoices."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, USD, monetary
from stripe_emulator.accounts.full.selling import monthly, subscribed

Json = dict[str, Any]

_PDF = "https://pay.stripe.com/credit_notes/negotiated/pdf"


def bill(maker: Maker) -> None:
    """A customer with a negotiated deal: discounts, a schedule, an invoice made by hand."""
    customer = _customer(maker)
    subscription = _subscription(maker, customer)
    _schedule(maker, customer, subscription)
    invoice = _invoice(maker, customer)
    _balances(maker, customer, invoice)
    _settings(maker)
    _on_a_test_clock(maker)


def _discount(maker: Maker, customer: str, **fields: Any) -> str:
    """A coupon that a customer has used; returns the discount's id."""
    return maker.make(
        "discount",
        customer=customer,
        source={"type": "coupon", "coupon": maker.any("coupon")},
        start=maker.tick(),
        **fields,
    )


def _customer(maker: Maker) -> str:
    customer = maker.new_id("customer")
    maker.make(
        "customer",
        id=customer,
        address=ADDRESS,
        balance=-1000,
        currency=USD,
        description="Pays by bank transfer",
        discount=maker.whole(_discount(maker, customer)),
        email=f"negotiator-{maker.era + 1}@example.com",
        invoice_credit_balance={USD: -1000},
        invoice_prefix=f"NEG{maker.era + 1:05}",
        name="Sam Negotiator",
        shipping={"address": ADDRESS, "name": "Sam Negotiator"},
        tax={"automatic_tax": "supported", "ip_address": "203.0.113.7", "provider": "stripe"},
        tax_exempt=maker.in_turn("none", "exempt", "reverse"),
    )
    maker.make(
        "tax_id",
        country="GB",
        customer=customer,
        owner={"type": "customer", "customer": customer},
        type="gb_vat",
        value="GB123456789",
        verification={"status": maker.in_turn("verified", "pending", "unverified")},
    )
    maker.make("tax_id", country="US", owner={"type": "self"}, type="us_ein", value=f"12-345678{maker.era}")
    return customer


def _subscription(maker: Maker, customer: str) -> str:
    """One that ended, is paused, on trial or behind with its payments, with a licensed and a metered item."""
    at, subscription = maker.tick(), maker.new_id("subscription")
    licensed, metered = monthly(maker, 1200), monthly(maker, 5, "metered")
    item, usage = maker.new_id("subscription_item"), maker.new_id("subscription_item")
    by_item = _discount(maker, customer, subscription=subscription, subscription_item=item)
    maker.make(
        "subscription",
        id=subscription,
        billing_cycle_anchor=at,
        billing_mode={"type": "flexible"},
        customer=customer,
        discounts=[_discount(maker, customer, subscription=subscription)],
        items=[
            subscribed(licensed, at, id=item, discounts=[by_item], quantity=3),
            subscribed(metered, at, id=usage, quantity=None),
        ],
        pause_collection=maker.in_turn(None, {"behavior": "void", "resumes_at": at + 60 * DAY}),
        start_date=at,
        status=maker.in_turn("incomplete_expired", "paused", "past_due", "trialing", "unpaid"),
        trial_start=maker.in_turn(None, None, None, at, None),
        trial_end=maker.in_turn(None, None, None, at + 14 * DAY, None),
    )
    for month in range(2):
        maker.make(
            "usage_record_summary",
            period={"start": at - 30 * DAY * (month + 1), "end": at - 30 * DAY * month},
            subscription_item=usage,
            total_usage=120 * (month + 1),
        )
    return subscription


def _schedule(maker: Maker, customer: str, subscription: str) -> None:
    at = maker.tick()
    phase = {"start_date": at, "end_date": at + 90 * DAY}
    status = maker.in_turn("active", "not_started", "canceled", "completed", "released")
    schedule = maker.make(
        "subscription_schedule",
        canceled_at=at if status == "canceled" else None,
        completed_at=at if status == "completed" else None,
        current_phase=phase if status == "active" else None,
        customer=customer,
        end_behavior="release",
        phases=[{**phase, "currency": USD, "proration_behavior": "none"}],
        released_at=at if status == "released" else None,
        released_subscription=subscription if status == "released" else None,
        status=status,
        subscription=subscription if status == "active" else None,
    )
    if status == "active":
        maker.update(subscription, schedule=schedule)


def _invoice(maker: Maker, customer: str) -> str:
    """An invoice that somebody wrote, with items that were waiting for it and a template for its looks."""
    template = maker.make(
        "invoice_rendering_template",
        nickname=f"Letterhead {maker.era + 1}",
        status=maker.in_turn("active", "archived"),
        version=1,
    )
    invoice = maker.new_id("invoice")
    status = maker.in_turn("draft", "open", "void")
    maker.make(
        "invoice",
        id=invoice,
        amount_due=2900,
        amount_remaining=2900,
        billing_reason="manual",
        collection_method="send_invoice",
        customer=customer,
        discounts=[_discount(maker, customer, invoice=invoice)],
        due_date=maker.tick() + 14 * DAY,
        lines=[{"amount": 2900, "description": "Advice", "quantity": 1, "subtotal": 2900}],
        number=None if status == "draft" else f"NEG{maker.era + 1:05}-0001",
        rendering={"template": template, "template_version": 1},
        status=status,
        subtotal=2900,
        total=2900,
    )
    for waiting in (False, True):
        maker.make(
            "invoiceitem",
            amount=2900,
            customer=customer,
            description="Advice",
            discounts=[_discount(maker, customer)],
            invoice=None if waiting else invoice,
            quantity_decimal="1",
        )
    return invoice


def _balances(maker: Maker, customer: str, invoice: str) -> None:
    """What the customer has to their credit, and what came by bank transfer."""
    note = maker.make(
        "credit_note", amount=500, customer=customer, invoice=invoice, number=f"NEG{maker.era + 1}-CN-01", pdf=_PDF
    )
    for balance, (amount, kind) in enumerate(
        ((-700, "adjustment"), (200, "applied_to_invoice"), (-500, "credit_note"))
    ):
        maker.make(
            "customer_balance_transaction",
            amount=amount,
            credit_note=note if kind == "credit_note" else None,
            customer=customer,
            ending_balance=(-700, -500, -1000)[balance],
            invoice=invoice if kind == "applied_to_invoice" else None,
            type=kind,
        )
    transfer = {"type": "us_bank_transfer", "us_bank_transfer": {"sender_name": "Sam Negotiator"}}
    cash: dict[str, Any] = {
        "customer": customer,
        "available": {USD: 5000},
        "settings": {"reconciliation_mode": "manual"},
    }
    maker.make("cash_balance", **cash)
    maker.update(customer, cash_balance={"object": "cash_balance", "livemode": False, **cash})
    maker.make(
        "customer_cash_balance_transaction",
        customer=customer,
        ending_balance=7900,
        funded={"bank_transfer": transfer},
        net_amount=7900,
        type="funded",
    )
    maker.make(
        "customer_cash_balance_transaction",
        applied_to_payment={"payment_intent": maker.any("payment_intent")},
        customer=customer,
        ending_balance=5000,
        net_amount=-2900,
        type="applied_to_payment",
    )


def _settings(maker: Maker) -> None:
    option = maker.make(
        "billing.feedback_option",
        description=f"Found a cheaper one ({maker.era + 1})",
        status=maker.in_turn("active", "inactive"),
    )
    reason = {"enabled": True, "feedback_options": [option], "options": ["too_expensive", "other"]}
    maker.make(
        "billing_portal.configuration",
        active=maker.in_turn(True, True, False),
        features={
            "customer_update": {"allowed_updates": ["email", "tax_id"], "enabled": True},
            "subscription_cancel": {"cancellation_reason": reason, "enabled": True},
        },
        is_default=maker.era == 0,
        name=f"Portal {maker.era + 1}",
    )


def _on_a_test_clock(maker: Maker) -> None:
    """A customer whose time is simulated, with a subscription, a schedule and a quote: lists hide all four."""
    frozen = maker.tick() + 30 * DAY
    clock = maker.make(
        "test_helpers.test_clock",
        deletes_after=frozen + 30 * DAY,
        frozen_time=frozen,
        name=f"In a month ({maker.era + 1})",
        status="ready",
    )
    customer = maker.make("customer", email="future@example.com", test_clock=clock)
    subscription = maker.make(
        "subscription",
        customer=customer,
        items=[subscribed(monthly(maker, 1200), maker.tick(), quantity=1)],
        test_clock=clock,
    )
    maker.make("subscription_schedule", customer=customer, subscription=subscription, test_clock=clock)
    maker.make("quote", customer=customer, expires_at=frozen, status="open", test_clock=clock)
    maker.make(
        "invoice",
        customer=customer,
        lines=[{"amount": 1200, "quantity": 1, "subtotal": 1200}],
        parent={"type": "subscription_details", "subscription_details": {"subscription": subscription}},
        status="draft",
        test_clock=clock,
    )
    grant = maker.make("billing.credit_grant", amount=monetary(100), customer=customer, name="Gift", test_clock=clock)
    maker.make("billing.credit_balance_transaction", credit_grant=grant, test_clock=clock, type="credit")
