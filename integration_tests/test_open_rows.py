"""Open rows: what changes without an event is read again when it is due, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from integration_tests.connection import Connection, sync_on
from integration_tests.connector import Json
from integration_tests.convergence import check_is_complete, truth_of
from integration_tests.counting import most_for
from integration_tests.syncing import Kill
from stripe_emulator import StripeEmulator

_HOUR = 3_600
_DAY = 24 * _HOUR
TRANSACTIONS = ["balance_transactions"]


def at_midnight(second: int) -> int:
    """Stripe's `available_on` are midnights of UTC."""
    return -(-second // _DAY) * _DAY


def transactions(emulator: StripeEmulator, count: int, days: int, delays: Sequence[int]) -> None:
    """Evenly over so many days up to now; each settles after one of these numbers of days."""
    now = emulator.clock.now()
    for n in range(count):
        created = now - days * _DAY + days * _DAY * n // count
        due = at_midnight(created + delays[n % len(delays)] * _DAY)
        status = "available" if due <= now else "pending"
        emulator.create("balance_transaction", created=created, available_on=due, status=status, event=False)


def settle(emulator: StripeEmulator) -> list[str]:
    """What Stripe does without an event. Returns the ids of those that have become available."""
    now = emulator.clock.now()
    open_rows = [row for row in emulator.objects("balance_transaction") if row["status"] == "pending"]
    due = [row["id"] for row in open_rows if row["available_on"] <= now]
    for each in due:
        emulator.update(each, status="available", event=False)
    return due


def open_in(connection: Connection, stream: str) -> Any:
    return connection.states[stream]["stream"]["stream_state"].get("open")


def test_what_is_pending_is_read_when_it_settles_and_not_before(emulator: StripeEmulator) -> None:
    transactions(emulator, 5_000, 20, [2, 3, 7, 30])
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    settled: Counter[str] = Counter()

    for _ in range(30):
        emulator.clock.advance(_HOUR)
        changed = settle(emulator)
        done = sync_on(emulator, connection)
        assert done.code == 0
        assert set(changed) <= done.output.ids().keys()
        settled.update(changed)
        if not changed:
            assert done.output.ids() == Counter()
            assert len(emulator.requests) <= 3
        assert connection.table("balance_transactions").keys() == truth_of(emulator, "balance_transactions").keys()

    check_is_complete(done, connection)
    assert len(settled) > 150
    assert {row["id"] for row in connection.table("balance_transactions").values() if row["status"] == "pending"} == {
        row["id"] for row in emulator.objects("balance_transaction") if row["status"] == "pending"
    }


def test_one_that_settles_after_forty_days_becomes_available_in_the_sync_after(emulator: StripeEmulator) -> None:
    due = at_midnight(emulator.clock.now() + 40 * _DAY)
    late = emulator.create("balance_transaction", status="pending", available_on=due)["id"]
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)

    for _ in range(42):
        emulator.clock.advance(_DAY)
        changed = settle(emulator)
        done = sync_on(emulator, connection)
        assert set(done.output.ids()) == set(changed)
        assert len(emulator.requests) <= 3

    assert connection.table("balance_transactions")[(late,)]["status"] == "available"
    assert open_in(connection, "balance_transactions") == []


def test_one_that_is_late_is_asked_for_until_it_settles_and_emitted_then(emulator: StripeEmulator) -> None:
    due = at_midnight(emulator.clock.now() + _DAY)
    late = emulator.create("balance_transaction", status="pending", available_on=due)["id"]
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    emulator.clock.advance(5 * _DAY)

    assert sync_on(emulator, connection).output.ids() == Counter()
    assert open_in(connection, "balance_transactions") != []
    emulator.update(late, status="available", event=False)
    emulator.clock.advance(_HOUR)
    assert sync_on(emulator, connection).output.ids() == Counter([late])
    assert open_in(connection, "balance_transactions") == []


