"""What people see: tables that fit a terminal, completion, and where a question ends."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import PageSpan
from source_stripe.catalog.manifest import Manifest
from source_stripe.process.masking import MaskedText
from source_stripe.sql.completion import candidates
from source_stripe.sql.dialect import is_finished, statements_in
from source_stripe.sql.estimates import Seen
from source_stripe.sql.newest import Descent
from source_stripe.sql.output import plain
from source_stripe.sql.tables import Tables
from source_stripe.sql.text_table import fitted, shown

TABLES = Tables(Manifest.load().rows)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(20, 250))
def test_columns_fit_and_none_is_wider_than_it_needs(natural: list[int], width: int) -> None:
    widths = fitted(natural, width)
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    assert all(0 < got <= needed for got, needed in zip(widths, natural, strict=False))
    if sum(min(each, 60) for each in natural) + 2 * (len(natural) - 1) <= width:
        assert widths == [min(each, 60) for each in natural]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "true"),
        (datetime(2026, 11, 1, 12), "2026-11-01 12:00:00"),  # noqa: DTZ001 - as DuckDB gives it
        ({"a": [1]}, '{"a": [1]}'),
        (Decimal("12.340"), "12.340"),
        ("two\nlines", "two\N{REPLACEMENT CHARACTER}lines"),
        ("\x1b[2J", "\N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_a_cell_is_one_line_that_no_terminal_obeys(value: Any, text: str) -> None:
    assert shown(value) == text


def test_json_has_numbers_where_none_is_rounded() -> None:
    assert plain({"a": Decimal("12.340"), "b": Decimal("0.1234567890123456789"), "c": [Decimal(5)]}) == {
        "a": 12.34,
        "b": "0.1234567890123456789",
        "c": [5.0],
    }


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        (";; SELECT ';' ; -- a comment;\nSHOW TABLES;", ["SELECT ';'", "SHOW TABLES"]),
        ("  ", []),
    ],
)
def test_semicolons_end_statements(text: str, statements: list[str]) -> None:
    assert statements_in(text) == statements


@pytest.mark.parametrize(
    ("text", "done"),
    [("SELECT 1", False), ("SELECT 1;", True), ("SELECT ';", False), ("SELECT ';'", False), ("", False)],
)
def test_enter_ends_what_has_its_semicolon(text: str, done: bool) -> None:
    assert is_finished(text) is done


@pytest.mark.parametrize(
    ("before", "behind", "there"),
    [
        ("SELECT * FROM balance_t", "", {"balance_transactions"}),
        ("SELECT * FROM charges c JOIN refu", "", {"refunds"}),
        ("describe pay", "", {"payouts", "payment_intents"}),
        ("SELECT failure_c", " FROM charges", {"failure_code"}),
        ("SELECT failure_c", "", {"failure_code"}),
        ("SELECT c.failure_c", " FROM charges c", {"c.failure_code"}),
        ("SELECT billing_details.em", " FROM charges", {"billing_details.email"}),
        ("SELECT c.billing_details.address.ci", " FROM charges c", {"c.billing_details.address.city"}),
        ("SELECT id FROM charges WHE", "", {"WHERE"}),
        ("SELECT stripe_t", "", {"stripe_time("}),
    ],
)
def test_words_are_completed(before: str, behind: str, there: set[str]) -> None:
    assert there <= {word for word, _ in candidates(before, TABLES, behind)}


def test_nothing_completes_what_nothing_begins_with() -> None:
    assert list(candidates("SELECT id FROM qqq", TABLES)) == []


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_masked_text_is_a_terminal_where_its_file_is_one() -> None:
    assert MaskedText(Screen()).isatty()
    assert not MaskedText(io.StringIO()).isatty()


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=5), max_size=8),
    st.integers(1, 8),
)
def test_a_descent_ends_behind_all_that_may_be_wanted(pages: list[list[tuple[int, bool]]], wanted: int) -> None:
    rows = sorted((row for page in pages for row in page), key=lambda row: -row[0])
    taken, descent, at = list[tuple[int, bool]](), Descent(wanted), 0
    for page in pages:
        part, at = rows[at : at + len(page)], at + len(page)
        taken += part
        if descent.is_through([time for time, _ in part], [meets for _, meets in part]):
            break
    best = sorted((time for time, meets in rows if meets), reverse=True)[:wanted]
    had = sorted((time for time, meets in taken if meets), reverse=True)[:wanted]
    assert had == best
    # Rows of the last one's second may be told apart by another column: all of them are there.
    if len(best) == wanted:
        assert sum(row == (best[-1], True) for row in rows) == sum(row == (best[-1], True) for row in taken)


def test_a_list_in_another_order_is_read_to_its_end() -> None:
    descent = Descent(1)
    assert not descent.is_through([5, 9], [True, True])
    assert not descent.is_through([1], [True])
    assert not Descent(1).is_through([None, 3], [True, True])


def spans(*pages: tuple[int, int] | None) -> Sequence[PageSpan | None]:
    return [None if page is None else PageSpan(*page) for page in pages]


def test_pages_are_estimated_by_how_dense_they_are() -> None:
    seen = Seen(PageSpan(1_000, 900), 10, 0)
    assert seen.at_most() == 90
    asked: list[int] = []

    def probe(second: int) -> PageSpan | None:
        asked.append(second)
        return PageSpan(second, second - 1) if second > 300 else None

    assert seen.looked_at(probe) > 225
    assert asked == [675, 450, 225]
