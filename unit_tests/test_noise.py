"""What a failed sync says: each reason once for each stream, and at the end one short message in sentences."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.entrypoint import run
from source_stripe.process.failures import Failures
from source_stripe.process.output import Output as Stdout
from unit_tests.conftest import API, KEY
from unit_tests.output import Output
from unit_tests.test_source import DATE, NOW, mock_account, mock_list, rows_of

Command = Callable[..., tuple[int, Output]]
FAILED = 20


@pytest.fixture
def read(tmp_path: Path) -> Command:
    """Runs a sync of these streams in this process, its output into a file; the exit code and what came out."""

    def call(
        *streams: str, mode: str = "full_refresh", state: list[Any] | None = None, **config: Any
    ) -> tuple[int, Output]:
        files: dict[str, Any] = {
            "config": {"client_secret": KEY, "call_rate_limit": 10_000, **config},
            "catalog": {"streams": [configured(name, mode) for name in streams]},
            "state": state or [],
        }
        args = ["read"]
        for name, content in files.items():
            (tmp_path / name).write_text(json.dumps(content))
            args += [f"--{name}", str(tmp_path / name)]
        written = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        code = run(args, Stdout(written))
        os.close(written)
        return code, Output.of_lines((tmp_path / "stdout").read_text().splitlines())

    return call


def configured(name: str, mode: str) -> dict[str, Any]:
    described = {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    return {"stream": described, "sync_mode": mode, "destination_sync_mode": "append"}


def error_of(output: Output) -> dict[str, Any]:
    """The last message: what the sync ends with."""
    error: dict[str, Any] = output.messages[-1]["trace"]["error"]
    assert error.get("stream_descriptor") is None
    return error


def test_a_child_path_that_always_fails_is_told_of_once(
    requests_mock: Mocker, read: Command, caplog: pytest.LogCaptureFixture
) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/customers", rows_of("cus", FAILED))
    for number in range(FAILED):
        refusal = {"error": {"type": "invalid_request_error", "message": f"No permission to see 'cus_{number}'."}}
        requests_mock.get(
            f"{API}/v1/customers/cus_{number}/balance_transactions",
            status_code=403,
            json=refusal,
            headers={"Request-Id": f"req_{number}", "Date": DATE},
        )

    code, output = read("customer_balance_transactions")

    assert (code, output.statuses) == (1, {"customer_balance_transactions": "INCOMPLETE"})
    first, closing = output.errors
    assert first.startswith("The stream customer_balance_transactions can't be read. The test secret key may not read ")
    assert closing.startswith("1 of 1 streams could not be read to its end: customer_balance_transactions")
    assert "may not read /v1/customers/{customer}/balance_transactions: No permission to see 'cus_" in closing
    assert len(closing) < 700
    logged = Counter(record.levelname for record in caplog.records if "can't be read" in record.message)
    assert logged == {"ERROR": 1}


def test_the_last_message_is_short_whatever_failed(requests_mock: Mocker, read: Command) -> None:
    mock_account(requests_mock)
    streams = ["charges", "refunds", "disputes", "payouts", "invoices", "customers", "products", "coupons", "top_ups"]
    for path in (*streams[:-1], "topups"):
        refusal = {"error": {"type": "invalid_request_error", "message": f"Of {path}: {'very ' * 200}odd."}}
        requests_mock.get(f"{API}/v1/{path}", status_code=400, json=refusal, headers={"Date": DATE})

    code, output = read(*streams, "tax_rates_of_old", "nothing")

    assert code == 1
    closing = error_of(output)["message"]
    assert closing.startswith("11 of 11 streams could not be read to their end: ")
    assert len(closing) < 1_000
    assert closing.endswith("The messages of the streams tell all.")


def test_what_ends_every_stream_is_said_once_at_the_end(requests_mock: Mocker, read: Command) -> None:
    refusal = {"error": {"message": "Expired API Key provided: sk_test_emul*****", "code": "api_key_expired"}}
    requests_mock.get(f"{API}/v1/account", status_code=401, json=refusal)

    _, output = read("charges", "refunds", "disputes", "payouts")

    closing = error_of(output)["message"]
    assert closing.count("has expired") == 1
    assert "charges, disputes, payouts and 1 more: The test secret key has expired" in closing


def test_final_messages_are_sentences(requests_mock: Mocker, read: Command) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/refunds", rows_of("re", 1))
    mock_list(requests_mock, "/v1/events", [])
    state = {"type": "STREAM", "stream": {"stream_descriptor": {"name": "charges"}, "stream_state": {"odd": NOW}}}

    code, output = read("charges", "refunds", mode="incremental", state=[state])

    assert code == 1
    closing = error_of(output)["message"]
    assert closing.startswith("1 of 2 streams could not be read to its end: charges: The saved state of the stream")
    assert not [each for each in output.errors if "Error(" in each or "Exception(" in each]
    assert not [line for line in output.logs if "did not sync successfully" in line]


@pytest.mark.parametrize(
    ("statuses", "ended_with"),
    [((403, 403), "config_error"), ((403, 400), "system_error"), ((400, 400), "system_error")],
)
def test_a_sync_ends_as_the_users_fault_only_if_all_failures_are(
    statuses: tuple[int, int], ended_with: str, requests_mock: Mocker, read: Command
) -> None:
    mock_account(requests_mock)
    for stream, status in zip(("charges", "refunds"), statuses, strict=True):
        refusal = {"error": {"type": "invalid_request_error", "message": "No."}}
        requests_mock.get(f"{API}/v1/{stream}", status_code=status, json=refusal, headers={"Date": DATE})

    _, output = read("charges", "refunds")

    assert error_of(output)["failure_type"] == ended_with


def test_a_state_that_is_refused_ends_its_stream_only(requests_mock: Mocker, read: Command) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/refunds", rows_of("re", 1))

    _, output = read("no_such_stream", "refunds")

    assert output.statuses == {"no_such_stream": "INCOMPLETE", "refunds": "COMPLETE"}
    assert "'no_such_stream', which source-stripe does not have" in error_of(output)["message"]


def test_failures_of_equal_sentences_are_counted() -> None:
    failures = Failures(streams=40)
    told = [
        failures.is_new(stream, f"The stream {stream} can't be read. No for 'cus_{number}' (HTTP 400, req_{number}).")
        for stream in ("a", "b")
        for number in range(5)
    ]

    assert told == [True, False, False, False, False] * 2
    assert str(failures) == (
        "2 of 40 streams could not be read to their end: a, b: No for 'cus_0' (HTTP 400, req_0). (10 times) "
        "The messages of the streams tell all."
    )
