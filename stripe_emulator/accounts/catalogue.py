"""What the demo company sells: subscriptions by the month or year, a few services paid once, and its coupons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from stripe_emulator.accounts.journal import DAY, Journal

CURRENCY = "usd"


@dataclass(frozen=True)
class Offer:
    """A price with the product that it is of. `price` is the whole Price, as Stripe embeds it; `plan` is its older
    twin, which subscription items carry beside it and which is None for what is paid once."""

    name: str
    price: dict[str, Any]
    plan: dict[str, Any] | None

    @property
    def amount(self) -> int:
        """Cents for a quantity of one."""
        return int(self.price["unit_amount"])

    @property
    def yearly(self) -> bool:
        return self.plan is not None and self.plan["interval"] == "year"

    def describe(self, quantity: int) -> str:
        """The text of an invoice line, as Stripe words it."""
        interval = f" / {self.plan['interval']}" if self.plan else ""
        return f"{quantity} × {self.name} (at ${self.amount / 100:,.2f}{interval})"  # noqa: RUF001 (Stripe's own)


@dataclass(frozen=True)
class Promotion:
    """A promotion code with what its coupon takes off, for how many months (0: the first invoice only).

    `since` is when it was made (Unix time)."""

    code_id: str
    coupon_id: str
    percent_off: int
    amount_off: int
    months: int
    since: int

    def off(self, amount: int) -> int:
        """Cents taken off `amount` cents."""
        return min(amount, self.amount_off or (amount * self.percent_off + 50) // 100)


@dataclass(frozen=True)
class Order:
    """What a customer asks for; the promotion is what they typed into the box for codes."""

    offer: Offer
    quantity: int = 1
    promotion: Promotion | None = None

    @property
    def subtotal(self) -> int:
        """Cents before the discount."""
        return self.offer.amount * self.quantity

    @property
    def off(self) -> int:
        """Cents that the promotion takes off while it runs."""
        return self.promotion.off(self.subtotal) if self.promotion else 0

    @property
    def first_total(self) -> int:
        """Cents to pay at first."""
        return self.subtotal - self.off


@dataclass(frozen=True)
class Catalogue:
    subscriptions: tuple[Offer, ...]
    services: tuple[Offer, ...]
    promotions: tuple[Promotion, ...]

    def promotions_at(self, at: int) -> list[Promotion]:
        """Those that there are at Unix time `at`."""
        return [promotion for promotion in self.promotions if promotion.since <= at]


@dataclass(frozen=True)
class _Product:
    name: str
    description: str
    monthly: int = 0
    once: int = 0


_PRODUCTS = (
    _Product("Solo", "Bookings and reminders for one teacher.", monthly=1900),
    _Product("Studio", "Bookings, passes and a website for a studio.", monthly=4900),
    _Product("Chain", "Several studios, one calendar, one till.", monthly=12900),
    _Product("Setup workshop", "Two hours with one of us to set everything up.", once=24900),
    _Product("Data import", "We bring over customers and passes from another system.", once=9900),
    _Product("Door sign", "A printed sign with the studio's booking code.", once=3900),
)
_MONTHS_PAID_PER_YEAR = 10

# coupon id, name, percent off, cents off, months (0: once), promotion codes, days after the opening that they appear
_COUPONS = (
    ("welcome-20", "20% off the first invoice", 20, 0, 0, ("WELCOME20", "HELLO20"), 0),
    ("spring-3-months", "$10 off for three months", 0, 1000, 3, ("SPRING", "SPRINGAGAIN"), 150),
    ("partner-10", "10% off for a year", 10, 0, 12, ("PARTNER10", "YOGAFEDERATION"), 40),
)


def stock(journal: Journal, opened: int) -> Catalogue:
    """Write down the company's products, prices, coupons and promotion codes, made when it opened (Unix time)."""
    subscriptions: list[Offer] = []
    services: list[Offer] = []
    for number, product in enumerate(_PRODUCTS):
        at = opened + number * 600
        product_id = journal.new_id("product")
        offers = _offers(journal, at, product, product_id)
        journal.create(
            at,
            "product",
            id=product_id,
            active=True,
            default_price=offers[0].price["id"],
            description=product.description,
            name=product.name,
            type="service",
            updated=at,
        )
        for offer in offers:
            journal.create(at, "price", **offer.price)
        (subscriptions if product.monthly else services).extend(offers)
    return Catalogue(tuple(subscriptions), tuple(services), _promotions(journal, opened))


def count_redemptions(journal: Journal, now: int, redeemed: Counter[str]) -> None:
    """Write down, on promotion codes and coupons, each discount that the journal holds up to Unix time `now`.

    `redeemed` says, by their ids, how often they were before, and is counted up."""
    for step in journal.until(now):
        if step.kind == "discount":
            for object_id in (step.fields["promotion_code"], step.fields["source"]["coupon"]):
                redeemed[object_id] += 1
                journal.update(step.at, object_id, times_redeemed=redeemed[object_id])


def _offers(journal: Journal, at: int, product: _Product, product_id: str) -> list[Offer]:
    if product.once:
        return [Offer(product.name, _price(journal.new_id("price"), at, product_id, product.once, None), None)]
    offers = []
    for interval, amount in (("month", product.monthly), ("year", product.monthly * _MONTHS_PAID_PER_YEAR)):
        price = _price(journal.new_id("price"), at, product_id, amount, interval)
        offers.append(Offer(product.name, price, plan_of(price)))
    return offers


def _price(price_id: str, at: int, product_id: str, amount: int, interval: str | None) -> dict[str, Any]:
    recurring = {
        "interval": interval,
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }
    return {
        "id": price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": at,
        "currency": CURRENCY,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": recurring if interval else None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def plan_of(price: dict[str, Any]) -> dict[str, Any]:
    """The Plan that Stripe shows for a recurring price."""
    return {
        "id": price["id"],
        "object": "plan",
        "active": True,
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": CURRENCY,
        "interval": price["recurring"]["interval"],
        "interval_count": 1,
        "livemode": False,
        "metadata": {},
        "meter": None,
        "nickname": None,
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _promotions(journal: Journal, opened: int) -> tuple[Promotion, ...]:
    promotions = []
    for coupon_id, name, percent_off, amount_off, months, codes, days in _COUPONS:
        at = opened + days * DAY
        journal.create(
            at,
            "coupon",
            id=coupon_id,
            name=name,
            percent_off=float(percent_off) if percent_off else None,
            amount_off=amount_off or None,
            currency=CURRENCY if amount_off else None,
            duration="repeating" if months else "once",
            duration_in_months=months or None,
            valid=True,
        )
        for code in codes:
            code_id = journal.create(
                at, "promotion_code", active=True, code=code, promotion={"type": "coupon", "coupon": coupon_id}
            )
            promotions.append(Promotion(code_id, coupon_id, percent_off, amount_off, months, at))
    return tuple(promotions)
