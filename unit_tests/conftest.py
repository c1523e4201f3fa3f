"""What the component tests share: a requester whose clock and sleep are the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airbyte_cdk.sources.declarative.auth.token import BearerAuthenticator
from airbyte_cdk.sources.declarative.auth.token_provider import InterpolatedStringTokenProvider
from hypothesis import settings

from source_stripe.api.requester import StripeRequester

KEY = "sk_test_emulator_4eC39HqLyjWDarjtT1zdp7dc"
API = "https://api.stripe.com"

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
        full = {"client_secret": KEY, "api_url": API, "num_workers": 2, **config}
        token = InterpolatedStringTokenProvider(config=full, api_token=full["client_secret"], parameters={})
        return StripeRequester(
            config=full,
            url_base="{{ config['api_url'] }}",
            authenticator=BearerAuthenticator(token_provider=token, config=full, parameters={}),
            request_headers={
                "Stripe-Version": "2026-10-28.endive",
                "Stripe-Account": "{{ config.get('account_id', '') }}",
            },
            timeouts={"connect": 1, "read": 2, "whole": 3},
            rate_budget={"live": 1000, "test": 1000, "endpoint": 1000, "files": 1000, "share": 1},
            backoff={"first": 0.5, "longest": 60, "give_up_after": 900},
            clock=time.clock,
            sleep=time.sleep,
        )

    return make


@pytest.fixture
def requester(make_requester: Callable[..., StripeRequester]) -> StripeRequester:
    return make_requester()
