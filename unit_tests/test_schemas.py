"""schemas/ is what tools/generate_schemas.py makes of the manifest, and says what Stripe sends."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from source_stripe.catalog.manifest import Manifest
from tools.generate_schemas import ROOT, main, read_rows
from tools.record_schema import UPDATED, Row, record_schema
from tools.stripe_types import Scalar
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


def hung(carries: list[str], id_as: str) -> Node:
    """A router of a stream that is its own parent."""
    config = {
        "stream": {"$ref": "#/definitions/streams/odd"},
        "parent_key": "id",
        "partition_field": "above",
        "extra_fields": [[field] for field in carries],
    }
    return {"$ref": "#/definitions/parents", "parent_stream_configs": [config], "id_as": {"above": id_as}}


def manifest_of(folder: Path, *rows: Node, **definitions: Node) -> Path:
    """A manifest with the real definitions, and these rows: what their retrievers say."""
    text = Manifest.load().text
    shared = {name: node for name, node in text["definitions"].items() if name != "streams"}
    streams = []
    for row in rows:
        name = row.pop("name")
        way = {"$ref": "#/definitions/v1_list", "requester": {"$ref": "#/definitions/requester", "path": f"/v1/{name}"}}
        retriever = {**way, "changes": {"sync": "snapshot"}, "about": {"group": "Core"}, **row}
        streams.append({"$ref": "#/definitions/stream", "$parameters": {"name": name}, "retriever": retriever})
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump({**text, "definitions": {**shared, **definitions}, "streams": streams}), "utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"object": "chargeback"}, "odd: the stripe package knows no object 'chargeback'"),
        ({}, "The stream odd of manifest.yaml can't be used: retriever.object: Field required."),
        ({"object": "charge", "expand": ["custmer"]}, "odd: expand: charge has no field custmer"),
        ({"object": "charge", "adds": {"invoice_id": "text"}}, "odd: adds: invoice_id is 'text', not one of string"),
        (
            {"object": "charge", "adds": {"amount": "string"}},
            "odd: Stripe's amount is integer, the connector would make",
        ),
        (
            {"object": "charge", "partition_router": hung([], "amount")},
            "odd: Stripe's amount is integer, the connector would make",
        ),
        (
            {"object": "charge", "partition_router": hung(["metadata"], "above_id")},
            "odd: metadata is no scalar",
        ),
        (
            {"object": "charge", "partition_router": hung(["updated"], "above_id")},
            "odd: charge has no field 'updated'",
        ),
    ],
)
def test_a_row_that_asks_for_what_is_not_there_is_refused(
    row: Node, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = manifest_of(tmp_path, {"name": "odd", **row})
    assert main(["--manifest", str(manifest), "--schemas", str(tmp_path / "schemas")]) == 1
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "schemas").exists()


# what later rows will ask for


def test_a_row_takes_what_its_definition_says(tmp_path: Path) -> None:
    changing = {
        "$ref": "#/definitions/v1_list",
        "expand": ["customer"],
        "changes": {"sync": "snapshot", "cursor": "updated"},
    }
    manifest = manifest_of(
        tmp_path,
        {"name": "payouts", "object": "payout", "expand": ["balance_transaction"]},
        {
            "name": "external_accounts",
            "$ref": "#/definitions/changing",
            "object": ["bank_account", "card"],
            "adds": {"account_id": "string"},
            "changes": {"$ref": "#/definitions/changing/changes"},
        },
        changing=changing,
    )
    plain, changed = read_rows(manifest)
    assert plain == Row("payouts", ("payout",), None, ("balance_transaction",), sync="snapshot")
    added = {"account_id": "string"}
    assert changed == Row(
        "external_accounts", ("bank_account", "card"), "updated", ("customer",), added, sync="snapshot"
    )
