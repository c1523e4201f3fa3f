"""Write docs/streams/: a page for each group of streams, with columns, joins and a query of each.

With --check nothing is written: the exit code says whether they are up to date.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from source_stripe.catalog.list_parameters import parameters_of
from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of
from tools.generate_docs import (
    ROOT,
    Rows,
    by_group,
    endpoint,
    names,
    notes,
    page_of,
    parents,
    read_rows,
    table,
    write,
)
from tools.generate_permission_docs import told, told_along
from tools.permissions import EVENTS, needed
from tools.prose import filled
from tools.stream_joins import children, joins
from tools.stream_queries import question

_INTRO = """\
# {group}: streams

<!-- Written by tools/generate_stream_docs.py from manifest.yaml, schemas/ and tools/stream_queries.sql. -->

{count} of [all streams](../streams.md): {streams}.

Queries are DuckDB's SQL. `source-stripe sql` answers them [without a sync](../sql.md), and so does a DuckDB that holds
the tables of a sync with objects as structs; where your warehouse holds them as JSON, `card.brand` is something like
`card->>'brand'`. Money is in the currency's smallest unit, times are Unix seconds (in API v2 text).
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(prog="generate_stream_docs", description="A page for each group of streams.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if a page is not up to date")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "streams")
    options = parser.parse_args(arguments)
    wanted = pages(read_rows(ROOT / "manifest.yaml"))
    stale = [path for path in sorted(options.folder.glob("*.md")) if path.name not in wanted]
    for path in stale:
        print(f"{path.name}: no group has it")
        if not options.check:
            path.unlink()
    codes = [write(options.folder / name, text, check=options.check) for name, text in wanted.items()]
    return max((*codes, int(options.check and bool(stale))))


def pages(rows: Rows) -> dict[str, str]:
    """The pages, by the names of their files."""
    return {page_of(group): _page(group, members, rows) for group, members in by_group(rows).items()}


def _page(group: str, members: Sequence[StreamRow], rows: Rows) -> str:
    links = ", ".join(f"[`{row.name}`](#{row.name})" for row in members)
    intro = _INTRO.format(group=group, count=len(members), streams=links)
    return "\n".join([intro, *(_section(row, rows) for row in members)])


def _section(row: StreamRow, rows: Rows) -> str:
    schema = orjson.loads(resource(f"schemas/{row.name}.json").read_bytes())
    columns = schema["properties"]
    asked = question(row, columns)
    what = _plain(schema.get("description", "")) or f"Objects of the kind `{'`, `'.join(row.object)}`."
    facts = (f"- **{name}**: {text}" for name, text in _facts(row, columns, rows) if text)
    lines = [f"## {row.name}", "", filled(what), "", *facts, ""]
    lines += [asked.text, "", "```sql", asked.sql, "```", "", *table(("Column", "Type", "What it is"), _cells(columns))]
    return "\n".join([*lines, ""])


def _facts(row: StreamRow, columns: Mapping[str, Any], rows: Rows) -> Iterator[tuple[str, str]]:
    """What there is to know of a stream, in order. What is empty is not said."""
    need, group = needed(row, rows), re.sub(r"[^\w -]", "", row.group.lower()).replace(" ", "-")
    filters = [name for name, each in parameters_of(row.name).items() if each.is_filter]
    also = f"; also {along}" if (along := told_along(need)) else ""
    events = f"; `{EVENTS}`" if need.events else ""
    yield "Endpoint", endpoint(row)
    yield "Parent", parents(row)
    yield "Permission", f"{told(need)}{also}{events} ([permissions](../permissions.md#{group}))"
    yield "Primary key", ", ".join(f"`{key}`" for key in row.primary_key)
    yield "Cursor", f"`{row.cursor}`" if row.cursor else ""
    yield "Sync modes", "full refresh, incremental" if row.cursor else "full refresh"
    yield "Kept up to date by", plan_of(row, rows).kept
    yield "Events", names((*row.events, *row.touches))
    if row.unseen:
        yield "Not told", f"{names(row.unseen).replace('`*`', 'any')} ([why](../streams.md#{group}))"
    yield "Filters", f"{names(filters)} ([values](../filters.md#{group}))" if filters else ""
    yield "Whole lists inside", names(row.nested)
    yield "Expanded", f"{names(row.expand)} ([more](../expand.md))" if row.expand else ""
    yield "Children", names(children(row, rows))
    yield "Joins", "; ".join(f"`{each.column}` with {names(each.streams)}" for each in joins(row, columns, rows))
    yield "To know", " ".join(notes(row))


def _cells(columns: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for name, schema in columns.items():
        yield f"`{name}`", _type(schema), _plain(schema.get("description", ""))


def _type(schema: Mapping[str, Any]) -> str:
    """A column's type in a word or two."""
    kinds = [kind for kind in schema.get("type", ()) if kind != "null"]
    if kinds == ["array"]:
        return f"list of {_type(schema['items'])}s" if schema.get("items") else "list"
    if kinds == ["object"] and not schema.get("properties"):
        return "map" if isinstance(schema.get("additionalProperties"), Mapping) else "JSON"
    return " or ".join(kinds) or "JSON"


def _plain(text: str) -> str:
    """Stripe's words, in a cell of a table."""
    words = re.sub(r"\[([^]]*)\]\([^)\s]*\)?", r"\1", " ".join(text.split()))
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
