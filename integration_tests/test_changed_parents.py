"""Streams whose rows hang on several parents, or on parents without events: what their later syncs cost and bring."""

from __future__ import annotations

from collections import Counter

import pytest

from integration_tests.connection import Connection, synced
from integration_tests.syncing import Kill, sync
from stripe_emulator import StripeEmulator

_DAY = 86_400


def asked(emulator: StripeEmulator) -> Counter[str]:
    """Requests by what they ask for, beside the account's."""
    counts = Counter(request.pattern for request in emulator.requests)
    counts.pop("/v1/account", None)
    return counts


def attempts(emulator: StripeEmulator, records: int) -> list[str]:
    """Payment records with an attempt each; the ids of the records."""
    ids = [emulator.create("payment_record")["id"] for _ in range(records)]
    for record in ids:
        emulator.create("payment_attempt_record", payment_record=record)
    return ids


def test_attempts_are_asked_for_record_by_record_where_the_record_is_no_older_than_14_days(
    emulator: StripeEmulator,
) -> None:
    attempts(emulator, 30)
    emulator.clock.advance(15 * _DAY)
    connection = Connection(["payment_attempt_records"])
    first = synced(emulator, connection)
    new = attempts(emulator, 2)

    second = synced(emulator, connection)
    emulator.create("payment_attempt_record", payment_record=new[0])
    third = synced(emulator, connection)

    assert [len(done.output.records("payment_attempt_records")) for done in (first, second, third)] == [30, 2, 3]
    assert asked(emulator) == {"/v1/payment_records": 1, "/v1/payment_attempt_records": 2}
    assert len(connection.table("payment_attempt_records")) == 33


def test_records_and_their_attempts_are_read_off_one_list(emulator: StripeEmulator) -> None:
    attempts(emulator, 3)
    connection = Connection(["payment_attempt_records", "payment_records"])
    synced(emulator, connection)

    synced(emulator, connection)

    assert asked(emulator) == {"/v1/payment_records": 1, "/v1/payment_attempt_records": 3}


def mandates(emulator: StripeEmulator, count: int) -> list[str]:
    """Mandates that a setup intent each names."""
    ids = [emulator.create("mandate")["id"] for _ in range(count)]
    for mandate in ids:
        emulator.create("setup_intent", mandate=mandate)
    return ids


def test_a_second_sync_asks_for_the_mandates_of_changed_parents_only(emulator: StripeEmulator) -> None:
    ids = mandates(emulator, 30)
    connection = Connection(["mandates"])
    first = synced(emulator, connection)

    nothing = synced(emulator, connection)

    assert len(first.output.records("mandates")) == 30
    assert nothing.output.records("mandates") == []
    assert asked(emulator) == {"/v1/events": 1}

    emulator.update(ids[3], status="inactive")
    paid_with(emulator, ids[4])
    emulator.create("setup_intent", mandate=emulator.create("mandate")["id"])
    changed = synced(emulator, connection)

    assert len(changed.output.records("mandates")) == 3
    assert asked(emulator)["/v1/mandates/{mandate}"] == 3
    assert sum(asked(emulator).values()) <= 6
    assert connection.table("mandates")[(ids[3],)]["status"] == "inactive"


def paid_with(emulator: StripeEmulator, mandate: str) -> str:
    """A charge that names a mandate."""
    details = {"type": "us_bank_account", "us_bank_account": {"mandate": mandate}}
    return str(emulator.create("charge", payment_method_details=details)["id"])


def discount(emulator: StripeEmulator, **owner: str | None) -> str:
    return str(emulator.create("discount", **owner)["id"])


