"""A state that Airbyte's own connector left is gone on from: what changed since is read, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from integration_tests.connection import Connection
from integration_tests.convergence import check_is_complete
from integration_tests.syncing import sync
from stripe_emulator import StripeEmulator

_DAY = 86_400
_OBJECTS = 350

State = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A stream, what it holds, how one of that changes, and its states (of the time up to which all was read)."""

    stream: str
    cursor: str
    make: Callable[[StripeEmulator], str]
    """Creates something; returns the id of the stream's row."""
    change: Callable[[StripeEmulator, str], object]
    states: tuple[Callable[[int], State], ...]


def _invoice_line(emulator: StripeEmulator) -> str:
    invoice = emulator.create("invoice", status="draft", lines=[{"amount": 5}])
    return str(invoice["lines"]["data"][0]["id"])


def _subscription_item(emulator: StripeEmulator) -> str:
    subscription = emulator.create("subscription", items=[{"quantity": 1}])
    return str(subscription["items"]["data"][0]["id"])


def _flat(cursor: str) -> tuple[Callable[[int], State], ...]:
    return (lambda time: {cursor: time}, lambda time: {cursor: str(time)})


def _of_a_child(cursor: str, partition: str, parent: str) -> tuple[Callable[[int], State], ...]:
    """One state for all its parents, as it is written for more than 10,000; one a parent; and the form before those."""

    def one_for_all(time: int) -> State:
        return {
            "use_global_cursor": True,
            "state": {cursor: str(time - 40)},
            "lookback_window": 3,
            "parent_state": {parent: {"updated": str(time)}},
        }

    def one_a_parent(time: int) -> State:
        partitions = [
            {"partition": {partition: f"x_{age}", "parent_slice": {}}, "cursor": {cursor: str(time - age)}}
            for age in (0, 7, 90 * _DAY)
        ]
        return {
            "use_global_cursor": False,
            "states": partitions,
            "state": {cursor: str(time - 7)},
            "parent_state": {parent: {"updated": str(time)}},
        }

    return (one_for_all, one_a_parent, lambda time: {cursor: time})


CASES = [
    Case(
        "customers",
        "updated",
        lambda emulator: str(emulator.create("customer")["id"]),
        lambda emulator, customer: emulator.update(customer, name="changed"),
        _flat("updated"),
    ),
    Case(
        "invoices",
        "updated",
        lambda emulator: str(emulator.create("invoice", status="draft")["id"]),
        lambda emulator, invoice: emulator.update(invoice, description="changed"),
        _flat("updated"),
    ),
    Case(
        "charges",
        "updated",
        lambda emulator: str(emulator.create("charge")["id"]),
        lambda emulator, charge: emulator.update(charge, description="changed"),
        _flat("updated"),
    ),
    Case(
        "balance_transactions",
        "created",
        lambda emulator: str(emulator.create("balance_transaction", status="pending")["id"]),
        lambda emulator, transaction: emulator.update(transaction, status="available"),
        _flat("created"),
    ),
    Case(
        "invoice_line_items",
        "invoice_updated",
        _invoice_line,
        lambda emulator, line: emulator.update(line, description="changed"),
        _of_a_child("invoice_updated", "invoice_id", "invoices"),
    ),
    Case(
        "subscription_items",
        "subscription_updated",
        _subscription_item,
        lambda emulator, item: emulator.update(item, quantity=2),
        _of_a_child("subscription_updated", "subscription_id", "subscriptions"),
    ),
]


@pytest.mark.parametrize(
    ("case", "state"),
    [pytest.param(case, state, id=f"{case.stream}-{n}") for case in CASES for n, state in enumerate(case.states)],
)
def test_a_state_of_airbytes_connector_is_gone_on_from(
    emulator: StripeEmulator, case: Case, state: Callable[[int], State]
) -> None:
    # Days apart, so that what is read again a few days back (balance transactions) is little too.
    old = []
    for _ in range(_OBJECTS):
        old.append(case.make(emulator))
        emulator.clock.advance(_DAY)
    read_until = emulator.clock.now()
    emulator.clock.advance(20 * 60)
    new = case.make(emulator)
    emulator.clock.advance(60)
    case.change(emulator, old[-3])
    emulator.clock.advance(60)
    saved = {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": case.stream}, "stream_state": state(read_until)},
    }

    done = sync(emulator, [case.stream], [saved])

    check_is_complete(done, Connection([case.stream]))
    transactions = case.stream == "balance_transactions"
    again = Counter(old[-35:]) if transactions else Counter([old[-3]])
    assert done.output.ids() == again + Counter([new])
    read_with = {"account": emulator.account["id"], "live": False}
    ended = dict(done.output.states(case.stream)[-1])
    assert (ended.pop("open", None) is not None) == transactions
    assert ended == {case.cursor: emulator.clock.now(), "read_with": read_with}
    # The account, and what is read again. Events cost a request for each lot of their types, and for each group.
    events = [request.params for request in emulator.requests if request.path == "/v1/events"]
    assert len(emulator.requests) - len(events) <= 3
    asked = Counter(str(params.get("types[]") or params.get("type")) for params in events)
    assert set(asked.values()) <= {1}
