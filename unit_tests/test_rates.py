"""The rate budget: never more than allowed in a second, and adaptive to a 429."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.rates import RateBudget, RateLimits, Window

BUDGET = {"live": 100.0, "test": 25.0, "endpoint": 25.0, "files": 20.0, "share": 0.8}


@pytest.mark.parametrize(
    ("live", "call_rate_limit", "account", "endpoint", "files"),
    [(True, None, 80, 20, 16), (False, None, 20, 20, 16), (True, 50, 50, 12.5, 10), (False, 50, 50, 50, 40)],
)
def test_the_share_goes_for_both_windows(
    live: bool, call_rate_limit: int | None, account: float, endpoint: float, files: float
) -> None:
    limits = RateLimits.of(BUDGET, live=live, call_rate_limit=call_rate_limit)

    assert limits.account == pytest.approx(account)
    assert limits.endpoint == pytest.approx(endpoint)
    assert limits.exceptions["/v1/files"] == pytest.approx(files)


@given(st.integers(1, 30), st.lists(st.floats(0, 0.3), min_size=1, max_size=120))
def test_no_second_holds_more_than_the_rate(rate: int, pauses: list[float]) -> None:
    window, now, slots = Window(rate), 0.0, []
    for pause in pauses:
        now += pause
        slot = window.next_slot(now)
        window.take(slot)
        slots.append(slot)

    for first, slot in enumerate(slots):
        assert sum(slot <= other < slot + 1 - 1e-9 for other in slots[first:]) <= rate


def test_an_endpoint_waits_while_others_go() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=2))

    waits = [budget.reserve("/v1/charges", 0.0) for _ in range(3)]

    assert waits == [0.0, 0.0, 1.0]
    assert budget.reserve("/v1/invoices", 0.0) == 0.0


@given(st.lists(st.tuples(st.floats(0, 0.2), st.sampled_from(["/v1/a", "/v1/b", "/v1/c"])), min_size=1, max_size=100))
def test_no_second_of_the_account_or_an_endpoint_holds_more_than_its_rate(asked: list[tuple[float, str]]) -> None:
    budget, now = RateBudget(RateLimits(account=7, endpoint=3)), 0.0
    slots: list[tuple[float, str]] = []
    for pause, endpoint in asked:
        now += pause
        slots.append((now + budget.reserve(endpoint, now), endpoint))

    for first, own in slots:
        in_this_second = [endpoint for slot, endpoint in slots if first <= slot < first + 1 - 1e-9]
        assert len(in_this_second) <= 7
        assert in_this_second.count(own) <= 3


def test_a_429_halves_what_it_names_and_the_rate_grows_back() -> None:
    window = Window(20)

    window.slow_down(now=10.0)

    assert window.rate(10.0) == 10
    assert window.rate(13.0) == 13
    # Near the rate that failed it only feels its way.
    assert 19.6 < window.rate(30.0) < 20
    assert window.rate(40.0) == 20


def test_a_lower_limit_is_found_and_kept() -> None:
    window, now, limit = Window(25), 0.0, 10
    answered: list[float] = []
    limited = 0
    while now < 300:
        now = window.next_slot(now)
        window.take(now)
        if sum(time > now - 1 for time in answered) >= limit:
            limited += 1
            window.slow_down(now)
        else:
            answered.append(now)

    assert len(answered) >= 0.9 * limit * 300
    assert limited <= 0.05 * len(answered)


def test_no_more_requests_are_worth_having_than_fill_the_budget() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=25))
    for _ in range(100):
        budget.answered(0.3)
    slow = budget.worth_having_under_way()
    for _ in range(100):
        budget.answered(0.002)

    assert 30 <= slow <= 60
    assert budget.worth_having_under_way() == 2


def test_a_list_fills_no_more_than_its_own_budget() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=25, exceptions={"/v1/files": 10}))
    for _ in range(100):
        budget.answered(0.4)

    account, charges, files = (budget.worth_having_under_way(path) for path in (None, "/v1/charges", "/v1/files"))

    assert files < charges < account
    assert 10 <= charges <= 25


def test_the_429s_of_one_burst_count_once() -> None:
    window = Window(20)

    for now in (10.0, 10.1, 10.9):
        window.slow_down(now)

    assert window.rate(10.9) == pytest.approx(10.9)


def test_a_rate_below_one_still_moves() -> None:
    window = Window(1)
    window.slow_down(0.0)
    window.take(window.next_slot(0.0))

    assert window.next_slot(0.0) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("reason", "charges", "invoices"), [("endpoint-rate", 10, 20), ("global-rate", 15, 15), (None, 10, 20)]
)
def test_the_reason_says_which_window_slows(reason: str | None, charges: int, invoices: int) -> None:
    budget = RateBudget(RateLimits(account=30, endpoint=20))
    budget.slow_down("/v1/charges", reason, now=0.0)

    def at_once(endpoint: str) -> int:
        fresh = RateBudget(RateLimits(account=30, endpoint=20))
        fresh.slow_down("/v1/charges", reason, now=0.0)
        return sum(fresh.reserve(endpoint, 0.0) == 0.0 for _ in range(40))

    assert at_once("/v1/charges") == charges
    assert at_once("/v1/invoices") == invoices
