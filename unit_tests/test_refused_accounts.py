"""Refusals that are no missing permission: of a whole account, of an endpoint, or of nobody knows what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteConnectionStatus, Status, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from requests_mock import Mocker

from source_stripe.source import SourceStripe
from unit_tests.conftest import API
from unit_tests.output import Output
from unit_tests.test_source import DATE, LOGGER, mock_account, mock_list, rows_of, sync

RESTRICTED = "rk_test_emulator_1"
CONNECTED = {"account_id": "acct_9"}
IP = "The API key provided does not allow requests from your IP address (192.0.2.7)."
NO_PLATFORM = (
    "Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure "
    "it's correct. If you need to setup a Stripe Connect platform, you can do so at "
    "https://dashboard.stripe.com/account/applications/settings."
)
NO_CONNECT = (
    "You passed a restricted API key with the Stripe-Account header, but the restricted API key does not have any "
    "Connect permissions."
)
DELETED = (
    "The account acct_9 has been deleted, so we can't complete this action. Please let us know via "
    "https://support.stripe.com/contact if you think this was a mistake."
)
UNABLE = "We're sorry, but we're unable to serve your request."
WHOLE_ACCOUNT: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (401, "", IP, {}),
    (403, "", IP, {}),
    (403, "platform_account_required", NO_PLATFORM, CONNECTED),
    (403, "", NO_PLATFORM, CONNECTED),
    (403, "", NO_CONNECT, CONNECTED),
    (401, "", NO_CONNECT, CONNECTED),
    (400, "", DELETED, CONNECTED),
    (403, "", DELETED, CONNECTED),
    (403, "", "Your account has been closed.", {}),
    (403, "", UNABLE, {}),
    (403, "", "", {}),
    (401, "platform_api_key_expired", "The API key provided by your Connect platform has expired.", CONNECTED),
)
"""Status, code, Stripe's sentence, and the config that brings it about."""


def error(message: str, code: str = "") -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": message, **({"code": code} if code else {})}}


def unknown(path: str) -> dict[str, Any]:
    return error(f"Unrecognized request URL (GET: {path}). Please see https://stripe.com/docs.")


def refuse(requests_mock: Mocker, path: str, status: int, body: dict[str, Any]) -> None:
    requests_mock.get(f"{API}{path}", status_code=status, json=body, headers={"Date": DATE})


def refuse_all(requests_mock: Mocker, status: int, body: dict[str, Any]) -> None:
    requests_mock.get(re.compile(f"{API}/"), status_code=status, json=body, headers={"Date": DATE})


def check(*streams: str, **config: Any) -> AirbyteConnectionStatus:
    """Of these streams, or of all that are on by default."""
    full = {"client_secret": RESTRICTED, "call_rate_limit": 10_000, **config}
    return SourceStripe(catalog(*streams) if streams else None, full, None).check(LOGGER, full)


def catalog(*streams: str) -> Any:
    builder = CatalogBuilder()
    for name in streams:
        builder = builder.with_stream(name, SyncMode.full_refresh)
    return builder.build()


def read(*streams: str, **config: Any) -> Output:
    return sync({"client_secret": RESTRICTED, "call_rate_limit": 10_000, **config}, catalog(*streams))


@pytest.mark.parametrize(("status", "code", "said", "config"), WHOLE_ACCOUNT)
def test_check_says_at_once_in_stripes_words_what_is_refused_as_a_whole(
    requests_mock: Mocker, status: int, code: str, said: str, config: dict[str, Any]
) -> None:
    refuse_all(requests_mock, status, error(said, code))

    checked = check(**config)

    assert checked.status is Status.FAILED
    told = str(checked.message)
    assert said in told
    assert "lacks permissions" not in told
    assert len(told) < 700
    assert len(requests_mock.request_history) <= 4


@pytest.mark.parametrize(("status", "code", "said", "config"), WHOLE_ACCOUNT[::2])
def test_a_sync_ends_at_once_where_all_is_refused(
    requests_mock: Mocker, status: int, code: str, said: str, config: dict[str, Any]
) -> None:
    refuse_all(requests_mock, status, error(said, code))

    output = read("charges", "refunds", "exchange_rates", **config)

    assert output.statuses == dict.fromkeys(["charges", "refunds", "exchange_rates"], "INCOMPLETE")
    assert all(said in each for each in output.errors[:3])
    assert not any("permission for it" in each for each in output.errors)
    assert len(requests_mock.request_history) <= 4


