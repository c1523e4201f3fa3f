"""check: what is asked for, what the answers add up to, and what the user reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteConnectionStatus, Status, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from requests_mock import Mocker

from source_stripe.api.account import AccountReader
from source_stripe.api.answers import Refusal
from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedPage, OneAnswer
from source_stripe.api.policies import TABLE
from source_stripe.api.requester import StripeRequester
from source_stripe.checking import Finding, Probe, Told, Verdict, ask, judge, probes
from source_stripe.routes import Routes
from source_stripe.source import SourceStripe
from unit_tests.conftest import API, KEY, MANIFEST, ROWS
from unit_tests.test_source import LOGGER, mock_account

GIVE = "Give it those at https://dashboard.stripe.com/apikeys"
SINGLE = {row.path: {"object": row.object[0]} for row in ROWS.values() if row.sync == "single"}


def nothing(request: Any, _: Any) -> dict[str, Any]:
    """The answer of an account with nothing in it: the object itself where there is only one, else an empty list."""
    if request.path in SINGLE:
        return SINGLE[request.path]
    is_v2 = request.path.startswith("/v2/")
    return {"data": [], **({"next_page_url": None} if is_v2 else {"object": "list", "has_more": False})}


def probed(requester: StripeRequester, *streams: str) -> list[Probe]:
    paging = MANIFEST.paging
    return probes([ROWS[name] for name in streams], Routes(ROWS, paging, requester, AccountReader(requester)))


def asked(probe: Probe) -> str:
    return "&".join([probe.listing.path, *(f"{name}={value}" for name, value in probe.asked)])


def test_a_list_is_asked_for_with_what_its_stream_expands_and_so_are_events(requester: StripeRequester) -> None:
    charges, events = probed(requester, "charges")

    assert asked(charges) == "/v1/charges&expand[]=data.balance_transaction"
    assert (charges.streams, charges.followers) == (("charges",), ())
    assert asked(events) == "/v1/events"
    assert (events.streams, events.followers) == ((), ("charges",))


def test_what_several_streams_ask_for_is_asked_for_once(requester: StripeRequester) -> None:
    made = {asked(probe): probe for probe in probed(requester, "transfers", "transfer_reversals", "top_ups", "events")}

    assert list(made) == [
        "/v1/transfers&expand[]=data.balance_transaction",
        "/v1/events",
        "/v1/transfers",
        "/v1/topups&expand[]=data.balance_transaction",
    ]
    assert made["/v1/events"].streams == ("events",)
    assert made["/v1/events"].followers == ("transfers", "transfer_reversals", "top_ups")


def test_children_are_probed_by_their_root_with_what_they_need_of_it(requester: StripeRequester) -> None:
    first, *_ = probed(requester, "checkout_sessions_line_items")

    assert first.listing.path == "/v1/checkout/sessions"
    assert ("expand[]", "data.line_items") in first.asked


def test_every_pass_and_both_parents_of_a_product_are_asked_for(requester: StripeRequester) -> None:
    prices = [asked(probe) for probe in probed(requester, "prices")]
    summaries = [probe.listing.path for probe in probed(requester, "billing_meter_event_summaries")]

    assert [prefix for prefix in ("active=true", "active=false") if any(prefix in each for each in prices)] == [
        "active=true",
        "active=false",
    ]
    assert {"/v1/billing/meters", "/v1/customers"} <= set(summaries)


def test_no_probe_needs_the_id_of_a_parent(requester: StripeRequester) -> None:
    assert [probe.listing.path for probe in probed(requester, *ROWS) if "{" in probe.listing.path] == []


def test_a_probe_asks_for_one_row(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(re.compile(f"{API}/v"), json=nothing)

    for probe in probed(requester, "charges", "v2_core_accounts", "balance", "reporting_report_types"):
        probe.ask()

    queries = {request.path: request.qs for request in requests_mock.request_history}
    assert queries["/v1/charges"]["limit"] == queries["/v2/core/accounts"]["limit"] == ["1"]
    assert "limit" not in queries["/v1/balance"]
    assert "limit" not in queries["/v1/reporting/report_types"]


def failing(name: str, message: str = "", status: int = 400) -> StripeError:
    return StripeError(TABLE[name], "/v1/x", Refusal(status, message=message), "test restricted key")


@dataclass(frozen=True)
class Fake(Probe):
    """A probe that fails as it is told to."""

    failure: StreamFailure | None = None

    def ask(self) -> None:
        if self.failure is not None:
            raise self.failure


def fake(*streams: str, failure: StreamFailure | None = None, followers: Collection[str] = ()) -> Fake:
    listing: Any = Listing("/v1/events", None, OneAnswer())  # type: ignore[arg-type]
    return Fake(listing, (), streams, tuple(followers), failure)


ASKED = "from {} that Stripe was asked for a row of."


def verdict(*probes: Fake) -> Verdict:
    return judge(ask(probes, 1))


def whole(told: Iterable[Told]) -> tuple[str, ...]:
    return tuple(each.whole for each in told)


def test_all_is_well() -> None:
    found = verdict(fake("charges"), fake("refunds", "charges"), fake(followers=["charges"]))

    assert found == Verdict(readable=2, streams=2, lists=2)
    assert found.passed
    assert f"2 of 2 streams can be read, {ASKED.format('2 lists')}" in str(found)


def test_what_lacks_which_permission_is_said_once() -> None:
    lacking = failing("permission missing", "Having the 'rak_charge_read' permission would allow this.", 403)
    unnamed = failing("permission missing", "No.", 403)
    found = verdict(
        fake("charges", failure=lacking),
        fake("refunds", "disputes", failure=lacking),
        fake("top_ups", failure=unnamed),
        fake("payouts"),
    )

    told = "a permission that Stripe does not name for top_ups; rak_charge_read for charges, disputes, refunds"
    assert whole(found.warnings) == (
        f"The key lacks permissions for 4 streams: {told}. {GIVE}, or leave the streams out.",
    )
    assert (found.readable, found.streams, found.passed) == (1, 5, True)


def test_what_is_said_of_many_streams_fits_into_a_dialog_and_stands_in_the_log() -> None:
    def lacking(number: int) -> StripeError:
        return failing("permission missing", f"Having the 'rak_thing_{chr(97 + number)}_read' permission would.", 403)

    refused = [failing("access refused", f"We're sorry about {number}.", 403) for number in range(9)]
    found = verdict(
        *(fake(f"many_{number:02}", failure=refused[0]) for number in range(40)),
        *(fake(f"one_{number}", failure=failure) for number, failure in enumerate(refused[1:])),
        *(fake(*(f"lacks_{number}_{each}" for each in range(9)), failure=lacking(number)) for number in range(20)),
    )

    told = str(found)
    assert told.startswith("0 of 228 streams can be read. The key lacks permissions for 180 streams: rak_thing_a_read")
    many = "many_00, many_01, many_02 and 37 more: Stripe does not allow GET /v1/x: We're sorry about 0. (HTTP 403)."
    assert many in told
    assert told.endswith(" The log tells 7 more.")
    assert len(told) < 1_500
    logged = " ".join(line for _, line in found.lines())
    assert all(name in logged for name in ("many_39", "one_7", "lacks_19_8"))


def test_permissions_that_many_streams_lack_are_named_first() -> None:
    def lacking(number: int) -> StripeError:
        return failing("permission missing", f"Having the 'rak_thing_{chr(97 + number)}_read' permission would.", 403)

    found = verdict(
        *(fake(f"once_{number}", failure=lacking(number)) for number in range(8)),
        fake("b", "c", "d", "e", failure=lacking(9)),
    )

    assert found.warnings[0].short == (
        "The key lacks permissions for 12 streams: rak_thing_j_read for b, c, d and 1 more; rak_thing_a_read for "
        f"once_0; rak_thing_b_read for once_1; and 6 more, which the log names. {GIVE}, or leave the streams out."
    )


def test_one_list_of_several_is_enough_to_fail_a_stream() -> None:
    found = verdict(fake("mandates"), fake("mandates", failure=failing("request refused", "Odd.")))

    assert (found.readable, found.passed) == (0, False)
    assert found.warnings[0].whole.startswith("mandates: Stripe refused GET /v1/x: Odd. (HTTP 400). Sync again")


def test_events_that_can_not_be_read_fail_later_syncs_only() -> None:
    lacking = failing("permission missing", "Having the 'rak_event_read' permission would allow this.", 403)
    found = verdict(fake("charges"), fake("refunds"), fake(followers=["charges", "refunds"], failure=lacking))

    assert (found.readable, found.passed) == (2, True)
    told = "2 streams would fail in later incremental syncs, which ask /v1/events for changes."
    assert whole(found.warnings) == (
        f"{told} The key lacks rak_event_read: give it that at https://dashboard.stripe.com/apikeys.",
    )


def test_what_the_account_has_not_is_a_note_by_what_stripe_says() -> None:
    issuing = failing("product not enabled", "Your account is not set up to use Issuing.")
    terminal = failing("product not enabled", "Your account is not set up to use Terminal.")
    found = verdict(
        fake("cards", failure=issuing),
        fake("terminal_readers", failure=terminal),
        fake("cardholders", failure=issuing),
        fake(followers=["cards"], failure=issuing),
        fake("charges"),
    )

    assert whole(found.notes) == (
        "Empty for this account: cardholders, cards. Stripe says: Your account is not set up to use Issuing.",
        "Empty for this account: terminal_readers. Stripe says: Your account is not set up to use Terminal.",
    )
    assert (found.readable, found.streams, found.warnings, found.passed) == (1, 4, (), True)


def test_a_page_that_can_not_be_right_is_said_as_it_is() -> None:
    found = verdict(fake("charges", failure=MalformedPage("/v1/charges", "a row has no id")), fake("refunds"))

    assert found.warnings[0].whole.startswith(
        "charges: Stripe's answer to GET /v1/charges can't be right: a row has no id."
    )
    assert found.passed


@pytest.mark.parametrize(("name", "passed"), [("key expired", False), ("no answer", True), ("rate limit", True)])
def test_asking_on_in_vain_is_left_off(name: str, passed: bool) -> None:
    found = verdict(fake("charges"), fake("refunds", failure=failing(name)), fake("disputes"), fake("payouts"))

    assert (found.readable, found.streams, found.passed) == (1, 4, passed)
    assert found.warnings[0].whole.startswith("refunds: ")
    assert found.warnings[1].whole == "No request was made for 2 streams after that."


def test_a_finding_that_nobody_asked_for_has_no_outcome() -> None:
    assert Finding(fake("charges"), asked=False).outcome is None


def check(streams: Collection[str] = (), **config: Any) -> AirbyteConnectionStatus:
    catalog = CatalogBuilder()
    for name in streams:
        catalog = catalog.with_stream(name, SyncMode.full_refresh)
    full = {"client_secret": KEY, "call_rate_limit": 10_000, **config}
    return SourceStripe(catalog.build() if streams else None, full, None).check(LOGGER, full)


@pytest.fixture
def lists(requests_mock: Mocker) -> Mocker:
    """An account with nothing in it: every list is empty."""
    requests_mock.get(re.compile(f"{API}/v"), json=nothing)
    mock_account(requests_mock, business_profile={"name": "Rocket Rides"})
    return requests_mock


def test_check_says_whose_the_key_is_and_what_can_be_read(lists: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    default = [row for row in ROWS.values() if not row.opt_in and not row.deprecated]

    with caplog.at_level(logging.INFO):
        status = check()

    assert status.status is Status.SUCCEEDED
    opened = "The test secret key opens the account acct_1 (Rocket Rides)."
    # The account is asked for first, and as the stream that it is, too.
    made = len(lists.request_history) - 1
    readable = (
        f"{len(default)} of {len(default)} streams can be read, from {made} lists that Stripe was asked for a row of."
    )
    assert status.message == f"{opened} {readable}"
    assert [record.message for record in caplog.records if record.levelno >= logging.INFO][-2:] == [opened, readable]
    requests = [request.url for request in lists.request_history]
    assert len(set(requests)) == len(requests) - 1 < 120


def test_check_asks_for_the_selected_streams_only(lists: Mocker) -> None:
    assert f"2 of 2 streams can be read, {ASKED.format('2 lists')}" in str(check(["charges", "refunds"]).message)
    assert {request.path for request in lists.request_history} == {
        "/v1/account", "/v1/charges", "/v1/refunds", "/v1/events"
    }  # fmt: skip


def test_what_is_left_empty_is_as_if_it_was_left_out(lists: Mocker) -> None:
    status = check(["charges"], api_url="", num_workers=None, account_id=None)

    assert status.status is Status.SUCCEEDED
    assert "Stripe-Account" not in lists.request_history[-1].headers


@pytest.mark.usefixtures("lists")
def test_check_says_what_is_not_taken_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check(["charges"], slice_range=30, num_workers=100)

    assert "slice_range is not used" in caplog.text
    assert "num_workers is taken as 64" in caplog.text


def test_check_fails_with_stripes_message(lists: Mocker) -> None:
    lists.get(f"{API}/v1/account", status_code=401, json={"error": {"message": "Expired API Key provided."}})

    status = check()

    assert status.status is Status.FAILED
    assert "Stripe does not accept the test secret key: Expired API Key provided." in str(status.message)
    assert len(lists.request_history) == 1


def test_check_fails_if_no_stream_can_be_read(lists: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    refusal = {"error": {"message": "Having the 'rak_charge_read' permission would allow this."}}
    lists.get(f"{API}/v1/charges", status_code=403, json=refusal)

    status = check(["charges"])

    assert status.status is Status.FAILED
    assert "0 of 1 streams can be read. The key lacks permissions for 1 stream: rak_charge_read for charges." in str(
        status.message
    )
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"The key lacks permissions for 1 stream: rak_charge_read for charges. {GIVE}, or leave the streams out."
    ]


def test_check_goes_on_where_the_key_may_not_read_its_account(lists: Mocker) -> None:
    lists.get(f"{API}/v1/account", status_code=403, json={"error": {"message": "Having the 'rak_account_read'..."}})

    status = check(["charges"])

    assert status.status is Status.SUCCEEDED
    assert str(status.message).startswith(
        "The test secret key may not read the account that it belongs to. 1 of 1 streams"
    )


def test_check_refuses_a_bad_config_before_any_request(requests_mock: Mocker) -> None:
    status = check(client_secret="pk_test_emulator_1")

    assert status.status is Status.FAILED
    assert "publishable key" in str(status.message)
    assert not requests_mock.called


def test_check_gives_up_soon(lists: Mocker, monkeypatch: pytest.MonkeyPatch) -> None:
    lists.get(f"{API}/v1/account", status_code=503)
    monkeypatch.setattr("source_stripe.source._CHECK_PATIENCE", 0.4)

    status = check()

    assert status.status is Status.FAILED
    assert "Stripe could not answer GET /v1/account for too long" in str(status.message)
    assert len(lists.request_history) <= 2
    assert {str(request.timeout) for request in lists.request_history} == {"(0.4, 0.4)"}


def test_a_key_that_is_refused_meanwhile_ends_check(lists: Mocker) -> None:
    lists.get(re.compile(f"{API}/v"), status_code=401, json={"error": {"code": "api_key_expired", "message": "Old."}})
    mock_account(lists)

    status = check(["charges", "refunds", "disputes"], num_workers=1)

    assert status.status is Status.FAILED
    assert "The test secret key has expired: Old." in str(status.message)
    assert len(lists.request_history) == 2
