"""schemas/ is what tools/generate_schemas.py makes of the manifest, and says what Stripe sends."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tools import stripe_types
from tools.generate_schemas import ROOT, main, read_rows, render
from tools.record_schema import UPDATED, Row, SchemaError, first_sentence, record_schema
from tools.stripe_types import Field, ObjectType, Resource, Scalar, list_operations, object_names
from tools.type_supplements import object_type

SCHEMAS = ROOT / "schemas"
ROWS = {row.name: row for row in read_rows(ROOT / "manifest.yaml")}
Node = dict[str, Any]


def committed(stream: str) -> Node:
    schema: Node = json.loads((SCHEMAS / f"{stream}.json").read_text("utf-8"))
    return schema


def at(schema: Node, path: str) -> Node:
    """The schema of a field: names, `[]` into an array, `{}` into a map."""
    for segment in path.split("."):
        if segment == "[]":
            schema = schema["items"]
        elif segment == "{}":
            schema = schema["additionalProperties"]
        else:
            schema = schema["properties"][segment]
    return schema


def nodes(schema: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every schema inside a schema, with the path that leads to it."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], path + mark)


def test_every_stream_has_a_schema_and_every_schema_a_stream() -> None:
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == sorted(ROWS)


@pytest.mark.parametrize("stream", ROWS)
def test_it_is_draft_07(stream: str) -> None:
    schema = committed(stream)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("stream", ROWS)
def test_everything_is_nullable_open_and_spelled_out(stream: str) -> None:
    for path, node in nodes(committed(stream)):
        assert node["type"][0] == "null", path
        assert len(node["type"]) == 2, path
        assert not {"enum", "const", "$ref", "anyOf", "oneOf", "required"} & set(node), path
        if "object" in node["type"]:
            assert node["additionalProperties"] is True or "properties" not in node, path
        if "array" in node["type"]:
            assert node["items"], path


@pytest.mark.parametrize(
    ("stream", "path", "kind"),
    [
        # money: integers in the currency's smallest unit
        ("charges", "amount", "integer"),
        ("charges", "amount_refunded", "integer"),
        ("payment_intents", "amount_received", "integer"),
        ("invoices", "total", "integer"),
        ("invoices", "lines.data.[].amount", "integer"),
        ("balance_transactions", "fee", "integer"),
        ("balance_transactions", "net", "integer"),
        ("balance_transactions", "fee_details.[].amount", "integer"),
        ("disputes", "balance_transactions.[].amount", "integer"),
        ("customers", "balance", "integer"),
        # what is not a whole number of cents
        ("balance_transactions", "exchange_rate", "number"),
        ("subscriptions", "items.data.[].price.unit_amount_decimal", "string"),
        # times: Unix seconds
        ("payouts", "arrival_date", "integer"),
        ("balance_transactions", "available_on", "integer"),
        ("checkout_sessions", "expires_at", "integer"),
        ("invoices", "status_transitions.paid_at", "integer"),
        ("subscriptions", "items.data.[].current_period_end", "integer"),
        # shapes
        ("charges", "payment_method_details.card.brand", "string"),
        ("charges", "metadata", "object"),
        ("charges", "metadata.{}", "string"),
        ("charges", "customer", "string"),
        ("charges", "refunds.data.[].id", "string"),
        ("charges", "outcome.rule", "string"),
        ("invoices", "lines", "object"),
        ("invoices", "lines.has_more", "boolean"),
        ("invoices", "lines.data", "array"),
        ("invoices", "lines.data.[].pricing.price_details.price", "string"),
        ("promotion_codes", "promotion.coupon", "string"),
        ("promotion_codes", "restrictions.currency_options.{}.minimum_amount", "integer"),
        ("subscriptions", "items.data.[].price.id", "string"),
        ("subscriptions", "items.data.[].price.product", "string"),
        ("payment_intents", "last_payment_error.code", "string"),
        ("payment_intents", "last_payment_error.payment_method", "object"),
        ("customers", "sources.data.[].last4", "string"),
        ("customers", "sources.data.[].business_profile", "object"),
        ("events", "data.object", "object"),
        ("events", "data.previous_attributes", "object"),
    ],
)
def test_a_field_has_the_type_that_stripe_sends(stream: str, path: str, kind: str) -> None:
    assert at(committed(stream), path)["type"] == ["null", kind]


def test_created_is_an_integer_wherever_it_stands_in_v1_and_a_date_time_in_v2() -> None:
    kinds = {
        f"{stream}{path}": (node["type"][1], node.get("format"))
        for stream in ROWS
        for path, node in nodes(committed(stream))
        if path.endswith(".created")
    }
    v2 = {name: kind for name, kind in kinds.items() if name.startswith("v2_")}
    assert len(kinds) > len(ROWS)
    assert {name: kind for name, kind in kinds.items() if name not in v2 and kind != ("integer", None)} == {}
    assert {name: kind for name, kind in v2.items() if kind != ("string", "date-time")} == {}


def test_the_hashes_that_events_carry_are_open() -> None:
    for path in ("data.object", "data.previous_attributes"):
        assert "properties" not in at(committed("events"), path)
        assert at(committed("events"), path)["additionalProperties"] is True


@pytest.mark.parametrize("stream", ROWS)
def test_streams_that_follow_changes_say_when_and_whether_deleted(stream: str) -> None:
    row, properties = ROWS[stream], committed(stream)["properties"]
    assert ("is_deleted" in properties) == (row.cursor not in (None, "created") or row.sync == "parent")
    if row.cursor == "updated":
        assert properties["updated"] == UPDATED
    elif "updated" in properties:
        assert properties["updated"]["description"] != UPDATED["description"]


def test_updated_is_ours_also_where_stripe_has_one() -> None:
    own = object_type("v2.core.account_person").field("updated").type
    ours = record_schema(Row("v2_core_account_persons", ("v2.core.account_person",), "updated"))
    assert own == Scalar("string", format="date-time")
    assert at(ours, "updated")["type"] == ["null", "integer"]


def test_deleted_objects_leave_no_field() -> None:
    assert "deleted" not in committed("customers")["properties"]


# --check


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCHEMAS, tmp_path / "schemas"))


def test_check_passes_on_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_what_is_not_right_and_leaves_it(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = (copy / "charges.json").read_text("utf-8").replace('"Charge"', '"Charges"')
    (copy / "charges.json").write_text(changed, "utf-8")
    (copy / "payouts.json").unlink()
    (copy / "unheard_of.json").write_text("{}", "utf-8")

    assert main(["--check", "--schemas", str(copy)]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "schemas/charges.json: differs",
        "schemas/payouts.json: missing",
        "schemas/unheard_of.json: superfluous",
    ]
    assert (copy / "charges.json").read_text("utf-8") == changed
    assert not (copy / "payouts.json").exists()
    assert (copy / "unheard_of.json").exists()


def test_without_check_it_is_put_right(copy: Path) -> None:
    (copy / "charges.json").write_text("{}", "utf-8")
    (copy / "payouts.json").unlink()
    (copy / "unheard_of.json").write_text("{}", "utf-8")

    assert main(["--schemas", str(copy)]) == 0

    texts = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (copy, SCHEMAS)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"object": "chargeback"}, "odd: the stripe package knows no object 'chargeback'"),
        ({}, "odd: the row names no object"),
        ({"object": "charge", "expand": ["custmer"]}, "odd: expand: charge has no field custmer"),
        ({"object": "charge", "adds": {"invoice_id": "text"}}, "odd: adds: invoice_id is 'text', not one of string"),
        (
            {"object": "charge", "adds": {"amount": "string"}},
            "odd: Stripe's amount is integer, the connector would make",
        ),
        (
            {"object": "charge", "parent": {"stream": "odd", "as": "amount", "id_as": "amount"}},
            "odd: Stripe's amount is integer, the connector would make",
        ),
        (
            {"object": "charge", "parent": {"stream": "odd", "as": "parent", "carries": ["metadata"]}},
            "odd: metadata is no scalar",
        ),
        (
            {"object": "charge", "parent": {"stream": "odd", "as": "parent", "carries": ["updated"]}},
            "odd: charge has no field 'updated'",
        ),
    ],
)
def test_a_row_that_asks_for_what_is_not_there_is_refused(
    row: Node, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(yaml.safe_dump({"streams": [{"name": "odd", **row}]}), "utf-8")
    assert main(["--manifest", str(manifest), "--schemas", str(tmp_path / "schemas")]) == 1
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "schemas").exists()


# what later rows will ask for


def test_a_row_takes_what_its_definition_says(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(
        """
