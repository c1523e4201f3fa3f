"""README's table of the config's keys is what tools/generate_config_docs.py makes of the spec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from source_stripe.catalog.config import Config
from tools.generate_config_docs import keys, main, table, with_table
from tools.generate_docs import ROOT

_README = (ROOT / "README.md").read_text("utf-8")


def line(**row: object) -> str:
    return [*table({"thing": {"description": "It is.", "required": False, "type": "string", **row}})][-1]


def test_the_table_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_no_key_of_the_config_is_missing() -> None:
    told = re.findall(r"^\| `(\w+)` \|", _README, re.MULTILINE)
    assert told == [*keys(ROOT / "manifest.yaml")]
    assert set(told) == Config.model_fields.keys() - {"notes"}


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ({}, "text | It is."),
        ({"required": True}, "text | Required. It is."),
        ({"type": "integer", "default": 64}, "whole number | It is. Default: `64`."),
        ({"type": ["array", "string"], "examples": [["a"]]}, 'list or text | It is. Example: `["a"]`.'),
        ({"type": None, "oneOf": [{"type": "object"}, {"type": "array"}]}, "object or list | It is."),
        ({"description": 'See <a href="https://x.com">there</a>\nor docs/expand.md.'},
         "text | See [there](https://x.com) or [docs/expand.md](docs/expand.md)."),
        ({"description": "a|b"}, r"text | a\|b"),
    ],
)  # fmt: skip
def test_a_key_becomes_a_line(row: dict[str, object], cells: str) -> None:
    typed = {name: value for name, value in row.items() if value is not None}
    if row.get("type", "") is None:
        typed["type"] = []
    assert line(**typed) == f"| `thing` | {cells} |"


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(with_table(_README, ["old"]), "utf-8")
    assert main(["--check", "--page", str(page)]) == 1
    assert "old" in page.read_text("utf-8")
    assert main(["--page", str(page)]) == 0
    assert page.read_text("utf-8") == _README


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the table"):
        with_table("# A page", [])
