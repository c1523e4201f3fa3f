"""Which account a request is about: the key's own, a connected one, or one of the key's organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stripe_emulator import errors
from stripe_emulator.facts import Endpoint
from stripe_emulator.keys import Key

if TYPE_CHECKING:
    from stripe_emulator.emulator import StripeEmulator

Headers = Mapping[str, str]


def named(headers: Headers) -> str | None:
    """The account that a request names, if it does."""
    return (headers.get("stripe-account") or headers.get("stripe-context", "").rpartition("/")[2]) or None


def asked(owner: StripeEmulator, headers: Headers, key: Key, endpoint: Endpoint) -> StripeEmulator:
    """The account that a request is about, given the one that owns the key. Raises StripeError."""
    if "stripe-account" in headers and "stripe-context" in headers:
        raise errors.both_contexts()
    account = _of_organization(owner, headers, key) if key.organization else _of_account(owner, headers, key)
    if endpoint.path == "/v1/accounts" and not account.is_platform:
        raise errors.platform_required()
    return account


def _of_organization(owner: StripeEmulator, headers: Headers, key: Key) -> StripeEmulator:
    """An account of the organization, or one that is connected to it: `acct_platform/acct_x`."""
    if not (context := headers.get("stripe-context")):
        raise errors.missing_context()
    if "stripe-version" not in headers:
        raise errors.missing_version_of_organization()
    first, _, connected = context.partition("/")
    member = owner.organization.get(first)
    if member is None:
        raise errors.account_invalid(key.secret, first)
    return _connected(member, key, connected) if connected else member


def _of_account(owner: StripeEmulator, headers: Headers, key: Key) -> StripeEmulator:
    name = headers.get("stripe-account") or headers.get("stripe-context") or owner.account["id"]
    if name == owner.account["id"]:
        return owner
    if not owner.is_platform:
        raise errors.platform_required()
    return _connected(owner, key, name)


def _connected(platform: StripeEmulator, key: Key, name: str) -> StripeEmulator:
    refusal = platform.connected.refusal(name)
    if refusal == "unknown":
        raise errors.account_invalid(key.secret, name)
    if refusal == "deleted":
        raise errors.account_deleted(name, platform.connected.deleted_status)
    return platform.connected.lent(name)