definitions:
  changing: {cursor: updated, expand: [customer]}
streams:
  - {$ref: "#/definitions/changing", name: payouts, object: payout, expand: [balance_transaction]}
  - {$ref: "#/definitions/changing", name: external_accounts, object: [bank_account, card], adds: {account_id: string}}
""",
        "utf-8",
    )
    assert read_rows(manifest) == [
        Row("payouts", ("payout",), "updated", ("balance_transaction",)),
        Row("external_accounts", ("bank_account", "card"), "updated", ("customer",), {"account_id": "string"}),
    ]


def test_a_child_gets_its_parents_id_and_what_it_carries() -> None:
    schema = committed("checkout_sessions_line_items")["properties"]
    added = {name: field["type"][1] for name, field in schema.items() if name.startswith("checkout_session_")}
    assert added == {
        "checkout_session_id": "string",
        "checkout_session_created": "integer",
        "checkout_session_updated": "integer",
        "checkout_session_expires_at": "integer",
    }
    assert schema["checkout_session_id"]["description"] == "ID of the checkout session. Added by the connector."


def test_a_childs_own_field_for_its_parent_stays_as_stripe_describes_it() -> None:
    own = record_schema(Row("transfer_reversals", ("transfer_reversal",)))["properties"]["transfer"]
    assert committed("transfer_reversals")["properties"]["transfer"] == own
    assert "transfer_id" not in committed("transfer_reversals")["properties"]


def test_a_parent_that_is_not_named_leaves_nothing() -> None:
    assert ROWS["discounts"].parents == ()


def test_what_the_package_lacks_is_supplemented() -> None:
    assert at(committed("usage_records"), "period.end")["type"] == ["null", "integer"]
    assert at(committed("usage_records"), "total_usage")["type"] == ["null", "integer"]
    assert at(committed("v2_core_events"), "related_object.url")["type"] == ["null", "string"]
    assert at(committed("v2_core_events"), "data") == {"type": ["null", "object"], "additionalProperties": True}
    assert at(committed("v2_core_events"), "reason.type")["type"] == ["null", "string"]


def test_a_supplement_stands_for_nothing_that_the_package_has() -> None:
    for name, supplement in json.loads((ROOT / "tools" / "type_supplements.json").read_text("utf-8")).items():
        known = {item.name for item in stripe_types.object_type(name).fields} if name in object_names() else set()
        assert not known & set(supplement["fields"])


def test_what_a_row_expands_is_an_object() -> None:
    plain = record_schema(Row("charges", ("charge",)))
    expanded = record_schema(Row("charges", ("charge",), expand=("balance_transaction", "refunds.data.charge")))
    assert at(plain, "balance_transaction")["type"] == ["null", "string"]
    assert at(expanded, "balance_transaction.fee")["type"] == ["null", "integer"]
    assert at(expanded, "balance_transaction.source")["type"] == ["null", "string"]
    assert at(expanded, "refunds.data.[].charge.amount")["type"] == ["null", "integer"]
    assert at(expanded, "customer")["type"] == ["null", "string"]


def test_expanding_below_an_object_expands_the_object() -> None:
    schema = record_schema(Row("charges", ("charge",), expand=("balance_transaction.source",)))
    # source is one of many kinds of object: it has the fields of all
    assert at(schema, "balance_transaction.source.evidence_details")["type"] == ["null", "object"]
    assert at(schema, "balance_transaction.source.arrival_date")["type"] == ["null", "integer"]


def test_a_stream_of_several_kinds_of_object_has_the_fields_of_all() -> None:
    schema = record_schema(Row("external_accounts", ("bank_account", "card"), adds={"account_id": "string"}))
    assert at(schema, "routing_number")["type"] == ["null", "string"]
    assert at(schema, "exp_year")["type"] == ["null", "integer"]
    assert at(schema, "account_id")["type"] == ["null", "string"]
    assert schema["title"] == "Bank account or Card"


def test_an_object_inside_itself_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    # No object of the pinned version embeds itself, but for the errors below: a later one may.
    nested = ObjectType("invoice", (Field("from_invoice", Resource("invoice"), True, ""),))
    monkeypatch.setattr("tools.record_schema.object_type", lambda _: nested)
    assert at(record_schema(Row("invoices", ("invoice",))), "from_invoice") == {
        "type": ["null", "object"],
        "additionalProperties": True,
    }


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("invoice", "last_finalization_error"),
        ("payment_intent", "last_payment_error"),
        ("setup_intent", "last_setup_error"),
        ("setup_attempt", "setup_error"),
        ("terminal.reader", "action.api_error"),
    ],
)
def test_errors_are_flat(kind: str, error: str) -> None:
    schema = at(record_schema(Row("any", (kind,))), error)
    assert at(schema, "message")["type"] == ["null", "string"]
    for name in ("payment_intent", "payment_method", "setup_intent", "source"):
        assert at(schema, name)["type"] == ["null", "object"]
        assert "properties" not in at(schema, name)


def test_what_a_row_expands_may_repeat_the_object() -> None:
    schema = record_schema(Row("charges", ("charge",), expand=("payment_intent.latest_charge",)))
    assert at(schema, "payment_intent.latest_charge.amount")["type"] == ["null", "integer"]


def test_v2_times_are_rfc_3339() -> None:
    schema = record_schema(Row("v2_core_accounts", ("v2.core.account",)))
    assert at(schema, "created")["type"] == ["null", "string"]
    assert at(schema, "created")["format"] == "date-time"


def test_every_list_of_the_api_makes_a_schema_of_a_size_that_destinations_take() -> None:
    sizes = {
        operation.objects: len(render(record_schema(Row("any", operation.objects, cursor="any"))).encode())
        for operation in list_operations()
    }
    assert len(sizes) > 120
    assert {objects: size for objects, size in sizes.items() if size > 150_000} == {}
    assert sum(sizes.values()) < 2_000_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two.", "One."),
        ("See [the guide](https://docs.stripe.com/x) of `foo.bar` now.\n\nMore.", "See the guide of `foo.bar` now."),
        ("Wrapped\nline, e.g. Visa or 1.5 USD", "Wrapped line, e.g. Visa or 1.5 USD"),
        ("<p>Paid.</p> `true` if so", "Paid."),
        ("", ""),
    ],
)
def test_descriptions_are_one_sentence_of_plain_text(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_a_schema_error_says_which_stream() -> None:
    with pytest.raises(SchemaError, match=r"^payouts: expand: payout has no field destination\.nothing$"):
        record_schema(Row("payouts", ("payout",), expand=("destination.nothing",)))
