"""The account behind the key, and Stripe's clock as the sync began. Asked once a sync."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from source_stripe.errors import Outcome, StripeError
from source_stripe.requester import StripeRequester

logger = logging.getLogger("airbyte.stripe")


@dataclass(frozen=True)
class Account:
    """What a sync needs to know first. `now` is Stripe's time (Unix seconds): the cutoff of all that the sync reads."""

    id: str
    name: str
    birth: int | None
    """When the account was created (Unix seconds), or None where the key may not know."""
    now: int


class AccountReader:
    """Reads the account at the first call; all threads get the same answer, or the same failure.

    A key that is refused is so for every stream; and if each of them had its own patience with a Stripe that does not
    answer, they would have it one after the other.
    """

    def __init__(self, requester: StripeRequester) -> None:
        self._requester = requester
        self._lock = threading.Lock()
        self._account: Account | None = None
        self._failure: StripeError | None = None

    def read(self) -> Account:
        """Raises StripeError if the key is refused. Where the key may not read its account, only the time is known."""
        with self._lock:
            if self._failure is not None:
                raise self._failure.again()
            if self._account is None:
                try:
                    self._account = self._ask()
                except StripeError as failure:
                    self._failure = failure.again()
                    raise
            return self._account

    def _ask(self) -> Account:
        try:
            answer = self._requester.get("/v1/account")
        except StripeError as error:
            if error.outcome is not Outcome.PERMISSION_MISSING:
                raise
            logger.info("The key may not read its own account; going on without its name and age.")
            return Account(id="", name="", birth=None, now=error.refusal.date)
        body = answer.body
        profile = body.get("business_profile") or {}
        dashboard = (body.get("settings") or {}).get("dashboard") or {}
        name = profile.get("name") or dashboard.get("display_name") or body.get("email") or ""
        return Account(id=str(body.get("id", "")), name=str(name), birth=body.get("created"), now=answer.date)
