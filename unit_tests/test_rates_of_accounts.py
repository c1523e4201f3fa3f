"""The rate windows of connected accounts, below those that all share; and requests that name an account."""

from __future__ import annotations

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.rates import RateBudget
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.asking import RateLimits
from unit_tests.conftest import API

CHARGES = "/v1/charges"
LIMITS = RateLimits(account=10, endpoint=5)


def slots(budget: RateBudget, account: str, count: int, now: float = 0.0) -> list[float]:
    return [budget.reserve(CHARGES, now, account).at for _ in range(count)]


def test_accounts_share_the_limits_of_their_platform() -> None:
    budget = RateBudget(LIMITS)

    assert slots(budget, "acct_a", 3) + slots(budget, "acct_b", 3) == [0, 0, 0, 0, 0, 1]


def test_apart_each_account_has_limits_of_its_own() -> None:
    budget = RateBudget(LIMITS, apart=True)

    assert slots(budget, "acct_a", 5) == slots(budget, "acct_b", 5) == [0] * 5
    assert slots(budget, "acct_a", 1) == [1]


def test_the_429_of_one_account_slows_down_that_one_alone() -> None:
    budgets = {account: RateBudget(LIMITS) for account in ("acct_a", "acct_b")}
    for budget in budgets.values():
        budget.slow_down(CHARGES, None, 0.0, "acct_a")
        budget.slow_down(CHARGES, None, 0.1, "acct_a")

    assert slots(budgets["acct_b"], "acct_b", 5, now=0.2) == [0.2] * 5
    assert max(slots(budgets["acct_a"], "acct_a", 5, now=0.2)) > 1.0


def test_429s_of_two_accounts_at_a_time_are_about_what_they_share() -> None:
    budget = RateBudget(LIMITS)
    budget.slow_down(CHARGES, None, 0.0, "acct_a")
    budget.slow_down(CHARGES, None, 0.1, "acct_b")

    assert max(slots(budget, "acct_c", 5, now=0.2)) > 0.2


def test_429s_of_two_accounts_far_apart_are_not() -> None:
    budget = RateBudget(LIMITS)
    budget.slow_down(CHARGES, None, 0.0, "acct_a")
    budget.slow_down(CHARGES, None, 60.0, "acct_b")

    assert slots(budget, "acct_c", 5, now=60.1) == [60.1] * 5


def test_an_account_that_is_through_is_forgotten() -> None:
    budget = RateBudget(LIMITS, apart=True)
    slots(budget, "acct_a", 5)
    budget.forget("acct_a")

    assert slots(budget, "acct_a", 1) == [0]


def test_what_is_refused_to_one_account_is_asked_of_the_next(requester: StripeRequester, requests_mock: Mocker) -> None:
    refusal = {"error": {"code": "account_invalid", "message": "no access"}}
    requests_mock.get(f"{API}{CHARGES}", json={"object": "list", "data": [], "has_more": False})
    of_account = {"Stripe-Account": "acct_a"}
    refused = requests_mock.get(f"{API}{CHARGES}", request_headers=of_account, status_code=403, json=refusal)
    first, second = requester.of_account("acct_a"), requester.of_account("acct_b")

    for _ in range(2):
        with pytest.raises(StripeError):
            first.get(CHARGES)

    assert refused.call_count == 1
    assert second.get(CHARGES).body["data"] == requester.get(CHARGES).body["data"] == []
    names = [request.headers.get("Stripe-Account") for request in requests_mock.request_history]
    assert names == ["acct_a", "acct_b", None]
    assert not requester.in_vain


def test_a_key_that_is_refused_once_is_asked_with_no_more(requester: StripeRequester, requests_mock: Mocker) -> None:
    asked = requests_mock.get(f"{API}{CHARGES}", status_code=401, json={"error": {"message": "Invalid API Key"}})

    for each in (requester.of_account("acct_a"), requester.of_account("acct_b"), requester):
        with pytest.raises(StripeError):
            each.get(CHARGES)

    assert asked.call_count == 1
    assert requester.in_vain


def test_a_stripe_that_answers_no_account_is_waited_for_once(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}{CHARGES}", status_code=503, json={"error": {"message": "down"}})

    for account in ("acct_a", "acct_b", "acct_c"):
        with pytest.raises(StripeError):
            requester.of_account(account).get(CHARGES)

    assert requester.clock() <= 900


def test_an_account_that_never_answers_leaves_the_others_their_patience(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}{CHARGES}", json={"object": "list", "data": [], "has_more": False})
    down = {"Stripe-Account": "acct_a"}
    requests_mock.get(f"{API}{CHARGES}", request_headers=down, status_code=503, json={"error": {"message": "down"}})

    with pytest.raises(StripeError):
        requester.of_account("acct_a").get(CHARGES)

    assert requester.of_account("acct_b").get(CHARGES).body["data"] == []
    assert not requester.in_vain