def test_a_state_that_does_not_know_what_is_open_gets_it_from_a_look_back(emulator: StripeEmulator) -> None:
    transactions(emulator, 300, 20, [30])
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    del connection.states["balance_transactions"]["stream"]["stream_state"]["open"]

    emulator.clock.advance(_HOUR)
    assert len(sync_on(emulator, connection).output.ids()) == 300
    # The account, what is new, and the look-back.
    assert len(emulator.requests) <= 2 + most_for(emulator, "/v1/balance_transactions", 300)

    emulator.clock.advance(_HOUR)
    assert len(sync_on(emulator, connection).output.ids()) == 0
    assert len(emulator.requests) <= 2

    emulator.clock.advance(35 * _DAY)
    settle(emulator)
    assert len(sync_on(emulator, connection).output.ids()) == 300


def test_a_look_back_that_the_config_names_is_read_instead(emulator: StripeEmulator) -> None:
    transactions(emulator, 300, 20, [30])
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)

    for _ in range(2):
        emulator.clock.advance(_HOUR)
        assert 70 <= len(sync_on(emulator, connection, lookback_window_days=5).output.ids()) <= 76
        assert open_in(connection, "balance_transactions") is None


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_what_is_open_survives_syncs_that_are_killed(emulator: StripeEmulator, workers: int) -> None:
    random = Random(workers)
    transactions(emulator, 1_500, 20, [2, 3, 7, 30, 41])
    connection = Connection(TRANSACTIONS)
    emulator.clock.advance(_HOUR)

    for _ in range(14):
        kill = random.choice([Kill(record=random.randint(1, 400)), Kill(request=random.randint(2, 9))])
        sync_on(emulator, connection, kill=kill, num_workers=workers)
        emulator.clock.advance(random.choice([60, _HOUR, _DAY, 5 * _DAY]))
        settle(emulator)
    done = sync_on(emulator, connection, num_workers=workers)

    check_is_complete(done, connection)
    truth = {row["id"]: row["status"] for row in emulator.objects("balance_transaction")}
    assert {row["id"]: row["status"] for row in connection.table("balance_transactions").values()} == truth


def _create(kind: str, **fields: Any) -> Callable[[StripeEmulator], str]:
    return lambda emulator: str(emulator.create(kind, **fields)["id"])


UNTOLD: Mapping[str, tuple[Callable[[StripeEmulator], str], Json, int]] = {
    "payment_intents": (_create("payment_intent", status="requires_action"), {"metadata": {"changed": "yes"}}, _HOUR),
    "setup_intents": (_create("setup_intent", status="requires_action"), {"metadata": {"changed": "yes"}}, 6 * _DAY),
    "checkout_sessions": (_create("checkout.session", status="open"), {"metadata": {"changed": "yes"}}, _HOUR),
    "invoice_items": (_create("invoiceitem", invoice=None), {"description": "changed"}, 50 * _DAY),
    "invoice_payments": (_create("invoice_payment", status="open"), {"status": "canceled"}, 50 * _DAY),
    "top_ups": (_create("topup", status="pending"), {"metadata": {"changed": "yes"}}, 9 * _DAY),
    "file_links": (_create("file_link", expired=False), {"expired": True}, 50 * _DAY),
    "quotes": (_create("quote", status="draft"), {"description": "changed"}, 50 * _DAY),
}
"""By stream: an object, what Stripe or its user changes of it without an event, and how old it may be."""


