"""What the component tests share: a requester whose clock and sleep are the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings

from source_stripe.api.listing import RangeFilter
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.asking import Asking, RateLimits
from source_stripe.catalog.config import parse_config
from source_stripe.catalog.manifest import Manifest

KEY = "sk_test_emulator_4eC39HqLyjWDarjtT1zdp7dc"
API = "https://api.stripe.com"
MANIFEST = Manifest.load()
ROWS = MANIFEST.rows
ASKING = Asking.of(MANIFEST, parse_config({"client_secret": KEY}))
CREATED = RangeFilter("created[gte]", "created[lt]")

# A property's time says nothing where cores are shared.
settings.register_profile("shared cores", deadline=None)
settings.load_profile("shared cores")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.slept.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def make_requester(time: Time) -> Callable[..., StripeRequester]:
    def make(**config: Any) -> StripeRequester:
        parsed = parse_config({"client_secret": KEY, "api_url": API, "num_workers": 2, **config})
        declared = Asking.of(MANIFEST, parsed)
        asking = replace(
            declared,
            limits=declared.limits if parsed.call_rate_limit else RateLimits(account=1000, endpoint=1000),
            patience=replace(ASKING.patience, connect=1, read=2, whole=3),
        )
        return StripeRequester(parsed, asking, clock=time.clock, sleep=time.sleep)

    return make


@pytest.fixture
def requester(make_requester: Callable[..., StripeRequester]) -> StripeRequester:
    return make_requester()
