"""The rate budget: when the next request may go, and how many are worth having under way.

Stripe counts requests per account and per endpoint over a second and answers 429 above that
(https://docs.stripe.com/rate-limits). The budget keeps to a share of both limits. A 429 halves the rate of what it
names. The rate then grows back, slower near the one that failed, so that it finds the real limit and stays there.

Requests for connected accounts pass windows of that account too. Whether Stripe counts them there, for the platform, or
for both, it does not say. See docs/design/accounts.md, "Rate limits".
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right, insort
from dataclasses import dataclass, field

from source_stripe.catalog.asking import RateLimits

_SECOND = 1.0
"""Stripe counts requests in windows of so many seconds."""
_LEAST = 0.5
"""Requests a second below which no 429 slows a window down. See docs/design/requests.md, "The rate budget"."""
_NEAR = 0.85
"""Below this share of the rate that failed last, a rate grows by one request a second each second. See
docs/design/requests.md, "The rate budget"."""
_PROBING = 0.01
"""Above it, a rate grows by this times the square of the seconds since. See docs/design/requests.md, "The rate
budget"."""
_MOST_OF_A_PROCESS = 100.0
"""Requests a second. Above that, more threads make one process no faster: they get into each other's way. See
docs/design/requests.md, "How many at once"."""
_BUSY = 0.9
"""A process that uses more than this part of a core is busy: threads of Python take turns. See docs/design/requests.md,
"How many at once"."""
_A_LITTLE_FASTER = 0.97
"""While busy, an answer counts as this part of the average at most: at a hundred answers a second, a quarter of the
workers goes each second. See docs/design/requests.md, "How many at once"."""
_TOGETHER = 5.0
"""Seconds within which the 429s of two connected accounts are taken to be about a limit that they share. See
docs/design/accounts.md, "Rate limits"."""
_RESERVE = 1.8
"""Headroom over Little's law, for uneven latency and bursts. See docs/design/requests.md, "How many at once"."""


@dataclass(frozen=True)
class Slot:
    """The time reserved for a request, in seconds of the monotonic clock. Void if a window was slowed down since."""

    endpoint: str
    at: float
    slowed: int
    account: str = ""
    """The connected account that it is for; empty where it is the key's own."""


class RateWindow:
    """At most `rate` requests in any second. Times are seconds on one monotonic clock; not thread-safe."""

    def __init__(self, rate: float) -> None:
        self._full = rate
        self._slowed_to = rate
        self._slowed_at = float("-inf")
        self._failed: float | None = None
        self._slots: list[float] = []
        self.slowed = 0
        """How many times it was slowed down."""

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
        # Not always the last one: the other window may have put a slot off.
        insort(self._slots, slot)

    def slow_down(self, now: float) -> None:
        """Halve the rate; near the rate that failed last, lower it by 15 %. The 429s of one second count once.

        Slots that were taken for later are given back: at the lower rate there are fewer of them.
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
    """How long Stripe takes to answer, in seconds: a moving average.

    While the process is busy, answers wait for their thread to get a turn. Another worker would make them slower still,
    which would call for the next worker. So each answer then counts as a little faster than the average.
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


@dataclass
class _Windows:
    """Those of one account and its endpoints; or of all accounts together."""

    limits: RateLimits
    account: RateWindow = field(init=False)
    endpoints: dict[str, RateWindow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = RateWindow(self.limits.account)

    def endpoint(self, endpoint: str) -> RateWindow:
        if endpoint not in self.endpoints:
            self.endpoints[endpoint] = RateWindow(self.limits.of_endpoint(endpoint))
        return self.endpoints[endpoint]

    def limited(self, endpoint: str, reason: str | None) -> RateWindow:
        """The window that a 429 with this `Stripe-Rate-Limited-Reason` is about."""
        return self.account if (reason or "").startswith("global") else self.endpoint(endpoint)


class RateBudget:
    """The windows of an account and its endpoints, shared by all threads; and those of accounts connected to it.

    Requests for a connected account pass its own windows and the common ones; only its own where `apart`.
    """

    def __init__(self, limits: RateLimits, *, apart: bool = False) -> None:
        self._limits = limits
        self._apart = apart
        self._all = _Windows(limits)
        self._connected: dict[str, _Windows] = {}
        self._limited_last: dict[RateWindow, tuple[str, float]] = {}
        """By window of all accounts: the connected account that was limited last, and when."""
        self._latency = Latency()
        self._lock = threading.Lock()

    def reserve(self, endpoint: str, now: float, account: str = "") -> Slot:
        """Take the next free slot of the account and the endpoint. When it comes, ask whether it `stands`."""
        with self._lock:
            windows = self._windows(endpoint, account)
            at = max(window.next_slot(now) for window in windows)
            for window in windows:
                window.take(at)
            return Slot(endpoint, at, sum(window.slowed for window in windows), account)

    def stands(self, slot: Slot) -> bool:
        """Whether a request may go in its slot; if not, another one has to be reserved."""
        with self._lock:
            return slot.slowed == sum(window.slowed for window in self._windows(slot.endpoint, slot.account))

    def slow_down(self, endpoint: str, reason: str | None, now: float, account: str = "") -> None:
        """Take in a 429 with this `Stripe-Rate-Limited-Reason`: `global-...` slows the account, else the endpoint.

        The 429 of a connected account is about that one, until a second one gets one too.
        """
        with self._lock:
            common = self._all.limited(endpoint, reason)
            if account:
                self._of(account).limited(endpoint, reason).slow_down(now)
                other, at = self._limited_last.get(common, (account, now))
                self._limited_last[common] = (account, now)
                if self._apart or other == account or now - at > _TOGETHER:
                    return
            common.slow_down(now)

    def forget(self, account: str) -> None:
        """No more requests are for this connected account."""
        with self._lock:
            self._connected.pop(account, None)

    def answered(self, seconds: float, now: float, cpu: float = 0.0) -> None:
        """An answer took so long; until `now` the process has used so many seconds of CPU time."""
        with self._lock:
            self._latency.answered(seconds, now, cpu)

    def worth_having_under_way(self, endpoint: str | None = None) -> int:
        """How many requests at once fill the budget of an endpoint, or of the account (Little's law, and headroom)."""
        limits = self._limits
        rate = limits.account if endpoint is None else min(limits.account, limits.of_endpoint(endpoint))
        if self._apart and endpoint is None:
            rate *= max(1, len(self._connected))
        rate = min(rate, _MOST_OF_A_PROCESS)
        return 1 + math.ceil(_RESERVE * rate * self._latency.seconds)

    def _windows(self, endpoint: str, account: str) -> tuple[RateWindow, ...]:
        common = (self._all.account, self._all.endpoint(endpoint))
        if not account:
            return common
        own = self._of(account)
        return (own.account, own.endpoint(endpoint), *(() if self._apart else common))

    def _of(self, account: str) -> _Windows:
        if account not in self._connected:
            self._connected[account] = _Windows(self._limits)
        return self._connected[account]
