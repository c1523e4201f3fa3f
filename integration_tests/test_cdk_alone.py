"""The CDK by itself reads the same manifest: plain pages, whole nested lists, the rows that source-stripe reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator
from unit_tests.conftest import MANIFEST, ROWS

# The CDK would rather have one `url`: the address that all rows share would then stand in each.
# It keeps parents' answers in a cache of requests_cache, which has other wishes of its own.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Component type. `HttpRequester`:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`cache_name` cannot be set:DeprecationWarning"),
]

Row = dict[str, Any]

OTHERWISE = {
    "balance": "its key has the time at which it was read",
    "reviews": "closed ones are in no list, but in events, which source-stripe follows from the first sync on",
}
"""Streams whose rows are not the same, and why."""
SNAPSHOTS = {"events", "v2_core_events"}
"""Their rows hold objects as they were, their lists cut by Stripe."""


@pytest.fixture(scope="module")
def ours(account: StripeEmulator) -> Sync:
    return sync(account, ROWS, mode="full_refresh", num_workers=16)


@pytest.fixture(scope="module")
def theirs(account: StripeEmulator) -> dict[str, list[Row]]:
    """All rows of all streams, as the stock source reads them."""
    config = {"client_secret": account.key, "api_url": account.url, "call_rate_limit": 10_000}
    source = ConcurrentDeclarativeSource(None, config, None, source_config=MANIFEST.text)
    streams = source.streams(config)
    return {
        stream.name: [dict(record.data) for part in stream.generate_partitions() for record in part.read()]
        for stream in streams
    }


def cut_lists(value: Any, path: str = "") -> Iterator[str]:
    """The paths of lists that go on at Stripe."""
    if isinstance(value, list):
        for element in value:
            yield from cut_lists(element, path)
    if isinstance(value, dict):
        if value.get("object") == "list" and value.get("has_more"):
            yield path
        for name, inside in value.items():
            yield from cut_lists(inside, f"{path}.{name}")


def test_it_builds_every_stream_in_order(theirs: dict[str, list[Row]]) -> None:
    assert list(theirs) == list(ROWS)
    assert len(ROWS) - len(OTHERWISE) >= 152


@pytest.mark.parametrize("name", [name for name in ROWS if name not in OTHERWISE])
def test_it_reads_the_rows_that_source_stripe_reads(name: str, ours: Sync, theirs: dict[str, list[Row]]) -> None:
    def keys(rows: list[Row]) -> set[tuple[Any, ...]]:
        return {tuple(row[key] for key in ROWS[name].primary_key) for row in rows}

    assert theirs[name]
    assert keys(theirs[name]) == keys(ours.output.records(name))


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_it_reads_otherwise_it_reads_all_the_same(name: str, theirs: dict[str, list[Row]]) -> None:
    assert theirs[name]


@pytest.mark.parametrize("name", [name for name in ROWS if name not in SNAPSHOTS])
def test_it_leaves_no_list_cut(name: str, theirs: dict[str, list[Row]]) -> None:
    assert {path for row in theirs[name] for path in cut_lists(row)} == set()
