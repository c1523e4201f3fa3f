"""manifest.yaml has a stream for every list of the API, and what its rows say is there at Stripe."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver

from tools.generate_docs import read_streams
from tools.generate_schemas import ROOT
from tools.stripe_types import Array, Expandable, ListOf, Map, Resource, Type, Union, list_operations
from tools.type_supplements import object_type

MANIFEST = ROOT / "manifest.yaml"
FACTS = ROOT / "stripe_emulator" / "facts"
Row = Mapping[str, Any]

STREAMS: dict[str, Row] = {row["name"]: row for row in read_streams(MANIFEST)}
COVERAGE = yaml.safe_load((ROOT / "tools" / "stream_coverage.yaml").read_text("utf-8"))

# As the manifest's comment explains them; `type` and `retriever` are the CDK's.
KEY_ORDER = """
    $ref type retriever name group path object primary_key
    params passes expand filter time_field older_time_fields paging nested api version adds parent parents product
    sync cursor lookback overlap events event_object touched_by other_ids deletes hides get include may_refuse
    needs deprecated opt_in sensitive notes
"""
PARENT_KEYS = {
    "stream",
    "where",
    "via",
    "as",
    "id_from",
    "id_as",
    "params_from",
    "field",
    "hidden",
    "carries",
    "optional",
}
SYNC = {"events", "events+created", "created", "parent", "snapshot", "single"}
RANGE_PARAMS = {
    "created": {"created"},
    "created_gte": {"created_gte", "created_lt"},
    "created_after": {"created_after", "created_before"},
    "start_time": {"start_time", "end_time"},
}

# What Airbyte's own connector calls them (version 6): a connection that moves here keeps its tables and its state.
AIRBYTE_CURSORS = {
    "created": """
        balance_transactions customer_balance_transactions events file_links files setup_attempts shipping_rates
        transfer_reversals
    """,
    "updated": """
        accounts application_fees application_fees_refunds authorizations bank_accounts cardholders cards charges
        checkout_sessions coupons credit_notes customers disputes early_fraud_warnings
        external_account_bank_accounts external_account_cards invoice_items invoices payment_intents
        payment_methods payout_balance_transactions payouts persons plans prices products promotion_codes refunds
        reviews setup_intents subscription_schedule subscriptions top_ups transactions transfers
    """,
    "invoice_updated": "invoice_line_items",
    "checkout_session_updated": "checkout_sessions_line_items",
    "subscription_updated": "subscription_items",
    None: "usage_records",
}
AIRBYTE = {name: cursor for cursor, names in AIRBYTE_CURSORS.items() for name in names.split()}

# Event types that carry a stream's object and still don't concern it.
NOT_FOLLOWED = (
    "account.external_account.",  # bank accounts and cards of accounts: streams that are read whole
    "invoice.upcoming",  # a preview, without an id
    "issuing_authorization.request",  # asks for a decision; issuing_authorization.created follows
)


def names(which: Callable[[Row], Any]) -> list[str]:
    """The streams whose rows are such."""
    return [name for name, row in STREAMS.items() if which(row)]


def objects(row: Row) -> set[str]:
    """Stripe's names of the rows."""
    return {row["object"]} if isinstance(row["object"], str) else set(row["object"])


def parents(row: Row) -> list[Row]:
    return list(row.get("parents") or ([row["parent"]] if "parent" in row else []))


def anonymous(path: str) -> str:
    """A path whose braces have no names: the package calls many of them just {id}."""
    return re.sub(r"\{\w+\}", "{}", path)


def place(row: Row) -> str:
    """A stream's path with anonymous braces; empty if it has none."""
    return anonymous(row.get("path", ""))


def is_v2(row: Row) -> bool:
    return row.get("api") == "v2"


def facts(file: str) -> Any:
    return json.loads((FACTS / file).read_text("utf-8"))


ENDPOINTS = {anonymous(endpoint["path"]): endpoint for endpoint in facts("endpoints.json")["gets"]}
EVENT_OBJECTS: dict[str, list[str]] = facts("events.json")["types"]


def fields(row: Row) -> set[str]:
    """The fields of a stream's records."""
    return set(json.loads((ROOT / "schemas" / f"{row['name']}.json").read_text("utf-8"))["properties"])


# every list has a stream


def test_every_list_of_the_api_has_a_stream_or_a_reason() -> None:
    paths = {place(row) for row in STREAMS.values()}
    left_out = [operation.path for operation in list_operations() if anonymous(operation.path) not in paths]
    assert left_out == sorted(COVERAGE["operations_without_a_stream"])
    assert (len(list_operations()), len(left_out)) == (138, 2)


