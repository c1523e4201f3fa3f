"""Outcomes: what the failures of accounts mean for these, for their streams, and for the whole sync.

See docs/design/accounts.md, "Failures".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.errors import Outcome, StreamFailure, StripeError

logger = logging.getLogger("airbyte.stripe")

_NAMED = 5
"""Accounts in a message at most."""


class About(Enum):
    """What a failure is about."""

    KEY = "everything: no request of the key will be answered"
    STREAM = "a stream of all accounts: the key lacks a permission"
    ACCOUNT = "an account: the key can't read it any more, or never could"
    ONE = "a stream of one account"


def about(failure: BaseException) -> About:
    """What a failure is about."""
    why = cause(failure)
    if not isinstance(why, StripeError):
        return About.ONE
    if why.of_account:
        return About.ACCOUNT
    if why.outcome is Outcome.KEY_REFUSED:
        return About.KEY
    return About.STREAM if why.outcome is Outcome.PERMISSION_MISSING else About.ONE


def cause(failure: BaseException) -> BaseException:
    """The failure of the stream that another one was read together with."""
    while isinstance(failure, AirbyteTracedException) and not isinstance(failure, StreamFailure) and failure.__cause__:
        failure = failure.__cause__
    return failure


@dataclass
class _Missing:
    """The accounts of which a stream lacks something."""

    accounts: list[str] = field(default_factory=list)
    """The first few."""
    number: int = 0
    said: str = ""
    passing: bool = True
    """Whether all that happened to them may pass."""

    def add(self, account: str, failure: BaseException) -> None:
        self.number += 1
        if len(self.accounts) < _NAMED:
            self.accounts.append(account)
        self.said = self.said or plain(failure)
        kind = failure.failure_type if isinstance(failure, AirbyteTracedException) else FailureType.system_error
        self.passing = self.passing and kind is FailureType.transient_error


@dataclass
class Outcomes:
    """What came of a sync's accounts. For one thread, but for what `stops` and `lacks` tell."""

    ended: AirbyteTracedException | None = None
    """Why no more accounts are read."""
    failed: dict[str, AirbyteTracedException] = field(default_factory=dict)
    """By stream: why it is read of no more accounts."""
    refused: dict[str, StripeError] = field(default_factory=dict)
    """By account."""
    missing: dict[str, _Missing] = field(default_factory=dict)
    """By stream."""
    answered: bool = False
    """Whether some account was read."""

    def take(self, account: str, failures: Mapping[str, Sequence[Exception]], complete: int) -> str | None:
        """Take in what came of an account, of which so many streams are complete. Returns what is wrong with it."""
        self.answered = self.answered or complete > 0
        said = None
        for stream, failure in _each(failures):
            kind, why = about(failure), cause(failure)
            if kind is About.ACCOUNT and isinstance(why, StripeError):
                self.refused.setdefault(account, why)
                return str(why.refusal)
            said = said or plain(failure)
            if kind is About.KEY and isinstance(why, StripeError):
                self.ended = self.ended or why.again()
            elif kind is About.STREAM and isinstance(failure, AirbyteTracedException):
                self.failed.setdefault(stream, failure)
            else:
                self.missing.setdefault(stream, _Missing()).add(account, failure)
        return said

    def in_vain(self, failures: Mapping[str, Sequence[Exception]]) -> None:
        """Nothing is answered any more: no more accounts are read."""
        for _, failure in _each(failures):
            if isinstance(why := cause(failure), StripeError):
                self.ended = self.ended or why.again()

    def end(self) -> None:
        """At the end: warn of the accounts that are left out; if all are, the sync fails."""
        if not self.refused:
            return
        first, why = next(iter(self.refused.items()))
        if not self.answered and self.ended is None:
            self.ended = why.again()
            return
        logger.warning(
            "%s left out, as the key has no access to %s: %s. Of %s Stripe says: %s. Their rows stay as they are, and "
            "the next sync asks again.",
            _counted(len(self.refused)),
            "them" if len(self.refused) > 1 else "it",
            named(list(self.refused), len(self.refused)),
            first,
            why.refusal,
        )

    def failure_of(self, stream: str) -> AirbyteTracedException | None:
        """Why a stream is incomplete; None if it is not."""
        if self.ended is not None:
            return _for(stream, self.ended)
        if stream in self.failed:
            return _for(stream, self.failed[stream])
        missing = self.missing.get(stream)
        if missing is None:
            return None
        count = f"{missing.number} accounts" if missing.number > 1 else "one account"
        return AirbyteTracedException(
            message=f"The stream {stream} was read but for {count}: {named(missing.accounts, missing.number)}. Of "
            f"{missing.accounts[0]}: {missing.said} The state goes on, and the next sync reads on where these are.",
            internal_message=f"{stream} of {named(missing.accounts, missing.number)}: {missing.said}",
            failure_type=FailureType.transient_error if missing.passing else FailureType.system_error,
        )


def named(accounts: Sequence[str], number: int) -> str:
    """The first few accounts of so many."""
    shown = ", ".join(accounts[:_NAMED])
    return f"{shown} and {number - _NAMED} more" if number > _NAMED else shown


def plain(failure: BaseException) -> str:
    """What a failure says, in a sentence."""
    why = cause(failure)
    if isinstance(why, StreamFailure):
        return why.plain or str(why)
    if isinstance(why, AirbyteTracedException):
        return str(why.message)
    return f"An unexpected error occurred: {type(why).__name__}."


def _each(failures: Mapping[str, Sequence[Exception]]) -> Iterator[tuple[str, Exception]]:
    """The failures by stream, those first that say more than that a stream fails together with another."""
    pairs = [(stream, failure) for stream, own in failures.items() for failure in own[:1]]
    return iter(sorted(pairs, key=lambda pair: about(pair[1]) is not About.ACCOUNT))


def _for(stream: str, failure: AirbyteTracedException) -> AirbyteTracedException:
    if not isinstance(failure, StreamFailure):
        return failure
    twin = failure.again()
    twin.concerns(stream)
    return twin


def _counted(number: int) -> str:
    return f"{number} accounts are" if number > 1 else "One account is"
