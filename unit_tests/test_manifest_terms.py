"""What the manifest says is the CDK's language or one of our typed terms; what is neither is refused."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from typing import Any

import pytest
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
    get_declarative_component_schema,
)
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver
from airbyte_cdk.sources.declarative.partition_routers import SubstreamPartitionRouter
from airbyte_cdk.sources.declarative.retrievers.simple_retriever import LazySimpleRetriever

from source_stripe.catalog.manifest import Manifest, ManifestError
from source_stripe.catalog.terms import ParentsFields, ParentsTerms, RetrieverFields, RetrieverTerms
from source_stripe.declared.parents import ParentsRouter
from source_stripe.declared.retriever import DeclaredRetriever
from source_stripe.declared.schema_file import SchemaFile
from source_stripe.declared.whole_lists import WholeListsExtractor
from unit_tests.conftest import KEY, MANIFEST

Node = dict[str, Any]

COMPONENTS = get_declarative_component_schema()["definitions"]
OURS = {
    f"{component.__module__}.{component.__qualname__}": terms
    for component, terms in (
        (DeclaredRetriever, set(RetrieverTerms.model_fields)),
        (ParentsRouter, set(ParentsTerms.model_fields)),
        (WholeListsExtractor, {field.name for field in fields(WholeListsExtractor) if field.init}),
        (SchemaFile, {field.name for field in fields(SchemaFile) if field.init}),
    )
}
"""By class name: the keys of our own components."""


def components(node: Any, path: str = "") -> Iterator[tuple[str, Node]]:
    """Each component of a resolved manifest, and where it stands."""
    if isinstance(node, list):
        for place, inside in enumerate(node):
            yield from components(inside, f"{path}[{place}]")
    if isinstance(node, dict):
        # JSON schemas have lists of types.
        if isinstance(node.get("type"), str) and node["type"] in COMPONENTS:
            yield path, node
        for key, inside in node.items():
            yield from components(inside, f"{path}.{key}")


def test_every_key_is_one_of_the_cdks_or_of_a_typed_model_of_ours() -> None:
    resolved = ManifestReferenceResolver().preprocess_manifest(MANIFEST.text)
    found = dict(components(resolved))

    for path, node in found.items():
        theirs, ours = COMPONENTS[node["type"]].get("properties", {}), OURS.get(node.get("class_name", ""), ())
        assert set(node) <= {"$parameters", *theirs, *ours}, path
        for config in node.get("parent_stream_configs", ()):
            assert set(config) <= COMPONENTS["ParentStreamConfig"]["properties"].keys(), path
    assert {node["class_name"] for node in found.values() if "class_name" in node} == OURS.keys()
    assert {node["type"] for node in found.values()} >= {
        "HttpRequester",
        "DatetimeBasedCursor",
        "CustomPartitionRouter",
    }


def test_it_is_valid_by_the_cdks_schema_with_all_that_it_refers_to() -> None:
    source = ConcurrentDeclarativeSource(None, {"client_secret": KEY}, None, source_config=MANIFEST.text)

    assert len(source.resolved_manifest["streams"]) == 154


def test_the_components_have_the_fields_that_their_models_describe() -> None:
    def added(component: Any, base: Any) -> set[str]:
        return {field.name for field in fields(component)} - {field.name for field in fields(base)}

    retriever = added(DeclaredRetriever, LazySimpleRetriever)
    assert retriever == {*RetrieverFields.model_fields, "request_options_provider", "partition_router"}
    assert added(ParentsRouter, SubstreamPartitionRouter) == {*ParentsFields.model_fields, "requester"}


def test_no_term_is_called_as_the_cdk_would_take_it_for_a_component() -> None:
    for _, node in components(MANIFEST.text):
        for ours in (
            "changes",
            "about",
            "nested",
            "leaves_out",
            "adds",
            "pace",
            "where",
            "via",
            "params_from",
            "id_as",
        ):
            assert "type" not in node.get(ours, {})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ((), "evnts"),
        (("retriever",), "retriever.evnts"),
        (("retriever", "changes"), "retriever.changes.evnts"),
        (("retriever", "about"), "retriever.about.evnts"),
        (("retriever", "partition_router"), "evnts"),
        (("retriever", "partition_router", "parent_stream_configs", 0), "parent_stream_configs.0.evnts"),
    ],
)
def test_an_unknown_key_is_refused_with_the_rows_name(path: tuple[Any, ...], told: str) -> None:
    text = deepcopy(MANIFEST.text)
    node = row_of(text, "invoice_line_items")
    for key in path:
        node = node[key]
    node["evnts"] = ["invoice.paid"]

    with pytest.raises(ManifestError, match=f"^The stream invoice_line_items of manifest.yaml can't be used: {told}: "):
        assert Manifest(text).rows


def test_a_paginator_that_the_engine_would_not_follow_is_refused() -> None:
    text = deepcopy(MANIFEST.text)
    own = {"$ref": "#/definitions/starting_after", "page_size_option": {"type": "RequestOption", "field_name": "count"}}
    row_of(text, "invoice_line_items")["retriever"]["paginator"] = own

    with pytest.raises(ManifestError, match=r"The stream invoice_line_items .* has a paginator of its own"):
        assert Manifest(text).rows


def row_of(text: Node, name: str) -> Any:
    return next(row for row in text["streams"] if row.get("$parameters") == {"name": name})


# the text that the CDK's own classes get


def test_the_source_gives_the_cdk_one_row_and_no_parents() -> None:
    small = MANIFEST.with_one_row()

    assert len(small["streams"]) == 1
    assert "streams" not in small["definitions"]
    assert small.keys() == MANIFEST.text.keys()
    assert "streams" in MANIFEST.text["definitions"]
