"""The full account holds something of everything, and all of it is as Stripe's types say."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from stripe_emulator import StripeEmulator, events, facts, serve
from stripe_emulator.accounts.full import live_on, populate
from stripe_emulator.accounts.full.nested import SIZES
from stripe_emulator.facts import PINNED_VERSION, Embedded, Endpoint, Json
from stripe_emulator.fixtures import Client
from stripe_emulator.pages import Selection
from stripe_emulator.rendering import document, tree
from stripe_emulator.retired import ENDPOINTS as RETIRED
from stripe_emulator.store import Resource
from stripe_emulator.tests.conformance import violations

NOT_SERVED = {"/v1/credit_notes/preview/lines"}
# A whole answer without an id, which nothing has to be made for.
MADE_BY_STRIPE = {"v2.money_management.payout_methods_bank_account_spec"}


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """The full account, served. Nobody changes it."""
    emulator = StripeEmulator()
    populate(emulator)
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def stripe(account: StripeEmulator) -> Iterator[Client]:
    client = Client(account)
    with client.session:
        yield client


def resources(emulator: StripeEmulator, kind: str) -> list[Resource]:
    """Every object of a kind, newest first."""
    return list(Selection([emulator.store.shelf(kind)]).down())


def lists() -> list[Endpoint]:
    served = [row for row in (*facts.endpoints(), *RETIRED) if row.pages in ("cursor", "v2", "all")]
    return [row for row in served if row.path not in NOT_SERVED]


def kinds() -> list[str]:
    """Every kind that some endpoint answers."""
    return sorted({kind for endpoint in (*facts.endpoints(), *RETIRED) for kind in endpoint.objects})


# ---- everything is there


# The required parameters of most lists are fields of their objects; these lists want to know something else.
QUERIES: Mapping[str, Callable[[Resource], str]] = {
    "/v1/apps/secrets": lambda _: "scope[type]=account",
    "/v1/billing/meters/{id}/event_summaries": lambda row: (
        f"customer={row.owner}&start_time={row.fields['start_time']}&end_time={row.fields['end_time']}"
    ),
    "/v1/tax/locations": lambda _: "type=performance",
}
# Objects whose customer another one knows: the field that names it, or the object that they stand in.
CUSTOMER_OF = {
    "/v1/billing/credit_balance_transactions": "credit_grant",
    "/v1/entitlements/active_entitlements": "owner",
}


def parent_of(emulator: StripeEmulator, endpoint: Endpoint, row: Resource) -> str | None:
    """The object below which a list has to be asked for, to show a row."""
    nested = facts.nested()[endpoint.path]
    owner = emulator.store.get(
        str(row.fields.get(nested.by) if nested.by else row.owner or row.fields.get("ownership"))
    )
    if owner is not None and owner.kind == "financial_connections.account_ownership":
        owner = emulator.store.get(str(owner.owner))
    in_it = owner is not None and owner.kind == nested.parent and nested.slot in (None, row.slot)
    return owner.key if owner is not None and in_it else None


def request_for(emulator: StripeEmulator, endpoint: Endpoint, row: Resource) -> str | None:
    """The request of the list that an object is in; None if it is in none."""
    path = endpoint.path
    if path in facts.nested():
        parent = parent_of(emulator, endpoint, row)
        if parent is None:
            return None
        path = path.replace(f"{{{endpoint.names[0]}}}", parent)
    if endpoint.path in QUERIES:
        query = QUERIES[endpoint.path](row)
    elif endpoint.path in CUSTOMER_OF:
        other = emulator.store.get(str({**row.fields, "owner": row.owner}[CUSTOMER_OF[endpoint.path]]))
        query = f"customer={other.fields['customer'] if other else None}"
    else:
        query = "&".join(f"{name}={row.fields[name]}" for name in endpoint.required)
    return path if endpoint.pages == "all" else f"{path}?limit=100&{query}"


@pytest.mark.parametrize("endpoint", lists(), ids=lambda endpoint: endpoint.path)
def test_every_list_has_something_in_it(account: StripeEmulator, stripe: Client, endpoint: Endpoint) -> None:
    # An account as a customer's source is a legacy of the types: no field of it names a customer.
    listed = [kind for kind in endpoint.objects if kind != "account" or endpoint.path == "/v1/accounts"]
    for kind in listed:
        request = next(filter(None, (request_for(account, endpoint, row) for row in resources(account, kind))))
        answer = stripe.get(request, **{"Stripe-Version": endpoint.until or PINNED_VERSION})
        assert answer.status_code == 200, answer.text
        assert kind in {row["object"] for row in answer.json()["data"]}


def test_there_is_one_of_every_kind(account: StripeEmulator) -> None:
    assert [kind for kind in kinds() if not resources(account, kind)] == sorted(MADE_BY_STRIPE)


def test_most_kinds_have_objects_from_before_and_after_the_oldest_event(account: StripeEmulator) -> None:
    oldest = account.clock.now() - events.RETENTION
    spread = [kind for kind in kinds() if {row.at < oldest for row in resources(account, kind)} == {True, False}]
    assert len(spread) > 130
    assert {"issuing.card", "treasury.transaction", "topup", "v2.core.account"} <= set(spread)


@pytest.mark.parametrize("embedded", [row for kind in kinds() for row in facts.embedded(kind)], ids=lambda row: row.url)
def test_embedded_lists_are_of_all_sizes(account: StripeEmulator, embedded: Embedded) -> None:
    store = account.store
    sizes = Counter(
        sum(1 for _ in Selection(store.children(embedded, parent.key)).down())
        for parent in resources(account, embedded.parent)
    )
    assert sizes.keys() >= set(SIZES)


def test_reserves_are_told_of_by_their_events(stripe: Client) -> None:
    for kind in ("reserve.hold", "reserve.plan", "reserve.release"):
        told = stripe.get(f"/v1/events?type={kind}.created").json()["data"]
        assert {event["data"]["object"]["object"] for event in told} == {kind}


def test_payouts_are_made_of_movements(account: StripeEmulator, stripe: Client) -> None:
    for payout in account.objects("payout")[:20]:
        made_of = stripe.get(f"/v1/balance_transactions?limit=100&payout={payout['id']}").json()["data"]
        assert len(made_of) > 1
        assert sum(row["net"] for row in made_of) == 0


# ---- it is right


@pytest.mark.parametrize("kind", [*kinds(), "discount", "reserve.hold", "reserve.plan", "reserve.release"])
def test_objects_are_what_their_types_say(account: StripeEmulator, kind: str) -> None:
    wrong = Counter(problem for shown in account.objects(kind) for problem in violations(shown))
    assert not wrong


def test_the_check_of_types_finds_what_is_wrong(account: StripeEmulator) -> None:
    invoice = next(it for it in account.objects("invoice") if it["lines"]["data"])
    line = {**invoice["lines"]["data"][0], "amount": "700"}
    assert violations({**invoice, "lines": {**invoice["lines"], "data": [line]}}) == [
        "lines.amount: '700' is no integer"
    ]
    assert violations({**invoice, "total": None}) == ["total: is missing"]
    assert violations({**invoice, "paid": True}) == ["paid: invoice has no such field"]
    assert violations({**invoice, "customer": {}}) == ["customer: {} is no id"]
    assert violations({**invoice, "attempted": 1}) == ["attempted: 1 is no boolean"]
    assert violations({**invoice, "issuer": {"type": "nobody"}}) == ["issuer.type: 'nobody' is none of account, self"]


@pytest.mark.parametrize("kind", kinds())
def test_every_reference_expands(account: StripeEmulator, kind: str) -> None:
    """Raises DanglingReferenceError where an object names one that isn't there."""
    everything = tree(facts.kind(kind).expand)
    own = account.account["id"]
    for row in resources(account, kind):
        if row.fields.get("account") != own:
            document(row, account.store, everything)