def test_every_stream_has_a_list_or_a_reason() -> None:
    lists = {anonymous(operation.path): set(operation.objects) for operation in list_operations()}
    without = names(lambda row: not objects(row) <= lists.get(place(row), set()))
    assert sorted(without) == sorted(COVERAGE["streams_without_an_operation"])
    assert (len(STREAMS), len(without)) == (154, 14)


def test_every_kind_of_object_in_a_list_has_a_stream_or_a_reason() -> None:
    kinds = {(place(row), kind) for row in STREAMS.values() for kind in objects(row)}
    left_out = {
        (operation.path, kind)
        for operation in list_operations()
        for kind in operation.objects
        if (anonymous(operation.path), kind) not in kinds
    }
    reasons = {(path, kind) for path, why in COVERAGE["kinds_without_a_stream"].items() for kind in why}
    assert {each for each in left_out if each[0] not in COVERAGE["operations_without_a_stream"]} == reasons


def test_no_two_streams_are_the_same() -> None:
    asked = [(place(row), *sorted(objects(row)), *parents(row)[:1]) for row in STREAMS.values()]
    assert [each for each in asked if asked.count(each) > 1] == []


@pytest.mark.parametrize("name", AIRBYTE)
def test_airbytes_streams_keep_name_key_and_cursor(name: str) -> None:
    assert STREAMS[name]["primary_key"] == "id"
    assert STREAMS[name].get("cursor") == AIRBYTE[name]


def test_airbytes_streams_are_47() -> None:
    assert len(AIRBYTE) == 47


# rows


def test_rows_and_definitions_say_only_what_the_comment_explains_and_in_that_order() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    definitions = {row["$ref"].rpartition("/")[2] for row in manifest["streams"]}
    for row in [*manifest["streams"], *(manifest["definitions"][name] for name in definitions | {"stream"})]:
        assert list(row) == [key for key in KEY_ORDER.split() if key in row], row


def test_a_row_does_not_repeat_its_definition() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    names = {row["$ref"] for row in manifest["streams"]}
    bare = {name: {**row} for name, row in zip(names, resolved([{"$ref": name} for name in names]), strict=True)}
    repeated = {
        row["name"]: key
        for row in manifest["streams"]
        for key, value in row.items()
        if key in bare[row["$ref"]] and bare[row["$ref"]][key] == value
    }
    assert repeated == {}


def resolved(rows: list[Row]) -> list[Row]:
    """Other rows in the manifest's place, with what its definitions say."""
    manifest = {**yaml.safe_load(MANIFEST.read_text("utf-8")), "streams": rows}
    found: list[Row] = ManifestReferenceResolver().preprocess_manifest(manifest)["streams"]
    return found


@pytest.mark.parametrize("name", STREAMS)
def test_a_row_is_complete(name: str) -> None:
    row = STREAMS[name]
    assert row["sync"] in SYNC
    assert row.get("filter") in {None, *RANGE_PARAMS}
    assert not ("parent" in row and "parents" in row)
    assert ("product" in row) <= ("parents" in row)
    keys = [row["primary_key"]] if isinstance(row["primary_key"], str) else row["primary_key"]
    assert {*keys, row.get("cursor") or keys[0]} <= fields(row)
    if row["sync"] in ("events", "events+created"):
        assert row["cursor"] == "updated"
        assert row["events"]
    if row["sync"] in ("created", "events+created") and row["paging"] == "next_page_url":
        assert row["filter"], "v2 says nothing of the order of its lists"
    if row["sync"] == "parent":
        assert parents(row)


@pytest.mark.parametrize("name", names(lambda row: row.get("filter") and place(row) != "/v1/events"))
def test_a_list_that_is_cut_by_time_says_when_its_rows_were_made(name: str) -> None:
    kind = object_type(STREAMS[name]["object"]).field(STREAMS[name]["time_field"]).type
    assert kind == object_type("v2.core.event" if is_v2(STREAMS[name]) else "event").field("created").type


@pytest.mark.parametrize("name", names(lambda row: place(row) in ENDPOINTS))
def test_an_endpoint_is_asked_for_what_it_needs_and_knows(name: str) -> None:
    row = STREAMS[name]
    endpoint = ENDPOINTS[anonymous(row["path"])]
    sent = set(RANGE_PARAMS.get(row.get("filter") or "", ()))
    for key in [*row.get("params", {}), *(key for each in row.get("passes", ()) for key in each)]:
        sent.add(key.partition("[")[0])
    for parent in parents(row):
        sent |= set(parent.get("params_from", {}))
        if "as" in parent and f"{{{parent['as']}}}" not in row["path"]:
            sent.add(parent["as"])
    assert set(re.findall(r"\{(\w+)\}", row["path"])) <= {parent["as"] for parent in parents(row)}
    assert set(endpoint["required"]) <= sent <= set(endpoint["params"])


