"""What goes wrong with a question, beside what Stripe refuses."""

from __future__ import annotations

TIMES_ARE_NUMBERS = "Times of Stripe are Unix seconds: stripe_time(created) is a time, to be compared with one."


class QueryError(Exception):
    """A question can't be answered. The text says why, and what to do."""


class NotConfirmedError(QueryError):
    """A question would cost more requests than are made without asking."""
