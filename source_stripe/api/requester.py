"""Requests to Stripe: the one place that speaks HTTP."""

from __future__ import annotations

import copy
import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError

from source_stripe.api.answers import Answer, Refusal, decode, host_and_port, stripe_time
from source_stripe.api.connections import BoundedAdapter
from source_stripe.api.errors import Outcome, StripeError
from source_stripe.api.judging import policy_of, policy_of_silence
from source_stripe.api.rates import RateBudget
from source_stripe.api.replies import IdWithoutAddress
from source_stripe.api.values import Params, has_address
from source_stripe.catalog.asking import Asking
from source_stripe.catalog.config import Config
from source_stripe.process.progress import Progress, Wait

logger = logging.getLogger("airbyte.stripe")


@dataclass
class _Common:
    """What holds for all accounts that a key reads."""

    key_refused: StripeError | None = None
    silent_since: float | None = None
    """Since when nothing was answered, in seconds of the clock."""


@dataclass(repr=False)
class StripeRequester:
    """Asks Stripe, within the rate budget and with patience. One serves all threads."""

    config: Config
    asking: Asking
    progress: Progress = field(default_factory=Progress)
    clock: Callable[[], float] = field(default=time.monotonic)
    cpu_clock: Callable[[], float] = field(default=time.process_time)
    sleep: Callable[[float], None] = field(default=time.sleep)

    def __post_init__(self) -> None:
        self._budget = RateBudget(self.asking.limits, apart=self.config.rate_limit_per_account)
        self.progress.budget = None if self.config.rate_limit_per_account else self.asking.limits.account
        self._key_kind = self.config.key_kind
        self._common = _Common()
        self._own = self._common
        self._account = ""
        self._account_headers: Mapping[str, str] | None = None
        self._url_base = self.asking.url_base
        self._session = requests.Session()
        # What the environment says is looked up once, not for every request.
        self._session.trust_env = False
        # Plain http:// is for loopback only: a proxy would be shown the key.
        encrypted = self._url_base.lower().startswith("https:")
        self._session.proxies = get_environ_proxies(self._url_base) if encrypted else {}
        self._host = host_and_port(self._url_base)
        if proxy := host_and_port(select_proxy(self._url_base, self._session.proxies) or ""):
            self._host += f" by the proxy {proxy}"
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._session.auth = self.asking.authenticator
        self._session.headers = CaseInsensitiveDict({"Accept": "application/json", "Accept-Encoding": "gzip"})
        self._session.headers.update(self.asking.headers)
        self._for_account = "Stripe-Account" in self._session.headers
        workers, whole = self.config.num_workers, self.asking.patience.whole
        adapter = BoundedAdapter(whole=whole, pool_connections=1, pool_maxsize=workers)
        self._session.mount(f"{self._url_base}/", adapter)

    def of_account(self, account: str, context: str | None = None) -> StripeRequester:
        """One that asks for a connected account, within the same budget. What is refused to that one is its own affair.

        `context` is what an organization's key names it by.
        """
        headers = {"Stripe-Account": account} if context is None else {"Stripe-Context": context}
        twin = copy.copy(self)
        vars(twin).update(_own=_Common(), _account=account, _account_headers=headers, _for_account=True)
        return twin

    def forget(self) -> None:
        """No more requests are for this connected account."""
        self._budget.forget(self._account)

    @property
    def in_vain(self) -> bool:
        """Whether the key is refused, or nothing was answered for as long as patience lasts: for any account."""
        since = self._common.silent_since
        if self._common.key_refused is not None:
            return True
        return since is not None and self.clock() - since >= self.asking.patience.give_up_after

    def get(self, path: str, params: Params = (), *, version: str | None = None, **ids: str) -> Answer:
        """GET an API path such as `/v1/invoices/{invoice}/lines`, `ids` filling its braces.

        `version` is the Stripe-Version to ask with, where it is not the manifest's.

        Asks again as long as the manifest's `pace` says, and for nothing more once the key was refused.
        Raises StripeError where Stripe refuses or stays silent.
        """
        if not all(map(has_address, ids.values())):
            error = IdWithoutAddress("an id that no path can hold")
            raise StripeError(policy_of_silence(error), path, Refusal.silence(error), self._key_kind)
        url = self._url_base + path.format(**{name: quote(value, safe="") for name, value in ids.items()})
        headers = self._account_headers
        if version:
            headers = {**(headers or {}), "Stripe-Version": version}
        begun, attempt = self.clock(), 0
        while True:
            if (refused := self._common.key_refused or self._own.key_refused) is not None:
                raise refused.again()
            self._wait_for_slot(path)
            said = self._ask(url, path, params, headers)
            if isinstance(said, Answer):
                self._common.silent_since = self._own.silent_since = None
                return said
            pause = self._pause(attempt, said.refusal)
            # Where an object is asked for, Stripe may mean that one: an account that was connected once.
            if said.outcome is Outcome.KEY_REFUSED and (said.refusal.status == 401 or not ids):
                (self._own if said.of_account else self._common).key_refused = said.again()
            if said.outcome is not Outcome.RETRY or self.clock() + pause > self._give_up_at(begun):
                raise said
            attempt += 1
            logger.info("GET %s: %s. Asking again in %.1f s (attempt %d).", path, said.refusal, pause, attempt + 1)
            self.sleep(pause)

    def worth_having_under_way(self, path: str | None = None) -> int:
        """How many requests at once fill the rate budget, of an API path or of the account."""
        return self._budget.worth_having_under_way(path)

    def _wait_for_slot(self, path: str) -> None:
        """Sleep until the rate budget lets a request go. A 429 meanwhile may put it off."""
        while True:
            now = self.clock()
            slot = self._budget.reserve(path, now, self._account)
            self.sleep(slot.at - now)
            self.progress.waited(Wait.RATE, max(0.0, slot.at - now))
            if self._budget.stands(slot):
                return

    def _give_up_at(self, begun: float) -> float:
        """When patience with a request that began then, and fails, ends.

        All requests share it while none is answered: streams that wait for a thread would each wait as long again.
        """
        now = self.clock()
        for each in (self._common, self._own):
            each.silent_since = now if each.silent_since is None else each.silent_since
        since = (each.silent_since for each in (self._common, self._own) if each.silent_since is not None)
        return float(min(begun, *since) + self.asking.patience.give_up_after)

    def _ask(self, url: str, path: str, params: Params, headers: Mapping[str, str] | None) -> Answer | StripeError:
        """One try."""
        sent = self.clock()
        try:
            response = self._session.get(
                url,
                params=list(params),
                headers=headers,
                timeout=(self.asking.patience.connect, self.asking.patience.read),
                # A redirect would carry the key to another host.
                allow_redirects=False,
                stream=True,
            )
            # In one go; `response.content` would come in pieces of ten kilobytes.
            content = response.raw.read(decode_content=True)
        except (OSError, HTTPError) as error:
            self.progress.request(limited=False)
            return StripeError(policy_of_silence(error), path, Refusal.silence(error, self._host), self._key_kind)
        now = self.clock()
        self.progress.waited(Wait.STRIPE, now - sent)
        _log_request(response, params, now - sent)
        self._budget.answered(now - sent, now, self.cpu_clock())
        limited = response.status_code in self.asking.judged.limited
        self.progress.request(limited=limited)
        body = decode(content)
        if limited:
            self._budget.slow_down(
                path, response.headers.get("Stripe-Rate-Limited-Reason"), self.clock(), self._account
            )
        policy = policy_of(
            response.status_code, response.headers, body, self.asking.judged, for_account=self._for_account
        )
        if policy is None:
            return Answer(body or {}, stripe_time(response.headers))
        header = self.asking.patience.header
        refusal = Refusal.of(response.status_code, response.headers, body, wait_header=header)
        return StripeError(policy, path, refusal, self._key_kind)

    def _pause(self, attempt: int, refusal: Refusal) -> float:
        """Seconds until the next try: a random time below a doubling ceiling, or longer if Stripe says so."""
        longest = self.asking.patience.longest
        ceiling = min(longest, self.asking.patience.first * 2**attempt)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        return float(max(ceiling * jitter, min(refusal.retry_after, longest)))


def _log_request(response: requests.Response, params: Params, seconds: float) -> None:
    """With --debug: each request, but for its headers, which hold the key."""
    if logger.isEnabledFor(logging.DEBUG):
        asked = " ".join([unquote(urlsplit(response.url).path), *(f"{name}={value}" for name, value in params)])
        status, request_id = response.status_code, response.headers.get("Request-Id", "no request id")
        logger.debug("GET %s: %d in %.0f ms, %s", asked, status, seconds * 1000, request_id)
