"""Write docs/manifest.md and docs/manifest.schema.json, what rows of the manifest may say, from the models of them.

With --check nothing is written: the exit code says whether both are up to date.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from source_stripe.catalog.terms import (
    About,
    Changes,
    Pace,
    ParentConfigTerms,
    ParentsFields,
    ParentsTerms,
    PassesTerms,
    RetrieverFields,
    RetrieverTerms,
    StreamTerms,
    Unseen,
    Via,
)
from tools.generate_docs import ROOT, write

Json = dict[str, Any]

_INTRO = """\
# The manifest's own terms

<!-- Written by tools/generate_manifest_docs.py from source_stripe/catalog/terms.py. Change that, run `make docs`. -->

[`manifest.yaml`](../manifest.yaml) is written in the terms of Airbyte's CDK
([reference](https://docs.airbyte.com/platform/connector-development/config-based/understanding-the-yaml-file/reference)).
A row of `streams` is a `DeclarativeStream`; what many rows share is a definition. This page has the terms that the CDK
lacks: fields of our own components. Editors that know [JSON schemas](manifest.schema.json) complete and check them.

What a row says in the CDK's terms, `source-stripe` reads from there too:

"""

_CDK_TERMS = {
    "`$parameters.name`": "The stream's name, and its schema's.",
    "`primary_key`": "The field or fields.",
    "`retriever.$ref`": "How the list is paged: `v1_list`, `v2_list`, `whole_list` (all in one answer), `one_object` "
    "(the answer is the row).",
    "`requester.path`": "Where the rows are listed; `{{ stream_partition.invoice }}` is the id of a parent. None: "
    "they are listed nowhere, but stand in their parents.",
    "`requester.request_parameters`": "What is always asked for. One called `type` stands in the path, as the CDK "
    "would take it for a component.",
    "`requester.request_headers`": "The `Stripe-Version` to ask with, where it isn't that of all.",
    "`incremental_sync`": "How the list is asked for a range of time, which field says when a row was created, and "
    "how long before the last sync rows were created that are read again (`lookback_window`; the config's "
    "`lookback_window_days` replaces it). Where `sync` is `parent`: of a parent that changed, only newer rows are "
    "read.",
    "`ListPartitionRouter`": "The list is read once with each value; an empty one is not sent.",
    "`parent_stream_configs`": "Whose rows its rows are.",
    "`partition_field`": "The name of the parent's id: in the path, else a query parameter (`request_option`). Rows "
    "get it as `<partition field>_id`. The object of an event has it under this name. `parent`: no request needs it.",
    "`parent_key`": "The dotted path of the ids that are meant; `*` is every key. An id that isn't the parent's own "
    "is asked for once.",
    "`lazy_read_pointer`": "Where in the parent the first rows stand (a list, an array, an object), which so come "
    "with the parent's pages. The path is for what they cut off.",
    "`extra_fields`": "Fields of the parent that its rows get as `<partition field>_<field>`.",
}
"""What rows say in the CDK's terms, and what it decides."""

_SECTIONS: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("retriever", RetrieverFields, "DeclaredRetriever"),
    ("retriever.changes", Changes, ""),
    ("retriever.about", About, ""),
    ("retriever.about.unseen", Unseen, ""),
    ("retriever.pace", Pace, ""),
    ("retriever.partition_router", ParentsFields, "ParentsRouter"),
    ("retriever.partition_router.via", Via, ""),
)


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(prog="generate_manifest_docs", description="What rows of the manifest may say.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if a file is not up to date")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs")
    options = parser.parse_args(arguments)
    files = {"manifest.md": page(), "manifest.schema.json": f"{json.dumps(editor_schema(), indent=1)}\n"}
    return max([write(options.folder / name, text, check=options.check) for name, text in files.items()])


def page() -> str:
    """The page: our terms, and what the CDK's decide."""
    terms = [f"| {name} | {told} |" for name, told in _CDK_TERMS.items()]
    table = ["| in the row | what it decides |", "|---|---|", *terms, ""]
    return "\n".join([_INTRO.rstrip("\n"), "", *table, *(_section(*each) for each in _SECTIONS)])


def _section(where: str, model: type[BaseModel], component: str) -> str:
    about = (model.__doc__ or "").splitlines()[0]
    rows = (f"| `{name}` | {_type(field)} | {field.description} |" for name, field in _described(model))
    of = f" (`{component}`)" if component else ""
    return "\n".join(
        [
            f"## {where}{of}",
            "",
            *textwrap.wrap(about, 120),
            "",
            "| key | type | what it says |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _described(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if field.description:
            yield field.alias or name, field


def _type(field: FieldInfo) -> str:
    """A type in plain words."""
    if any(type(each).__name__ == "WithJsonSchema" for each in field.metadata):
        return "name or names"
    return _plain(field.annotation)


def _plain(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_plain(each) for each in args if each is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in args)
    if origin in (tuple, frozenset):
        return f"list of {_plain(args[0])}s"
    if origin is not None:
        return "mapping" if args[1] in (Any, str) else f"mapping to {_plain(args[1])}"
    words = {str: "name", bool: "`true`", float: "number", "timedelta": "duration"}
    return words.get(kind) or words.get(kind.__name__) or "mapping"


def editor_schema() -> Json:
    """A JSON schema of the manifest's text, for editors: rows in full, all else open."""
    models = (StreamTerms, RetrieverTerms, ParentsTerms, PassesTerms, ParentConfigTerms)
    definitions: Json = {}
    for model in models:
        made = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= made.pop("$defs", {}) | {model.__name__: made}
    for model in (StreamTerms, RetrieverTerms, ParentsTerms, PassesTerms):
        _may_refer(definitions[model.__name__])
    stream, config = definitions["StreamTerms"], definitions["ParentConfigTerms"]
    config["properties"]["stream"] = {
        "type": "object",
        "properties": {"$ref": {"type": "string"}},
        "required": ["$ref"],
    }
    retriever = definitions["RetrieverTerms"]["properties"]
    retriever["partition_router"] = {"anyOf": [{"$ref": "#/$defs/ParentsTerms"}, {"$ref": "#/$defs/PassesTerms"}]}
    # A row that others have as parent stands in the definitions.
    stream["properties"]["$parameters"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    rows = {"type": "array", "items": {"$ref": "#/$defs/StreamTerms"}}
    parents = {"type": "object", "additionalProperties": {"$ref": "#/$defs/StreamTerms"}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "manifest.yaml of source-stripe",
        "type": "object",
        "properties": {"streams": rows, "definitions": {"type": "object", "properties": {"streams": parents}}},
        "$defs": definitions,
    }


def _may_refer(schema: Json) -> None:
    """What a reference brings need not be said."""
    schema.pop("required", None)
    schema["properties"] = {"$ref": {"type": "string"}, "$parameters": {"type": "object"}, **schema["properties"]}


if __name__ == "__main__":
    sys.exit(main())
