"""manifest.yaml has a stream for every list of the API, and what its rows say is there at Stripe."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from source_stripe.catalog.manifest import NO_NAME, Manifest
from source_stripe.catalog.terms import About, Changes, ParentsFields, RetrieverFields
from tools.generate_schemas import ROOT
from tools.stripe_types import Array, Expandable, ListOf, Map, Resource, Type, Union, list_operations
from tools.type_supplements import object_type

MANIFEST = ROOT / "manifest.yaml"
FACTS = ROOT / "stripe_emulator" / "facts"
Row = Mapping[str, Any]

STREAMS: dict[str, Row] = {
    row.name: row.model_dump(by_alias=True, exclude_defaults=True) for row in Manifest.load(MANIFEST).rows.values()
}
"""What the rows say beyond defaults."""
COVERAGE = yaml.safe_load((ROOT / "tools" / "stream_coverage.yaml").read_text("utf-8"))

# As docs/manifest.md has them; what the CDK has a term for comes first.
ROW_ORDER = "$ref $parameters primary_key retriever incremental_sync"
RETRIEVER_ORDER = " ".join(["$ref requester partition_router", *RetrieverFields.model_fields])
ROUTER_ORDER = " ".join(
    ["$ref type parent_stream_configs", *ParentsFields.model_fields, "requester cursor_field values request_option"]
)
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
    return set(row["object"])


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
    assert STREAMS[name]["primary_key"] == ("id",)
    assert STREAMS[name].get("cursor") == AIRBYTE[name]


def test_airbytes_streams_are_47() -> None:
    assert len(AIRBYTE) == 47


# rows


def text_rows() -> dict[str, dict[str, Any]]:
    """The rows as the text has them, those of parents too."""
    text = Manifest.load(MANIFEST).text
    parents: dict[str, dict[str, Any]] = text["definitions"]["streams"]
    written = (row for row in text["streams"] if "$parameters" in row)
    return parents | {row["$parameters"]["name"]: row for row in written}


def in_order(node: Row, order: str) -> bool:
    return list(node) == [key for key in order.split() if key in node]


@pytest.mark.parametrize(("name", "row"), text_rows().items())
def test_a_rows_keys_stand_in_the_order_of_the_docs(name: str, row: dict[str, Any]) -> None:
    retriever = row["retriever"]
    assert row["$parameters"] == {"name": name}
    assert in_order(row, ROW_ORDER)
    assert in_order(retriever, RETRIEVER_ORDER)
    assert in_order(retriever.get("partition_router", {}), ROUTER_ORDER)
    assert in_order(retriever["changes"], " ".join(Changes.model_fields))
    assert in_order(retriever["about"], " ".join(About.model_fields))


def test_rows_that_others_have_as_parents_stand_in_the_definitions_and_no_others() -> None:
    text = Manifest.load(MANIFEST).text
    named = {row["$ref"].rpartition("/")[2] for row in text["streams"] if "$parameters" not in row}
    wanted = {parent["stream"] for row in STREAMS.values() for parent in parents(row)}
    assert text["definitions"]["streams"].keys() == named == wanted


def test_a_row_says_no_more_than_it_must() -> None:
    """What its definition says, and what is so where nothing is said, is left out."""
    definitions = Manifest.load(MANIFEST).definitions
    repeated = []
    for name, row in text_rows().items():
        base, retriever = definitions[row["$ref"].rpartition("/")[2]], row["retriever"]
        under = definitions[retriever["$ref"].rpartition("/")[2]]
        repeated += [(name, key) for key, value in row.items() if base.get(key) == value]
        repeated += [(name, key) for key, value in retriever.items() if under.get(key) == value]
        for model, node in ((Changes, retriever["changes"]), (About, retriever["about"])):
            fields = model.model_fields
            repeated += [(name, key) for key, value in node.items() if fields[key].get_default() == value]
    assert repeated == []


@pytest.mark.parametrize("name", STREAMS)
def test_a_row_is_complete(name: str) -> None:
    row = STREAMS[name]
    assert ("product" in row) <= ("parents" in row)
    assert {*row["primary_key"], row.get("cursor") or row["primary_key"][0]} <= fields(row)
    if row["sync"] in ("events", "events+created"):
        assert row["cursor"] == "updated"
        assert row["events"]
    if row["sync"] in ("created", "events+created") and row.get("paging") == "next_page_url":
        assert row["filter"], "v2 says nothing of the order of its lists"
    if row["sync"] == "parent":
        assert parents(row)


@pytest.mark.parametrize("name", names(lambda row: row.get("filter") and place(row) != "/v1/events"))
def test_a_list_that_is_cut_by_time_says_when_its_rows_were_made(name: str) -> None:
    time_field = STREAMS[name].get("time_field", "created")
    kind = object_type(STREAMS[name]["object"][0]).field(time_field).type
    assert kind == object_type("v2.core.event" if is_v2(STREAMS[name]) else "event").field("created").type


@pytest.mark.parametrize("name", names(lambda row: place(row) in ENDPOINTS))
def test_an_endpoint_is_asked_for_what_it_needs_and_knows(name: str) -> None:
    row = STREAMS[name]
    endpoint = ENDPOINTS[anonymous(row["path"])]
    asked = row.get("filter") or {}
    sent = {asked[bound].partition("[")[0] for bound in ("start", "end") if asked}
    for key in [*row.get("params", {}), *(key for each in row.get("passes", ()) for key in each)]:
        sent.add(key.partition("[")[0])
    for parent in parents(row):
        sent |= set(parent.get("params_from", {}))
        if "as" in parent and f"{{{parent['as']}}}" not in row["path"]:
            sent.add(parent["as"])
    assert set(re.findall(r"\{(\w+)\}", row["path"])) <= {parent["as"] for parent in parents(row)}
    assert set(endpoint["required"]) <= sent <= set(endpoint["params"])


@pytest.mark.parametrize("name", names(parents))
def test_a_parents_id_fills_the_path_or_is_asked_with(name: str) -> None:
    """The CDK is told as a request option what source-stripe sees by the path's braces."""
    retriever = text_rows()[name]["retriever"]
    for config in retriever["partition_router"]["parent_stream_configs"]:
        option = config.get("request_option", {}).get("field_name")
        path = retriever["requester"].get("path", "")
        in_path = f"{{{{ stream_partition.{config['partition_field']} }}}}" in path
        nowhere = config["partition_field"] == NO_NAME and not path
        assert option == (None if in_path or nowhere else config["partition_field"])


