"""Objects with lists inside: with no, one, ten, eleven and twenty-five rows in them.

Stripe shows ten rows of such a list: a reader who forgets the others finds out at eleven, and at twenty-five who gets
them ten at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.paying import charge, intend, movement
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, USD
from stripe_emulator.accounts.full.selling import monthly, subscribed

Json = dict[str, Any]

SIZES = (0, 1, 10, 11, 25)


def nest(maker: Maker) -> None:
    """A parent for each list that Stripe embeds, with as many rows in it as it is this era's turn."""
    size = maker.in_turn(*SIZES)
    customer = _customer(maker, size)
    subscription = _subscription(maker, size)
    _documents(maker, customer, subscription, size)
    _quote(maker, customer, size)
    _sessions(maker, customer, size)
    _charges(maker, size)
    _platform(maker, size)
    _entitlements(maker, customer, size)
    _files(maker, size)
    _value_list(maker, size)
    _bank_logins(maker, customer, size)
    _taxes(maker, customer, size)
    _treasury(maker, size)


def _customer(maker: Maker, size: int) -> str:
    customer = maker.new_id("customer")
    kinds = ("bank_account", "card", "source")
    owner = {"type": "customer", "customer": customer}
    return maker.make(
        "customer",
        id=customer,
        address=ADDRESS,
        email=f"collector-{size}@example.com",
        name=f"Collector of {size}",
        sources=[_source(kinds[number % len(kinds)], number) for number in range(size)],
        tax_ids=[{"owner": owner, "type": "eu_vat", "value": f"DE{100000000 + number}"} for number in range(size)],
        subscriptions=[_plain_subscription(maker) for _ in range(size)],
    )


def _source(kind: str, number: int) -> Json:
    rows: dict[str, Json] = {
        "bank_account": {"object": kind, "bank_name": "STRIPE TEST BANK", "status": "new"},
        "card": {"object": kind, "exp_month": number % 12 + 1, "last4": f"{number:04}"},
        "source": {"object": kind, "client_secret": "src_client_secret_0", "flow": "none", "status": "chargeable"},
    }
    return rows[kind]


def _plain_subscription(maker: Maker) -> Json:
    """A subscription without items, as the customer's list shows it."""
    at = maker.tick()
    return {"billing_cycle_anchor": at, "start_date": at, "collection_method": "send_invoice", "days_until_due": 30}


def _subscription(maker: Maker, size: int) -> str:
    """A subscription of another customer than the collector, whose subscriptions are counted."""
    customer, price = maker.make("customer", email=f"subscriber-{size}@example.com"), monthly(maker, 700)
    at = maker.tick()
    return maker.make(
        "subscription",
        billing_cycle_anchor=at,
        customer=customer,
        items=[subscribed(price, at, quantity=number + 1) for number in range(size)],
        start_date=at,
    )


def _documents(maker: Maker, customer: str, subscription: str, size: int) -> None:
    """An invoice with lines and payments, and a credit note for it."""
    total, share = 700 * size, 700
    parent = {"type": "subscription_details", "subscription_details": {"subscription": subscription}}
    invoice = maker.make(
        "invoice",
        amount_due=total,
        amount_paid=total,
        customer=customer,
        lines=[_line(number, subscription) for number in range(size)],
        number=f"NEST-{maker.era + 1:04}",
        parent=parent,
        payments=[_invoice_payment(maker, share, maker.tick()) for _ in range(size)],
        status="paid",
        subtotal=total,
        total=total,
    )
    maker.make(
        "credit_note",
        amount=total,
        customer=customer,
        invoice=invoice,
        lines=[{"amount": share, "description": f"Seat {number + 1}", "quantity": 1} for number in range(size)],
        number=f"NEST-{maker.era + 1:04}-CN-01",
        pdf="https://pay.stripe.com/credit_notes/nest/pdf",
        reason="order_change",
        subtotal=total,
        total=total,
        type="post_payment",
    )


