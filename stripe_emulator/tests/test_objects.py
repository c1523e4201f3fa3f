"""What the emulator shows of its objects: filters, nested lists, expansion, deleted ones, v2."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from stripe_emulator import StripeEmulator
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.fixtures import Client

V2 = {"Stripe-Version": PINNED_VERSION}


# ---- what lists show


def test_lists_that_hide_rows_by_default(emulator: StripeEmulator, stripe: Client) -> None:
    def made(kind: str, **fields: Any) -> str:
        return str(emulator.create(kind, **fields)["id"])

    customer, clock = made("customer"), made("test_helpers.test_clock")
    timed = made("customer", test_clock=clock)
    active, inactive = made("price"), made("price", active=False)
    running, canceled = made("subscription", customer=customer), made("subscription", status="canceled")
    review, _ = made("review"), made("review", open=False)
    mine, _ = made("tax_id", owner={"type": "self"}), made("tax_id", customer=customer)
    registered, expired = made("tax.registration"), made("tax.registration", status="expired")

    assert stripe.list("/v1/prices") == [active]
    assert stripe.list("/v1/prices?active=false") == [inactive]
    assert stripe.list("/v1/subscriptions") == [running]
    assert stripe.list("/v1/subscriptions?status=all") == [canceled, running]
    assert stripe.list("/v1/subscriptions?status=ended") == [canceled]
    assert stripe.list("/v1/customers") == [customer]
    assert stripe.list(f"/v1/customers?test_clock={clock}") == [timed]
    assert stripe.list("/v1/reviews") == [review]
    assert stripe.list("/v1/tax_ids") == [mine]
    assert stripe.list("/v1/tax/registrations") == [registered]
    assert stripe.list("/v1/tax/registrations?status=all") == [expired, registered]


@pytest.mark.parametrize(
    ("kind", "fields", "hit", "miss"),
    [
        ("charge", {"transfer_group": "g"}, "charges?transfer_group=g", "charges?transfer_group=h"),
        ("payout", {"arrival_date": 50}, "payouts?arrival_date[gte]=50", "payouts?arrival_date[gt]=50"),
        ("topup", {"amount": 700}, "topups?amount=700", "topups?amount[lt]=700"),
        ("invoice", {"due_date": None}, "invoices", "invoices?due_date[gte]=0"),
        ("price", {"lookup_key": "gold"}, "prices?lookup_keys[]=gold", "prices?lookup_keys[]=silver"),
        (
            "checkout.session",
            {"customer_details": {"email": "a@b.c"}},
            "checkout/sessions?customer_details[email]=a@b.c",
            "checkout/sessions?customer_details[email]=z@b.c",
        ),
        ("invoiceitem", {"invoice": None}, "invoiceitems?pending=true", "invoiceitems?pending=false"),
        (
            "promotion_code",
            {"promotion": {"coupon": "WELCOME"}},
            "promotion_codes?coupon=WELCOME",
            "promotion_codes?coupon=X",
        ),
        ("payment_record", {"created": 500}, "payment_records?created_after=499", "payment_records?created_after=500"),
        (
            "subscription",
            {"items": [{"price": {"id": "price_1"}}]},
            "subscriptions?price=price_1",
            "subscriptions?price=p",
        ),
    ],
)
def test_filters(emulator: StripeEmulator, stripe: Client, kind: str, fields: Json, hit: str, miss: str) -> None:
    made = emulator.create(kind, **fields)["id"]
    assert stripe.list(f"/v1/{hit}") == [made]
    assert stripe.list(f"/v1/{miss}") == []


def test_filters_follow_updates(emulator: StripeEmulator, stripe: Client) -> None:
    first, second = emulator.create("customer")["id"], emulator.create("customer")["id"]
    charge = emulator.create("charge", customer=first)["id"]
    assert stripe.list(f"/v1/charges?customer={first}") == [charge]
    emulator.update(charge, customer=second)
    assert stripe.list(f"/v1/charges?customer={first}") == []
    assert stripe.list(f"/v1/charges?customer={second}") == [charge]


def test_balance_transactions_of_a_payout(emulator: StripeEmulator, stripe: Client) -> None:
    payout = emulator.create("payout")["id"]
    transactions = [emulator.create("balance_transaction")["id"] for _ in range(3)]
    for transaction in transactions[:2]:
        emulator.attach(transaction, of=payout)
    assert stripe.list(f"/v1/balance_transactions?payout={payout}") == transactions[1::-1]
    assert stripe.list("/v1/balance_transactions") == transactions[::-1]


# ---- nested lists


def test_embedded_lists_are_cut_and_the_rest_is_at_their_url(emulator: StripeEmulator, stripe: Client) -> None:
    invoice = emulator.create("invoice", lines=[{"amount": amount} for amount in range(25)])
    lines = stripe.get("/v1/invoices").json()["data"][0]["lines"]
    assert lines == invoice["lines"]
    assert lines["url"] == f"/v1/invoices/{invoice['id']}/lines"
    assert (len(lines["data"]), lines["has_more"]) == (10, True)
    rest = stripe.get(f"{lines['url']}?limit=100&starting_after={lines['data'][-1]['id']}").json()
    assert [row["amount"] for row in lines["data"] + rest["data"]] == list(range(25))
    assert (rest["url"], rest["has_more"]) == (lines["url"], False)


def test_embedded_lists_follow_their_rows(emulator: StripeEmulator, stripe: Client) -> None:
    subscription = emulator.create("subscription", items=[{}])["id"]
    emulator.create("subscription_item", subscription=subscription)
    assert len(stripe.get(f"/v1/subscriptions/{subscription}").json()["items"]["data"]) == 2
    assert len(stripe.list(f"/v1/subscription_items?subscription={subscription}")) == 2


def test_a_quote_has_two_lists_of_items(emulator: StripeEmulator, stripe: Client) -> None:
    quote = emulator.create("quote")["id"]
    with pytest.raises(ValueError, match="say which one with slot="):
        emulator.create("item", of=quote)
    upfront = emulator.create("item", of=quote, slot="computed.upfront.line_items")["id"]
    line = emulator.create("item", of=quote, slot="line_items")["id"]
    assert stripe.list(f"/v1/quotes/{quote}/line_items") == [line]
    assert stripe.list(f"/v1/quotes/{quote}/computed_upfront_line_items") == [upfront]


def test_lists_of_a_missing_parent(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    emulator.delete(customer)
    for missing in ("cus_nope", customer):
        assert stripe.refusal(f"/v1/customers/{missing}/tax_ids") == (
            404,
            "resource_missing",
            f"No such customer: '{missing}'",
            "customer",
        )


def test_children_are_found_below_their_own_parent_only(emulator: StripeEmulator, stripe: Client) -> None:
    mine, other = emulator.create("customer")["id"], emulator.create("customer")["id"]
    card = emulator.create("card", customer=mine)["id"]
    assert stripe.get(f"/v1/customers/{mine}/sources/{card}").status_code == 200
    assert stripe.refusal(f"/v1/customers/{other}/sources/{card}")[0] == 404
    assert stripe.refusal(f"/v1/customers/{other}/sources?starting_after={card}")[0] == 400


# ---- objects by id


def test_objects_that_are_missing_or_deleted(emulator: StripeEmulator, stripe: Client) -> None:
    customer, charge = emulator.create("customer")["id"], emulator.create("charge")["id"]
    assert stripe.get(f"/v1/charges/{charge}").json() == emulator.get(charge)
    assert stripe.refusal("/v1/charges/ch_nope") == (404, "resource_missing", "No such charge: 'ch_nope'", "charge")
    assert stripe.refusal(f"/v1/charges/{customer}")[0] == 404
    emulator.delete(customer)
    emulator.delete(charge)
    assert stripe.get(f"/v1/customers/{customer}").json() == {"id": customer, "object": "customer", "deleted": True}
    assert stripe.refusal(f"/v1/charges/{charge}")[0] == 404
    assert stripe.list("/v1/customers") == stripe.list("/v1/charges") == []
    with pytest.raises(KeyError, match=customer):
        emulator.update(customer, name="Jenny")


def test_fields_that_stripe_lacks_are_refused_and_hashes_filled_in(emulator: StripeEmulator) -> None:
    with pytest.raises(ValueError, match="charge has no field amonut"):
        emulator.create("charge", amonut=5)
    session = emulator.create("checkout.session", customer_details={"email": "a@b.c"})
    assert session["customer_details"]["email"] == "a@b.c"
    assert session["customer_details"]["tax_ids"] is None
    with pytest.raises(ValueError, match="CustomerDetails has no field mail"):
        emulator.update(session["id"], customer_details={"mail": "a@b.c"})
    with pytest.raises(ValueError, match="already"):
        emulator.create("charge", id=session["id"])


# ---- expansion


def test_expansion_of_a_list(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer", name="Jenny")
    transaction = emulator.create("balance_transaction", fee=59)
    emulator.create("charge", customer=customer["id"], balance_transaction=transaction["id"])
    emulator.create("charge")
    query = "expand[]=data.balance_transaction&expand[]=data.customer"
    empty, full = stripe.get(f"/v1/charges?{query}").json()["data"]
    assert (full["customer"], full["balance_transaction"]) == (customer, transaction)
    assert (empty["customer"], empty["balance_transaction"]) == (None, None)
    assert stripe.get("/v1/charges").json()["data"][1]["customer"] == customer["id"]


def test_expansion_of_expansions(emulator: StripeEmulator, stripe: Client) -> None:
    product = emulator.create("product")
    price = emulator.create("price", product=product["id"])
    subscription = emulator.create("subscription", items=[{"price": {**price, "product": product["id"]}}])["id"]
    invoice = emulator.create("invoice", parent={"subscription_details": {"subscription": subscription}})["id"]
    url = f"/v1/invoices/{invoice}?expand[]=parent.subscription_details.subscription"
    assert stripe.get(url).json()["parent"]["subscription_details"]["subscription"]["id"] == subscription
    item = stripe.get(f"/v1/subscriptions/{subscription}?expand[]=items.data.price.product").json()["items"]["data"][0]
    assert item["price"]["product"] == product


def test_expansion_goes_four_levels_deep(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    card = emulator.create("card", customer=customer)["id"]
    emulator.update(customer, default_source=card)
    charge = emulator.create("charge", customer=customer)["id"]
    intent = emulator.create("payment_intent", latest_charge=charge)["id"]
    emulator.update(charge, payment_intent=intent)

    (listed,) = stripe.get("/v1/charges?expand[]=data.payment_intent.latest_charge.customer").json()["data"]
    assert listed["payment_intent"]["latest_charge"]["customer"]["default_source"] == card
    deep = "payment_intent.latest_charge.customer.default_source"
    got = stripe.get(f"/v1/charges/{charge}?expand[]={deep}").json()
    assert got["payment_intent"]["latest_charge"]["customer"]["default_source"]["id"] == card
    for path, asked in (("", f"data.{deep}"), (f"/{charge}", f"{deep}.customer")):
        assert stripe.refusal(f"/v1/charges{path}?expand[]={asked}") == (
            400,
            None,
            f"You cannot expand more than 4 levels of a property: {asked}.",
            "expand",
        )


def test_hidden_fields_of_what_stands_inside_are_hidden_too(emulator: StripeEmulator, stripe: Client) -> None:
    taxes = [{"amount": 5, "rate": emulator.create("tax_rate")}]
    session = emulator.create("checkout.session", line_items=[{"taxes": taxes}])["id"]
    path = f"/v1/checkout/sessions/{session}"
    (item,) = stripe.get(f"{path}?expand[]=line_items").json()["line_items"]["data"]
    assert "taxes" not in item
    (item,) = stripe.get(f"{path}?expand[]=line_items.data.taxes").json()["line_items"]["data"]
    assert item["taxes"][0]["amount"] == 5
    (item,) = stripe.get(f"{path}/line_items?expand[]=data.taxes").json()["data"]
    assert item["taxes"][0]["amount"] == 5
    assert "discounts" not in item
    authorization = emulator.create("issuing.authorization", card=emulator.create("issuing.card", number="4242"))["id"]
    assert "number" not in stripe.get(f"/v1/issuing/authorizations/{authorization}").json()["card"]


def test_what_a_test_looks_at_can_be_expanded(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer", tax_ids=[{}])
    charge = emulator.create("charge", customer=customer["id"])["id"]
    assert emulator.get(charge, expand=["customer"])["customer"] == customer
    (row,) = emulator.truth("charge", expand=["customer.tax_ids"])
    assert len(row["customer"]["tax_ids"]["data"]) == 1
    assert "tax_ids" not in emulator.get(customer["id"])


def test_the_own_account_shows_its_bank_accounts(emulator: StripeEmulator, stripe: Client) -> None:
    assert "external_accounts" not in stripe.get("/v1/account").json()
    own = emulator.account["id"]
    ids = [emulator.create("bank_account", account=own)["id"] for _ in range(11)]
    shown = stripe.get("/v1/account").json()["external_accounts"]
    assert ([row["id"] for row in shown["data"]], shown["has_more"]) == (ids[:0:-1], True)
    assert stripe.list(f"{shown['url']}?limit=100") == ids[::-1]


def test_hidden_fields_are_shown_when_expanded(emulator: StripeEmulator, stripe: Client) -> None:
    options = {"eur": {"unit_amount": 900}}
    price = emulator.create("price", currency_options=options)["id"]
    session = emulator.create("checkout.session", line_items=[{"amount_total": total} for total in range(12)])["id"]
    assert "currency_options" not in stripe.get("/v1/prices").json()["data"][0]
    shown = stripe.get(f"/v1/prices/{price}?expand[]=currency_options").json()
    assert shown["currency_options"]["eur"]["unit_amount"] == 900
    assert "line_items" not in stripe.get(f"/v1/checkout/sessions/{session}").json()
    items = stripe.get("/v1/checkout/sessions?expand[]=data.line_items").json()["data"][0]["line_items"]
    assert [row["amount_total"] for row in items["data"]] == list(range(10))
    assert (items["has_more"], items["url"]) == (True, f"/v1/checkout/sessions/{session}/line_items")


def test_refunds_of_a_charge(emulator: StripeEmulator, stripe: Client) -> None:
    charge = emulator.create("charge", refunds=[{"amount": amount} for amount in range(11)])["id"]
    refunds = stripe.get(f"/v1/charges/{charge}?expand[]=refunds").json()["refunds"]
    assert [row["amount"] for row in refunds["data"]] == list(range(10, 0, -1))
    assert stripe.list(f"{refunds['url']}?limit=100") == stripe.list(f"/v1/refunds?charge={charge}&limit=100")


def test_expanding_what_was_never_made_says_so(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.create("charge", customer="cus_nope")
    status, _, message, _ = stripe.refusal("/v1/charges?expand[]=data.customer")
    assert (status, message) == (500, "emulator: there is no customer 'cus_nope' to expand: create it")


def test_deleted_objects_expand_to_what_is_left(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    emulator.create("charge", customer=customer)
    emulator.delete(customer)
    (charge,) = stripe.get("/v1/charges?expand[]=data.customer").json()["data"]
    assert charge["customer"] == {"id": customer, "object": "customer", "deleted": True}


def test_entries_of_treasury_transactions_expand_on_one_object_only(emulator: StripeEmulator, stripe: Client) -> None:
    account = emulator.create("treasury.financial_account")["id"]
    transaction = emulator.create("treasury.transaction", financial_account=account)["id"]
    assert stripe.get(f"/v1/treasury/transactions/{transaction}?expand[]=entries").status_code == 200
    query = f"financial_account={account}&expand[]=data.entries"
    assert stripe.refusal(f"/v1/treasury/transactions?{query}")[0] == 400


# ---- v2


def test_v2_lists_are_paged_by_their_own_links(emulator: StripeEmulator, stripe: Client) -> None:
    ids = [emulator.create("v2.core.event", created=f"2026-10-{day}T00:00:00Z")["id"] for day in range(11, 18)]
    first = stripe.get("/v2/core/events?limit=3&created[gte]=2026-10-12T00:00:00Z", **V2).json()
    assert [row["id"] for row in first["data"]] == ids[:3:-1]
    assert set(first) == {"data", "next_page_url", "previous_page_url"}
    assert first["previous_page_url"] is None
    second = stripe.get(first["next_page_url"], **V2).json()
    assert [row["id"] for row in second["data"]] == ids[3:0:-1]
    assert second["next_page_url"] is None
    back = stripe.get(second["previous_page_url"], **V2).json()
    assert back["data"] == first["data"]


def test_v2_pages_are_good_for_their_own_list_only(emulator: StripeEmulator, stripe: Client) -> None:
    for _ in range(3):
        emulator.create("v2.core.event")
    url = stripe.get("/v2/core/events?limit=2", **V2).json()["next_page_url"]
    for wrong in (url.replace("limit=2", "limit=1"), url + "&object_id=x", "/v2/core/events?page=page_2"):
        status, _, message, param = stripe.refusal(wrong, **V2)
        assert (status, param) == (400, "page")
        assert message.startswith("Invalid page token.")
    assert stripe.refusal("/v2/core/events?created[gte]=1793534400", **V2)[0] == 400
    assert stripe.refusal("/v2/core/events?starting_after=evt_1", **V2)[1] == "parameter_unknown"


def test_v2_accounts_show_what_is_included(emulator: StripeEmulator, stripe: Client) -> None:
    account = emulator.create("v2.core.account", identity={"country": "us"}, defaults={"currency": "usd"})["id"]
    closed = emulator.create("v2.core.account", closed=True)["id"]
    (listed,) = stripe.get("/v2/core/accounts", **V2).json()["data"]
    assert (listed["id"], listed["identity"], listed["defaults"]) == (account, None, None)
    got = stripe.get(f"/v2/core/accounts/{account}?include[]=identity", **V2).json()
    assert got["identity"]["country"] == "us"
    assert got["defaults"] is None
    assert [row["id"] for row in stripe.get("/v2/core/accounts?closed=true", **V2).json()["data"]] == [closed]


# ---- driven from outside


def test_the_command_line_serves_until_it_is_terminated() -> None:
    command = [sys.executable, "-m", "stripe_emulator", "--account", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        auth = (StripeEmulator().key, "")
        before = requests.get(f"{url}/v1/events?limit=1", auth=auth, timeout=10)
        now = requests.post(f"{url}/_emulator/advance", json={"seconds": 100}, timeout=10).json()["now"]
        assert requests.post(f"{url}/_emulator/live_on", timeout=10).json()["now"] >= now
        after = requests.get(f"{url}/v1/events?limit=1", auth=auth, timeout=10)
        assert after.json()["data"][0]["created"] >= now > before.json()["data"][0]["created"]
        counts = requests.get(f"{url}/_emulator/requests", timeout=10).json()
        process.terminate()
        assert process.stdout.read() == ""
    assert counts == {"total": 2, "by_endpoint": {"GET /v1/events": 2}, "by_status": {"200": 2}}
