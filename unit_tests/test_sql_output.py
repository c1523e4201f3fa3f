"""What people see: tables that fit a terminal, completion, and where a question ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from source_stripe.api.ranges import PageSpan
from source_stripe.catalog.manifest import Manifest
from source_stripe.process.masking import MaskedText
from source_stripe.sql.completion import candidates
from source_stripe.sql.dialect import is_finished, statements_in
from source_stripe.sql.errors import NotConfirmedError
from source_stripe.sql.estimates import Seen
from source_stripe.sql.metering import Meter
from source_stripe.sql.newest import Descent
from source_stripe.sql.output import plain
from source_stripe.sql.screenfuls import EnoughError, Screenfuls, Wish, asked
from source_stripe.sql.tables import Tables
from source_stripe.sql.terminal import confirm
from source_stripe.sql.text_table import fitted, shown

TABLES = Tables(Manifest.load().rows)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(20, 250))
def test_columns_fit_and_none_is_wider_than_it_needs(natural: list[int], width: int) -> None:
    widths = fitted(natural, width)
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    assert all(0 < got <= needed for got, needed in zip(widths, natural, strict=False))
    if sum(min(each, 60) for each in natural) + 2 * (len(natural) - 1) <= width:
        assert widths == [min(each, 60) for each in natural]


def test_an_id_in_front_is_shown_whole() -> None:
    first, *_ = fitted([27, *[40] * 50], 80)
    assert first == 27
    assert fitted([60, 40], 80) == [40, 38]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("wishes", "shown_ones", "raised"),
    [
        (["more"] * 9, 20, False),
        (["all"], 20, False),
        (["enough"], 4, True),
        (["more", "enough"], 8, True),
        (["more", "all"], 20, False),
    ],
)
def test_a_long_answer_stops_at_each_screenful(wishes: list[Wish], shown_ones: int, raised: bool) -> None:
    terminal, asked = Terminal(), iter(wishes)
    screenfuls = Screenfuls(terminal, lambda: next(asked), height=5)
    with pytest.raises(EnoughError) if raised else nullcontext():
        for number in range(20):
            screenfuls.write(f"{number}\n")
    assert terminal.getvalue() == "".join(f"{number}\n" for number in range(shown_ones))
    assert screenfuls.rows == shown_ones - 2


def test_only_a_terminal_is_asked_whether_it_wants_more() -> None:
    file = io.StringIO()
    screenfuls = Screenfuls(file, lambda: pytest.fail("nobody is there"), height=5)
    for number in range(20):
        screenfuls.write(f"{number}\n")
    assert file.getvalue().count("\n") == 20


@pytest.mark.parametrize(
    ("key", "wish"),
    [("\r", "more"), (" ", "more"), ("a", "all"), ("q", "enough"), ("\x03", "enough"), ("\x04", "enough")],
)
def test_one_key_says_what_is_wanted(key: str, wish: Wish) -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text(f"x{key}")
        assert asked() == wish


def test_what_people_look_for_first_stands_first() -> None:
    assert [*TABLES.named("charges").columns][:7] == [
        "id", "created", "status", "amount", "currency", "customer", "description",
    ]  # fmt: skip
    rest = [*TABLES.named("charges").columns][7:]
    in_schema = [*TABLES.named("charges").schema["properties"]]
    assert rest == sorted(rest, key=in_schema.index)
    assert {*rest} == {*in_schema} - {*[*TABLES.named("charges").columns][:7]}


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


def test_masked_text_is_a_terminal_where_its_file_is_one() -> None:
    assert MaskedText(Terminal()).isatty()
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


def test_who_is_asked_is_told_nothing_of_options(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["n\n", "y\n"])
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(terminal, "readline", lambda: next(answers))
    meter = Meter(confirm, limit=0)
    with pytest.raises(NotConfirmedError, match=r"^Nothing more is read\.$"):
        meter.count()
    meter.count()
    assert meter.limit is None
    assert "has made 0 requests" in terminal.getvalue()
    assert "--yes" not in terminal.getvalue()


def test_who_can_not_be_asked_is_told_how_to_agree() -> None:
    with pytest.raises(NotConfirmedError, match="--yes"):
        Meter(limit=0).count()
