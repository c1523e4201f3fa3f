"""Every list and every GET of Stripe's API is served, and shows what it should."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stripe_emulator import StripeEmulator, facts
from stripe_emulator.facts import PINNED_VERSION, Endpoint, Json
from stripe_emulator.fixtures import Client
from stripe_emulator.routes import find
from tools import extract_emulator_facts
from tools.stripe_types import list_operations, object_names, object_type

V2 = {"Stripe-Version": PINNED_VERSION}


@dataclass
class Case:
    """What an object needs to be listed: fields, a parent that no field names, and the query to ask with."""

    fields: Json = field(default_factory=dict)
    of: str | None = None
    slot: str | None = None
    query: str = ""


def special_case(path: str, emulator: StripeEmulator) -> Case:
    """The lists that need more than their parent or the object that a required parameter names."""
    customer = emulator.create("customer")["id"]
    cases = {
        "/v1/apps/secrets": Case({"scope": {"type": "account"}}, query="scope[type]=account"),
        "/v1/billing/meters/{id}/event_summaries": Case(
            of=customer, query=f"customer={customer}&start_time=0&end_time=9999999999"
        ),
        "/v1/entitlements/active_entitlements": Case(of=customer, query=f"customer={customer}"),
        "/v1/financial_connections/accounts/{account}/owners": Case(
            {"ownership": "fcaowns_1"}, query="ownership=fcaowns_1"
        ),
        "/v1/financial_connections/transactions": Case({"account": "fca_1"}, query="account=fca_1"),
        "/v1/tax/locations": Case(query="type=performance"),
        "/v1/tax_ids": Case({"owner": {"type": "self"}}),
    }
    if path == "/v1/billing/credit_balance_transactions":
        grant = emulator.create("billing.credit_grant", customer=customer)["id"]
        return Case({"credit_grant": grant}, query=f"customer={customer}")
    return cases.get(path, Case())


REFERRED = {
    "card": "issuing.card",
    "financial_account": "treasury.financial_account",
    "payment_record": "payment_record",
    "setup_intent": "setup_intent",
    "subscription": "subscription",
    "value_list": "radar.value_list",
}


def make(emulator: StripeEmulator, endpoint: Endpoint, kind: str) -> tuple[str, str, Json]:
    """An object that a list shows: the list's path, its query, the object."""
    case, path = special_case(endpoint.path, emulator), endpoint.path
    nested = facts.nested().get(path)
    if nested is not None:
        parent = emulator.create(nested.parent)["id"]
        path = path.replace(f"{{{endpoint.names[0]}}}", parent)
        if nested.by:
            case.fields[nested.by] = parent
        elif nested.slot:
            case.of, case.slot = parent, nested.slot
    for name in set(endpoint.required) & set(REFERRED):
        case.fields[name] = emulator.create(REFERRED[name])["id"]
        case.query = f"{name}={case.fields[name]}"
    return path, case.query, emulator.create(kind, of=case.of, slot=case.slot, **case.fields)


def lists() -> list[Endpoint]:
    return [row for row in facts.endpoints() if row.pages in ("cursor", "v2", "all") and "preview" not in row.path]


@pytest.mark.parametrize("endpoint", lists(), ids=lambda endpoint: endpoint.path)
def test_every_list_shows_its_objects(emulator: StripeEmulator, stripe: Client, endpoint: Endpoint) -> None:
    # An account as a customer's source is a legacy of the types: no field of it names a customer.
    kinds = [kind for kind in endpoint.objects if kind != "account" or endpoint.path == "/v1/accounts"]
    for kind in kinds:
        path, query, made = make(emulator, endpoint, kind)
        page = stripe.get(f"{path}?{query}", **V2).json()
        assert made in page["data"], page
        match = find(f"{path}/{made['id']}")
        if match is not None and kind in match.endpoint.objects:
            assert stripe.get(f"{path}/{made['id']}", **V2).json() == made


def test_the_facts_are_those_of_the_stripe_package() -> None:
    """If not, run `python -m tools.extract_emulator_facts`."""
    folder = Path(facts.__file__).parent / "facts"
    assert json.loads((folder / "endpoints.json").read_text("utf-8"))["gets"] == extract_emulator_facts.endpoints()
    assert json.loads((folder / "objects.json").read_text("utf-8"))["objects"] == extract_emulator_facts.objects()


def test_no_list_of_the_package_is_missing() -> None:
    served = {endpoint.path for endpoint in lists()} | {"/v1/credit_notes/preview/lines"}
    assert {operation.path for operation in list_operations()} <= served
    assert len(served) >= 138


def test_an_object_of_every_kind_has_every_field(emulator: StripeEmulator) -> None:
    for kind in object_names():
        made = emulator.create(kind, event=False)
        fields = {field.name for field in object_type(kind).fields}
        hidden = {path for path in facts.kind(kind).hidden if "." not in path}
        optional = {row.field for row in facts.embedded(kind) if not row.shown}
        assert set(made) == fields - hidden - optional, kind
        assert made["object"] == kind, kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/balance", "balance"),
        ("/v1/balance_settings", "balance_settings"),
        ("/v1/tax/settings", "tax.settings"),
        ("/v1/customers/{customer}/cash_balance", "cash_balance"),
        ("/v1/treasury/financial_accounts/{account}/features", "treasury.financial_account_features"),
    ],
)
def test_objects_without_an_id(emulator: StripeEmulator, stripe: Client, path: str, kind: str) -> None:
    customer = emulator.create("customer")["id"]
    account = emulator.create("treasury.financial_account")["id"]
    url = path.format(customer=customer, account=account)
    assert stripe.get(url).json()["object"] == kind
    of = customer if "{customer}" in path else account if "{account}" in path else None
    made = emulator.create(kind, of=of, **({"customer": customer} if kind == "cash_balance" else {}))
    assert stripe.get(url).json() == made
