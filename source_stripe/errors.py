"""What Stripe's answers mean for a sync: the table of DESIGN that says retry, end empty, or fail, and with which words.

Source of the retry rules: stripe-python's `_http_client` (obey `Stripe-Should-Retry`, else 409, 429 and 5xx pass) and
https://docs.stripe.com/error-low-level.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.answers import Refusal

# Stripe answers 400 or 404 with one of these where the account does not have a product.
_NOT_ENABLED = re.compile(
    r"not set up to use"
    r"|Have you onboarded to"
    r"|Unrecognized request URL \(GET: /v1/treasury"
    r"|only available in testmode"
    r"|isn't available in test mode"
    r"|Accounts v2 is not enabled"
    r"|API surface is not enabled"
    r"|not authorized to send Forwarding requests"
)
_PERMISSION = re.compile(r"rak_\w+_read")


class Outcome(Enum):
    """What to do about an answer."""

    OK = "use it"
    RETRY = "ask again"
    KEY_REFUSED = "the whole sync can't go on"
    PERMISSION_MISSING = "the stream can't be read with this key"
    NOT_ENABLED = "the account does not have the product: the stream is empty"
    RESOURCE_MISSING = "the object is gone"
    REFUSED = "our request or the account is off: the stream fails"


def judge(status: int, headers: Mapping[str, str], body: Any) -> Outcome:
    """The outcome of an answer. `body` is the decoded JSON, or None where the answer held none."""
    if 200 <= status < 300:
        return Outcome.OK if isinstance(body, Mapping) else Outcome.RETRY
    should_retry = headers.get("Stripe-Should-Retry")
    if should_retry == "true" or status == 429:
        return Outcome.RETRY
    if should_retry != "false" and (status in (408, 409) or status >= 500):
        return Outcome.RETRY
    refusal = Refusal.of(status, headers, body)
    if status == 401:
        return Outcome.KEY_REFUSED
    if status == 403:
        return Outcome.PERMISSION_MISSING
    if status in (400, 404) and _NOT_ENABLED.search(refusal.message):
        return Outcome.NOT_ENABLED
    if _names_what_is_gone(refusal):
        return Outcome.RESOURCE_MISSING
    return Outcome.REFUSED


def _names_what_is_gone(refusal: Refusal) -> bool:
    """Whether the path, or a parameter that says whose rows are listed, names an object that is not there any more.

    A row to go on from is none of that: without it, the rest of the list would be missed.
    """
    cursors = ("starting_after", "ending_before")
    return refusal.status in (400, 404) and refusal.code == "resource_missing" and refusal.param not in cursors


class StripeError(AirbyteTracedException):
    """Stripe would not answer a request. `outcome` and `refusal` say why; `message` says it to the user."""

    def __init__(self, outcome: Outcome, path: str, refusal: Refusal) -> None:
        self.outcome = outcome
        self.path = path
        self.refusal = refusal
        super().__init__(
            message=_sentence(outcome, path, refusal),
            internal_message=f"GET {path}: {refusal}",
            failure_type=_FAILURE_TYPES.get(outcome, FailureType.system_error),
        )

    def __str__(self) -> str:
        return self.message or ""


_FAILURE_TYPES = {
    Outcome.RETRY: FailureType.transient_error,
    Outcome.KEY_REFUSED: FailureType.config_error,
    Outcome.PERMISSION_MISSING: FailureType.config_error,
    Outcome.NOT_ENABLED: FailureType.config_error,
}


def _sentence(outcome: Outcome, path: str, refusal: Refusal) -> str:
    if outcome is Outcome.KEY_REFUSED:
        return (
            f"Stripe does not accept the key: {refusal}. Create a new secret or restricted key at "
            "https://dashboard.stripe.com/apikeys and put it into client_secret."
        )
    if outcome is Outcome.PERMISSION_MISSING:
        named = _PERMISSION.search(refusal.message)
        permission = f"the permission {named[0]}" if named else "read permission for it"
        return (
            f"The key may not read {path}: {refusal}. Give the key {permission} at "
            "https://dashboard.stripe.com/apikeys, or leave the stream out."
        )
    if outcome is Outcome.NOT_ENABLED:
        return f"The account does not have what {path} lists: {refusal}."
    if outcome is Outcome.RETRY:
        return (
            f"Stripe did not answer GET {path} for too long: {refusal}. Sync again later; nothing read so far is lost."
        )
    return f"Stripe refused GET {path}: {refusal}."
