"""Objects that Stripe refuses, one by one: all others are read, the sync says which, and the next ones ask again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from integration_tests.connection import Connection
from integration_tests.syncing import Sync, sync
from integration_tests.trial import failures
from stripe_emulator import StripeEmulator, faults
from stripe_emulator.faults import Fault

HOUR = 3_600
LEGACY = faults.refused(
    400,
    "A source must be attached to a customer to be used as a `payment_method`",
    kind="invalid_request_error",
    param="payment_method",
)
NO_SUCH_ITEM = faults.refused(
    404,
    "No such invoice item: 'ii_1'",
    kind="invalid_request_error",
    code="resource_missing",
    param="invoice_item",
)


@dataclass
class Synced:
    """A connection to an account, and its last sync."""

    emulator: StripeEmulator
    streams: Sequence[str]
    workers: int = 2
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.streams)

    def sync(self, **config: Any) -> Sync:
        """An hour later, as if the platform ran it: no event is read twice."""
        self.emulator.clock.advance(HOUR)
        states = [*self.connection.states.values()]
        done = sync(self.emulator, self.streams, states, num_workers=self.workers, **config)
        self.connection.take(done.output)
        self.emulator.clock.advance(HOUR)
        return done

    def state(self, stream: str) -> dict[str, Any]:
        state: dict[str, Any] = self.connection.states[stream]["stream"]["stream_state"]
        return state

    def rows(self, stream: str) -> dict[str, Any]:
        """What the destination holds, by id."""
        return {str(key[0]): row for key, row in self.connection.table(stream).items()}


@pytest.mark.parametrize("fault", [LEGACY, NO_SUCH_ITEM], ids=lambda fault: fault.name)
def test_a_refused_change_does_not_stop_the_others(emulator: StripeEmulator, fault: Fault) -> None:
    bad, good = emulator.create("charge")["id"], emulator.create("charge")["id"]
    synced = Synced(emulator, ["charges"])
    assert synced.sync().code == 0
    for charge in (bad, good):
        emulator.update(charge, description="changed")
    emulator.faults.add(fault, on=f"/v1/charges/{bad}", times=None)
    # Only so it is got by its id, when another one changes as well.
    emulator.faults.add(faults.without_rows(bad), on="/v1/charges", times=None)

    done = synced.sync()

    assert (done.code, done.output.statuses) == (1, {"charges": "INCOMPLETE"})
    (failure,) = failures(done, "charges")
    assert fault.refusal is not None
    assert failure.message.startswith(
        f"The stream charges was read but for one object: {bad}. Of {bad}: Stripe refused"
    )
    assert fault.refusal.message in failure.message
    rows = synced.rows("charges")
    assert (rows[good]["description"], rows[bad]["description"]) == ("changed", None)
    assert synced.state("charges")["refused"] == [bad]

    # Nothing has changed since then: it is asked for alone, and again each time.
    later = synced.sync()
    assert (later.code, later.output.records("charges")) == (1, [])
    assert synced.state("charges")["refused"] == [bad]

    emulator.faults.clear()
    last = synced.sync()
    assert (last.code, last.output.statuses) == (0, {"charges": "COMPLETE"})
    assert synced.rows("charges")[bad]["description"] == "changed"
    assert "refused" not in synced.state("charges")


def test_a_refused_row_does_not_stop_a_back_fill_of_streams_that_are_read_together(emulator: StripeEmulator) -> None:
    bad, good = (emulator.create("invoice", lines=[{"amount": n} for n in range(25)])["id"] for _ in range(2))
    emulator.faults.add(LEGACY, on=f"/v1/invoices/{bad}/lines", times=None)
    synced = Synced(emulator, ["invoices", "invoice_line_items"])

    done = synced.sync()

    assert done.code == 1
    assert done.output.statuses == {"invoices": "INCOMPLETE", "invoice_line_items": "INCOMPLETE"}
    assert [len(failures(done, stream)) for stream in synced.streams] == [1, 1]
    # No list goes out cut, and of a list that is not to be had not a part either.
    assert {row["id"]: row["lines"]["has_more"] for row in done.output.records("invoices")} == {good: False}
    lines = [row["invoice_id"] for row in done.output.records("invoice_line_items")]
    assert (lines.count(good), lines.count(bad)) == (25, 0)
    assert [synced.state(stream)["refused"] for stream in synced.streams] == [[bad], [bad]]
    assert all("backfill" not in synced.state(stream) for stream in synced.streams)

    emulator.faults.clear()
    asked = len(emulator.requests)
    last = synced.sync()
    assert (last.code, len(synced.rows("invoices")), len(synced.rows("invoice_line_items"))) == (0, 2, 50)
    # For both streams together.
    patterns = [request.pattern for request in emulator.requests[asked:]]
    assert patterns.count("/v1/invoices/{invoice}") == 1
    assert all("refused" not in synced.state(stream) for stream in synced.streams)


IDS = (
    "50% off",
    "a/b",
    "/",
    "?x=1",
    "#1",
    "100%25",
    "%2E",
    "%2e%2e",
    "...",
    "..;",
    "a b+c&d",
    "naïve",
    "\N{SNOWMAN}",
    "~*'(),!",
)


def test_ids_that_users_chose_are_got_as_they_are(emulator: StripeEmulator) -> None:
    for object_id in (*IDS, ".", ".."):
        emulator.create("coupon", id=object_id)
    synced = Synced(emulator, ["coupons"])
    assert synced.sync().code == 0
    for object_id in (*IDS, ".", ".."):
        emulator.update(object_id, name="changed")
    emulator.faults.add(faults.without_rows(*IDS), on="/v1/coupons", times=None)
    asked = len(emulator.requests)

    done = synced.sync()

    assert done.code == 0
    assert {key: row["name"] for key, row in synced.rows("coupons").items()} == dict.fromkeys(
        (*IDS, ".", ".."), "changed"
    )
    got = [request for request in emulator.requests[asked:] if request.pattern == "/v1/coupons/{coupon}"]
    assert len(got) == len(IDS)


def test_of_ids_that_no_address_holds_a_list_is_asked(emulator: StripeEmulator) -> None:
    emulator.create("coupon", id="..")
    synced = Synced(emulator, ["coupons"])
    assert synced.sync().code == 0
    emulator.update("..", name="changed")

    assert synced.sync().code == 0
    assert synced.rows("coupons")[".."]["name"] == "changed"

    emulator.delete("..")
    assert synced.sync().code == 0
    assert synced.rows("coupons") == {}
