"""Expanding: what can be, how deep, what it brings along, and what the schema then says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalog, Status
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_stripe.catalog.config import ConfigError
from source_stripe.catalog.expanding import (
    DEEPEST,
    ListPlace,
    NeverExpandedError,
    Stop,
    expandable,
    expanded_too,
    lists_in,
    places,
    room,
    stops,
)
from source_stripe.catalog.schemas import StreamSchema, merged
from source_stripe.source import SourceStripe
from stripe_emulator import facts
from tools.generate_expandable import hidden_fields, main
from tools.stripe_types import object_names
from unit_tests.conftest import KEY, ROWS

LOGGER = logging.getLogger("airbyte")


# ---- paths


def test_the_facts_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_the_emulator_hides_what_is_said_to_be_hidden() -> None:
    """Each of the two has facts of its own. Where they differ, one of them is wrong."""
    hidden = {kind: fields for kind in object_names() if (fields := list(facts.kind(kind).hidden))}
    assert {kind: each["fields"] for kind, each in hidden_fields().items()} == hidden


def test_what_is_hidden_is_what_the_emulator_hides() -> None:
    for kind in object_names():
        known = places(kind)
        assert {*known.hidden, *known.never} in ({*facts.kind(kind).hidden}, set())


@pytest.mark.parametrize(
    ("kind", "path", "found"),
    [
        ("charge", "customer", [Stop("customer", ("customer",), is_id=True)]),
        (
            "charge",
            "payment_intent.latest_charge.customer",
            [
                Stop("payment_intent", ("payment_intent",), is_id=True),
                Stop("payment_intent.latest_charge", ("charge",), is_id=True),
                Stop("payment_intent.latest_charge.customer", ("customer",), is_id=True),
            ],
        ),
        ("charge", "transfer_data.destination", [Stop("transfer_data.destination", ("account",), is_id=True)]),
        ("invoice", "lines.data.discounts", [Stop("lines.data.discounts", ("discount",), is_id=True)]),
        ("checkout.session", "line_items", [Stop("line_items", (), is_id=False)]),
        ("checkout.session", "line_items.data.taxes", [Stop("line_items.data.taxes", (), is_id=False)]),
        ("subscription", "items.data.price.tiers", [Stop("items.data.price.tiers", (), is_id=False)]),
        ("issuing.authorization", "card.replaced_by", [Stop("card.replaced_by", ("issuing.card",), is_id=True)]),
        (
            "dispute",
            "payment_intent.customer",
            [
                Stop("payment_intent", ("payment_intent",), is_id=True),
                Stop("payment_intent.customer", ("customer",), is_id=True),
            ],
        ),
    ],
)
def test_a_path_leads_from_stop_to_stop(kind: str, path: str, found: list[Stop]) -> None:
    assert list(stops((kind,), path)) == found


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("charge", "custmer"),
        ("charge", "amount"),
        ("charge", "payment_intent.custmer"),
        ("charge", "transfer_data"),
        ("invoice", "lines"),
        ("invoice", "lines.discounts"),
        ("invoice", "lines.data"),
        ("payment_intent", "last_payment_error.payment_intent.customer"),
        ("balance", "available.amount"),
        ("no.such.object", "customer"),
    ],
)
def test_other_paths_lead_nowhere(kind: str, path: str) -> None:
    assert stops((kind,), path) == ()


def test_of_several_kinds_any_may_have_the_path() -> None:
    reached = stops(("balance_transaction",), "source.destination")
    assert reached[0].kinds == places("balance_transaction").ids["source"]
    assert set(reached[1].kinds) == {"account", "bank_account", "card"}


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("cards", "number"),
        ("cards", "replaced_by.cvc"),
        ("authorizations", "card.number"),
        ("transactions", "card.cvc"),
        ("identity_verification_sessions", "verified_outputs"),
        ("identity_verification_sessions", "verified_outputs.dob"),
        ("identity_verification_sessions", "last_verification_report.document.number"),
        ("identity_verification_reports", "document.dob"),
        ("identity_verification_reports", "id_number.id_number"),
        ("apps_secrets", "payload"),
        ("treasury_transactions", "entries"),
        ("treasury_transactions", "entries.data.flow_details"),
        ("treasury_received_credits", "transaction.entries"),
    ],
)
def test_secrets_and_papers_are_never_expanded(stream: str, path: str) -> None:
    with pytest.raises(NeverExpandedError):
        stops(ROWS[stream].object, path)
    with pytest.raises(ConfigError, match=rf"expand: {stream}: {path} is never expanded: [^.]+\. "):
        expanded_too(ROWS, {stream: [path]})
    assert path not in expandable(ROWS[stream].object, DEEPEST)


@pytest.mark.parametrize("name", ROWS)
def test_what_is_said_to_be_expandable_is(name: str) -> None:
    row = ROWS[name]
    paths = expandable(row.object, room(row, ROWS))
    assert all(stops(row.object, path) for path in paths)
    assert expanded_too(ROWS, {name: paths})[name].expand == tuple(dict.fromkeys((*row.expand, *paths)))


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.expand])
def test_what_the_manifest_expands_can_be(name: str) -> None:
    row = ROWS[name]
    for path in row.expand:
        assert stops(row.object, path)
        assert path.count(".") < room(row, ROWS)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.parent and row.parent.field])
def test_rows_are_expanded_alike_in_their_parents(name: str) -> None:
    """Or a parent and its children could not be read as one."""
    row = ROWS[name]
    assert row.parent is not None
    above = [path for path in ROWS[row.parent.stream].expand if path.startswith(f"{row.parent.field}.data.")]
    assert {path.removeprefix(f"{row.parent.field}.data.") for path in above} == set(row.expand)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("charges", 3),  # data.a.b.c
        ("account", 4),  # no list
        ("tax_transactions", 4),
        ("setup_attempts", 3),
        ("invoice_line_items", 1),  # data.lines.data.a
        ("payment_intents_amount_details_line_items", 0),
        ("discounts", 0),
        ("v2_core_accounts", 0),  # v2 has no expansion
        ("reserve_holds", 0),  # neither have events
    ],
)
def test_lists_leave_less_room(name: str, properties: int) -> None:
    assert room(ROWS[name], ROWS) == properties


# ---- lists


def test_the_lists_that_stand_in_rows() -> None:
    assert list(lists_in(("charge",), [])) == []
    assert list(lists_in(("charge",), ["refunds"])) == [ListPlace("", "charge", "refunds")]
    assert list(lists_in(("customer",), ["subscriptions.data.latest_invoice"])) == [
        ListPlace("", "customer", "subscriptions"),
        ListPlace("subscriptions.data", "subscription", "items"),
        ListPlace("subscriptions.data.latest_invoice", "invoice", "lines"),
    ]
    assert list(lists_in(("reporting.report_run",), [])) == [ListPlace("result", "file", "links")]
    assert [place.path for place in lists_in(("balance_transaction",), ["source"])] == [
        "source.refunds",
        "source.reversals",
    ]


@pytest.mark.parametrize("name", ROWS)
def test_of_every_list_in_a_row_the_rest_can_be_asked_for(name: str) -> None:
    """Whatever a config expands."""
    listed = {(kind, path) for row in ROWS.values() for kind in row.object for path in row.nested}
    row = ROWS[name]
    for place in lists_in(row.object, expandable(row.object, room(row, ROWS))):
        left_out = place.path in row.leaves_out
        assert (place.kind, place.field) in listed or place.path in row.nested or left_out


# ---- the config


def refused(expand: Mapping[str, Iterable[str]]) -> str:
    with pytest.raises(ConfigError) as error:
        expanded_too(ROWS, {stream: [*paths] for stream, paths in expand.items()})
    return str(error.value)


def test_a_config_adds_to_what_is_expanded_anyway() -> None:
    rows = expanded_too(ROWS, {"charges": ["customer", "balance_transaction", "payment_intent.customer"]})
    assert rows["charges"].expand == ("balance_transaction", "customer", "payment_intent.customer")
    assert {name: row for name, row in rows.items() if row != ROWS[name]}.keys() == {"charges"}


def test_an_unknown_stream_is_refused_with_one_that_is_meant() -> None:
    assert refused({"chargess": ["customer"]}) == (
        "The config can't be used: expand: there is no stream chargess. Did you mean charges?"
    )
    assert refused({"xyzzy": []}) == "The config can't be used: expand: there is no stream xyzzy."


def test_an_unknown_path_is_refused_with_those_that_are_allowed() -> None:
    assert refused({"payouts": ["balance"]}) == (
        "The config can't be used: expand: payouts: balance is nothing that Stripe expands. What can be expanded: "
        "application_fee, balance_transaction, destination, failure_balance_transaction, original_payout, reversed_by."
    )


def test_what_an_object_on_the_way_has_is_told_too() -> None:
    message = refused({"disputes": ["charge.card"]})
    assert "What can be expanded: balance_transactions.source, charge, " in message
    assert " In charge: charge.application, charge.application_fee, charge.balance_transaction, " in message


def test_a_path_that_is_too_deep_is_refused() -> None:
    too_deep = "payment_intent.latest_charge.customer.default_source"
    message = refused({"charges": [too_deep]})
    assert f"expand: charges: {too_deep} is too deep: Stripe expands 4 levels, of which the list takes 1. " in message
    assert (
        "expand: invoice_line_items: subscription.customer is too deep: Stripe expands 4 levels, of which"
        in refused({"invoice_line_items": ["subscription.customer"]})
    )


def test_a_stream_in_which_nothing_can_be_expanded_says_so() -> None:
    for stream in ("events", "v2_core_accounts", "reserve_holds", "discounts"):
        assert refused({stream: ["customer"]}).endswith("Nothing in this stream can be expanded.")


def test_every_mistake_is_told_at_once() -> None:
    message = refused({"charges": ["a", "customer", "b"], "cards": ["cvc"]})
    assert [name in message for name in ("charges: a is", "charges: b is", "cards: cvc is", "customer is")] == [
        True,
        True,
        True,
        False,
    ]


def test_check_discover_and_read_refuse_before_any_request(requests_mock: Mocker) -> None:
    config = {"client_secret": KEY, "expand": {"charges": ["data.custmer"]}}
    source = SourceStripe(None, config, None)
    status = source.check(LOGGER, config)
    assert status.status is Status.FAILED
    assert "charges: custmer is nothing that Stripe expands. What can be expanded: application, " in str(status.message)
    with pytest.raises(AirbyteTracedException, match="charges: custmer"):
        source.discover(LOGGER, config)
    with pytest.raises(AirbyteTracedException, match="charges: custmer"):
        list(source.read(LOGGER, config, ConfiguredAirbyteCatalog(streams=[]), []))
    assert not requests_mock.called


# ---- schemas


def discovered(**expand: list[str]) -> dict[str, Any]:
    source = SourceStripe(None, {"client_secret": KEY, "expand": expand}, None)
    return {stream.name: stream.json_schema for stream in source.discover(LOGGER, {}).streams}


def at(schema: Mapping[str, Any], path: str) -> Any:
    for name in path.split("."):
        schema = schema["items"] if name == "[]" else schema["properties"][name]
    return schema


def test_without_a_config_the_schemas_are_the_files() -> None:
    for row in ROWS.values():
        file = StreamSchema(row.model_copy(update={"expand": ()}), ROWS).get_json_schema()
        assert StreamSchema(row, ROWS).get_json_schema() == file


def test_an_expanded_field_is_the_object_as_its_stream_has_it() -> None:
    customer = at(discovered(charges=["customer"])["charges"], "customer")
    assert customer["type"] == ["null", "object"]
    assert customer["description"] == "ID of the customer this charge is for if one exists."
    assert at(customer, "email")["type"] == ["null", "string"]
    own = StreamSchema(ROWS["customers"], ROWS).get_json_schema()["properties"]
    assert own.keys() - customer["properties"].keys() == {"updated", "is_deleted"}


def test_what_the_stream_of_an_object_expands_is_an_id_in_another() -> None:
    schemas = discovered(charges=["payment_intent"], subscriptions=["latest_invoice"])
    assert at(schemas["payment_intents"], "latest_charge")["type"] == ["null", "object"]
    assert at(schemas["charges"], "payment_intent.latest_charge")["type"] == ["null", "string"]
    assert at(schemas["invoices"], "lines.data.[].discounts.[]")["type"] == ["null", "object"]
    assert at(schemas["subscriptions"], "latest_invoice.lines.data.[].discounts.[]") == {"type": ["null", "string"]}


def test_each_stop_of_a_path_is_expanded() -> None:
    charges = discovered(charges=["payment_intent.latest_charge.customer"])["charges"]
    assert at(charges, "payment_intent.latest_charge.amount")["type"] == ["null", "integer"]
    assert at(charges, "payment_intent.latest_charge.customer.email")["type"] == ["null", "string"]


def test_elements_of_an_array_are_expanded() -> None:
    discounts = at(discovered(invoices=["account_tax_ids"])["invoices"], "account_tax_ids")
    assert discounts["type"] == ["null", "array"]
    assert at(discounts, "[].value")["type"] == ["null", "string"]


def test_what_may_be_of_several_kinds_has_the_fields_of_all() -> None:
    source = at(discovered(balance_transactions=["source"])["balance_transactions"], "source")
    assert at(source, "evidence_details")["type"] == ["null", "object"]
    assert at(source, "arrival_date")["type"] == ["null", "integer"]


def test_an_object_of_no_stream_is_left_open() -> None:
    application = at(discovered(charges=["application"])["charges"], "application")
    assert {**application, "description": None} == {
        "type": ["null", "object"],
        "additionalProperties": True,
        "description": None,
    }


def test_schemas_of_alternatives_are_merged() -> None:
    one = {"type": ["null", "object"], "properties": {"a": {"type": ["null", "string"]}}, "additionalProperties": True}
    other = {"type": ["null", "object"], "properties": {"a": {"type": ["null", "integer"]}, "b": {"type": ["null"]}}}
    assert merged([one, other]) == {
        "type": ["null", "object"],
        "properties": {"a": {"type": ["null", "string", "integer"]}, "b": {"type": ["null"]}},
        "additionalProperties": True,
    }
