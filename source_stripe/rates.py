"""The rate budget: when the next request may go, and how many are worth having under way.

Stripe counts requests per account and per endpoint over a second and answers 429 above that
(https://docs.stripe.com/rate-limits). The budget holds a share of both, backs off from what a 429 names and grows
back a request a second each second, slower near the rate that failed, so that it finds the real limit and stays there.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECOND = 1.0
_FILES = "/v1/files"
_LEAST = 0.5
_PROBING = 0.002
"""How the rate grows above the one that failed last: by this times the square of the seconds since it got there."""
_NEAR = 1.25
_MOST_OF_A_PROCESS = 150.0
"""Requests a second beyond which one process gains nothing by more threads: they only get into each other's way."""


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

    def of_endpoint(self, endpoint: str) -> float:
        """Requests a second of an endpoint."""
        return self.exceptions.get(endpoint, self.endpoint)


class Window:
    """At most `rate` requests in any second. Times are seconds on one monotonic clock; not thread-safe."""

    def __init__(self, rate: float) -> None:
        self._full = rate
        self._slowed_to = rate
        self._slowed_at = float("-inf")
        self._failed: float | None = None
        self._slots: list[float] = []

    def rate(self, now: float) -> float:
        """Requests a second at `now`: what the last 429 left, and what has grown back since."""
        since = max(0.0, now - self._slowed_at)
        grown = self._slowed_to + since
        if self._failed is not None and grown > self._failed:
            grown = self._failed + _PROBING * (grown - self._failed) ** 2
        return min(self._full, grown)

    def next_slot(self, now: float) -> float:
        """The earliest time, not before `now`, at which a request may go."""
        rate = self.rate(now)
        at_once = max(1, math.ceil(rate))
        gap = at_once / rate
        del self._slots[: bisect_right(self._slots, now - max(gap, _SECOND))]
        return max(now, self._slots[-at_once] + gap) if len(self._slots) >= at_once else now

    def take(self, slot: float) -> None:
        # Not always behind the others: a slot may have been put off by the other window.
        insort(self._slots, slot)

    def slow_down(self, now: float) -> None:
        """Halve the rate, or take a little off where it had come back to what failed. One burst's 429s count once."""
        if now - self._slowed_at < _SECOND:
            return
        rate = self.rate(now)
        was_near = self._failed is not None and rate <= self._failed * _NEAR
        self._failed = rate * 0.98
        self._slowed_to = max(rate * (0.85 if was_near else 0.5), _LEAST)
        self._slowed_at = now


class RateBudget:
    """The windows of an account and its endpoints, shared by all threads."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._account = Window(limits.account)
        self._endpoints: dict[str, Window] = {}
        self._latency = 0.3
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

    def answered(self, seconds: float) -> None:
        """An answer took so long."""
        with self._lock:
            self._latency += (seconds - self._latency) * 0.1

    def worth_having_under_way(self, endpoint: str | None = None) -> int:
        """How many requests fill the budget of an endpoint, or of the account, at today's latency (Little's law), and
        some more for its jitter."""
        limits = self._limits
        rate = limits.account if endpoint is None else min(limits.account, limits.of_endpoint(endpoint))
        rate = min(rate, _MOST_OF_A_PROCESS)
        return 1 + math.ceil(1.5 * rate * self._latency)

    def _endpoint(self, endpoint: str) -> Window:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = Window(self._limits.of_endpoint(endpoint))
        return self._endpoints[endpoint]