def _line(number: int, subscription: str) -> Json:
    return {
        "amount": 700,
        "description": f"Seat {number + 1}",
        "quantity": 1,
        "subscription": subscription,
        "subtotal": 700,
    }


def _invoice_payment(maker: Maker, amount: int, at: int) -> Json:
    return {
        "amount_paid": amount,
        "amount_requested": amount,
        "created": at,
        "payment": {"type": "payment_intent", "payment_intent": maker.any("payment_intent")},
        "status": "paid",
        "status_transitions": {"paid_at": at},
    }


def _quote(maker: Maker, customer: str, size: int) -> None:
    items = _items(maker, size)
    lists: Json = {"line_items": items, "computed.upfront.line_items": items}
    maker.make(
        "quote",
        amount_subtotal=700 * size,
        amount_total=700 * size,
        currency=USD,
        customer=customer,
        expires_at=maker.tick() + 30 * DAY,
        status=maker.in_turn("draft", "open", "accepted", "canceled"),
        **lists,
    )


def _items(maker: Maker, size: int) -> list[Json]:
    price = monthly(maker, 700)
    return [
        {"amount_subtotal": 700, "amount_total": 700, "description": f"Seat {n + 1}", "price": price, "quantity": 1}
        for n in range(size)
    ]


def _sessions(maker: Maker, customer: str, size: int) -> None:
    link = maker.make(
        "payment_link",
        active=maker.in_turn(True, False),
        line_items=_items(maker, size),
        payment_method_types=["card"],
        url=f"https://buy.stripe.com/test_{size:02}",
    )
    maker.make(
        "checkout.session",
        amount_subtotal=700 * size,
        amount_total=700 * size,
        currency=USD,
        customer=customer,
        expires_at=maker.tick() + DAY,
        line_items=_items(maker, size),
        payment_link=link,
        payment_status="unpaid",
        status=maker.in_turn("open", "expired"),
        ui_mode="hosted_page",
    )


def _charges(maker: Maker, size: int) -> None:
    """A payment of many things, given back bit by bit."""
    amount = 100 * size + 50
    lines = [{"product_name": f"Mat {number + 1}", "unit_cost": 100} for number in range(size)]
    details: Json = {"amount_details": {"tip": {"amount": 50}}, "amount_details.line_items": lines}
    intent = intend(maker, amount, **details)
    refund = {"amount": 100, "payment_intent": intent, "status": "succeeded"}
    refunds = [{**refund, "created": maker.tick()} for _ in range(size)]
    charge(maker, amount, intent=intent, amount_refunded=100 * size, refunds=refunds)


def _platform(maker: Maker, size: int) -> None:
    """A connected account with bank accounts and cards, a transfer to it, and fees that it paid."""
    rows = [
        {
            "object": kind,
            "available_payout_methods": ["standard"],
            **({"status": "new"} if kind == "bank_account" else {}),
        }
        for kind in _alternating(("bank_account", "card"), size)
    ]
    account = maker.make("account", country="US", default_currency=USD, external_accounts=rows, type="custom")
    transfer = maker.new_id("transfer")
    maker.make(
        "transfer",
        id=transfer,
        amount=100 * size + 100,
        amount_reversed=100 * size,
        balance_transaction=movement(maker, -100 * size - 100, "transfer", transfer),
        destination=account,
        reversals=[{"amount": 100, "created": maker.tick()} for _ in range(size)],
    )
    maker.make(
        "application_fee",
        account=account,
        amount=10 * size + 10,
        amount_refunded=10 * size,
        refunds=[{"amount": 10, "created": maker.tick()} for _ in range(size)],
    )


def _alternating(values: Sequence[str], size: int) -> list[str]:
    return [values[number % len(values)] for number in range(size)]


def _entitlements(maker: Maker, customer: str, size: int) -> None:
    """What the customer may use: a summary, in which each feature stands that they are entitled to."""
    features = [
        maker.make("entitlements.feature", lookup_key=f"room-{maker.era + 1}-{number}", name=f"Room {number + 1}")
        for number in range(size)
    ]
    keys = [maker.whole(feature)["lookup_key"] for feature in features]
    rows = [{"feature": feature, "lookup_key": key} for feature, key in zip(features, keys, strict=True)]
    maker.make("entitlements.active_entitlement_summary", customer=customer, entitlements=rows)


