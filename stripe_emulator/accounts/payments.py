"""Money in and back out: payment intents, their charges, refunds and disputes, and a balance transaction for each."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from stripe_emulator.accounts.catalogue import CURRENCY
from stripe_emulator.accounts.journal import DAY, Journal
from stripe_emulator.accounts.people import Customer

DISPUTE_FEE = 1500
"""Cents that Stripe keeps for a dispute, won or lost."""

_DECLINES = (
    ("insufficient_funds", "Your card has insufficient funds."),
    ("generic_decline", "Your card was declined."),
    ("expired_card", "Your card has expired."),
)
_DISPUTE_REASONS = ("fraudulent", "fraudulent", "product_not_received", "subscription_canceled", "duplicate")
_EVIDENCE_DUE_AFTER = 20 * DAY


@dataclass(frozen=True)
class Payment:
    """A charge with what its refund or dispute has to name. `amount` is in cents, `at` Unix time."""

    payment_intent: str
    charge: str
    amount: int
    at: int
    payment_method: str


def card_fee(amount: int) -> int:
    """What Stripe keeps of a card payment of `amount` cents: 2.9 % and 30 cents."""
    return (amount * 29 + 500) // 1000 + 30


def available_on(at: int) -> int:
    """When money that moved at Unix time `at` is the company's to pay out: two midnights (UTC) later."""
    return (at // DAY + 2) * DAY


def balance_transaction(
    journal: Journal, at: int, category: str, amount: int, source: str, fee: int = 0
) -> dict[str, Any]:
    """Write down a movement of `amount` cents on the balance and return the object whole, as disputes embed it.

    `category` is its reporting category. Payouts leave the balance at once, everything else settles two days later.
    """
    at_once = category.startswith("payout")
    fees = {"amount": fee, "application": None, "currency": CURRENCY, "type": "stripe_fee"}
    description = "Dispute fee" if category == "dispute" else "Stripe processing fees"
    movement: dict[str, Any] = {
        "id": journal.new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": at if at_once else available_on(at),
        "balance_type": "payments",
        "created": at,
        "currency": CURRENCY,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**fees, "description": description}] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "available" if at_once else "pending",
        "type": "adjustment" if category.startswith("dispute") else category,
    }
    journal.create(at, "balance_transaction", **movement)
    if not at_once:
        journal.update(available_on(at), movement["id"], status="available")
    return movement


