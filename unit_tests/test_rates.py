"""The rate budget: never more than allowed in a second, and adaptive to a 429."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.rates import RateBudget, RateWindow
from source_stripe.catalog.asking import RateLimits
from unit_tests.lower_limit import under_a_lower_limit


@given(st.integers(1, 30), st.lists(st.floats(0, 0.3), min_size=1, max_size=120))
def test_no_second_holds_more_than_the_rate(rate: int, pauses: list[float]) -> None:
    window, now, slots = RateWindow(rate), 0.0, []
    for pause in pauses:
        now += pause
        slot = window.next_slot(now)
        window.take(slot)
        slots.append(slot)

    for first, slot in enumerate(slots):
        assert sum(slot <= other < slot + 1 - 1e-9 for other in slots[first:]) <= rate


def test_an_endpoint_waits_while_others_go() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=2))

    slots = [budget.reserve("/v1/charges", 5.0).at for _ in range(3)]

    assert slots == [5.0, 5.0, 6.0]
    assert budget.reserve("/v1/invoices", 5.0).at == 5.0


@given(st.lists(st.tuples(st.floats(0, 0.2), st.sampled_from(["/v1/a", "/v1/b", "/v1/c"])), min_size=1, max_size=100))
def test_no_second_of_the_account_or_an_endpoint_holds_more_than_its_rate(asked: list[tuple[float, str]]) -> None:
    budget, now = RateBudget(RateLimits(account=7, endpoint=3)), 0.0
    slots: list[tuple[float, str]] = []
    for pause, endpoint in asked:
        now += pause
        slots.append((budget.reserve(endpoint, now).at, endpoint))

    for first, own in slots:
        in_this_second = [endpoint for slot, endpoint in slots if first <= slot < first + 1 - 1e-9]
        assert len(in_this_second) <= 7
        assert in_this_second.count(own) <= 3


def test_a_429_halves_what_it_names_and_the_rate_grows_back() -> None:
    window = RateWindow(20)

    window.slow_down(now=10.0)

    assert window.rate(10.0) == 10
    assert window.rate(13.0) == 13
    # Near the rate that failed it only feels its way.
    assert window.rate(17.0) == 17
    assert window.rate(27.0) == pytest.approx(18)
    assert window.rate(40.0) == 20


def test_a_rate_that_fails_again_near_the_one_that_failed_is_lowered_a_little() -> None:
    window = RateWindow(20)
    window.slow_down(now=10.0)

    window.slow_down(now=27.0)

    assert window.rate(27.0) == pytest.approx(18 * 0.85)
    assert window.rate(28.0) == pytest.approx(18 * 0.85 + 0.01)


def test_a_rate_that_fails_again_far_below_the_one_that_failed_is_halved_again() -> None:
    window = RateWindow(20)
    window.slow_down(now=10.0)

    window.slow_down(now=12.0)

    assert window.rate(12.0) == 6


def test_slots_of_a_rate_that_failed_are_given_back() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=4))
    slots = [budget.reserve("/v1/charges", 0.0) for _ in range(8)]
    other = budget.reserve("/v1/invoices", 0.0)
    assert slots[-1].at == 1.0

    budget.slow_down("/v1/charges", "endpoint-rate", now=0.5)

    assert not any(map(budget.stands, slots))
    assert budget.stands(other)
    # Four have gone; the rate is back at 2.5 by then, which is three in 1.2 seconds.
    again = [budget.reserve("/v1/charges", 1.0) for _ in range(4)]
    assert [slot.at for slot in again] == pytest.approx([1.2, 1.2, 1.2, 2.4])
    assert all(map(budget.stands, again))


@pytest.mark.parametrize("limit", [10, 15, 20])
def test_a_lower_limit_is_found_and_kept(limit: int) -> None:
    answered, limited = under_a_lower_limit(limit)

    assert answered >= 0.9 * limit * 50
    assert limited <= 0.05 * answered


def test_no_more_requests_are_worth_having_than_fill_the_budget() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=25))
    for _ in range(100):
        budget.answered(0.3, now=0)
    slow = budget.worth_having_under_way()
    for _ in range(100):
        budget.answered(0.002, now=0)

    assert 30 <= slow <= 60
    assert budget.worth_having_under_way() == 2


@pytest.mark.parametrize(("busy", "least", "most"), [(0.3, 64, 999), (1.0, 1, 10)])
def test_more_workers_are_worth_having_only_while_the_process_is_not_busy(busy: float, least: int, most: int) -> None:
    """A process answers 60 requests a second at most: with more workers each of them only waits longer."""
    budget = RateBudget(RateLimits(account=100, endpoint=25))
    now = 0.0
    while now < 60:
        workers = min(budget.worth_having_under_way(), 64)
        now += 1 / 60
        budget.answered(workers / 60 * 0.9, now, cpu=busy * now)

    assert least <= budget.worth_having_under_way() <= most


def test_a_list_fills_no_more_than_its_own_budget() -> None:
    budget = RateBudget(RateLimits(account=100, endpoint=25, exceptions={"/v1/files": 10}))
    for _ in range(100):
        budget.answered(0.4, now=0)

    account, charges, files = (budget.worth_having_under_way(path) for path in (None, "/v1/charges", "/v1/files"))

    assert files < charges < account
    assert 10 <= charges <= 25


def test_the_429s_of_one_burst_count_once() -> None:
    window = RateWindow(20)

    for now in (10.0, 10.1, 10.9):
        window.slow_down(now)

    assert window.rate(10.9) == pytest.approx(10.9)


def test_a_rate_below_one_still_moves() -> None:
    window = RateWindow(1)
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
        return sum(fresh.reserve(endpoint, 0.0).at == 0.0 for _ in range(40))

    assert at_once("/v1/charges") == charges
    assert at_once("/v1/invoices") == invoices