@pytest.mark.parametrize("name", names(lambda row: place(row) in ENDPOINTS and "{" not in place(row)))
def test_a_list_that_can_be_cut_by_time_is(name: str) -> None:
    row = STREAMS[name]
    ranges = ENDPOINTS[row["path"]]["params"].get("created") == "range"
    # Accounts and trial offers may have no `created`; of changed parents, children that changed are wanted too.
    if row["sync"] in ("parent", "single") or name in ("accounts", "product_catalog_trial_offers"):
        assert not row.get("filter")
    else:
        assert ((row.get("filter") or {}).get("start") == "created[gte]") == ranges


# parents


@pytest.mark.parametrize("name", names(parents))
def test_a_child_hangs_on_streams_and_fields_that_are_there(name: str) -> None:
    for parent in parents(STREAMS[name]):
        above = STREAMS[parent["stream"]]
        kind = object_type(above["object"][0])
        source = object_type("tax.association") if "via" in parent else kind
        assert all(at(source, path) for path in parent.get("id_from", ()))
        for path in [*parent.get("where", {}), *parent.get("params_from", {}).values()]:
            assert at(kind, path), path
        assert set(parent.get("carries", ())) <= fields(above)
        if "field" in parent:
            found = {kind for held in at(kind, parent["field"]) for kind in kinds(held)}
            assert objects(STREAMS[name]) <= found
        assert ("hidden" in parent) <= ("field" in parent)


@pytest.mark.parametrize("name", names(parents))
def test_what_parents_hide_is_one_of_the_places_where_rows_stand(name: str) -> None:
    router = text_rows()[name]["retriever"]["partition_router"]
    pointers = {
        ".".join(each["lazy_read_pointer"]) for each in router["parent_stream_configs"] if "lazy_read_pointer" in each
    }
    assert set(router.get("hidden", ())) <= pointers
    assert router.get("id_as", {}).keys() <= {each["partition_field"] for each in router["parent_stream_configs"]}


def test_no_stream_is_its_own_ancestor() -> None:
    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        assert name not in seen
        return 1 + max((depth(parent["stream"], (*seen, name)) for parent in parents(STREAMS[name])), default=0)

    assert max(depth(name) for name in STREAMS) == 3


SHOWN = {(each["parent"], each["field"]): each["shown"] for each in facts("lists.json")["embedded"]}


@pytest.mark.parametrize("name", names(lambda row: any("field" in parent for parent in parents(row))))
def test_hidden_lists_are_expanded(name: str) -> None:
    for parent in parents(STREAMS[name]):
        shown = SHOWN.get((STREAMS[parent["stream"]]["object"][0], parent.get("field")))
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
    assert len(lines) < 2_600
    written = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    rows = written[written.index("  streams:") + 1 : written.index("spec:")] + written[written.index("streams:") + 1 :]
    assert len(rows) / len(STREAMS) <= 13


def test_all_schemas_together_have_a_size_that_destinations_take() -> None:
    sizes = {path.stem: path.stat().st_size for path in (ROOT / "schemas").glob("*.json")}
    assert set(sizes) == set(STREAMS)
    assert sum(sizes.values()) < 2_000_000
    assert max(sizes.values()) < 150_000
