"""Junk for a config, a catalog and a state: always a sentence and a config error, never a traceback without one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative import concurrent_declarative_source
from airbyte_cdk.utils.airbyte_secrets_utils import update_secrets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_mock import Mocker

from source_stripe.catalog.config import Config
from source_stripe.entrypoint import run
from source_stripe.process.output import Output as Stdout
from source_stripe.source import SourceStripe
from unit_tests.conftest import API, KEY
from unit_tests.output import Output
from unit_tests.test_source import DATE, NOW, READ_WITH, mock_account, mock_list, rows_of

Command = Callable[..., tuple[int, Output]]

CONFIG = {"client_secret": KEY, "call_rate_limit": 10_000}


def selecting(name: str = "disputes", **configured: Any) -> dict[str, Any]:
    """A stream of a configured catalog."""
    stream = {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    return {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append", **configured}


def state_of(stream: str, state: Any) -> dict[str, Any]:
    return {"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": state}}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Runs `source-stripe` in this process, with files of any content; the exit code and what came out."""
    folder = tmp_path_factory.mktemp("inputs")
    loaded = SourceStripe(None, {}, [])
    schema, manifest = loaded._declarative_component_schema, loaded.resolved_manifest

    def call(name: str, **files: Any) -> tuple[int, Output]:
        args = [name]
        for key, content in files.items():
            (folder / key).write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
            args += [f"--{key}", str(folder / key)]
        written = os.open(folder / "stdout", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        code = run(args, Stdout(written))
        os.close(written)
        return code, Output.of_lines((folder / "stdout").read_bytes().decode().split("\n"))

    with pytest.MonkeyPatch.context() as patch:
        # Read once: that takes most of the time.
        patch.setattr(concurrent_declarative_source, "get_declarative_component_schema", lambda: schema)
        patch.setattr(SourceStripe, "_pre_process_manifest", lambda *_: manifest)
        patch.setattr(SourceStripe, "_validate_source", lambda _: None)
        yield call
    update_secrets([])


@pytest.fixture
def stripe(requests_mock: Mocker) -> Mocker:
    """An account with two disputes, and no events."""
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/disputes", rows_of("dp", 2))
    empty = {"object": "list", "data": [], "has_more": False, "url": "/v1/events"}
    requests_mock.get(f"{API}/v1/events", json=empty, headers={"Date": DATE})
    return requests_mock


def refusals(code: int, output: Output) -> list[str]:
    """The sentences that a command failed with. AssertionError unless all of them are for the user to act upon."""
    errors = [message["trace"]["error"] for message in output.messages if message.get("trace", {}).get("error")]
    assert code == 1
    assert errors
    assert {error["failure_type"] for error in errors} == {FailureType.config_error.value}, errors
    assert all(len(error["message"].split()) > 3 for error in errors)
    return [error["message"] for error in errors]


DEEP = [b"[" * levels + b"]" * levels for levels in (65, 500, 1_000, 200_000)]
NO_JSON = [b"", b"{", b"\xff\xfe{}", b"[NaN]", b"[Infinity]", b"1e999", b'"\\ud800"', b"{'a': 1}", b"\x00" * 9]


@pytest.mark.parametrize("content", [*DEEP, *NO_JSON, b"7", b'"text"', b"true"], ids=lambda content: content[:9])
@pytest.mark.parametrize("name", ["config", "catalog", "state"])
def test_a_file_that_can_not_be_used_is_named_and_nothing_is_asked(
    requests_mock: Mocker, command: Command, name: str, content: bytes
) -> None:
    files = {"config": CONFIG, "catalog": {"streams": [selecting()]}, "state": []}

    (sentence,) = refusals(*command("read", **{**files, name: content}))

    assert sentence.startswith(f"The {name} can't be used: ")
    assert f"/{name}'" in sentence
    assert not requests_mock.called


@pytest.mark.parametrize("path", ["/nowhere/config.json", "/", "a\0b", "\udc80", ""])
@pytest.mark.parametrize("word", ["check", "discover"])
def test_a_path_that_leads_to_no_file_is_named(tmp_path: Path, word: str, path: str) -> None:
    written = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY)
    code = run([word, "--config", path], Stdout(written))
    os.close(written)
    output = Output.of_lines((tmp_path / "stdout").read_text().splitlines())

    (sentence,) = refusals(code, output)
    assert sentence.startswith(f"The config can't be used: {path!r} ")


