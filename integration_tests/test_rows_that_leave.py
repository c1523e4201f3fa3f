"""Rows that leave a set: what a parent has no more arrives as a tombstone wherever Stripe shows that it had it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration_tests.connection import Connection
from integration_tests.syncing import sync
from stripe_emulator import StripeEmulator, serve
from unit_tests.output import Output


@pytest.fixture
def account() -> Iterator[StripeEmulator]:
    emulator = StripeEmulator()
    with serve(emulator):
        yield emulator


def synced(emulator: StripeEmulator, connection: Connection) -> Output:
    emulator.clock.advance(1_800)
    done = sync(emulator, connection.streams, [*connection.states.values()])
    assert done.code == 0, done.output.errors
    connection.take(done.output)
    return done.output


def gone(output: Output, stream: str) -> set[str]:
    return {row["id"] for row in output.records(stream) if row["is_deleted"]}


METHODS = "customer_payment_methods"


@pytest.mark.parametrize("version", [None, "2019-02-19"])
def test_a_detached_payment_method_leaves_its_customer(account: StripeEmulator, version: str | None) -> None:
    """The event shows no customer any more: it stands in `previous_attributes`."""
    account.default_version = version or account.default_version
    customer = account.create("customer")["id"]
    stays, leaves = (account.create("payment_method", customer=customer)["id"] for _ in range(2))
    connection = Connection([METHODS])
    synced(account, connection)

    account.update(leaves, customer=None)
    output = synced(account, connection)

    assert gone(output, METHODS) == {leaves}
    assert {*connection.table(METHODS)} == {(stays,)}


def test_one_that_went_to_another_customer_is_that_ones(account: StripeEmulator) -> None:
    first, second = (account.create("customer")["id"] for _ in range(2))
    method = account.create("payment_method", customer=first)["id"]
    connection = Connection([METHODS])
    synced(account, connection)

    account.update(method, customer=None)
    account.clock.advance(1)
    account.update(method, customer=second)
    synced(account, connection)

    assert {key: row["customer"] for key, row in connection.table(METHODS).items()} == {(method,): second}


def entitled(emulator: StripeEmulator, features: int) -> tuple[str, list[str]]:
    """A customer's summary, by its key, and the ids of its entitlements."""
    customer = emulator.create("customer")["id"]
    given = [emulator.create("entitlements.feature")["id"] for _ in range(features)]
    summary = emulator.create(
        "entitlements.active_entitlement_summary",
        customer=customer,
        entitlements=[{"feature": feature, "lookup_key": feature} for feature in given],
    )
    shelf = emulator.store.shelf("entitlements.active_entitlement_summary")
    (key,) = (each.key for each in shelf.up((-1, -(1 << 62)), None, None) if each.fields["customer"] == customer)
    return key, [row["id"] for row in summary["entitlements"]["data"]]


ENTITLEMENTS = "entitlements_active_entitlements"


def test_entitlements_that_a_downgrade_took_away_are_gone(account: StripeEmulator) -> None:
    summary, (kept, *lost) = entitled(account, 3)
    _, others = entitled(account, 2)
    connection = Connection([ENTITLEMENTS])
    synced(account, connection)
    assert {*connection.table(ENTITLEMENTS)} == {(each,) for each in (kept, *lost, *others)}

    account.update(summary, entitlements=[{"id": kept}])
    output = synced(account, connection)

    assert gone(output, ENTITLEMENTS) == {*lost}
    assert {*connection.table(ENTITLEMENTS)} == {(each,) for each in (kept, *others)}
    tombstones = [row for row in output.records(ENTITLEMENTS) if row["is_deleted"]]
    assert {row["customer_id"] for row in tombstones} == {account.get(summary)["customer"]}


def test_the_last_entitlement_can_go_too(account: StripeEmulator) -> None:
    summary, ids = entitled(account, 2)
    connection = Connection([ENTITLEMENTS])
    synced(account, connection)

    account.update(summary, entitlements=[])
    synced(account, connection)

    assert len(ids) == 2
    assert connection.table(ENTITLEMENTS) == {}
