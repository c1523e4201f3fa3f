"""Of what the CDK logs, only what is of use to a person comes out."""

from __future__ import annotations

import logging

import pytest

from source_stripe.api.errors import StreamFailure
from source_stripe.process.cdk_log import CdkLog


def line(told: str, error: Exception | None = None) -> logging.LogRecord:
    failed = (type(error), error, None) if error is not None else None
    return logging.LogRecord("airbyte", logging.INFO, "", 0, told, (), failed)


def of(stream: str, message: str) -> logging.LogRecord:
    failure = StreamFailure(message=message)
    failure.concerns(stream)
    return line(f"Exception while syncing stream {stream}", failure)


@pytest.fixture(autouse=True)
def level() -> None:
    logging.getLogger("airbyte").setLevel(logging.INFO)


@pytest.mark.parametrize(
    ("told", "passes"),
    [
        ("Starting syncing", True),
        ("Read: 250 rows (25/s)", True),
        ("Read 3 records from charges stream", False),
        ("Marking stream charges as STARTED", False),
        ("Syncing stream: charges ", False),
        ("Finished syncing charges", False),
        ("During the sync, the following streams did not sync successfully: ", False),
    ],
)
def test_what_is_told_of_each_stream_elsewhere_is_not_logged(told: str, passes: bool) -> None:
    assert CdkLog().filter(line(told)) is passes


def test_with_debug_everything_is_logged() -> None:
    logging.getLogger("airbyte").setLevel(logging.DEBUG)
    assert CdkLog().filter(line("Marking stream charges as STARTED"))
    failed = of("charges", "No key.")
    log = CdkLog()
    assert log.filter(failed)
    assert failed.exc_info is not None
    assert log.filter(of("refunds", "No key."))
    assert not log.filter(of("refunds", "No key."))


def test_a_failure_that_we_have_words_for_is_a_sentence_and_comes_once() -> None:
    log, first, other = CdkLog(), of("charges", "No key."), of("refunds", "No time.")
    assert log.filter(first)
    assert (first.getMessage(), first.exc_info) == ("The stream charges can't be read. No key.", None)
    assert not log.filter(of("payouts", "No key."))
    assert log.filter(other)


def test_any_other_failure_keeps_its_traceback() -> None:
    failed = line("Exception while syncing stream charges", ValueError("a bug"))
    assert CdkLog().filter(failed)
    assert failed.exc_info is not None
