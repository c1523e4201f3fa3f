"""The emulator refuses what Stripe refuses, and pages as Stripe pages."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_emulator import StripeEmulator
from stripe_emulator.answers import answer
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.fixtures import Client
from stripe_emulator.routes import find

NOW = 1793534400


# ---- who asks


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "You did not provide an API key."),
        ("Bearer ", "You did not provide an API key."),
        ("Digest abc", "You did not provide an API key."),
        ("Bearer sk_test_0123456789abcdef", "Invalid API Key provided: sk_test_************cdef"),
        ("Bearer nonsense", "Invalid API Key provided: ****ense"),
        ("Bearer pk_test_1", "This API call cannot be made with a publishable API key."),
    ],
)
def test_a_wrong_key_is_refused(emulator: StripeEmulator, authorization: str | None, message: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = requests.get(f"{emulator.url}/v1/charges", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].startswith(message)
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stripe"'


def test_an_expired_key_is_refused(emulator: StripeEmulator, stripe: Client) -> None:
    status, code, message, _ = stripe.refusal("/v1/account", Authorization=f"Bearer {emulator.expired_key()}")
    assert (status, code) == (401, "api_key_expired")
    assert message.startswith("Expired API Key provided: sk_test_***")


def test_basic_auth_is_as_good(emulator: StripeEmulator) -> None:
    answer = requests.get(f"{emulator.url}/v1/account", auth=(emulator.key, ""), timeout=10)
    assert answer.status_code == 200
    assert answer.json()["id"] == emulator.account["id"]


def test_a_restricted_key_reads_what_it_may(emulator: StripeEmulator, stripe: Client) -> None:
    key = {"Authorization": f"Bearer {emulator.restricted_key('charge')}"}
    assert stripe.get("/v1/charges", **key).status_code == 200
    status, _, message, _ = stripe.refusal("/v1/checkout/sessions", **key)
    assert status == 403
    assert message.startswith("The provided key 'rk_test_***")
    assert "Having the 'rak_checkout_session_read' permission" in message
    assert emulator.account["id"] in message


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("charges?expand[]=data.balance_transaction", "rak_balance_transaction_read"),
        ("charges?expand[]=data.customer&expand[]=data.payment_intent.latest_charge", "rak_payment_intent_read"),
        ("customers?expand[]=data.sources&expand[]=data.subscriptions.data.latest_invoice", "rak_invoice_read"),
    ],
)
def test_a_restricted_key_must_be_allowed_what_it_expands(
    emulator: StripeEmulator, stripe: Client, query: str, missing: str
) -> None:
    granted = missing.removeprefix("rak_").removesuffix("_read")
    lacking = {"Authorization": f"Bearer {emulator.restricted_key('charge', 'customer')}"}
    enough = {"Authorization": f"Bearer {emulator.restricted_key('charge', 'customer', granted)}"}

    status, _, message, _ = stripe.refusal(f"/v1/{query}", **lacking)

    assert (status, missing in message) == (403, True)
    assert stripe.get(f"/v1/{query}", **enough).status_code == 200
    assert stripe.get(f"/v1/{query}").status_code == 200


def test_accounts_that_are_not_connected_are_refused(emulator: StripeEmulator, stripe: Client) -> None:
    status, code, message, _ = stripe.refusal("/v1/charges", **{"Stripe-Account": "acct_nope"})
    assert (status, code) == (403, "account_invalid")
    assert "'acct_nope'" in message
    assert stripe.get("/v1/charges", **{"Stripe-Account": emulator.account["id"]}).status_code == 200


def test_a_connected_account_has_objects_of_its_own(emulator: StripeEmulator, stripe: Client) -> None:
    connected = emulator.connect(id="acct_connected")
    mine, theirs = emulator.create("charge")["id"], connected.create("charge")["id"]
    assert stripe.list("/v1/accounts") == ["acct_connected"]
    assert stripe.list("/v1/charges") == [mine]
    header = {"Stripe-Account": "acct_connected"}
    assert [row["id"] for row in stripe.get("/v1/charges", **header).json()["data"]] == [theirs]
    assert stripe.get("/v1/account", **header).json()["id"] == "acct_connected"


def test_products_that_are_not_enabled_answer_400(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.disable("issuing", "treasury")
    status, code, message, _ = stripe.refusal("/v1/issuing/cards")
    assert (status, code) == (400, None)
    assert message.startswith("Your account is not set up to use Issuing.")
    assert "(GET: /v1/treasury/financial_accounts)" in stripe.refusal("/v1/treasury/financial_accounts")[2]
    assert stripe.get("/v1/charges").status_code == 200


# ---- what is asked


@pytest.mark.parametrize("path", ["/v1/foo", "/v1/charges/ch_1/foo", "/", "/v3/charges", "/v1/charges//"])
def test_unknown_urls(stripe: Client, path: str) -> None:
    status, _, message, _ = stripe.refusal(path)
    assert status == 404
    assert message.startswith(f"Unrecognized request URL (GET: {path}).")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_the_emulator_is_read_only(stripe: Client, method: str) -> None:
    answer = stripe.session.request(method, f"{stripe.url}/v1/charges", timeout=10)
    assert answer.status_code == 404
    assert f"({method}: /v1/charges)" in answer.json()["error"]["message"]


def test_versions(stripe: Client) -> None:
    assert stripe.get("/v1/charges").headers["Stripe-Version"] == PINNED_VERSION
    older = stripe.get("/v1/charges", **{"Stripe-Version": "2025-02-24.acacia"})
    assert (older.status_code, older.headers["Stripe-Version"]) == (200, "2025-02-24.acacia")
    assert stripe.refusal("/v1/charges", **{"Stripe-Version": "2019-01-01"})[::2] == (
        400,
        "Invalid Stripe API version: 2019-01-01",
    )
    assert stripe.refusal("/v2/core/events")[0] == 400


@pytest.mark.parametrize(
    ("query", "code", "message", "param"),
    [
        ("foo=1", "parameter_unknown", "Received unknown parameter: foo", "foo"),
        ("foo=1&bar[x]=2", "parameter_unknown", "Received unknown parameters: foo, bar", "foo"),
        ("created[after]=1", "parameter_unknown", "Received unknown parameter: created[after]", "created[after]"),
        ("created[gte]=soon", "parameter_invalid_integer", "Invalid integer: soon", "created[gte]"),
        ("created[gte]=None", "parameter_invalid_integer", "Invalid integer: None", "created[gte]"),
        ("created=1.5", "parameter_invalid_integer", "Invalid integer: 1.5", "created"),
        ("limit=0", "parameter_invalid_integer", "This value must be greater than or equal to 1.", "limit"),
        ("limit=101", "parameter_invalid_integer", "This value must be less than or equal to 100.", "limit"),
        ("limit=ten", "parameter_invalid_integer", "Invalid integer: ten", "limit"),
        ("starting_after=ch_nope", "resource_missing", "No such charge: 'ch_nope'", "starting_after"),
        ("ending_before=ch_nope", "resource_missing", "No such charge: 'ch_nope'", "ending_before"),
        ("customer=cus_nope", "resource_missing", "No such customer: 'cus_nope'", "customer"),
        ("customer=", "parameter_invalid_empty", "You passed an empty string for 'customer'.", "customer"),
        ("expand=data.customer", None, "Invalid array", "expand"),
        ("expand[]=customer", None, "This property cannot be expanded (customer).", "expand"),
        ("expand[]=data.amount", None, "This property cannot be expanded (data.amount).", "expand"),
        ("expand[]=data.customer.x", None, "This property cannot be expanded (data.customer.x).", "expand"),
        (
            "expand[]=data.payment_intent.latest_charge.customer.default_source",
            None,
            "You cannot expand more than 4 levels of a property: data.payment_intent.",
            "expand",
        ),
    ],
)
def test_bad_queries_of_a_list(stripe: Client, query: str, code: str | None, message: str, param: str) -> None:
    status, found_code, found_message, found_param = stripe.refusal(f"/v1/charges?{query}")
    assert (status, found_code, found_param) == (400, code, param)
    assert found_message.startswith(message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/subscription_items", "Missing required param: subscription."),
        ("/v1/apps/secrets", "Missing required param: scope."),
        ("/v1/apps/secrets?scope[user]=u", "Missing required param: scope[type]."),
        ("/v1/billing/credit_balance_transactions", "Missing required param: customer."),
        ("/v1/invoices?status=half", "Invalid status: must be one of draft, open, paid, uncollectible or void"),
        ("/v1/prices?active=yes", "Invalid boolean: yes"),
        ("/v1/payment_methods?created[gte]=1", "Received unknown parameter: created"),
        ("/v1/reporting/report_types?limit=3", "Received unknown parameter: limit"),
        ("/v1/charges/search?query=x", "/v1/charges/search is not available to this account."),
        ("/v1/events?type=charge.failed&types[]=charge.failed", "You may only specify one of these parameters"),
        ("/v1/events?" + "&".join(["types[]=charge.failed"] * 21), "Array has too many elements"),
    ],
)
def test_bad_queries_elsewhere(stripe: Client, path: str, message: str) -> None:
    status, _, found, _ = stripe.refusal(path)
    assert status == 400
    assert found.startswith(message)


def test_both_cursors_are_refused(emulator: StripeEmulator, stripe: Client) -> None:
    charge = emulator.create("charge")["id"]
    status, _, message, _ = stripe.refusal(f"/v1/charges?starting_after={charge}&ending_before={charge}")
    assert (status, message) == (400, "You may only specify one of these parameters: starting_after, ending_before.")


def test_a_cursor_of_another_kind_is_refused(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    assert stripe.refusal(f"/v1/charges?starting_after={customer}")[1] == "resource_missing"


def test_answers_bear_stripes_clock_and_an_id(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.clock.advance(3600)
    first, second = stripe.get("/v1/charges"), stripe.get("/v1/charges")
    assert first.headers["Date"] == "Sun, 01 Nov 2026 13:00:00 GMT"
    assert first.headers["Request-Id"].startswith("req_")
    assert first.headers["Request-Id"] != second.headers["Request-Id"]


def test_requests_are_written_down(emulator: StripeEmulator, stripe: Client) -> None:
    stripe.get("/v1/charges?created[gte]=5&expand[]=data.customer&expand[]=data.review")
    stripe.get("/v1/charges/ch_nope")
    listed, got = emulator.requests
    assert (listed.method, listed.path, listed.status) == ("GET", "/v1/charges", 200)
    assert listed.params == {"created[gte]": ["5"], "expand[]": ["data.customer", "data.review"]}
    assert (got.pattern, got.status) == ("/v1/charges/{charge}", 404)


# ---- pages


def test_lists_are_newest_first_and_ties_by_the_order_of_writing(emulator: StripeEmulator, stripe: Client) -> None:
    ids = [emulator.create("charge", created=created)["id"] for created in (NOW - 5, NOW - 9, NOW - 5, NOW - 1)]
    assert stripe.list("/v1/charges") == [ids[3], ids[2], ids[0], ids[1]]


def test_a_page_holds_ten_rows_unless_told(emulator: StripeEmulator, stripe: Client) -> None:
    for _ in range(11):
        emulator.create("charge")
    page = stripe.get("/v1/charges").json()
    assert (page["object"], page["url"], len(page["data"]), page["has_more"]) == ("list", "/v1/charges", 10, True)
    last = stripe.get(f"/v1/charges?starting_after={page['data'][-1]['id']}").json()
    assert (len(last["data"]), last["has_more"]) == (1, False)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("created=103", [3]),
        ("created[gt]=103", [5, 4]),
        ("created[gte]=103&created[lt]=105", [4, 3]),
        ("created[lte]=101", [1, 0]),
        ("created[gt]=101&created[lte]=102", [2]),
        ("created[gt]=105", []),
    ],
)
def test_created_ranges(emulator: StripeEmulator, stripe: Client, query: str, expected: list[int]) -> None:
    ids = [emulator.create("charge", created=100 + second)["id"] for second in range(6)]
    assert stripe.list(f"/v1/charges?{query}") == [ids[index] for index in expected]


class Ledger:
    """An account with charges of given times, asked without HTTP."""

    def __init__(self, times: list[int]) -> None:
        self.emulator = StripeEmulator()
        for created in times:
            self.emulator.create("charge", created=created, event=False)
        self.ids = [charge["id"] for charge in self.emulator.objects("charge")]

    def page(self, query: str) -> Json:
        match = find("/v1/charges")
        assert match is not None
        page: Json = orjson.loads(answer(self.emulator, match, "/v1/charges", query))
        return page

    def walk(self, query: str, cursor: str, edge: int) -> Iterator[list[str]]:
        """Pages until `has_more` is false, by the first or last row's id."""
        place = ""
        while True:
            page: Any = self.page(f"{query}{place}")
            ids = [row["id"] for row in page["data"]]
            yield ids
            if not page["has_more"]:
                return
            place = f"&{cursor}={ids[edge]}"


