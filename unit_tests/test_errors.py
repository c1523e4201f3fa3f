"""The error table: which replies each row has, and what the user reads. A row without an example here is a failure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker
from urllib3.exceptions import LocationParseError

import source_stripe.entrypoint
from source_stripe.api import errors
from source_stripe.api.account import AccountReader
from source_stripe.api.answers import Refusal, causes, decode, stripe_time
from source_stripe.api.errors import Outcome, Policy, StripeError, ends
from source_stripe.api.judging import policy_of, policy_of_silence
from source_stripe.api.pages import MalformedPage
from source_stripe.api.policies import TABLE
from source_stripe.api.replies import IdWithoutAddress
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import parse_config
from unit_tests.conftest import API, ASKING, KEY

MakeRequester = Callable[..., StripeRequester]


def error(message: str = "", **fields: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "message": message, **fields}}


Reply = tuple[int, dict[str, str], Any] | Exception
ACCOUNT = {"Stripe-Account": "acct_9"}
"""Among an answer's headers where a connected account was asked for: so this table can say it."""
GONE = error("No such charge: 'ch_1'", code="resource_missing", param="charge")
EXAMPLES: dict[str, list[Reply]] = {
    "rate limit": [
        (429, {}, error()),
        (429, {"Stripe-Should-Retry": "false"}, error()),
        (429, {"Stripe-Should-Retry": "true"}, error(code="lock_timeout")),
        (429, {}, None),
    ],
    "retry asked for": [(400, {"Stripe-Should-Retry": "true"}, error()), (503, {"Stripe-Should-Retry": "true"}, None)],
    "no retry wanted": [
        (409, {"Stripe-Should-Retry": "false"}, error()),
        (503, {"Stripe-Should-Retry": "false"}, error()),
    ],
    "trouble at Stripe": [(408, {}, error()), (409, {}, error()), (500, {}, None), (503, {}, error()), (520, {}, None)],
    "broken answer": [(200, {}, None), (204, {}, None), (404, {"Request-Id": "req_1"}, None)],
    "error in place of an answer": [
        (200, {}, {"error": {"type": "api_error", "message": "Odd."}}),
        (200, {}, {"error": "odd", "error_description": "Quite."}),
    ],
    "redirect": [(301, {}, None), (302, {"Location": "https://elsewhere.test"}, None), (308, {}, error())],
    "not Stripe": [(403, {}, None), (404, {}, None), (407, {}, None), (401, {}, None)],
    "IP address not allowed": [
        (401, {}, error("The API key provided does not allow requests from your IP address.")),
        (403, {}, error("The API key provided does not allow requests from your IP address (192.0.2.7).")),
    ],
    "Connect permissions missing": [
        (
            403,
            {},
            error(
                "You passed a restricted API key ..., but the restricted API key does not have any Connect permissions."
            ),
        ),
    ],
    "key of no platform": [
        (403, ACCOUNT, error("Only Stripe Connect platforms can work with other accounts. If you ...")),
        (403, ACCOUNT, error("Odd.", code="platform_account_required")),
    ],
    "account closed": [
        (403, {}, error("The account acct_1 has been deleted, so we can't complete this action.")),
        (400, {}, error("The account 'acct_1' was closed.")),
        (401, {}, error("Your Stripe account has been closed.")),
    ],
    "key expired": [(401, {}, error("Expired API Key provided: sk_test_*1", code="api_key_expired"))],
    "key refused": [(401, {}, error("Invalid API Key provided: sk_test_*1")), (401, {}, {})],
    "account refused": [(403, {}, error("The key does not have access to account 'acct_1'", code="account_invalid"))],
    "permission missing": [
        (403, {}, error("Having the 'rak_charge_read' permission would allow this request to continue.")),
        (403, {}, error("You do not have the required permissions.")),
        (403, {}, error("Enabling \"Prices Read\" ('plan_read') permissions on this key would allow this request.")),
        (403, {}, error("Odd.", code="more_permissions_required_for_application")),
    ],
    "not for restricted keys": [
        (
            403,
            {},
            error(
                "This is a restricted API key, but the required permissions are not available for use by "
                "restricted keys."
            ),
        ),
        (403, {}, error("Odd.", code="secret_key_required")),
    ],
    "nothing at this address": [
        (404, {}, error("Unrecognized request URL (GET: /v1/v1/charges). Please see ...")),
        (404, {}, error("Unrecognized request URL (GET: /api/v1/charges). Please see ...")),
        (404, {}, error("Unrecognized request URL (GET: /). Please see ...")),
    ],
    "access refused": [(403, {}, error("We're sorry, but we're unable to serve your request.")), (403, {}, {})],
    "product not enabled": [
        (400, {}, error("Your account is not set up to use Issuing. Please visit ... to get started.")),
        (400, {}, error("Your account is not set up to use Identity.")),
        (404, {}, error("Unrecognized request URL (GET: /v1/treasury/financial_accounts). Please see ...")),
        (404, {}, error("Unrecognized request URL (GET: /v1/exchange_rates). Please see ...")),
        (404, {}, error("Unrecognized request URL (GET: /v2/core/accounts). Please see ...")),
        (403, {}, error("Only Stripe Connect platforms can work with other accounts. If you ...")),
        (400, {}, error("... (Hint: Have you onboarded to Treasury?)")),
        (400, {}, error("This endpoint is only available in testmode. Try using your test keys instead.")),
        (400, {}, error("Accounts v2 is not enabled for your platform.")),
        (400, {}, error("This isn't available in test mode.")),
        (400, {}, error("API surface is not enabled.")),
        (400, {}, error("Your account is not authorized to send Forwarding requests in livemode.")),
    ],
    "place in the list gone": [
        (400, {}, error("No such charge", code="resource_missing", param="starting_after")),
        (404, {}, error("No such charge", code="resource_missing", param="ending_before")),
    ],
    "object gone": [
        (404, {}, GONE),
        (400, {}, error("No such list", code="resource_missing", param="value_list")),
        (404, {}, error("No such mandate: 'mandate_1'")),
        (404, {}, error("Invalid subscription_item id: si_1")),
    ],
    "request refused": [
        (400, {}, error("Received unknown parameter: foo", code="parameter_unknown", param="foo")),
        (400, {}, error("Invalid Stripe API version: 2030-01-01.later")),
        (400, {}, error("Invalid subscription_item id: si_1")),
        (402, {}, {}),
        (600, {}, {}),
    ],
    "certificate not trusted": [requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "no"))],
    "no CA certificates": [
        OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /nowhere"),
        requests.exceptions.SSLError(ssl.SSLError(1, "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate")),
    ],
    "proxy refuses": [requests.exceptions.ProxyError(OSError("Tunnel connection failed: 407 Proxy Authentication"))],
    "proxy down": [
        requests.exceptions.ProxyError(OSError("Tunnel connection failed: 503 Service Unavailable")),
        requests.exceptions.ProxyError(ConnectionRefusedError()),
    ],
    "id without address": [IdWithoutAddress("..")],
    "unusable address": [
        requests.exceptions.InvalidProxyURL("no host"),
        requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
        LocationParseError("https://a..b"),
    ],
    "name not found": [requests.exceptions.ConnectionError(socket.gaierror(-2, "Name or service not known"))],
    "TLS failed": [requests.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))],
    "no answer": [
        requests.exceptions.ConnectionError(ConnectionResetError()),
        requests.exceptions.ReadTimeout(),
        requests.exceptions.ConnectTimeout(),
        requests.exceptions.ChunkedEncodingError(),
        OSError("of any kind"),
    ],
}
TYPES = {
    "config": FailureType.config_error,
    "transient": FailureType.transient_error,
    "system": FailureType.system_error,
}
SAID = Refusal(418, "req_7", type="invalid_request_error", code="odd", param="foo", message="So says Stripe")
FACTS = "So says Stripe (HTTP 418, invalid_request_error, odd, param foo, req_7)"