def test_lists_hide_what_stripe_hides(account: StripeEmulator, stripe: Client) -> None:
    def shown(path: str) -> set[str]:
        ids: list[str] = []
        more = True
        while more:
            page = stripe.get(f"{path}&limit=100" + (f"&starting_after={ids[-1]}" if ids else "")).json()
            ids += [row["id"] for row in page["data"]]
            more = page["has_more"]
        return set(ids)

    def ids_where(kind: str, holds: Callable[[Json], bool]) -> set[str]:
        return {it["id"] for it in account.objects(kind) if holds(it)}

    for path, kind in (
        ("customers?", "customer"),
        ("quotes?", "quote"),
        ("subscription_schedules?", "subscription_schedule"),
        ("subscriptions?status=all", "subscription"),
    ):
        timed = ids_where(kind, lambda it: bool(it["test_clock"]))
        assert timed
        assert shown(f"/v1/{path}") == ids_where(kind, lambda it: not it["test_clock"])
    clock = account.objects("test_helpers.test_clock")[0]["id"]
    assert shown(f"/v1/customers?test_clock={clock}") == ids_where("customer", lambda it: it["test_clock"] == clock)
    assert (
        shown("/v1/reviews?") == ids_where("review", lambda it: bool(it["open"])) != ids_where("review", lambda _: True)
    )
    assert shown("/v1/prices?") == ids_where("price", lambda it: bool(it["active"]))
    assert shown("/v1/prices?active=false") == ids_where("price", lambda it: not it["active"]) != set()


