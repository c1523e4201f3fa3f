"""Which accounts a sync reads: the key's own, and those that are connected to it or that the config lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.accounts.known import key_of, part_of
from source_stripe.accounts.legs import Target
from source_stripe.api.account import Account, AccountReader, Reader
from source_stripe.api.errors import NO_PLATFORM, Outcome, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config

_OWN = frozenset({"account"})
_ALL = frozenset({"account", "platform", "stripe"})


class NoPlatform(AirbyteTracedException):
    """The failure of a sync whose key reads no connected accounts."""

    def __init__(self, said: str) -> None:
        super().__init__(
            message=f"connected_accounts is set, but the key's account is no Connect platform: {said}. Leave "
            "connected_accounts empty, or use a key of the platform.",
            internal_message="no platform",
            failure_type=FailureType.config_error,
        )


class NameUnknown(AirbyteTracedException):
    """The failure of a sync that can't say whose its own rows are."""

    def __init__(self) -> None:
        super().__init__(
            message="The key may not read its own account, so that its rows can't say whose they are. Give it read "
            "permission for it (rak_account_read), as connected_accounts is set.",
            internal_message="the platform's id is unknown",
            failure_type=FailureType.config_error,
        )


@dataclass(frozen=True)
class Accounts:
    """The accounts of a sync."""

    own: Account
    """The key's own; of an organization's key the first one that is listed."""
    targets: tuple[Target, ...]
    """Those of the config's part."""
    total: int
    """How many there are in all parts."""

    @classmethod
    def of(cls, config: Config, requester: StripeRequester, listing: Listing, reader: AccountReader) -> Accounts:
        """Asks Stripe for the key's own account, and for those connected to it. Raises AirbyteTracedException."""
        own = own_account(config, requester, reader)
        found = [*every_account(config, own, listing)]
        return cls(own, tuple(target for target in found if is_in_part(target, config)), len(found))


def own_account(config: Config, requester: StripeRequester, reader: Reader) -> Account:
    """The key's own account; of an organization's key the first one that is listed. Raises AirbyteTracedException."""
    if config.organization:
        return AccountReader(of_context(requester, config.connected_accounts[0])).read()
    own = reader.read()
    if not own.id:
        raise NameUnknown
    return own


def every_account(config: Config, own: Account, listing: Listing) -> Iterator[Target]:
    """The accounts of all parts, the key's own first. Who is connected is asked on the way."""
    listed = config.connected_accounts
    if listed == "all":
        yield _own(own, owns=_ALL)
        yield from (target for target in connected(listing) if target.id != own.id)
    elif config.organization:
        shared = next((place for place, each in enumerate(listed) if "/" not in each), 0)
        for place, target in enumerate(map(_listed, listed)):
            yield replace(target, owns=target.owns | {"stripe"}) if place == shared else target
    else:
        yield _own(own, owns=_ALL if own.id in listed else _ALL - _OWN)
        yield from (Target(each, key_of(each)) for each in listed if each != own.id)


def is_in_part(target: Target, config: Config) -> bool:
    """Whether an account is one of those that the config's part has."""
    return part_of(target.key, config.part.of) == config.part.number


def of_context(requester: StripeRequester, context: str) -> StripeRequester:
    """One that asks for what an organization's key names so."""
    return requester.of_account(context.rpartition("/")[2], context)


def requester_of(target: Target, requester: StripeRequester) -> StripeRequester:
    """One that asks for an account, of the key's own requester."""
    if target.context is not None:
        return of_context(requester, target.context)
    return requester if target.is_own else requester.of_account(target.id)


def connected(listing: Listing) -> Iterator[Target]:
    """The accounts connected to the key's own: the whole list, as some of them do not say when they were created."""
    seen: set[str] = set()
    try:
        for page in listing.pages(listing.passes[0], {}):
            for row in page.rows:
                account = str(row.get("id"))
                if account not in seen:
                    seen.add(account)
                    yield Target(account, key_of(account), listing.created(row))
    except StripeError as error:
        if error.outcome is Outcome.NOT_ENABLED or error.policy.name == NO_PLATFORM:
            raise NoPlatform(str(error.refusal)) from error
        raise


def _own(own: Account, *, owns: frozenset[str]) -> Target:
    return Target(own.id, key_of(own.id), own.birth, owns=owns, is_own=True)


def _listed(context: str) -> Target:
    account = context.rpartition("/")[2]
    owns = _OWN if "/" in context else _OWN | {"platform"}
    return Target(account, key_of(account), context=context, owns=owns)
