"""Checkpoints: what a state says is done was emitted before it; and what is left is all that the next run reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from integration_tests.stripe_emulator import StripeEmulator, serve
from integration_tests.syncing import Kill, sync

STREAMS = {"charges": "updated", "invoices": "updated", "invoice_line_items": "invoice_updated", "events": "created"}
_STEP = 3_600


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """3,000 charges and 600 invoices, some with more lines than a list shows."""
    emulator = StripeEmulator()
    now = emulator.clock.now()
    for number in range(3_000):
        emulator.create("charge", created=now - 1 - number * _STEP, event=False)
    for number in range(600):
        lines = [{"amount": line} for line in range(number % 14)]
        emulator.create("invoice", created=now - 1 - number * 5 * _STEP, lines=lines, event=False)
    for number in range(300):
        emulator.clock.set(now - 300 + number)
        emulator.create("customer")
    emulator.clock.set(now + 1)
    with serve(emulator):
        yield emulator


def created_of(stream: str, row: dict[str, Any]) -> int:
    """When the row was created, or its parent: what the ranges of the stream's state are about."""
    return int(row["invoice_updated"] if stream == "invoice_line_items" else row["created"])


def covered(state: dict[str, Any], created: int) -> bool:
    """Whether a state says that what was created then is done."""
    if "backfill" not in state:
        return True
    return any(start <= created < end for start, end in state["backfill"]["done"])


def check_line_by_line(messages: list[dict[str, Any]], truth: dict[str, dict[str, int]]) -> int:
    """Every row that a state covers came before it. Returns how many states there were."""
    emitted: dict[str, set[str]] = {stream: set() for stream in STREAMS}
    states = 0
    for message in messages:
        if message["type"] == "RECORD":
            emitted[message["record"]["stream"]].add(message["record"]["data"]["id"])
        if message["type"] == "STATE":
            states += 1
            stream = message["state"]["stream"]["stream_descriptor"]["name"]
            state = message["state"]["stream"]["stream_state"]
            claimed = {row for row, created in truth[stream].items() if covered(state, created)}
            assert claimed <= emitted[stream]
    return states


@pytest.fixture(scope="module")
def truth(account: StripeEmulator) -> dict[str, dict[str, int]]:
    """By stream, each row's id and when it (or its parent) was created."""
    output = sync(account, STREAMS).output
    return {stream: {row["id"]: created_of(stream, row) for row in output.records(stream)} for stream in STREAMS}


def test_the_account_is_read_whole(account: StripeEmulator, truth: dict[str, dict[str, int]]) -> None:
    assert {stream: len(rows) for stream, rows in truth.items()} == {
        "charges": 3_000,
        "invoices": 600,
        "invoice_line_items": sum(number % 14 for number in range(600)),
        "events": len(account.objects("event")),
    }


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_no_state_covers_a_row_that_comes_behind_it(
    account: StripeEmulator, truth: dict[str, dict[str, int]], workers: int
) -> None:
    done = sync(account, STREAMS, num_workers=workers)

    assert check_line_by_line(done.output.messages, truth) >= 2 * len(STREAMS)
    assert {stream: done.output.states(stream)[-1] for stream in STREAMS} == {
        stream: {cursor: account.clock.now()} for stream, cursor in STREAMS.items()
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_killed_back_fill_is_carried_on_and_loses_nothing(
    account: StripeEmulator, truth: dict[str, dict[str, int]], seed: int
) -> None:
    chance = random.Random(seed)
    emitted: dict[str, set[str]] = {stream: set() for stream in STREAMS}
    state: list[dict[str, Any]] = []
    for _ in range(6):
        kill = (
            Kill(record=chance.randrange(1, 3_000)) if chance.random() < 0.5 else Kill(request=chance.randrange(2, 40))
        )
        done = sync(account, STREAMS, state, kill=kill)
        for stream in STREAMS:
            emitted[stream] |= set(done.output.ids(stream))
        came = {message["stream"]["stream_descriptor"]["name"]: message for message in done.output.state_messages}
        known = {message["stream"]["stream_descriptor"]["name"]: message for message in state}
        state = list({**known, **came}.values())
    last = sync(account, STREAMS, state)
    for stream in STREAMS:
        emitted[stream] |= set(last.output.ids(stream))

    assert last.code == 0
    assert emitted == {stream: set(rows) for stream, rows in truth.items()}
