"""Replies to a request, and how a row of the error table says which of them it is about."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol

from requests.exceptions import InvalidURL

from source_stripe.api.answers import Refusal, causes

_ANY_STATUS = range(1000)


class IdWithoutAddress(InvalidURL):
    """An id that can't be part of a path: empty, or `.` or `..`, which name folders and are dropped on the way."""


@dataclass(frozen=True)
class Reply:
    """What came back for a request: an answer that can't be used, or the exception that says why none came."""

    refusal: Refusal
    should_retry: str = ""
    is_json: bool = True
    is_error: bool = False
    """Whether it is an error object, whatever its status."""
    error: Exception | None = None
    for_account: bool = False
    """Whether a connected account was asked for."""
    limited: bool = False
    """Whether its status says that there were too many requests."""
    passing: bool = False
    """Whether its status is one of those that are asked again."""
    of_cursor: bool = False
    """Whether it is about the row behind which a list goes on."""


class Replies(Protocol):
    """Which replies a row of the table is about."""

    def has(self, reply: Reply) -> bool: ...


@dataclass(frozen=True)
class AnswersWith:
    """Answers with all of these, from Stripe or from what stands between. A field that is not given matches any."""

    statuses: Container[int] = _ANY_STATUS
    codes: Container[str] | None = None
    params: Container[str] | None = None
    says: re.Pattern[str] | None = None
    should_retry: str | None = None
    is_json: bool | None = None
    is_error: bool | None = None
    for_account: bool | None = None
    limited: bool | None = None
    passing: bool | None = None
    of_cursor: bool | None = None
    has_id: bool | None = None
    """Whether it has a request ID, as all of Stripe's have."""

    def has(self, reply: Reply) -> bool:
        said = reply.refusal
        return (
            reply.error is None
            and said.status in self.statuses
            and (self.codes is None or said.code in self.codes)
            and (self.params is None or said.param in self.params)
            and (self.says is None or self.says.search(said.message) is not None)
            and self.should_retry in (None, reply.should_retry)
            and self.is_json in (None, reply.is_json)
            and self.is_error in (None, reply.is_error)
            and self.for_account in (None, reply.for_account)
            and self.limited in (None, reply.limited)
            and self.passing in (None, reply.passing)
            and self.of_cursor in (None, reply.of_cursor)
            and self.has_id in (None, bool(said.request_id))
        )


@dataclass(frozen=True)
class Either:
    """Replies that one of these has, or the other."""

    one: Replies
    other: Replies

    def has(self, reply: Reply) -> bool:
        return self.one.has(reply) or self.other.has(reply)


@dataclass(frozen=True)
class Silence:
    """No answer, for such a reason: an exception of these kinds, or of these words, is at the bottom of it."""

    kinds: tuple[type[BaseException], ...] = (Exception,)
    says: re.Pattern[str] | None = None

    def has(self, reply: Reply) -> bool:
        if reply.error is None:
            return False
        found = [cause for cause in causes(reply.error) if isinstance(cause, self.kinds)]
        return any(self.says is None or self.says.search(str(cause)) for cause in found)
