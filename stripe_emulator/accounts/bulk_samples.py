"""What the rows of the bulk account look like: one whole object of each kind, filled as a card payment fills them.

Where rows differ, the objects have marks: in place of what stands behind the underscore of their own id and of another
object's, of their time and of their amount.
"""

from __future__ import annotations

from typing import Any

from stripe_emulator.clock import Clock
from stripe_emulator.emulator import StripeEmulator
from stripe_emulator.facts import Json
from stripe_emulator.store import Store

OWN = b"_its_own_"
OTHER = b"_another_"
TIME = 1_222_333_444
AMOUNT = 987_612_345

MARKS = (OWN, OTHER, b"%d" % TIME, b"%d" % AMOUNT)


def line_mark(place: int) -> bytes:
    """The mark of the line of an invoice that stands at a place, 0 the first."""
    return b"_line%d_" % place


def store(lines: int) -> Store:
    """The objects. An invoice has so many lines, another one's single line is marked as a row of its own."""
    emulator = StripeEmulator(clock=Clock(TIME))
    for own in (OWN.decode(), OTHER.decode()):
        for kind, fields in _objects(own, OTHER.decode()).items():
            emulator.create(kind, event=False, **fields)
        _drop_other_payment_methods(emulator.store, f"ch_{own}")
    shown = [_line(line_mark(place).decode()) for place in range(lines)]
    emulator.create("invoice", event=False, **_invoice(OWN.decode(), OTHER.decode()), lines=shown)
    emulator.create("invoice", event=False, **_invoice(OTHER.decode(), OTHER.decode()), lines=[_line(OWN.decode())])
    return emulator.store


def _drop_other_payment_methods(samples: Store, charge_id: str) -> None:
    """Of the payment method's details Stripe shows those of its type only; the emulator fills the others with null."""
    charge = samples.get(charge_id)
    if charge is not None:
        details = charge.fields["payment_method_details"]
        own = {"type": details["type"], details["type"]: details[details["type"]]}
        samples.replace(charge, {**charge.fields, "payment_method_details": own})


def _objects(own: str, other: str) -> dict[str, Json]:
    return {
        "balance_transaction": _balance_transaction(own),
        "charge": _charge(own, other),
        "customer": _customer(own),
        "dispute": _dispute(own),
        "payment_intent": _payment_intent(own, other),
        "payout": _payout(own),
        "refund": _refund(own, other),
    }


_ADDRESS = {
    "city": "San Francisco",
    "country": "US",
    "line1": "354 Oyster Point Boulevard",
    "line2": "Suite 21",
    "postal_code": "94080",
    "state": "CA",
}
_NAME, _EMAIL, _PHONE = "Jenny Rosen", "jenny.rosen@example.com", "+1 415 555 0132"
_METADATA = {"order_id": "order-2026-000731", "channel": "web"}


def _charge(own: str, other: str) -> Json:
    return {
        "id": f"ch_{own}",
        "amount": AMOUNT,
        "amount_captured": AMOUNT,
        "balance_transaction": f"txn_{own}",
        "billing_details": {"address": _ADDRESS, "email": _EMAIL, "name": _NAME, "phone": _PHONE},
        "calculated_statement_descriptor": "TIDEPOOL",
        "customer": f"cus_{other}",
        "description": "Studio plan, 12 seats",
        "fraud_details": {},
        "metadata": _METADATA,
        "outcome": {
            "network_status": "approved_by_network",
            "risk_level": "normal",
            "risk_score": 21,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "payment_intent": f"pi_{own}",
        "payment_method": f"pm_{own}",
        "payment_method_details": {"type": "card", "card": _card()},
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{own}",
    }


def _card() -> Json:
    return {
        "amount_authorized": AMOUNT,
        "authorization_code": "831000",
        "brand": "visa",
        "checks": {"address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": "US",
        "exp_month": 8,
        "exp_year": 2029,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "funding": "credit",
        "last4": "4242",
        "network": "visa",
        "network_token": {"used": False},
    }


def _payment_intent(own: str, other: str) -> Json:
    return {
        "id": f"pi_{own}",
        "amount": AMOUNT,
        "amount_received": AMOUNT,
        "customer": f"cus_{other}",
        "description": "Studio plan, 12 seats",
        "latest_charge": f"ch_{own}",
        "metadata": _METADATA,
        "payment_method": f"pm_{own}",
        "payment_method_types": ["card", "link"],
        "receipt_email": _EMAIL,
    }


def _balance_transaction(own: str) -> Json:
    fee = {"amount": 59, "currency": "usd", "description": "Stripe processing fees", "type": "stripe_fee"}
    return {
        "id": f"txn_{own}",
        "amount": AMOUNT,
        "description": "Studio plan, 12 seats",
        "fee": 59,
        "fee_details": [fee],
        "net": AMOUNT,
        "reporting_category": "charge",
        "source": f"ch_{own}",
        "type": "charge",
    }


def _customer(own: str) -> Json:
    return {
        "id": f"cus_{own}",
        "address": _ADDRESS,
        "email": _EMAIL,
        "metadata": _METADATA,
        "name": _NAME,
        "phone": _PHONE,
        "preferred_locales": ["en-US"],
        "shipping": {"address": _ADDRESS, "name": _NAME, "phone": _PHONE},
    }


def _dispute(own: str) -> Json:
    return {
        "id": f"du_{own}",
        "amount": AMOUNT,
        "charge": f"ch_{own}",
        "metadata": _METADATA,
        "payment_intent": f"pi_{own}",
        "reason": "fraudulent",
    }


def _payout(own: str) -> Json:
    return {
        "id": f"po_{own}",
        "amount": AMOUNT,
        "balance_transaction": f"txn_{own}",
        "description": "STRIPE PAYOUT",
        "metadata": _METADATA,
        "statement_descriptor": "TIDEPOOL",
    }


def _refund(own: str, other: str) -> Json:
    return {
        "id": f"re_{own}",
        "amount": AMOUNT,
        "balance_transaction": f"txn_{own}",
        "charge": f"ch_{other}",
        "metadata": _METADATA,
        "payment_intent": f"pi_{other}",
        "reason": "requested_by_customer",
    }


def _invoice(own: str, other: str) -> Json:
    return {
        "id": f"in_{own}",
        "account_name": "Tidepool",
        "amount_due": AMOUNT,
        "amount_paid": AMOUNT,
        "billing_reason": "subscription_cycle",
        "customer": f"cus_{other}",
        "customer_address": _ADDRESS,
        "customer_email": _EMAIL,
        "customer_name": _NAME,
        "hosted_invoice_url": f"https://invoice.stripe.com/i/acct_1Emulator/{own}",
        "metadata": _METADATA,
        "number": "A1B2C3D4-0042",
        "status": "paid",
        "subtotal": AMOUNT,
        "total": AMOUNT,
    }


def _line(own: str) -> dict[str, Any]:
    return {
        "id": f"il_{own}",
        "amount": 1500,
        "description": "12 seats of Tidepool Studio (at $15.00 / month)",
        "metadata": _METADATA,
        "pricing": {
            "price_details": {"price": "price_1EmulatorMonthly", "product": "prod_EmulatorStudio"},
            "type": "price_details",
            "unit_amount_decimal": "1500",
        },
        "quantity": 12,
        "subtotal": 1500,
    }