def judged(reply: Reply) -> Policy | None:
    if isinstance(reply, Exception):
        return policy_of_silence(reply)
    status, headers, body = reply
    return policy_of(status, headers, body, ASKING.judged, for_account=headers is ACCOUNT)


def test_every_row_has_an_example() -> None:
    assert set(EXAMPLES) == set(TABLE)


@pytest.mark.parametrize(
    ("name", "reply"), [(name, reply) for name in TABLE for reply in EXAMPLES.get(name, ())], ids=str
)
def test_a_reply_is_judged_by_its_row(name: str, reply: Reply) -> None:
    assert judged(reply) is TABLE[name]


@pytest.mark.parametrize(
    "body", [{}, {"data": []}, {"object": "x", "error": {"message": "no error, whatever it says"}}, {"error": None}]
)
def test_an_answer_with_a_json_object_is_used(body: dict[str, Any]) -> None:
    assert policy_of(200, {}, body, ASKING.judged) is None
    assert policy_of(200, {"Stripe-Should-Retry": "true"}, body, ASKING.judged) is None


@pytest.mark.parametrize("policy", TABLE.values(), ids=TABLE.keys())
def test_the_user_reads_what_failed_what_stripe_said_and_what_to_do(policy: Policy) -> None:
    failure = StripeError(policy, "/v1/x", SAID, "live restricted key")
    failure.concerns("things")

    told = str(failure)
    assert told == failure.message
    assert told.startswith("The stream things can't be read. ")
    assert FACTS in told
    before, _, todo = told.partition(FACTS)
    assert "/v1/x" in before or "live restricted key" in before
    assert todo.startswith(". ")
    assert todo.endswith(".")
    assert not {"{", "}"} & set(told)
    assert failure.internal_message == f"GET /v1/x: {FACTS}"


