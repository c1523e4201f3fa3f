"""Accounts with an older default API version: what their events say otherwise must not cost a row, nor requests.

After each sync the destination is compared with Stripe (integration_tests/convergence.py).
"""

from __future__ import annotations

import json

import pytest

from integration_tests.syncing import sync
from integration_tests.test_holes import ids, replica_of
from stripe_emulator import StripeEmulator

DAY = 86_400


def asked(emulator: StripeEmulator) -> list[str]:
    """The paths of the requests since the last call, but for the account's."""
    paths = [request.path for request in emulator.requests if request.path != "/v1/account"]
    emulator.requests.clear()
    return paths


def test_payouts_that_are_told_as_transfers_arrive(emulator: StripeEmulator) -> None:
    emulator.default_version = "2017-02-14"
    replica = replica_of(emulator, "payouts", "transfers")
    old = emulator.create("payout", status="pending")["id"]
    emulator.clock.advance(DAY)
    replica.sync()
    new = emulator.create("payout")["id"]
    emulator.update(old, status="paid")
    transfer = emulator.create("transfer")["id"]
    emulator.clock.advance(60)
    replica.sync()

    assert ids(replica, "payouts") == {old, new}
    assert ids(replica, "transfers") == {transfer}


def test_invoices_that_have_a_date_cost_their_pages(emulator: StripeEmulator) -> None:
    emulator.default_version = "2019-02-19"
    replica = replica_of(emulator, "invoices", "invoice_line_items")
    drafts = [emulator.create("invoice", status="draft")["id"] for _ in range(300)]
    emulator.clock.advance(DAY)
    replica.sync()
    for draft in drafts:
        emulator.update(draft, description="changed")
    emulator.clock.advance(60)
    asked(emulator)
    replica.sync()

    paths = asked(emulator)
    assert paths.count("/v1/invoices") == 3
    assert {path for path in paths if path != "/v1/invoices"} == {"/v1/events"}


def test_refunds_without_an_event_of_their_creation_arrive(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "refunds")
    emulator.create("refund", event=False)
    emulator.clock.advance(DAY)
    replica.sync()
    charge = emulator.create("charge")["id"]
    refund = emulator.create("refund", charge=charge, event=False)["id"]
    emulator.update(charge, amount_refunded=5)
    emulator.clock.advance(60)
    replica.sync()

    assert refund in ids(replica, "refunds")


def test_a_v2_event_that_names_no_object_makes_its_stream_be_read_again(emulator: StripeEmulator) -> None:
    accounts = {emulator.create("v2.core.account")["id"] for _ in range(2)}
    emulator.clock.advance(DAY)
    state = sync(emulator, ["v2_core_accounts"]).output.state_messages
    emulator.clock.advance(DAY)
    emulator.create("v2.core.event", type="v2.core.account.updated")
    emulator.clock.advance(3_600)
    again = sync(emulator, ["v2_core_accounts"], state).output
    emulator.clock.advance(DAY)
    later = sync(emulator, ["v2_core_accounts"], again.state_messages).output

    assert again.statuses == later.statuses == {"v2_core_accounts": "COMPLETE"}
    assert set(again.ids()) == accounts
    # As if it had changed when the sync before began: no row is older than the one that it replaces.
    (before,) = (each["stream"]["stream_state"]["updated"] for each in state)
    assert {row["updated"] for row in again.records()} == {before}
    assert [line for line in again.logs if "does not say what it is about" in line] != []
    assert later.ids() == {}


