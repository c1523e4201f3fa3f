"""Filters where connected accounts are read: what matches, of each of them; what leaves has its account's tombstone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from integration_tests.connector import Json
from integration_tests.platforms import ACCOUNT, SYNCS, Platform
from integration_tests.syncing import Kill
from stripe_emulator import StripeEmulator

_HOUR = 3_600
_ACCOUNTS = 12
_ACTIVE, _INACTIVE = {"prices": {"active": True}}, {"prices": {"active": False}}
Prices = Mapping[str, list[str]]
"""By account the ids of its prices: one that is active, and one that is not."""


@pytest.fixture
def prices(emulator: StripeEmulator) -> Prices:
    found = {}
    for number in range(_ACCOUNTS):
        account = emulator.connect(id=f"acct_{number}", created=emulator.clock.now() - 90 * 86_400)
        found[f"acct_{number}"] = [account.create("price", active=active)["id"] for active in (True, False)]
    emulator.clock.advance(_HOUR)
    return found


def platform_of(emulator: StripeEmulator, filters: Mapping[str, Any]) -> Platform:
    return Platform(emulator, (SYNCS, "customers", "prices"), {"connected_accounts": ["all"], "filters": filters})


def held(platform: Platform) -> dict[str, set[str]]:
    """By account the prices that the destination has of it."""
    return {
        account: {key[0] for key in platform.of(account).table("prices")} for account in platform.emulator.connected
    }


def wanted(prices: Prices, place: int) -> dict[str, set[str]]:
    return {account: {ids[place]} for account, ids in prices.items()}


def tombstones(rows: list[Json]) -> set[tuple[str, str]]:
    return {(row[ACCOUNT], row["id"]) for row in rows if row["is_deleted"]}


def turn(emulator: StripeEmulator, account: str, ids: list[str]) -> None:
    """The price that was active is not any more, and the other is."""
    for price, active in zip(ids, (False, True), strict=True):
        emulator.connected[account].update(price, active=active)


def test_rows_enter_and_leave_the_filters_of_each_account(emulator: StripeEmulator, prices: Prices) -> None:
    platform = platform_of(emulator, _ACTIVE)
    first = platform.synced()
    assert held(platform) == wanted(prices, 0)
    assert tombstones(first.output.records("prices")) == set()
    changed = ["acct_2", "acct_5"]
    for account in changed:
        turn(emulator, account, prices[account])

    then = platform.synced()

    rows = then.output.records("prices")
    assert tombstones(rows) == {(account, prices[account][0]) for account in changed}
    assert Counter(row[ACCOUNT] for row in rows) == dict.fromkeys(changed, 2)
    turned = {account: {prices[account][1]} for account in changed}
    assert held(platform) == {**wanted(prices, 0), **turned}
    assert platform.synced().output.records("prices") == []


def test_other_filters_read_each_account_again(emulator: StripeEmulator, prices: Prices) -> None:
    platform = platform_of(emulator, _ACTIVE)
    platform.synced()
    platform.config = {**platform.config, "filters": _INACTIVE}

    done = platform.synced()

    assert held(platform) == wanted(prices, 1)
    assert tombstones(done.output.records("prices")) == {(account, ids[0]) for account, ids in prices.items()}
    assert len([line for line in done.output.logs if line.startswith("WARN") and "filters are others" in line]) == 1
    assert platform.synced().output.records("prices") == []


@pytest.mark.parametrize("record", [1, 7, 20])
def test_a_sync_with_other_filters_is_killed_and_goes_on(emulator: StripeEmulator, prices: Prices, record: int) -> None:
    platform = platform_of(emulator, _ACTIVE)
    platform.synced()
    for account in ("acct_1", "acct_9"):
        turn(emulator, account, prices[account])
    platform.config = {**platform.config, "filters": _INACTIVE}
    emulator.clock.advance(_HOUR)
    assert platform.sync(kill=Kill(record=record)).killed

    platform.synced()

    turned = {account: {prices[account][0]} for account in ("acct_1", "acct_9")}
    assert held(platform) == {**wanted(prices, 1), **turned}


@pytest.mark.parametrize("record", [1, 7, 20])
def test_filters_that_come_back_after_a_kill_bring_their_rows_back(
    emulator: StripeEmulator, prices: Prices, record: int
) -> None:
    """Tombstones of the other filters may have come of accounts of which no state says so."""
    platform = platform_of(emulator, _ACTIVE)
    platform.synced()
    platform.config = {**platform.config, "filters": _INACTIVE}
    emulator.clock.advance(_HOUR)
    killed = platform.sync(kill=Kill(record=record))
    assert killed.killed
    assert killed.output.records("prices")
    platform.config = {**platform.config, "filters": _ACTIVE}

    platform.synced()

    assert held(platform) == wanted(prices, 0)
