"""Every change feeds /v1/events, with Stripe's event types and snapshots."""

from typing import Any

import pytest

from stripe_emulator import StripeEmulator
from stripe_emulator.fixtures import Client

DAY = 24 * 3600


def types(emulator: StripeEmulator) -> list[str]:
    """Event types, oldest first."""
    return [event["type"] for event in reversed(emulator.objects("event"))]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("customer", {}, ["customer.created"]),
        ("charge", {}, ["charge.succeeded"]),
        ("charge", {"status": "failed"}, ["charge.failed"]),
        ("charge", {"status": "pending"}, ["charge.pending"]),
        ("refund", {}, ["refund.created"]),
        ("dispute", {}, ["charge.dispute.created"]),
        ("review", {}, ["review.opened"]),
        ("subscription", {}, ["customer.subscription.created"]),
        ("card", {"customer": "cus_1"}, ["customer.source.created"]),
        ("tax_id", {"customer": "cus_1"}, ["customer.tax_id.created"]),
        ("issuing.card", {}, ["issuing_card.created"]),
        ("scheduled_query_run", {}, ["sigma.scheduled_query_run.created"]),
        ("payment_method", {}, []),
        ("payment_method", {"customer": "cus_1"}, ["payment_method.attached"]),
        ("checkout.session", {}, []),
        ("balance_transaction", {}, []),
        ("shipping_rate", {}, []),
    ],
)
def test_creation(emulator: StripeEmulator, kind: str, fields: dict[str, Any], expected: list[str]) -> None:
    emulator.create(kind, **fields)
    assert types(emulator) == expected


@pytest.mark.parametrize(
    ("kind", "before", "change", "expected"),
    [
        ("customer", {}, {"name": "Jenny"}, ["customer.updated"]),
        ("charge", {}, {"description": "Tea"}, ["charge.updated"]),
        ("charge", {}, {"amount_refunded": 5}, ["charge.refunded"]),
        ("charge", {"captured": False}, {"captured": True}, ["charge.captured"]),
        ("charge", {"status": "pending"}, {"status": "failed"}, ["charge.failed"]),
        ("refund", {"charge": "ch_1"}, {"status": "pending"}, ["refund.updated", "charge.refund.updated"]),
        ("refund", {}, {"status": "failed"}, ["refund.failed"]),
        ("dispute", {"status": "needs_response"}, {"status": "lost"}, ["charge.dispute.closed"]),
        ("review", {}, {"open": False}, ["review.closed"]),
        ("payout", {"status": "pending"}, {"status": "paid"}, ["payout.paid"]),
        ("payout", {}, {"description": "x"}, ["payout.updated"]),
        ("invoice", {"status": "draft"}, {"status": "open"}, ["invoice.finalized"]),
        ("invoice", {"status": "open"}, {"status": "paid"}, ["invoice.paid"]),
        ("payment_intent", {"status": "processing"}, {"status": "succeeded"}, ["payment_intent.succeeded"]),
        ("payment_intent", {}, {"description": "x"}, []),
        ("checkout.session", {"status": "open"}, {"status": "complete"}, ["checkout.session.completed"]),
        ("payment_method", {"customer": "cus_1"}, {"customer": None}, ["payment_method.detached"]),
        ("invoiceitem", {}, {"description": "x"}, []),
        ("customer", {"name": "Jenny"}, {"name": "Jenny"}, []),
    ],
)
def test_updates(
    emulator: StripeEmulator, kind: str, before: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    made = emulator.create(kind, event=False, **before)
    emulator.update(made["id"], **change)
    assert types(emulator) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("customer", ["customer.deleted"]), ("invoice", ["invoice.deleted"]), ("webhook_endpoint", [])],
)
def test_deletion(emulator: StripeEmulator, kind: str, expected: list[str]) -> None:
    emulator.delete(emulator.create(kind, event=False)["id"])
    assert types(emulator) == expected
    assert emulator.objects(kind) == []


