"""Rows that leave a set: what a parent has no more arrives as a tombstone wherever Stripe shows that it had it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from integration_tests.connection import Connection, synced
from stripe_emulator import StripeEmulator
from unit_tests.output import Output

ROOT = Path(__file__).parents[1]


def gone(output: Output, stream: str) -> set[str]:
    return {row["id"] for row in output.records(stream) if row["is_deleted"]}


METHODS = "customer_payment_methods"


@pytest.mark.parametrize("version", [None, "2019-02-19"])
def test_a_detached_payment_method_leaves_its_customer(emulator: StripeEmulator, version: str | None) -> None:
    """The event shows no customer any more: it stands in `previous_attributes`."""
    emulator.default_version = version or emulator.default_version
    customer = emulator.create("customer")["id"]
    stays, leaves = (emulator.create("payment_method", customer=customer)["id"] for _ in range(2))
    connection = Connection([METHODS])
    synced(emulator, connection)

    emulator.update(leaves, customer=None)
    output = synced(emulator, connection).output

    assert gone(output, METHODS) == {leaves}
    assert {*connection.table(METHODS)} == {(stays,)}


def test_one_that_went_to_another_customer_is_that_ones(emulator: StripeEmulator) -> None:
    first, second = (emulator.create("customer")["id"] for _ in range(2))
    method = emulator.create("payment_method", customer=first)["id"]
    connection = Connection([METHODS])
    synced(emulator, connection)

    emulator.update(method, customer=None)
    emulator.clock.advance(1)
    emulator.update(method, customer=second)
    synced(emulator, connection)

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


def test_entitlements_that_a_downgrade_took_away_are_gone(emulator: StripeEmulator) -> None:
    summary, (kept, *lost) = entitled(emulator, 3)
    _, others = entitled(emulator, 2)
    connection = Connection([ENTITLEMENTS])
    synced(emulator, connection)
    assert {*connection.table(ENTITLEMENTS)} == {(each,) for each in (kept, *lost, *others)}

    emulator.update(summary, entitlements=[{"id": kept}])
    output = synced(emulator, connection).output

    assert gone(output, ENTITLEMENTS) == {*lost}
    assert {*connection.table(ENTITLEMENTS)} == {(each,) for each in (kept, *others)}
    tombstones = [row for row in output.records(ENTITLEMENTS) if row["is_deleted"]]
    assert {row["customer_id"] for row in tombstones} == {emulator.get(summary)["customer"]}


def test_the_last_entitlement_can_go_too(emulator: StripeEmulator) -> None:
    summary, ids = entitled(emulator, 2)
    connection = Connection([ENTITLEMENTS])
    synced(emulator, connection)

    emulator.update(summary, entitlements=[])
    synced(emulator, connection)

    assert len(ids) == 2
    assert connection.table(ENTITLEMENTS) == {}


# what no event shows

DOCUMENTED = re.compile(r"^    (SELECT \* FROM \(\n.*?is_deleted\))$", re.MULTILINE | re.DOTALL)


def by_sql(connection: Connection) -> set[str]:
    """The lines that the query of docs/how-it-works.md finds."""
    (query,) = DOCUMENTED.findall((ROOT / "docs" / "how-it-works.md").read_text("utf-8").partition("## Rows that")[2])
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE invoices (id, is_deleted)")
        database.execute("CREATE TABLE invoice_line_items (id, invoice_id, invoice_updated, is_deleted)")
        database.executemany(
            "INSERT INTO invoices VALUES (:id, :is_deleted)",
            [{"id": row["id"], "is_deleted": row["is_deleted"]} for row in connection.newest("invoices")],
        )
        names = ("id", "invoice_id", "invoice_updated", "is_deleted")
        database.executemany(
            "INSERT INTO invoice_line_items VALUES (:id, :invoice_id, :invoice_updated, :is_deleted)",
            [{name: row[name] for name in names} for row in connection.newest("invoice_line_items")],
        )
        return {row[0] for row in database.execute(query)}


def drafted(emulator: StripeEmulator, lines: int) -> tuple[str, list[str]]:
    """A draft and the ids of its lines."""
    draft = emulator.create("invoice", status="draft", lines=[{"amount": number} for number in range(lines)])["id"]
    return draft, [line["id"] for line in emulator.objects("line_item") if line["invoice"] == draft]


def held(connection: Connection) -> set[str]:
    """The lines that a destination has by the two rules, in Python and in SQL."""
    ids = {key[0] for key in connection.current("invoice_line_items")}
    assert by_sql(connection) == ids
    return ids


def test_lines_that_no_event_showed_are_gone_as_others_of_their_invoice_are_newer(emulator: StripeEmulator) -> None:
    draft, lines = drafted(emulator, 13)
    _, others = drafted(emulator, 2)
    connection = Connection(["invoices", "invoice_line_items"])
    synced(emulator, connection)
    shown = [line["id"] for line in emulator.get(draft)["lines"]["data"]]
    hidden = [line for line in lines if line not in shown]
    assert len(hidden) == 3

    emulator.update(draft, lines=[{"id": line} for line in shown])
    synced(emulator, connection)

    assert {*hidden} <= {key[0] for key in connection.table("invoice_line_items")}
    assert held(connection) == {*shown, *others}


def test_a_deleted_invoice_has_no_lines(emulator: StripeEmulator) -> None:
    draft, lines = drafted(emulator, 13)
    _, others = drafted(emulator, 2)
    connection = Connection(["invoices", "invoice_line_items"])
    synced(emulator, connection)
    assert held(connection) == {*lines, *others}

    emulator.delete(draft)
    synced(emulator, connection)

    assert len(connection.table("invoice_line_items")) == 5
    assert held(connection) == {*others}


def test_a_payout_that_failed_has_no_transactions(emulator: StripeEmulator) -> None:
    """They stay until the payout that pays them has them: the failed one is in the table of payouts."""
    connection = Connection(["payouts", "payout_balance_transactions"])
    failed = emulator.create("payout", automatic=True, status="in_transit")["id"]
    paid = emulator.create("balance_transaction", of=failed)["id"]
    synced(emulator, connection)
    assert connection.table("payout_balance_transactions")[(paid,)]["payout"] == failed

    emulator.attach(paid, of=emulator.create("payout", automatic=True, status="in_transit", event=False)["id"])
    emulator.update(failed, status="failed")
    synced(emulator, connection)
    assert connection.table("payouts")[(failed,)]["status"] == "failed"

    (again,) = (payout["id"] for payout in emulator.objects("payout") if payout["id"] != failed)
    emulator.update(again, status="paid")
    synced(emulator, connection)

    assert connection.table("payout_balance_transactions")[(paid,)]["payout"] == again
