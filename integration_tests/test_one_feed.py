"""One feed of events for all streams of a sync: what it costs, how it fails, and how a long one is cut into spans."""

from __future__ import annotations

from collections import Counter

import pytest

from integration_tests.connection import Connection, stream_rows, sync_on
from integration_tests.setup import QUICK, Setup
from integration_tests.syncing import Kill
from stripe_emulator import StripeEmulator
from stripe_emulator.faults import refused

_HOUR = 3_600
_THIRTY = [
    "charges",
    "customers",
    "disputes",
    "payment_intents",
    "setup_intents",
    "payouts",
    "products",
    "prices",
    "plans",
    "coupons",
    "promotion_codes",
    "tax_rates",
    "invoices",
    "invoice_line_items",
    "credit_notes",
    "credit_notes_line_items",
    "subscriptions",
    "subscription_items",
    "subscription_schedule",
    "transfers",
    "transfer_reversals",
    "top_ups",
    "application_fees",
    "application_fees_refunds",
    "reviews",
    "payment_links",
    "payment_links_line_items",
    "bank_accounts",
    "customer_tax_ids",
    "billing_meters",
]
_SMALL = Setup(backoff=QUICK.backoff, span=20)


def paths(emulator: StripeEmulator) -> Counter[str]:
    return Counter(request.path for request in emulator.requests)


def some_of_each(emulator: StripeEmulator) -> None:
    for kind in ("charge", "customer", "invoice", "subscription", "product", "payment_intent"):
        for _ in range(3):
            emulator.create(kind)


def test_a_sync_of_thirty_streams_that_finds_nothing_costs_two_requests(emulator: StripeEmulator) -> None:
    some_of_each(emulator)
    connection = Connection(_THIRTY)
    sync_on(emulator, connection, after=_HOUR)

    done = sync_on(emulator, connection, after=_HOUR)

    assert done.code == 0
    assert len(_THIRTY) == 30
    assert sum(done.output.ids().values()) == 0
    assert paths(emulator) == {"/v1/account": 1, "/v1/events": 1}


@pytest.mark.parametrize("changed", [1, 7, 40])
def test_changes_cost_a_request_each_at_most_beside_the_pages_of_the_feed(
    emulator: StripeEmulator, changed: int
) -> None:
    ids = {kind: [emulator.create(kind)["id"] for _ in range(50)] for kind in ("charge", "customer", "product")}
    connection = Connection(_THIRTY)
    sync_on(emulator, connection, after=_HOUR)
    emulator.clock.advance(_HOUR)
    before = len(emulator.objects("event"))
    for kind, field in {"charge": "description", "customer": "name", "product": "name"}.items():
        for each in ids[kind][:changed]:
            emulator.update(each, **{field: "changed"})

    done = sync_on(emulator, connection, after=_HOUR)

    events = len(emulator.objects("event")) - before
    assert sum(done.output.ids().values()) >= 3 * changed
    assert sum(paths(emulator).values()) <= 3 * changed + -(-events // 100) + 2


@pytest.mark.parametrize("stream", ["payouts", "customers", "invoices", "bank_accounts"])
def test_a_quiet_stream_does_not_page_through_the_events_of_all(emulator: StripeEmulator, stream: str) -> None:
    connection = Connection([stream])
    sync_on(emulator, connection, after=_HOUR)
    charge = emulator.create("charge")["id"]
    for number in range(5_000):
        emulator.update(charge, description=str(number))

    done = sync_on(emulator, connection, after=_HOUR)

    assert done.code == 0
    (kind, *_) = stream_rows()[stream].object
    assert not emulator.objects(kind)
    # The account, a page of all events, and one of each group of types.
    assert sum(paths(emulator).values()) <= {"customers": 6, "bank_accounts": 5}.get(stream, 3)


def test_a_feed_that_can_not_be_read_fails_the_streams_that_need_it_once(emulator: StripeEmulator) -> None:
    some_of_each(emulator)
    connection = Connection(["charges", "invoices", "products", "tax_codes"])
    sync_on(emulator, connection, after=_HOUR)
    emulator.faults.add(refused(400, "No.", kind="invalid_request_error"), "/v1/events", times=None)

    done = sync_on(emulator, connection, after=_HOUR, setup=QUICK)

    assert done.output.statuses == {
        "charges": "INCOMPLETE",
        "invoices": "INCOMPLETE",
        "products": "INCOMPLETE",
        "tax_codes": "COMPLETE",
    }
    assert paths(emulator)["/v1/events"] == 1


def changed_a_lot(emulator: StripeEmulator) -> None:
    """Two hundred changes of two kinds, one a minute."""
    for number in range(200):
        emulator.clock.advance(60)
        emulator.create("charge") if number % 2 else emulator.create("product", name=f"Product {number}")


def test_a_long_feed_is_taken_in_spans_and_each_is_checkpointed(emulator: StripeEmulator) -> None:
    connection = Connection(["charges", "products"])
    sync_on(emulator, connection, after=_HOUR)
    begin = connection.watermark("charges")
    changed_a_lot(emulator)

    done = sync_on(emulator, connection, after=_HOUR, setup=_SMALL)

    assert done.code == 0
    assert {name: len(connection.table(name)) for name in connection.streams} == {"charges": 100, "products": 100}
    marks = [state["updated"] for state in done.output.states("charges")]
    assert marks == sorted(marks)
    assert len(set(marks)) >= 5
    assert begin is not None
    assert marks[0] > begin


@pytest.mark.parametrize("record", [30, 90, 150])
def test_a_sync_that_is_killed_repeats_the_span_under_way_at_most(emulator: StripeEmulator, record: int) -> None:
    connection = Connection(["charges", "products"])
    sync_on(emulator, connection, after=_HOUR)
    changed_a_lot(emulator)

    killed = sync_on(emulator, connection, after=_HOUR, setup=_SMALL, kill=Kill(record=record))
    came = set(killed.output.ids())
    done = sync_on(emulator, connection, after=_HOUR, setup=_SMALL)

    assert killed.killed
    assert done.code == 0
    assert {name: len(connection.table(name)) for name in connection.streams} == {"charges": 100, "products": 100}
    # Ten minutes before the span are read again: ten changes.
    assert len(came & set(done.output.ids())) <= 2 * 20 + 10
