"""Objects that are created in the future: test clocks run ahead, up to years, and what happens on them has those times.

Their events have the account's own time.
"""

from __future__ import annotations

from typing import Any

import pytest

from integration_tests.company import Company
from integration_tests.connection import Connection
from integration_tests.convergence import Replica
from integration_tests.syncing import Kill
from integration_tests.test_holes import DAY, ids, replica_of
from stripe_emulator import StripeEmulator

FAR = 400 * DAY
STREAMS = ["invoices", "invoice_payments", "refunds", "application_fees", "balance_transactions", "quotes"]
"""They follow events, or events and lists, or `created`; quotes have a list that can't be asked for a range."""


def made(emulator: StripeEmulator, kind: str, ahead: int, **fields: Any) -> str:
    """An object that is created so many seconds ahead of now."""
    return str(emulator.create(kind, created=emulator.clock.now() + ahead, **fields)["id"])


def sync(replica: Replica, kill: Kill | None = None) -> Replica:
    replica.company.emulator.clock.advance(60)
    replica.sync(kill)
    return replica


@pytest.mark.parametrize("stream", STREAMS)
def test_the_first_sync_reads_them(emulator: StripeEmulator, stream: str) -> None:
    kind = stream.removesuffix("s")
    fields = {"charge": None} if kind == "refund" else {}
    now_and_later = {made(emulator, kind, ahead, **fields) for ahead in (0, 1, 3_600, FAR)}

    assert ids(sync(replica_of(emulator, stream)), stream) == now_and_later


@pytest.mark.parametrize("stream", STREAMS)
def test_a_later_sync_finds_those_that_are_made_after_it(emulator: StripeEmulator, stream: str) -> None:
    kind = stream.removesuffix("s")
    replica = sync(replica_of(emulator, stream))
    first = {made(emulator, kind, ahead) for ahead in (0, FAR)}
    assert ids(sync(replica), stream) == first
    second = {made(emulator, kind, ahead) for ahead in (0, FAR, 2 * FAR)}

    assert ids(sync(replica), stream) == first | second


@pytest.mark.parametrize("stream", ["invoice_payments", "quotes"])
def test_what_has_no_event_is_found_as_well(emulator: StripeEmulator, stream: str) -> None:
    replica = sync(replica_of(emulator, stream))
    untold = made(emulator, stream.removesuffix("s"), FAR, event=False)

    assert ids(sync(replica), stream) == {untold}


def test_their_tombstones_are_no_older_than_they_are(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "invoices", "invoice_line_items", "coupons")
    lost = made(emulator, "invoice", FAR, status="draft", lines=[{"amount": 1}, {"amount": 2}])
    kept = made(emulator, "invoice", FAR, status="draft", lines=[{"amount": 3}])
    coupon = made(emulator, "coupon", FAR)
    assert ids(sync(replica), "coupons") == {coupon}
    emulator.delete(lost)
    emulator.delete(coupon)
    emulator.update(kept, lines=[])
    sync(replica)

    assert ids(replica, "invoices") == {kept}
    assert ids(replica, "invoice_line_items") == ids(replica, "coupons") == set()


def test_one_that_is_gone_before_its_event_is_told(emulator: StripeEmulator) -> None:
    """Then it is asked for by its id, and nothing but its creation is known."""
    replica = replica_of(emulator, "coupons")
    coupon = made(emulator, "coupon", FAR)
    sync(replica)
    emulator.update(coupon, name="changed")
    emulator.delete(coupon, event=False)

    assert ids(sync(replica), "coupons") == set()


@pytest.mark.parametrize("request_", [2, 3, 4, 5])
def test_a_sync_that_was_killed_loses_none(emulator: StripeEmulator, request_: int) -> None:
    replica = replica_of(emulator, "charges", workers=1)
    for _ in range(350):
        made(emulator, "charge", FAR)
        emulator.create("charge")
        emulator.clock.advance(DAY)
    sync(replica, Kill(request=request_))
    made(emulator, "charge", FAR)
    sync(replica)

    assert len(ids(replica, "charges")) == 701


def test_many_of_them_come_once(emulator: StripeEmulator) -> None:
    replica = Replica(Company(emulator), Connection(["charges"]), 8)
    for number in range(2_500):
        made(emulator, "charge", (number - 500) * 3_600)
    emulator.clock.advance(60)
    done = replica.sync()

    assert done.output.ids("charges").total() == len(ids(replica, "charges")) == 2_500
    assert len(emulator.requests) <= 25 + 8 + 3


def test_a_state_says_nothing_of_the_future(emulator: StripeEmulator) -> None:
    replica = replica_of(emulator, "charges", workers=1)
    for _ in range(700):
        made(emulator, "charge", FAR)
        emulator.clock.advance(60)
    done = replica.sync()

    states = [message["stream"]["stream_state"] for message in done.output.state_messages]
    assert all(state["updated"] <= emulator.clock.now() for state in states)
    assert all(end <= emulator.clock.now() for state in states for _, end in state.get("backfill", {}).get("done", []))
