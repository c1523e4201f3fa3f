"""Issuing: cards that the company gives out, and what is bought with them."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.paying import movement
from stripe_emulator.accounts.full.samples import ADDRESS, PHONE, USD

Json = dict[str, Any]

_MERCHANT: Json = {
    "category": "eating_places_restaurants",
    "category_code": "5812",
    "city": "Portland",
    "country": "US",
    "name": "Harbour Diner",
    "network_id": "1234567890",
    "state": "OR",
}


def issue(maker: Maker) -> None:
    """A cardholder with a card that was replaced, a purchase that is disputed and one that was refused."""
    holder = _cardholder(maker)
    card = _card(maker, holder)
    token = maker.make(
        "issuing.token",
        card=card,
        last4="4242",
        network="visa",
        network_data={"type": "visa", "visa": {"token_reference_id": "DNITHE0123456789"}},
        status=maker.in_turn("active", "suspended", "deleted"),
        wallet_provider="apple_pay",
    )
    purchase = _purchase(maker, card, holder, token)
    _authorization(maker, card, holder, approved=False, status="closed")
    maker.make(
        "issuing.dispute",
        amount=1850,
        evidence={"reason": "fraudulent", "fraudulent": {"additional_documentation": maker.any("file")}},
        status=maker.in_turn("submitted", "won", "lost", "unsubmitted", "expired"),
        transaction=purchase,
    )


def _cardholder(maker: Maker) -> str:
    return maker.make(
        "issuing.cardholder",
        billing={"address": ADDRESS},
        email=f"holder-{maker.era + 1}@example.com",
        individual={"dob": {"day": 4, "month": 7, "year": 1984}, "first_name": "Kim", "last_name": "Sato"},
        name="Kim Sato",
        phone_number=PHONE,
        status=maker.in_turn("active", "inactive", "blocked"),
        type="individual",
    )


def _card(maker: Maker, holder: str) -> str:
    """A card that is in use; the one before it was lost."""
    design = maker.make(
        "issuing.personalization_design",
        card_logo=maker.any("file"),
        lookup_key=f"design-{maker.era + 1}",
        name="With our logo",
        status=maker.in_turn("active", "review", "rejected"),
    )
    common: Json = {
        "brand": "Visa",
        "cardholder": maker.whole(holder),
        "cvc": "123",
        "number": "4000009990000004",
        "personalization_design": design,
        "shipping": {"address": ADDRESS, "name": "Kim Sato", "service": "standard", "type": "individual"},
        "type": maker.in_turn("physical", "virtual"),
    }
    lost = maker.make("issuing.card", **common, cancellation_reason="lost", last4="0004", status="canceled")
    card = maker.make(
        "issuing.card",
        **common,
        last4="0012",
        replacement_for=lost,
        replacement_reason="lost",
        status=maker.in_turn("active", "inactive"),
    )
    maker.update(lost, replaced_by=card)
    return card


def _authorization(maker: Maker, card: str, holder: str, *, approved: bool, status: str, **fields: Any) -> str:
    return maker.make(
        "issuing.authorization",
        amount=1850,
        approved=approved,
        authorization_method=maker.in_turn("chip", "contactless", "online"),
        card=maker.whole(card),
        cardholder=holder,
        merchant_amount=1850,
        merchant_currency=USD,
        merchant_data=_MERCHANT,
        request_history=[
            {
                "amount": 1850,
                "approved": approved,
                "created": maker.tick(),
                "currency": USD,
                "merchant_amount": 1850,
                "merchant_currency": USD,
                "reason": "webhook_approved" if approved else "card_inactive",
            }
        ],
        status=status,
        **fields,
    )


def _purchase(maker: Maker, card: str, holder: str, token: str) -> str:
    """An authorization and, once it was captured, the transaction; returns the transaction's id."""
    authorization = _authorization(maker, card, holder, approved=True, status="pending", token=token)
    transaction = maker.new_id("issuing.transaction")
    maker.make(
        "issuing.transaction",
        id=transaction,
        amount=-1850,
        authorization=authorization,
        balance_transaction=movement(maker, -1850, "issuing_transaction", transaction),
        card=card,
        cardholder=holder,
        merchant_amount=-1850,
        merchant_currency=USD,
        merchant_data=_MERCHANT,
        purchase_details={"receipt": [{"description": "Lunch", "quantity": 2.0, "total": 1850, "unit_cost": 925}]},
        token=token,
        type=maker.in_turn("capture", "capture", "refund"),
    )
    maker.update(authorization, status="closed", transactions=[maker.whole(transaction)])
    return transaction
