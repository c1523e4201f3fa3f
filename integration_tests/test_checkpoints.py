"""Checkpoints: no state covers a row that did not come out before it, so that a sync may end at any line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration_tests.back_fills import Account, Killed, back_fill
from integration_tests.connection import Connection
from integration_tests.connector import Json
from integration_tests.convergence import check_is_complete, truth_of
from integration_tests.syncing import Kill, sync
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts.bulk import Spread
from unit_tests.output import Output

STREAMS = (
    "balance_transactions",
    "charges",
    "customer_tax_ids",
    "customers",
    "invoice_line_items",
    "invoices",
    "payment_links",
    "prices",
)
_ROOTS = {"customer_tax_ids": "customer", "invoice_line_items": "invoice"}
"""Fields that name the object by whose creation a row is found."""
_HOUR = 3_600


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """An account in which every stream takes several pages. Nobody changes it."""
    emulator = StripeEmulator()
    populate(emulator)
    with serve(emulator):
        yield emulator


def populate(emulator: StripeEmulator) -> None:
    for number in range(450):
        customer = emulator.create("customer")["id"]
        emulator.create("charge", customer=customer)
        emulator.create("balance_transaction")
        emulator.create("price", active=number % 3 > 0)
        emulator.create("invoice", customer=customer, lines=[{"amount": 1}] * (12 if number % 40 == 0 else number % 3))
        if number % 4 == 0:
            emulator.create("tax_id", customer=customer)
            emulator.create("payment_link")
        emulator.clock.advance(_HOUR if number % 7 else 0)
    emulator.clock.advance(_HOUR)


@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize("mode", ["full_refresh", "incremental"])
def test_no_state_of_a_first_sync_covers_a_row_that_did_not_come_before_it(
    account: StripeEmulator, mode: str, workers: int
) -> None:
    done = sync(account, STREAMS, mode=mode, num_workers=workers)

    check_is_complete(done, Connection(STREAMS))
    states = check_states([done.output], account)
    # One that came before any row and one at the end are the least; of some streams parts were checkpointed.
    assert all(states[stream] >= 1 for stream in STREAMS)
    assert states["charges"] > 2


def test_no_state_of_a_later_sync_covers_a_change_that_did_not_come_before_it() -> None:
    emulator = StripeEmulator()
    populate(emulator)
    with serve(emulator):
        first = sync(emulator, STREAMS).output
        changed: dict[str, set[str]] = {stream: set() for stream in STREAMS}
        for stream in ("charges", "customers", "invoices", "prices", "payment_links"):
            truth = truth_of(emulator, stream)
            for (object_id,) in list(truth)[::9]:
                emulator.update(object_id, metadata={"changed": "yes"})
                changed[stream].add(object_id)
        for line in emulator.objects("line_item")[::9]:
            emulator.update(line["id"], description="changed")
            changed["invoice_line_items"].add(line["id"])
        for tax_id in emulator.objects("tax_id")[::9]:
            emulator.update(tax_id["id"], value="changed")
            changed["customer_tax_ids"].add(tax_id["id"])
        for _ in range(150):
            changed["balance_transactions"].add(emulator.create("balance_transaction")["id"])
            changed["charges"].add(emulator.create("charge")["id"])
        emulator.clock.advance(_HOUR)
        later = sync(emulator, STREAMS, first.state_messages).output

    for stream, wanted in changed.items():
        came: set[str] = set()
        watermarks = []
        for message in later.messages:
            if message["type"] == "RECORD" and message["record"]["stream"] == stream:
                came.add(message["record"]["data"]["id"])
            elif (state := state_of(message, stream)) is not None:
                watermarks.append(state)
                assert came >= wanted
        assert watermarks


@settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(
    kills=st.lists(
        st.builds(Kill, record=st.integers(1, 900)) | st.builds(Kill, request=st.integers(2, 40)),
        min_size=1,
        max_size=4,
    ),
    workers=st.sampled_from([1, 3, 16]),
)
def test_a_back_fill_that_is_killed_goes_on_and_ends_complete(
    account: StripeEmulator, kills: list[Kill], workers: int
) -> None:
    connection, outputs = Connection(STREAMS), []
    for kill in [*kills, None]:
        done = sync(account, STREAMS, [*connection.states.values()], kill=kill, num_workers=workers)
        connection.take(done.output)
        outputs.append(done.output)
        check_states(outputs, account)

    check_is_complete(done, connection)
    for stream in STREAMS:
        assert connection.table(stream).keys() == truth_of(account, stream).keys()
        assert "backfill" not in connection.states[stream]["stream"]["stream_state"]


def test_what_is_checkpointed_is_not_read_again(account: StripeEmulator) -> None:
    whole = len(sync(account, ["charges"], num_workers=1).output.ids())
    first = sync(account, ["charges"], num_workers=1, kill=Kill(record=whole - 1)).output
    rest = sync(account, ["charges"], first.state_messages, num_workers=1).output

    (state, *_) = [state["stream"]["stream_state"] for state in first.state_messages]
    read = [truth["id"] for truth in account.objects("charge") if is_covered(state, truth["created"])]
    assert not rest.ids().keys() & set(read)
    assert rest.ids().keys() | first.ids().keys() == {charge["id"] for charge in account.objects("charge")}


@pytest.mark.parametrize(("workers", "spread"), [(1, "even"), (3, "skewed"), (10, "even")])
def test_what_comes_again_after_a_kill_has_a_bound(workers: int, spread: Spread) -> None:
    account, killed = Account.of(4_000, spread), Killed()
    with serve(account.emulator):
        back_fill(account, Random(workers), kills=6, workers=workers, killed=killed)

    assert killed.again


def check_states(outputs: list[Output], account: StripeEmulator) -> Mapping[str, int]:
    """AssertionError where a state covers a row that had not come by then; returns how many states each stream had."""
    rows = {stream: _created(account, stream) for stream in STREAMS}
    came: dict[str, set[str]] = {stream: set() for stream in STREAMS}
    states = dict.fromkeys(STREAMS, 0)
    for message in (message for output in outputs for message in output.messages):
        if message["type"] == "RECORD":
            came[message["record"]["stream"]].add(message["record"]["data"]["id"])
        for stream in STREAMS:
            if (state := state_of(message, stream)) is not None:
                states[stream] += 1
                missing = [row for row, created in rows[stream].items() if is_covered(state, created)]
                assert came[stream] >= set(missing), f"{stream}: {state}"
    return states


def _created(account: StripeEmulator, stream: str) -> dict[str, int | None]:
    """The ids of a stream's rows, and by which time of creation each is found."""
    rows = truth_of(account, stream).values()
    if stream not in _ROOTS:
        return {row["id"]: row.get("created") for row in rows}
    return {row["id"]: account.get(row[_ROOTS[stream]])["created"] for row in rows}


def state_of(message: Json, stream: str) -> Json | None:
    """The stream's state that a message holds, if it is one."""
    if message["type"] != "STATE" or message["state"]["stream"]["stream_descriptor"]["name"] != stream:
        return None
    state: Json = message["state"]["stream"]["stream_state"]
    return state


def is_covered(state: Json, created: int | None) -> bool:
    """Whether a sync that goes on from this state does not read again what was created then."""
    window = state.get("backfill")
    if window is None:
        return True
    if created is None:
        return [window["start"], window["cutoff"]] in window["done"]
    return any(start <= created < end for start, end in window["done"])
