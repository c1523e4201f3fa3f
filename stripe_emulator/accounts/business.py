"""The demo company's days: who signs up, who buys what, what is given back and what is disputed."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_emulator.accounts.catalogue import CURRENCY, Catalogue, Order
from stripe_emulator.accounts.journal import DAY, HOUR, Journal
from stripe_emulator.accounts.payments import Cashier, Payment
from stripe_emulator.accounts.people import Customer, sign_up
from stripe_emulator.accounts.subscriptions import Billing

SIGN_UPS_PER_DAY = (0.12, 0.42)
"""On the first and on the last day of the history: the company grows."""

_SUBSCRIBES = 0.78
_BUYS_A_SERVICE_TOO = 0.4
_USES_A_CODE = 0.3
_ABANDONED_PER_DAY = 0.15
_REFUNDED = 0.035
_DISPUTED = 0.018
_FILLING_IN = 5 * 60
"""Seconds from the opening of a checkout page to its completion, at most."""


@dataclass(frozen=True)
class Business:
    """Writes the company's days into the cashier's journal; what outlasts them runs to Unix time `until`."""

    cashier: Cashier
    catalogue: Catalogue
    until: int

    @property
    def journal(self) -> Journal:
        return self.cashier.journal

    def trade(self, opened: int) -> None:
        """All days from the opening (Unix time) on, with their consequences. One dispute is always open."""
        rng = self.journal.rng
        first, last = SIGN_UPS_PER_DAY
        payments: list[Payment] = []
        for day in range(opened, self.until, DAY):
            grown = (day - opened) / (self.until - opened)
            if rng.random() < first + (last - first) * grown:
                payments += self.welcome(day + rng.randint(8 * HOUR, 20 * HOUR))
            if rng.random() < _ABANDONED_PER_DAY:
                self.abandon(day + rng.randint(8 * HOUR, 20 * HOUR))
        content = [payment for payment in payments if not self._regret(payment)]
        recent = max((it for it in content if it.at < self.until - 5 * DAY), key=lambda payment: payment.at)
        self.cashier.dispute(self.until - DAY, recent)

    def welcome(self, at: int) -> list[Payment]:
        """A new customer, who subscribes or buys a service or both; returns the payments of their whole life."""
        rng = self.journal.rng
        customer = sign_up(self.journal, at)
        payments: list[Payment] = []
        subscribes = rng.random() < _SUBSCRIBES
        if subscribes:
            payments += self.subscribe(at + _FILLING_IN, customer)
        if not subscribes or rng.random() < _BUYS_A_SERVICE_TOO:
            later = rng.randint(0, 90) * DAY if subscribes else 0
            payments.append(self.buy(at + 2 * _FILLING_IN + later, customer))
        return payments

    def subscribe(self, at: int, customer: Customer) -> list[Payment]:
        """A subscription by way of a checkout page; returns its payments."""
        rng = self.journal.rng
        offer = rng.choices(self.catalogue.subscriptions, weights=(30, 8, 40, 10, 9, 3))[0]
        quantity = 1 if offer.name == "Solo" else rng.choice((1, 1, 1, 2, 3))
        promotion = rng.choice(self.catalogue.promotions_at(at)) if rng.random() < _USES_A_CODE else None
        order = Order(offer, quantity, promotion)
        signed = Billing(self.cashier, self.until).subscribe(at, customer, order)
        self._check_out(at, customer, order, invoice=signed.invoice.id, subscription=signed.subscription.id)
        return signed.payments

    def buy(self, at: int, customer: Customer) -> Payment:
        """A service by way of a checkout page."""
        offer = self.journal.rng.choice(self.catalogue.services)
        intent = self.cashier.intend(at, customer, offer.amount, offer.name)
        payment = self.cashier.take(at, intent, customer, offer.amount, offer.name)
        self._check_out(at, customer, Order(offer), payment_intent=intent)
        return payment

    def abandon(self, at: int) -> None:
        """A checkout page that somebody opened and left; it expires after a day."""
        session = self._open(at, Order(self.journal.rng.choice(self.catalogue.subscriptions)))
        self.journal.update(at + DAY, session, event="checkout.session.expired", status="expired", url=None)

    def _check_out(self, at: int, customer: Customer, order: Order, **outcome: str) -> None:
        """A checkout page that was opened a little before Unix time `at`, when it was completed with `outcome`."""
        session = self._open(at - self.journal.rng.randint(40, _FILLING_IN), order)
        self.journal.update(
            at,
            session,
            event="checkout.session.completed",
            customer=customer.id,
            customer_details={
                "address": customer.address,
                "email": customer.email,
                "name": customer.name,
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
            payment_status="paid",
            status="complete",
            url=None,
            **outcome,
        )

    def _open(self, at: int, order: Order) -> str:
        session = self.journal.new_id("checkout.session")
        promotion, discount = order.promotion, order.subtotal - order.first_total
        line = {
            "id": self.journal.new_id("item"),
            "amount_discount": discount,
            "amount_subtotal": order.subtotal,
            "amount_tax": 0,
            "amount_total": order.first_total,
            "currency": CURRENCY,
            "description": order.offer.name,
            "price": order.offer.price,
            "quantity": order.quantity,
        }
        return self.journal.create(
            at,
            "checkout.session",
            id=session,
            allow_promotion_codes=True,
            amount_subtotal=order.subtotal,
            amount_total=order.first_total,
            currency=CURRENCY,
            discounts=[{"coupon": promotion.coupon_id, "promotion_code": promotion.code_id}] if promotion else [],
            expires_at=at + DAY,
            line_items=[line],
            mode="subscription" if order.offer.plan else "payment",
            payment_method_types=["card"],
            payment_status="unpaid",
            status="open",
            success_url="https://tidepool.example.com/welcome",
            total_details={"amount_discount": discount, "amount_shipping": 0, "amount_tax": 0, "breakdown": None},
            ui_mode="hosted_page",
            url=f"https://checkout.stripe.com/c/pay/{session}",
        )

    def _regret(self, payment: Payment) -> bool:
        """A few payments are refunded, a few disputed, most neither. Says whether this one was."""
        rng = self.journal.rng
        chance = rng.random()
        if chance < _REFUNDED:
            whole = rng.random() < 0.7
            amount = payment.amount if whole else max(payment.amount // rng.choice((2, 3, 4)), 100)
            self.cashier.refund(payment.at + rng.randint(HOUR, 20 * DAY), payment, amount)
        elif chance < _REFUNDED + _DISPUTED:
            self.cashier.dispute(payment.at + rng.randint(5 * DAY, 45 * DAY), payment)
        return chance < _REFUNDED + _DISPUTED
