"""docs/manifest.md and the schema for editors are what tools/generate_manifest_docs.py makes of the models."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from source_stripe.catalog.terms import About, Changes, Pace, ParentsFields, RetrieverFields, Via
from tools.generate_manifest_docs import editor_schema, main, page
from unit_tests.conftest import MANIFEST

VALIDATOR = Draft7Validator(editor_schema())


def test_both_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--folder", str(tmp_path / "docs")]) == 1
    assert capsys.readouterr().out.splitlines() == ["manifest.md: missing", "manifest.schema.json: missing"]
    assert not (tmp_path / "docs").exists()


@pytest.mark.parametrize("model", [RetrieverFields, Changes, About, Pace, ParentsFields, Via])
def test_each_of_our_terms_is_explained(model: Any) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []
    for name, field in model.model_fields.items():
        assert f"| `{field.alias or name}` | " in page()


def test_the_manifest_is_as_the_editors_schema_says() -> None:
    Draft7Validator.check_schema(editor_schema())
    assert [error.json_path for error in VALIDATOR.iter_errors(MANIFEST.text)] == []


@pytest.mark.parametrize(
    "path",
    [("retriever",), ("retriever", "changes"), ("retriever", "about"), ("retriever", "partition_router"), ()],
    ids=str,
)
def test_a_misspelt_key_is_underlined(path: tuple[str, ...]) -> None:
    text = deepcopy(MANIFEST.text)
    row = next(row for row in text["streams"] if row.get("$parameters") == {"name": "invoice_line_items"})
    for key in path:
        row = row[key]
    row["evnts"] = []

    assert [error.json_path.partition(".")[2].partition("[")[0] for error in VALIDATOR.iter_errors(text)] == ["streams"]
