"""Refusals: whether the object that is not there is the one that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.api.answers import Refusal
from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.judging import policy_of
from source_stripe.api.pages import MalformedObject, MalformedPage
from source_stripe.api.refusals import MOST, Refused, TooManyRefused, is_gone, is_of_one, of_a_whole_list
from unit_tests.conftest import ASKING


def refusal(status: int, message: str, **fields: Any) -> StripeError:
    body = {"error": {"type": "invalid_request_error", "message": message, **fields}}
    policy = policy_of(status, {}, body, ASKING.judged)
    assert policy is not None
    return StripeError(policy, "/v1/charges/{id}", Refusal.of(status, {}, body))


def missing(message: str, status: int = 404, **fields: Any) -> StripeError:
    return refusal(status, message, code="resource_missing", **fields)


@pytest.mark.parametrize(
    "error",
    [
        missing("No such charge: 'ch_1'", param="charge"),
        missing("No such charge: 'ch_1'", status=400),
        missing("No such charge: ch_1"),
        missing("No such charge: 'ch_1'; a similar object exists in live mode."),
        missing("No tax association found for payment intent: ch_1"),
        missing("There is no charge 'ch_1' here.", param="whatever"),
        missing("The charge is not there.", param="id"),
        missing("", param="charge"),
        refusal(404, "No such charge: 'ch_1'"),
        refusal(404, "Invalid charge id: ch_1"),
    ],
    ids=lambda error: str(error.refusal),
)
def test_what_was_asked_for_is_gone(error: StripeError) -> None:
    assert is_gone(error, "ch_1", "charge")


@pytest.mark.parametrize(
    "error",
    [
        missing("No such invoice item: 'ii_1'", param="invoice_item"),
        missing("No such invoice item: 'ii_1'", param="id"),  # the message counts
        missing("No such charge: 'ch_11'", param="id"),
        missing("No such charge: 'xch_1'"),
        missing("No such invoice item: ii_ch_1"),
        missing("Something is not there", param="invoice_item"),
        missing("No such charge"),
        missing(""),
        missing("No such charge: 'ch_1'", param="starting_after"),
        refusal(404, "No such mandate: 'mandate_1'"),
        refusal(404, "Unrecognized request URL (GET: /v1/charges/ch_1)."),
        refusal(404, "Unrecognized request URL (GET: ch_1)."),
        refusal(404, "No such charge"),
        refusal(400, "Invalid charge id: ch_1"),
        refusal(404, "No such charge: 'ch_1'", code="odd"),
        refusal(403, "No such charge: 'ch_1'", code="resource_missing"),
        refusal(500, "No such charge: 'ch_1'", code="resource_missing"),
        refusal(400, "A source must be attached to a customer.", param="charge"),
    ],
    ids=lambda error: str(error.refusal),
)
def test_another_refusal_does_not_say_that_it_is_gone(error: StripeError) -> None:
    assert not is_gone(error, "ch_1", "charge")


@pytest.mark.parametrize("object_id", ["50% off", "a.b", "it's", "(x)", "invoice"])
def test_ids_that_users_chose_are_found_as_they_are(object_id: str) -> None:
    assert is_gone(missing(f"No such coupon: '{object_id}'"), object_id)
    assert not is_gone(missing("No such invoice: 'axb'"), object_id)


@pytest.mark.parametrize(
    "failure",
    [
        refusal(400, "A source must be attached to a customer.", param="payment_method"),
        refusal(402, "Pay first.", code="card_declined"),
        refusal(404, "Odd."),
        refusal(422, "Odd."),
        missing("No such invoice item: 'ii_1'", param="invoice_item"),
        missing("No such charge: 'ch_2'", param="starting_after"),
        MalformedObject("/v1/charges/{id}", "its `id` is ch_2, not ch_1"),
    ],
    ids=str,
)
def test_a_refusal_of_one_object_is_put_down(failure: StreamFailure) -> None:
    refused = Refused("charges")

    refused.put_down("ch_1", failure)

    assert refused.ids(ended=True) == ["ch_1"]


@pytest.mark.parametrize(
    "failure",
    [
        refusal(401, "Invalid API Key provided."),
        refusal(403, "The key lacks a permission."),
        refusal(403, "No access.", code="account_invalid"),
        refusal(429, "Too many requests."),
        refusal(400, "Your account is not set up to use Issuing."),
        refusal(404, "Unrecognized request URL (GET: /v1/charges/ch_1)."),
        refusal(500, "Trouble."),
        MalformedPage("/v1/charges/{id}/refunds", "it is no list"),
    ],
    ids=str,
)
def test_what_is_about_more_than_one_object_is_raised(failure: StreamFailure) -> None:
    with pytest.raises(StreamFailure) as raised:
        Refused("charges").put_down("ch_1", failure)

    assert raised.value is failure


def test_so_is_what_many_objects_need_and_what_has_no_id() -> None:
    def read() -> None:
        with of_a_whole_list():
            raise refusal(400, "Odd.")

    with pytest.raises(StreamFailure) as raised:
        read()
    assert not is_of_one(raised.value)
    with pytest.raises(StreamFailure):
        Refused("balance").put_down("", refusal(400, "Odd."))


def test_a_stream_without_refusals_does_not_fail() -> None:
    refused = Refused("charges", carried=("ch_1",))

    assert refused.failure() is None
    # Until the end nobody knows whether it was asked for already.
    assert (refused.ids(ended=False), refused.ids(ended=True)) == (["ch_1"], [])


def test_the_failure_names_five_ids_and_says_what_was_said_of_the_first() -> None:
    refused = Refused("charges", carried=("ch_1", "ch_9"))
    refused.put_down("ch_1", refusal(400, "Odd."))
    one = refused.failure()
    for number in range(1, 8):
        refused.put_down(f"ch_{number}", refusal(400, "Odd." if number == 1 else "Others."))

    assert str(one.message if one else "") == (
        "The stream charges was read but for one object: ch_1. Of ch_1: Stripe refused GET /v1/charges/{id}, Odd. "
        "(HTTP 400, invalid_request_error). The state goes on, and the next sync asks again for what is missing. If it "
        "stays, ask Stripe's support, with the request ID."
    )
    seven = refused.failure()
    assert seven is not None
    assert (seven.message or "").startswith(
        "The stream charges was read but for 7 objects: ch_1, ch_2, ch_3, ch_4, ch_5, ... Of ch_1: Stripe refused GET "
    )
    assert refused.ids(ended=False) == ["ch_1", "ch_9", *(f"ch_{number}" for number in range(2, 8))]


def test_more_than_a_hundred_are_no_matter_of_single_objects() -> None:
    refused = Refused("charges")
    for number in range(MOST):
        refused.put_down(f"ch_{number}", refusal(400, "Odd."))
    refused.put_down("ch_0", refusal(400, "Odd."))

    for _ in range(2):
        with pytest.raises(TooManyRefused, match=r"More than 100 of its objects .* Of the first, ch_0: Stripe refused"):
            refused.put_down("ch_100", refusal(400, "Odd."))

    assert len(refused.ids(ended=True)) == MOST


def test_a_list_in_one_object_that_can_t_be_right_is_a_matter_of_that_object() -> None:
    refused = Refused("invoices")
    refused.put_down("in_1", MalformedPage("/v1/invoices/in_1/lines", "the list ends after 10 rows", of_one=True))

    failure = refused.failure()
    assert failure is not None
    assert "Of in_1: Stripe's answer to GET /v1/invoices/in_1/lines can't be right: the list ends after 10 rows." in (
        failure.message or ""
    )
