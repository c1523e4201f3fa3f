"""Business goes on: a few things that happen in the demo account, all at the emulator's now."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stripe_emulator.accounts.business import Business
from stripe_emulator.accounts.catalogue import (
    Catalogue,
    Offer,
    Promotion,
    count_redemptions,
    plan_of,
)
from stripe_emulator.accounts.journal import DAY, Journal, replay
from stripe_emulator.accounts.payments import Cashier, Payment
from stripe_emulator.accounts.payouts import send
from stripe_emulator.accounts.people import sign_up
from stripe_emulator.accounts.subscriptions import Billing

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

_NEW_CUSTOMERS = 3


def live_on(emulator: StripeEmulator) -> None:
    """New customers subscribe and buy; a charge is refunded, an invoice edited, a dispute closed (or, where none is
    open, opened), a payout arrives (or is sent) and a subscription is canceled."""
    now = emulator.clock.now()
    journal = Journal(seed=len(emulator.objects("charge")))
    cashier = Cashier(journal)
    business = Business(cashier, _catalogue(emulator), until=now)
    for _ in range(_NEW_CUSTOMERS):
        customer = sign_up(journal, now)
        business.subscribe(now, customer)
        business.buy(now, customer)
    _regret(emulator, cashier, now)
    _arrive(emulator, journal, now)
    newest_invoice = emulator.objects("invoice")[0]
    order = f"PO-{journal.rng.randint(1000, 9999)}"
    journal.update(now, newest_invoice["id"], event="invoice.updated", metadata={"purchase_order": order})
    leaving = journal.rng.choice([it for it in emulator.objects("subscription") if it["status"] == "active"])
    Billing(cashier, until=now).leave(leaving["id"], asked=now, at=now)
    count_redemptions(journal, now, _redeemed(emulator))
    replay(emulator, [replace(step, at=now) for step in journal.until(now)])


def _regret(emulator: StripeEmulator, cashier: Cashier, now: int) -> None:
    """Refund the newest charge that stands; close the oldest open dispute, or open one if there is none."""
    standing = [it for it in emulator.objects("charge") if it["paid"] and not it["amount_refunded"]]
    refunded, disputed = [_payment(charge) for charge in standing if not charge["disputed"]][:2]
    cashier.refund(now, refunded, refunded.amount)
    undecided = [it for it in emulator.objects("dispute") if it["status"] in ("needs_response", "under_review")]
    if undecided:
        oldest = undecided[-1]
        cashier.close_dispute(now, oldest["id"], oldest["balance_transactions"], won=True)
    else:
        cashier.dispute(now, disputed)


def _arrive(emulator: StripeEmulator, journal: Journal, now: int) -> None:
    """The oldest payout under way reaches the bank; where there is none, what has become available is sent."""
    under_way = [it for it in emulator.objects("payout") if it["status"] == "in_transit"]
    if under_way:
        journal.update(now, under_way[-1]["id"], event="payout.paid", arrival_date=now // DAY * DAY, status="paid")
        return
    movements = [it for it in emulator.objects("balance_transaction") if it["available_on"] <= now]
    balance = sum(it["net"] for it in movements)
    if balance > 0:
        send(journal, now, balance)


def _payment(charge: dict[str, Any]) -> Payment:
    return Payment(
        charge["payment_intent"], charge["id"], charge["amount"], charge["created"], charge["payment_method"]
    )


def _redeemed(emulator: StripeEmulator) -> Counter[str]:
    promotions = [*emulator.objects("promotion_code"), *emulator.objects("coupon")]
    return Counter({promotion["id"]: promotion["times_redeemed"] for promotion in promotions})


def _catalogue(emulator: StripeEmulator) -> Catalogue:
    """What the company sells, read back from its account."""
    names = {product["id"]: product["name"] for product in emulator.objects("product")}
    prices = sorted(emulator.objects("price"), key=lambda price: (price["created"], price["unit_amount"]))
    offers = [Offer(names[price["product"]], price, plan_of(price) if price["recurring"] else None) for price in prices]
    return Catalogue(
        subscriptions=tuple(offer for offer in offers if offer.plan),
        services=tuple(offer for offer in offers if not offer.plan),
        promotions=tuple(_promotions(emulator)),
    )


def _promotions(emulator: StripeEmulator) -> list[Promotion]:
    coupons = {coupon["id"]: coupon for coupon in emulator.objects("coupon")}
    promotions = []
    for code in emulator.objects("promotion_code"):
        coupon = coupons[code["promotion"]["coupon"]]
        percent_off, amount_off = int(coupon["percent_off"] or 0), coupon["amount_off"] or 0
        months = coupon["duration_in_months"] or 0
        promotions.append(Promotion(code["id"], coupon["id"], percent_off, amount_off, months, code["created"]))
    return promotions
