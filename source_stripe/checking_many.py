"""check, where connected accounts are read: which there are, and what the key can read of its own and of the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from source_stripe.accounts.legs import Target
from source_stripe.accounts.listing import Accounts, requester_of
from source_stripe.accounts.outcomes import named
from source_stripe.api.account import Account, KnownAccount
from source_stripe.api.errors import StripeError
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of
from source_stripe.checking import Told, Verdict, ask, judge, probes
from source_stripe.routes import Routes

_ASKED_FOR = 20
"""Listed accounts that are asked for one by one. See docs/design/accounts.md, "Failures"."""
_PAGE = 100
"""Accounts of a page of their list. See docs/design/accounts.md, "Failures"."""


@dataclass(frozen=True)
class Check:
    """What is asked, of which accounts."""

    config: Config
    routes: Routes
    """For the key's own account."""
    accounts: Accounts

    def verdict(self, rows: Collection[StreamRow]) -> Verdict:
        """Ask for a row of each list: the key's own, and of the first account that is connected."""
        own = next((target for target in self.accounts.targets if target.is_own), None)
        others = [target for target in self.accounts.targets if not target.is_own]
        refused = list(self._refused(others))
        first = next((target for target in others if target.id not in dict(refused)), None)
        asked = [target for target in (own, first) if target is not None]
        threads = min(self.config.num_workers, self.routes.requester.worth_having_under_way())
        findings = [
            finding
            for target in asked
            for finding in ask(probes(_of(rows, target.owns), self._routes_of(target)), threads)
        ]
        verdict = judge(findings)
        warnings = (*verdict.warnings, *_told(refused, len(others)))
        all_refused = bool(refused) and not asked
        return replace(
            verdict, warnings=warnings, opened=self._opened(rows), key_works=verdict.key_works and not all_refused
        )

    def _opened(self, rows: Collection[StreamRow]) -> str:
        """What a user should know first: whose the key is, how many accounts there are, and what that costs."""
        own, config, targets = self.accounts.own, self.config, self.accounts.targets
        owned = Counter(target.owns for target in targets)
        requests = sum(number * cost(_of(rows, owns), self.routes.rows) for owns, number in owned.items())
        pages = 0 if isinstance(config.connected_accounts, tuple) else 1 + self.accounts.total // _PAGE
        part = f" of {self.accounts.total}, as part {config.part}," if config.part.of > 1 else ""
        opens = "the organization" if config.organization else f"the account {own.id} ({own.name or 'no name'})"
        return (
            f"The {config.key_kind} opens {opens}. {len(targets)}{part} accounts are read: a sync in which nothing "
            f"happened costs about {requests + pages:,} requests."
        )

    def _refused(self, targets: Sequence[Target]) -> Iterator[tuple[str, StripeError]]:
        """Of the accounts that the config lists, those that the key can't read."""
        if not isinstance(self.config.connected_accounts, tuple):
            return
        asked = targets[:_ASKED_FOR]
        with ThreadPoolExecutor(max(1, min(len(asked), self.config.num_workers))) as pool:
            for target, error in zip(asked, pool.map(self._error_of, asked), strict=True):
                if error is not None and error.of_account:
                    yield target.id, error

    def _error_of(self, target: Target) -> StripeError | None:
        try:
            self._requester_of(target).get("/v1/account")
        except StripeError as error:
            return error
        return None

    def _routes_of(self, target: Target) -> Routes:
        account = Account(target.id, "", target.created, self.accounts.own.now)
        return replace(self.routes, requester=self._requester_of(target), account=KnownAccount(account))

    def _requester_of(self, target: Target) -> StripeRequester:
        return requester_of(target, self.routes.requester)


def cost(rows: Iterable[StreamRow], all_rows: Mapping[str, StreamRow]) -> int:
    """How many requests a sync of an account makes at least: one for all that follow events, and one for each list."""
    asked: set[str] = set()
    for row in rows:
        plan = plan_of(row, all_rows)
        asked.update(plan.asked[-1:] if plan.followed else plan.asked)
    return len(asked)


def _of(rows: Iterable[StreamRow], owns: frozenset[str]) -> list[StreamRow]:
    return [row for row in rows if row.belongs_to in owns]


def _told(refused: Sequence[tuple[str, StripeError]], number: int) -> Iterator[Told]:
    if refused:
        accounts = [account for account, _ in refused]
        yield Told(
            f"{len(refused)} of {number} listed accounts can't be read: {named(accounts, len(accounts))}. Of "
            f"{accounts[0]} Stripe says: {refused[0][1].refusal}."
        )
