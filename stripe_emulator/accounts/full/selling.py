"""What is sold: products with prices, plans and features, and what makes them cheaper or dearer."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.catalogue import plan_of
from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import DAY, USD

Json = dict[str, Any]


def stock(maker: Maker) -> None:
    """A product, with everything that hangs on it."""
    product = maker.make(
        "product",
        active=maker.in_turn(True, True, False),
        description="Bookings, passes and a website.",
        images=["https://files.stripe.com/links/studio"],
        marketing_features=[{"name": "Unlimited bookings"}],
        name=f"Studio {maker.era + 1}",
        shippable=False,
        statement_descriptor="STUDIO",
        tax_code="txcd_10103001",
        type="service",
        unit_label="seat",
        url="https://tidepool.example.com/studio",
    )
    _prices(maker, product)
    _taxes_and_shipping(maker)
    _coupons(maker, product)
    _features(maker, product)


def monthly(maker: Maker, amount: int, usage_type: str = "licensed") -> Json:
    """A price by the month, of `amount` cents; returns it whole."""
    recurring = {"interval": "month", "interval_count": 1, "usage_type": usage_type}
    price = maker.make(
        "price", recurring=recurring, type="recurring", unit_amount=amount, unit_amount_decimal=str(amount)
    )
    return maker.whole(price)


def subscribed(price: Json, at: int, **fields: Any) -> Json:
    """A subscription's item of a price, in a month that began at Unix time `at`."""
    plan = {**plan_of(price), "usage_type": price["recurring"]["usage_type"]}
    return {"current_period_start": at, "current_period_end": at + 30 * DAY, "plan": plan, "price": price, **fields}


def _prices(maker: Maker, product: str) -> None:
    recurring = {
        "interval": maker.in_turn("month", "year", "week", "day"),
        "interval_count": 1,
        "usage_type": "licensed",
    }
    price = maker.make(
        "price",
        currency_options={"eur": {"tax_behavior": "exclusive", "unit_amount": 1800, "unit_amount_decimal": "1800"}},
        lookup_key=f"studio-{maker.era + 1}",
        product=product,
        recurring=recurring,
        type="recurring",
        unit_amount=1900,
        unit_amount_decimal="1900",
    )
    maker.update(product, default_price=price)
    graduated = [
        {
            "up_to": 100,
            "unit_amount": 20,
            "unit_amount_decimal": "20",
            "flat_amount": 500,
            "flat_amount_decimal": "500",
        },
        {"up_to": None, "unit_amount": 10, "unit_amount_decimal": "10"},
    ]
    maker.make(
        "price",
        active=False,
        billing_scheme="tiered",
        nickname="By the seat, until 2025",
        product=product,
        recurring={**recurring, "interval": "month"},
        tiers=graduated,
        tiers_mode=maker.in_turn("graduated", "volume"),
        type="recurring",
    )
    maker.make("price", custom_unit_amount={"minimum": 500, "preset": 2000}, product=product)
    maker.make(
        "plan",
        amount=1900,
        amount_decimal="1900",
        interval="month",
        nickname="From the time before prices",
        product=product,
        tiers=graduated,
        tiers_mode="graduated",
        transform_usage={"divide_by": 10, "round": "up"},
    )
    maker.make(
        "product_catalog.trial_offer",
        duration={"type": "relative", "relative": {"iterations": 1}},
        end_behavior={"type": "transition", "transition": {"price": price}},
        nickname="A month on us",
        price=price,
    )


def _taxes_and_shipping(maker: Maker) -> None:
    maker.make(
        "tax_rate",
        active=maker.in_turn(True, True, False),
        country="DE",
        description="VAT Germany",
        display_name="VAT",
        effective_percentage=19.0,
        inclusive=maker.in_turn(False, True),
        jurisdiction="DE",
        jurisdiction_level="country",
        percentage=19.0,
        rate_type="percentage",
        tax_type="vat",
    )
    maker.make(
        "shipping_rate",
        delivery_estimate={
            "minimum": {"unit": "business_day", "value": 2},
            "maximum": {"unit": "business_day", "value": 5},
        },
        display_name="Ground shipping",
        fixed_amount={
            "amount": 700,
            "currency": USD,
            "currency_options": {"eur": {"amount": 650, "tax_behavior": "exclusive"}},
        },
        tax_behavior="exclusive",
        tax_code="txcd_92010001",
    )


def _coupons(maker: Maker, product: str) -> None:
    coupon = maker.make(
        "coupon",
        id=f"studio-{maker.era + 1}",
        amount_off=500,
        applies_to={"products": [product]},
        currency=USD,
        currency_options={"eur": {"amount_off": 450}},
        duration=maker.in_turn("forever", "once", "repeating"),
        duration_in_months=maker.in_turn(None, None, 3),
        max_redemptions=100,
        name="Five off",
        redeem_by=maker.now + 90 * DAY,
    )
    maker.make(
        "promotion_code",
        active=maker.in_turn(True, False),
        code=f"STUDIO{maker.era + 1}",
        customer=maker.in_turn(maker.any("customer"), None),
        expires_at=maker.now + 60 * DAY,
        promotion={"type": "coupon", "coupon": coupon},
        restrictions={
            "currency_options": {"eur": {"minimum_amount": 900}},
            "first_time_transaction": True,
            "minimum_amount": 1000,
            "minimum_amount_currency": USD,
        },
    )


def _features(maker: Maker, product: str) -> None:
    """A feature that the product gives, and one that nobody gets any more."""
    key = f"calendar-{maker.era + 1}"
    feature = maker.make("entitlements.feature", lookup_key=key, name="A calendar for everybody")
    maker.make("entitlements.feature", active=False, lookup_key=f"fax-{maker.era + 1}", name="Reminders by fax")
    maker.make("product_feature", of=product, entitlement_feature=maker.whole(feature))