def test_a_discount_that_was_removed_from_its_customer_is_a_tombstone(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer")["id"]
    given = discount(emulator, customer=customer)
    emulator.update(customer, discount=emulator.get(given))
    connection = Connection(["discounts"])
    synced(emulator, connection)
    assert set(connection.table("discounts")) == {(given,)}

    emulator.delete(given)
    emulator.update(customer, discount=None)
    done = synced(emulator, connection)

    assert connection.table("discounts") == {}
    assert [row["is_deleted"] for row in done.output.records("discounts")] == [True]


@pytest.mark.parametrize("kind", ["customer", "subscription", "invoice", "invoiceitem", "quote"])
def test_discounts_are_followed_in_all_that_they_stand_in(emulator: StripeEmulator, kind: str) -> None:
    customer = emulator.create("customer")["id"]
    fields = {} if kind == "customer" else {"customer": customer}
    parent = customer if kind == "customer" else emulator.create(kind, **fields)["id"]
    emulator.create("customer")
    connection = Connection(["discounts"])
    synced(emulator, connection)

    nothing = synced(emulator, connection)
    assert nothing.output.records("discounts") == []
    assert asked(emulator)["/v1/events"] == 1
    given = discount(emulator, customer=customer, subscription=parent if kind == "subscription" else None)
    emulator.update(parent, **({"discount": emulator.get(given)} if kind == "customer" else {"discounts": [given]}))
    synced(emulator, connection)

    assert set(connection.table("discounts")) == {(given,)}


def test_a_discount_that_left_one_of_two_parents_stays(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer")["id"]
    given = discount(emulator, customer=customer)
    one, other = (emulator.create("invoice", customer=customer, discounts=[given], status="draft")["id"] for _ in "ab")
    connection = Connection(["discounts"])
    synced(emulator, connection)

    emulator.update(one, discounts=[])
    synced(emulator, connection)
    assert set(connection.table("discounts")) == {(given,)}

    emulator.delete(other)
    synced(emulator, connection)
    emulator.delete(given)
    emulator.create("invoice", customer=customer, discounts=[given])
    synced(emulator, connection)

    assert connection.table("discounts") == {}


def test_a_discount_that_an_invoice_shows_as_deleted_is_a_tombstone(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer")["id"]
    given = discount(emulator, customer=customer)
    invoice = emulator.create("invoice", customer=customer, discounts=[given])["id"]
    connection = Connection(["discounts"])
    synced(emulator, connection)
    emulator.delete(given)
    synced(emulator, connection)

    emulator.update(invoice, description="changed")
    done = synced(emulator, connection)

    assert [row["is_deleted"] for row in done.output.records("discounts")] == [True]
    assert connection.table("discounts") == {}


def test_an_interrupted_first_sync_goes_on_in_the_lists_of_all_parents(emulator: StripeEmulator) -> None:
    ids = mandates(emulator, 3)
    charges = [paid_with(emulator, emulator.create("mandate")["id"]) for _ in range(250)]
    connection = Connection(["mandates"])
    connection.take(sync(emulator, connection.streams, kill=Kill(record=120), num_workers=2).output)
    assert 0 < len(connection.table("mandates")) < 253
    emulator.update(ids[0], status="inactive")

    synced(emulator, connection)

    assert len(charges) == 250
    assert len(connection.table("mandates")) == 253
    assert connection.table("mandates")[(ids[0],)]["status"] == "inactive"


@pytest.mark.parametrize("days", [1, 31])
def test_a_state_of_before_goes_on(emulator: StripeEmulator, days: int) -> None:
    """Until now several parents were read whole, and the state held no more than a time."""
    ids = mandates(emulator, 3)
    connection = Connection(["mandates"])
    synced(emulator, connection)
    for state in connection.states.values():
        assert set(state["stream"]["stream_state"]) == {"updated", "read_with"}
        del state["stream"]["stream_state"]["read_with"]
    emulator.clock.advance(days * _DAY)
    emulator.update(ids[1], status="inactive")

    synced(emulator, connection)

    assert connection.table("mandates")[(ids[1],)]["status"] == "inactive"


def test_a_source_that_fails_shows_in_its_customer(emulator: StripeEmulator) -> None:
    """The events of sources by themselves, `source.failed`, name their customer too."""
    customer = emulator.create("customer")["id"]
    source = emulator.create("source", customer=customer, status="pending")["id"]
    connection = Connection(["customers"])
    synced(emulator, connection)

    emulator.update(source, status="failed")
    synced(emulator, connection)

    (row,) = connection.table("customers").values()
    assert [each["status"] for each in row["sources"]["data"]] == ["failed"]
