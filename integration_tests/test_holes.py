"""The holes through which connectors lose or stale rows, one test each.

After each sync the destination is compared with Stripe (integration_tests/convergence.py).
"""

from __future__ import annotations

from random import Random

import pytest

from integration_tests.company import Company
from integration_tests.connection import Connection, stream_rows
from integration_tests.convergence import Replica
from integration_tests.histories import Change
from integration_tests.stripe_emulator import StripeEmulator, facts
from integration_tests.syncing import Kill

_DAY = 86_400


def replica_of(emulator: StripeEmulator, *streams: str, workers: int = 2) -> Replica:
    return Replica(Company(emulator), Connection(streams), workers)


def ids(replica: Replica, stream: str) -> set[str]:
    """The ids that the destination holds."""
    return {str(key[0]) for key in replica.connection.table(stream)}


def test_an_interrupted_first_sync_finishes_its_history(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "charges", workers=1)
    for _ in range(450):
        emulator.create("charge")
        emulator.clock.advance(_DAY // 2)

    first = replica.sync(Kill(request=4))
    asked = len(emulator.requests)
    emulator.clock.advance(60)
    second = replica.sync()

    # Three pages came through, and a range of them was checkpointed or not: what was is not read again.
    assert first.killed
    assert 0 < len(first.output.ids()) < 450
    assert len(ids(replica, "charges")) == 450
    assert len(second.output.ids()) <= 450
    assert replica.connection.states["charges"]["stream"]["stream_state"].keys() == {"updated"}
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


def test_events_of_an_older_version_do_not_reach_the_rows(emulator: StripeEmulator) -> None:
    emulator.default_version = "2022-11-15"
    replica = replica_of(emulator, "invoices", "subscriptions", "charges")
    kinds = {"invoice": "invoices", "subscription": "subscriptions", "charge": "charges"}
    made = {kind: emulator.create(kind)["id"] for kind in kinds}
    emulator.clock.advance(60)
    replica.sync()
    for kind, object_id in made.items():
        emulator.update(object_id, description="changed")
        emulator.create(kind)
    emulator.clock.advance(60)
    done = replica.sync()

    shown = {event["data"]["object"]["object"]: event["data"]["object"] for event in emulator.objects("event")}
    for kind, stream in kinds.items():
        old_fields = shown[kind].keys() - emulator.get(made[kind]).keys()
        assert old_fields
        assert len(done.output.records(stream)) == 2
        assert all(not old_fields & row.keys() for row in done.output.records(stream))


def test_lists_that_events_cut_are_whole(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "invoices", "invoice_line_items")
    invoice = emulator.create("invoice", status="draft", lines=[{"amount": 1}])["id"]
    emulator.clock.advance(60)
    replica.sync()
    for amount in range(130):
        emulator.create("line_item", invoice=invoice, amount=amount)
    emulator.clock.advance(60)
    replica.sync()

    (row,) = replica.connection.table("invoices").values()
    assert len(row["lines"]["data"]) == len(ids(replica, "invoice_line_items")) == 131


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
    emulator.clock.advance(2 * _DAY)
    emulator.update(customers[0], name="changed early")
    emulator.delete(customers[1])
    emulator.delete(drafts[0])
    emulator.clock.advance(33 * _DAY)
    emulator.update(customers[2], name="changed lately")
    emulator.delete(customers[3])
    emulator.delete(drafts[1])
    emulator.create("customer")
    emulator.clock.advance(10 * _DAY)
    done = replica.sync()

    # What was deleted more than 30 days ago stays: nothing tells of it, and the log says so.
    assert customers[1] in ids(replica, "customers")
    assert customers[3] not in ids(replica, "customers")
    assert ids(replica, "invoices") == {drafts[0]}
    assert len(ids(replica, "invoice_line_items")) == 2
    (warning,) = [line for line in done.output.logs if "customers" in line and line.startswith("WARN")]
    assert "What was deleted more than 30 days ago can't be seen" in warning


@pytest.mark.parametrize("pause", [28 * _DAY, 29 * _DAY + 3_600, 30 * _DAY - 60])
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
    emulator.clock.advance(40 * _DAY)
    emulator.delete(next(iter(ids(replica, "customers"))))
    emulator.update(reviews[0], open=False)
    emulator.clock.advance(5 * _DAY)
    for request in range(2, 9):
        replica.sync(Kill(request=request))
        emulator.clock.advance(3_600)
    replica.sync()

    assert len(ids(replica, "customers")) == 249
    assert replica.connection.table("reviews")[(reviews[0],)]["open"] is False


def test_a_gap_makes_no_row_older_than_a_sync_that_was_killed_had_it(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "payment_links", "coupons", workers=1)
    # A payment link doesn't say when it was created: a row of it is as new as its reading.
    link = emulator.create("payment_link", active=True)["id"]
    emulator.clock.advance(60)
    replica.sync(Kill(request=2))
    emulator.clock.advance(_DAY)
    first = replica.sync(Kill(record=1))
    emulator.clock.advance(60)
    emulator.update(link, active=False)
    emulator.clock.advance(45 * _DAY)
    replica.sync()

    assert first.output.ids("payment_links") == {link: 1}
    assert replica.connection.table("payment_links")[(link,)]["active"] is False


def test_a_closed_review_stays_in_the_table_though_lists_hide_it(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "reviews")
    review = emulator.create("review")["id"]
    emulator.clock.advance(60)
    replica.sync()
    emulator.update(review, open=False, closed_reason="approved")
    emulator.clock.advance(60)
    replica.sync()

    assert replica.connection.table("reviews")[(review,)]["closed_reason"] == "approved"


def test_no_stream_takes_objects_that_are_another_s(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "charges", "refunds", "bank_accounts", "customer_cards", "sources", "disputes")
    customer = emulator.create("customer")["id"]
    charge = emulator.create("charge")["id"]
    emulator.clock.advance(60)
    replica.sync()
    refund = emulator.create("refund", charge=charge)["id"]
    emulator.update(refund, status="failed")
    emulator.create("dispute", charge=charge)
    for kind in ("bank_account", "card", "source"):
        emulator.create(kind, customer=customer)
    emulator.clock.advance(60)
    replica.sync()

    assert "charge.refund.updated" in {event["type"] for event in emulator.objects("event")}
    for stream in replica.connection.streams:
        kinds = {row["object"] for row in replica.connection.table(stream).values()}
        assert kinds == set(stream_rows()[stream].object)


_NOT_OF_AN_OBJECT = {
    "invoice.upcoming",  # of an invoice that there is not yet: it has no id
    "issuing_authorization.request",  # asks a webhook for a decision; the authorization follows
}


@pytest.mark.parametrize(
    "stream",
    [name for name, row in stream_rows().items() if row.events and row.api == "v1" and row.parent is None and row.path],
)
def test_no_event_type_is_missed(stream: str) -> None:
    about = stream_rows()[stream]
    kinds = about.event_object or about.object
    carried = {name for kind in kinds for name in facts.event_types(kind)} - _NOT_OF_AN_OBJECT

    assert set(about.events) >= {name for name in carried if not name.startswith(("account.", "source."))}
    assert set(about.events) <= carried


def test_events_that_come_late_are_not_missed(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "coupons", "customer_tax_ids")
    customers = [emulator.create("customer")["id"] for _ in range(3)]
    tax_id = emulator.create("tax_id", customer=customers[0])["id"]
    emulator.create("coupon", id="GONE")
    emulator.clock.advance(_DAY)
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
    emulator.clock.advance(_DAY)
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


def test_what_is_deleted_leaves_the_table(emulator: StripeEmulator) -> None:
    kinds = {"customer": "customers", "coupon": "coupons", "product": "products", "plan": "plans", "price": "prices"}
    replica = replica_of(emulator, *kinds.values(), "customer_tax_ids", "bank_accounts", "invoices", "invoice_items")
    customer = emulator.create("customer")["id"]
    made = [emulator.create(kind)["id"] for kind in kinds]
    made += [emulator.create(kind, customer=customer)["id"] for kind in ("tax_id", "bank_account", "invoiceitem")]
    made.append(emulator.create("invoice", status="draft")["id"])
    emulator.clock.advance(60)
    replica.sync()
    for object_id in made:
        emulator.delete(object_id)
    emulator.clock.advance(60)
    replica.sync()

    assert {stream for stream in replica.connection.streams if ids(replica, stream)} == {"customers"}
    assert ids(replica, "customers") == {customer}


def test_a_cancelled_subscription_and_a_detached_payment_method_are_not_deleted(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "subscriptions", "payment_methods", "subscription_items")
    customer = emulator.create("customer")["id"]
    subscription = emulator.create("subscription", customer=customer, items=[{}])["id"]
    method = emulator.create("payment_method", customer=customer)["id"]
    emulator.clock.advance(60)
    replica.sync()
    emulator.delete(subscription)
    emulator.update(method, customer=None)
    emulator.clock.advance(60)
    replica.sync()

    assert replica.connection.table("subscriptions")[(subscription,)]["status"] == "canceled"
    assert replica.connection.table("payment_methods")[(method,)]["customer"] is None
    assert len(ids(replica, "subscription_items")) == 1


def test_children_that_go_from_their_parents_leave_the_table(emulator: StripeEmulator) -> None:
    emulator.default_version = "2022-11-15"
    replica = replica_of(emulator, "invoice_line_items", "subscription_items")
    lines = [{"amount": amount} for amount in range(3)]
    drafts = [emulator.create("invoice", status="draft", lines=lines) for _ in range(2)]
    subscription = emulator.create("subscription", items=[{}, {}])
    emulator.clock.advance(60)
    replica.sync()
    emulator.delete(drafts[0]["lines"]["data"][1]["id"])
    emulator.delete(drafts[1]["id"])
    emulator.update(subscription["id"], items=[{"id": subscription["items"]["data"][1]["id"]}])
    emulator.clock.advance(60)
    replica.sync()

    kept = [drafts[0]["lines"]["data"][place]["id"] for place in (0, 2)]
    assert ids(replica, "invoice_line_items") == set(kept)
    assert ids(replica, "subscription_items") == {subscription["items"]["data"][1]["id"]}


def test_test_clocks_stay_hidden(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "customers", "subscriptions", "subscription_items")
    clock = emulator.create("test_helpers.test_clock")["id"]
    made = [emulator.create(kind, test_clock=clock)["id"] for kind in ("customer", "subscription")]
    emulator.clock.advance(60)
    replica.sync()
    for object_id in made:
        emulator.update(object_id, description="changed")
    emulator.create("subscription", test_clock=clock, items=[{}])
    emulator.create("customer")
    emulator.clock.advance(60)
    replica.sync()

    assert [len(ids(replica, stream)) for stream in replica.connection.streams] == [1, 0, 0]


@pytest.mark.parametrize(
    ("stream", "parent", "item"),
    [("quotes_line_items", "quote", "item"), ("checkout_sessions_line_items", "checkout.session", "item")],
)
def test_children_of_parents_that_change_without_an_event(
    emulator: StripeEmulator, stream: str, parent: str, item: str
) -> None:
    replica = replica_of(emulator, stream)
    emulator.create(parent, status={"quote": "draft"}.get(parent, "open"), line_items=[{"quantity": 1}])
    emulator.clock.advance(_DAY // 2)
    replica.sync()
    (changed,) = emulator.objects(item)
    emulator.update(changed["id"], quantity=2)
    emulator.clock.advance(60)
    replica.sync()

    assert replica.connection.table(stream)[(changed["id"],)]["quantity"] == 2


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
