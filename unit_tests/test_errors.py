"""What each answer of Stripe means, and what the user reads."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import FailureType

from source_stripe.answers import Refusal, decode, stripe_time
from source_stripe.errors import Outcome, StripeError, judge


def error(message: str = "", **fields: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (200, {}, {"data": []}, Outcome.OK),
        (200, {}, None, Outcome.RETRY),
        (301, {}, None, Outcome.REFUSED),
        (400, {}, error("Received unknown parameter: foo"), Outcome.REFUSED),
        (400, {}, error("Your account is not set up to use Issuing."), Outcome.NOT_ENABLED),
        (404, {}, error("Unrecognized request URL (GET: /v1/treasury/financial_accounts)."), Outcome.NOT_ENABLED),
        (404, {}, error("Unrecognized request URL (GET: /v1/foo)."), Outcome.REFUSED),
        (404, {}, error("No such charge: 'ch_1'", code="resource_missing"), Outcome.RESOURCE_MISSING),
        (400, {}, error("No such list", code="resource_missing", param="value_list"), Outcome.RESOURCE_MISSING),
        (400, {}, error("No such charge", code="resource_missing", param="starting_after"), Outcome.REFUSED),
        (401, {}, error("Invalid API Key provided: sk_test_****"), Outcome.KEY_REFUSED),
        (403, {}, error("... Having the 'rak_charge_read' permission would allow this."), Outcome.PERMISSION_MISSING),
        (409, {}, error(), Outcome.RETRY),
        (409, {"Stripe-Should-Retry": "false"}, error(), Outcome.REFUSED),
        (429, {}, error(), Outcome.RETRY),
        (429, {"Stripe-Should-Retry": "false"}, error(), Outcome.RETRY),
        (400, {"Stripe-Should-Retry": "true"}, error(), Outcome.RETRY),
        (500, {}, None, Outcome.RETRY),
        (503, {"Stripe-Should-Retry": "false"}, error(), Outcome.REFUSED),
    ],
)
def test_an_answer_has_one_outcome(status: int, headers: dict[str, str], body: Any, outcome: Outcome) -> None:
    assert judge(status, headers, body) is outcome


def test_a_refusal_tells_all_that_stripe_said() -> None:
    refusal = Refusal.of(
        400, {"Request-Id": "req_7"}, error("Unknown parameter.", code="parameter_unknown", param="foo")
    )

    assert str(refusal) == "Unknown parameter. (HTTP 400, invalid_request_error, parameter_unknown, param foo, req_7)"


@pytest.mark.parametrize("body", [None, {}, {"error": "no"}, {"error": {"message": None}}, []])
def test_a_body_that_is_no_error_object_is_no_problem(body: Any) -> None:
    assert "HTTP 500" in str(Refusal.of(500, {}, body))


def test_keys_in_stripes_own_words_are_cut() -> None:
    refusal = Refusal.of(403, {}, error("The provided key 'rk_test_51Habc***def' does not have the permissions."))

    assert refusal.message == "The provided key 'rk_test_...' does not have the permissions."


@pytest.mark.parametrize(
    ("outcome", "refusal", "words", "failure_type"),
    [
        (
            Outcome.KEY_REFUSED,
            Refusal(401, message="Expired."),
            ["does not accept the key", "Expired.", "apikeys"],
            "config",
        ),
        (
            Outcome.PERMISSION_MISSING,
            Refusal(403, message="Having the 'rak_charge_read' permission would allow this."),
            ["may not read /v1/x", "the permission rak_charge_read at"],
            "config",
        ),
        (Outcome.PERMISSION_MISSING, Refusal(403, message="No."), ["Give the key read permission for it"], "config"),
        (
            Outcome.REFUSED,
            Refusal(400, message="Odd.", request_id="req_1"),
            ["refused GET /v1/x: Odd.", "req_1"],
            "system",
        ),
        (Outcome.RETRY, Refusal(503), ["did not answer GET /v1/x for too long", "HTTP 503", "Sync again"], "transient"),
    ],
)
def test_the_user_reads_what_failed_and_what_to_do(
    outcome: Outcome, refusal: Refusal, words: list[str], failure_type: str
) -> None:
    failure = StripeError(outcome, "/v1/x", refusal)

    for word in words:
        assert word in str(failure)
    assert failure.failure_type is FailureType[f"{failure_type}_error"]


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"data": [', b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_none(content: bytes) -> None:
    assert decode(content) is None


def test_stripes_clock_is_its_date_header() -> None:
    assert stripe_time({"Date": "Sat, 22 Nov 2025 08:26:40 GMT"}) == 1763800000
