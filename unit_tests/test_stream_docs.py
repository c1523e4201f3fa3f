"""docs/streams/ is what tools/generate_stream_docs.py makes of the manifest, the schemas and the written queries."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow
from tools.generate_docs import ROOT, by_group, page_of, read_rows
from tools.generate_stream_docs import main, pages
from tools.stream_joins import Columns, Join, children, joins
from tools.stream_queries import question, written

ROWS = read_rows(ROOT / "manifest.yaml")
PAGES = pages(ROWS)
_SECTION = re.compile(r"^## (\w+)\n((?:(?!## ).*\n)*)", re.MULTILINE)
SECTIONS = {name: text for page in PAGES.values() for name, text in _SECTION.findall(page)}


def columns_of(stream: str) -> Columns:
    columns: Columns = orjson.loads(resource(f"schemas/{stream}.json").read_bytes())["properties"]
    return columns


def test_the_pages_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "core.md").write_text("old", "utf-8")
    (tmp_path / "gone.md").write_text("old", "utf-8")
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert {"gone.md: no group has it", "core.md: differs", "billing.md: missing"} <= set(said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["core.md", "gone.md"]


def test_a_page_of_a_group_that_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("old", "utf-8")
    assert main(["--folder", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {page_of(group) for group in by_group(ROWS)}


def test_every_stream_has_a_section_with_its_columns_and_a_query() -> None:
    assert [*SECTIONS] == [*ROWS]
    for name, text in SECTIONS.items():
        assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [*columns_of(name)]
        assert f" {name}" in text.partition("```sql\n")[2].partition("```")[0]


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (
            "charges",
            [
                "- **Endpoint**: `/v1/charges`",
                "- **Primary key**: `id`",
                "- **Cursor**: `updated`",
                "- **Sync modes**: full refresh, incremental",
                "- **Whole lists inside**: `refunds`",
                "- **Expanded**: `balance_transaction` ([more](../expand.md))",
                "- **Children**: `mandates`",
            ],
        ),
        ("invoice_line_items", ["- **Parent**: `invoices.lines`", "- **Cursor**: `invoice_updated`"]),
        ("tax_codes", ["- **Sync modes**: full refresh", "- **Kept up to date by**: full refresh only"]),
    ],
)
def test_a_section_says_what_the_row_says(stream: str, lines: list[str]) -> None:
    assert [line for line in lines if line not in SECTIONS[stream].splitlines()] == []


def test_columns_join_with_the_streams_whose_ids_they_hold() -> None:
    def found(stream: str) -> list[Join]:
        return joins(ROWS[stream], columns_of(stream), ROWS)

    assert Join("customer", ("customers",)) in found("charges")
    # It is expanded by default.
    assert Join("balance_transaction.id", ("balance_transactions",)) in found("charges")
    assert found("invoice_line_items")[0] == Join("invoice_id", ("invoices",))
    (source,) = (join for join in found("balance_transactions") if join.column == "source")
    assert {"charges", "payouts", "refunds", "disputes"} <= set(source.streams)
    assert children(ROWS["invoices"], ROWS) == ["invoice_line_items", "discounts"]


def test_what_a_join_names_is_there() -> None:
    for stream, row in ROWS.items():
        for join in joins(row, columns_of(stream), ROWS):
            schema = {"properties": columns_of(stream)}
            for name in join.column.split("."):
                schema = schema["properties"][name]
            assert all(ROWS[each].primary_key == ("id",) for each in join.streams if each not in children_of(row))


def children_of(row: StreamRow) -> set[str]:
    return {parent.stream for parent in row.all_parents}


def test_written_questions_are_of_streams() -> None:
    assert written().keys() <= ROWS.keys()
    text = (ROOT / "tools" / "stream_queries.sql").read_text("utf-8")
    assert text.count(";\n") == len(written())


@pytest.mark.parametrize(
    ("stream", "asked", "sql"),
    [
        (
            "subscription_schedule",
            "How many are there by `status`?",
            (
                "SELECT status, count(*) AS subscription_schedule FROM subscription_schedule "
                "WHERE is_deleted IS NOT TRUE GROUP BY ALL ORDER BY subscription_schedule DESC"
            ),
        ),
        (
            "product_features",
            "Which `products` have most of them?",
            (
                "SELECT p.id, count(*) AS product_features FROM product_features AS c JOIN products AS p "
                "ON p.id = c.product_id GROUP BY ALL ORDER BY product_features DESC LIMIT 20"
            ),
        ),
        ("tax_codes", "What is there?", "SELECT id, description, name FROM tax_codes LIMIT 20"),
    ],
)
def test_a_stream_without_a_written_question_gets_a_plain_one(stream: str, asked: str, sql: str) -> None:
    found = question(ROWS[stream], columns_of(stream))
    assert (found.text, " ".join(found.sql.split())) == (asked, sql)
