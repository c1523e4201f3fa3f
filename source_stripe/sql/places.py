"""Places: the accounts that a table is read of, one after the other, and how each of them is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Protocol

from source_stripe.accounts.known import key_of
from source_stripe.accounts.legs import Target
from source_stripe.accounts.listing import every_account, is_in_part, own_account, requester_of
from source_stripe.api.account import Account, KnownAccount
from source_stripe.catalog.config import Config
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.many_accounts import list_of_accounts
from source_stripe.routes import Routes

_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]+")


@dataclass(frozen=True)
class Place:
    """An account where rows are read."""

    routes: Routes
    account: str | None = None
    """What its rows have as `account_id`; None where there is no such column."""

    def leave(self) -> None:
        """It was read: for another account the rate budget keeps its place."""
        self.routes.requester.forget()


class Places(Protocol):
    """Knows the accounts of a config."""

    @property
    def several(self) -> bool:
        """Whether rows say whose they are."""

    def begin(self) -> None:
        """A question begins: who is connected is asked anew."""

    def of(self, row: StreamRow, named: str | None) -> Iterator[Place]:
        """Where a table is read: in the account that is named so, or in all that have such rows, one by one."""

    def number(self, row: StreamRow, named: str | None) -> int:
        """How many those are."""

    def has(self, account: object) -> bool:
        """Whether it is one of the config's accounts."""


@dataclass(frozen=True)
class OnePlace:
    """The key's own account, or the one that the config names."""

    place: Place
    several: bool = False

    def begin(self) -> None:
        """Nothing is asked."""

    def of(self, row: StreamRow, named: str | None) -> Iterator[Place]:
        yield self.place

    def number(self, row: StreamRow, named: str | None) -> int:
        return 1

    def has(self, account: object) -> bool:
        return False


@dataclass
class ManyPlaces:
    """The key's own account, and those connected to it. Who is connected is asked a hundred at a time, as needed."""

    config: Config
    routes: Routes
    """Of the key's own account."""
    several: bool = True
    _met: list[Target] = field(default_factory=list)
    _others: Iterator[Target] | None = None
    _read: set[str] = field(default_factory=set)

    def begin(self) -> None:
        self._met, self._others, self._read = [], None, set()

    def of(self, row: StreamRow, named: str | None) -> Iterator[Place]:
        for target in self._targets(row) if named is None else self._named(named):
            if row.belongs_to in target.owns and is_in_part(target, self.config):
                self._read.add(target.id)
                yield self._place(target)

    def number(self, row: StreamRow, named: str | None) -> int:
        return sum(1 for _ in self.of(row, named))

    def has(self, account: object) -> bool:
        met = (target.id == account and is_in_part(target, self.config) for target in self._every())
        return account in self._read or any(met)

    def _targets(self, row: StreamRow) -> Iterator[Target]:
        """Those that may have such rows: what a platform alone has is of the first."""
        first = row.belongs_to != "account" and not self.config.organization
        return islice(self._every(), 1 if first else None)

    def _every(self) -> Iterator[Target]:
        """All accounts of all parts; what was asked once in a question is not asked again."""
        if self._others is None:
            self._others = self._asked()
        at = 0
        while True:
            if at == len(self._met):
                target = next(self._others, None)
                if target is None:
                    return
                self._met.append(target)
            yield self._met[at]
            at += 1

    def _asked(self) -> Iterator[Target]:
        return every_account(self.config, self._own, list_of_accounts(self.routes.requester, self.routes.paging))

    def _named(self, account: str) -> Iterator[Target]:
        """The account of that name. Of a connected one Stripe says by itself that it is none."""
        if not _ACCOUNT.fullmatch(account):
            return
        if self.config.connected_accounts != "all":
            yield from (target for target in self._every() if target.id == account)
        elif account == self._own.id:
            yield from islice(self._every(), 1)
        else:
            yield next((target for target in self._met if target.id == account), Target(account, key_of(account)))

    def _place(self, target: Target) -> Place:
        if target.is_own:
            return Place(self.routes, target.id)
        known = KnownAccount(Account(target.id, "", target.created, self._own.now))
        of_account = replace(self.routes, requester=requester_of(target, self.routes.requester), account=known)
        return Place(of_account, target.id)

    @cached_property
    def _own(self) -> Account:
        return own_account(self.config, self.routes.requester, self.routes.account)
