"""What goes wrong while Stripe is asked in SQL: an error with Stripe's words and an exit code, never fewer rows."""

# ruff: noqa: S608 - these are texts that the engine is there for

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from integration_tests.questions import ask, opened, shop
from source_stripe.api.errors import StreamFailure
from source_stripe.sql.errors import QueryError
from stripe_emulator import StripeEmulator, faults, list_faults, serve

SOURCE_STRIPE = [sys.executable, "-m", "source_stripe.run", "sql"]
IN_A_TERMINAL = [
    sys.executable,
    "-c",
    """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
""",
]
"""Runs what follows with the terminal on its stdin as its own."""
COUNT = "SELECT count(*) FROM charges"
CHARGES = 350


@pytest.fixture(scope="module")
def shared() -> Iterator[StripeEmulator]:
    emulator = StripeEmulator()
    shop(emulator, 10, CHARGES)
    with serve(emulator):
        yield emulator


@pytest.fixture
def account(shared: StripeEmulator) -> Iterator[StripeEmulator]:
    """The account, in which no fault outlives a test."""
    shared.faults.met.clear()
    yield shared
    shared.faults.clear()


@pytest.fixture
def config(account: StripeEmulator, tmp_path: Path) -> Path:
    """The config's file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"client_secret": account.key, "api_url": account.url, "call_rate_limit": 10_000}))
    return path


def run(config: Path, *words: str, question: str = "") -> subprocess.CompletedProcess[str]:
    command = [*SOURCE_STRIPE, "--config", str(config), *words]
    return subprocess.run(command, input=question, capture_output=True, text=True, timeout=120, check=False)


def test_a_storm_of_429s_passes(account: StripeEmulator) -> None:
    account.faults.add(faults.limited("endpoint-rate"), on="/v1/charges", skip=1, times=3)
    assert ask(account, opened(account), COUNT).rows == [(CHARGES,)]
    assert account.faults.met == {"429 endpoint-rate": 3}


@pytest.mark.parametrize(
    "fault",
    [faults.TRUNCATED, faults.CLOSED_IN_BODY, faults.RESET_IN_BODY, faults.GZIP_CUT, faults.HTML, faults.EMPTY],
    ids=lambda fault: fault.name,
)
def test_a_page_that_is_cut_is_asked_for_again(account: StripeEmulator, fault: faults.Fault) -> None:
    account.faults.add(fault, on="/v1/charges", skip=1, times=1)
    assert ask(account, opened(account), COUNT).rows == [(CHARGES,)]
    assert account.faults.met == {fault.name: 1}


@pytest.mark.parametrize(
    "fault",
    [faults.DUPLICATE_PAGE, faults.REPEATED_CURSOR, faults.MORE_WITHOUT_ROWS, faults.ROW_WITHOUT_ID],
    ids=lambda fault: fault.name,
)
def test_a_page_that_lies_ends_the_question(account: StripeEmulator, fault: faults.Fault) -> None:
    account.faults.add(fault, on="/v1/charges", skip=1, times=None)
    with pytest.raises(StreamFailure, match="can't be right"):
        ask(account, opened(account), COUNT)


@pytest.mark.parametrize(
    "question", [COUNT, "SELECT id FROM charges", "SELECT * FROM charges LIMIT 250", "SELECT max(amount) FROM charges"]
)
@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_on_the_way_ends_the_question(account: StripeEmulator, question: str, status: int) -> None:
    account.faults.add(faults.refused(status, "No, by Stripe"), on="/v1/charges", skip=2, times=None)
    with pytest.raises(StreamFailure, match=f"No, by Stripe .HTTP {status}"):
        ask(account, opened(account), question)


def test_the_command_tells_stripes_words_and_leaves_no_file(
    account: StripeEmulator, config: Path, tmp_path: Path
) -> None:
    account.faults.add(faults.refused(403, "No, by Stripe"), on="/v1/charges", skip=2, times=None)
    done = run(config, "SELECT * FROM charges", "--output", str(tmp_path / "answer.csv"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "No, by Stripe" in done.stderr
    assert "Traceback" not in done.stderr
    assert account.key not in done.stderr
    assert [*tmp_path.iterdir()] == [config]


def test_a_product_that_is_not_turned_on_is_no_empty_table(account: StripeEmulator) -> None:
    account.faults.add(list_faults.changed("none", lambda _: None), on="/v1/issuing/cards", times=0)
    account.disable("issuing")
    with pytest.raises(StreamFailure):
        ask(account, opened(account), "SELECT count(*) FROM cards")


def test_a_key_that_is_refused_is_said(account: StripeEmulator) -> None:
    with pytest.raises(StreamFailure, match="key"):
        ask(account, opened(account, client_secret="sk_test_emulator_wrong"), COUNT)


def test_ctrl_c_ends_a_question(account: StripeEmulator, config: Path) -> None:
    reached = threading.Event()
    account.faults.add(replace(faults.STALLED_HEAD, happens=reached.set), on="/v1/charges", skip=1, times=None)
    command = [*SOURCE_STRIPE, "--config", str(config), "SELECT id FROM charges"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert reached.wait(120)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "Interrupted.\n")
    assert len(out.splitlines()) < CHARGES


def test_a_terminal_that_goes_away_ends_a_question(account: StripeEmulator, config: Path) -> None:
    reached = threading.Event()
    account.faults.add(replace(faults.STALLED_HEAD, happens=reached.set), on="/v1/charges", skip=1, times=None)
    ours, theirs = pty.openpty()

    command = [*IN_A_TERMINAL, *SOURCE_STRIPE, "--config", str(config), "SELECT id FROM charges"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        assert reached.wait(120)
        os.close(ours)
        assert process.wait(60) == -signal.SIGHUP


def test_a_reader_that_goes_away_ends_a_question(account: StripeEmulator, config: Path) -> None:
    reached, gone = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        gone.wait(60)

    account.faults.add(faults.happening("wait", wait), on="/v1/charges", skip=2, times=1)
    command = [*SOURCE_STRIPE, "--config", str(config), "--format", "csv", "SELECT * FROM charges LIMIT 350"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert reached.wait(120)
        assert process.stdout is not None
        process.stdout.close()
        gone.set()
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


LOCAL = "/etc/passwd"


@pytest.mark.parametrize(
    "question",
    [
        f"SELECT * FROM read_csv('{LOCAL}')",
        f"SELECT * FROM read_text('{LOCAL}')",
        f"SELECT * FROM '{LOCAL}'",
        f'SELECT * FROM "{LOCAL}"',
        "SELECT * FROM 'data.parquet'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_json('https://example.com/x.json')",
        "SELECT * FROM 'https://example.com/x.csv'",
        "SELECT * FROM (SELECT * FROM sniff_csv('/etc/passwd'))",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT getenv('HOME')",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM range(3) WHERE 1 = (SELECT count(*) FROM read_blob('/etc/passwd'))",
        f"COPY charges TO '{LOCAL}.copy'",
        f"COPY (SELECT 1) TO '{LOCAL}.copy'",
        "ATTACH '/tmp/some.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET lock_configuration = false",
        "SET threads = 8",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW charges",
        "INSERT INTO charges VALUES (1)",
        "UPDATE charges SET amount = 0",
        "DELETE FROM charges",
        "EXPORT DATABASE '/tmp/x'",
        "EXPLAIN COPY charges TO '/tmp/x.csv'",
        "DESCRIBE SELECT * FROM read_csv('/etc/passwd')",
        "SELECT 1; DROP VIEW charges",
    ],
)
def test_no_file_no_network_and_nothing_but_questions(account: StripeEmulator, question: str) -> None:
    account.requests.clear()
    with pytest.raises(QueryError):
        opened(account).answer(question).fetchall()
    assert account.requests == []


def test_duckdb_itself_reaches_nothing_either(account: StripeEmulator) -> None:
    engine = opened(account).engine
    for text in (f"SELECT * FROM read_text('{LOCAL}')", "SELECT * FROM read_text('https://example.com/')"):
        engine.begin()
        with pytest.raises(Exception, match="disabled by configuration"):
            engine.rows(text)
    engine.begin()
    with pytest.raises(Exception, match="locked"):
        engine.rows("SET enable_external_access = true")


def test_pythons_own_variables_are_no_tables(account: StripeEmulator) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as a notebook has it

    mine = pa.table({"secret": [1]})
    with pytest.raises(QueryError, match="There is no table mine"):
        opened(account).answer("SELECT * FROM mine")
    assert mine.num_rows == 1
