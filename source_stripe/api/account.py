"""The account behind the key, and Stripe's time as the sync begins. Asked for once a sync."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Protocol

from source_stripe.api.errors import Outcome, StripeError
from source_stripe.api.policies import TABLE
from source_stripe.api.requester import StripeRequester

logger = logging.getLogger("airbyte.stripe")

_EVERY_ACCOUNT_HAS = ("/v1/events", "/v1/customers", "/v1/charges")
"""Lists that every account has: where they are missing too, the server is not Stripe's API."""
_DAY = 86_400
"""Seconds."""
_NOTICED = 10
"""Seconds by which two clocks may differ without a warning: an answer takes a while. See docs/design/state.md,
"Clocks"."""


@dataclass(frozen=True)
class Account:
    """What a sync needs to know first. `now` (Unix seconds) is the cutoff of all that the sync reads: Stripe's time, or
    this machine's where that is somewhat earlier (see `earlier_of`).
    """

    id: str
    name: str
    birth: int | None
    """When the account was created (Unix seconds); None where the key may not read it."""
    now: int


class Reader(Protocol):
    """Tells which account is read, and the time as the sync began."""

    def read(self) -> Account: ...


@dataclass(frozen=True)
class KnownAccount:
    """An account of which that much is known already."""

    account: Account

    def read(self) -> Account:
        return self.account


class AccountReader:
    """Reads the account at the first call. All threads get the same answer, or the same failure.

    A refused key is refused for every stream. And if Stripe does not answer, streams would wait one after the other.
    """

    def __init__(self, requester: StripeRequester, clock: Callable[[], float] = time.time) -> None:
        """`clock` is this machine's (Unix time)."""
        self._requester = requester
        self._clock = clock
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
                    account = self._ask()
                    self._account = replace(account, now=earlier_of(account.now, int(self._clock())))
                except StripeError as failure:
                    self._failure = failure.again()
                    raise
            return self._account

    def _ask(self) -> Account:
        try:
            answer = self._requester.get("/v1/account")
        except StripeError as error:
            if error.outcome is not Outcome.PERMISSION_MISSING:
                self._see_whether_others_answer(error)
            logger.info("Stripe does not show the account; going on without its name and age. %s", error.refusal)
            return Account(id="", name="", birth=None, now=error.refusal.date)
        body = answer.body
        profile = body.get("business_profile") or {}
        dashboard = (body.get("settings") or {}).get("dashboard") or {}
        name = profile.get("name") or dashboard.get("display_name") or body.get("email") or ""
        return Account(id=str(body.get("id", "")), name=str(name), birth=body.get("created"), now=answer.date)

    def _see_whether_others_answer(self, error: StripeError) -> None:
        """Raises the failure if it is about more than the account's own address: what every account has is refused too.

        One that ends every stream, and one that may pass, is such a failure by itself.
        """
        if error.outcome in (Outcome.KEY_REFUSED, Outcome.RETRY) or not 400 <= error.refusal.status < 500:
            raise error
        for path in _EVERY_ACCOUNT_HAS:
            try:
                self._requester.get(path, self._requester.asking.one_row)
            except StripeError as other:
                if other.policy is error.policy:
                    continue
                if other.outcome in (Outcome.KEY_REFUSED, Outcome.RETRY):
                    raise
            return
        if error.outcome is Outcome.NOT_ENABLED:
            raise StripeError(TABLE["nothing at this address"], error.path, error.refusal, error.key)
        raise error


def earlier_of(stripes: int, ours: int) -> int:
    """The time that counts, of two clocks that tell the same moment (Unix seconds). Says it if they differ.

    A sync that begins too early only makes the next one read some changes twice; one that begins too late makes it skip
    them. So the earlier one counts, unless they are more than a day apart: then this machine's is taken to be wrong.
    """
    apart = stripes - ours
    if apart > _DAY:
        logger.warning(
            "This machine's clock (%s) is more than a day behind Stripe's (%s), which counts. Set it right.",
            utc(ours),
            utc(stripes),
        )
        return stripes
    if _NOTICED < apart <= _DAY:
        logger.warning(
            "By the Date header of its answer, Stripe's clock (%s) is ahead of this machine's (%s). The earlier one "
            "counts. Set this machine's clock right, or that of the proxy on the way to Stripe.",
            utc(stripes),
            utc(ours),
        )
    return min(stripes, ours)


def utc(seconds: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
