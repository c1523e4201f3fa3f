"""Judging: which policy a reply of Stripe's falls under. The table of policies stands in `policies.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from source_stripe.api.answers import Refusal
from source_stripe.api.errors import Policy
from source_stripe.api.policies import TABLE
from source_stripe.api.replies import Reply
from source_stripe.catalog.asking import Judged

_OF_ANSWERS = {"object", "data", "id"}
"""Every answer has one of these; some objects have an `error` beside."""


def policy_of(
    status: int, headers: Mapping[str, str], body: Any, judged: Judged, *, for_account: bool = False
) -> Policy | None:
    """The policy for an answer; None if the answer can be used. `body` is the decoded JSON; None if it was none.

    `judged` is what the manifest says of replies; `for_account` where a connected account was asked for.
    """
    is_json = isinstance(body, Mapping)
    is_error = is_json and bool(body.get("error")) and not _OF_ANSWERS & body.keys()
    if 200 <= status < 300 and is_json and not is_error:
        return None
    said, should_retry = Refusal.of(status, headers, body), headers.get("Stripe-Should-Retry", "")
    return _first(
        Reply(
            said,
            should_retry,
            is_json,
            is_error=is_error,
            for_account=for_account,
            limited=status in judged.limited,
            passing=status in judged.passing,
            of_cursor=said.param == judged.cursor_param,
        )
    )


def policy_of_silence(error: Exception) -> Policy:
    """The policy for a request that got no answer."""
    return _first(Reply(Refusal.silence(error), error=error))


def _first(reply: Reply) -> Policy:
    return next(policy for policy in TABLE.values() if policy.replies.has(reply))
