"""Write docs/streams.md, the table of all streams, from manifest.yaml; if it is right already it is left alone.

With --check nothing is written: the exit code says whether it is up to date.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of

ROOT = Path(__file__).resolve().parent.parent
Rows = Mapping[str, StreamRow]
"""By stream."""

_COLUMNS = ("Stream", "Endpoint", "Primary key", "Cursor", "Kept up to date by", "Parent", "Notes")
_FLAGS = {"deprecated": "Deprecated.", "opt_in": "Opt-in.", "sensitive": "Sensitive."}
_INTRO = """\
# Streams

<!-- Written by tools/generate_docs.py from manifest.yaml. Change that, and run it again. -->

{streams} streams in {groups} groups. Each leads to its columns, what it joins with, and a question in SQL.
{incremental} can be synced incrementally: {by_events} follow Stripe's events, {by_created} ask for what was created
since, {by_parents} follow the streams that their rows belong to, and {whole} are read whole all the same.
The other {full_refresh} are full refresh only: small lists, and objects that change without a trace.

- **Cursor**: `updated` is added by the connector, the time of the last change that Stripe tells of (Unix seconds),
  or the time that the object gives itself, if that is later. Rows that Stripe deletes come once more, with
  `is_deleted`: true.
- **Kept up to date by**: what the syncs after the first one read. *Events* name what changed, and that is read again.
  *Created since* is what is newer than the last sync; where days are given, also what is older by that much, as it may
  have changed. *Open ones* are older rows whose state is not final: they are read again once it may have changed.
  *Short lists* hold all rows that can still change, and are read whole.
- **Parent**: the stream whose rows these belong to, and the field where they stand, if they come with it. Others cost a
  request for each parent.
- **Expanded** fields hold the object itself, or something that Stripe leaves out unless it is asked for it: see
  [expand.md](expand.md).
- **Not told**, below each table, are the changes that neither events nor later readings show. Some are found when a
  stream is listed whole again, as `relist_days` in the config has it; some by nothing but a full refresh, or not at
  all. Of some it is unknown whether Stripe tells: its pages don't say, only a live account would show it. What is
  *read whole* or *full refresh only* has nothing of that kind. Objects inside of others (what is expanded, too) are as
  they were when the row was read. {fields} fields of {unseen} streams change so: `relist_days` finds {relist} of them.
- **Opt-in** streams cost many requests, or few accounts have them. **Sensitive** ones hold personal or bank data.
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_docs", "The table of the manifest's streams.", ROOT / "docs" / "streams.md")
    parser.add_argument("--manifest", type=Path, default=ROOT / "manifest.yaml")
    options = parser.parse_args(arguments)
    return write(options.page, page(read_rows(options.manifest)), check=options.check)


def parser_of(generator: str, description: str, page: Path) -> argparse.ArgumentParser:
    """What the generator of a page is told."""
    parser = argparse.ArgumentParser(prog=generator, description=description)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if the page is not up to date")
    parser.add_argument("--page", type=Path, default=page)
    return parser


def write(path: Path, wanted: str, *, check: bool) -> int:
    """Have a page as it is wanted, or only say whether it is: the exit code."""
    if path.exists() and path.read_text("utf-8") == wanted:
        return 0
    print(f"{path.name}: {'differs' if path.exists() else 'missing'}")
    if check:
        return 1
    path.parent.mkdir(exist_ok=True)
    path.write_text(wanted, "utf-8")
    return 0


def read_rows(manifest: Path) -> Rows:
    """The manifest's rows."""
    return Manifest.load(manifest).rows


def page(rows: Rows) -> str:
    """The page: what the columns mean, and a table for each group."""
    groups = by_group(rows)
    sections = [_section(group, members, rows) for group, members in groups.items()]
    return "\n".join([_INTRO.format(**counts(rows), groups=len(groups)), *sections])


def by_group(rows: Rows) -> dict[str, list[StreamRow]]:
    """The rows of each group of the manifest, in its order."""
    groups: dict[str, list[StreamRow]] = {}
    for row in rows.values():
        groups.setdefault(row.group, []).append(row)
    return groups


