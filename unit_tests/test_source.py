"""The source as the CDK runs it: check, discover and read against answers made by the test."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from airbyte_cdk.test.state_builder import StateBuilder
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_stripe.entrypoint import StripeEntrypoint, to_line
from source_stripe.source import SourceStripe
from unit_tests.conftest import API, KEY, ROWS
from unit_tests.output import Output

NOW = 1_763_800_000
DATE = "Sat, 22 Nov 2025 08:26:40 GMT"
READ_WITH = {"account": "acct_1", "live": False}
LOGGER = logging.getLogger("airbyte")


def source(config: dict[str, Any] | None = None, **others: Any) -> SourceStripe:
    return SourceStripe(
        others.get("catalog"), {"client_secret": KEY} if config is None else config, others.get("state")
    )


def mock_account(requests_mock: Mocker, **fields: Any) -> None:
    account = {"id": "acct_1", "object": "account", "created": NOW - 1_000_000, "email": "a@example.test", **fields}
    requests_mock.get(f"{API}/v1/account", json=account, headers={"Date": DATE})


def mock_list(requests_mock: Mocker, path: str, rows: list[dict[str, Any]]) -> None:
    """A list as Stripe pages it."""
    newest_first = sorted(rows, key=lambda row: row["created"], reverse=True)

    def answer(request: Any, _context: Any) -> str:
        params = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
        # The newest range has no end.
        start, end = int(params["created[gte]"]), int(params.get("created[lt]", sys.maxsize))
        matching = [row for row in newest_first if start <= row["created"] < end]
        if after := params.get("starting_after"):
            place = {row["id"]: number for number, row in enumerate(newest_first)}
            matching = [row for row in matching if place[row["id"]] > place[after]]
        size = int(params["limit"])
        return json.dumps({"object": "list", "data": matching[:size], "has_more": len(matching) > size, "url": path})

    requests_mock.get(f"{API}{path}", text=answer, headers={"Date": DATE})


def rows_of(kind: str, count: int, *, every: int = 300) -> list[dict[str, Any]]:
    return [{"id": f"{kind}_{n}", "object": kind, "created": NOW - 1 - n * every} for n in range(count)]


def sync(
    config: dict[str, Any], catalog: ConfiguredAirbyteCatalog, state: list[AirbyteStateMessage] | None = None
) -> Output:
    """One read, as the entry point does it. A failing one puts out what it did before it failed."""
    full = {"client_secret": KEY, **config}
    reading = source(full, catalog=catalog, state=state)
    entrypoint = StripeEntrypoint(reading)
    lines: list[str] = []
    try:
        messages = entrypoint.read(reading.spec(LOGGER), full, catalog, state or [])
        lines.extend(map(to_line, messages))
    except AirbyteTracedException as error:
        lines.append(to_line(error.as_airbyte_message()))
    return Output.of_lines(lines)


def read_stream(name: str, mode: SyncMode = SyncMode.full_refresh, state: Any = None, **config: Any) -> Output:
    return sync({"call_rate_limit": 10_000, **config}, CatalogBuilder().with_stream(name, mode).build(), state)


def test_no_piece_of_a_stream_parses_its_schema_again(requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/balance_transactions", rows_of("txn", 2))
    catalog = CatalogBuilder().with_stream("balance_transactions", SyncMode.full_refresh).build()
    (stream,) = source({"client_secret": KEY}, catalog=catalog, state=None).streams({})
    monkeypatch.setattr("source_stripe.catalog.schemas.resource", lambda _: 1 / 0)

    piece = next(iter(stream.generate_partitions()))

    assert len(list(piece.read())) == 2


def test_a_restricted_key_that_may_not_read_its_account_is_fine(requests_mock: Mocker) -> None:
    refusal = {"error": {"message": "Having the 'rak_account_read' permission would allow this request to continue."}}
    requests_mock.get(f"{API}/v1/account", status_code=403, json=refusal, headers={"Date": DATE})
    mock_list(requests_mock, "/v1/refunds", rows_of("re", 3))

    assert read_stream("refunds").ids() == ({"re_0": 1, "re_1": 1, "re_2": 1})


def test_discover_offers_each_stream_with_its_keys_and_modes() -> None:
    streams = {stream.name: stream for stream in source().discover(LOGGER, {}).streams}

    assert len(streams) == len(ROWS)
    assert all(stream.source_defined_primary_key for stream in streams.values())
    assert streams["charges"].source_defined_primary_key == [["id"]]
    for name, cursor in {"events": "created", "balance_transactions": "created", "charges": "updated"}.items():
        assert streams[name].supported_sync_modes == [SyncMode.full_refresh, SyncMode.incremental]
        assert streams[name].default_cursor_field == [cursor]
        assert streams[name].source_defined_cursor
    assert streams["tax_codes"].supported_sync_modes == [SyncMode.full_refresh]


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_a_full_refresh_emits_each_row_once(requests_mock: Mocker, workers: int) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 2_345))

    output = read_stream("charges", num_workers=workers)

    assert output.ids() == ({f"ch_{n}": 1 for n in range(2_345)})
    assert all(row["updated"] == row["created"] for row in output.records())


def test_start_date_leaves_older_rows_out(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 50, every=86_400))

    output = read_stream("charges", start_date="2025-11-13T00:00:00Z")

    assert set(output.ids()) == {f"ch_{n}" for n in range(10)}


def test_what_lies_before_the_accounts_birth_is_read_too(requests_mock: Mocker) -> None:
    mock_account(requests_mock, created=NOW - 100)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 300, every=50))

    assert len(read_stream("charges").ids()) == 300


def test_subscriptions_are_listed_with_the_canceled_ones(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/subscriptions", rows_of("sub", 1))

    read_stream("subscriptions")

    lists = [request.url for request in requests_mock.request_history if "/v1/subscriptions" in request.url]
    assert lists
    assert all("status=all" in url for url in lists)


def test_a_state_comes_behind_the_rows_that_it_covers(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    rows = rows_of("txn", 3_000)
    mock_list(requests_mock, "/v1/balance_transactions", rows)

    output = read_stream("balance_transactions", SyncMode.incremental)

    emitted: set[str] = set()
    for message in output.messages:
        if message["type"] == "RECORD":
            emitted.add(message["record"]["data"]["id"])
        if message["type"] == "STATE":
            state = message["state"]["stream"]["stream_state"]
            done = state["backfill"]["done"] if "backfill" in state else [[0, NOW]]
            assert {row["id"] for row in rows if any(start <= row["created"] < end for start, end in done)} <= emitted
    assert len(output.states("balance_transactions")) > 1
    assert output.states("balance_transactions")[-1] == {"created": NOW, "read_with": READ_WITH, "open": []}


def test_the_next_sync_goes_on_from_the_state(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/events", rows_of("evt", 100, every=60))
    state = StateBuilder().with_stream_state("events", {"created": NOW - 1_200}).build()

    output = read_stream("events", SyncMode.incremental, state)

    # 20 minutes since the watermark and the 10 minutes before it, whose events may have appeared late.
    assert output.ids() == ({f"evt_{n}": 1 for n in range(30)})


def test_an_interrupted_sync_is_carried_on(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/events", rows_of("evt", 100, every=60))
    backfill = {"start": 0, "cutoff": NOW - 1_200, "done": [[NOW - 3_000, NOW - 1_200]]}
    state = StateBuilder().with_stream_state("events", {"created": NOW - 1_200, "backfill": backfill}).build()

    output = read_stream("events", SyncMode.incremental, state)

    assert output.ids() == ({f"evt_{n}": 1 for n in range(100) if not 30 <= n < 50})
    assert output.states("events")[-1] == {"created": NOW, "read_with": READ_WITH}


def test_a_lookback_of_the_config_replaces_the_streams_own(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/balance_transactions", rows_of("txn", 100, every=3_600))
    state = StateBuilder().with_stream_state("balance_transactions", {"created": NOW - 3_600}).build()

    default = read_stream("balance_transactions", SyncMode.incremental, state)
    none = read_stream("balance_transactions", SyncMode.incremental, state, lookback_window_days=0)
    day = read_stream("balance_transactions", SyncMode.incremental, state, lookback_window_days=1)

    # An hour and the ten minutes before it, whatever the config says: a row may show up late.
    assert [len(output.ids()) for output in (default, none, day)] == [100, 2, 25]


def test_a_stream_that_fails_leaves_the_others_and_its_state_alone(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 5))
    refusal = {"error": {"type": "invalid_request_error", "message": "Having the 'rak_event_read' permission helps."}}
    requests_mock.get(f"{API}/v1/events", status_code=403, json=refusal, headers={"Request-Id": "req_3"})
    catalog = CatalogBuilder().with_stream("events", SyncMode.incremental).with_stream("charges", SyncMode.full_refresh)

    output = sync({}, catalog.build())

    assert sum(output.ids("charges").values()) == 5
    assert output.statuses == {"events": "INCOMPLETE", "charges": "COMPLETE"}
    assert output.states("events") == []
    assert any("rak_event_read" in message and "req_3" in message for message in output.errors)


def test_an_unknown_state_fails_its_stream_with_the_way_out(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    state = StateBuilder().with_stream_state("events", {"cursor": "abc"}).build()

    output = read_stream("events", SyncMode.incremental, state)

    assert output.statuses == {"events": "INCOMPLETE"}
    assert any("Reset the stream events" in message for message in output.errors)


def test_null_fields_reach_the_destination(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", [{**rows_of("ch", 1)[0], "failure_code": None}])

    assert read_stream("charges").records()[0]["failure_code"] is None
