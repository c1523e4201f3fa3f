"""What is expanded: by default, and by the config; in whatever way a row is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from integration_tests.connection import stream_rows
from integration_tests.connector import Connector
from integration_tests.syncing import Sync, sync
from source_stripe.catalog.expanding import places
from source_stripe.catalog.package_files import resource
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import full
from stripe_emulator.facts import Json

Syncs = tuple[Sync, Sync, Mapping[str, list[str]]]

HOUR = 3600
KINDS = {kind for row in stream_rows().values() for kind in row.object}
EXPANDING = {name: row for name, row in stream_rows().items() if row.expand}


def cut(value: Any) -> Any:
    """A value whose lists show ten rows: that they are whole in a sync, test_nested.py tests."""
    if isinstance(value, list):
        return [cut(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("object") == "list":
        value = {**value, "data": value["data"][:10], "has_more": None}
    return {name: cut(each) for name, each in value.items()}


def differences(emulator: StripeEmulator, stream: str, row: Json) -> list[str]:
    """The fields of a row that are other than Stripe shows them, expanded as the manifest says."""
    truth = cut(emulator.get(row["id"], expand=stream_rows()[stream].expand))
    shown = cut(row)
    return [name for name in truth if name not in shown or shown[name] != truth[name]]


def sell_at_a_discount(emulator: StripeEmulator) -> None:
    """What the full account lacks: documents with discounts and taxes, and payouts and refunds of today."""
    discount, rate = emulator.create("discount"), emulator.create("tax_rate")
    both: Json = {"discounts": [{"amount": 5, "discount": discount}], "taxes": [{"amount": 2, "rate": rate}]}
    totals = {"amount_discount": 5, "amount_shipping": 0, "amount_tax": 2, "breakdown": both}
    amounts = [{"amount": 5, "discount": discount["id"]}]
    emulator.create("invoice", lines=[{"discounts": [discount["id"]]}])
    emulator.create("credit_note", discount_amounts=amounts, lines=[{}])
    emulator.create("checkout.session", line_items=[both], total_details=totals)
    emulator.create("quote", discounts=[discount["id"]], line_items=[both], total_details=totals)
    for kind in ("payout", "refund"):
        movement = emulator.create("balance_transaction", amount=5)["id"]
        emulator.create(kind, balance_transaction=movement)


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """An account with something of everything."""
    emulator = StripeEmulator()
    full.populate(emulator)
    sell_at_a_discount(emulator)
    emulator.clock.advance(2)
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def syncs(account: StripeEmulator) -> Syncs:
    """A first sync of the streams that expand something, and one an hour later; and what differed after the first."""
    first = sync(account, EXPANDING)
    wrong = {
        name: [f for row in first.output.records(name) for f in differences(account, name, row)] for name in EXPANDING
    }
    account.clock.advance(HOUR)
    full.live_on(account)
    sell_at_a_discount(account)
    account.clock.advance(2)
    return first, sync(account, EXPANDING, first.output.state_messages), wrong


NO_INVOICE = "in_00000000000000"
PATHS = [(name, path) for name, row in EXPANDING.items() for path in row.expand]


@pytest.mark.parametrize(("name", "path"), PATHS)
def test_what_is_expanded_is_there(syncs: Syncs, name: str, path: str) -> None:
    held = [value for row in syncs[0].output.records(name) for value in values_at(row, path)]
    objects = [each for value in held for each in (value if isinstance(value, list) else [value])]
    assert objects
    assert not any(isinstance(each, str) for each in objects)


@pytest.mark.parametrize("name", EXPANDING)
def test_rows_are_expanded_by_default(syncs: Syncs, name: str) -> None:
    assert syncs[0].output.records(name)
    assert syncs[2][name] == []


@pytest.mark.parametrize("name", EXPANDING)
def test_what_has_changed_is_expanded_too(account: StripeEmulator, syncs: Syncs, name: str) -> None:
    rows = [row for row in syncs[1].output.records(name) if not row.get("is_deleted")]
    assert rows
    assert [field for row in rows for field in differences(account, name, row)] == []


def test_no_request_asks_for_what_is_never_expanded(account: StripeEmulator, syncs: Syncs) -> None:
    assert syncs[1].code == 0
    never = {path for kind in KINDS for path in places(kind).never}
    asked = {path.removeprefix("data.") for request in account.requests for path in request.params.get("expand[]", ())}
    assert never > {"number", "cvc", "payload", "entries", "document.number", "verified_outputs"}
    assert not {path for path in asked if any(path == bad or path.endswith(f".{bad}") for bad in never)}
    # A credit note of the account names an invoice that nobody has made.
    assert {request.path for request in account.requests if request.status != 200} <= {f"/v1/invoices/{NO_INVOICE}"}


# ---- by the config

CUSTOMER_TOO = {"charges": ["data.customer"]}


def pay(emulator: StripeEmulator, **fields: Any) -> tuple[Json, Json]:
    """A charge and its customer."""
    customer = emulator.create("customer", name="Jenny")
    return emulator.create("charge", customer=customer["id"], **fields), customer


def test_the_config_expands_more_in_all_that_is_read(emulator: StripeEmulator) -> None:
    old, jenny = pay(emulator)
    emulator.clock.advance(9 * 86_400)
    _, second = pay(emulator)
    emulator.clock.advance(HOUR)
    first = sync(emulator, ["charges"], expand=CUSTOMER_TOO)
    assert [row["customer"] for row in first.output.records("charges")] == [second, jenny]

    emulator.clock.advance(HOUR)
    emulator.update(old["id"], description="changed")
    jenny = emulator.update(jenny["id"], name="Jenny Rosen")
    emulator.clock.advance(HOUR)
    one = sync(emulator, ["charges"], first.output.state_messages, expand=CUSTOMER_TOO)
    assert [row["customer"] for row in one.output.records("charges")] == [jenny]
    assert emulator.requests[-1].path == f"/v1/charges/{old['id']}"

    emulator.clock.advance(HOUR)
    born = [pay(emulator)[1] for _ in range(3)]
    emulator.clock.advance(2)
    several = sync(emulator, ["charges"], one.output.state_messages, expand=CUSTOMER_TOO)
    assert [row["customer"] for row in several.output.records("charges")] == born[::-1]
    assert emulator.requests[-1].path == "/v1/charges"


def test_an_object_that_was_deleted_expands_to_what_is_left(emulator: StripeEmulator) -> None:
    _, customer = pay(emulator)
    emulator.delete(customer["id"])
    emulator.clock.advance(2)

    (row,) = sync(emulator, ["charges"], expand=CUSTOMER_TOO).output.records("charges")

    assert row["customer"] == {"id": customer["id"], "object": "customer", "deleted": True}


def test_rows_of_a_nested_list_are_expanded_beyond_the_tenth(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription")
    emulator.create("invoice", lines=[{"subscription": subscription["id"], "amount": n} for n in range(11)])
    emulator.clock.advance(2)

    (row,) = sync(emulator, ["invoices"], expand={"invoices": ["lines.data.subscription"]}).output.records("invoices")

    assert [line["subscription"] for line in row["lines"]["data"]] == [subscription] * 11


def test_a_stream_has_its_own_expansions_whichever_it_is_read_with(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription")
    emulator.create("invoice", lines=[{"subscription": subscription["id"]}])
    emulator.clock.advance(2)
    both = ["invoices", "invoice_line_items"]

    def read(expand: Mapping[str, list[str]]) -> tuple[Any, Any]:
        output = sync(emulator, both, expand=expand).output
        assert output.errors == []
        (invoice,), (line,) = map(output.records, both)
        return invoice["lines"]["data"][0]["subscription"], line["subscription"]

    object_id = subscription["id"]
    assert read({}) == (object_id, object_id)
    assert read({"invoice_line_items": ["subscription"]}) == (object_id, subscription)
    assert read({"invoices": ["lines.data.subscription"]}) == (subscription, object_id)
    emulator.requests.clear()
    assert read({"invoices": ["lines.data.subscription"], "invoice_line_items": ["subscription"]}) == (
        subscription,
        subscription,
    )
    lists = [request for request in emulator.requests if request.path == "/v1/invoices"]
    emulator.requests.clear()
    read({})
    assert len([request for request in emulator.requests if request.path == "/v1/invoices"]) == len(lists)


def test_rows_are_as_discover_says(emulator: StripeEmulator, tmp_path: Path) -> None:
    intent = emulator.create("payment_intent", customer=emulator.create("customer")["id"])["id"]
    charge, _ = pay(emulator, payment_intent=intent)
    emulator.create("balance_transaction", source=charge["id"])
    emulator.create("invoice", latest_revision=emulator.create("invoice")["id"])
    expand = {
        "balance_transactions": ["source", "source.customer"],
        "charges": ["customer", "payment_intent.customer"],
        "invoices": ["latest_revision", "lines.data.subscription"],
    }
    emulator.clock.advance(2)
    connector = Connector(tmp_path, {"client_secret": emulator.key, "api_url": emulator.url, "expand": expand})
    (message,) = [message for message in connector.discover().output.messages if message["type"] == "CATALOG"]
    schemas = {stream["name"]: stream["json_schema"] for stream in message["catalog"]["streams"]}

    output = sync(emulator, expand, mode="full_refresh", expand=expand).output

    for name in expand:
        rows = output.records(name)
        assert rows
        for row in rows:
            assert [error.message for error in Draft7Validator(schemas[name]).iter_errors(row)] == []
    (row,) = output.records("charges")
    assert isinstance(row["payment_intent"]["customer"], dict)
    shown = schemas["charges"]["properties"]["payment_intent"]["properties"]
    assert shown["customer"]["properties"]["email"]["type"] == ["null", "string"]
    assert shown["latest_charge"]["type"] == ["null", "string"]
    assert not {"updated", "is_deleted"} & set(shown)
    assert schemas["refunds"] == json.loads(resource("schemas/refunds.json").read_text("utf-8"))


# ---- what is expanded stays right


def test_a_customer_comes_again_with_each_tax_id_and_source(emulator: StripeEmulator) -> None:
    customer, other = emulator.create("customer")["id"], emulator.create("customer")["id"]
    emulator.clock.advance(HOUR)
    done = sync(emulator, ["customers"])
    for kind in ("tax_id", "card"):
        emulator.clock.advance(HOUR)
        now, made = emulator.clock.now(), emulator.create(kind, customer=customer)["id"]
        emulator.clock.advance(2)

        done = sync(emulator, ["customers"], done.output.state_messages)

        (row,) = done.output.records("customers")
        assert (row["id"], row["updated"]) == (customer, now)
        assert made in {each["id"] for field in ("sources", "tax_ids") for each in row[field]["data"]}
        assert other not in done.output.ids()


def test_a_payment_intent_comes_again_when_its_charge_is_refunded(emulator: StripeEmulator) -> None:
    intent = emulator.create("payment_intent")["id"]
    charge = emulator.create("charge", payment_intent=intent)["id"]
    emulator.update(intent, latest_charge=charge, event=False)
    emulator.clock.advance(2)
    done = sync(emulator, ["payment_intents"])
    emulator.clock.advance(HOUR)
    emulator.update(charge, amount_refunded=500)
    emulator.clock.advance(2)

    done = sync(emulator, ["payment_intents"], done.output.state_messages)

    (row,) = done.output.records("payment_intents")
    assert row["latest_charge"]["amount_refunded"] == 500
