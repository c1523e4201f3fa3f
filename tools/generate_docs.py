"""Write docs/streams.md, the table of all streams, from manifest.yaml; if it is right already it is left alone.

With --check nothing is written: the exit code says whether it is up to date.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from airbyte_cdk.sources.declarative.parsers.manifest_reference_resolver import ManifestReferenceResolver

ROOT = Path(__file__).resolve().parent.parent
_DAY = 86_400
_EVENTS = "/v1/events"

Stream = Mapping[str, Any]
"""A row of the manifest, with what it refers to."""

_COLUMNS = ("Stream", "Endpoint", "Primary key", "Cursor", "Kept up to date by", "Parent", "Notes")
_FLAGS = {"deprecated": "Deprecated.", "opt_in": "Opt-in.", "sensitive": "Sensitive."}
_INTRO = """\
# Streams

<!-- Written by tools/generate_docs.py from manifest.yaml. Change that, and run it again. -->

{streams} streams in {groups} groups.
{incremental} can be synced incrementally: {by_events} follow Stripe's events, {by_created} ask for what was created
since, {by_parents} follow the streams that their rows belong to, and {whole} are read whole all the same.
The other {full_refresh} are full refresh only: small lists, and objects that change without a trace.

- **Cursor**: `updated` is added by the connector, the time of the last change that Stripe tells of (Unix seconds),
  or the time that the object gives itself, if that is later. Rows that Stripe deletes come once more, with
  `is_deleted`: true.
- **Kept up to date by**: what the syncs after the first one read. *Events* name what changed, and that is read again.
  *Created since* is what is newer than the last sync; where days are given, also what is older by that much, as it may
  have changed.
- **Parent**: the stream whose rows these belong to, and the field where they stand, if they come with it. Others cost a
  request for each parent.
- **Expanded** fields hold the object itself, or something that Stripe leaves out unless it is asked for it: see
  [expand.md](expand.md).
- **Opt-in** streams cost many requests, or few accounts have them. **Sensitive** ones hold personal or bank data.
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(prog="generate_docs", description="The table of the manifest's streams.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if the page is not up to date")
    parser.add_argument("--manifest", type=Path, default=ROOT / "manifest.yaml")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "streams.md")
    options = parser.parse_args(arguments)
    return write(options.page, page(read_streams(options.manifest)), check=options.check)


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


def read_streams(manifest: Path) -> list[Stream]:
    """The manifest's stream rows, with what they refer to."""
    resolved = ManifestReferenceResolver().preprocess_manifest(yaml.safe_load(manifest.read_text("utf-8")))
    streams: list[Stream] = resolved["streams"]
    return streams


def page(streams: Sequence[Stream]) -> str:
    """The page: what the columns mean, and a table for each group."""
    groups: dict[str, list[Stream]] = {}
    for stream in streams:
        groups.setdefault(stream["group"], []).append(stream)
    sections = [_section(group, members) for group, members in groups.items()]
    return "\n".join([_INTRO.format(**counts(streams), groups=len(groups)), *sections])


def counts(streams: Iterable[Stream]) -> dict[str, int]:
    """How many streams there are, and how many of them are kept up to date in which way."""
    ways = Counter(stream["sync"] if stream.get("cursor") else "full refresh" for stream in streams)
    return {
        "streams": ways.total(),
        "incremental": ways.total() - ways["full refresh"],
        "by_events": ways["events"] + ways["events+created"],
        "by_created": ways["created"],
        "by_parents": ways["parent"],
        "whole": ways["snapshot"],
        "full_refresh": ways["full refresh"],
    }


def _section(group: str, streams: Sequence[Stream]) -> str:
    lines = [f"## {group}", "", *_table(_COLUMNS, map(_cells, streams))]
    for what, told in (("Expanded", _expanded), ("Events", _events)):
        named = {stream["name"]: " ".join(f"`{each}`" for each in told(stream)) for stream in streams}
        if rows := [[f"`{name}`", text] for name, text in named.items() if text]:
            table = _table(("Stream", what), rows)
            lines += ["", "<details>", f"<summary>{what}: {group}</summary>", "", *table, "", "</details>"]
    return "\n".join([*lines, ""])


def _expanded(stream: Stream) -> Iterable[str]:
    return stream.get("expand") or ()


def _events(stream: Stream) -> Iterable[str]:
    others = (event for events in stream.get("touched_by", {}).values() for event in events)
    return (*stream.get("events", ()), *others)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cells)} |"


def _cells(stream: Stream) -> list[str]:
    keys = stream["primary_key"]
    return [
        f"`{stream['name']}`",
        _endpoint(stream),
        ", ".join(f"`{key}`" for key in ([keys] if isinstance(keys, str) else keys)),
        f"`{stream['cursor']}`" if stream.get("cursor") else "",
        _kept(stream),
        _parents(stream),
        " ".join(_notes(stream)),
    ]


def _endpoint(stream: Stream) -> str:
    if "path" not in stream:
        return "in their parents"
    return "in events" if stream["path"] == _EVENTS and stream["object"] != "event" else f"`{stream['path']}`"


def _kept(stream: Stream) -> str:
    since = "created since" + (f" ({stream['lookback'] // _DAY} days)" if stream.get("lookback") else "")
    changed = "changed parents" + (", events" if stream.get("events") else "")
    whole = "read whole" if stream.get("cursor") else "full refresh only"
    ways = {"events": "events", "events+created": f"events, {since}", "created": since, "parent": changed}
    return ways.get(stream["sync"], whole)


def _parents(stream: Stream) -> str:
    parents = stream.get("parents") or ([stream["parent"]] if "parent" in stream else [])
    named = [f"`{parent['stream']}" + (f".{parent['field']}`" if "field" in parent else "`") for parent in parents]
    # Parents that differ in the field that holds the id are one to the reader.
    return (" with " if stream.get("product") else ", ").join(dict.fromkeys(named))


def _notes(stream: Stream) -> Iterator[str]:
    if stream.get("needs"):
        yield f"Needs {stream['needs']}."
    yield from (text for flag, text in _FLAGS.items() if stream.get(flag))
    if stream.get("notes"):
        yield stream["notes"]


if __name__ == "__main__":
    sys.exit(main())
