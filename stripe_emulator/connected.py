"""The accounts that are connected to a platform. Those that nobody changes need no memory: they are made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from stripe_emulator import factory
from stripe_emulator.facts import Json
from stripe_emulator.store import Resource

if TYPE_CHECKING:
    from stripe_emulator.emulator import StripeEmulator

Fill = Callable[["StripeEmulator"], None]
"""Makes what an account holds, the same each time: nothing in it may depend on the clock."""

_LENT_AT_ONCE = 100


class Connected(Mapping[str, "StripeEmulator"]):
    """Connected accounts by id, in the order in which they were connected.

    An account with a `fill` is made when it is asked for. Who takes it from here may change it, so it is kept. One that
    was only lent, to answer a request, is let go some time later, and made anew for the next.

    `deleted_status` is the HTTP status of the refusal to read an account that the platform deleted: which one Stripe
    answers with is unknown.
    """

    def __init__(self, platform: StripeEmulator) -> None:
        self.deleted_status = 403
        self._platform = platform
        self._fills: dict[str, Fill | None] = {}
        self._kept: dict[str, StripeEmulator] = {}
        self._lent: dict[str, StripeEmulator] = {}
        self._revoked: dict[str, Resource] = {}

    def add(self, row: Json, *, dated: bool) -> str:
        """Take in an account, empty, that the platform lists with these fields. Returns its id."""
        account = str(self._platform.create("account", **row)["id"])
        if not dated:
            resource = self._row(account)
            fields = {name: value for name, value in resource.fields.items() if name != "created"}
            self._platform.store.replace(resource, fields)
        self._fills[account] = None
        return account

    def add_many(self, born: Mapping[str, int], row: Json, fill: Fill) -> None:
        """Take in accounts, by id with when each was created (Unix time): what they look like is kept once."""
        store = self._platform.store
        like = factory.make("account", row, object_id=None, created=0)
        for account, created in born.items():
            fields = {**like, "id": account, "created": created}
            store.add(Resource("account", account, fields, created, store.next_number()))
            self._fills[account] = fill

    def revoke(self, account: str, *, listed: bool = False) -> None:
        """Take the platform's access to an account away. Whether it stays in the platform's list is unknown."""
        row = self._row(account)
        self._revoked[account] = row
        if not listed:
            self._platform.store.remove(row)

    def again(self, account: str) -> None:
        """Give the access back: the account is as old as it is."""
        row = self._revoked.pop(account)
        if row.deleted:
            self._platform.store.add(replace(row, deleted=False))

    def reject(self, account: str) -> None:
        """Reject an account: it can't take money any more, and be read as before."""
        self._platform.update(account, charges_enabled=False, payouts_enabled=False)

    def refusal(self, account: str) -> str | None:
        """Why an account can't be read: it is `unknown` or `deleted`; None if it can."""
        if account not in self._fills or account in self._revoked:
            return "unknown"
        return "deleted" if self._row(account).deleted else None

    def lent(self, account: str) -> StripeEmulator:
        """An account to look at, not to change. KeyError if there is none."""
        if account in self._kept or self._fills[account] is None:
            return self[account]
        if account not in self._lent:
            self._lent[account] = self._made(account)
            if len(self._lent) > _LENT_AT_ONCE:
                del self._lent[next(iter(self._lent))]
        return self._lent[account]

    def __getitem__(self, account: str) -> StripeEmulator:
        if account not in self._kept:
            self._kept[account] = self._lent.pop(account) if account in self._lent else self._made(account)
        return self._kept[account]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fills)

    def __len__(self) -> int:
        return len(self._fills)

    def _row(self, account: str) -> Resource:
        row = self._platform.store.get(account)
        if row is None:
            raise KeyError(f"no account {account!r} is connected")
        return row

    def _made(self, account: str) -> StripeEmulator:
        fill = self._fills[account]
        made = self._platform.like_it(self._row(account).fields)
        made.account = self._row(account).fields
        made.is_platform = False
        if fill is not None:
            fill(made)
        return made
