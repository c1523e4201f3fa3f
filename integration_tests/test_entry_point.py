"""The entry point never hangs and never lies, whatever happens to its reader, its threads or itself."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from integration_tests.back_fills import is_covered
from integration_tests.connector import Json
from integration_tests.sync_process import HANGS, PIPE, Process, sync_process
from integration_tests.syncing import each_request
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts.bulk import Plan, populate
from stripe_emulator.bulk import token
from unit_tests.output import Output

STREAMS = {"charges": "ch", "customers": "cus"}
ROWS = 1_500


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    emulator = StripeEmulator()
    populate(emulator, Plan({"charge": ROWS, "customer": ROWS}))
    with serve(emulator):
        yield emulator


def created(account: StripeEmulator, stream: str) -> Mapping[str, int]:
    """When each row was created, by its id."""
    times = account.bulk[f"/v1/{stream}"].times  # type: ignore[union-attr] # no children
    return {f"{STREAMS[stream]}_{token(number).decode()}": time for number, time in enumerate(times)}


def messages(content: bytes, account: StripeEmulator) -> Output:
    """What came out. AssertionError if a whole line is no message, a cut one is, or a state covers what did not."""
    whole, _, cut = content.rpartition(b"\n")
    output = Output.of_lines(whole.decode().splitlines())
    if cut:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(cut)
    for stream in STREAMS:
        came = output.ids(stream)
        for state in [message for message in output.state_messages if of(message) == stream]:
            lost = [
                row for row, time in created(account, stream).items() if is_covered([state], time) and row not in came
            ]
            assert not lost
    return output


def of(state: Json) -> str:
    return str(state["stream"]["stream_descriptor"]["name"])


def check_quiet(process: Process) -> None:
    """AssertionError where it made noise beside its message."""
    assert len(process.stderr.splitlines()) == 1, process.stderr


def test_a_reader_that_goes_away_ends_the_sync(account: StripeEmulator, tmp_path: Path) -> None:
    with sync_process(tmp_path, account) as process:
        assert process.read()
        process.close()

        assert process.end() == 1
    assert "nobody reads its messages" in process.stderr or "Broken pipe" in process.stderr
    check_quiet(process)


@contextmanager
def silence(account: StripeEmulator) -> Iterator[threading.Event]:
    """Stripe does not answer the third request for as long; the event tells when it was asked."""
    asked, over = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        over.wait()

    with each_request(account, {3: wait}):
        try:
            yield asked
        finally:
            over.set()


def test_a_reader_that_goes_away_while_stripe_is_silent_ends_the_sync(account: StripeEmulator, tmp_path: Path) -> None:
    with silence(account) as asked, sync_process(tmp_path, account) as process:
        assert asked.wait(HANGS)
        process.close()

        assert process.end() == 1
    check_quiet(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_sync_between_two_lines(
    account: StripeEmulator, tmp_path: Path, number: signal.Signals
) -> None:
    with sync_process(tmp_path, account) as process:
        content = b""
        while b'"type":"RECORD"' not in content:
            content += process.read()
        process.signal(number)
        content += process.rest()

        assert process.end() == -number, "not of the signal itself"
    assert content.endswith(b"\n")
    assert 0 < len(messages(content, account).records()) < 2 * ROWS
    assert process.stderr == ""


def test_a_signal_ends_the_sync_while_stripe_is_silent(account: StripeEmulator, tmp_path: Path) -> None:
    with silence(account) as asked, sync_process(tmp_path, account) as process:
        content: list[bytes] = []
        reader = threading.Thread(target=lambda: content.append(process.rest()))
        reader.start()
        assert asked.wait(HANGS)
        process.signal(signal.SIGTERM)

        assert process.end() == -signal.SIGTERM
        reader.join()
    assert content[0].endswith(b"\n")
    assert process.stderr == ""


def test_a_signal_ends_the_sync_though_nobody_takes_the_rest_of_a_line(account: StripeEmulator, tmp_path: Path) -> None:
    with sync_process(tmp_path, account) as process:
        content = b""
        while b'"type":"RECORD"' not in content:
            content += process.read(PIPE)
        process.signal(signal.SIGTERM)

        assert process.end() == -signal.SIGTERM


@pytest.mark.parametrize(("fault", "rows"), [("full", 0), ("filling up", 100)])
def test_a_disk_that_is_full_ends_the_sync(account: StripeEmulator, tmp_path: Path, fault: str, rows: int) -> None:
    with sync_process(tmp_path, account, fault) as process:
        assert process.end() == 1
    content = (tmp_path / "stdout").read_bytes() if rows else b""
    assert len(messages(content, account).records()) >= rows
    assert process.stderr.startswith("source-stripe can't write its messages: ")
    check_quiet(process)


@pytest.mark.parametrize("fault", ["", "not blocking"])
def test_a_slow_reader_gets_everything(account: StripeEmulator, tmp_path: Path, fault: str) -> None:
    with sync_process(tmp_path, account, fault) as process:
        content = b"".join(iter(lambda: process.read(512), b""))

        assert process.end() == 0
    output = messages(content, account)
    assert output.statuses == dict.fromkeys(STREAMS, "COMPLETE")
    assert {stream: output.ids(stream).total() for stream in STREAMS} == dict.fromkeys(STREAMS, ROWS)
    assert process.stderr == ""


@pytest.mark.parametrize("fault", ["generator", "reader"])
def test_a_thread_that_fails_fails_its_stream_alone(account: StripeEmulator, tmp_path: Path, fault: str) -> None:
    with sync_process(tmp_path, account, fault) as process:
        output = messages(process.rest(), account)

        assert process.end() == 1
    assert output.statuses == {"charges": "INCOMPLETE", "customers": "COMPLETE"}
    assert "An unexpected error occurred in stream charges: RuntimeError" in output.errors
    assert output.ids("customers").total() == ROWS


@pytest.mark.parametrize("fault", ["serializing", "checkpoint"])
def test_what_fails_in_every_stream_fails_them_all(account: StripeEmulator, tmp_path: Path, fault: str) -> None:
    with sync_process(tmp_path, account, fault) as process:
        output = messages(process.rest(), account)

        assert process.end() == 1
    assert output.statuses == dict.fromkeys(STREAMS, "INCOMPLETE")
    assert {f"An unexpected error occurred in stream {stream}: RuntimeError" for stream in STREAMS} < {*output.errors}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("main", "source-stripe failed: made to fail"),
        ("progress", "source-stripe failed in its thread progress: made to fail"),
        ("incomplete", "Not read to their end: charges, customers."),
    ],
)
def test_what_fails_beside_the_streams_ends_the_sync(
    account: StripeEmulator, tmp_path: Path, fault: str, message: str
) -> None:
    with sync_process(tmp_path, account, fault) as process:
        output = messages(process.rest(), account)

        assert process.end() == 1
    assert message in output.errors
    assert process.stderr == ""


def test_without_a_stdout_nothing_is_read(account: StripeEmulator, tmp_path: Path) -> None:
    with sync_process(tmp_path, account, "closed") as process:
        assert process.rest() == b""
        assert process.end() == 1
    assert "stdout, which is closed" in process.stderr
    check_quiet(process)
