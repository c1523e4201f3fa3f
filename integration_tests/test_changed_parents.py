"""Streams whose rows hang on several parents, or on parents without events: what their later syncs cost and bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from integration_tests.connection import Connection
from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator, serve

_DAY = 86_400


@pytest.fixture
def account() -> Iterator[StripeEmulator]:
    emulator = StripeEmulator()
    with serve(emulator):
        yield emulator


def synced(emulator: StripeEmulator, connection: Connection) -> Sync:
    """Sync, longer after the last time than events come late."""
    emulator.clock.advance(1_800)
    emulator.requests.clear()
    done = sync(emulator, connection.streams, [*connection.states.values()])
    assert done.code == 0, done.output.errors
    connection.take(done.output)
    return done


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
    account: StripeEmulator,
) -> None:
    attempts(account, 30)
    account.clock.advance(15 * _DAY)
    connection = Connection(["payment_attempt_records"])
    first = synced(account, connection)
    new = attempts(account, 2)

    second = synced(account, connection)
    account.create("payment_attempt_record", payment_record=new[0])
    third = synced(account, connection)

    assert [len(done.output.records("payment_attempt_records")) for done in (first, second, third)] == [30, 2, 3]
    assert asked(account) == {"/v1/payment_records": 1, "/v1/payment_attempt_records": 2}
    assert len(connection.table("payment_attempt_records")) == 33


def test_records_and_their_attempts_are_read_off_one_list(account: StripeEmulator) -> None:
    attempts(account, 3)
    connection = Connection(["payment_attempt_records", "payment_records"])
    synced(account, connection)

    synced(account, connection)

    assert asked(account) == {"/v1/payment_records": 1, "/v1/payment_attempt_records": 3}
