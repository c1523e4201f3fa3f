"""The emulator's latency and rate limits, by a clock of the test's own."""

import asyncio
from contextlib import AsyncExitStack
from statistics import median

import pytest
import requests

from stripe_emulator import StripeEmulator
from stripe_emulator.fixtures import Client
from stripe_emulator.limits import Limits, Traffic

LIST, GET = "/v1/charges", "/v1/charges/{charge}"


class Drive:
    """Sends requests through the limits, one after the other, at the times that the test says."""

    def __init__(self, limits: Limits) -> None:
        self.now = 0.0
        self.traffic = Traffic(clock=lambda: self.now)
        self.traffic.limits = limits

    def send(self, *endpoints: str) -> list[str | None]:
        """Why each was refused, None if it was not."""
        return [asyncio.run(self._pass(endpoint)) for endpoint in endpoints]

    async def _pass(self, endpoint: str) -> str | None:
        async with self.traffic.passing(endpoint) as reason:
            return reason


def test_without_limits_everything_passes() -> None:
    assert set(Drive(Limits()).send(*[LIST] * 1000)) == {None}


def test_endpoint_has_a_second_of_its_rate_and_gets_it_back_bit_by_bit() -> None:
    drive = Drive(Limits(endpoint_rate=25))
    assert drive.send(*[LIST] * 27) == [None] * 25 + ["endpoint-rate"] * 2
    drive.now = 0.12
    assert drive.send(*[LIST] * 4) == [None] * 3 + ["endpoint-rate"]
    drive.now = 100.0
    assert drive.send(*[LIST] * 26) == [None] * 25 + ["endpoint-rate"]


def test_list_and_get_of_an_object_are_two_endpoints() -> None:
    drive = Drive(Limits(endpoint_rate=2))
    assert drive.send(LIST, LIST, LIST, GET, GET, GET) == [None, None, "endpoint-rate"] * 2


def test_account_counts_all_endpoints() -> None:
    drive = Drive(Limits(account_rate=3, endpoint_rate=2))
    assert drive.send(LIST, LIST, GET, "/v1/customers") == [None, None, None, "global-rate"]


def test_refused_request_takes_nothing_from_any_limit() -> None:
    drive = Drive(Limits(account_rate=3, endpoint_rate=1))
    assert drive.send(LIST, LIST, LIST, GET, "/v1/customers") == [None, "endpoint-rate", "endpoint-rate", None, None]


def test_endpoint_with_a_rate_of_its_own() -> None:
    drive = Drive(Limits(endpoint_rate=25, rates={"/v1/files": 1}))
    assert drive.send("/v1/files", "/v1/files", LIST, LIST) == [None, "endpoint-rate", None, None]


def test_shorter_burst() -> None:
    assert Drive(Limits(endpoint_rate=20, burst=0.1)).send(LIST, LIST, LIST) == [None, None, "endpoint-rate"]


def test_limits_may_change_while_requests_come() -> None:
    drive = Drive(Limits(endpoint_rate=10))
    drive.send(*[LIST] * 10)
    drive.now = 1.0
    drive.traffic.limits = Limits(endpoint_rate=2)
    assert drive.send(LIST, LIST, LIST) == [None, None, "endpoint-rate"]


@pytest.mark.parametrize(
    ("limits", "second", "reason"),
    [
        (Limits(account_concurrency=1), GET, "global-concurrency"),
        (Limits(endpoint_concurrency=1), LIST, "endpoint-concurrency"),
        (Limits(endpoint_concurrency=1), GET, None),
    ],
)
def test_requests_in_flight(limits: Limits, second: str, reason: str | None) -> None:
    traffic = Traffic()
    traffic.limits = limits

    async def overlapping() -> list[str | None]:
        async with AsyncExitStack() as stack:
            return [await stack.enter_async_context(traffic.passing(one)) for one in (LIST, second)]

    assert asyncio.run(overlapping()) == [None, reason]
    assert asyncio.run(overlapping()) == [None, reason], "both requests are through: there is room again"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long requests were held, without holding them."""
    held: list[float] = []

    async def hold(seconds: float) -> None:
        held.append(seconds)

    monkeypatch.setattr("stripe_emulator.limits.asyncio.sleep", hold)
    return held


def test_latency_is_spread_around_its_median(pauses: list[float]) -> None:
    Drive(Limits(latency=0.3, jitter=0.25)).send(*[LIST] * 2001)
    assert median(pauses) == pytest.approx(0.3, rel=0.02)
    assert sum(0.2 < pause < 0.45 for pause in pauses) == pytest.approx(0.9 * 2001, rel=0.02)


def test_latency_is_the_same_for_the_same_seed(pauses: list[float]) -> None:
    for seed in (7, 7, 8):
        Drive(Limits(latency=0.3, seed=seed)).send(LIST, LIST)
    assert pauses[0:2] == pauses[2:4] != pauses[4:6]


def test_429_says_what_stripe_says(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.traffic.limits = Limits(endpoint_rate=0.001, burst=1000)
    assert stripe.get("/v1/charges").status_code == 200
    answer = stripe.get("/v1/charges")
    assert answer.status_code == 429
    assert answer.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert "Retry-After" not in answer.headers
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "rate_limit")
    assert "rate limit exceeded" in error["message"]
    assert stripe.get("/v1/customers").status_code == 200
    assert [request.status for request in emulator.requests] == [200, 429, 200]


def test_limits_can_be_set_from_outside(emulator: StripeEmulator, stripe: Client) -> None:
    control = f"{emulator.url}/_emulator/limits"
    answer = requests.post(control, json={"account_rate": 0.001, "burst": 1000}, timeout=10)
    assert answer.json()["account_rate"] == 0.001
    assert [stripe.get("/v1/charges").status_code, stripe.get("/v1/customers").status_code] == [200, 429]
    requests.post(control, json={}, timeout=10)
    assert stripe.get("/v1/charges").status_code == 200
    counts = requests.get(f"{emulator.url}/_emulator/requests", timeout=10).json()
    assert counts["by_status"] == {"200": 2, "429": 1}


def test_limits_that_there_are_not(emulator: StripeEmulator) -> None:
    answer = requests.post(f"{emulator.url}/_emulator/limits", json={"requests": 3}, timeout=10)
    assert answer.status_code == 400
    assert "requests" in answer.json()["error"]
