"""A limit that is lower than the budget believes, in simulated time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

from source_stripe.api.rates import RateBudget, Slot
from source_stripe.catalog.asking import RateLimits


@dataclass
class Limiter:
    """A token bucket that holds a second of its rate, as Stripe's do (https://stripe.com/blog/rate-limiters)."""

    full_at: float = 0.0

    def lets_pass(self, now: float, rate: float) -> bool:
        if passes := self.full_at + 1 / rate <= now + 1:
            self.full_at = max(self.full_at, now) + 1 / rate
        return passes


def under_a_lower_limit(limit: int) -> tuple[int, int]:
    """How many requests of a minute were answered since its tenth second, when the limit fell from 25 a second to this
    one, and how many were refused.

    Sixteen readers ask, each of which hears after 0.3 seconds what became of its request.
    """
    budget, limiter, chance = RateBudget(RateLimits(account=1_000, endpoint=25)), Limiter(), random.Random(1)
    answered = limited = 0
    first = [(slot.at, number, slot) for number in range(16) if (slot := budget.reserve("/v1/x", 0.0))]
    to_send: list[tuple[float, int, Slot]] = first
    heard: list[tuple[float, int, bool]] = []
    while (now := min([*to_send, *heard])[0]) < 60:
        if heard and heard[0][0] == now:
            _, number, passed = heapq.heappop(heard)
            if not passed:
                budget.slow_down("/v1/x", "endpoint-rate", now)
                now += chance.uniform(0.25, 0.5)
            slot = budget.reserve("/v1/x", now)
            heapq.heappush(to_send, (slot.at, number, slot))
            continue
        _, number, slot = heapq.heappop(to_send)
        if not budget.stands(slot):
            slot = budget.reserve("/v1/x", now)
            heapq.heappush(to_send, (slot.at, number, slot))
            continue
        passed = limiter.lets_pass(now, 25 if now < 10 else limit)
        answered += passed and now >= 10
        limited += not passed
        heapq.heappush(heard, (now + 0.3 * chance.uniform(0.8, 1.3), number, passed))
    return answered, limited
