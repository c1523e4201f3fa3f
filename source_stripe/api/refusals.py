"""Refusals: what Stripe's refusal of one object is about, and which objects of a stream were refused.

All else is read, and the stream then fails with their ids. Its state goes on and carries them: each next sync asks for
them again, until it is answered.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.errors import CURSOR_GONE, Outcome, StreamFailure, StripeError
from source_stripe.api.pages import MalformedObject, MalformedPage

MOST = 100
"""Refused objects that a state carries. More are no matter of single objects: the stream fails."""
_NAMED = 5
"""Ids in a message."""
_OF_ONE = frozenset({"no retry wanted", CURSOR_GONE, "object gone", "id without address", "request refused"})
"""The policies that may be about the one object that a request asked for, or asked with."""
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


def is_of_one(failure: StreamFailure) -> bool:
    """Whether a failure that came while one object was read is about that one: asking for others may well go on."""
    if isinstance(failure, StripeError):
        return failure.policy.name in _OF_ONE and not failure.whole_list
    return isinstance(failure, MalformedObject) or (isinstance(failure, MalformedPage) and failure.of_one)


@contextmanager
def of_a_whole_list() -> Iterator[None]:
    """What is read in here is no matter of the object for which it happens to be read first."""
    try:
        yield
    except StreamFailure as failure:
        failure.whole_list = True
        raise


class ObjectsRefused(AirbyteTracedException):
    """The end of a stream that was read but for some objects."""

    def __init__(self, stream: str, refused: Sequence[tuple[str, str]]) -> None:
        """`refused` are ids, each with what was said of it."""
        ids, (first, said) = [object_id for object_id, _ in refused], refused[0]
        named = ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else ".")
        count = f"{len(ids)} objects" if len(ids) > 1 else "one object"
        super().__init__(
            message=f"The stream {stream} was read but for {count}: {named} Of {first}: {said}. The state goes on, "
            "and the next sync asks again for what is missing. If it stays, ask Stripe's support, with the request ID.",
            internal_message=f"{stream}: refused {named}: {said}",
            failure_type=FailureType.system_error,
        )


class TooManyRefused(StreamFailure):
    """So many objects were refused that the stream is not read on."""

    def __init__(self, first: str, said: str) -> None:
        super().__init__(
            message=f"More than {MOST} of its objects can't be read. Of the first, {first}: {said}. The state stays as "
            "it was. Sync again; if it stays, report it with this message.",
            internal_message=f"more than {MOST} objects refused: {said}",
            failure_type=FailureType.system_error,
        )


@dataclass
class Refused:
    """The objects of a stream that were refused. One serves all threads."""

    stream: str
    carried: tuple[str, ...] = ()
    """Those that the state which the sync came with carries."""
    _said: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put_down(self, object_id: str, failure: StreamFailure) -> None:
        """Go on without this object. Raises the failure where it is not about it, TooManyRefused where it is not alone.

        An object that is not put down was not read: whoever read it must not say that it was.
        """
        if not object_id or not is_of_one(failure):
            raise failure
        with self._lock:
            if object_id not in self._said and len(self._said) == MOST:
                first, said = next(iter(self._said.items()))
                raise TooManyRefused(first, said) from failure
            self._said[object_id] = _said(failure)

    def ids(self, *, ended: bool) -> list[str]:
        """What a state has to carry. Before the stream has ended, those of earlier syncs may not be through."""
        with self._lock:
            return list(dict.fromkeys((*(() if ended else self.carried), *self._said)))

    def failure(self) -> ObjectsRefused | None:
        """How the stream ends, None if no object was refused."""
        with self._lock:
            return ObjectsRefused(self.stream, [*self._said.items()]) if self._said else None


def _said(failure: StreamFailure) -> str:
    if isinstance(failure, StripeError):
        return f"Stripe refused GET {failure.path}, {failure.refusal}"
    return f"{failure.message}".rstrip(".")