@pytest.mark.parametrize("stream", UNTOLD)
def test_what_changes_without_an_event_is_found_while_the_row_is_open(emulator: StripeEmulator, stream: str) -> None:
    create, change, age = UNTOLD[stream]
    connection = Connection([stream])
    for _ in range(30):
        other = create(emulator)
        emulator.clock.advance(30)
    changed = create(emulator)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)

    for step in range(2):
        emulator.clock.advance(age // 2 if step == 0 else _HOUR // 4)
        emulator.update(changed, event=False, **change if step else {})
        done = sync_on(emulator, connection)
        check_is_complete(done, connection)
        # The account, its events, what was created since and what is open; of quotes, drafts and those that are open.
        assert len(emulator.requests) <= 4

    assert connection.table(stream).keys() == truth_of(emulator, stream).keys()
    row = connection.table(stream)[(changed,)]
    assert {name: row[name] for name in change} == change
    assert (other,) in connection.table(stream)


def test_a_row_is_not_open_any_more_when_it_is_final_or_old(emulator: StripeEmulator) -> None:
    connection = Connection(["payment_intents"])
    intents = [_create("payment_intent", status="requires_action")(emulator) for _ in range(3)]
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    emulator.update(intents[0], status="succeeded")
    emulator.clock.advance(_DAY)

    # The last reading of a row begins behind the time for which it is open.
    assert sync_on(emulator, connection).output.ids().keys() == set(intents)
    assert open_in(connection, "payment_intents") == []
    emulator.clock.advance(_HOUR)
    assert sync_on(emulator, connection).output.ids() == Counter()


def test_an_open_row_that_an_event_names_has_the_time_of_that(emulator: StripeEmulator) -> None:
    connection = Connection(["payment_intents"])
    intent = _create("payment_intent", status="requires_action")(emulator)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    emulator.clock.advance(_HOUR)
    emulator.update(intent, status="processing")
    changed = emulator.clock.now()
    emulator.clock.advance(_HOUR)

    rows = sync_on(emulator, connection).output.records()

    assert [row["updated"] for row in rows] == [changed]


def test_children_that_cost_requests_are_not_asked_for_again(emulator: StripeEmulator) -> None:
    connection = Connection(["setup_intents", "setup_attempts"])
    for _ in range(20):
        _create("setup_intent", status="requires_action")(emulator)
    emulator.clock.advance(_HOUR)
    sync_on(emulator, connection)
    emulator.clock.advance(_HOUR)

    assert len(sync_on(emulator, connection).output.ids("setup_intents")) == 20
    assert [request for request in emulator.requests if request.path == "/v1/setup_attempts"] == []


UNSEEN: Mapping[str, tuple[Callable[[StripeEmulator], str], Json]] = {
    "charges": (_create("charge"), {"receipt_number": "1234-5678"}),
    "file_links": (_create("file_link", expired=True), {"metadata": {"changed": "yes"}}),
    "setup_intents": (_create("setup_intent", status="succeeded"), {"metadata": {"changed": "yes"}}),
}


@pytest.mark.parametrize("stream", UNSEEN)
def test_relist_days_finds_what_nothing_tells(emulator: StripeEmulator, stream: str) -> None:
    create, change = UNSEEN[stream]
    connection = Connection([stream])
    ids = []
    for _ in range(250):
        ids.append(create(emulator))
        emulator.clock.advance(_HOUR)
    sync_on(emulator, connection, relist_days=7)
    emulator.update(ids[3], event=False, **change)

    for days in (3, 3, 3):
        assert {name: connection.table(stream)[(ids[3],)][name] for name in change} != change
        emulator.clock.advance(days * _DAY)
        sync_on(emulator, connection, relist_days=7)
    assert {name: connection.table(stream)[(ids[3],)][name] for name in change} == change

    emulator.clock.advance(3 * _DAY)
    assert len(sync_on(emulator, connection, relist_days=7).output.ids()) == 0


def test_a_listing_of_all_that_is_killed_goes_on(emulator: StripeEmulator) -> None:
    connection = Connection(["charges"])
    ids = []
    for _ in range(2_500):
        ids.append(_create("charge")(emulator))
        emulator.clock.advance(60)
    sync_on(emulator, connection, relist_days=7)
    emulator.clock.advance(8 * _DAY)
    for each in ids[::100]:
        emulator.update(each, event=False, receipt_number="1234-5678")

    assert sync_on(emulator, connection, relist_days=7, num_workers=1, kill=Kill(record=1_200)).killed
    emulator.clock.advance(_HOUR)
    done = sync_on(emulator, connection, relist_days=7, num_workers=1)

    check_is_complete(done, connection)
    assert len(done.output.ids()) <= 2_000
    numbers = {row["id"] for row in connection.table("charges").values() if row["receipt_number"]}
    assert numbers == set(ids[::100])
