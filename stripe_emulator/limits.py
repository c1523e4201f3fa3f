"""How long answers take and how many requests pass: a model of Stripe's latency and rate limits, for benchmarks.

https://docs.stripe.com/rate-limits says how many requests a second an account and each of its endpoints may make, and
that a 429 names the limit in `Stripe-Rate-Limited-Reason`; https://stripe.com/blog/rate-limiters that the limiters are
token buckets, and that others count requests in flight. An endpoint is an operation: GET /v1/charges and
GET /v1/charges/{charge} are two.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import exp
from random import Random
from typing import Literal

_ROUNDING = 1e-9
"""Seconds by which sums of intervals may be off."""

Reason = str
"""What `Stripe-Rate-Limited-Reason` says."""


@dataclass(frozen=True)
class Limits:
    """Seconds, requests a second, and requests in flight; None: as fast, or as many, as comes.

    Answers take `latency` seconds in the median, log-normally spread: with a `jitter` of 0.25 nine of ten lie between
    two thirds and one and a half times of it. Each bucket holds `burst` seconds of its rate.
    """

    latency: float | None = None
    jitter: float = 0.25
    seed: int = 1
    account_rate: float | None = None
    endpoint_rate: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    """Of endpoints, by path, that have rates of their own."""
    burst: float = 1.0
    account_concurrency: int | None = None
    endpoint_concurrency: int | None = None
    counts: Literal["platform", "account", "both"] = "platform"
    """On whom requests count that name a connected account. Stripe does not say."""


class Traffic:
    """The requests that are on their way, under limits that may be changed at any time. Belongs to one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: defaultdict[tuple[str | None, str | None], _Bucket] = defaultdict(_Bucket)
        """By account, None is the platform, and endpoint, None is all of them."""
        self.limits = Limits()

    @property
    def limits(self) -> Limits:
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self._random = Random(limits.seed)

    @asynccontextmanager
    async def passing(self, endpoint: str, account: str | None = None) -> AsyncIterator[Reason | None]:
        """Let a request take its time; gives the reason to refuse it, None if it may pass. `account` is the connected
        one that it names."""
        reason = self._refusal(endpoint, account)
        buckets = [] if reason else [bucket for _, bucket, _, _ in self._checks(endpoint, account)]
        for bucket in buckets:
            bucket.in_flight += 1
        try:
            if self._limits.latency is not None:
                await asyncio.sleep(self._limits.latency * exp(self._random.gauss(0, self._limits.jitter)))
            yield reason
        finally:
            for bucket in buckets:
                bucket.in_flight -= 1

    def _checks(self, endpoint: str, account: str | None) -> Iterator[tuple[str, "_Bucket", float | None, int | None]]:
        """The buckets that a request counts in: which of the limits they are of, rate and concurrency."""
        limits, buckets = self._limits, self._buckets
        rate = limits.rates.get(endpoint, limits.endpoint_rate)
        whose = {"platform": (None,), "account": (account,), "both": (None, account)}[limits.counts]
        for each in dict.fromkeys(whose):
            yield "global", buckets[each, None], limits.account_rate, limits.account_concurrency
            yield "endpoint", buckets[each, endpoint], rate, limits.endpoint_concurrency

    def _refusal(self, endpoint: str, account: str | None) -> Reason | None:
        """Which limit a request that comes now breaks. Only one that breaks none takes from the buckets."""
        limits, now = self._limits, self._clock()
        checks = [*self._checks(endpoint, account)]
        for whose, bucket, allowed, concurrency in checks:
            if concurrency is not None and bucket.in_flight >= concurrency:
                return f"{whose}-concurrency"
            if allowed is not None and not bucket.has_token(now, allowed, limits.burst):
                return f"{whose}-rate"
        for _, bucket, allowed, _ in checks:
            if allowed is not None:
                bucket.take(now, allowed)
        return None


@dataclass
class _Bucket:
    """A token bucket, known by the time at which it will be full again (the generic cell rate algorithm)."""

    full_at: float = 0.0
    in_flight: int = 0

    def has_token(self, now: float, rate: float, burst: float) -> bool:
        return self.full_at + 1 / rate <= now + burst + _ROUNDING

    def take(self, now: float, rate: float) -> None:
        self.full_at = max(self.full_at, now) + 1 / rate
