"""Refusals: whether Stripe refuses one object or more than that, and which objects of a stream it refused.

All other objects are read. The stream then fails with the ids of those that were refused, but its state goes on and
carries them: each next sync asks for them again, until Stripe answers.
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
"""Refused objects that a state carries at most. With more, it is not about single objects: the stream fails. See
docs/design/changes.md, "Refusals"."""
_NAMED = 5
"""Ids in a message at most."""
_OF_ONE = frozenset({"no retry wanted", CURSOR_GONE, "object gone", "id without address", "request refused"})
"""The policies that may be about the one object that a request asked for, or asked with."""
_NAMES_AN_ID = re.compile(r"\b(?:No such [\w .]+|Invalid [\w .]+ id): ?")


def is_gone(error: StripeError, object_id: str, *params: str) -> bool:
    """Whether Stripe says that this object is not there, rather than another one.

    The same code comes for any object that the request named, or that the answer would have held. Where the message
    names no id, the parameter decides: `params` are what the request, or Stripe, calls this object besides `id`.
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
    """Whether a failure is about the one object that was being read: others can still be read."""
    if isinstance(failure, StripeError):
        return failure.policy.name in _OF_ONE and not failure.whole_list
    return isinstance(failure, MalformedObject) or (isinstance(failure, MalformedPage) and failure.of_one)


@contextmanager
def of_a_whole_list() -> Iterator[None]:
    """Around the reading of a list that many objects need: its failure is not about the object that needs it first."""
    try:
        yield
    except StreamFailure as failure:
        failure.whole_list = True
        raise


class ObjectsRefused(AirbyteTracedException):
    """The failure of a stream of which all was read but some objects that Stripe refused."""

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
    """The failure of a stream of which too many objects were refused."""

    def __init__(self, first: str, said: str) -> None:
        super().__init__(
            message=f"More than {MOST} of its objects can't be read. Of the first, {first}: {said}. The state stays as "
            "it was. Sync again; if it stays, report it with this message.",
            internal_message=f"more than {MOST} objects refused: {said}",
            failure_type=FailureType.system_error,
        )


@dataclass
class Refused:
    """The objects of a stream that were refused. Used by all threads that read the stream."""

    stream: str
    carried: tuple[str, ...] = ()
    """The ids in the state that the sync began with."""
    _said: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put_down(self, object_id: str, failure: StreamFailure) -> None:
        """Leave this object out, and keep its id for the state.

        Raises the failure where it is not about this object, and TooManyRefused where the state carries too many.
        """
        if not object_id or not is_of_one(failure):
            raise failure
        with self._lock:
            if object_id not in self._said and len(self._said) == MOST:
                first, said = next(iter(self._said.items()))
                raise TooManyRefused(first, said) from failure
            self._said[object_id] = _said(failure)

    def ids(self, *, ended: bool) -> list[str]:
        """The ids that a state has to carry: with those of earlier syncs until the stream has ended."""
        with self._lock:
            return list(dict.fromkeys((*(() if ended else self.carried), *self._said)))

    def failure(self) -> ObjectsRefused | None:
        """The failure that the stream ends with; None if no object was refused."""
        with self._lock:
            return ObjectsRefused(self.stream, [*self._said.items()]) if self._said else None


def _said(failure: StreamFailure) -> str:
    if isinstance(failure, StripeError):
        return f"Stripe refused GET {failure.path}, {failure.refusal}"
    return f"{failure.message}".rstrip(".")
