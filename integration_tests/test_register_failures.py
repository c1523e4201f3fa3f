"""What `tools.register` says when Airbyte refuses, breaks or is not there; and that the stand-in is as strict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from integration_tests.airbyte_stub import Fault, Instance, serve
from integration_tests.airbyte_stub.instance import RefusedError
from integration_tests.registering import CONFIG, IMAGE, KEY, REPOSITORY, Registering, registering

CHARGES: list[dict[str, Any]] = [{"name": "charges", "syncMode": "incremental_append"}]


@pytest.fixture
def stand(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Registering]:
    with registering(tmp_path, capsys, monkeypatch) as made:
        yield made


def problem(message: str) -> str:
    """A refusal of the public API, which quotes what it was sent, as bad as it gets."""
    return json.dumps({"status": 409, "title": "refused", "data": {"message": f"{message} Sent: {KEY}"}})


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            Fault("token", 401, '{"message": "Invalid client credentials"}'),
            [
                "Signing in failed with status 401 (POST /api/public/v1/applications/token).",
                "Airbyte says: Invalid client credentials. Look at",
                "Look at AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET",
            ],
        ),
        (Fault("token", 404, "<html>nginx</html>"), ["Airbyte says: <html>nginx</html>", "--airbyte-url"]),
        (Fault("token", 302, ""), ["gives no reason", "give that address as --airbyte-url"]),
        (Fault("token", 200, "{}"), ["answers without a token"]),
        (Fault("token", 200, "<html>A page</html>"), ["the answer can't be understood", "an Airbyte"]),
        (Fault("definitions", 403, problem("Forbidden.")), ["Forbidden.", "has to be an editor of the workspace"]),
        (Fault("definitions", 503, ""), ["Listing the source definitions failed with status 503", "Run this again"]),
        (
            Fault("definitions", 200, '{"data": [{"id": 1}]}'),
            ["can't be understood (GET /workspaces/", "dockerImageTag"],
        ),
        (
            Fault("make definition", 500, '{"message": "Get Spec job failed."}'),
            ["Get Spec job failed.", f"can its cluster pull {IMAGE}?", "docs/register.md"],
        ),
        (Fault("sources", 200, '{"data": [{}]}'), ["Listing the sources failed: the answer can't be understood"]),
        (
            Fault("make source", 409, problem("A conflict.")),
            ["Making the source failed with status 409", "A conflict."],
        ),
        (Fault("make source", 422, problem("Not understood.")), ["status 422", "Airbyte says: Not understood. Sent: "]),
        (Fault("make source", 503, ""), ["Making the source failed with status 503", "goes on from what is there"]),
        (
            Fault("check", 200, '{"jobInfo": {"failureReason": {"externalMessage": "No room for the pod."}}}'),
            ['The check of the source "Stripe" failed.', "Airbyte says: No room for the pod."],
        ),
        (Fault("check", 200, '{"status": "failed"}'), ["Airbyte says: nothing. Look at its log."]),
        (
            Fault("discover", 200, '{"jobInfo": {"failureReason": {"externalMessage": "The pod was killed."}}}'),
            ["Discovering the streams failed.", "Airbyte says: The pod was killed."],
        ),
        (Fault("connection", 404, problem("Could not find it.")), ["Reading the connection", "Look at the IDs"]),
        (
            Fault("make connection", 400, problem("Invalid stream.")),
            ["Making the connection failed", "Invalid stream."],
        ),
        (Fault("set state", 422, '{"message": "No state."}'), ["Taking the state over failed", "No state."]),
    ],
    ids=lambda each: f"{each.operation} {each.status}" if isinstance(each, Fault) else "",
)
def test_a_refusal_says_what_failed_where_and_why_and_what_to_do(
    stand: Registering, fault: Fault, told: list[str]
) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    stand.instance.faults.append(fault)

    run = stand.run("--like", old)

    assert run.code == 1
    assert [part for part in told if part not in run.err] == []
    assert run.err.count("\n") == 1


def test_an_image_that_can_not_be_pulled_leaves_what_was_there(stand: Registering) -> None:
    stand.run()
    before = stand.held()

    run = stand.run(image=f"{REPOSITORY}:9.9.9")

    assert run.code == 1
    assert f"validating input docker image ({REPOSITORY}:9.9.9)" in run.err
    assert f"can its cluster pull {REPOSITORY}:9.9.9?" in run.err
    assert stand.held() == before


def test_a_config_that_the_image_refuses_is_told_in_airbytes_words(stand: Registering) -> None:
    stand.config["num_workers"] = "many"

    run = stand.run()

    assert run.code == 1
    assert "does not fulfill the specification" in run.err
    assert stand.instance.sources == []


def test_a_config_that_the_check_refuses_is_told_in_its_words(stand: Registering) -> None:
    stand.config["start_date"] = "2999-01-01T00:00:00Z"

    run = stand.run()

    assert run.code == 1
    assert 'The check of the source "Stripe" failed. Airbyte says: ' in run.err
    assert "start_date" in run.err
    stand.config["start_date"] = "2024-01-01T00:00:00Z"
    assert stand.run().code == 0


def test_wrong_credentials_are_refused(stand: Registering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_CLIENT_SECRET", "another-secret")
    stand.secrets.add("another-secret")

    run = stand.run()
    assert run.code == 1
    assert "Invalid client credentials" in run.err
    stand.instance.faults.append(Fault("token", 401, "No application has the secret another-secret."))

    assert "No application has the secret ...." in stand.run().err


def test_a_token_that_airbyte_quotes_is_not_printed(stand: Registering, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = stand.instance.answer

    def refusing(operation: str, *rest: Any) -> str:
        if operation == "sources":
            raise RefusedError(403, f"Forbidden for {stand.instance.tokens[-1]}.")
        return answer(operation, *rest)

    monkeypatch.setattr(stand.instance, "answer", refusing)
    assert "Forbidden for ...." in stand.run().err


def test_where_nothing_listens_is_told(stand: Registering) -> None:
    run = stand.run("--airbyte-url", "http://127.0.0.1:9")

    assert run.code == 1
    assert "Signing in failed: http://127.0.0.1:9 can't be reached (Connection refused)." in run.err


@pytest.mark.parametrize("operation", ["token", "definitions", "sources", "check", "discover", "state", "set state"])
def test_what_passes_is_asked_again(stand: Registering, operation: str) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    stand.instance.faults.append(Fault(operation, 503, "", times=2))

    assert stand.run("--like", old).code == 0


@pytest.mark.parametrize("operation", ["make definition", "make source", "make connection"])
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_what_makes_something_is_not_made_twice(stand: Registering, operation: str, done: bool) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    if done:
        # An earlier run was cut off behind the call.
        stand.run("--like", old)
        stand.instance.states.popitem()
    else:
        stand.instance.faults.append(Fault(operation, 502, "", times=1))
        assert stand.run("--like", old).code == 1
    assert stand.run("--like", old).code == 0

    counts = [len(rows) for rows in (stand.instance.definitions, stand.instance.sources, stand.instance.connections)]
    assert counts == [2, 2, 2]
    assert stand.run("--like", old).lines[-1] == "Nothing was changed."


def test_an_answer_that_does_not_come_is_told(stand: Registering) -> None:
    stand.instance.faults.append(Fault("make source", seconds=1.0, times=1))

    run = stand.run("--timeout", "0.2")

    assert run.code == 1
    assert "Airbyte did not answer within 0.2 seconds (POST /api/public/v1/sources)." in run.err
    assert "It may have been done: run this again" in run.err


def test_a_token_that_expires_on_the_way_is_replaced(stand: Registering, monkeypatch: pytest.MonkeyPatch) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    stand.run("--like", old)
    asked = iter(range(100))
    answer = stand.instance.answer

    def expiring(operation: str, *rest: Any) -> str:
        if operation != "token" and next(asked) % 4 == 1:
            stand.instance.expire_token()
        return answer(operation, *rest)

    monkeypatch.setattr(stand.instance, "answer", expiring)
    run = stand.run("--like", old)

    assert (run.code, run.lines[-1]) == (0, "Nothing was changed.")
    assert len(stand.instance.called("token")) > 2


def test_what_there_is_twice_is_not_guessed(stand: Registering) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    stand.run("--like", old)
    its = stand.instance
    twice = {"definition": its.definitions, "source": its.sources, "connection": its.connections}

    for what, rows in twice.items():
        rows.append({**rows[-1]})
        run = stand.run("--like", old)
        assert (run.code, its.written) == (1, [])
        assert f"There are several {what}s" in run.err
        rows.pop()


def test_a_connection_that_can_not_be_followed_is_refused_before_anything_is_written(stand: Registering) -> None:
    other = stand.instance.old_connection([{"name": "of_another_source"}])
    elsewhere = stand.instance.old_connection(CHARGES, workspaceId="elsewhere")

    refused = stand.run("--like", elsewhere)
    assert refused.code == 2
    assert "belongs to the workspace elsewhere" in refused.err
    assert stand.instance.written == []
    none = stand.run("--like", other)
    assert none.code == 1
    assert "has no stream that the new source has" in none.err
    assert "make connection" not in stand.instance.written


def test_a_connection_of_the_source_itself_is_no_pattern(stand: Registering) -> None:
    old = stand.instance.old_connection(CHARGES, {"charges": {"updated": 1}})
    stand.run("--like", old)

    run = stand.run("--like", str(stand.instance.connections[-1]["connectionId"]))

    assert run.code == 1
    assert "reads this source already" in run.err


# The stand-in.


@pytest.mark.parametrize(
    ("place", "body", "status"),
    [
        ("POST public/v1/sources", {"name": "x", "workspaceId": "{w}", "configuration": CONFIG}, 422),
        ("POST public/v1/sources", {"name": "x", "workspaceId": "{w}", "definitionId": "x", "configuration": {}}, 422),
        ("POST public/v1/connections", {"sourceId": "x", "destinationId": "y", "nonsense": 1}, 422),
        ("POST public/v1/workspaces/{w}/definitions/sources", {"name": "x", "dockerRepository": "y"}, 422),
        ("POST v1/state/create_or_update_safe", {"connectionId": "{w}", "connectionState": {}}, 422),
        ("POST v1/state/get", {"connection_id": "{w}"}, 422),
        ("POST v1/state/get", {"connectionId": "{w}"}, 404),
        ("GET public/v1/nothing", None, 404),
    ],
)
def test_the_instance_refuses_what_airbyte_refuses(place: str, body: Any, status: int) -> None:
    instance = Instance()
    method, path = place.replace("{w}", instance.workspace).split()
    with serve(instance) as url:
        assert url.startswith("http://127.0.0.1:")
        own = {"client_id": instance.client_id, "client_secret": instance.client_secret}
        sent = {**own, "grant-type": "client_credentials"}
        token = requests.post(f"{url}/api/public/v1/applications/token", json=sent, timeout=10).json()["access_token"]
        content = json.loads(json.dumps(body).replace("{w}", instance.workspace))
        for headers, expected in (({}, 401), ({"Authorization": f"Bearer {token}"}, status)):
            answer = requests.request(method, f"{url}/api/{path}", json=content, headers=headers, timeout=10)
            assert answer.status_code == (expected if "nothing" not in path else 404)