@pytest.mark.parametrize("policy", TABLE.values(), ids=TABLE.keys())
def test_what_passes_is_a_transient_failure_and_what_is_asked_again_passes(policy: Policy) -> None:
    assert policy.failure in TYPES.values()
    if policy.outcome is Outcome.RETRY:
        assert policy.failure is TYPES["transient"]
    if policy.outcome in (Outcome.KEY_REFUSED, Outcome.PERMISSION_MISSING):
        assert policy.failure is TYPES["config"]


def test_the_permissions_that_stripe_names_are_asked_for() -> None:
    said = Refusal(403, message="Having the 'rak_charge_read' or 'rak_dispute_read' permissions would allow this.")
    failure = StripeError(TABLE["permission missing"], "/v1/x", said, "test restricted key")

    assert failure.permissions == ("rak_charge_read", "rak_dispute_read")
    assert "The test restricted key may not read /v1/x" in str(failure)
    assert "Give the key the permissions rak_charge_read and rak_dispute_read at https://" in str(failure)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        ("sk_test_", "test secret key"),
        ("sk_live_", "live secret key"),
        ("rk_test_", "test restricted key"),
        ("rk_live_", "live restricted key"),
    ],
)
def test_a_refused_key_is_called_what_it_is(
    make_requester: MakeRequester, requests_mock: Mocker, start: str, kind: str
) -> None:
    requests_mock.get(f"{API}/v1/x", status_code=401, json=error("Invalid API Key provided"))

    with pytest.raises(StripeError, match=f"does not accept the {kind}: Invalid API Key provided"):
        make_requester(client_secret=f"{start}emulator").get("/v1/x")

    assert parse_config({"client_secret": f"{start}emulator"}).key_kind == kind


def test_the_innermost_stream_is_the_one_that_a_failure_ends() -> None:
    with pytest.raises(MalformedPage) as failed, ends("invoices"), ends("invoice_line_items"):
        raise MalformedPage("/v1/invoices", "it is no list")

    assert str(failed.value).startswith("The stream invoice_line_items can't be read. Stripe's answer to")
    assert "stream invoices" not in str(failed.value)


