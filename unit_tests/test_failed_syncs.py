"""Each row of the error table in a whole sync: outcome, exit code, message and state."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import Outcome, Policy
from source_stripe.api.policies import TABLE
from source_stripe.entrypoint import run
from source_stripe.process.output import Output as Stdout
from source_stripe.source import SourceStripe
from unit_tests.conftest import API, KEY
from unit_tests.output import Output
from unit_tests.test_errors import ACCOUNT, EXAMPLES, Reply
from unit_tests.test_source import NOW, READ_WITH, mock_account, mock_list, rows_of

STATE = {"created": NOW - 1_200}
Sync = Callable[..., tuple[int, Output]]


@pytest.fixture
def sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sync:
    """A sync of events, which have a state, and of charges; the exit code and what came out. It has no patience."""
    declared = SourceStripe._requester
    monkeypatch.setattr(SourceStripe, "_requester", lambda source, config: declared(source, config, patience=0.01))
    descriptor = {"name": "events"}
    files: dict[str, Any] = {
        "config": {"client_secret": KEY, "call_rate_limit": 10_000},
        "catalog": {"streams": [configured("events", "incremental"), configured("charges", "full_refresh")]},
        "state": [{"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": STATE}}],
    }

    def call(**config: str) -> tuple[int, Output]:
        args = ["read"]
        files["config"].update(config)
        for name, content in files.items():
            (tmp_path / name).write_text(json.dumps(content))
            args += [f"--{name}", str(tmp_path / name)]
        written = tmp_path / "stdout"
        stdout = os.open(written, os.O_CREAT | os.O_WRONLY)
        try:
            code = run(args, Stdout(stdout))
        finally:
            os.close(stdout)
        return code, Output.of_lines(written.read_text().splitlines())

    return call


def configured(name: str, mode: str) -> dict[str, Any]:
    described = {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    return {"stream": described, "sync_mode": mode, "destination_sync_mode": "append"}


def mock_reply(requests_mock: Mocker, path: str, reply: Reply) -> None:
    if isinstance(reply, Exception):
        requests_mock.get(f"{API}{path}", exc=reply)
        return
    status, headers, body = reply
    content = b"<html>" if body is None else json.dumps(body).encode()
    # An answer of Stripe's names its request; without that a page is someone else's.
    named = {} if reply in EXAMPLES["not Stripe"] else {"Request-Id": "req_7"}
    requests_mock.get(f"{API}{path}", status_code=status, headers={**named, **headers}, content=content)


@pytest.mark.parametrize("policy", TABLE.values(), ids=TABLE.keys())
def test_a_row_in_a_sync(requests_mock: Mocker, sync: Sync, policy: Policy) -> None:
    reply = EXAMPLES[policy.name][0]
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 3))
    mock_reply(requests_mock, "/v1/events", reply)

    of_account = not isinstance(reply, Exception) and reply[1] is ACCOUNT
    code, output = sync(**({"account_id": "acct_9"} if of_account else {}))

    assert len([request for request in requests_mock.request_history if request.path == "/v1/events"]) == 1
    # With a key that is refused charges are asked for no more, if they were not before.
    if policy.outcome is not Outcome.KEY_REFUSED:
        assert output.statuses["charges"] == "COMPLETE"
        assert len(output.ids("charges")) == 3
    if policy.outcome is Outcome.NOT_ENABLED:
        assert (code, output.statuses["events"]) == (0, "COMPLETE")
        assert output.states("events")[-1] == {"created": NOW, "read_with": READ_WITH}
        assert output.errors == []
        return
    assert (code, output.statuses["events"]) == (1, "INCOMPLETE")
    assert output.states("events") == []
    (error,) = [trace for trace in errors(output) if trace.get("stream_descriptor", {}).get("name") == "events"]
    what, todo = policy.what.format(path="/v1/events", key="test secret key"), policy.todo.partition("{")[0]
    assert error["message"].startswith(f"The stream events can't be read. {what}: ")
    assert todo in error["message"]
    assert isinstance(reply, Exception) or ("req_7" in error["message"]) is (policy.name != "not Stripe")
    assert error["failure_type"] == policy.failure.value
    assert KEY not in json.dumps(output.messages)


def errors(output: Output) -> list[dict[str, Any]]:
    traces = (message["trace"] for message in output.messages if message["type"] == "TRACE")
    return [trace["error"] for trace in traces if trace.get("error")]
