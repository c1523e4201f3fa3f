"""The life of a subscription: sign-up, an invoice each period, failed cards and retries, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from stripe_emulator.accounts.catalogue import CURRENCY, Order
from stripe_emulator.accounts.invoices import Invoice, Invoicing
from stripe_emulator.accounts.journal import DAY, HOUR, Journal
from stripe_emulator.accounts.payments import Cashier, Payment
from stripe_emulator.accounts.people import Customer
from stripe_emulator.accounts.terms import Subscription, months_later

_CARD_FAILS = 0.04
_RETRY_FAILS = 0.3
_RETRIES_AFTER = (3 * DAY, 5 * DAY)
_CHURN_PER_MONTH = 0.045
_CHURN_PER_YEAR = 0.3
_FEEDBACK = ("too_expensive", "unused", "missing_features", "switched_service", "other")


@dataclass(frozen=True)
class SignUp:
    """A new subscription with its first invoice and every payment that was made for it."""

    subscription: Subscription
    invoice: Invoice
    payments: list[Payment]


@dataclass(frozen=True)
class Billing:
    """Writes the lives of subscriptions into the cashier's journal, up to Unix time `until`."""

    cashier: Cashier
    until: int

    @property
    def journal(self) -> Journal:
        return self.cashier.journal

    @property
    def invoicing(self) -> Invoicing:
        return Invoicing(self.cashier)

    def subscribe(self, at: int, customer: Customer, order: Order) -> SignUp:
        """Start a subscription, take its first payment and let it live."""
        subscription = Subscription(
            id=self.journal.new_id("subscription"),
            item=self.journal.new_id("subscription_item"),
            customer=customer,
            order=order,
            start=at,
            discount=self.journal.new_id("discount") if order.promotion else None,
        )
        self._start(subscription)
        invoice = self.invoicing.finalize(at, self._draft(at, subscription, 0))
        first = self.invoicing.pay(at, invoice, attempt=1)
        return SignUp(subscription, invoice, [first, *self._renew(subscription)])

    def _start(self, subscription: Subscription) -> None:
        at, promotion = subscription.start, subscription.order.promotion
        if promotion:
            self.journal.create(
                at,
                "discount",
                id=subscription.discount,
                customer=subscription.customer.id,
                end=months_later(at, promotion.months) if promotion.months else None,
                promotion_code=promotion.code_id,
                source={"type": "coupon", "coupon": promotion.coupon_id},
                start=at,
                subscription=subscription.id,
            )
        self.journal.create(
            at,
            "subscription",
            id=subscription.id,
            billing_cycle_anchor=at,
            billing_mode={"type": "flexible", "flexible": None, "updated_at": at},
            cancel_at_period_end=False,
            collection_method="charge_automatically",
            currency=CURRENCY,
            customer=subscription.customer.id,
            default_payment_method=subscription.customer.card.payment_method,
            discounts=[subscription.discount] if subscription.discount else [],
            items=subscription.items(0),
            start_date=at,
            status="active",
        )

    def _draft(self, at: int, subscription: Subscription, number: int) -> Invoice:
        invoice = self.invoicing.draft(at, subscription, number)
        self.journal.update(
            at,
            subscription.id,
            event="customer.subscription.updated",
            items=subscription.items(number),
            latest_invoice=invoice.id,
        )
        return invoice

    def _renew(self, subscription: Subscription) -> list[Payment]:
        """An invoice each period, until the customer leaves, a card fails for good or time is up."""
        rng = self.journal.rng
        churn = _CHURN_PER_YEAR if subscription.order.offer.yearly else _CHURN_PER_MONTH
        payments: list[Payment] = []
        for number in count(1):
            at = subscription.period(number)[0]
            if at > self.until:
                break
            if rng.random() < churn:
                self.leave(subscription.id, asked=at - rng.randint(2, 20) * DAY, at=at)
                break
            payment = self._collect(at + HOUR, subscription, self._draft(at, subscription, number))
            if not payment:
                break
            payments.append(payment)
        return payments

    def _collect(self, at: int, subscription: Subscription, invoice: Invoice) -> Payment | None:
        """Make the invoice final and charge it, twice again if the card fails. None: it failed for good."""
        rng = self.journal.rng
        invoice = self.invoicing.finalize(at, invoice)
        fails = rng.random() < _CARD_FAILS
        for attempt, wait in enumerate((*_RETRIES_AFTER, None), start=1):
            if not fails:
                if attempt > 1:
                    self._change_status(at, subscription, "active")
                return self.invoicing.pay(at, invoice, attempt)
            self.invoicing.fail(at, invoice, attempt, at + wait if wait else None)
            self._change_status(at, subscription, "past_due")
            fails = rng.random() < _RETRY_FAILS
            at += wait or 0
        self.invoicing.write_off(at, invoice)
        self._end(at, subscription.id, {"comment": None, "feedback": None, "reason": "payment_failed"}, canceled_at=at)
        return None

    def _change_status(self, at: int, subscription: Subscription, status: str) -> None:
        self.journal.update(at, subscription.id, event="customer.subscription.updated", status=status)

    def leave(self, subscription: str, *, asked: int, at: int) -> None:
        """The customer asks for the end (Unix time `asked`), which comes at `at`."""
        feedback = self.journal.rng.choice(_FEEDBACK)
        details = {"comment": None, "feedback": feedback, "reason": "cancellation_requested"}
        if asked < at:
            self.journal.update(
                asked,
                subscription,
                event="customer.subscription.updated",
                cancel_at=at,
                cancel_at_period_end=True,
                canceled_at=asked,
                cancellation_details=details,
            )
        self._end(at, subscription, details, canceled_at=asked)

    def _end(self, at: int, subscription: str, details: dict[str, Any], *, canceled_at: int) -> None:
        self.journal.update(
            at,
            subscription,
            event="customer.subscription.deleted",
            canceled_at=canceled_at,
            cancellation_details=details,
            ended_at=at,
            status="canceled",
        )
