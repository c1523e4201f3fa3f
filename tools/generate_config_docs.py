"""Write the table of the config's keys in README.md, from the spec in manifest.yaml.

With --check nothing is written: the exit code says whether it is up to date.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.generate_docs import ROOT, parser_of, write

Json = Mapping[str, Any]

_BEGIN, _END = "<!-- config: written by tools/generate_config_docs.py -->", "<!-- end of config -->"
_LINK = re.compile(r'<a href="([^"]+)">([^<]+)</a>')
_PAGE = re.compile(r"\b(docs/[\w/-]+\.md)")
_TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "object": "object",
    "string": "text",
}


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_config_docs", "The table of the config's keys.", ROOT / "README.md")
    options = parser.parse_args(arguments)
    now = options.page.read_text("utf-8")
    return write(options.page, with_table(now, table(keys(ROOT / "manifest.yaml"))), check=options.check)


def keys(manifest: Path) -> Mapping[str, Json]:
    """What the spec says of each key of the config, in the order of its form."""
    specification = yaml.safe_load(manifest.read_text("utf-8"))["spec"]["connection_specification"]
    required = specification["required"]
    rows = {name: {**row, "required": name in required} for name, row in specification["properties"].items()}
    return dict(sorted(rows.items(), key=lambda row: row[1].get("order", len(rows))))


def with_table(page: str, lines: Iterable[str]) -> str:
    """A page with another table between the marks. ValueError if they are not there."""
    before, begun, rest = page.partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not begun or not ended:
        raise ValueError(f"the page has no place for the table: {_BEGIN} ... {_END}")
    return "\n".join([f"{before}{_BEGIN}", "", *lines, "", f"{_END}{after}"])


def table(rows: Mapping[str, Json]) -> Iterator[str]:
    """The lines of the table."""
    yield "| key | type | what it is |"
    yield "|---|---|---|"
    for name, row in rows.items():
        cells = (f"`{name}`", " or ".join(dict.fromkeys(_types(row))), " ".join(_told(row)))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _types(row: Json) -> Iterator[str]:
    """The types of a value: an `anyOf` has several."""
    for each in (row, *row.get("anyOf", ()), *row.get("oneOf", ())):
        named = each.get("type", ())
        yield from (_TYPES[name] for name in ([named] if isinstance(named, str) else named))


def _told(row: Json) -> Iterator[str]:
    if row["required"]:
        yield "Required."
    text = _LINK.sub(r"[\2](\1)", " ".join(row["description"].split()))
    yield _PAGE.sub(r"[\1](\1)", text)
    if "default" in row:
        yield f"Default: `{_shown(row['default'])}`."
    if examples := row.get("examples"):
        yield f"Example: `{_shown(examples[0])}`."


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
