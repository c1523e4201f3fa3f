"""Reading from the emulator, each command a process of its own, as an Airbyte platform runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.connection import stream_rows
from integration_tests.connector import Connector, catalog
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import demo

CHARGES, BALANCE_TRANSACTIONS = 5_000, 12_345
STREAMS = {
    "customers": "customer",
    "charges": "charge",
    "payment_intents": "payment_intent",
    "checkout_sessions": "checkout.session",
    "promotion_codes": "promotion_code",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "balance_transactions": "balance_transaction",
    "disputes": "dispute",
    "payouts": "payout",
    "refunds": "refund",
    "events": "event",
}
_TEN_MINUTES, _DAY = 600, 86_400


@pytest.fixture(scope="module")
def busy() -> Iterator[StripeEmulator]:
    """A company's account with 5,000 charges and 12,345 balance transactions."""
    emulator = StripeEmulator()
    demo.populate(emulator)
    fill(emulator, "charge", CHARGES)
    fill(emulator, "balance_transaction", BALANCE_TRANSACTIONS)
    emulator.clock.advance(1)
    with serve(emulator):
        yield emulator


def fill(emulator: StripeEmulator, kind: str, count: int) -> None:
    """Create objects until there are so many; one second in ten holds a hundred of them."""
    now = emulator.clock.now()
    for number in range(count - len(emulator.objects(kind))):
        created = now - 1 - (number if number % 10 else number % 7) * 600
        emulator.create(kind, amount=100 + number, created=created, event=False)


def connector(emulator: StripeEmulator, folder: Path, **config: object) -> Connector:
    defaults = {"client_secret": emulator.key, "api_url": emulator.url, "call_rate_limit": 10_000}
    return Connector(folder, {**defaults, **config})


@pytest.mark.parametrize("stream", STREAMS)
def test_a_full_refresh_emits_each_id_once(busy: StripeEmulator, tmp_path: Path, stream: str) -> None:
    run = connector(busy, tmp_path).read(catalog([stream]))

    assert run.code == 0, run.stderr
    truth = [row["id"] for row in busy.objects(STREAMS[stream])]
    assert run.output.ids(stream) == Counter(truth)
    assert len(truth) > 0
    assert run.output.statuses == {stream: "COMPLETE"}
    if stream == "charges":
        assert len(truth) == CHARGES
    if stream == "balance_transactions":
        assert len(truth) == BALANCE_TRANSACTIONS


def test_all_streams_at_once_emit_each_row_as_stripe_has_it(busy: StripeEmulator, tmp_path: Path) -> None:
    output = connector(busy, tmp_path, num_workers=16).read(catalog(STREAMS)).output

    for stream, kind in STREAMS.items():
        truth = {row["id"] for row in busy.objects(kind)}
        rows = {row["id"]: row for row in output.records(stream)}
        assert rows.keys() == truth
        for object_id, row in rows.items():
            ours = {key: value for key, value in row.items() if key not in ("updated", "is_deleted")}
            assert ours == busy.get(object_id, expand=stream_rows()[stream].expand)
        assert sum(output.ids(stream).values()) == len(truth)


def test_three_syncs_emit_each_balance_transaction_once_but_for_the_last_ten_minutes(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    fill(emulator, "balance_transaction", BALANCE_TRANSACTIONS)
    emitted: Counter[str] = Counter()
    state, last_sync = None, 0
    with serve(emulator):
        for changes in (0, 250, 3):
            emulator.clock.advance(8 * _DAY)
            fill(emulator, "balance_transaction", len(emulator.objects("balance_transaction")) + changes)
            run = connector(emulator, tmp_path, lookback_window_days=0).read(
                catalog(["balance_transactions"], "incremental"), state
            )
            assert run.code == 0, run.stderr
            ids = run.output.ids()
            assert set(ids.values()) == {1}
            again = [row["created"] for row in run.output.records() if emitted[row["id"]]]
            assert all(last_sync - _TEN_MINUTES <= created < last_sync for created in again)
            emitted.update(ids)
            state, last_sync = run.output.state_messages, emulator.clock.now()

    assert set(emitted) == {row["id"] for row in emulator.objects("balance_transaction")}
    assert len(emitted) == BALANCE_TRANSACTIONS + 253


def test_three_syncs_emit_each_event_once_but_for_the_last_ten_minutes(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    emitted: Counter[str] = Counter()
    state, last_sync = None, 0
    with serve(emulator):
        for changes in (700, 130, 2):
            for _ in range(changes):
                emulator.create("customer")
                emulator.clock.advance(7)
            run = connector(emulator, tmp_path).read(catalog(["events"], "incremental"), state)
            assert run.code == 0, run.stderr
            ids = run.output.ids()
            assert set(ids.values()) == {1}
            again = {row["id"] for row in run.output.records() if emitted[row["id"]]}
            overlap = {
                row["id"] for row in emulator.objects("event") if last_sync - _TEN_MINUTES <= row["created"] < last_sync
            }
            assert again == overlap
            emitted.update(ids)
            state, last_sync = run.output.state_messages, emulator.clock.now()

    assert set(emitted) == {row["id"] for row in emulator.objects("event")}
    assert len(emitted) == 832


def test_a_balance_transaction_that_settled_is_emitted_again(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    pending = emulator.create("balance_transaction", status="pending")
    emulator.clock.advance(_DAY)
    with serve(emulator):
        reading = connector(emulator, tmp_path)
        state = reading.read(catalog(["balance_transactions"], "incremental")).output.state_messages
        emulator.update(pending["id"], status="available", event=False)
        emulator.clock.advance(_DAY)
        rows = reading.read(catalog(["balance_transactions"], "incremental"), state).output.records()

    assert [row["status"] for row in rows] == ["available"]


def test_a_wrong_key_is_told_in_stripes_words(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    with serve(emulator):
        run = connector(emulator, tmp_path, client_secret="sk_test_wrong_0123456789abcdef").check()

    (status,) = [message["connectionStatus"] for message in run.output.messages if "connectionStatus" in message]
    assert status["status"] == "FAILED"
    assert "Invalid API Key provided" in status["message"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"client_secret": "pk_test_emulator_1"}, "a publishable key (pk_...)"),
        ({"client_secret": "whsec_emulator_1"}, "a webhook signing secret (whsec_...)"),
        ({"client_secret": "sk_test_emu lator"}, "holds a space"),
        ({"account_id": "1032D82"}, "must look like acct_"),
        ({"start_date": "2999-01-01T00:00:00Z"}, "lies in the future"),
        ({"start_date": "yesterday"}, "must be a UTC time like 2017-01-25T00:00:00Z"),
        ({"api_url": "http://192.0.2.1"}, "would send the secret key unencrypted"),
    ],
)
def test_check_refuses_a_bad_config_before_any_request(
    emulator: StripeEmulator, tmp_path: Path, value: dict[str, str], sentence: str
) -> None:
    run = connector(emulator, tmp_path, **value).check()

    (status,) = [message["connectionStatus"] for message in run.output.messages if "connectionStatus" in message]
    assert status["status"] == "FAILED"
    assert sentence in status["message"]
    assert emulator.requests == []
