"""Keys are in nothing that comes out, wherever a user has pasted them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.entrypoint import run
from source_stripe.process.masking import masked
from source_stripe.process.output import Output
from unit_tests.conftest import API, KEY
from unit_tests.test_source import DATE, mock_account, mock_list, rows_of

SECRET = "4eC39HqLyjWDarjtT1zdp7dcX"
PASTED = tuple(
    f"{prefix}{SECRET}"
    for prefix in ("sk_test_", "sk_live_", "rk_test_", "rk_live_", "rkcs_test_", "pk_test_", "whsec_", "sk_org_test_")
)
Files = Callable[..., tuple[int, str]]


@pytest.mark.parametrize("key", PASTED)
@pytest.mark.parametrize("text", ["{}", "a {} b", "Bearer {}", '{{"key":"{}"}}', "https://{}:x@host/", "x%3A{}%20y"])
def test_a_key_is_masked_wherever_it_stands(key: str, text: str) -> None:
    shown = masked(text.format(key))

    assert SECRET not in shown
    assert shown == text.format(f"{key.removesuffix(SECRET)}...")


@pytest.mark.parametrize("text", ["sk_live_..., sk_test_...", "the sk_ and rk_test_ prefixes", "disk_space", "ask"])
def test_what_is_no_key_stays(text: str) -> None:
    assert masked(text) == text


def test_half_masked_keys_are_masked() -> None:
    assert masked("Invalid API Key provided: sk_test_emul*****1234.") == "Invalid API Key provided: sk_test_...."


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Runs a command in this process, with these files; the exit code, and all that came out."""

    def call(name: str, **contents: Any) -> tuple[int, str]:
        args = [name]
        for key, content in contents.items():
            (tmp_path / key).write_text(json.dumps(content))
            args += [f"--{key}", str(tmp_path / key)]
        written = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        code = run([*args, "--debug"], Output(written))
        os.close(written)
        return code, (tmp_path / "stdout").read_text()

    return call


def selecting(*names: str, mode: str = "full_refresh") -> dict[str, Any]:
    modes = ["full_refresh", "incremental"]
    streams = [{"name": name, "json_schema": {}, "supported_sync_modes": modes} for name in names]
    return {"streams": [{"stream": each, "sync_mode": mode, "destination_sync_mode": "append"} for each in streams]}


@pytest.mark.parametrize("name", ["check", "discover", "read"])
@pytest.mark.parametrize(
    "config",
    [
        {"api_url": f"http://{PASTED[1]}.example.com"},
        {"expand": {PASTED[1]: ["customer"]}},
        {"expand": {"charges": [PASTED[2]]}},
        {"account_id": PASTED[1]},
        {"start_date": PASTED[1]},
    ],
    ids=str,
)
def test_a_key_in_another_setting_is_not_printed(files: Files, name: str, config: dict[str, Any]) -> None:
    more = {"catalog": selecting("charges")} if name == "read" else {}

    code, told = files(name, config={"client_secret": KEY, **config}, **more)

    assert told
    assert SECRET not in told
    assert code == (0 if name == "check" else 1)


def test_a_key_in_a_catalog_or_a_state_is_not_printed(requests_mock: Mocker, files: Files) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", rows_of("ch", 1))
    config = {"client_secret": KEY, "call_rate_limit": 10_000}
    state = {
        "type": "STREAM",
        "stream": {"stream_descriptor": {"name": "charges"}, "stream_state": {"updated": PASTED[3]}},
    }

    results = [
        files("read", config=config, catalog=selecting(PASTED[1], "charges")),
        files("read", config=config, catalog=selecting("charges", mode="incremental"), state=[state]),
        files("read", config=config, catalog=selecting("charges"), state=[PASTED[4]]),
        files("read", config=config, catalog=PASTED[5]),
    ]

    assert [code for code, _ in results] == [1, 1, 1, 1]
    assert not [told for _, told in results if SECRET in told or not told]


def test_a_row_comes_as_it_is(requests_mock: Mocker, files: Files) -> None:
    mock_account(requests_mock)
    mock_list(requests_mock, "/v1/charges", [{**row, "description": PASTED[0]} for row in rows_of("ch", 1)])

    code, told = files("read", config={"client_secret": KEY}, catalog=selecting("charges"))

    assert code == 0
    assert told.count(PASTED[0]) == 1


def test_a_config_given_as_text_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["check", "--config", json.dumps({"client_secret": PASTED[0]})], Output(1))

    told = capfd.readouterr().out
    assert code == 1
    assert "write it into a file" in told
    assert SECRET not in told


def test_what_logs_and_prints_passes_the_mask(tmp_path: Path) -> None:
    written = os.open(tmp_path / "stdout", os.O_CREAT | os.O_WRONLY)
    output = Output(written)
    handler = logging.StreamHandler(output)
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "with %s", (PASTED[0],), None))
    print("and", PASTED[1], file=output)
    output.write_bytes(f"{PASTED[2]}\n".encode())
    os.close(written)

    assert (tmp_path / "stdout").read_text() == f"with sk_test_...\nand sk_live_...\n{PASTED[2]}\n"


@pytest.mark.parametrize(
    "words",
    [[PASTED[0]], ["check", f"--{PASTED[1]}"], ["check", "--config", PASTED[2]], ["spec", PASTED[3]]],
    ids=["command", "option", "file", "word"],
)
def test_the_command_line_is_not_repeated_with_its_key(words: list[str]) -> None:
    program = "import sys; from source_stripe.run import main; sys.argv[1:] = sys.argv[1:]; main()"

    done = subprocess.run(  # noqa: S603 - what this test made
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_key_in_an_answer_is_masked_before_it_is_told(requests_mock: Mocker, files: Files) -> None:
    mock_account(requests_mock)
    requests_mock.get(
        f"{API}/v1/charges",
        status_code=400,
        json={"error": {"message": f"Odd: {PASTED[6]}", "param": PASTED[7]}},
        headers={"Date": DATE, "Request-Id": PASTED[4]},
    )

    code, told = files("read", config={"client_secret": KEY}, catalog=selecting("charges"))

    assert code == 1
    assert "Odd: whsec_..." in told
    assert SECRET not in told