def test_nothing_more_is_asked_with_a_key_that_was_refused(
    make_requester: MakeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/x", status_code=401, json=error("Invalid API Key provided"))
    other = requests_mock.get(f"{API}/v1/y", json={})
    requester = make_requester()

    for path in ("/v1/x", "/v1/x", "/v1/y"):
        with pytest.raises(StripeError, match="does not accept the test secret key"):
            requester.get(path)

    assert len(requests_mock.request_history) == 1
    assert not other.called


def test_an_account_out_of_reach_is_no_reason_to_ask_for_nothing_more(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/accounts/a/persons", status_code=403, json=error("No access", code="account_invalid"))
    requests_mock.get(f"{API}/v1/y", json={})

    with pytest.raises(StripeError, match="has no access to the account"):
        requester.get("/v1/accounts/{account}/persons", account="a")

    assert requester.get("/v1/y").body == {}


def test_an_account_that_can_not_be_read_is_asked_for_once(
    make_requester: MakeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/account", status_code=401, json=error("Invalid API Key provided"))
    account = AccountReader(make_requester())

    for stream in ("charges", "refunds"):
        with (
            pytest.raises(StripeError, match=f"^The stream {stream} can't be read. Stripe does not accept"),
            ends(stream),
        ):
            account.read()

    assert len(requests_mock.request_history) == 1


def test_stripe_s_silence_costs_the_patience_of_one_stream(
    make_requester: MakeRequester, requests_mock: Mocker, time: Any
) -> None:
    requests_mock.get(f"{API}/v1/account", exc=requests.ConnectTimeout)
    account = AccountReader(make_requester())

    for _ in range(40):
        with pytest.raises(StripeError, match="No answer came to GET /v1/account"):
            account.read()

    assert time.now <= 900


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"data": [', b"[]", b"null", b"\xff"])
def test_what_is_no_json_object_is_none(content: bytes) -> None:
    assert decode(content) is None


def test_stripes_clock_is_its_date_header() -> None:
    assert stripe_time({"Date": "Sat, 22 Nov 2025 08:26:40 GMT"}) == 1763800000


def test_a_refusal_tells_all_that_stripe_said() -> None:
    refusal = Refusal.of(
        400, {"Request-Id": "req_7"}, error("Unknown parameter.", code="parameter_unknown", param="foo")
    )

    assert str(refusal) == "Unknown parameter. (HTTP 400, invalid_request_error, parameter_unknown, param foo, req_7)"


@pytest.mark.parametrize("body", [None, {}, {"error": "no"}, {"error": {"message": None}}, []])
def test_a_body_that_is_no_error_object_is_no_problem(body: Any) -> None:
    assert "HTTP 500" in str(Refusal.of(500, {}, body))


def test_keys_in_stripes_own_words_are_cut() -> None:
    refusal = Refusal.of(403, {}, error("The provided key 'rk_test_51Habc***def' does not have the permissions."))

    assert refusal.message == "The provided key 'rk_test_...' does not have the permissions."


def test_of_an_exception_only_the_innermost_kind_is_told() -> None:
    reset = requests.exceptions.ConnectionError(f"with {KEY}", ConnectionResetError(f"Bearer {KEY}"))

    assert str(Refusal.silence(reset)) == "no answer: ConnectionResetError"
    assert [type(cause).__name__ for cause in causes(reset)] == ["ConnectionError", "ConnectionResetError"]


def ours_below(kind: type[Exception]) -> set[str]:
    below = kind.__subclasses__()
    own = {each.__name__ for each in below if each.__module__.startswith(source_stripe.entrypoint.__package__)}
    return own.union(*map(ours_below, below))


def test_the_tree_of_failures_names_all_of_them() -> None:
    assert {*re.findall(r"^ +(\w+)  +\w", errors.__doc__ or "", re.MULTILINE)} == ours_below(AirbyteTracedException)
