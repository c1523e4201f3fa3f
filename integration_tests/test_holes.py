"""The holes through which connectors lose or stale rows, one test each: kills, gaps, seconds, lateness.

After each sync the destination is compared with Stripe (integration_tests/convergence.py).
"""

from __future__ import annotations

from random import Random

import pytest

from integration_tests.company import Company
from integration_tests.connection import Connection
from integration_tests.convergence import Replica
from integration_tests.histories import Change
from integration_tests.syncing import Kill
from stripe_emulator import StripeEmulator

DAY = 86_400


def replica_of(emulator: StripeEmulator, *streams: str, workers: int = 2) -> Replica:
    return Replica(Company(emulator), Connection(streams), workers)


def ids(replica: Replica, stream: str) -> set[str]:
    """The ids that the destination holds."""
    return {str(key[0]) for key in replica.connection.table(stream)}


def test_an_interrupted_first_sync_finishes_its_history(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "charges", workers=1)
    for _ in range(450):
        emulator.create("charge")
        emulator.clock.advance(DAY // 2)

    first = replica.sync(Kill(request=4))
    asked = len(emulator.requests)
    emulator.clock.advance(60)
    second = replica.sync()

    # Three pages came through, and a range of them was checkpointed or not: what was is not read again.
    assert first.killed
    assert 0 < len(first.output.ids()) < 450
    assert len(ids(replica, "charges")) == 450
    assert len(second.output.ids()) <= 450
    assert replica.connection.states["charges"]["stream"]["stream_state"].keys() == {"updated", "read_with"}
    assert len(emulator.requests) - asked < 10


def test_what_came_before_the_first_checkpoint_is_followed_up(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "coupons", "invoices", "invoice_line_items")
    coupon = emulator.create("coupon")["id"]
    draft = emulator.create("invoice", status="draft", lines=[{"amount": 1}, {"amount": 2}])
    emulator.clock.advance(60)

    replica.sync(Kill(record=3))
    emulator.delete(coupon)
    emulator.delete(draft["id"])
    emulator.clock.advance(60)
    replica.sync()

    assert ids(replica, "coupons") == ids(replica, "invoices") == ids(replica, "invoice_line_items") == set()


@pytest.mark.parametrize("order", range(4))
def test_changes_of_one_second_come_out_in_the_end_as_they_are(emulator: StripeEmulator, order: int) -> None:
    emulator.shuffle_same_second = Random(order)
    replica = replica_of(emulator, "customers", "subscriptions")
    customer = emulator.create("customer")["id"]
    emulator.clock.advance(3_600)
    replica.sync()
    emulator.update(customer, name="before")
    emulator.update(customer, name="after")
    subscription = emulator.create("subscription", customer=customer)["id"]
    emulator.update(subscription, description="busy")
    emulator.delete(subscription)
    # A sync in that very second, and one behind it.
    emulator.update(customer, description="seen")
    replica.sync()
    emulator.update(customer, description="late")
    emulator.clock.advance(1)
    replica.sync()

    (row,) = replica.connection.table("customers").values()
    assert (row["name"], row["description"]) == ("after", "late")


@pytest.mark.parametrize("order", range(4))
def test_a_child_that_comes_and_goes_in_one_second(emulator: StripeEmulator, order: int) -> None:
    emulator.shuffle_same_second = Random(order)
    replica = replica_of(emulator, "customer_tax_ids", "bank_accounts")
    customer = emulator.create("customer")["id"]
    emulator.clock.advance(3_600)
    replica.sync()
    children = [emulator.create(kind, customer=customer)["id"] for kind in ("tax_id", "bank_account")]
    replica.sync()
    assert [ids(replica, "customer_tax_ids"), ids(replica, "bank_accounts")] == [{child} for child in children]
    for child in children:
        emulator.delete(child)
    emulator.clock.advance(1)
    replica.sync()

    assert ids(replica, "customer_tax_ids") == ids(replica, "bank_accounts") == set()


@pytest.mark.parametrize("order", range(4))
def test_an_id_that_is_freed_and_used_again_in_one_second(emulator: StripeEmulator, order: int) -> None:
    emulator.shuffle_same_second = Random(order)
    replica = replica_of(emulator, "coupons")
    emulator.create("coupon", id="SUMMER", name="first")
    emulator.clock.advance(3_600)
    replica.sync()
    emulator.delete("SUMMER")
    emulator.create("coupon", id="SUMMER", name="second")
    emulator.clock.advance(1)
    replica.sync()

    (row,) = replica.connection.table("coupons").values()
    assert row["name"] == "second"


def test_a_month_and_a_half_without_a_sync(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "invoices", "invoice_line_items")
    customers = [emulator.create("customer")["id"] for _ in range(4)]
    drafts = [emulator.create("invoice", status="draft", lines=[{}, {}])["id"] for _ in range(2)]
    emulator.clock.advance(60)
    replica.sync()
    emulator.clock.advance(2 * DAY)
    emulator.update(customers[0], name="changed early")
    emulator.delete(customers[1])
    emulator.delete(drafts[0])
    emulator.clock.advance(33 * DAY)
    emulator.update(customers[2], name="changed lately")
    emulator.delete(customers[3])
    emulator.delete(drafts[1])
    emulator.create("customer")
    emulator.clock.advance(10 * DAY)
    done = replica.sync()

    # What was deleted more than 30 days ago stays: nothing tells of it, and the log says so.
    assert customers[1] in ids(replica, "customers")
    assert customers[3] not in ids(replica, "customers")
    assert ids(replica, "invoices") == {drafts[0]}
    assert len(ids(replica, "invoice_line_items")) == 2
    (warning,) = [line for line in done.output.logs if "customers" in line and line.startswith("WARN")]
    assert "What was deleted more than 30 days ago can't be seen" in warning


@pytest.mark.parametrize("pause", [28 * DAY, 29 * DAY + 3_600, 30 * DAY - 60])
def test_nothing_is_lost_while_stripe_has_the_events(emulator: StripeEmulator, pause: int) -> None:
    replica = replica_of(emulator, "customers", "reviews", "invoices", "invoice_line_items")
    gone = emulator.create("customer")["id"]
    closed = emulator.create("review")["id"]
    invoice = emulator.create("invoice", status="draft", lines=[{}, {}])
    emulator.clock.advance(60)
    replica.sync()
    emulator.clock.advance(30)
    emulator.delete(gone)
    emulator.update(closed, open=False)
    emulator.delete(invoice["lines"]["data"][0]["id"])
    emulator.clock.advance(pause)
    replica.sync()

    assert ids(replica, "customers") == set()
    assert replica.connection.table("reviews")[(closed,)]["open"] is False
    assert ids(replica, "invoice_line_items") == {invoice["lines"]["data"][1]["id"]}


def test_what_a_gap_brings_is_found_though_the_sync_is_killed_again_and_again(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "reviews", workers=1)
    for _ in range(250):
        emulator.create("customer")
        emulator.clock.advance(3_600)
    reviews = [emulator.create("review")["id"] for _ in range(3)]
    emulator.clock.advance(60)
    replica.sync()
    emulator.clock.advance(40 * DAY)
    emulator.delete(next(iter(ids(replica, "customers"))))
    emulator.update(reviews[0], open=False)
    emulator.clock.advance(5 * DAY)
    for request in range(2, 9):
        replica.sync(Kill(request=request))
        emulator.clock.advance(3_600)
    replica.sync()

    assert len(ids(replica, "customers")) == 249
    assert replica.connection.table("reviews")[(reviews[0],)]["open"] is False


def test_a_review_that_was_closed_before_a_gap_is_told_of_before_the_first_state(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "reviews", workers=1)
    closed = emulator.create("review")["id"]
    for _ in range(250):
        emulator.create("review")
        emulator.clock.advance(60)
    replica.sync()
    emulator.clock.advance(9 * DAY)
    emulator.update(closed, open=False)
    emulator.clock.advance(28 * DAY)
    # In the middle of the list, which shows only open ones. Its state says that all is known up to now.
    killed = replica.sync(Kill(request=5))
    # The event is gone by then.
    emulator.clock.advance(9 * DAY)
    replica.sync()

    assert killed.killed
    assert replica.connection.table("reviews")[(closed,)]["open"] is False


def test_a_gap_makes_no_row_older_than_a_sync_that_was_killed_had_it(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "payment_links", "coupons", workers=1)
    # A payment link doesn't say when it was created: a row of it is as new as its reading.
    link = emulator.create("payment_link", active=True)["id"]
    emulator.clock.advance(60)
    replica.sync(Kill(request=2))
    emulator.clock.advance(DAY)
    first = replica.sync(Kill(record=1))
    emulator.clock.advance(60)
    emulator.update(link, active=False)
    emulator.clock.advance(45 * DAY)
    replica.sync()

    assert first.output.ids("payment_links") == {link: 1}
    assert replica.connection.table("payment_links")[(link,)]["active"] is False


def test_a_gap_makes_no_child_older_than_a_sync_that_was_killed_had_it(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "bank_accounts", workers=1)
    customer = emulator.create("customer")["id"]
    emulator.clock.advance(60)
    replica.sync()
    emulator.clock.advance(5 * DAY)
    account = emulator.create("bank_account", customer=customer)["id"]
    emulator.clock.advance(60)
    # The row comes, as new as its event; the state doesn't.
    killed = replica.sync(Kill(record=1))
    emulator.update(account, account_holder_name="Ada")
    # A gap since the last state; the events are still there.
    emulator.clock.advance(28 * DAY)
    replica.sync()

    assert killed.output.ids("bank_accounts") == {account: 1}
    assert replica.connection.table("bank_accounts")[(account,)]["account_holder_name"] == "Ada"


def test_events_that_come_late_are_not_missed(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "coupons", "customer_tax_ids")
    customers = [emulator.create("customer")["id"] for _ in range(3)]
    tax_id = emulator.create("tax_id", customer=customers[0])["id"]
    emulator.create("coupon", id="GONE")
    emulator.clock.advance(DAY)
    replica.sync()
    emulator.event_delay = 600
    emulator.update(customers[0], name="changed")
    emulator.delete(customers[1])
    emulator.delete("GONE")
    emulator.delete(tax_id)
    emulator.clock.advance(599)
    # The newest change tells of itself only, and the watermark passes all of them.
    emulator.event_delay = 0
    emulator.update(customers[2], name="changed")
    emulator.clock.advance(1)
    replica.sync()
    emulator.clock.advance(1)
    replica.sync()

    assert ids(replica, "customers") == {customers[0], customers[2]}
    assert ids(replica, "coupons") == ids(replica, "customer_tax_ids") == set()
    assert replica.connection.table("customers")[(customers[0],)]["name"] == "changed"


def test_an_object_that_is_gone_before_its_deletion_is_told(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "coupons", "invoices")
    made = [emulator.create("customer")["id"], emulator.create("coupon")["id"]]
    made.append(emulator.create("invoice", status="draft")["id"])
    emulator.clock.advance(DAY)
    replica.sync()
    for object_id in made:
        emulator.update(object_id, metadata={"touched": "yes"})
    emulator.event_delay = 600
    for object_id in made:
        emulator.delete(object_id)
    emulator.clock.advance(60)
    done = replica.sync()

    assert {row["id"] for row in done.output.records() if row["is_deleted"]} == set(made)
    assert [ids(replica, stream) for stream in replica.connection.streams] == [set()] * 3


def test_what_changes_while_a_sync_reads_is_right_after_the_next(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "invoices", "invoice_line_items", workers=1)
    for _ in range(250):
        emulator.create("customer")
        emulator.create("invoice", status="draft", lines=[{}])
        emulator.clock.advance(60)
    doings = ("change customer", "delete customer", "create customer", "delete invoice", "change line_item")
    replica.sync(meanwhile=[(2 + at, Change(doing, which=7 * at)) for at, doing in enumerate(doings)])
    emulator.clock.advance(1)
    replica.sync()

    assert len(ids(replica, "customers")) == 250
    assert len(ids(replica, "invoices")) == 249
