"""Write the tables of docs/filters.md from source_stripe/filters.json; what stands above them is kept by hand.

With --check nothing is written: the exit code says whether it is up to date.
"""

import sys
from collections.abc import Iterator, Mapping

from source_stripe.catalog.list_parameters import ListParameter, parameters_of
from source_stripe.catalog.stream_rows import StreamRow
from tools.generate_docs import ROOT, by_group, parser_of, read_rows, write

_BEGIN = "<!-- Written by tools/generate_filter_docs.py from source_stripe/filters.json: what stands below. -->\n"
_SHOWN = 12
"""Values of an enum in a table; Stripe's reference has the others."""
_MEANT = {"timestamp": "time", "bool": "true, false", "integer": "number", "string": "text", "id": "ID"}
_OPS = {
    "ignoring_case": "Letter case does not count.",
    "least": "The least of the items counts.",
    "greatest": "The greatest of the items counts.",
    "any": "One of the items has it.",
    "all": "A row has all of them.",
    "named_by_type": "The ID of what the field's `type` names.",
}


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_filter_docs", "The filters of each stream.", ROOT / "docs" / "filters.md")
    options = parser.parse_args(arguments)
    above = options.page.read_text("utf-8").partition(_BEGIN)[0] if options.page.exists() else ""
    return write(options.page, page(above, read_rows(ROOT / "manifest.yaml")), check=options.check)


def page(above: str, rows: Mapping[str, StreamRow]) -> str:
    """The page: what stands above the tables, and a table for each group of streams."""
    sections = (section for group, members in by_group(rows).items() for section in _section(group, members))
    return "\n".join([above + _BEGIN, *sections])


def _section(group: str, members: list[StreamRow]) -> Iterator[str]:
    lines = [
        _line(row.name, name, each)
        for row in members
        for name, each in parameters_of(row.name).items()
        if each.is_filter
    ]
    if lines:
        header = ("Stream", "Filter", "Value", "Field", "Can change", "What to know")
        yield f"### {group}\n"
        yield from (f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header)))
        yield from lines
        yield ""
    others = [
        f"- `{row.name}.{name}`: {each.note}"
        for row in members
        for name, each in parameters_of(row.name).items()
        if not each.is_filter and each.use != "parent"
    ]
    if others:
        yield "No filters:\n"
        yield from (*others, "")


def _line(stream: str, name: str, one: ListParameter) -> str:
    field = f"`{one.field}`" if one.field != name else ""
    notes = " ".join(each for each in (_OPS.get(one.op), one.note) if each)
    change = "only from nothing" if one.enters else "yes" if one.mutable else ""
    return f"| `{stream}` | `{name}` | {_value(one)} | {field} | {change} | {notes} |"


def _value(one: ListParameter) -> str:
    if one.range:
        return f"range of {'numbers, or a number' if one.type == 'integer' else 'times'}"
    if one.values:
        more = f" and {len(one.values) - _SHOWN} more" if len(one.values) > _SHOWN else ""
        return " ".join(f"`{value}`" for value in one.values[:_SHOWN]) + more
    return _MEANT[one.type] + (f" ({one.of})" if one.type == "id" and one.of else "")


if __name__ == "__main__":
    sys.exit(main())
