"""What changes around the connector: its config, its key, its catalog, its clock, and how long it was not run."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from integration_tests.company import Company
from integration_tests.connection import Connection
from integration_tests.convergence import Replica, check_is_complete, truth_of
from integration_tests.setup import Setup
from integration_tests.syncing import Kill, Sync, sync
from stripe_emulator import StripeEmulator

DAY = 86_400
KINDS = {
    "charges": "charge",
    "customers": "customer",
    "balance_transactions": "balance_transaction",
    "payment_links": "payment_link",
}


def run(connection: Connection, emulator: StripeEmulator, **options: Any) -> Sync:
    """A sync that goes on from the connection's states."""
    done = sync(emulator, connection.streams, [*connection.states.values()], **{"num_workers": 1, **options})
    connection.take(done.output)
    return done


def warnings(done: Sync) -> list[str]:
    return [line for line in done.output.logs if line.startswith("WARN")]


def day_by_day(emulator: StripeEmulator, kind: str, count: int) -> list[str]:
    """Objects, a day apart."""
    made = []
    for _ in range(count):
        made.append(str(emulator.create(kind)["id"]))
        emulator.clock.advance(DAY)
    return made


def date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("kill", [None, Kill(record=3)], ids=["in one go", "killed"])
@pytest.mark.parametrize("stream", ["charges", "balance_transactions", "payment_links"])
def test_an_earlier_start_date_brings_what_was_left_out(
    emulator: StripeEmulator, stream: str, kill: Kill | None
) -> None:
    made = day_by_day(emulator, KINDS[stream], 10)
    connection = Connection([stream])
    run(connection, emulator, start_date=date(emulator.clock.now() - 2 * DAY))
    before = connection.watermark(stream) or 0
    emulator.clock.advance(3_600)

    moved = run(connection, emulator, start_date=date(emulator.clock.now() - 7 * DAY), kill=kill)
    rest = moved if kill is None else run(connection, emulator, start_date=date(emulator.clock.now() - 7 * DAY))
    emulator.clock.advance(3_600)
    everything = run(connection, emulator)

    for done in (rest, everything):
        check_is_complete(done, connection)
    assert any("start_date" in line for line in warnings(moved)), moved.output.logs
    assert {key[0] for key in connection.table(stream)} == set(made)
    if stream == "charges":
        assert len(rest.output.ids()) <= 4
        assert everything.output.ids().keys() == set(made[:4])
        assert all(row["updated"] >= before for row in everything.output.records())


def test_what_was_changed_while_it_was_left_out_is_right_after_an_earlier_start_date(emulator: StripeEmulator) -> None:
    gone, changed, changed_long_ago, *_ = day_by_day(emulator, "customer", 10)
    connection = Connection(["customers"])
    run(connection, emulator)
    late = date(emulator.clock.now() - 2 * DAY)
    emulator.clock.advance(DAY)
    emulator.update(changed_long_ago, name="new")
    for _ in range(3):
        emulator.clock.advance(15 * DAY)
        run(connection, emulator, start_date=late)
    emulator.update(changed, name="new")
    emulator.delete(gone)
    emulator.clock.advance(DAY)
    run(connection, emulator, start_date=late)
    emulator.clock.advance(DAY)

    check_is_complete(run(connection, emulator), connection)

    truth = truth_of(emulator, "customers")
    assert connection.table("customers").keys() == truth.keys()
    assert {key: row["name"] for key, row in connection.table("customers").items()} == {
        key: row["name"] for key, row in truth.items()
    }


def test_a_later_start_date_reads_nothing_again_and_is_remembered(emulator: StripeEmulator) -> None:
    made = day_by_day(emulator, "charge", 10)
    connection = Connection(["charges"])
    run(connection, emulator)
    late = date(emulator.clock.now() - 2 * DAY)
    emulator.clock.advance(3_600)

    assert not run(connection, emulator, start_date=late).output.ids()
    emulator.update(made[0], description="changed while it was left out", event=False)
    emulator.clock.advance(3_600)
    assert run(connection, emulator).output.ids().keys() == set(made[:8])
    (row,) = (row for key, row in connection.table("charges").items() if key[0] == made[0])
    assert row["description"] == "changed while it was left out"


@pytest.mark.parametrize("saved", [{"account": "acct_9Other"}, {"live": True}], ids=["account", "mode"])
def test_a_state_of_another_account_or_mode_is_refused(emulator: StripeEmulator, saved: dict[str, Any]) -> None:
    day_by_day(emulator, "charge", 3)
    connection = Connection(["charges", "customers", "events"])
    run(connection, emulator)
    for stream in ("charges", "events"):
        connection.states[stream]["stream"]["stream_state"]["read_with"] |= saved
    emulator.clock.advance(3_600)
    emulator.create("charge")
    asked = len(emulator.requests)

    done = run(connection, emulator)

    assert done.code == 1
    assert done.output.statuses == {"charges": "INCOMPLETE", "customers": "COMPLETE", "events": "INCOMPLETE"}
    assert not done.output.ids()
    assert not done.output.states("charges") + done.output.states("events")
    refusals = [error for error in done.output.errors if error.startswith("The stream charges can't be read.")]
    names = ["acct_9Other", "acct_1Emulator"] if "account" in saved else ["live data", "test data"]
    assert refusals
    assert all(name in refusals[0] for name in [*names, "reset the stream"])
    assert {request.path for request in emulator.requests[asked:]} == {"/v1/account", "/v1/events"}


