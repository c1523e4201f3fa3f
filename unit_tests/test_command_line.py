"""Commands beside the protocol's: a catalog from names, the states of a sync, the version."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer

from source_stripe.entrypoint import run
from source_stripe.process.inputs import read_catalog, read_state
from source_stripe.process.output import Output
from unit_tests.conftest import KEY

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def own(tmp_path: Path) -> Run:
    """Runs a command line in this process; the exit code and what came out."""

    def call(*args: str) -> tuple[int, str]:
        written = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        code = run(list(args), Output(written))
        os.close(written)
        return code, (tmp_path / "stdout").read_text()

    return call


def state_message(stream: str, updated: int) -> dict[str, Any]:
    state = {"stream_descriptor": {"name": stream}, "stream_state": {"updated": updated}}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": state}}


def states_of(printed: str) -> dict[str, Any]:
    return {
        each["stream"]["stream_descriptor"]["name"]: each["stream"]["stream_state"]["updated"]
        for each in orjson.loads(printed)
    }


def test_a_catalog_selects_the_streams_that_were_named_by_the_best_sync_mode(own: Run, tmp_path: Path) -> None:
    code, printed = own("catalog", "payouts", "tax_codes", "charges")

    chosen = ConfiguredAirbyteCatalogSerializer.load(orjson.loads(printed)).streams
    assert code == 0
    assert [each.stream.name for each in chosen] == ["payouts", "tax_codes", "charges"]
    assert [each.sync_mode.value for each in chosen] == ["incremental", "full_refresh", "incremental"]
    assert (chosen[0].primary_key, chosen[0].cursor_field) == ([["id"]], ["updated"])
    (tmp_path / "catalog.json").write_text(printed)
    assert len(read_catalog(str(tmp_path / "catalog.json")).streams) == 3


def test_a_catalog_has_all_streams_if_none_is_named_and_may_want_them_whole(own: Run) -> None:
    _, printed = own("catalog", "--full-refresh")

    modes = {each["sync_mode"] for each in orjson.loads(printed)["streams"]}
    assert len(orjson.loads(printed)["streams"]) == 154
    assert modes == {"full_refresh"}


def test_a_stream_that_there_is_not_is_refused_with_the_name_that_was_meant(
    own: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = own("catalog", "charges", "payout", "zzz")

    told = capsys.readouterr().err
    assert (code, printed) == (2, "")
    assert "no stream 'payout', did you mean payouts?" in told
    assert "no stream 'zzz'." in told


def test_the_last_states_of_a_sync_are_what_the_next_one_goes_on_from(own: Run, tmp_path: Path) -> None:
    messages = [
        {"type": "LOG", "log": {"level": "INFO", "message": "..."}},
        state_message("charges", 1),
        {"type": "RECORD", "record": {"stream": "charges", "data": {"state": {}}, "emitted_at": 1}},
        state_message("payouts", 2),
        state_message("charges", 3),
    ]
    out = tmp_path / "out.jsonl"
    # The last line has no end: its writer was killed within it, and it is no message.
    out.write_bytes(b"\n".join(map(orjson.dumps, [*messages, state_message("charges", 4)])))

    code, printed = own("state", str(out))

    assert code == 0
    assert states_of(printed) == {"payouts": 2, "charges": 3}
    (tmp_path / "state.json").write_text(printed)
    assert len(read_state(str(tmp_path / "state.json"))) == 2


def test_later_files_win_and_keep_what_they_do_not_tell_of(own: Run, tmp_path: Path) -> None:
    before, later = tmp_path / "state.json", tmp_path / "out.jsonl"
    before.write_bytes(orjson.dumps([state_message(name, 1)["state"] for name in ("charges", "refunds")]))
    later.write_bytes(orjson.dumps(state_message("charges", 2)) + b"\n")

    _, printed = own("state", str(before), str(later))

    assert states_of(printed) == {"charges": 2, "refunds": 1}


def test_what_can_not_be_used_is_a_sentence_on_stderr(
    own: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.jsonl").write_bytes(b'{"type": "LOG", "log": {"level": "INFO", "message": "..."}}\n')

    code, printed = own("state", str(tmp_path / "out.jsonl"))

    assert (code, printed) == (1, "")
    assert "holds messages of a sync, and no state among them." in capsys.readouterr().err


def test_version_and_help_are_printed(own: Run) -> None:
    assert own("--version")[1].startswith("source-stripe ")
    assert "catalog [STREAM ...]" in own("--help")[1]


def updated_of(path: Path) -> dict[str, Any]:
    return {
        message.stream.stream_descriptor.name: message.stream.stream_state.updated  # type: ignore[union-attr]
        for message in read_state(str(path))
        if message.stream is not None
    }


PLATFORM = [{"streamDescriptor": {"name": "charges", "namespace": None}, "streamState": {"updated": 7}}]


@pytest.mark.parametrize(
    "content",
    [
        PLATFORM,
        {"stateType": "stream", "connectionId": "c", "streamState": PLATFORM},
        {"connectionState": {"stateType": "stream", "streamState": PLATFORM}},
        {"stateType": "global", "globalState": {"sharedState": None, "streamStates": PLATFORM}},
        [state_message("charges", 5), state_message("charges", 7)],
        state_message("charges", 7),
        state_message("charges", 7)["state"],
    ],
    ids=["list", "connection", "answer", "global", "messages", "message", "state"],
)
def test_a_state_may_have_any_form_in_which_users_see_it(tmp_path: Path, content: Any) -> None:
    (tmp_path / "state.json").write_bytes(orjson.dumps(content))

    assert updated_of(tmp_path / "state.json") == {"charges": 7}


def test_a_connection_without_a_state_has_none(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b'{"stateType": "not_set", "connectionId": "c"}')

    assert read_state(str(tmp_path / "state.json")) == []


def test_what_discover_printed_selects_all_of_it(own: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(orjson.dumps({"client_secret": KEY}))
    _, printed = own("discover", "--config", str(tmp_path / "config.json"))
    (tmp_path / "catalog.json").write_text(printed)

    streams = read_catalog(str(tmp_path / "catalog.json")).streams

    assert len(streams) == 154
    assert {each.sync_mode.value for each in streams} == {"incremental", "full_refresh"}
