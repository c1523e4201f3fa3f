"""Requests: what goes out, what is asked again, and when patience ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests_mock import Mocker

from source_stripe.api.errors import Outcome, StripeError
from source_stripe.api.requester import StripeRequester
from unit_tests.conftest import API, KEY, Time

CHARGES = f"{API}/v1/charges"
EMPTY = {"object": "list", "data": [], "has_more": False}


def test_a_request_carries_key_version_and_parameters(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=EMPTY, headers={"Date": "Sat, 22 Nov 2025 08:26:40 GMT"})

    answer = requester.get("/v1/charges", (("limit", "100"), ("expand[]", "data.a"), ("expand[]", "data.b")))

    assert (answer.body, answer.date) == (EMPTY, 1763800000)
    sent = requests_mock.request_history[0]
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.headers["Stripe-Version"] == "2026-10-28.endive"
    assert "Stripe-Account" not in sent.headers
    assert sent.url == f"{CHARGES}?limit=100&expand%5B%5D=data.a&expand%5B%5D=data.b"
    assert str(sent.timeout) == "(1, 2)"


def test_an_account_of_the_config_is_named(
    make_requester: Callable[..., StripeRequester], requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=EMPTY)

    make_requester(account_id="acct_1").get("/v1/charges")

    assert requests_mock.request_history[0].headers["Stripe-Account"] == "acct_1"


def test_ids_fill_the_path(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=EMPTY)

    assert requester.get("/v1/invoices/{invoice}/lines", invoice="in_1").body == EMPTY


@pytest.mark.parametrize("object_id", ["", ".", ".."])
def test_an_id_that_would_lead_elsewhere_is_not_asked_for(
    requester: StripeRequester, requests_mock: Mocker, object_id: str
) -> None:
    with pytest.raises(StripeError, match="can't be sent for an object whose id is empty, or only a dot or two"):
        requester.get("/v1/products/{product}/features", product=object_id)

    assert requests_mock.request_history == []


@pytest.mark.parametrize(
    "passing",
    [
        {"status_code": 409, "json": {}},
        {"status_code": 429, "json": {}, "headers": {"Stripe-Rate-Limited-Reason": "endpoint-rate"}},
        {"status_code": 500, "text": "oops"},
        {"status_code": 503, "json": {"error": {"message": "down"}}},
        {"status_code": 200, "text": '{"object": "list", "data": [{"id"'},
        {"status_code": 200, "text": "<html>maintenance</html>"},
        {"exc": requests.ConnectTimeout},
        {"exc": requests.ReadTimeout},
        {"exc": requests.exceptions.ChunkedEncodingError},
        {"exc": requests.ConnectionError},
    ],
)
def test_what_passes_is_asked_again(
    requester: StripeRequester, requests_mock: Mocker, time: Time, passing: dict[str, Any]
) -> None:
    requests_mock.get(CHARGES, [passing, passing, {"json": EMPTY}])

    assert requester.get("/v1/charges").body == EMPTY
    assert len(requests_mock.request_history) == 3
    first, second = [pause for pause in time.slept if pause > 0.01]
    assert 0.25 <= first <= 0.5
    assert 0.5 <= second <= 1.0


def test_retry_after_is_obeyed(requester: StripeRequester, requests_mock: Mocker, time: Time) -> None:
    requests_mock.get(CHARGES, [{"status_code": 503, "headers": {"Retry-After": "7"}}, {"json": EMPTY}])

    requester.get("/v1/charges")

    assert 7.0 in time.slept


def test_retry_after_zero_does_not_hurry(requester: StripeRequester, requests_mock: Mocker, time: Time) -> None:
    """Else it would be asked as fast as the rate budget lets us, for a quarter of an hour."""
    requests_mock.get(CHARGES, status_code=503, headers={"Retry-After": "0"})

    with pytest.raises(StripeError):
        requester.get("/v1/charges")

    assert len(requests_mock.request_history) < 40
    assert time.now > 600


@pytest.mark.parametrize("value", ["soon", "-1", "²", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_a_retry_after_that_says_no_seconds_is_as_none(
    requester: StripeRequester, requests_mock: Mocker, value: str
) -> None:
    requests_mock.get(CHARGES, [{"status_code": 503, "headers": {"Retry-After": value}}, {"json": EMPTY}])

    assert requester.get("/v1/charges").body == EMPTY


def test_a_stripe_that_answers_nothing_is_waited_for_once(
    requester: StripeRequester, requests_mock: Mocker, time: Time
) -> None:
    """Streams are read one after the other where there are more than threads: each would wait a quarter of an hour."""
    down: dict[str, Any] = {"status_code": 503}
    up: dict[str, Any] = {"json": EMPTY}
    requests_mock.get(CHARGES, **down)
    requests_mock.get(f"{API}/v1/payouts", **down)
    for path in ("/v1/charges", "/v1/payouts", "/v1/charges"):
        with pytest.raises(StripeError):
            requester.get(path)
    assert 600 <= time.now <= 900

    requests_mock.get(f"{API}/v1/refunds", **up)
    requester.get("/v1/refunds")
    charges = requests_mock.get(CHARGES, [down, down, up])
    assert requester.get("/v1/charges").body == EMPTY
    assert charges.call_count == 3


def test_patience_lasts_ten_minutes_and_ends(requester: StripeRequester, requests_mock: Mocker, time: Time) -> None:
    requests_mock.get(CHARGES, status_code=503, json={"error": {"message": "down"}}, headers={"Request-Id": "req_9"})

    with pytest.raises(StripeError) as failed:
        requester.get("/v1/charges")

    assert failed.value.outcome is Outcome.RETRY
    assert 600 <= time.now <= 900
    assert max(time.slept) <= 60
    for word in ("/v1/charges", "down", "req_9", "Sync again"):
        assert word in str(failed.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_stays_is_not_asked_again(requester: StripeRequester, requests_mock: Mocker, status: int) -> None:
    requests_mock.get(CHARGES, status_code=status, json={"error": {"message": "no"}})

    with pytest.raises(StripeError):
        requester.get("/v1/charges")

    assert len(requests_mock.request_history) == 1


def test_a_redirect_is_not_followed_with_the_key(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, status_code=302, headers={"Location": "https://evil.test/login?next=1"})
    evil = requests_mock.get("https://evil.test/login", json=EMPTY)

    with pytest.raises(StripeError, match=r"redirect to https://evil\.test") as failed:
        requester.get("/v1/charges")

    assert failed.value.outcome is Outcome.REFUSED
    assert not evil.called
    assert requests_mock.call_count == 1


def test_the_budget_spaces_requests(
    make_requester: Callable[..., StripeRequester], requests_mock: Mocker, time: Time
) -> None:
    requests_mock.get(CHARGES, json=EMPTY)
    requester = make_requester(call_rate_limit=2)

    for _ in range(5):
        requester.get("/v1/charges")

    assert time.now == pytest.approx(2.0)


def test_a_429_meanwhile_puts_off_who_waits_for_a_slot(
    make_requester: Callable[..., StripeRequester], requests_mock: Mocker, time: Time
) -> None:
    requests_mock.get(CHARGES, json=EMPTY)
    requester = make_requester(call_rate_limit=2)
    for _ in range(2):
        requester.get("/v1/charges")

    def sleep(seconds: float) -> None:
        assert seconds == pytest.approx(1.0)
        requester.sleep = time.sleep
        requester._budget.slow_down("/v1/charges", "endpoint-rate", 0.5)
        time.sleep(seconds)

    requester.sleep = sleep
    requester.get("/v1/charges")

    # The rate fell to one a second, and is back at 1.5.
    assert time.now == pytest.approx(2 / 1.5)


def test_a_failure_does_not_show_the_key(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, status_code=401, json={"error": {"message": f"Invalid API Key provided: {KEY}"}})

    with pytest.raises(StripeError) as failed:
        requester.get("/v1/charges")

    assert KEY not in str(failed.value)
    assert KEY not in str(failed.value.internal_message)
    assert KEY not in repr(requester)
