"""The emulator's faults, as a client of its own sees them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import requests

from stripe_emulator import StripeEmulator, faults
from stripe_emulator.fixtures import Client

CHARGES = "/v1/charges"


@pytest.fixture
def charges(emulator: StripeEmulator) -> list[str]:
    """The ids of five charges, newest first."""
    return [emulator.create("charge")["id"] for _ in range(5)][::-1]


def test_a_rule_takes_the_requests_that_it_names(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.faults.add(faults.refused(503), on=CHARGES, skip=1, times=2)

    statuses = [stripe.get(path).status_code for path in [CHARGES, "/v1/customers", *[CHARGES] * 4]]

    assert statuses == [200, 200, 503, 503, 200, 200]
    assert emulator.faults.met == {"503": 2}


def test_a_rule_may_want_a_parameter_and_last_for_ever(
    emulator: StripeEmulator, stripe: Client, charges: list[str]
) -> None:
    emulator.faults.add(faults.CONFLICT, having="starting_after", times=None)
    behind = f"{CHARGES}?starting_after={charges[0]}"

    assert [stripe.get(path).status_code for path in (CHARGES, behind, behind, CHARGES)] == [200, 409, 409, 200]
    emulator.faults.clear()
    assert stripe.get(behind).status_code == 200


def test_random_faults_are_those_of_their_seed(emulator: StripeEmulator, stripe: Client) -> None:
    def statuses() -> list[int]:
        emulator.faults.at_random(0.3, seed=7, faults=[faults.refused(500), faults.limited("endpoint-rate")])
        return [stripe.get(CHARGES).status_code for _ in range(60)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 429, 500}
    assert 8 < 60 - first.count(200) < 28


def test_refusals_are_stripes(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.faults.add(faults.LOCK_TIMEOUT)
    emulator.faults.add(faults.limited("global-rate", **{"Retry-After": "0"}))

    locked, limited = stripe.get(CHARGES), stripe.get(CHARGES)

    assert locked.json()["error"]["code"] == "lock_timeout"
    assert "Stripe-Rate-Limited-Reason" not in locked.headers
    assert locked.json()["error"]["request_log_url"].count(locked.headers["Request-Id"]) == 1
    assert limited.json()["error"]["code"] == "rate_limit"
    assert (limited.headers["Stripe-Rate-Limited-Reason"], limited.headers["Retry-After"]) == ("global-rate", "0")


@pytest.mark.parametrize(
    "fault",
    [
        faults.RESET,
        faults.RESET_IN_BODY,
        faults.CLOSED,
        faults.CLOSED_IN_BODY,
        faults.CLOSED_IN_CHUNKS,
        faults.NOT_HTTP,
        faults.STALLED_HEAD,
        faults.STALLED_BODY,
        faults.UNREACHABLE,
    ],
    ids=lambda fault: fault.name,
)
def test_broken_answers_break(emulator: StripeEmulator, stripe: Client, fault: faults.Fault) -> None:
    met, stalled = threading.Event(), "stalled" in fault.name
    emulator.faults.add(replace(fault, happens=met.set))

    with pytest.raises(requests.RequestException) as broken:
        stripe.session.get(emulator.url + CHARGES, timeout=0.1 if stalled else 10)

    assert ("timed out" in str(broken.value)) is stalled
    # A client that has no patience may be gone before its request is looked at.
    assert met.wait(timeout=10)
    assert emulator.faults.met == {fault.name: 1}


def test_who_is_refused_is_served_later(emulator: StripeEmulator, stripe: Client) -> None:
    reachable = threading.Event()
    emulator.faults.add(faults.unreachable(reachable.wait))
    failures = [_failure(stripe) for _ in range(3)]
    reachable.set()

    assert ["refused" in failure for failure in failures] == [False, True, True]
    # Until it listens again there may be more.
    while _failure(stripe):
        pass
    assert emulator.faults.met == {"connection refused": 1}


def _failure(stripe: Client) -> str:
    try:
        stripe.get(CHARGES)
    except requests.ConnectionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("fault", [faults.dripping(0.0), faults.dripping_head(0.0)], ids=lambda fault: fault.name)
def test_dripped_answers_are_whole_in_the_end(
    emulator: StripeEmulator, stripe: Client, charges: list[str], fault: faults.Fault
) -> None:
    emulator.faults.add(fault)

    assert stripe.list(CHARGES) == charges


@pytest.mark.usefixtures("charges")
def test_bodies_are_not_what_their_status_says(emulator: StripeEmulator, stripe: Client) -> None:
    for fault in (faults.TRUNCATED, faults.EMPTY, faults.HTML, faults.GZIP_CUT, faults.CLOSED_IN_HEAD):
        emulator.faults.add(fault)
        answer = stripe.get(CHARGES)
        assert answer.status_code == 200
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


def test_gzip_without_its_trailer_holds_all_rows(emulator: StripeEmulator, stripe: Client, charges: list[str]) -> None:
    emulator.faults.add(faults.GZIP_WITHOUT_TRAILER)

    assert stripe.list(CHARGES) == charges


def test_lists_lie(emulator: StripeEmulator, stripe: Client, charges: list[str]) -> None:
    second = f"{CHARGES}?limit=2&starting_after={charges[1]}"

    def answer(fault: faults.Fault) -> tuple[list[str | None], bool]:
        emulator.faults.add(fault)
        body = stripe.get(second).json()
        return [row.get("id") for row in body["data"]], body["has_more"]

    assert answer(faults.DUPLICATE_PAGE) == (charges[:2], True)
    assert answer(faults.REPEATED_CURSOR) == ([charges[2], charges[1]], True)
    assert answer(faults.MORE_WITHOUT_ROWS) == ([], True)
    assert answer(faults.ROW_WITHOUT_ID) == ([charges[2], None], True)
    assert answer(faults.NONE) == (charges[2:4], True)


def test_v2_pages_repeat(emulator: StripeEmulator, stripe: Client) -> None:
    for _ in range(5):
        emulator.create("v2.core.event_destination")
    headers = {"Stripe-Version": "2026-10-28.endive"}
    first = stripe.get("/v2/core/event_destinations?limit=2", **headers).json()
    emulator.faults.add(faults.REPEATED_CURSOR)

    second = stripe.get(first["next_page_url"], **headers).json()

    assert second["next_page_url"] == first["next_page_url"]


def test_clock_and_redirect(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.clock.set(1_800_000_000)
    emulator.faults.add(faults.clock_off(-600))
    emulator.faults.add(faults.redirected("https://elsewhere.test/v1/charges"))

    assert stripe.get(CHARGES).headers["Date"] == "Fri, 15 Jan 2027 07:50:00 GMT"
    moved = stripe.session.get(emulator.url + CHARGES, allow_redirects=False, timeout=10)
    assert (moved.status_code, moved.headers["Location"]) == (302, "https://elsewhere.test/v1/charges")


def test_things_happen_before_the_answer(emulator: StripeEmulator, stripe: Client, charges: list[str]) -> None:
    emulator.faults.add(faults.happening("deleted", lambda: emulator.delete(charges[0])), skip=1)

    assert stripe.list(CHARGES) == charges
    assert stripe.list(CHARGES) == charges[1:]
