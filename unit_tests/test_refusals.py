"""Refusals: whether the object that is not there is the one that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.answers import Refusal
from source_stripe.errors import StripeError
from source_stripe.policies import judge
from source_stripe.refusals import is_gone


def refusal(status: int, message: str, **fields: Any) -> StripeError:
    body = {"error": {"type": "invalid_request_error", "message": message, **fields}}
    policy = judge(status, {}, body)
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
