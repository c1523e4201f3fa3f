"""A state that Airbyte's own connector saved is gone on from, without reading again what was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration_tests.stripe_emulator import StripeEmulator, serve
from integration_tests.syncing import sync

_HOUR = 3_600


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """A year-old account. `emulator.watermark` is when Airbyte's connector read it last; a little happened since."""
    emulator = StripeEmulator()
    now = emulator.clock.now()
    customers, invoices, subscriptions = [], [], []
    for number in range(300):
        created = now - (number + 1) * 24 * _HOUR
        customers.append(emulator.create("customer", created=created, event=False)["id"])
        emulator.create("charge", created=created, customer=customers[-1], event=False)
        emulator.create("balance_transaction", created=created, event=False)
        lines = [{"amount": 1}, {"amount": 2}]
        invoices.append(emulator.create("invoice", created=created, lines=lines, event=False)["id"])
        items = [{"quantity": 1}]
        subscriptions.append(emulator.create("subscription", created=created, items=items, event=False)["id"])
    emulator.clock.advance(_HOUR)
    emulator.update(customers[7], name="Changed")
    emulator.update(invoices[250], description="Changed")
    emulator.update(subscriptions[9], description="Changed")
    emulator.create("charge", customer=customers[0])
    emulator.create("balance_transaction")
    emulator.clock.advance(_HOUR)
    with serve(emulator):
        yield emulator


def saved(stream: str, state: dict[str, Any]) -> list[dict[str, Any]]:
    descriptor = {"name": stream, "namespace": None}
    return [{"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": state}}]


def states(watermark: int) -> dict[str, tuple[dict[str, Any], int]]:
    """By stream, a state as Airbyte's connector writes it, and how many rows came since."""
    parent = {"use_global_cursor": True, "lookback_window": 3}
    return {
        "customers": ({"updated": str(watermark)}, 1),
        "invoices": ({"updated": watermark}, 1),
        "charges": ({"updated": str(watermark)}, 1),
        "balance_transactions": ({"created": str(watermark)}, 1),
        "invoice_line_items": ({"invoice_updated": watermark}, 2),
        "subscription_items": (
            {
                **parent,
                "state": {"subscription_updated": "1"},
                "parent_state": {"subscriptions": {"updated": watermark}},
            },
            1,
        ),
    }


@pytest.mark.parametrize("stream", states(0))
def test_a_state_of_airbytes_connector_is_gone_on_from(account: StripeEmulator, stream: str) -> None:
    watermark = account.clock.now() - 2 * _HOUR
    state, since = states(watermark)[stream]
    account.requests.clear()

    done = sync(account, [stream], saved(stream, state), lookback_window_days=0)

    assert done.code == 0
    assert sum(done.output.ids(stream).values()) == since
    assert len(account.requests) <= 3
    assert done.output.states(stream)[-1] == {
        next(iter(state)) if len(state) == 1 else "subscription_updated": account.clock.now()
    }
