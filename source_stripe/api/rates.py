"""The rate budget: when the next request may go, and how many are worth having under way.

Stripe counts requests per account and per endpoint over a second and answers 429 above that
(https://docs.stripe.com/rate-limits). The budget holds a share of both, backs off from what a 429 names and grows
back, slower near the rate that failed, so that it finds the real limit and stays there.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right, insort
from dataclasses import dataclass

from source_stripe.catalog.asking import RateLimits

_SECOND = 1.0
_LEAST = 0.5
_NEAR = 0.85
"""Up to this share of the rate that failed last, it grows back by a request a second each second."""
_PROBING = 0.01
"""From there on it feels its way: it grows by this times the square of the seconds since."""
_MOST_OF_A_PROCESS = 100.0
"""Requests a second beyond which one process gains nothing by more threads: they only get into each other's way."""
_BUSY = 0.9
"""Above this part of a core, a process is busy: threads of Python take turns."""
_A_LITTLE_FASTER = 0.97
"""At a hundred answers a second that takes a quarter of the workers a second away."""
_RESERVE = 1.8
"""So many times the requests that would do if all answers took as long, and came evenly."""


@dataclass(frozen=True)
class Slot:
    """The time at which a request may go, as long as its windows were slowed down no more often than until now."""

    endpoint: str
    at: float
    slowed: int


class RateWindow:
    """At most `rate` requests in any second. Times are seconds on one monotonic clock; not thread-safe."""

    def __init__(self, rate: float) -> None:
        self._full = rate
        self._slowed_to = rate
        self._slowed_at = float("-inf")
        self._failed: float | None = None
        self._slots: list[float] = []
        self.slowed = 0
        """How often it was slowed down."""

    def rate(self, now: float) -> float:
        """Requests a second at `now`: what the last 429 left, and what has grown back since."""
        grown = self._slowed_to + max(0.0, now - self._slowed_at)
        near = max(self._slowed_to, (self._failed or math.inf) * _NEAR)
        if grown > near:
            grown = near + _PROBING * (grown - near) ** 2
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
        """Halve the rate, or take a little off where it had come near what failed. One burst's 429s count once.

        Slots that were taken for later are given back: they were so many because the rate was higher.
        """
        if now - self._slowed_at < _SECOND:
            return
        rate = self.rate(now)
        was_near = self._failed is not None and rate >= self._failed * _NEAR
        self._failed = rate
        self._slowed_to = max(rate * (_NEAR if was_near else 0.5), _LEAST)
        self._slowed_at = now
        self.slowed += 1
        del self._slots[bisect_right(self._slots, now) :]


class Latency:
    """How long Stripe takes to answer, in seconds, as an average of late.

    While the process is busy, answers wait for their thread to get a turn, and each worker more would make them slower,
    and call for the next one. So each answer counts as a little faster than the average, until the process isn't busy.
    """

    def __init__(self) -> None:
        self.seconds = 0.3
        self._since = 0.0
        self._cpu = 0.0
        self._busy = False

    def answered(self, seconds: float, now: float, cpu: float) -> None:
        """An answer took so long; until `now` the process has used so many seconds of CPU time."""
        passed = now - self._since
        if passed >= _SECOND:
            self._busy = cpu - self._cpu > _BUSY * passed
            self._since, self._cpu = now, cpu
        if self._busy:
            seconds = min(seconds, _A_LITTLE_FASTER * self.seconds)
        self.seconds += (seconds - self.seconds) * 0.1


class RateBudget:
    """The windows of an account and its endpoints, shared by all threads."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._account = RateWindow(limits.account)
        self._endpoints: dict[str, RateWindow] = {}
        self._latency = Latency()
        self._lock = threading.Lock()

    def reserve(self, endpoint: str, now: float) -> Slot:
        """Take the next free slot of the account and the endpoint. When it comes, ask whether it `stands`."""
        with self._lock:
            windows = self._windows(endpoint)
            at = max(window.next_slot(now) for window in windows)
            for window in windows:
                window.take(at)
            return Slot(endpoint, at, sum(window.slowed for window in windows))

    def stands(self, slot: Slot) -> bool:
        """Whether a request may go in its slot; if not, another one has to be reserved."""
        with self._lock:
            return slot.slowed == sum(window.slowed for window in self._windows(slot.endpoint))

    def slow_down(self, endpoint: str, reason: str | None, now: float) -> None:
        """Heed a 429 with this `Stripe-Rate-Limited-Reason`: `global-...` slows the account, else the endpoint."""
        with self._lock:
            limited = self._account if (reason or "").startswith("global") else self._endpoint(endpoint)
            limited.slow_down(now)

    def answered(self, seconds: float, now: float, cpu: float = 0.0) -> None:
        """An answer took so long; until `now` the process has used so many seconds of CPU time."""
        with self._lock:
            self._latency.answered(seconds, now, cpu)

    def worth_having_under_way(self, endpoint: str | None = None) -> int:
        """How many requests fill the budget of an endpoint, or of the account, at today's latency (Little's law), and
        a reserve: answers take turns to be late, and requests of a second come in waves."""
        limits = self._limits
        rate = limits.account if endpoint is None else min(limits.account, limits.of_endpoint(endpoint))
        rate = min(rate, _MOST_OF_A_PROCESS)
        return 1 + math.ceil(_RESERVE * rate * self._latency.seconds)

    def _windows(self, endpoint: str) -> tuple[RateWindow, RateWindow]:
        return self._account, self._endpoint(endpoint)

    def _endpoint(self, endpoint: str) -> RateWindow:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = RateWindow(self._limits.of_endpoint(endpoint))
        return self._endpoints[endpoint]
