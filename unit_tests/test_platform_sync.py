"""A sync of many accounts: what fails of one is its own affair, what fails of all is said once."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airbyte_cdk.models import AirbyteStateMessageSerializer, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from requests_mock import Mocker

from source_stripe.source import SourceStripe
from unit_tests.conftest import API, KEY
from unit_tests.output import Output
from unit_tests.test_source import DATE, NOW, sync

LOGGER = logging.getLogger("airbyte")
OTHERS = [f"acct_{letter}" for letter in "abcdefg"]
PLATFORM = "acct_1"
Reply = tuple[int, Mapping[str, Any]]
Replies = Callable[[str, str], Reply | None]
REVOKED = (
    403,
    {"error": {"code": "account_invalid", "message": "The provided key does not have access to account 'acct_c'."}},
)


class Platform:
    """Answers for a platform and its accounts: each has one row in every list that is asked for."""

    def __init__(self, requests_mock: Mocker, replies: Replies = lambda _account, _path: None) -> None:
        self.replies = replies
        self.connected = OTHERS
        self.asked: Counter[tuple[str, str]] = Counter()
        requests_mock.get(re.compile(f"{API}/.*"), json=self._answer)

    def _answer(self, request: Any, context: Any) -> Mapping[str, Any]:
        account, path = request.headers.get("Stripe-Account", PLATFORM), urlsplit(request.url).path
        account = request.headers.get("Stripe-Context", account).rpartition("/")[2]
        self.asked[account, path] += 1
        context.headers.update({"Date": DATE, "Request-Id": "req_1"})
        status, content = self.replies(account, path) or (200, self._list(account, path, request.url))
        context.status_code = status
        return content

    def _list(self, account: str, path: str, url: str) -> Mapping[str, Any]:
        if path == "/v1/account":
            return {"id": account, "object": "account", "created": NOW - 1_000_000}
        kind = {"/v1/charges": "charge", "/v1/refunds": "refund", "/v1/transfers": "transfer"}.get(path, "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        rows = [{"id": f"{kind}_{account}", "object": kind, "created": NOW - 100_000}] if kind else []
        if path == "/v1/accounts":
            rows = [{"id": each, "object": "account", "created": NOW - 1_000} for each in self.connected]
        since = int(query.get("created[gte]", 0))
        return {"object": "list", "data": [row for row in rows if int(str(row["created"])) >= since], "has_more": False}


def read(*streams: str, state: list[Any] | None = None, **config: Any) -> Output:
    catalog = CatalogBuilder()
    for name in streams:
        catalog = catalog.with_stream(name, SyncMode.incremental)
    given = [AirbyteStateMessageSerializer.load(each) for each in state or []]
    return sync({"call_rate_limit": 10_000, "connected_accounts": "all", **config}, catalog.build(), given)


def test_each_row_says_whose_it_is_and_a_platforms_are_read_once(requests_mock: Mocker) -> None:
    platform = Platform(requests_mock)

    output = read("charges", "transfers", "account_syncs")

    assert output.errors == []
    assert {row["account_id"] for row in output.records("charges")} == {PLATFORM, *OTHERS}
    assert all(row["id"] == f"charge_{row['account_id']}" for row in output.records("charges"))
    assert [row["account_id"] for row in output.records("transfers")] == [PLATFORM]
    assert set(output.statuses.values()) == {"COMPLETE"}
    told = {(row["account_id"], row["status"], row["read_until"]) for row in output.records("account_syncs")}
    assert told == {(account, "complete", NOW) for account in (PLATFORM, *OTHERS)}
    assert platform.asked[PLATFORM, "/v1/accounts"] == 1


def test_an_account_in_which_nothing_happened_costs_one_request(requests_mock: Mocker) -> None:
    platform = Platform(requests_mock)
    first = read("charges", "customers", "payouts")
    platform.asked.clear()

    again = read("charges", "customers", "payouts", state=first.state_messages)

    assert again.errors == []
    assert again.records() == []
    about = {(PLATFORM, "/v1/accounts"): 1, (PLATFORM, "/v1/account"): 1}
    assert platform.asked == {**about, **{(account, "/v1/events"): 1 for account in (PLATFORM, *OTHERS)}}


def test_only_listed_accounts_are_read_and_of_the_platform_what_is_its_own(requests_mock: Mocker) -> None:
    platform = Platform(requests_mock)

    output = read("charges", "transfers", connected_accounts=["acct_a", "acct_z"])

    assert {row["account_id"] for row in output.records("charges")} == {"acct_a", "acct_z"}
    assert {row["account_id"] for row in output.records("transfers")} == {PLATFORM}
    assert platform.asked[PLATFORM, "/v1/accounts"] == 0


def test_a_refused_account_is_left_out_with_one_warning(
    requests_mock: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    revoked: set[str] = set()
    platform = Platform(requests_mock, lambda account, _path: REVOKED if account in revoked else None)
    first = read("charges", "refunds", "account_syncs")
    revoked.add("acct_c")
    platform.asked.clear()

    output = read("charges", "refunds", "account_syncs", state=first.state_messages)

    assert set(output.statuses.values()) == {"COMPLETE"}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "One account is left out" in warning
    assert "acct_c" in warning
    (row,) = [row for row in output.records("account_syncs") if row["status"] != "complete"]
    assert (row["account_id"], row["status"], row["read_until"]) == ("acct_c", "refused", NOW)
    assert sum(count for (account, _), count in platform.asked.items() if account == "acct_c") == 1
    assert "acct_c" in output.states("charges")[-1]["behind"]


def test_if_all_listed_accounts_are_refused_the_sync_fails(requests_mock: Mocker) -> None:
    Platform(requests_mock, lambda account, _path: None if account == PLATFORM else REVOKED)

    output = read("charges", connected_accounts=["acct_a", "acct_b"])

    assert output.statuses == {"charges": "INCOMPLETE"}
    assert "account_invalid" in output.errors[0]


def test_what_fails_of_one_account_leaves_the_others_alone(requests_mock: Mocker) -> None:
    down = {"error": {"message": "down"}}
    platform = Platform(requests_mock)
    first = read("charges", "refunds")
    platform.replies = lambda account, path: (400, down) if (account, path) == ("acct_b", "/v1/events") else None

    output = read("charges", "refunds", state=first.state_messages)

    assert output.statuses == {"charges": "INCOMPLETE", "refunds": "INCOMPLETE"}
    assert all("acct_b" in error for error in output.errors)
    state = output.states("charges")[-1]
    assert state["behind"] == {"acct_b": NOW}
    assert len(state["accounts"]) == 9 * len(OTHERS)


def test_a_missing_permission_fails_its_stream_once(requests_mock: Mocker) -> None:
    refusal = {"error": {"message": "Having the 'rak_charge_read' permission would allow this request to continue."}}
    platform = Platform(requests_mock, lambda _account, path: (403, refusal) if path == "/v1/charges" else None)

    output = read("charges", "refunds", num_workers=1)

    assert output.statuses == {"charges": "INCOMPLETE", "refunds": "COMPLETE"}
    assert len([error for error in output.errors if "The stream charges" in error]) == 1
    assert sum(count for (_, path), count in platform.asked.items() if path == "/v1/charges") == 1
    assert len(output.records("refunds")) == len(OTHERS) + 1


def test_a_refused_key_ends_everything(requests_mock: Mocker) -> None:
    refusal = {"error": {"message": "Invalid API Key provided"}}
    platform = Platform(requests_mock, lambda account, _path: (401, refusal) if account == "acct_a" else None)

    output = read("charges", "refunds", num_workers=1)

    assert set(output.statuses.values()) == {"INCOMPLETE"}
    assert sum(count for (account, _), count in platform.asked.items() if account == "acct_a") == 1


def test_a_product_that_no_account_has_is_one_line(requests_mock: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    refusal = {"error": {"message": "Your account is not set up to use Issuing."}}
    Platform(requests_mock, lambda _account, path: (400, refusal) if "issuing" in path else None)

    output = read("cards", "charges")

    assert set(output.statuses.values()) == {"COMPLETE"}
    (record,) = [record for record in caplog.records if "Issuing" in record.getMessage()]
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("The stream cards stays empty for 8 accounts")


def test_a_key_of_no_platform_is_told_so(requests_mock: Mocker) -> None:
    refusal = {"error": {"message": "Only Stripe Connect platforms can work with other accounts."}}
    Platform(requests_mock, lambda _account, path: (403, refusal) if path == "/v1/accounts" else None)

    output = read("charges", "refunds")

    assert set(output.statuses.values()) == {"INCOMPLETE"}
    assert "no Connect platform" in output.errors[0]
    status = SourceStripe(None, config := {"client_secret": KEY, "connected_accounts": "all"}).check(LOGGER, config)
    assert "no Connect platform" in str(status.message)


def test_check_says_how_many_accounts_there_are_and_what_they_cost(requests_mock: Mocker) -> None:
    Platform(requests_mock, lambda account, _path: REVOKED if account == "acct_c" else None)
    config = {"client_secret": KEY, "connected_accounts": ["acct_c", "acct_a"]}
    catalog = CatalogBuilder().with_stream("charges", SyncMode.incremental).build()

    status = SourceStripe(catalog, config).check(LOGGER, config)

    assert status.status.value == "SUCCEEDED"
    assert "3 accounts are read" in str(status.message)
    assert "about 2 requests" in str(status.message)
    assert "1 of 2 listed accounts can't be read: acct_c" in str(status.message)


def test_discover_puts_the_account_into_every_schema_and_key() -> None:
    config = {"client_secret": KEY, "connected_accounts": "all"}

    streams = {stream.name: stream for stream in SourceStripe(None, config).discover(LOGGER, config).streams}

    assert all(stream.source_defined_primary_key[0] == ["account_id"] for stream in streams.values())
    assert all("account_id" in stream.json_schema["properties"] for stream in streams.values())
    assert streams["charges"].source_defined_primary_key == [["account_id"], ["id"]]
    assert streams["balance"].source_defined_primary_key == [["account_id"], ["read_at"]]
    assert streams["account_syncs"].default_cursor_field == ["synced_at"]
    owners = streams["financial_connections_account_owners"].json_schema["properties"]
    assert "financial_connections_account_id" in owners


@pytest.mark.parametrize("off", [{}, {"connected_accounts": "none"}, {"connected_accounts": []}])
def test_without_the_option_nothing_of_it_is_there(requests_mock: Mocker, off: dict[str, Any]) -> None:
    platform = Platform(requests_mock)
    config = {"client_secret": KEY, **off}

    plain = SourceStripe(None, {"client_secret": KEY}).discover(LOGGER, {})
    assert SourceStripe(None, config).discover(LOGGER, config) == plain
    assert "account_syncs" not in {stream.name for stream in plain.streams}

    output = read("charges", **{"connected_accounts": "none", **off})
    (row,) = output.records("charges")
    assert "account_id" not in row
    assert output.states("charges")[-1] == {"updated": NOW, "read_with": {"account": PLATFORM, "live": False}}
    assert {account for account, _ in platform.asked} == {PLATFORM}
    assert platform.asked[PLATFORM, "/v1/accounts"] == 0


def test_organization_keys_name_each_account_by_its_context(requests_mock: Mocker) -> None:
    Platform(requests_mock)
    contexts = ["acct_a", "acct_a/acct_b"]

    output = read("charges", "transfers", client_secret="sk_org_test_emulator_1", connected_accounts=contexts)

    assert output.errors == []
    assert {row["account_id"] for row in output.records("charges")} == {"acct_a", "acct_b"}
    assert {row["account_id"] for row in output.records("transfers")} == {"acct_a"}
    headers = [
        (request.headers.get("Stripe-Context"), "Stripe-Account" in request.headers)
        for request in requests_mock.request_history
    ]
    assert set(headers) == {("acct_a", False), ("acct_a/acct_b", False)}