def page_of(group: str) -> str:
    """The file in docs/streams/ that has a group's streams, one by one."""
    return f"{re.sub('[^a-z0-9]+', '-', group.lower())}.md"


def counts(rows: Rows) -> dict[str, int]:
    """How many streams there are, and how many of them are kept up to date in which way."""
    headings = Counter(plan_of(row, rows).heading for row in rows.values())
    ways = ("by_events", "by_created", "by_parents", "whole", "full_refresh")
    found = {way: headings[way] for way in ways}
    unseen = Counter(each.by for row in rows.values() for each in row.unseen.values())
    return {
        **found,
        "streams": headings.total(),
        "incremental": headings.total() - headings["full_refresh"],
        "fields": unseen.total(),
        "relist": unseen["relist"],
        "unseen": sum(bool(row.unseen) for row in rows.values()),
    }


def _section(group: str, members: Sequence[StreamRow], rows: Rows) -> str:
    lines = [f"## {group}", "", *table(_COLUMNS, (_cells(row, rows) for row in members))]
    for what, (header, told) in _BELOW.items():
        if found := [[f"`{row.name}`", *cells] for row in members for cells in told(row)]:
            told_in = table(("Stream", *header), found)
            lines += ["", "<details>", f"<summary>{what}: {group}</summary>", "", *told_in, "", "</details>"]
    return "\n".join([*lines, ""])


def _expanded(row: StreamRow) -> Iterator[tuple[str]]:
    if row.expand:
        yield (names(row.expand),)


def _events(row: StreamRow) -> Iterator[tuple[str, str]]:
    if row.events or row.touches:
        yield names(row.events), names(row.touches)


def _not_told(row: StreamRow) -> Iterator[tuple[str, str, str]]:
    for field, unseen in row.unseen.items():
        unknown = " Unknown whether Stripe tells of it." if unseen.unknown else ""
        yield _FIELDS.get(field, f"`{field}`"), _FINDERS[unseen.by], f"{unseen.why}{unknown}"


def names(each: Iterable[str]) -> str:
    """Names, set apart."""
    return " ".join(f"`{name}`" for name in each)


_FIELDS = {"*": "any", "is_deleted": "that it is gone"}
_FINDERS = {"relist": "`relist_days`", "nobody": "nothing"}
_BELOW: Mapping[str, tuple[tuple[str, ...], Callable[[StreamRow], Iterator[tuple[str, ...]]]]] = {
    "Expanded": (("Expanded",), _expanded),
    "Events": (("Events", "Events of other objects"), _events),
    "Not told": (("Field", "Found by", "Why"), _not_told),
}
"""The tables below that of a group, and their columns beside the stream's."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cells)} |"


def _cells(row: StreamRow, rows: Rows) -> list[str]:
    return [
        f"[`{row.name}`](streams/{page_of(row.group)}#{row.name})",
        endpoint(row),
        ", ".join(f"`{key}`" for key in row.primary_key),
        f"`{row.cursor}`" if row.cursor else "",
        plan_of(row, rows).kept,
        parents(row),
        " ".join(notes(row)),
    ]


def endpoint(row: StreamRow) -> str:
    """Where a stream's rows are asked for."""
    if row.path is None:
        return "in their parents"
    return "in events" if row.from_events else f"`{row.path}`"


def parents(row: StreamRow) -> str:
    """The streams that its rows belong to, and the fields where they stand."""
    named = [f"`{parent.stream}" + (f".{parent.field}`" if parent.field else "`") for parent in row.all_parents]
    # Parents that differ in the field that holds the id are one to the reader.
    return (" with " if row.product else ", ").join(dict.fromkeys(named))


def notes(row: StreamRow) -> Iterator[str]:
    """What else there is to know."""
    if row.needs:
        yield f"Needs {row.needs}."
    yield from (text for flag, text in _FLAGS.items() if getattr(row, flag))
    if row.notes:
        yield row.notes


if __name__ == "__main__":
    sys.exit(main())
