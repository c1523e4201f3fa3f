"""How Stripe is asked: what the manifest's requester, error handler, budget and pace say, for a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.auth.token import BearerAuthenticator
from airbyte_cdk.sources.declarative.auth.token_provider import InterpolatedStringTokenProvider
from airbyte_cdk.sources.declarative.interpolation import InterpolatedString

from source_stripe.catalog.config import Config
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.terms import Node, Pace


@dataclass(frozen=True)
class RateLimits:
    """Requests a second: of the account, of each of its endpoints, and of the endpoints that differ."""

    account: float
    endpoint: float
    exceptions: Mapping[str, float] = field(default_factory=dict)

    def of_endpoint(self, endpoint: str) -> float:
        """Requests a second of an endpoint."""
        return self.exceptions.get(endpoint, self.endpoint)


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds: for a connection, the next byte, the last one; and from try to try."""

    connect: float
    read: float
    whole: float
    first: float
    """The pause after the first try; each is twice as long as the one before."""
    longest: float
    give_up_after: float
    header: str
    """The header by which Stripe asks for a longer pause."""

    def at_most(self, seconds: float) -> Patience:
        """The same for who waits no longer than so many seconds."""
        waits = {name: min(getattr(self, name), seconds) for name in ("connect", "read", "whole")}
        return replace(self, give_up_after=seconds, **waits)


@dataclass(frozen=True)
class Judged:
    """What the meaning of a reply depends on."""

    limited: frozenset[int]
    """Statuses that say that there were too many requests."""
    passing: frozenset[int]
    """Statuses of what passes: they are asked again too."""
    cursor_param: str
    """The parameter that names the row to go on from."""


@dataclass(frozen=True, repr=False)
class Asking:
    """How Stripe is asked, for a config."""

    url_base: str
    authenticator: DeclarativeAuthenticator
    headers: Mapping[str, str]
    limits: RateLimits
    patience: Patience
    judged: Judged
    one_row: tuple[tuple[str, str], ...]
    """The parameters that ask a list of v1 for one row."""

    @classmethod
    def of(cls, manifest: Manifest, config: Config) -> Asking:
        """What the manifest says, its templates filled in."""
        requester, handler = manifest.definitions["requester"], manifest.definitions["requester"]["error_handler"]
        pace = Pace.model_validate(manifest.definitions["one_object"]["pace"])
        said, paging = _Said(config.said()), manifest.paging["starting_after"]
        headers = {name: said.text(value) for name, value in requester["request_headers"].items()}
        return cls(
            url_base=said.text(requester["url_base"]),
            authenticator=_authenticator(requester["authenticator"], said.config),
            headers={name: value for name, value in headers.items() if value},
            limits=_limits(manifest.api_budget, pace, said),
            patience=_patience(requester, handler["backoff_strategies"], pace),
            judged=_judged(handler["response_filters"], paging["cursor_param"]),
            one_row=((paging["page_size_param"], "1"),),
        )


@dataclass(frozen=True)
class _Said:
    """What templates are filled from."""

    config: Mapping[str, Any]

    def text(self, template: str) -> str:
        value = self._value(template)
        return "" if value is None else str(value)

    def number(self, template: str) -> float:
        return float(self._value(template))

    def _value(self, template: str) -> Any:
        return InterpolatedString.create(template, parameters={}).eval(self.config)


def _authenticator(declared: Node, config: Mapping[str, Any]) -> BearerAuthenticator:
    provider = InterpolatedStringTokenProvider(config=config, api_token=declared["api_token"], parameters={})
    return BearerAuthenticator(token_provider=provider, config=config, parameters={})


def _limits(budget: Node, pace: Pace, said: _Said) -> RateLimits:
    """The policy without a matcher is the account's; those of one path are exceptions among the endpoints."""
    account, exceptions = None, {}
    for policy in budget["policies"]:
        (rate,) = policy["rates"]
        limit = said.number(rate["limit"])
        if not policy["matchers"]:
            account = limit
        for matcher in policy["matchers"]:
            exceptions[matcher["url_path_pattern"].strip("^$")] = limit
    if account is None:
        raise ValueError("the api_budget of manifest.yaml has no policy for all requests")
    return RateLimits(account, said.number(pace.endpoint_limit), exceptions)


def _patience(requester: Node, strategies: list[Node], pace: Pace) -> Patience:
    by_type = {strategy["type"]: strategy for strategy in strategies}
    asked_for = by_type["WaitTimeFromHeader"]
    return Patience(
        connect=requester["connect_timeout_in_seconds"],
        read=requester["read_timeout_in_seconds"],
        whole=pace.whole_answer,
        first=by_type["ExponentialBackoffStrategy"]["factor"],
        longest=asked_for["max_waiting_time_in_seconds"],
        give_up_after=pace.give_up_after,
        header=asked_for["header"],
    )


def _judged(filters: list[Node], cursor_param: str) -> Judged:
    statuses = {each["action"]: frozenset(each["http_codes"]) for each in filters}
    return Judged(statuses["RATE_LIMITED"], statuses["RETRY"], cursor_param)