def test_deleting_a_subscription_cancels_it(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription", event=False)["id"]
    emulator.clock.advance(60)
    emulator.delete(subscription)
    (event,) = emulator.objects("event")
    assert event["type"] == "customer.subscription.deleted"
    assert event["data"]["object"]["status"] == "canceled"
    assert emulator.get(subscription)["canceled_at"] == emulator.clock.now()


def test_the_event_may_be_chosen_or_left_out(emulator: StripeEmulator) -> None:
    charge = emulator.create("charge", event=False)["id"]
    emulator.update(charge, event="charge.captured", description="Tea")
    emulator.update(charge, event=False, description="Cake")
    (event,) = emulator.objects("event")
    assert event["type"] == "charge.captured"
    assert event["data"]["previous_attributes"] == {"description": None}
    with pytest.raises(ValueError, match=r"no event 'customer.updated' carries a charge"):
        emulator.update(charge, event="customer.updated")


def test_what_an_event_looks_like(emulator: StripeEmulator) -> None:
    emulator.default_version = "2025-02-24.acacia"
    customer = emulator.create("customer", metadata={"a": "1", "b": "2"}, name="Jenny", event=False)["id"]
    emulator.clock.advance(7)
    emulator.update(customer, name="Rosen", metadata={"b": "3", "c": "4", "a": None})
    (event,) = emulator.objects("event")
    assert event["id"].startswith("evt_")
    assert event["created"] == emulator.clock.now()
    assert event["api_version"] == "2025-02-24.acacia"
    assert (event["livemode"], event["pending_webhooks"]) == (False, 0)
    assert event["request"]["id"].startswith("req_")
    assert event["data"]["object"] == emulator.get(customer)
    assert event["data"]["object"]["metadata"] == {"b": "3", "c": "4"}
    assert event["data"]["previous_attributes"] == {"name": "Jenny", "metadata": {"a": "1", "b": "2", "c": None}}


def test_a_snapshot_stays_as_it_was(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer", name="Jenny")["id"]
    emulator.update(customer, name="Rosen")
    updated, created = emulator.objects("event")
    assert created["data"]["object"]["name"] == "Jenny"
    assert "previous_attributes" not in created["data"]
    assert updated["data"]["object"]["name"] == "Rosen"
    emulator.delete(customer)
    assert emulator.objects("event")[0]["data"]["object"]["name"] == "Rosen"


def test_embedded_lists_of_a_snapshot_are_cut_at_ten(emulator: StripeEmulator) -> None:
    emulator.create("invoice", lines=[{"amount": amount} for amount in range(12)])
    (event,) = emulator.objects("event")
    lines = event["data"]["object"]["lines"]
    assert [line["amount"] for line in lines["data"]] == list(range(10))
    assert (lines["has_more"], lines["total_count"]) == (True, 12)


def test_items_without_events_are_told_by_their_parent(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription", items=[{"quantity": 1}], event=False)
    (item,) = subscription["items"]["data"]
    emulator.update(item["id"], quantity=5)
    extra = emulator.create("subscription_item", subscription=subscription["id"], quantity=7)["id"]
    emulator.delete(extra)
    assert types(emulator) == ["customer.subscription.updated"] * 3
    deleted, created, changed = (event["data"] for event in emulator.objects("event"))
    assert [row["quantity"] for row in changed["previous_attributes"]["items"]["data"]] == [1]
    assert [row["quantity"] for row in created["object"]["items"]["data"]] == [7, 5]
    assert [row["id"] for row in deleted["previous_attributes"]["items"]["data"]] == [extra, item["id"]]


def test_replacing_rows_keeps_those_that_are_named(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription", items=[{"quantity": 1}, {"quantity": 2}])
    kept = subscription["items"]["data"][0]
    updated = emulator.update(subscription["id"], items=[{"id": kept["id"], "metadata": {"a": "b"}}, {"quantity": 9}])
    rows = {row["id"]: row for row in updated["items"]["data"]}
    assert rows[kept["id"]] == {**kept, "metadata": {"a": "b"}}
    assert sorted(row["quantity"] for row in rows.values()) == sorted([kept["quantity"], 9])


def test_children_given_with_their_parent_have_events_of_their_own(emulator: StripeEmulator) -> None:
    emulator.create("charge", refunds=[{"amount": 5}])
    assert types(emulator) == ["charge.succeeded", "refund.created"]
    emulator.create("charge", refunds=[{"amount": 5}], event=False)
    assert len(types(emulator)) == 2


def test_a_reversal_is_told_by_the_transfer(emulator: StripeEmulator) -> None:
    transfer = emulator.create("transfer", event=False)["id"]
    emulator.create("transfer_reversal", transfer=transfer)
    assert types(emulator) == ["transfer.reversed"]


def test_events_of_a_connected_account_are_told_to_it_alone(emulator: StripeEmulator) -> None:
    connected = emulator.connect(id="acct_connected")
    person = emulator.create("person", account="acct_connected")["id"]
    emulator.update(person, first_name="Jenny")
    emulator.update("acct_connected", email="new@example.com")
    assert types(emulator) == []
    assert types(connected) == ["person.created", "person.updated", "account.updated"]


def test_an_event_happens_when_its_object_is_born(emulator: StripeEmulator) -> None:
    now = emulator.clock.now()
    emulator.create("customer", created=now - 29 * DAY)
    emulator.create("customer", created=now - 31 * DAY)
    assert [event["created"] for event in emulator.objects("event")] == [now - 29 * DAY]


def test_events_are_kept_for_thirty_days(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.create("customer")
    (event,) = stripe.list("/v1/events")
    emulator.clock.advance(30 * DAY)
    assert stripe.list("/v1/events") == [event]
    assert [stripe.get(f"/v1/events/{event}").json()] == emulator.objects("event")
    emulator.clock.advance(1)
    assert stripe.list("/v1/events") == []
    assert stripe.refusal(f"/v1/events/{event}")[:2] == (404, "resource_missing")
    assert stripe.refusal(f"/v1/events?starting_after={event}")[1] == "resource_missing"


def test_events_are_filtered_by_type(emulator: StripeEmulator, stripe: Client) -> None:
    for kind in ("charge", "customer", "refund", "charge"):
        emulator.create(kind)
        emulator.clock.advance(1)
    second, refund, customer, first = (event["id"] for event in emulator.objects("event"))
    assert stripe.list("/v1/events?type=refund.created") == [refund]
    assert stripe.list("/v1/events?type=c*") == [second, customer, first]
    both = "/v1/events?types[]=charge.succeeded&types[]=refund.created&limit=2"
    assert stripe.list(both) == [second, refund]
    assert stripe.list(f"{both}&starting_after={refund}") == [first]
    assert stripe.list(f"{both}&ending_before={first}") == [second, refund]
    assert stripe.list(f"{both}&created[lt]={emulator.clock.now() - 2}") == [first]
    assert stripe.list("/v1/events?delivery_success=false") == []
