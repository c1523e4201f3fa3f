"""Each fault of the emulator, through the entry point: passing ones don't show in the data, lasting ones fail their
stream, and the next sync goes on from what there is."""

from __future__ import annotations

import re
import socket
from collections import Counter
from dataclasses import dataclass

import pytest

from integration_tests.setup import IMPATIENT, QUICK, Setup
from integration_tests.trial import ACCOUNT, EVENTS, LIST, OBJECT, failures, trial
from stripe_emulator import faults
from stripe_emulator.faults import Fault

_HASTY = {"connect": 5, "read": 0.15, "whole": 0.25}
"""Seconds: what is slow is so at once."""
_TRIES_SLOW_ONES = Setup({**IMPATIENT.backoff, "give_up_after": 1}, {"connect": 5, "read": 0.3, "whole": 0.4})
_REQUEST_ID = re.compile(r"\breq_\w+")


@pytest.mark.parametrize("fault", [*faults.PASSING, *faults.SLOW], ids=lambda fault: fault.name)
def test_what_passes_does_not_show_in_the_data(fault: Fault) -> None:
    setup = Setup(QUICK.backoff, _HASTY if fault in faults.SLOW else {})
    with trial() as account:
        for pattern in (ACCOUNT, LIST, EVENTS, OBJECT):
            account.emulator.faults.add(fault, on=pattern)
        account.emulator.faults.add(fault, on=LIST, having="starting_after")

        first = account.sync(setup)
        account.check_right(first)
        assert first.output.ids("charges") == Counter(row["id"] for row in account.emulator.objects("charge"))
        account.live_on()
        later = account.sync(setup)
        account.check_right(later)

        assert account.emulator.faults.met == {fault.name: 5}
        assert (first.stderr, later.stderr) == ("", "")


@dataclass(frozen=True)
class Lasting:
    """A fault that does not pass, what the user reads of it, and its Airbyte failure type."""

    fault: Fault
    words: tuple[str, ...]
    type: str = "transient_error"
    asked_again: bool = True


_BROKEN = ("no answer",)
_LASTING = [
    *(
        Lasting(faults.limited(reason), ("429", "rate_limit", "Request rate limit exceeded"))
        for reason in faults.RATE_LIMITS
    ),
    Lasting(faults.limited("endpoint-rate", **{"Stripe-Should-Retry": "false"}), ("429", "rate_limit")),
    Lasting(faults.LOCK_TIMEOUT, ("429", "lock_timeout", "invalid_request_error", "cannot be accessed right now")),
    Lasting(faults.CONFLICT, ("409", "invalid_request_error", "changed by another request")),
    *(Lasting(faults.refused(status), (str(status), "api_error", "unknown error")) for status in (500, 502, 503, 504)),
    Lasting(faults.RETRY_AT_ONCE, ("503", "api_error")),
    Lasting(faults.TOLD_TO_RETRY, ("400", "api_error", "unknown error")),
    Lasting(faults.TOLD_NOT_TO_RETRY, ("500", "api_error", "unknown error"), asked_again=False),
    Lasting(
        faults.VERSION_REFUSED,
        ("400", "invalid_request_error", "Invalid Stripe API version: 2026-10-28.endive"),
        "system_error",
        asked_again=False,
    ),
    Lasting(
        faults.refused(402, "Pay first.", kind="card_error", code="card_declined"),
        ("402", "card_error", "card_declined", "Pay first."),
        "system_error",
        asked_again=False,
    ),
    Lasting(faults.HTML, ("200", "no whole JSON object")),
    Lasting(faults.TRUNCATED, ("200", "no whole JSON object")),
    Lasting(faults.EMPTY, ("200", "no whole JSON object")),
    Lasting(faults.GZIP_CUT, ("200", "no whole JSON object")),
    Lasting(faults.CLOSED_IN_HEAD, ("200", "no whole JSON object")),
    *(
        Lasting(fault, _BROKEN)
        for fault in (
            faults.RESET,
            faults.RESET_IN_BODY,
            faults.CLOSED,
            faults.CLOSED_IN_BODY,
            faults.CLOSED_IN_CHUNKS,
            faults.NOT_HTTP,
            *faults.SLOW,
        )
    ),
]


@pytest.mark.parametrize("case", _LASTING, ids=lambda case: case.fault.name)
def test_what_lasts_fails_its_stream_with_the_reason_and_no_other(case: Lasting) -> None:
    setup = _TRIES_SLOW_ONES if case.fault in faults.SLOW else IMPATIENT
    with trial() as account:
        account.emulator.faults.add(case.fault, on=LIST, skip=1, times=None)

        failed = account.sync(setup)

        assert failed.code == 1
        assert failed.output.statuses == {"charges": "INCOMPLETE", "customers": "COMPLETE"}
        assert len(failed.output.ids("customers")) == 25
        said = failures(failed, "charges")
        assert {failure.type for failure in said} == {case.type}
        for word in ("The stream charges can't be read", "GET /v1/charges", *case.words):
            assert all(word in failure.message for failure in said), (word, said)
        if case.words != _BROKEN:
            assert all(_REQUEST_ID.search(failure.message) for failure in said), said
        # A piece that waits when its stream fails says the same, unasked. Each refusal has a request id of its own.
        assert case.asked_again or account.emulator.faults.met[case.fault.name] == len(set(said))
        assert failed.stderr == ""

        account.emulator.faults.clear()
        account.live_on()
        account.check_right(account.sync())


def test_a_stripe_that_is_not_there_fails_every_stream_and_is_waited_for_once() -> None:
    with trial() as account, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        failed = account.sync(IMPATIENT, api_url=url)

        assert failed.code == 1
        assert failed.output.statuses == dict.fromkeys(("charges", "customers"), "INCOMPLETE")
        for stream in ("charges", "customers"):
            assert {failure.type for failure in failures(failed, stream)} == {"transient_error"}
            assert all("no answer" in failure.message for failure in failures(failed, stream))
        assert failed.output.records() == failed.output.state_messages == []
        account.check_right(account.sync())


def test_redirects_are_not_followed() -> None:
    """The key would go along, to whoever can forge an answer."""
    with trial() as account, trial() as elsewhere:
        url = elsewhere.emulator.url.replace("127.0.0.1", "localhost")
        account.emulator.faults.add(faults.redirected(f"{url}/v1/charges?secret=1"), on=LIST, times=None)

        failed = account.sync()

        assert failed.code == 1
        assert failed.output.statuses == {"charges": "INCOMPLETE", "customers": "COMPLETE"}
        said = failures(failed, "charges")
        assert {failure.type for failure in said} == {"config_error"}
        for word in ("GET /v1/charges", "302", "a redirect to http://localhost", "api_url"):
            assert all(word in failure.message for failure in said), said
        assert "secret=1" not in "".join(failed.lines)
        assert account.emulator.faults.met == {"redirect": len(said)}
        assert elsewhere.emulator.requests == []

        account.emulator.faults.clear()
        account.check_right(account.sync())