@pytest.mark.parametrize("name", names(lambda row: place(row) in ENDPOINTS and "{" not in place(row)))
def test_a_list_that_can_be_cut_by_time_is(name: str) -> None:
    row = STREAMS[name]
    ranges = ENDPOINTS[row["path"]]["params"].get("created") == "range"
    # Accounts and trial offers may have no `created`; of changed parents, children that changed are wanted too.
    if row["sync"] in ("parent", "single") or name in ("accounts", "product_catalog_trial_offers"):
        assert not row.get("filter")
    else:
        assert (row.get("filter") == "created") == ranges


# parents


@pytest.mark.parametrize("name", names(parents))
def test_a_child_hangs_on_streams_and_fields_that_are_there(name: str) -> None:
    for parent in parents(STREAMS[name]):
        assert set(parent) <= PARENT_KEYS
        above = STREAMS[parent["stream"]]
        source = object_type("tax.association") if "via" in parent else object_type(above["object"])
        paths = [parent["id_from"]] if isinstance(parent.get("id_from"), str) else parent.get("id_from", [])
        assert all(at(source, path) for path in paths)
        for path in [*parent.get("where", {}), *parent.get("params_from", {}).values()]:
            assert at(object_type(above["object"]), path), path
        assert set(parent.get("carries", ())) <= fields(above)
        if "field" in parent:
            found = {kind for held in at(object_type(above["object"]), parent["field"]) for kind in kinds(held)}
            assert objects(STREAMS[name]) <= found
        assert ("hidden" in parent) <= ("field" in parent)


def test_no_stream_is_its_own_ancestor() -> None:
    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        assert name not in seen
        return 1 + max((depth(parent["stream"], (*seen, name)) for parent in parents(STREAMS[name])), default=0)

    assert max(depth(name) for name in STREAMS) == 3


SHOWN = {(each["parent"], each["field"]): each["shown"] for each in facts("lists.json")["embedded"]}


@pytest.mark.parametrize("name", names(lambda row: any("field" in parent for parent in parents(row))))
def test_hidden_lists_are_expanded(name: str) -> None:
    for parent in parents(STREAMS[name]):
        shown = SHOWN.get((STREAMS[parent["stream"]]["object"], parent["field"]))
        if shown is not None:
            assert parent.get("hidden", False) >= (not shown)


def at(kind: Type, path: str) -> list[Type]:
    """The types at the end of a dotted path; `*` is every field of a hash."""
    reached = [kind]
    for segment in path.split("."):
        reached = [inner for each in reached for inner in step(each, segment)]
    return reached


def step(kind: Type, segment: str) -> Iterator[Type]:
    if isinstance(kind, Array | ListOf):
        if isinstance(kind, ListOf) and segment == "data":
            yield Array(kind.items)
        else:
            yield from step(kind.items, segment)
    elif isinstance(kind, Union | Expandable):
        for option in kind.options if isinstance(kind, Union) else kind.targets:
            yield from step(option, segment)
    elif isinstance(kind, Resource):
        yield from step(object_type(kind.name), segment)
    elif not isinstance(kind, Map) and hasattr(kind, "fields"):
        yield from (item.type for item in kind.fields if segment in ("*", item.name))


def kinds(kind: Type) -> Iterator[str]:
    """The object names that stand at a field."""
    if isinstance(kind, Array | ListOf):
        yield from kinds(kind.items)
    elif isinstance(kind, Union | Expandable):
        for option in kind.options if isinstance(kind, Union) else kind.targets:
            yield from kinds(option)
    elif isinstance(kind, Resource):
        yield kind.name


# size


def test_the_streams_read_like_a_table() -> None:
    lines = MANIFEST.read_text("utf-8").splitlines()
    rows = lines[lines.index("streams:") + 1 :]
    assert len(lines) < 2_000
    assert len(rows) / len(STREAMS) <= 10


def test_all_schemas_together_have_a_size_that_destinations_take() -> None:
    sizes = {path.stem: path.stat().st_size for path in (ROOT / "schemas").glob("*.json")}
    assert set(sizes) == set(STREAMS)
    assert sum(sizes.values()) < 2_000_000
    assert max(sizes.values()) < 150_000
