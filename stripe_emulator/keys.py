"""API keys, and what a request's headers must hold."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stripe_emulator import errors
from stripe_emulator.facts import KNOWN_VERSIONS, Endpoint


@dataclass(frozen=True)
class Key:
    """A secret key. `kinds` are the objects that a restricted key may read, `connect` those that it may read of
    connected accounts; None: all. An organization's key reaches all accounts of it, if a request says which."""

    secret: str
    kinds: frozenset[str] | None = None
    expired: bool = False
    connect: frozenset[str] | None = None
    organization: bool = False

    def of_connected(self) -> "Key":
        """What the key may do on connected accounts."""
        return replace(self, kinds=self.connect)


def authenticate(headers: Mapping[str, str], keys: Mapping[str, Key]) -> Key:
    """The key of a request, by Bearer or Basic auth. Raises StripeError 401."""
    secret = _secret(headers.get("authorization", ""))
    if secret is None:
        raise errors.missing_key()
    if secret.startswith("pk_"):
        raise errors.publishable_key()
    key = keys.get(secret)
    if key is None:
        raise errors.invalid_key(secret)
    if key.expired:
        raise errors.expired_key(secret)
    return key


def check_version(version: str | None, endpoint: Endpoint) -> None:
    """Raise StripeError unless the `Stripe-Version` header is one that the emulator serves; v1 may go without."""
    if version is None and endpoint.is_v2:
        raise errors.missing_version()
    if version is not None and version not in KNOWN_VERSIONS:
        raise errors.invalid_version(version)


def check_permission(key: Key, endpoint: Endpoint, account: str) -> None:
    """Raise StripeError 403 where a restricted key may read none of what an endpoint returns."""
    if key.kinds is not None and not key.kinds.intersection(endpoint.objects):
        raise errors.missing_permission(key.secret, account, permission(endpoint.objects[0]))


def check_expansions(key: Key, expanded: Iterable[tuple[str, ...]], account: str) -> None:
    """Raise StripeError 403 where a restricted key may read none of the kinds that an id may expand to."""
    if key.kinds is None:
        return
    for kinds in expanded:
        if not key.kinds.intersection(kinds):
            raise errors.missing_permission(key.secret, account, permission(kinds[0]))


def permission(kind: str) -> str:
    """The permission that lets a restricted key read objects of a kind."""
    return f"rak_{kind.replace('.', '_')}_read"


def _secret(authorization: str) -> str | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
