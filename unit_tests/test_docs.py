"""docs/streams.md is what tools/generate_docs.py makes of the manifest."""

import json
import re
from pathlib import Path

import pytest

from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow
from tools.generate_docs import ROOT, counts, main, page, read_rows

STREAMS = read_rows(ROOT / "manifest.yaml")
ROW = {
    "name": "things",
    "group": "Core",
    "path": "/v1/things",
    "object": ("thing",),
    "primary_key": ("id",),
    "sync": "snapshot",
}


PARENTS = [
    {**ROW, "name": name, "sync": "events", "cursor": "updated", "events": ["box.lost"]} for name in ("boxes", "bags")
]


def rows(**row: object) -> dict[str, StreamRow]:
    """A row, and those of its parents."""
    typed = (StreamRow.model_validate(each) for each in ({**ROW, **row}, *PARENTS))
    return {each.name: each for each in typed}


def line(**row: object) -> str:
    """The table's line of a row."""
    return next(line for line in page(rows(**row)).splitlines() if line.startswith("| [`things`]"))


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_the_page_has_a_line_for_every_stream() -> None:
    links = re.findall(r"^\| \[`(\w+)`\]\((streams/[a-z0-9-]+\.md)#(\w+)\)", page(STREAMS), re.MULTILINE)
    assert [name for name, *_ in links] == [*STREAMS]
    for name, linked, anchor in links:
        assert anchor == name
        assert f"\n## {name}\n" in (ROOT / "docs" / linked).read_text("utf-8")


def test_what_is_expanded_by_default_is_told() -> None:
    told = (ROOT / "docs" / "expand.md").read_text("utf-8").partition("## By the config")[0]
    expanding = {row.name: row.expand for row in STREAMS.values() if row.expand}
    cells = [line.split(" | ") for line in told.splitlines() if line.startswith("| `")]
    assert {name for streams, *_ in cells for name in streams.strip("| ").replace("`", "").split(", ")} == set(
        expanding
    )
    for streams, paths, *_ in cells:
        for name in streams.strip("| ").replace("`", "").split(", "):
            assert all(path.split(".")[-1] in paths for path in expanding[name]), name


def test_the_counts_add_up() -> None:
    found = counts(STREAMS)
    assert found["streams"] == found["incremental"] + found["full_refresh"] == len(STREAMS)
    ways = ("by_events", "by_created", "by_parents", "whole")
    assert found["incremental"] == sum(found[way] for way in ways)
    assert min(found[way] for way in ways) > 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "docs" / "streams.md"
    assert main(["--check", "--page", str(copy)]) == 1
    assert not copy.exists()
    assert main(["--page", str(copy)]) == 0
    assert copy.read_text("utf-8") == page(STREAMS)
    copy.write_text("old", "utf-8")
    assert main(["--check", "--page", str(copy)]) == 1
    assert copy.read_text("utf-8") == "old"
    assert capsys.readouterr().out.splitlines() == ["streams.md: missing", "streams.md: missing", "streams.md: differs"]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ({}, "`/v1/things` | `id` |  | full refresh only |  | "),
        ({"cursor": "updated"}, "`/v1/things` | `id` | `updated` | read whole |  | "),
        (
            {"sync": "created", "cursor": "created", "lookback": 1_209_600},
            "`/v1/things` | `id` | `created` | created since (14 days) |  | ",
        ),
        (
            {"sync": "events+created", "cursor": "updated", "primary_key": ["a", "b"], "events": ["thing.lost"]},
            "`/v1/things` | `a`, `b` | `updated` | events, created since |  | ",
        ),
        (
            {"sync": "parent", "cursor": "box_updated", "parent": {"stream": "boxes", "field": "things"}},
            "`/v1/things` | `id` | `box_updated` | changed parents | `boxes.things` | ",
        ),
        (
            {"parents": [{"stream": "boxes"}, {"stream": "boxes"}, {"stream": "bags"}], "product": True},
            "`/v1/things` | `id` |  | full refresh only | `boxes` with `bags` | ",
        ),
        (
            {"path": "/v1/events", "sync": "events", "cursor": "updated", "events": ["thing.lost"]},
            "in events | `id` | `updated` | events |  | ",
        ),
        (
            {"needs": "Boxes", "deprecated": True, "opt_in": True, "sensitive": True, "notes": "Small ones."},
            "`/v1/things` | `id` |  | full refresh only |  | Needs Boxes. Deprecated. Opt-in. Sensitive. Small ones.",
        ),
    ],
)
def test_a_row_becomes_a_line(row: dict[str, object], cells: str) -> None:
    assert line(**row) == f"| [`things`](streams/core.md#things) | {cells} |"


def test_a_groups_events_are_listed_below_its_table() -> None:
    lines = page(rows(events=["thing.created", "thing.lost"])).splitlines()
    assert "| `things` | `thing.created` `thing.lost` |  |" in lines[lines.index("<details>") :]
    assert "| `things` | ``" not in page(rows())


def test_events_of_other_objects_and_what_is_expanded_are_listed_there_too() -> None:
    row = {"events": ["thing.lost"], "touched_by": {"thing": ["part.lost"]}, "expand": ["part", "parts.data.of"]}
    text = page(rows(**row))
    assert "| `things` | `thing.lost` | `part.lost` |" in text
    assert "| `things` | `part` `parts.data.of` |" in text


def test_what_nobody_tells_of_is_listed_with_who_finds_it_and_why() -> None:
    unseen = {
        "*": {"by": "relist", "why": "No event."},
        "is_deleted": {"by": "nobody", "why": "No event."},
        "box.size": {"by": "relist", "why": "It may shrink.", "unknown": True},
    }
    text = page(rows(unseen=unseen))
    assert "| `things` | any | `relist_days` | No event. |" in text
    assert "| `things` | that it is gone | nothing | No event. |" in text
    assert "| `things` | `box.size` | `relist_days` | It may shrink. Unknown whether Stripe tells of it. |" in text
    assert "Not told" not in page(rows()).partition("## Core")[2]


def test_what_nobody_tells_of_are_fields_of_the_rows() -> None:
    for row in STREAMS.values():
        for field in row.unseen.keys() - {"*", "is_deleted"}:
            properties = json.loads(resource(f"schemas/{row.name}.json").read_text("utf-8"))["properties"]
            for name in field.split("."):
                assert name in properties, (row.name, field)
                below = properties[name]
                properties = below.get("properties") or below.get("items", {}).get("properties", {})