def test_of_a_config_that_can_not_be_used_nothing_is_shown(command: Command) -> None:
    code, output = command("check", config=b'{"client_secret": "' + KEY.encode() + b'", }')

    (sentence,) = refusals(code, output)
    assert "is no JSON" in sentence
    assert KEY[:16] not in orjson.dumps(output.messages).decode()


@pytest.mark.parametrize(
    ("catalog", "sentence"),
    [
        ({}, '"streams" is a required property'),
        ({"streams": []}, "selects no stream"),
        ({"streams": [selecting(), selecting()]}, "has the stream disputes 2 times"),
        ({"streams": [selecting(sync_mode="now")]}, '"now" is not one of'),
        ({"streams": [{}]}, '"stream" is a required property'),
        ({"streams": {"disputes": {}}}, "is not of type"),
    ],
)
def test_a_catalog_that_selects_nothing_readable_is_refused(command: Command, catalog: Any, sentence: str) -> None:
    (told,) = refusals(*command("read", config=CONFIG, catalog=catalog))

    assert sentence in told


@pytest.mark.usefixtures("stripe")
@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (selecting("orders"), "the stream 'orders', which source-stripe does not have"),
        (selecting("charges", cursor_field=["changed"]), "charges by the cursor 'changed': its cursor is updated"),
        (selecting("refunds", cursor_field=["a", "b"]), "refunds by the cursor 'a.b': its cursor is updated"),
        (selecting("shipping_rates", cursor_field=["gone"]), "shipping_rates by the cursor 'gone': "),
    ],
)
def test_a_stream_that_can_not_be_read_as_selected_fails_alone(
    command: Command, other: dict[str, Any], sentence: str
) -> None:
    code, output = command("read", config=CONFIG, catalog={"streams": [other, selecting()]})

    assert all(sentence in told for told in refusals(code, output))
    assert output.statuses == {"disputes": "COMPLETE", other["stream"]["name"]: "INCOMPLETE"}
    assert output.ids().total() == 2
    assert output.states("disputes")


@pytest.mark.usefixtures("stripe")
@pytest.mark.parametrize("cursor_field", [[], ["updated"], ["created"]])
def test_a_cursor_that_rows_have_is_none_of_our_business(command: Command, cursor_field: list[str]) -> None:
    code, output = command(
        "read", config=CONFIG, catalog={"streams": [selecting(cursor_field=cursor_field, sync_mode="incremental")]}
    )

    assert code == 0
    assert output.statuses == {"disputes": "COMPLETE"}


GLOBAL = {"type": "GLOBAL", "global": {"stream_states": [state_of("disputes", {"updated": NOW - 60})["stream"]]}}


@pytest.mark.parametrize(
    "state",
    [
        {"disputes": {"updated": NOW}},
        [{"type": "LEGACY", "data": {"disputes": {"updated": NOW}}}],
        [{"data": {"disputes": {"updated": NOW}}}],
        [{"type": "STREAM"}],
        [{"type": "SHARED"}],
        [{}],
        [None],
        ["disputes"],
        [GLOBAL, state_of("disputes", {})],
        [{"type": "GLOBAL", "global": {**GLOBAL["global"], "shared_state": {"cdc": 7}}}],  # type: ignore[dict-item]
        [state_of("disputes", [1])],
    ],
    ids=str,
)
def test_a_state_that_would_be_skipped_is_refused(requests_mock: Mocker, command: Command, state: Any) -> None:
    (told,) = refusals(*command("read", config=CONFIG, catalog={"streams": [selecting()]}, state=state))

    assert told.endswith("or hand over the state messages that source-stripe wrote.")
    assert not requests_mock.called


@pytest.mark.usefixtures("stripe")
@pytest.mark.parametrize("state", [[], {}, None, [state_of("orders", {"page": "a"})]], ids=str)
def test_without_a_state_of_the_stream_it_is_read_from_the_start(command: Command, state: Any) -> None:
    code, output = command("read", config=CONFIG, catalog={"streams": [selecting()]}, state=state)

    assert code == 0
    assert output.ids().total() == 2