TIMES = st.lists(st.integers(1000, 1012), min_size=1, max_size=30)


@settings(deadline=None)
@given(times=TIMES, limit=st.integers(1, 12))
def test_any_walk_forward_gives_every_object_once_in_order(times: list[int], limit: int) -> None:
    ledger = Ledger(times)
    pages = list(ledger.walk(f"limit={limit}", "starting_after", -1))
    assert [row for page in pages for row in page] == ledger.ids
    assert len(pages) == -(-len(times) // limit)


@settings(deadline=None)
@given(times=TIMES, limit=st.integers(1, 12))
def test_any_walk_backward_from_the_oldest_gives_the_others_in_order(times: list[int], limit: int) -> None:
    ledger = Ledger(times)
    first = ledger.ids[-1]
    pages = []
    place, more = first, True
    while more:
        page = ledger.page(f"limit={limit}&ending_before={place}")
        pages.append([row["id"] for row in page["data"]])
        more = page["has_more"]
        place = pages[-1][0] if pages[-1] else place
    assert [row for page in reversed(pages) for row in page] == ledger.ids[:-1]


@settings(deadline=None)
@given(times=TIMES, limit=st.integers(1, 12), start=st.integers(999, 1013), length=st.integers(0, 10))
def test_ranges_split_anywhere_add_up(times: list[int], limit: int, start: int, length: int) -> None:
    ledger = Ledger(times)
    ranges = [
        f"created[gte]={start + length}",
        f"created[gte]={start}&created[lt]={start + length}",
        f"created[lt]={start}",
    ]
    rows = [
        row for query in ranges for page in ledger.walk(f"{query}&limit={limit}", "starting_after", -1) for row in page
    ]
    assert rows == ledger.ids


def test_a_deleted_cursor_is_gone_where_stripe_forgets_the_object(emulator: StripeEmulator, stripe: Client) -> None:
    older = emulator.create("webhook_endpoint")["id"]
    emulator.create("charge")
    newer = emulator.create("charge", created=NOW - 1)["id"]
    emulator.delete(newer)
    assert stripe.refusal(f"/v1/charges?starting_after={newer}")[1] == "resource_missing"
    emulator.delete(older)
    assert stripe.list(f"/v1/webhook_endpoints?starting_after={older}") == []
