"""Without connected accounts nothing is as if there were any: catalog, rows, requests, states are those of before."""

from __future__ import annotations

from typing import Any

import pytest

from integration_tests.connection import stream_rows
from integration_tests.platforms import ACCOUNT, SYNCS
from integration_tests.syncing import Kill, command, sync
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import full

_NONE = [{"connected_accounts": "none"}, {"connected_accounts": []}, {"connected_accounts": None}]
"""Ways to write what is the default."""
_STREAMS = (
    "accounts",
    "balance",
    "balance_transactions",
    "charges",
    "coupons",
    "customers",
    "invoice_line_items",
    "invoices",
    "persons",
    "tax_codes",
)


def outcome(config: dict[str, Any]) -> tuple[Any, ...]:
    """All that comes out of three syncs of the full account, one of them killed, and what they ask for."""
    emulator = StripeEmulator()
    full.populate(emulator)
    emulator.clock.advance(3_600)
    records: list[str] = []
    states: list[Any] = []
    with serve(emulator):
        first = sync(emulator, _STREAMS, kill=Kill(request=12), num_workers=1, **config)
        state = first.output.state_messages
        for _ in range(2):
            done = sync(emulator, _STREAMS, state, num_workers=1, **config)
            assert done.code == 0, done.output.errors
            state = done.output.state_messages
            states.append(sorted(map(repr, state)))
            rows = (message["record"] for message in done.output.messages if message["type"] == "RECORD")
            records += sorted(repr((row["stream"], row["data"])) for row in rows)
            emulator.clock.advance(1_800)
            emulator.update(emulator.objects("charge")[0]["id"], description="changed")
        asked = sorted((one.path, repr(one.params), str(one.account)) for one in emulator.requests[-60:])
    return records, states, asked


@pytest.mark.parametrize("config", _NONE, ids=repr)
def test_the_catalog_is_that_of_one_account(emulator: StripeEmulator, config: dict[str, Any]) -> None:
    alone = command("discover", emulator).output.messages
    assert command("discover", emulator, **config).output.messages[-1] == alone[-1]
    streams = {row["name"]: row for message in alone if "catalog" in message for row in message["catalog"]["streams"]}
    assert streams.keys() == stream_rows().keys()
    assert SYNCS not in streams
    for name, row in streams.items():
        added = ACCOUNT in stream_rows()[name].primary_key
        assert ([ACCOUNT] in row["source_defined_primary_key"]) == added, name


def test_rows_requests_and_states_are_those_of_one_account() -> None:
    alone, none = outcome({}), outcome({"connected_accounts": "none"})
    assert alone == none
    records, _, asked = alone
    assert len(records) > 100
    assert {account for _, _, account in asked} == {"None"}
