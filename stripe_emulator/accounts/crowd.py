"""The crowd: a platform with thousands of connected accounts, each with a few rows of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stripe_emulator.store import Resource

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

_DAY = 24 * 3600
SHARED = "WELCOME"
"""The id of a coupon that every account has: users choose such ids."""


@dataclass(frozen=True)
class Crowd:
    """How many accounts there are, and how many charges each has. They were connected a day apart."""

    accounts: int = 1000
    charges: int = 3


def populate(emulator: StripeEmulator, crowd: Crowd) -> list[str]:
    """Connect the accounts to an emulator; returns their ids, oldest first."""
    now, sample = emulator.clock.now(), emulator.like_it({"id": "acct_sample"})
    _fill_sample(sample, crowd.charges)
    rows = [*sample.store.all()]
    # None is younger than two months: what happened on them has no events any more.
    born = {f"acct_Crowd{number:08}": now - 60 * _DAY - (crowd.accounts - number) for number in range(crowd.accounts)}
    emulator.connect_many(born, lambda account: _copy(rows, account))
    return [*born]


def _fill_sample(sample: StripeEmulator, charges: int) -> None:
    customer = sample.create("customer", created=1, event=False)["id"]
    sample.create("coupon", id=SHARED, created=1, event=False)
    payout = sample.create("payout", created=2, status="paid", amount=1000 * charges, event=False)["id"]
    for number in range(charges):
        charge = sample.create("charge", customer=customer, created=10 + number, amount=1000, event=False)["id"]
        moved = sample.create(
            "balance_transaction", source=charge, created=10 + number, amount=1000, status="available", event=False
        )
        sample.update(charge, balance_transaction=moved["id"], event=False)
        sample.attach(moved["id"], of=payout)
    sample.create("dispute", charge=charge, created=10 + charges, amount=1000, status="lost", event=False)


def _copy(rows: list[Resource], account: StripeEmulator) -> None:
    """The sample's rows with ids of the account's own, and amounts that tell whose they are."""
    name, born = str(account.account["id"]).removeprefix("acct_"), int(account.account["created"])
    ids = {row.key: row.key if row.key == SHARED else f"{row.key.partition('_')[0]}_{name}{row.number}" for row in rows}
    for row in rows:
        at = born + row.at
        fields = {key: _own(key, value, ids, at, born) for key, value in row.fields.items()}
        account.store.add(Resource(row.kind, ids[row.key], fields, at, row.number, ids.get(row.owner or ""), row.slot))


def _own(key: str, value: Any, ids: dict[str, str], at: int, born: int) -> Any:
    if key == "created":
        return at
    if key == "amount":
        return value + born % 1000
    return ids.get(value, value) if isinstance(value, str) else value