@pytest.mark.parametrize("version", ["2018-02-28", "2019-11-05", "2022-11-15"])
def test_lines_that_left_a_draft_are_gone_and_no_others(emulator: StripeEmulator, version: str) -> None:
    """Older events give lines the ids of their items, or of the subscription; theirs stand beside."""
    emulator.default_version = version
    replica = replica_of(emulator, "invoices", "invoice_line_items")
    changed, deleted = (
        emulator.create("invoice", status="draft", lines=[{"amount": amount} for amount in range(3)]) for _ in range(2)
    )
    emulator.clock.advance(DAY)
    replica.sync()
    before = ids(replica, "invoice_line_items")
    gone = changed["lines"]["data"][1]["id"]
    emulator.delete(gone)
    emulator.delete(deleted["id"])
    emulator.clock.advance(60)
    later = replica.sync().output

    there = {line["id"] for line in emulator.get(changed["id"])["lines"]["data"]}
    assert ids(replica, "invoice_line_items") == there
    tombstones = {row["id"] for row in later.records("invoice_line_items") if row["is_deleted"]}
    assert tombstones == before - there


def test_sources_without_a_customer_are_read_if_an_event_of_the_last_month_names_them(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "sources")
    customer = emulator.create("customer")["id"]
    attached = emulator.create("source", customer=customer)["id"]
    lone, lost = (emulator.create("source", customer=None, event="source.chargeable")["id"] for _ in range(2))
    emulator.clock.advance(DAY)
    replica.connection.take(sync(emulator, ["sources"]).output)
    first = ids(replica, "sources")
    emulator.update(lone, status="canceled")
    born = emulator.create("source", customer=None, event="source.chargeable")["id"]
    emulator.clock.advance(DAY)
    asked(emulator)
    later = sync(emulator, ["sources"], [*replica.connection.states.values()])
    replica.connection.take(later.output)

    assert first == {attached, lone, lost}
    assert ids(replica, "sources") == {attached, lone, lost, born}
    assert set(later.output.ids()) == {lone, born}
    assert sorted(path for path in asked(emulator) if path != "/v1/events") == sorted(
        f"/v1/sources/{of}" for of in (lone, born)
    )


@pytest.mark.parametrize(
    ("stream", "kind"), [("customer_cards", "card"), ("bank_accounts", "bank_account"), ("sources", "source")]
)
@pytest.mark.parametrize("what", ["updated", "card_automatically_updated", "detached"])
def test_what_was_changed_as_a_payment_method_is_read_again(
    emulator: StripeEmulator, stream: str, kind: str, what: str
) -> None:
    customer = emulator.create("customer")["id"]
    made = emulator.create(kind, customer=customer)["id"]
    method = emulator.create("payment_method", customer=customer)["id"]
    emulator.clock.advance(DAY)
    first = sync(emulator, [stream, "customers"]).output
    emulator.clock.advance(DAY)
    told = {"object": "payment_method", "customer": None if what == "detached" else customer}
    before = {"customer": customer} if what == "detached" else None
    emulator.update(made, metadata={"changed": "yes"}, event=False)
    for of in (made, method):
        snapshot = json.dumps({"id": of, **told}).encode()
        emulator.write_event(f"payment_method.{what}", emulator.clock.now(), snapshot, before)
    emulator.clock.advance(60)
    asked(emulator)
    later = sync(emulator, [stream, "customers"], first.state_messages).output

    assert [row["metadata"] for row in later.records(stream)] == [{"changed": "yes"}]
    ((listed,),) = (row["sources"]["data"] for row in later.records("customers"))
    assert listed["metadata"] == {"changed": "yes"}


@pytest.mark.parametrize("stream", ["customer_cards", "bank_accounts", "sources", "customers"])
def test_payment_methods_cost_the_streams_of_legacy_ones_nothing(emulator: StripeEmulator, stream: str) -> None:
    customer = emulator.create("customer")["id"]
    emulator.clock.advance(DAY)
    state = sync(emulator, [stream]).output.state_messages
    emulator.clock.advance(DAY)
    for _ in range(3):
        emulator.update(emulator.create("payment_method", customer=customer)["id"], metadata={"a": "b"})
    emulator.clock.advance(60)
    asked(emulator)
    later = sync(emulator, [stream], state).output

    assert later.ids() == {}
    assert set(asked(emulator)) == {"/v1/events"}