def test_v2_accounts_and_financial_accounts_hide_closed_ones(account: StripeEmulator, stripe: Client) -> None:
    v2 = {"Stripe-Version": PINNED_VERSION}

    def shown(path: str) -> list[Json]:
        rows: list[Json] = stripe.get(path, **v2).json()["data"]
        return rows

    opened, closed = shown("/v2/core/accounts?limit=100"), shown("/v2/core/accounts?limit=100&closed=true")
    assert len(opened) == len(closed) == len(SIZES)
    assert {row["closed"] for row in opened} == {False}
    assert {row["closed"] for row in closed} == {True}
    hashes = ("configuration", "defaults", "future_requirements", "identity", "requirements")
    assert {row[name] for row in (*opened, *closed) for name in hashes} == {None}
    query = "include[0]=identity&include[1]=configuration.merchant"
    one = stripe.get(f"/v2/core/accounts/{opened[0]['id']}?{query}", **v2).json()
    assert [name for name in hashes if one[name]] == ["configuration", "identity"]
    assert [name for name, part in one["configuration"].items() if part] == ["merchant"]
    every = "v2.money_management.financial_account"
    statuses = Counter(it["status"] for it in account.objects(every))
    assert statuses.keys() == {"closed", "open", "pending"}
    path = "/v2/money_management/financial_accounts?limit=100"
    assert len(shown(path)) == statuses["open"] + statuses["pending"]
    assert len(shown(f"{path}&statuses[0]=closed&statuses[1]=open")) == statuses["closed"] + statuses["open"]


def test_connected_accounts_answer_for_themselves(account: StripeEmulator, stripe: Client) -> None:
    assert len(account.connected) == len(SIZES)
    for name in account.connected:
        (charge,) = stripe.get("/v1/charges", **{"Stripe-Account": name}).json()["data"]
        assert stripe.get(f"/v1/charges/{charge['id']}").status_code == 404


# ---- it is made again


def test_a_seed_makes_the_same_account_again() -> None:
    def made(seed: int) -> Mapping[str, list[Json]]:
        emulator = StripeEmulator()
        populate(emulator, seed)
        return {kind: emulator.objects(kind) for kind in (*kinds(), "event")}

    first = made(7)
    assert first == made(7)
    assert first != made(8)


def test_living_on_makes_everything_once_more() -> None:
    emulator = StripeEmulator()
    populate(emulator)
    before = {kind: len(resources(emulator, kind)) for kind in kinds()}
    emulator.clock.advance(3600)
    live_on(emulator)
    now = emulator.clock.now()
    more = {kind for kind in kinds() if len(resources(emulator, kind)) > before[kind]}
    assert len(more) > 125
    assert all(any(row.at == now for row in resources(emulator, kind)) for kind in more)
    live_on(emulator)
    assert emulator.clock.now() == now


