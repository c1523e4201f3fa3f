"""Errors: what is done about a reply that can't be used, and the exceptions that carry it.

AirbyteTracedException (CDK)
  StreamFailure      ends one stream; its message names the stream
    StripeError      a request brought no usable answer
    MalformedPage    a list answer breaks Stripe's rules (pages.py)
    MalformedObject  another object came than the one that was asked for (pages.py)
    TooManyRefused   more refused objects than a state carries (refusals.py)
    OtherData        the state is of another account or mode (reading/resuming.py)
  ObjectsRefused     a stream was read but for some objects (refusals.py)
  NoPlatform         the key's account is no platform (accounts/listing.py)
  NameUnknown        the key may not read its own account (accounts/listing.py)
  StateError         the state can't be gone on from (reading/resuming.py)
  InputError         a file of the command line can't be used (process/inputs.py)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.answers import Refusal
from source_stripe.api.replies import Replies

CURSOR_GONE = "place in the list gone"
"""The name of the policy for a list whose row to go on from is gone."""
OF_ACCOUNT = frozenset({"account refused", "account closed"})
"""The names of the policies for an account that a key can't read any more, or never could."""
NO_PLATFORM = "key of no platform"
"""The name of the policy for a key that reads no connected account."""
_Failure = TypeVar("_Failure", bound="StreamFailure")
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
    """A failure that ends one stream. Its message names the stream, once `concerns` was called."""

    stream: str = ""
    whole_list: bool = False
    """Whether it is about a list that many objects need, and not about the one that was being read."""
    parents: tuple[str, ...] = ()
    """If it is about parents: the ids of those whose children could not be read."""
    plain: str = ""
    """The message without the stream's name, once it has that."""

    def concerns(self, stream: str) -> None:
        """Put the stream's name into the message. Only the first call counts."""
        if not self.stream:
            self.stream, self.plain = stream, self.message or ""
            self.message = f"The stream {stream} can't be read. {self.message}"

    def again(self: _Failure) -> _Failure:  # noqa: PYI019 - `typing` has Self since Python 3.11 only
        """The same failure for another stream: one exception can name one stream only."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.args = self.args
        if self.stream:
            twin.stream, twin.message = "", self.plain
        return twin

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
        """Whether the row behind which a list goes on is gone."""
        return self.policy.name == CURSOR_GONE

    @property
    def of_account(self) -> bool:
        """Whether it is about the account that was asked for: others may be readable with the same key."""
        return self.policy.name in OF_ACCOUNT

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions that Stripe says would help."""
        return tuple(dict.fromkeys(_PERMISSION.findall(self.refusal.message)))


def _wanted(permissions: tuple[str, ...]) -> str:
    if not permissions:
        return "read permission for it"
    return f"the permission{'s' if len(permissions) > 1 else ''} {' and '.join(permissions)}"


@contextmanager
def ends(stream: str) -> Iterator[None]:
    """Around the reading of a stream: failures name it."""
    try:
        yield
    except StreamFailure as failure:
        failure.concerns(stream)
        raise