def test_a_full_refresh_reads_all_beside_a_complete_state(emulator: StripeEmulator) -> None:
    made = day_by_day(emulator, "charge", 10)
    connection = Connection(["charges", "balance_transactions"])
    run(connection, emulator)
    emulator.clock.advance(3_600)

    again = run(connection, emulator, mode="full_refresh")

    assert again.output.ids("charges").keys() == set(made)


def test_a_full_refresh_goes_on_from_one_that_was_interrupted(emulator: StripeEmulator) -> None:
    for _ in range(1_000):
        emulator.create("charge")
        emulator.clock.advance(3_600)
    connection = Connection(["charges"])
    run(connection, emulator, mode="full_refresh", kill=Kill(record=999))
    emulator.clock.advance(60)

    rest = run(connection, emulator, mode="full_refresh")

    check_is_complete(rest, connection)
    assert 0 < len(rest.output.ids()) < 1_000
    assert len(connection.table("charges")) == 1_000


def test_a_date_header_that_is_ahead_skips_no_change(emulator: StripeEmulator) -> None:
    """The machine's clock is right; for one sync, what answers says that it is a quarter of an hour later."""
    (charge,) = day_by_day(emulator, "charge", 1)
    connection = Connection(["charges"])
    right = emulator.clock.now()
    emulator.clock.advance(900)
    ahead = run(connection, emulator, setup=Setup(clock=right))
    emulator.clock.set(right + 30)
    emulator.update(charge, description="changed")
    emulator.clock.advance(3_600)

    check_is_complete(run(connection, emulator), connection)

    assert any("clock" in line for line in warnings(ahead))
    assert connection.table("charges")[charge,]["description"] == "changed"


def test_a_watermark_that_is_ahead_skips_no_change(emulator: StripeEmulator) -> None:
    """Both clocks were wrong at a sync."""
    (charge,) = day_by_day(emulator, "charge", 1)
    connection = Connection(["charges", "balance_transactions"])
    right = emulator.clock.now()
    emulator.clock.advance(20 * 3_600)
    run(connection, emulator)
    emulator.clock.set(right + 30)
    emulator.update(charge, description="changed")
    emulator.create("balance_transaction")
    emulator.clock.advance(3_600)

    done = run(connection, emulator, lookback_window_days=0)

    check_is_complete(done, connection)
    assert any("charges" in line and "ahead" in line for line in warnings(done))
    assert connection.table("charges")[charge,]["description"] == "changed"
    assert len(connection.table("balance_transactions")) == 1
    assert connection.watermark("charges") == emulator.clock.now()


def test_events_that_are_gone_are_told(emulator: StripeEmulator) -> None:
    day_by_day(emulator, "charge", 3)
    connection = Connection(["events", "v2_core_events", "reserve_holds"])
    run(connection, emulator)
    emulator.clock.advance(28 * DAY)
    soon = run(connection, emulator)
    was = emulator.clock.now()
    emulator.clock.advance(45 * DAY)

    late = run(connection, emulator)

    assert not [line for line in warnings(soon) if "missing" in line]
    told = [line for line in warnings(late) if "missing" in line]
    for stream in connection.streams:
        (line,) = (line for line in told if f"the stream {stream} " in line)
        assert datetime.fromtimestamp(was, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC") in line


def test_a_back_fill_that_outlasts_stripes_events_loses_no_deletion(emulator: StripeEmulator) -> None:
    customers = []
    for _ in range(450):
        customers.append(str(emulator.create("customer")["id"]))
        emulator.clock.advance(3_600)
    replica = Replica(Company(emulator), Connection(["customers"]), workers=1)
    assert replica.sync(Kill(record=449)).killed
    emulator.clock.advance(3_600)
    emulator.delete(customers[-1])
    emulator.update(customers[-2], name="changed")
    emulator.clock.advance(29 * DAY - 2 * 3_600)
    lists = [0]

    def time_passes() -> None:
        lists[0] += 1
        emulator.clock.advance(2 * DAY)

    # It passes while the rest of the list is read: after that no event of the first hours is left.
    done = run(replica.connection, emulator, meanwhile={3: time_passes})

    check_is_complete(done, replica.connection)
    truth = truth_of(emulator, "customers")
    assert lists == [1]
    assert replica.connection.table("customers").keys() == truth.keys()
    assert replica.connection.table("customers")[customers[-2],]["name"] == "changed"


@pytest.mark.parametrize("kill", [None, Kill(record=1), Kill(request=3)], ids=["in one go", "by record", "by request"])
def test_a_review_that_was_closed_before_the_first_sync_is_read(emulator: StripeEmulator, kill: Kill | None) -> None:
    reviews = day_by_day(emulator, "review", 40)
    emulator.update(reviews[0], open=False, closed_reason="approved")
    emulator.clock.advance(DAY)
    connection = Connection(["reviews"])
    if kill:
        run(connection, emulator, kill=kill)
        emulator.clock.advance(60)

    check_is_complete(run(connection, emulator), connection)

    assert {key[0] for key in connection.table("reviews")} == set(reviews)
    assert connection.table("reviews")[reviews[0],]["open"] is False