@dataclass(frozen=True)
class Cashier:
    """Takes payments: writes them into `journal`."""

    journal: Journal

    @property
    def rng(self) -> Random:
        return self.journal.rng

    def intend(self, at: int, customer: Customer, amount: int, description: str) -> str:
        """A payment intent of `amount` cents that waits for its card; returns its id."""
        return self.journal.create(
            at,
            "payment_intent",
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            capture_method="automatic",
            confirmation_method="automatic",
            currency=CURRENCY,
            customer=customer.id,
            description=description,
            payment_method=customer.card.payment_method,
            payment_method_types=["card"],
            status="requires_confirmation",
        )

    def take(self, at: int, intent: str, customer: Customer, amount: int, description: str) -> Payment:
        """A charge of the payment intent's `amount` that goes through."""
        payment = Payment(intent, self.journal.new_id("charge"), amount, at, customer.card.payment_method)
        movement = balance_transaction(self.journal, at, "charge", amount, payment.charge, card_fee(amount))
        self._charge(
            payment,
            customer,
            description,
            amount_captured=amount,
            balance_transaction=movement["id"],
            captured=True,
            outcome=self._outcome(),
            paid=True,
            status="succeeded",
        )
        self.journal.update(
            at,
            intent,
            event="payment_intent.succeeded",
            amount_received=amount,
            latest_charge=payment.charge,
            status="succeeded",
        )
        return payment

    def decline(self, at: int, intent: str, customer: Customer, amount: int, description: str) -> None:
        """A charge of the payment intent's `amount` that the bank refuses."""
        payment = Payment(intent, self.journal.new_id("charge"), amount, at, customer.card.payment_method)
        reason, message = self.rng.choice(_DECLINES)
        self._charge(
            payment,
            customer,
            description,
            amount_captured=0,
            balance_transaction=None,
            captured=False,
            failure_code="card_declined",
            failure_message=message,
            outcome=self._outcome(declined_for=reason),
            paid=False,
            status="failed",
        )
        self.journal.update(
            at,
            intent,
            event="payment_intent.payment_failed",
            latest_charge=payment.charge,
            status="requires_payment_method",
        )

    def _outcome(self, declined_for: str | None = None) -> dict[str, Any]:
        return {
            "advice_code": "try_again_later" if declined_for else None,
            "network_advice_code": None,
            "network_decline_code": "05" if declined_for else None,
            "network_status": "declined_by_network" if declined_for else "approved_by_network",
            "reason": declined_for,
            "risk_level": "normal",
            "risk_score": self.rng.randint(1, 60),
            "seller_message": "The bank declined the payment." if declined_for else "Payment complete.",
            "type": "issuer_declined" if declined_for else "authorized",
        }

    def _charge(self, payment: Payment, customer: Customer, description: str, **fields: Any) -> None:
        self.journal.create(
            payment.at,
            "charge",
            id=payment.charge,
            amount=payment.amount,
            amount_refunded=0,
            billing_details=customer.billing_details(),
            calculated_statement_descriptor="TIDEPOOL",
            currency=CURRENCY,
            customer=customer.id,
            description=description,
            disputed=False,
            payment_intent=payment.payment_intent,
            payment_method=payment.payment_method,
            payment_method_details={"type": "card", "card": customer.card.details()},
            refunded=False,
            **fields,
        )

    def refund(self, at: int, payment: Payment, amount: int) -> str:
        """Give back `amount` cents of a payment; Stripe keeps its fee. Returns the refund's id."""
        refund = self.journal.new_id("refund")
        movement = balance_transaction(self.journal, at, "refund", -amount, refund)
        self.journal.create(
            at,
            "refund",
            id=refund,
            amount=amount,
            balance_transaction=movement["id"],
            charge=payment.charge,
            currency=CURRENCY,
            payment_intent=payment.payment_intent,
            payment_method=payment.payment_method,
            reason=self.rng.choice(("requested_by_customer", "requested_by_customer", "duplicate", None)),
            status="succeeded",
        )
        self.journal.update(
            at, payment.charge, event="charge.refunded", amount_refunded=amount, refunded=amount == payment.amount
        )
        return refund

    def dispute(self, at: int, payment: Payment) -> None:
        """The card's owner disputes the payment: the money goes at once, evidence is sent, the bank decides."""
        dispute = self.journal.new_id("dispute")
        taken = balance_transaction(self.journal, at, "dispute", -payment.amount, dispute, DISPUTE_FEE)
        evidence = {
            "due_by": at + _EVIDENCE_DUE_AFTER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        }
        self.journal.create(
            at,
            "dispute",
            id=dispute,
            amount=payment.amount,
            balance_transactions=[taken],
            charge=payment.charge,
            currency=CURRENCY,
            evidence_details=evidence,
            is_charge_refundable=False,
            payment_intent=payment.payment_intent,
            reason=self.rng.choice(_DISPUTE_REASONS),
            status="needs_response",
        )
        self.journal.update(at, payment.charge, event="charge.updated", disputed=True)
        answered = at + self.rng.randint(3, 14) * DAY
        sent = {**evidence, "has_evidence": True, "submission_count": 1, "submission_method": "manual"}
        self.journal.update(
            answered, dispute, event="charge.dispute.updated", evidence_details=sent, status="under_review"
        )
        self.close_dispute(answered + self.rng.randint(30, 70) * DAY, dispute, [taken], won=self.rng.random() < 0.4)

    def close_dispute(self, at: int, dispute: str, movements: list[dict[str, Any]], *, won: bool) -> None:
        """The bank decides. `movements` are the dispute's balance transactions so far; won money comes back."""
        if won:
            amount = -movements[0]["amount"]
            back = balance_transaction(self.journal, at, "dispute_reversal", amount, dispute)
            movements = [*movements, back]
        self.journal.update(
            at,
            dispute,
            event="charge.dispute.closed",
            balance_transactions=movements,
            status="won" if won else "lost",
        )