def _files(maker: Maker, size: int) -> None:
    maker.make(
        "file",
        filename="receipt.png",
        links=[{"created": maker.tick(), "url": f"https://files.stripe.com/links/{n}"} for n in range(size)],
        purpose=maker.in_turn("dispute_evidence", "business_logo", "tax_document_user_upload"),
        size=9863,
        type="png",
        url="https://files.stripe.com/v1/files/receipt/contents",
    )


def _value_list(maker: Maker, size: int) -> None:
    by = "owner@example.com"
    maker.make(
        "radar.value_list",
        alias=f"blocked_emails_{maker.era + 1}",
        created_by=by,
        item_type="email",
        list_items=[{"created_by": by, "value": f"villain-{number}@example.com"} for number in range(size)],
        name="Blocked emails",
    )


def _bank_logins(maker: Maker, customer: str, size: int) -> None:
    """A customer shows their bank accounts, and each of these says who its owners are."""
    holder = {"type": "customer", "customer": customer}
    shared: Json = {"account_holder": holder, "permissions": ["balances", "ownership"]}
    common = {**shared, "institution_name": "StripeBank"}
    accounts = [{**common, "last4": f"{number:04}"} for number in range(size)]
    maker.make("financial_connections.session", **shared, accounts=accounts)
    account = maker.make(
        "financial_connections.account",
        **common,
        status=maker.in_turn("active", "inactive", "disconnected"),
        supported_payment_method_types=["us_bank_account"],
    )
    ownership = maker.make(
        "financial_connections.account_ownership",
        of=account,
        owners=[{"email": f"owner-{n}@example.com", "name": f"Owner {n + 1}"} for n in range(size)],
    )
    maker.update(account, ownership=ownership)
    for amount in (-1200, 4500):
        maker.make(
            "financial_connections.transaction",
            account=account,
            amount=amount,
            description="Rent" if amount < 0 else "Till",
            status=maker.in_turn("posted", "pending", "void"),
            transaction_refresh=f"fctxnref_{maker.era + 1}",
        )


def _taxes(maker: Maker, customer: str, size: int) -> None:
    """A tax calculation, the transaction that came of it, and the payment intent that both are about."""
    details = {"address": ADDRESS, "address_source": "billing", "taxability_override": "none"}
    line = {"amount": 700, "amount_tax": 63, "tax_behavior": "exclusive", "tax_code": "txcd_10103001"}
    lines = [{**line, "reference": f"Seat {number + 1}"} for number in range(size)]
    calculation = maker.make(
        "tax.calculation",
        amount_total=763 * size,
        customer=customer,
        customer_details=details,
        line_items=lines,
        tax_amount_exclusive=63 * size,
    )
    transaction = maker.make(
        "tax.transaction",
        customer=customer,
        customer_details=details,
        line_items=[{**row, "type": "transaction"} for row in lines],
        reference=f"order-{maker.era + 1}",
        type="transaction",
    )
    attempt = {"committed": {"transaction": transaction}, "source": calculation, "status": "committed"}
    maker.make(
        "tax.association",
        calculation=calculation,
        payment_intent=maker.make(
            "payment_intent",
            amount=763 * size,
            amount_received=763 * size,
            customer=customer,
            hooks={"inputs": {"tax": {"calculation": calculation}}},
        ),
        tax_transaction_attempts=[attempt],
    )


def _treasury(maker: Maker, size: int) -> None:
    account = maker.make("treasury.financial_account", supported_currencies=[USD])
    common = {"financial_account": account, "flow_type": "other"}
    transaction = maker.make("treasury.transaction", **common, amount=100 * size, description="Interest")
    for _ in range(size):
        impact = {"cash": 100, "inbound_pending": 0, "outbound_pending": 0}
        maker.make("treasury.transaction_entry", **common, balance_impact=impact, transaction=transaction, type="other")