def test_a_403_that_speaks_of_no_permission_ends_its_stream_in_stripes_words(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/refunds", rows_of("re", 3))
    refuse(requests_mock, "/v1/charges", 403, error(UNABLE))

    output = read("charges", "refunds")

    assert output.statuses == {"charges": "INCOMPLETE", "refunds": "COMPLETE"}
    assert output.errors[0].startswith(
        f"The stream charges can't be read. Stripe does not allow GET /v1/charges: {UNABLE} (HTTP 403, "
    )
    assert "permission" not in output.errors[0]


def test_check_says_once_what_many_streams_are_refused_for(requests_mock: Mocker) -> None:
    refuse_all(requests_mock, 403, error(UNABLE))
    mock_account(requests_mock)

    told = str(check().message)

    assert told.count(UNABLE) == 1 + told.count("would fail in later incremental syncs")
    assert len(told) < 1_000


@pytest.mark.parametrize(
    ("said", "permission"),
    [
        ("Having the 'rak_charge_read' permission would allow this request to continue.", "rak_charge_read"),
        ("Enabling \"Prices Read\" ('plan_read') permissions on this key would allow this request.", "plan_read"),
    ],
)
def test_a_permission_is_named_as_stripe_names_it(requests_mock: Mocker, said: str, permission: str) -> None:
    mock_account(requests_mock)
    refuse(requests_mock, "/v1/charges", 403, error(said))

    assert f"Give the key the permission {permission} at" in read("charges").errors[0]


@pytest.mark.parametrize("status", [400, 404])
def test_an_endpoint_that_stripe_does_not_know_is_a_product_that_is_not_there(
    requests_mock: Mocker, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    mock_account(requests_mock)
    refuse(requests_mock, "/v1/exchange_rates", status, unknown("/v1/exchange_rates"))

    output = read("exchange_rates")

    assert output.statuses == {"exchange_rates": "COMPLETE"}
    assert output.errors == []
    assert "The stream exchange_rates stays empty. " in caplog.text
    assert "Unrecognized request URL (GET: /v1/exchange_rates)" in caplog.text


def test_an_account_that_is_no_platform_has_no_connected_accounts(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    refuse(requests_mock, "/v1/accounts", 403, error(NO_PLATFORM, "platform_account_required"))

    assert read("accounts").statuses == {"accounts": "COMPLETE"}


@pytest.mark.parametrize("body", [unknown("/v1/account"), error("No such account", "resource_missing"), {}])
@pytest.mark.parametrize("status", [403, 404])
def test_a_sync_goes_on_where_only_the_account_is_refused(
    requests_mock: Mocker, status: int, body: dict[str, Any]
) -> None:
    refuse(requests_mock, "/v1/account", status, body)
    mock_list(requests_mock, "/v1/events", [])
    requests_mock.get(f"{API}/v1/events?limit=1", json={"object": "list", "data": [], "has_more": False})
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 3))

    output = read("charges")

    assert output.statuses == {"charges": "COMPLETE"}
    assert output.ids() == {"ch_0": 1, "ch_1": 1, "ch_2": 1}


@pytest.mark.parametrize("prefix", ["/v1", "/stripe"])
def test_an_address_below_which_stripe_knows_nothing_is_refused_at_once(requests_mock: Mocker, prefix: str) -> None:
    def answer(request: Any, _context: Any) -> dict[str, Any]:
        return unknown(request.path)

    requests_mock.get(re.compile(f"{API}/"), status_code=404, json=answer, headers={"Date": DATE})

    output = read("charges", "exchange_rates", api_url=f"{API}{prefix}")

    assert output.statuses == dict.fromkeys(["charges", "exchange_rates"], "INCOMPLETE")
    assert all("api_url" in each for each in output.errors[:2])
    assert len(requests_mock.request_history) == 1


def test_a_server_that_knows_no_endpoint_at_all_is_not_taken_for_stripe(requests_mock: Mocker) -> None:
    def answer(request: Any, _context: Any) -> dict[str, Any]:
        return unknown(request.path)

    requests_mock.get(re.compile(f"{API}/"), status_code=404, json=answer, headers={"Date": DATE})

    output = read("charges", "exchange_rates")

    assert output.statuses == dict.fromkeys(["charges", "exchange_rates"], "INCOMPLETE")
    assert all("api_url" in each for each in output.errors[:2])


def test_a_restricted_key_that_can_not_be_given_a_permission_is_told_so(requests_mock: Mocker) -> None:
    said = "This is a restricted API key, but the required permissions are not available for use by restricted keys."
    mock_account(requests_mock)
    refuse(requests_mock, "/v1/charges", 403, error(said))

    (first, *_) = read("charges").errors

    assert said in first
    assert "Use a secret key" in first
    assert "Give the key" not in first
