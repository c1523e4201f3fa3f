"""What long lists and later syncs cost, in requests: Stripe counts reads."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from integration_tests.connection import stream_rows
from integration_tests.counting import most_for
from integration_tests.syncing import sync
from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.bulk import Plan, Spread, populate

_DAY = 86_400
_MONTH = 30 * _DAY
EVENT_FED = {
    name: row for name, row in stream_rows().items() if row.sync == "events" and not row.from_events and row.api == "v1"
}
workers = pytest.mark.parametrize("workers", [1, 2, 16])


def spread(emulator: StripeEmulator, count: int, seconds: int) -> list[str]:
    """Charges, evenly over so many seconds up to now, the oldest first."""
    now = emulator.clock.now()
    times = (now - seconds + 1 + seconds * n // count for n in range(count))
    return [emulator.create("charge", created=created, event=False)["id"] for created in times]


def first_sync(emulator: StripeEmulator, streams: list[str]) -> list[dict[str, Any]]:
    """Sync once, and let half an hour go by: longer than the overlap of events."""
    emulator.clock.advance(1)
    state = sync(emulator, streams).output.state_messages
    emulator.clock.advance(1_800)
    emulator.requests.clear()
    return state


def costs(emulator: StripeEmulator) -> tuple[int, int]:
    """Requests for events, and others beside the account's."""
    counts = Counter("events" if "/events" in request.path else request.path for request in emulator.requests)
    counts.pop("/v1/account", None)
    return counts.pop("events", 0), sum(counts.values())


def event_pages(emulator: StripeEmulator) -> int:
    return -(-len(emulator.objects("event")) // 100)


@pytest.mark.parametrize("spread", ["even", "skewed"])
def test_a_long_list_costs_its_pages_and_a_request_for_each_cut(emulator: StripeEmulator, spread: Spread) -> None:
    populate(emulator, Plan({"charge": 20_000}, spread))

    done = sync(emulator, ["charges"], num_workers=16)

    assert len(done.lines) > 20_000
    assert 200 <= costs(emulator)[1] <= most_for(emulator, "/v1/charges", 20_000)


@workers
def test_nothing_changed_costs_a_request_for_the_events_of_all_streams(emulator: StripeEmulator, workers: int) -> None:
    spread(emulator, 300, _MONTH)
    state = first_sync(emulator, [*EVENT_FED])

    done = sync(emulator, EVENT_FED, state, num_workers=workers)

    assert done.code == 0
    assert done.output.ids() == Counter()
    assert len(EVENT_FED) > 50
    assert costs(emulator) == (1, 0)


@workers
@pytest.mark.parametrize("born", [1, 150, 1_000, 2_500])
def test_new_objects_cost_their_pages(emulator: StripeEmulator, born: int, workers: int) -> None:
    spread(emulator, 500, _MONTH)
    state = first_sync(emulator, ["charges"])
    for _ in range(born):
        emulator.create("charge")
        emulator.clock.advance(1)

    done = sync(emulator, ["charges"], state, num_workers=workers)

    assert sum(done.output.ids().values()) == born
    events, lists = costs(emulator)
    assert events <= event_pages(emulator) + 1
    assert lists <= most_for(emulator, "/v1/charges", born)


@workers
@pytest.mark.parametrize("changed", [1, 2, 40])
def test_old_objects_that_changed_cost_a_request_each_at_most(
    emulator: StripeEmulator, changed: int, workers: int
) -> None:
    ids = spread(emulator, 2_000, 10 * _MONTH)
    state = first_sync(emulator, ["charges"])
    for charge in ids[:: len(ids) // changed][:changed]:
        emulator.update(charge, description="changed")

    done = sync(emulator, ["charges"], state, num_workers=workers)

    assert sum(done.output.ids().values()) == changed
    assert costs(emulator)[0] == 1
    assert costs(emulator)[1] <= changed


@workers
def test_half_of_all_objects_cost_hardly_more_than_all(emulator: StripeEmulator, workers: int) -> None:
    ids = spread(emulator, 10_000, 24 * _MONTH)
    state = first_sync(emulator, ["charges"])
    for charge in ids[::2]:
        emulator.update(charge, description="changed")

    done = sync(emulator, ["charges"], state, num_workers=workers)

    assert sum(done.output.ids().values()) == 5_000
    assert sum(costs(emulator)) <= 1.1 * 100 + event_pages(emulator)


@workers
def test_changes_in_one_month_of_ten_years_cost_near_that_months_pages(emulator: StripeEmulator, workers: int) -> None:
    ids = spread(emulator, 12_000, 120 * _MONTH)
    state = first_sync(emulator, ["charges"])
    month = ids[5_000:5_100]
    for charge in month[::2]:
        emulator.update(charge, description="changed")

    done = sync(emulator, ["charges"], state, num_workers=workers)

    assert sum(done.output.ids().values()) == 50
    assert costs(emulator)[1] <= 3
