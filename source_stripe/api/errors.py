"""Failures: what a reply that is no usable answer is to us, and the exceptions that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.answers import Refusal
from source_stripe.api.replies import Replies

CURSOR_GONE = "place in the list gone"
"""The policy of a list that can't be gone on with, as the row to go on from is gone."""
_PERMISSION = re.compile(r"\b[a-z_]+_read\b")


class Outcome(Enum):
    """What is done about a reply that is no usable answer."""

    RETRY = "asked again, for as long as patience lasts"
    KEY_REFUSED = "every stream fails"
    PERMISSION_MISSING = "the streams that need it fail"
    NOT_ENABLED = "the stream ends empty, and complete"
    RESOURCE_MISSING = "the object counts as deleted"
    REFUSED = "the stream fails"


@dataclass(frozen=True)
class Policy:
    """A row of the table."""

    name: str
    replies: Replies
    outcome: Outcome
    failure: FailureType
    what: str
    """What failed, up to what Stripe said; with `{path}`, and `{key}` for the kind of key."""
    todo: str
    """What to do about it; with `{permission}`."""
    why: str
    """For docs/errors.md: which replies these are, and what they mean; with the fields of the manifest's `Judged`."""

    def sentence(self, *, path: str, key: str, said: str, permission: str) -> str:
        """The message that the user reads."""
        return f"{self.what.format(path=path, key=key)}: {said}. {self.todo.format(permission=permission)}"


class StreamFailure(AirbyteTracedException):
    """A failure whose message names the stream that it ends, once that is known."""

    stream: str = ""
    whole_list: bool = False
    """Whether it is about a list that many objects need, though it was asked for while one of them was read."""
    parents: tuple[str, ...] = ()
    """The ids of the parents whose children could not be read, where it is about those."""

    def concerns(self, stream: str) -> None:
        """It ends this stream, unless it was said before which one."""
        if not self.stream:
            self.stream = stream
            self.message = f"The stream {stream} can't be read. {self.message}"

    def __str__(self) -> str:
        return self.message or ""


class StripeError(StreamFailure):
    """A request that brought no usable answer. `policy` and `refusal` say why; `message` says it to the user."""

    def __init__(self, policy: Policy, path: str, refusal: Refusal, key: str = "key") -> None:
        self.policy = policy
        self.path = path
        self.refusal = refusal
        self.key = key
        sentence = policy.sentence(path=path, key=key, said=str(refusal), permission=_wanted(self.permissions))
        super().__init__(message=sentence, internal_message=f"GET {path}: {refusal}", failure_type=policy.failure)

    @property
    def outcome(self) -> Outcome:
        return self.policy.outcome

    @property
    def cursor_is_gone(self) -> bool:
        """Whether the row that a list was to go on from is not there any more."""
        return self.policy.name == CURSOR_GONE

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions that Stripe says would help."""
        return tuple(dict.fromkeys(_PERMISSION.findall(self.refusal.message)))

    def again(self) -> StripeError:
        """The same for another stream."""
        return StripeError(self.policy, self.path, self.refusal, self.key)


def _wanted(permissions: tuple[str, ...]) -> str:
    if not permissions:
        return "read permission for it"
    return f"the permission{'s' if len(permissions) > 1 else ''} {' and '.join(permissions)}"


@contextmanager
def ends(stream: str) -> Iterator[None]:
    """A failure in here ends this stream, and says so."""
    try:
        yield
    except StreamFailure as failure:
        failure.concerns(stream)
        raise
