"""What is expanded: by default, and by the config; in whatever way a row is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from integration_tests.connection import stream_rows
from integration_tests.connector import Connector
from integration_tests.stripe_emulator import StripeEmulator, serve
from integration_tests.stripe_emulator.accounts import full
from integration_tests.stripe_emulator.facts import Json
from integration_tests.syncing import Sync, sync
from source_stripe.expanding import places

EXPANDING = {name: row for name, row in stream_rows().items() if row.expand}


def cut(value: Any) -> Any:
    """A value whose lists show ten rows: that they are whole in a sync, test_nested.py tests."""
    if isinstance(value, list):
        return [cut(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("object") == "list":
        value = {**value, "data": value["data"][:10], "has_more": None}
    return {name: cut(each) for name, each in value.items()}


def differences(emulator: StripeEmulator, stream: str, row: Json) -> list[str]:
    """The fields of a row that are other than Stripe shows them, expanded as the manifest says."""
    truth = cut(emulator.get(row["id"], expand=stream_rows()[stream].expand))
    shown = cut(row)
    return [name for name in truth if name not in shown or shown[name] != truth[name]]


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """An account with something of everything."""
    emulator = StripeEmulator()
    full.populate(emulator)
    emulator.clock.advance(2)
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def syncs(account: StripeEmulator) -> tuple[Sync, Sync, dict[str, list[str]]]:
    """A first sync of the streams that expand something, and one an hour later; and what differed after the first."""
    first = sync(account, EXPANDING)
    wrong = {
        name: [f for row in first.output.records(name) for f in differences(account, name, row)] for name in EXPANDING
    }
    account.clock.advance(3600)
    full.live_on(account)
    account.clock.advance(2)
    return first, sync(account, EXPANDING, first.output.state_messages), wrong


def test_streams_expand_something() -> None:
    assert len(EXPANDING) == 29


@pytest.mark.parametrize("name", EXPANDING)
def test_rows_are_expanded_by_default(syncs: tuple[Sync, Sync, dict[str, list[str]]], name: str) -> None:
    assert syncs[0].output.records(name)
    assert syncs[2][name] == []


@pytest.mark.parametrize("name", EXPANDING)
def test_what_has_changed_is_expanded_too(
    account: StripeEmulator, syncs: tuple[Sync, Sync, dict[str, list[str]]], name: str
) -> None:
    rows = [row for row in syncs[1].output.records(name) if not row.get("is_deleted")]
    assert rows
    assert [field for row in rows for field in differences(account, name, row)] == []
