"""Keys that are refused: the sync ends at once, every stream says why, and states stay as they were."""

from __future__ import annotations

from dataclasses import replace

from integration_tests.connection import stream_rows
from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator

STREAMS = [row.name for row in stream_rows().values() if not row.opt_in and not row.deprecated]
WORKERS = 4


def failures(done: Sync) -> list[dict[str, str]]:
    """The error traces of streams."""
    traces = (message["trace"].get("error") for message in done.output.messages if message["type"] == "TRACE")
    return [error for error in traces if error and error.get("stream_descriptor")]


def test_a_key_that_stripe_does_not_know_costs_one_request(account: StripeEmulator) -> None:
    before = len(account.requests)

    done = sync(account, STREAMS, client_secret="sk_test_emulator_wrong", num_workers=WORKERS)

    assert done.code == 1
    assert [request.path for request in account.requests[before:]] == ["/v1/account"]
    assert done.output.statuses == dict.fromkeys(STREAMS, "INCOMPLETE")
    assert done.output.state_messages == []
    told = failures(done)
    assert {error["stream_descriptor"]["name"] for error in told} == set(STREAMS)  # type: ignore[index]
    assert {error["failure_type"] for error in told} == {"config_error"}
    assert all(f"The stream {error['stream_descriptor']['name']} " in error["message"] for error in told)  # type: ignore[index]
    assert all("Stripe does not accept the test secret key: Invalid API Key" in error["message"] for error in told)


def test_a_key_that_is_revoked_meanwhile_ends_every_stream_at_its_next_request(account: StripeEmulator) -> None:
    key = account.keys[account.key]

    def revoke() -> None:
        account.keys[account.key] = replace(key, expired=True)

    before = len(account.requests)
    try:
        done = sync(account, STREAMS, meanwhile={40: revoke}, num_workers=WORKERS)
    finally:
        account.keys[account.key] = key

    refused = [request for request in account.requests[before:] if request.status == 401]
    assert done.code == 1
    # None is asked again, and nothing else is asked for but what was under way.
    assert 1 <= len(refused) <= 2 * WORKERS
    assert [log for log in done.output.logs if "Asking again" in log] == []
    assert set(done.output.statuses.values()) == {"COMPLETE", "INCOMPLETE"}
    told = failures(done)
    assert {error["failure_type"] for error in told} == {"config_error"}
    assert all("The test secret key has expired: Expired API Key" in error["message"] for error in told)
    incomplete = {name for name, status in done.output.statuses.items() if status == "INCOMPLETE"}
    assert {error["stream_descriptor"]["name"] for error in told} == incomplete  # type: ignore[index]
