"""The rate budget: when the next request may go.

Stripe counts requests per account and per endpoint over a second and answers 429 above that
(https://docs.stripe.com/rate-limits). The budget holds a share of both limits, halves what a 429 names and lets it grow
back, a request a second each second, so that it finds the real limit and stays there.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECOND = 1.0
_FILES = "/v1/files"


@dataclass(frozen=True)
class RateLimits:
    """Requests a second: of the account, of each of its endpoints, and of the endpoints that differ."""

    account: float
    endpoint: float
    exceptions: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, budget: Mapping[str, float], *, live: bool, call_rate_limit: int | None) -> RateLimits:
        """The limits of the manifest's `rate_budget`, times our share of them.

        `call_rate_limit` (requests a second of the account) sets the share; above 1 where Stripe raised the limits.
        """
        allowed = budget["live"] if live else budget["test"]
        share = call_rate_limit / allowed if call_rate_limit else budget["share"]
        return cls(allowed * share, budget["endpoint"] * share, {_FILES: budget["files"] * share})


class Window:
    """At most `rate` requests in any second. Times are seconds on one monotonic clock; not thread-safe."""

    def __init__(self, rate: float) -> None:
        self._full_rate = rate
        self._slowed_rate = rate
        self._slowed_at = float("-inf")
        self._slots: list[float] = []

    def rate(self, now: float) -> float:
        """Requests a second at `now`: what the last 429 left, plus one for each second since."""
        return min(self._full_rate, self._slowed_rate + max(0.0, now - self._slowed_at))

    def next_slot(self, now: float) -> float:
        """The earliest time, not before `now`, at which a request may go."""
        del self._slots[: bisect_right(self._slots, now - _SECOND)]
        in_a_second = max(1, int(self.rate(now)))
        # Below one request a second the gap grows instead.
        gap = _SECOND / min(1.0, self.rate(now))
        return max(now, self._slots[-in_a_second] + gap) if len(self._slots) >= in_a_second else now

    def take(self, slot: float) -> None:
        # Not always behind the others: a slot may have been put off by the other window.
        insort(self._slots, slot)

    def slow_down(self, now: float) -> None:
        """Halve the rate; the 429s of one burst count once."""
        if now - self._slowed_at >= _SECOND:
            self._slowed_rate = max(self.rate(now) / 2, 0.5)
            self._slowed_at = now


class RateBudget:
    """The windows of an account and its endpoints, shared by all threads."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._account = Window(limits.account)
        self._endpoints: dict[str, Window] = {}
        self._lock = threading.Lock()

    def reserve(self, endpoint: str, now: float) -> float:
        """Take the next free slot of the account and the endpoint; how many seconds from `now` it begins."""
        with self._lock:
            windows = (self._account, self._endpoint(endpoint))
            slot = max(window.next_slot(now) for window in windows)
            for window in windows:
                window.take(slot)
            return slot - now

    def slow_down(self, endpoint: str, reason: str | None, now: float) -> None:
        """Heed a 429 with this `Stripe-Rate-Limited-Reason`: `global-...` slows the account, else the endpoint."""
        with self._lock:
            limited = self._account if (reason or "").startswith("global") else self._endpoint(endpoint)
            limited.slow_down(now)

    def _endpoint(self, endpoint: str) -> Window:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = Window(self._limits.exceptions.get(endpoint, self._limits.endpoint))
        return self._endpoints[endpoint]
