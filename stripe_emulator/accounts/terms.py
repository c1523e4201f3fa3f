"""What a subscription was agreed on: who, what, how many, since when, with what discount."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from stripe_emulator.accounts.catalogue import Order
from stripe_emulator.accounts.people import Customer


def months_later(at: int, months: int) -> int:
    """The same day and time (UTC) `months` later; the month's last day where it is shorter."""
    start = datetime.fromtimestamp(at, tz=timezone.utc)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


@dataclass(frozen=True)
class Subscription:
    """`start` is Unix time; periods are counted from 0, the one that begins at `start`. `discount` is the id of the
    Discount that the order's promotion became."""

    id: str
    item: str
    customer: Customer
    order: Order
    start: int
    discount: str | None

    def period(self, number: int) -> tuple[int, int]:
        """Start and end of a period. The one before the first begins when the first does, as Stripe's invoices say."""
        months = 12 if self.order.offer.yearly else 1
        return months_later(self.start, months * max(number, 0)), months_later(self.start, months * (number + 1))

    def off(self, number: int) -> int:
        """Cents that the discount takes off a period."""
        promotion = self.order.promotion
        if not promotion:
            return 0
        runs = number == 0 or self.period(number)[0] < months_later(self.start, promotion.months)
        return self.order.off if runs else 0

    def items(self, number: int) -> list[dict[str, Any]]:
        """The subscription's only item, as it is in a period."""
        start, end = self.period(number)
        return [
            {
                "id": self.item,
                "created": self.start,
                "current_period_end": end,
                "current_period_start": start,
                "discounts": [],
                "plan": self.order.offer.plan,
                "price": self.order.offer.price,
                "quantity": self.order.quantity,
                "subscription": self.id,
            }
        ]
