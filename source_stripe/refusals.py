"""Refusals: what Stripe's refusal of one object is about. Pure."""

from __future__ import annotations

import re

from source_stripe.errors import Outcome, StripeError

_NAMES_AN_ID = re.compile(r"\b(?:No such [\w .]+|Invalid [\w .]+ id): ?")


def is_gone(error: StripeError, object_id: str, *params: str) -> bool:
    """Whether Stripe says that the object of this id is not there: the one that the request asked for, or asked with.

    The same code comes for any object that the answer would have held. Where the message names no id at all, the
    parameter decides: `params` are the names that the request, or Stripe, has for this object besides `id`.
    """
    if error.outcome is not Outcome.RESOURCE_MISSING:
        return False
    said = error.refusal
    if _is_named(object_id, said.message):
        return True
    if _NAMES_AN_ID.search(said.message):
        return False
    return said.param in {"id", *params}


def _is_named(object_id: str, message: str) -> bool:
    """Whether a message names an id, as Stripe's do: behind a colon, or in quotes."""
    named = re.escape(object_id)
    return re.search(rf""": ?{named}(?=[\s.,;)]|$)|(['"`]){named}\1""", message) is not None
