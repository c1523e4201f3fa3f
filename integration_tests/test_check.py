"""check against a strict Stripe: what a key can read, what it lacks, what the account has not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteConnectionStatus, ConfiguredAirbyteCatalogSerializer, Status

from integration_tests.connection import stream_rows
from integration_tests.connector import Connector, catalog
from integration_tests.syncing import sync
from source_stripe.source import SourceStripe
from stripe_emulator import StripeEmulator

LOGGER = logging.getLogger("airbyte")


@pytest.fixture(autouse=True)
def _as_it_was(account: StripeEmulator) -> Iterator[None]:
    yield
    account.disabled.clear()


def check(emulator: StripeEmulator, *streams: str, **config: Any) -> AirbyteConnectionStatus:
    """`check`, in this process: its streams are the selected ones, or those that are on by default."""
    full_config = {"client_secret": emulator.key, "api_url": emulator.url, "call_rate_limit": 10_000, **config}
    selected = ConfiguredAirbyteCatalogSerializer.load(catalog(streams)) if streams else None
    return SourceStripe(selected, full_config, None).check(LOGGER, full_config)


def test_a_secret_key_reads_every_stream_for_a_request_a_list(account: StripeEmulator) -> None:
    before = len(account.requests)

    status = check(account, *stream_rows())

    assert status.status is Status.SUCCEEDED
    assert status.message == (
        f"The test secret key opens the account {account.account['id']} (owner@example.com). "
        f"{len(stream_rows())} of {len(stream_rows())} streams can be read, "
        f"from {len(account.requests) - before - 1} lists that Stripe was asked for a row of."
    )
    made = account.requests[before:]
    assert {request.status for request in made} == {200}
    assert {limit for request in made for limit in request.params.get("limit", ())} == {"1"}
    asked = [(request.pattern, str(request.params)) for request in made]
    assert len(set(asked)) == len(asked) - 1  # the account, and the stream of that name


def test_a_restricted_key_is_told_all_that_it_lacks(account: StripeEmulator) -> None:
    # Disputes expand nothing, charges their balance transactions; issuing is what the account has not.
    key = account.restricted_key("charge", "dispute", "issuing.card", "account")
    account.disable("issuing")

    status = check(account, "charges", "disputes", "refunds", "cards", client_secret=key)

    assert status.status is Status.SUCCEEDED
    told = str(status.message)
    assert told.startswith(
        "The test restricted key opens the account acct_1Emulator (owner@example.com). 1 of 4 streams"
    )
    lacking = "rak_balance_transaction_read for charges; rak_refund_read for refunds"
    assert f"The key lacks permissions for 2 streams: {lacking}. Give it those at https://" in told
    assert "4 streams would fail in later incremental syncs, which ask /v1/events for changes. The key lacks" in told
    assert "Empty for this account: cards. Stripe says: Your account is not set up to use Issuing." in told
    assert key not in told


def test_what_check_finds_missing_is_what_a_sync_fails_for(account: StripeEmulator) -> None:
    key = account.restricted_key("charge", "dispute", "invoice")
    streams = ["charges", "disputes", "invoices", "refunds"]

    told = str(check(account, *streams, client_secret=key).message)
    done = sync(account, streams, mode="full_refresh", client_secret=key)

    failed = {name for name, status in done.output.statuses.items() if status == "INCOMPLETE"}
    forbidden = told.partition("The key lacks permissions for ")[2].partition(" Give it those")[0]
    assert failed
    assert failed == {name for name in streams if f" {name}" in forbidden}
    assert all(
        any(f"The stream {name} can't be read. The test" in error for error in done.output.errors) for name in failed
    )


def test_a_key_that_may_read_nothing_fails(account: StripeEmulator) -> None:
    status = check(account, client_secret=account.restricted_key())

    assert status.status is Status.FAILED
    assert "The test restricted key may not read the account that it belongs to. 0 of " in str(status.message)


def test_a_product_that_is_all_that_was_asked_for_and_is_not_there_fails(account: StripeEmulator) -> None:
    account.disable("issuing", "treasury")

    status = check(account, "cards", "treasury_financial_accounts", "treasury_transactions")

    assert status.status is Status.FAILED
    told = str(status.message)
    assert "0 of 3 streams can be read." in told
    assert "Empty for this account: treasury_financial_accounts, treasury_transactions. Stripe says: Unrecogn" in told


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"client_secret": "sk_test_emulator_wrong"}, "Stripe does not accept the test secret key"),
        ({"client_secret": "rk_live_emulator_wrong"}, "Stripe does not accept the live restricted key"),
        ({"account_id": "acct_other"}, "has no access to the account that GET /v1/account is about: The provided key"),
    ],
)
def test_a_config_that_opens_no_account_is_refused_by_one_request(
    account: StripeEmulator, config: dict[str, str], told: str
) -> None:
    before = len(account.requests)

    status = check(account, **config)

    assert status.status is Status.FAILED
    assert told in str(status.message)
    assert len(account.requests) == before + 1


def test_an_expired_key_is_called_that(account: StripeEmulator) -> None:
    status = check(account, client_secret=account.expired_key())

    assert status.status is Status.FAILED
    assert str(status.message).startswith("The test secret key has expired: Expired API Key provided")


def test_the_command_says_it_in_its_log_and_its_status(account: StripeEmulator, tmp_path: Path) -> None:
    key = account.restricted_key("balance", "account")
    config = {"client_secret": key, "api_url": account.url, "call_rate_limit": 10_000}

    run = Connector(tmp_path, config).check()

    assert run.code == 0
    (status,) = [message["connectionStatus"] for message in run.output.messages if "connectionStatus" in message]
    assert status["status"] == "SUCCEEDED"
    assert " streams can be read. The key lacks permissions for " in status["message"]
    assert "INFO The test restricted key opens the account acct_1Emulator (owner@example.com)." in run.output.logs
    assert [log for log in run.output.logs if log.startswith("WARN The key lacks permissions for ")]
