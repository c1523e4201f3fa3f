"""Invoices of subscriptions: drafted, made final, then paid, failed or written off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stripe_emulator.accounts.catalogue import CURRENCY
from stripe_emulator.accounts.journal import Journal
from stripe_emulator.accounts.payments import Cashier, Payment
from stripe_emulator.accounts.people import Customer
from stripe_emulator.accounts.terms import Subscription

COMPANY = "Tidepool"


@dataclass(frozen=True)
class Invoice:
    """`amount` is what is due, in cents; the last three come when it is made final: Unix time and ids."""

    id: str
    customer: Customer
    amount: int
    description: str
    finalized_at: int = 0
    payment_intent: str = ""
    invoice_payment: str = ""


@dataclass(frozen=True)
class Invoicing:
    cashier: Cashier

    @property
    def journal(self) -> Journal:
        return self.cashier.journal

    def draft(self, at: int, subscription: Subscription, number: int) -> Invoice:
        """The invoice of the subscription's period `number`."""
        customer, off = subscription.customer, subscription.off(number)
        due = subscription.order.subtotal - off
        discounts = [subscription.discount] if subscription.discount and off else []
        amounts_off = [{"amount": off, "discount": discount} for discount in discounts]
        invoice = self.journal.new_id("invoice")
        self.journal.create(
            at,
            "invoice",
            id=invoice,
            account_country="US",
            account_name=COMPANY,
            amount_due=due,
            amount_paid=0,
            amount_remaining=due,
            attempt_count=0,
            attempted=False,
            auto_advance=True,
            billing_reason="subscription_cycle" if number else "subscription_create",
            collection_method="charge_automatically",
            currency=CURRENCY,
            customer=customer.id,
            customer_address=customer.address,
            customer_email=customer.email,
            customer_name=customer.name,
            customer_tax_exempt="none",
            discounts=discounts,
            lines=[self._line(invoice, subscription, number, amounts_off)],
            number=f"{customer.id[-8:].upper()}-{number + 1:04d}",
            parent={
                "type": "subscription_details",
                "quote_details": None,
                "subscription_details": {"metadata": {}, "subscription": subscription.id},
            },
            period_start=subscription.period(number - 1)[0],
            period_end=subscription.period(number)[0],
            status="draft",
            status_transitions=_transitions(),
            subtotal=subscription.order.subtotal,
            subtotal_excluding_tax=subscription.order.subtotal,
            total=due,
            total_discount_amounts=amounts_off,
            total_excluding_tax=due,
            total_taxes=[],
        )
        description = "Subscription update" if number else "Subscription creation"
        return Invoice(invoice, customer, due, description)

    def _line(
        self, invoice: str, subscription: Subscription, number: int, amounts_off: list[dict[str, Any]]
    ) -> dict[str, Any]:
        price = subscription.order.offer.price
        start, end = subscription.period(number)
        return {
            "id": self.journal.new_id("line_item"),
            "amount": subscription.order.subtotal,
            "currency": CURRENCY,
            "description": subscription.order.offer.describe(subscription.order.quantity),
            "discount_amounts": amounts_off,
            "discountable": True,
            "discounts": [],
            "invoice": invoice,
            "parent": {
                "type": "subscription_item_details",
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": None,
                    "proration": False,
                    "proration_details": None,
                    "subscription": subscription.id,
                    "subscription_item": subscription.item,
                },
            },
            "period": {"start": start, "end": end},
            "pricing": {
                "type": "price_details",
                "price_details": {"price": price["id"], "product": price["product"]},
                "unit_amount_decimal": price["unit_amount_decimal"],
            },
            "quantity": subscription.order.quantity,
            "subscription": subscription.id,
            "subtotal": subscription.order.subtotal,
            "taxes": [],
        }

    def finalize(self, at: int, invoice: Invoice) -> Invoice:
        """The draft is final: a payment intent waits for its money, and an invoice payment ties the two together."""
        intent = self.cashier.intend(at, invoice.customer, invoice.amount, invoice.description)
        invoice_payment = self.journal.create(
            at,
            "invoice_payment",
            amount_paid=None,
            amount_requested=invoice.amount,
            currency=CURRENCY,
            invoice=invoice.id,
            is_default=True,
            payment={"type": "payment_intent", "payment_intent": intent},
            status="open",
            status_transitions={"canceled_at": None, "paid_at": None},
        )
        self.journal.update(
            at,
            invoice.id,
            event="invoice.finalized",
            effective_at=at,
            status="open",
            status_transitions=_transitions(finalized_at=at),
        )
        return replace(invoice, finalized_at=at, payment_intent=intent, invoice_payment=invoice_payment)

    def pay(self, at: int, invoice: Invoice, attempt: int) -> Payment:
        """The card's charge went through at the `attempt`, counted from 1."""
        payment = self.cashier.take(at, invoice.payment_intent, invoice.customer, invoice.amount, invoice.description)
        self.journal.update(
            at,
            invoice.invoice_payment,
            event="invoice_payment.paid",
            amount_paid=invoice.amount,
            status="paid",
            status_transitions={"canceled_at": None, "paid_at": at},
        )
        self.journal.update(
            at,
            invoice.id,
            event="invoice.paid",
            amount_paid=invoice.amount,
            amount_remaining=0,
            attempt_count=attempt,
            attempted=True,
            auto_advance=False,
            next_payment_attempt=None,
            status="paid",
            status_transitions=_transitions(finalized_at=invoice.finalized_at, paid_at=at),
        )
        return payment

    def fail(self, at: int, invoice: Invoice, attempt: int, next_attempt: int | None) -> None:
        """The card's charge was refused at the `attempt`; the next is at Unix time `next_attempt`, if there is one."""
        self.cashier.decline(at, invoice.payment_intent, invoice.customer, invoice.amount, invoice.description)
        self.journal.update(
            at,
            invoice.id,
            event="invoice.payment_failed",
            attempt_count=attempt,
            attempted=True,
            next_payment_attempt=next_attempt,
        )

    def write_off(self, at: int, invoice: Invoice) -> None:
        self.journal.update(
            at,
            invoice.payment_intent,
            event="payment_intent.canceled",
            canceled_at=at,
            cancellation_reason="failed_invoice",
            status="canceled",
        )
        self.journal.update(
            at,
            invoice.invoice_payment,
            status="canceled",
            status_transitions={"canceled_at": at, "paid_at": None},
        )
        self.journal.update(
            at,
            invoice.id,
            event="invoice.marked_uncollectible",
            auto_advance=False,
            status="uncollectible",
            status_transitions=_transitions(finalized_at=invoice.finalized_at, marked_uncollectible_at=at),
        )


def _transitions(**reached: int) -> dict[str, int | None]:
    return {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None, **reached}
