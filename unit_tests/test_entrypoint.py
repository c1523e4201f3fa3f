"""The entry point: records by the page come out as they would one by one, counts and exit codes are right."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import SyncMode
from requests_mock import Mocker

from source_stripe.entrypoint import run
from source_stripe.process.output import Output as Stdout
from unit_tests.conftest import API, KEY
from unit_tests.output import Output
from unit_tests.test_source import DATE, mock_account, mock_list, read_stream, rows_of


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., tuple[int, Output]]]:
    """Runs `source-stripe` in this process, its output into a file; the exit code and what came out."""
    written = tmp_path / "stdout"
    descriptor = os.open(written, os.O_CREAT | os.O_WRONLY)

    def call(
        name: str, *, streams: dict[str, str] | None = None, config: dict[str, Any] | None = None
    ) -> tuple[int, Output]:
        files = {"config": {"client_secret": KEY, "call_rate_limit": 10_000, **(config or {})}}
        if streams is not None:
            files["catalog"] = {"streams": [_configured(stream, mode) for stream, mode in streams.items()]}
        args = [name]
        for key, content in files.items():
            (tmp_path / f"{key}.json").write_text(json.dumps(content))
            args += [f"--{key}", str(tmp_path / f"{key}.json")]
        code = run(args, Stdout(descriptor))
        return code, Output.of_lines(written.read_text().splitlines())

    yield call
    os.close(descriptor)


def _configured(stream: str, mode: str) -> dict[str, Any]:
    described = {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    return {"stream": described, "sync_mode": mode, "destination_sync_mode": "append"}


def test_pages_of_records_are_the_lines_that_single_records_would_be(
    requests_mock: Mocker, command: Callable[..., tuple[int, Output]]
) -> None:
    mock_account(requests_mock)
    rows = [{**row, "failure_code": None, "metadata": {"name": "Zoë"}} for row in rows_of("txn", 2_345)]
    mock_list(requests_mock, "/v1/balance_transactions", rows)

    code, by_page = command("read", streams={"balance_transactions": "incremental"})
    one_by_one = read_stream("balance_transactions", SyncMode.incremental)

    def lines(output: Output) -> list[str]:
        records = [message["record"] for message in output.messages if message["type"] == "RECORD"]
        return sorted(json.dumps({**record, "emitted_at": 0}, sort_keys=True) for record in records)

    assert code == 0
    assert len(lines(by_page)) == 2_345
    assert lines(by_page) == lines(one_by_one)
    assert by_page.states("balance_transactions")[-1] == one_by_one.states("balance_transactions")[-1]


def test_states_count_records_and_not_pages(
    requests_mock: Mocker, command: Callable[..., tuple[int, Output]], caplog: pytest.LogCaptureFixture
) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/balance_transactions", rows_of("txn", 250))

    _, output = command("read", streams={"balance_transactions": "incremental"})

    states = [message["state"] for message in output.messages if message["type"] == "STATE"]
    assert sum(state["sourceStats"]["recordCount"] for state in states) == 250
    assert "Rows by stream: balance_transactions 250" in caplog.text
    assert "records from balance_transactions" not in caplog.text


def test_the_exit_code_is_0_only_if_all_went_well(
    requests_mock: Mocker, command: Callable[..., tuple[int, Output]]
) -> None:
    requests_mock.get(re.compile(f"{API}/v"), json={"data": [], "has_more": False})
    mock_account(requests_mock)
    assert command("check")[0] == 0

    mock_list(requests_mock, "/v1/disputes", rows_of("dp", 1))
    requests_mock.get(f"{API}/v1/events", status_code=400, json={"error": {"message": "no"}}, headers={"Date": DATE})
    assert command("read", streams={"disputes": "full_refresh"})[0] == 0
    assert command("read", streams={"disputes": "full_refresh", "events": "full_refresh"})[0] == 1
    assert command("read", streams={"disputes": "full_refresh"}, config={"client_secret": "pk_test_emulator_1"})[0] == 1
    assert command("discover", config={"start_date": "soon"})[0] == 1


def test_no_command_writes_a_file(
    requests_mock: Mocker, command: Callable[..., tuple[int, Output]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image runs on a read-only root, and the CDK would write the config with its key."""
    requests_mock.get(re.compile(f"{API}/v"), json={"data": [], "has_more": False}, headers={"Date": DATE})
    mock_account(requests_mock)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")

    assert command("check")[0] == 0
    assert command("discover")[0] == 0
    assert command("read", streams={"disputes": "full_refresh"})[0] == 0


def test_without_a_command_it_says_which_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([], Stdout(1)) == 1
    assert "spec, check, discover, read, catalog, state or sql" in capfd.readouterr().out


def test_stdout_that_nobody_reads_any_more_ends_the_command(requests_mock: Mocker, tmp_path: Path) -> None:
    mock_account(requests_mock)
    (tmp_path / "config.json").write_text(json.dumps({"client_secret": KEY}))
    reading, writing = os.pipe()
    os.close(reading)

    assert run(["check", "--config", str(tmp_path / "config.json")], Stdout(writing)) == 1
    os.close(writing)