def test_a_global_state_of_streams_is_gone_on_from(stripe: Mocker, command: Command) -> None:
    code, output = command("read", config=CONFIG, catalog={"streams": [selecting()]}, state=[GLOBAL])

    assert code == 0
    assert any("/v1/events" in request.url for request in stripe.request_history)
    assert output.states("disputes")[-1] == {"updated": NOW, "read_with": READ_WITH}


numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8)
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
fuzz = settings(
    max_examples=60, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
times = st.integers(NOW - 10**8, NOW + 10**8) | numbers | scalars
words = st.sampled_from(["updated", "created", "backfill", "states", "state", "parent_state", "use_global_cursor"])
backfills = st.fixed_dictionaries(
    {"start": times, "cutoff": times, "done": st.lists(st.lists(times, max_size=3), max_size=3) | junk}
)
states = junk | st.dictionaries(words, times | backfills | junk, max_size=3)


def as_json(content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.usefixtures("stripe")
@fuzz
@given(config=junk | st.dictionaries(st.sampled_from([*Config.model_fields]), junk, max_size=4))
def test_any_config_is_usable_or_refused_with_a_sentence(command: Command, config: Any) -> None:
    code, output = command("check", config=as_json(config))

    statuses = [message["connectionStatus"] for message in output.messages if "connectionStatus" in message]
    if code == 0:
        assert statuses[-1]["status"] == "FAILED"
        assert statuses[-1]["message"].startswith("The config can't be used: ")
    else:
        refusals(code, output)


@pytest.mark.usefixtures("stripe")
@fuzz
@given(field=st.sampled_from([*Config.model_fields]), value=junk | st.integers(0, 2**64))
def test_any_value_in_a_config_is_usable_or_refused_with_a_sentence(command: Command, field: str, value: Any) -> None:
    code, output = command("read", config=as_json({**CONFIG, field: value}), catalog={"streams": [selecting()]})

    if code != 0:
        (sentence,) = refusals(code, output)
        assert field in sentence or "a field without a name" in sentence


@pytest.mark.usefixtures("stripe")
@fuzz
@given(catalog=junk | st.fixed_dictionaries({"streams": st.lists(junk, max_size=2)}) | st.builds(selecting, st.text()))
def test_any_other_catalog_is_refused_with_a_sentence(command: Command, catalog: Any) -> None:
    refusals(*command("read", config=CONFIG, catalog=as_json(catalog)))


@pytest.mark.usefixtures("stripe")
@fuzz
@given(state=junk.filter(bool) | st.lists(junk, min_size=1, max_size=2))
def test_any_other_state_is_refused_with_a_sentence(command: Command, state: Any) -> None:
    refusals(*command("read", config=CONFIG, catalog={"streams": [selecting()]}, state=as_json(state)))


@pytest.mark.usefixtures("stripe")
@fuzz
@given(state=states)
def test_any_state_of_a_stream_is_gone_on_from_or_refused_with_a_sentence(command: Command, state: Any) -> None:
    files = {"config": CONFIG, "catalog": {"streams": [selecting()]}}

    code, output = command("read", **files, state=as_json([state_of("disputes", state)]))

    if code == 0:
        assert output.statuses == {"disputes": "COMPLETE"}
        assert output.states("disputes")[-1] == {"updated": NOW, "read_with": READ_WITH}
    else:
        refusals(code, output)


def test_a_mark_before_utf_8_is_no_matter(requests_mock: Mocker, command: Command) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/disputes", rows_of("dp", 2))
    mock_list(requests_mock, "/v1/events", [])
    files = {"config": CONFIG, "catalog": {"streams": [selecting()]}, "state": [state_of("disputes", {"updated": NOW})]}

    code, output = command("read", **{name: b"\xef\xbb\xbf" + orjson.dumps(each) for name, each in files.items()})

    assert (code, output.statuses) == (0, {"disputes": "COMPLETE"})


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("what", ["config", "catalog", "state"])
def test_utf_16_is_called_what_it_is(command: Command, what: str, encoding: str) -> None:
    files: dict[str, Any] = {"config": CONFIG, "catalog": {"streams": [selecting()]}, "state": []}
    text = json.dumps(files[what])
    marked = text if encoding == "utf-16" else f"\ufeff{text}"

    code, output = command("read", **{**files, what: marked.encode(encoding)})

    assert code == 1
    assert "is in UTF-16. Save it as UTF-8." in output.errors[0]