def test_the_command_line_serves_it() -> None:
    command = [sys.executable, "-m", "stripe_emulator", "--account", "full"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = requests.get(f"{url}/v1/climate/orders", auth=(StripeEmulator().key, ""), timeout=10)
        process.terminate()
    assert len(answer.json()["data"]) == len(SIZES)


# ---- endpoints that only this account has answers for


def test_usage_records_are_served_at_an_old_version_only(account: StripeEmulator, stripe: Client) -> None:
    summary = account.objects("usage_record_summary")[0]
    item = summary["subscription_item"]
    path = f"/v1/subscription_items/{item}/usage_record_summaries"
    shown = stripe.get(path, **{"Stripe-Version": "2025-02-24.acacia"}).json()
    assert shown["data"][0] == summary
    assert {row["subscription_item"] for row in shown["data"]} == {item}
    assert summary.keys() == {"id", "object", "invoice", "livemode", "period", "subscription_item", "total_usage"}
    for headers in ({}, {"Stripe-Version": PINNED_VERSION}):
        status, _, message, _ = stripe.refusal(path, **headers)
        assert status == 404
        assert message.startswith(f"Unrecognized request URL (GET: {path}).")


def test_tax_associations_lead_to_their_transaction(account: StripeEmulator, stripe: Client) -> None:
    association = account.objects("tax.association")[0]
    found = stripe.get(f"/v1/tax/associations/find?payment_intent={association['payment_intent']}").json()
    assert found == association
    transaction = found["tax_transaction_attempts"][0]["committed"]["transaction"]
    assert stripe.get(f"/v1/tax/transactions/{transaction}").json()["type"] == "transaction"
    without = next(it["id"] for it in account.objects("payment_intent") if it["id"] != association["payment_intent"])
    for wrong in (without, "pi_nope"):
        assert stripe.refusal(f"/v1/tax/associations/find?payment_intent={wrong}")[:2] == (404, "resource_missing")
    assert stripe.refusal("/v1/tax/associations/find")[1] == "parameter_missing"


def test_app_secrets_are_found_by_name_without_their_payload(account: StripeEmulator, stripe: Client) -> None:
    secret = next(it for it in account.objects("apps.secret") if it["scope"]["type"] == "account")
    found = stripe.get(f"/v1/apps/secrets/find?name={secret['name']}&scope[type]=account").json()
    assert found == secret
    assert "payload" not in found
    assert stripe.refusal("/v1/apps/secrets/find?name=nope&scope[type]=account")[0] == 404


def test_credit_balances_are_one_per_customer(account: StripeEmulator, stripe: Client) -> None:
    summary = account.objects("billing.credit_balance_summary")[0]
    other = next(it["id"] for it in account.objects("customer") if it["id"] != summary["customer"])
    wanted = "filter[type]=applicability_scope&filter[applicability_scope][price_type]=metered"
    path = f"/v1/billing/credit_balance_summary?{wanted}&customer="
    assert stripe.get(path + summary["customer"]).json() == summary
    assert stripe.get(path + other).json()["balances"] == []
    assert stripe.refusal(path + "cus_nope")[:2] == (400, "resource_missing")
    assert stripe.refusal(f"/v1/billing/credit_balance_summary?customer={other}")[3] == "filter"


def test_what_customers_and_financial_accounts_have_one_of(account: StripeEmulator, stripe: Client) -> None:
    balance = account.objects("cash_balance")[0]
    assert stripe.get(f"/v1/customers/{balance['customer']}/cash_balance").json() == balance
    features = resources(account, "treasury.financial_account_features")[0]
    path = f"/v1/treasury/financial_accounts/{features.owner}/features"
    assert stripe.get(path).json()["card_issuing"]["status"] == "active"


def test_meter_event_summaries_are_of_the_window_that_is_asked_for(account: StripeEmulator, stripe: Client) -> None:
    newest = resources(account, "billing.meter_event_summary")[0]
    whole = next(
        row.fields
        for row in resources(account, "billing.meter_event_summary")
        if row.owner == newest.owner and row.fields["end_time"] - row.fields["start_time"] == 2 * 24 * 3600
    )
    start, end = whole["start_time"], whole["end_time"]
    path = f"/v1/billing/meters/{whole['meter']}/event_summaries?customer={newest.owner}"

    def values(start: int, end: int, window: str = "") -> list[float]:
        answer = stripe.get(f"{path}&start_time={start}&end_time={end}{window}").json()
        return sorted(row["aggregated_value"] for row in answer["data"])

    assert values(start, end) == [42]
    assert values(start, end, "&value_grouping_window=day") == [12, 30]
    assert values(start, end - 1 * 24 * 3600) == [30]
    assert values(start, end, "&value_grouping_window=hour") == [10, 20]
    status, _, _, param = stripe.refusal(f"{path}&start_time={start + 60}&end_time={end}&value_grouping_window=day")
    assert (status, param) == (400, "start_time")


def test_active_entitlements_are_those_of_the_customers_summary(account: StripeEmulator, stripe: Client) -> None:
    summary = account.objects("entitlements.active_entitlement_summary")[0]
    entitled = stripe.get(f"/v1/entitlements/active_entitlements?customer={summary['customer']}").json()
    assert entitled["data"] == summary["entitlements"]["data"]
    assert entitled["has_more"]
