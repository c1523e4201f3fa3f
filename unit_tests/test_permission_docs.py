"""docs/permissions.md is what tools/generate_permission_docs.py makes of tools/permissions.yaml and the manifest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from source_stripe.catalog.stream_rows import StreamRow
from tools.generate_docs import ROOT, read_rows
from tools.generate_permission_docs import main, page
from tools.permissions import needed, suggested

ROWS = read_rows(ROOT / "manifest.yaml")
NAMED: dict[str, Any] = yaml.safe_load((ROOT / "tools" / "permissions.yaml").read_text("utf-8"))
ROW = {
    "name": "things",
    "group": "Core",
    "path": "/v1/things",
    "object": ("thing",),
    "primary_key": ("id",),
    "sync": "snapshot",
}


def cells(stream: str) -> list[str]:
    """What the page's table says of a stream."""
    line = next(line for line in page(ROWS, []).splitlines() if line.startswith(f"| `{stream}`"))
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--page", str(tmp_path / "permissions.md")]) == 1
    assert [*tmp_path.iterdir()] == []
    assert capsys.readouterr().out == "permissions.md: missing\n"


def test_every_stream_has_a_line() -> None:
    told = [line.split("`")[1] for line in page(ROWS, []).splitlines() if line.startswith("| `")]
    assert told == [*ROWS]


def test_what_is_named_is_of_some_stream_and_lets_read() -> None:
    kinds = {kind for row in ROWS.values() for kind in row.object}
    named = {**NAMED["objects"], **NAMED["events"]}
    assert named.keys() - kinds == set()
    assert NAMED["objects"].keys() & NAMED["events"].keys() == set()
    assert all(name.endswith("_read") for name in (*named.values(), *NAMED["direct"]))
    assert set(NAMED["direct"]) <= set(named.values())


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        ("charges", ["`charge_read`", "`balance_transaction_source_read` (`balance_transaction`)", "yes", "unknown"]),
        ("refunds", ["`charge_read` *", "`balance_transaction_source_read` (`balance_transaction`)", "yes", "unknown"]),
        ("invoice_line_items", ["`invoice_read`", "", "yes", "unknown"]),
        ("product_features", ["unknown", "`product_read` (`products`)", "", "unknown"]),
        ("account", ["`connected_account_read`", "", "", "no"]),
        ("accounts", ["`connected_account_read`", "", "", "not needed"]),
        ("reserve_holds", ["`event_read`", "", "", "unknown"]),
        ("events", ["`event_read`", "", "", "unknown"]),
    ],
)
def test_a_stream_needs_what_its_objects_and_what_is_read_along_need(stream: str, told: list[str]) -> None:
    assert cells(stream)[1:] == told


def test_a_kind_that_nothing_names_is_unknown() -> None:
    row = StreamRow.model_validate(ROW)
    need = needed(row, {"things": row})
    assert (need.own, need.certain, dict(need.also), need.events) == (("unknown",), False, {}, False)


def test_the_list_to_tick_has_all_that_the_suggested_streams_need() -> None:
    ticks = [line for line in page(ROWS, suggested()).splitlines() if line.startswith("- [ ] ")]
    ticked = [line.split("`")[1] for line in ticks]
    assert len(set(ticked)) == len(ticked)
    for name in suggested():
        need = needed(ROWS[name], ROWS)
        assert {*need.own, *need.also} <= set(ticked)
        assert "unknown" not in need.own
    assert {"event_read", "connected_account_read"} <= set(ticked)


@pytest.mark.parametrize(("page", "begin"), [("setup.md", "Begin with\n"), ("faq.md", "should I begin with?\n")])
def test_pages_that_name_the_first_set_name_all_of_it(page: str, begin: str) -> None:
    named = (ROOT / "docs" / page).read_text("utf-8").partition(begin)[2].partition(".")[0]
    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(suggested())
