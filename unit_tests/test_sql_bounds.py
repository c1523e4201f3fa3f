"""Bounds and conditions: what is said of a column allows every row for which the condition is true."""

# ruff: noqa: S608 - these are texts that the engine is there for

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import Range
from source_stripe.catalog.manifest import Manifest
from source_stripe.sql.asks import Ask, asks_of
from source_stripe.sql.bounds import Bound, Span, Values, both, either, is_impossible
from source_stripe.sql.planning import Plan, plan_of
from source_stripe.sql.tables import Tables

TABLES = Tables(Manifest.load().rows)
NOVEMBER = int(datetime.fromisoformat("2026-11-01T00:00:00+00:00").timestamp())
DAY = 86_400

numbers = st.integers(-5, 5)
texts = st.sampled_from(["a", "b", "c"])
spans = st.builds(Span, st.none() | numbers, st.none() | numbers)
of_numbers = spans | st.builds(Values, st.frozensets(numbers, max_size=4))
of_texts = st.builds(Values, st.frozensets(texts, max_size=3))
bounds = st.fixed_dictionaries({}, optional={"x": of_numbers, "y": of_texts})
rows = st.fixed_dictionaries({"x": numbers, "y": texts})


def allows(bounds: Mapping[str, Bound], row: Mapping[str, Any]) -> bool:
    """Whether a row is within bounds."""
    return all(
        row[path] in bound.values
        if isinstance(bound, Values)
        else (bound.low is None or bound.low <= row[path]) and (bound.high is None or row[path] <= bound.high)
        for path, bound in bounds.items()
    )


@given(bounds, bounds, rows)
def test_what_holds_of_both_and_of_either_allows_what_they_allow(
    one: dict[str, Bound], other: dict[str, Bound], row: dict[str, Any]
) -> None:
    if allows(one, row) and allows(other, row):
        assert allows(both(one, other), row)
        assert not is_impossible(both(one, other))
    if allows(one, row) or allows(other, row):
        assert allows(either(one, other), row)


def planned(question: str) -> Plan:
    def constant(expression: str) -> Any:
        ((value,),) = duckdb.connect().execute(f"SELECT {expression}").fetchall()
        return value

    return plan_of(question, TABLES, constant)


def said(condition: str) -> dict[str, Bound]:
    (scan,) = planned(f"SELECT id FROM charges WHERE {condition}").scans
    return dict(scan.bounds)


def values(*each: str | int | bool) -> Values:
    return Values(frozenset(each))


CUSTOMER = {"customer": values("x")}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("customer = 'c'", {"customer": values("c")}),
        ("'c' = customer", {"customer": values("c")}),
        ("(customer = 'c')", {"customer": values("c")}),
        ("customer IN ('a', 'b')", {"customer": values("a", "b")}),
        ("customer = 'a' OR customer = 'b'", {"customer": values("a", "b")}),
        ("customer = 'a' OR amount = 1", {}),
        ("customer = 'a' AND customer = 'b'", {"customer": values()}),
        ("NOT customer = 'a'", {}),
        ("customer <> 'a'", {}),
        ("customer IS NULL", {}),
        ("customer = lower('A')", {}),
        ("customer = 5", {}),
        ("customer = currency", {}),
        ("paid", {"paid": values(True)}),
        ("NOT paid", {"paid": values(False)}),
        ("paid IS TRUE", {"paid": values(True)}),
        ("paid IS NOT TRUE", {}),
        ("paid = false", {"paid": values(False)}),
        ("amount > 5 AND 9 >= amount", {"amount": Span(6, 9)}),
        ("amount > 5.5", {"amount": Span(6, None)}),
        ("amount < 5.5", {"amount": Span(None, 5)}),
        ("amount = 5.5", {}),
        ("amount BETWEEN 2 AND 3", {"amount": Span(2, 3)}),
        ("amount = 1 OR amount > 7", {"amount": Span(1, None)}),
        ("created >= 2 + 3 * 4", {"created": Span(14, None)}),
        ("created > random()", {}),
        ("created >= epoch(TIMESTAMP '2026-11-01')", {"created": Span(NOVEMBER, None)}),
        ("stripe_time(created) >= TIMESTAMP '2026-11-01'", {"created": Span(NOVEMBER, None)}),
        ("stripe_time(created) < '2026-11-01'", {"created": Span(None, NOVEMBER)}),
        ("stripe_time(created)::DATE = DATE '2026-11-01'", {"created": Span(NOVEMBER, NOVEMBER + DAY)}),
        ("date_trunc('day', stripe_time(created)) <= DATE '2026-11-01'", {"created": Span(None, NOVEMBER + DAY)}),
        ("year(stripe_time(created)) = 1970", {"created": Span(0, 365 * DAY - 1)}),
        ("stripe_time(amount) >= stripe_time(created)", {}),
        ("billing_details.email = 'e'", {"billing_details.email": values("e")}),
        ("charges.billing_details.email = 'e'", {"billing_details.email": values("e")}),
        ("billing_details.nothing = 'e'", {}),
        ("EXISTS (SELECT 1 FROM refunds r WHERE r.charge = charges.id AND customer = 'x')", {}),
    ],
)
def test_a_condition_says_what_a_row_has_to_be(condition: str, expected: dict[str, Bound]) -> None:
    scans = planned(f"SELECT id FROM charges WHERE {condition}").scans
    charges = next(scan for scan in scans if scan.table.name == "charges")
    assert dict(charges.bounds) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("SELECT 1 FROM charges c JOIN refunds r ON r.charge = c.id AND c.customer = 'x'", {"customer": values("x")}),
        ("SELECT 1 FROM charges c LEFT JOIN refunds r ON r.charge = c.id AND c.customer = 'x'", {}),
        (
            "SELECT 1 FROM refunds r LEFT JOIN charges c ON r.charge = c.id AND c.customer = 'x'",
            {"customer": values("x")},
        ),
        ("SELECT 1 FROM refunds r FULL JOIN charges c ON r.charge = c.id AND c.customer = 'x'", {}),
        (
            "SELECT 1 FROM refunds r FULL JOIN charges c ON r.charge = c.id WHERE c.customer = 'x'",
            {"customer": values("x")},
        ),
        ("SELECT 1 FROM refunds r ASOF JOIN charges c ON r.created >= c.created WHERE c.customer = 'x'", {}),
        ("SELECT 1 FROM refunds r POSITIONAL JOIN charges c WHERE c.customer = 'x'", {}),
        ("SELECT 1 FROM charges c USING SAMPLE 5", {}),
        ("SELECT 1 FROM charges c, refunds r WHERE paid", {"paid": values(True)}),
        ("SELECT 1 FROM charges c, refunds r WHERE currency = 'x'", {}),
        ("SELECT max(id) FROM charges GROUP BY customer HAVING customer = 'x'", {}),
        ("SELECT 'x' AS customer FROM charges QUALIFY row_number() OVER () = 1 AND customer = 'x'", {}),
        ("SELECT id FROM (SELECT * FROM charges LIMIT 5) t WHERE customer = 'x'", {}),
        ("SELECT id FROM (SELECT DISTINCT customer, id FROM charges) t WHERE customer = 'x'", {}),
        ("SELECT id FROM (SELECT 'x' AS customer, id FROM charges) t WHERE customer = 'x'", {}),
        ("SELECT id FROM (SELECT * REPLACE ('x' AS customer) FROM charges) t WHERE customer = 'x'", {}),
        ("SELECT id FROM (SELECT * FROM charges) t(id, customer) WHERE customer = 'x'", {}),
        ("SELECT id FROM (SELECT id, customer AS c FROM charges) t WHERE c = 'x'", {"customer": values("x")}),
        (
            "WITH RECURSIVE t AS (SELECT customer c FROM charges UNION ALL SELECT 'y' FROM t WHERE c = 'x') FROM t",
            {},
        ),
    ],
)
def test_only_what_makes_no_difference_is_left_out(question: str, expected: dict[str, Bound]) -> None:
    charges = next(scan for scan in planned(question).scans if scan.table.name == "charges")
    assert dict(charges.bounds) == expected


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("SELECT id FROM charges ORDER BY created DESC LIMIT 5", 5),
        ("SELECT id FROM charges ORDER BY stripe_time(created) DESC, id LIMIT 5 OFFSET 2", 7),
        ("SELECT id FROM charges WHERE amount > 5 ORDER BY created DESC LIMIT 5", 5),
        ("SELECT id FROM charges WHERE amount > random() ORDER BY created DESC LIMIT 5", None),
        ("SELECT id FROM charges ORDER BY created LIMIT 5", None),
        ("SELECT id FROM charges ORDER BY amount DESC, created DESC LIMIT 5", None),
        ("SELECT amount AS created FROM charges ORDER BY created DESC LIMIT 5", None),
        ("SELECT * REPLACE (amount AS created) FROM charges ORDER BY created DESC LIMIT 5", None),
        ("SELECT DISTINCT created FROM charges ORDER BY created DESC LIMIT 5", None),
        ("SELECT customer, max(created) FROM charges GROUP BY ALL ORDER BY created DESC LIMIT 5", None),
        ("SELECT sum(amount) OVER () FROM charges ORDER BY created DESC LIMIT 5", None),
        ("SELECT unnest(refunds.data) FROM charges ORDER BY created DESC LIMIT 5", None),
        ("SELECT c.id FROM charges c, refunds r ORDER BY c.created DESC LIMIT 5", None),
        ("SELECT id FROM charges ORDER BY created DESC LIMIT 5 + 5", None),
    ],
)
def test_the_newest_rows_are_enough_where_nothing_else_is_wanted(question: str, rows: int | None) -> None:
    charges = next(scan for scan in planned(question).scans if scan.table.name == "charges")
    assert (charges.newest.rows if charges.newest else None) == rows


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("SELECT id FROM charges WHERE id = 'ch_1'", (Ask("ch_1"),)),
        ("SELECT id FROM charges WHERE id = '..'", (Ask(),)),
        ("SELECT id FROM charges WHERE id = ''", (Ask(),)),
        ("SELECT id FROM charges WHERE customer = 'c'", (Ask(params=(("customer", "c"),)),)),
        ("SELECT id FROM charges WHERE customer = ''", (Ask(),)),
        ("SELECT id FROM charges WHERE currency = 'usd'", (Ask(),)),
        ("SELECT id FROM charges WHERE created BETWEEN 5 AND 9", (Ask(created=Range(5, 10)),)),
        ("SELECT id FROM charges WHERE created > 9 AND created < 5", ()),
        ("SELECT id FROM charges WHERE transfer_group = 'g'", (Ask(),)),
        ("SELECT id FROM payouts WHERE status = 'paid'", (Ask(params=(("status", "paid"),)),)),
        ("SELECT id FROM payouts WHERE status = 'unheard of'", (Ask(),)),
        ("SELECT id FROM payouts WHERE status IN ('paid', 'failed')", (Ask(),)),
        ("SELECT id FROM prices WHERE active", (Ask(params=(("active", "true"),)),)),
        ("SELECT id FROM invoice_line_items WHERE invoice_id = 'in_1'", (Ask("in_1"),)),
        ("SELECT id FROM invoice_line_items WHERE id = 'il_1'", (Ask(),)),
        ("SELECT id FROM reviews WHERE id = 'prv_1'", (Ask(),)),
    ],
)
def test_stripe_is_asked_for_what_it_can_tell_apart(question: str, expected: tuple[Ask, ...]) -> None:
    (scan,) = planned(question).scans
    assert asks_of(scan.table, scan.bounds) == expected


def test_the_text_keeps_its_words_but_for_the_tables() -> None:
    question = "SELECT  my.charges.`id`, 'charges' /* charges */ FROM my.`/charges`, charges AS `other` WHERE 1=1"
    assert planned(question).text == (
        'SELECT  charges."id", \'charges\' /* charges */ FROM stripe_0 AS "charges", stripe_1 AS "other" WHERE 1=1'
    )


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        ("SELECT id, amount FROM charges", {"id", "amount"}),
        ("SELECT count(*) FROM charges", {"id"}),
        ("SELECT billing_details.email FROM charges", {"billing_details"}),
        ("SELECT 1 FROM charges c JOIN refunds r USING (payment_intent)", {"payment_intent", "refunds"}),
        ("SELECT (SELECT c.amount) FROM charges c", {"amount"}),
    ],
)
def test_only_columns_that_are_named_are_made(question: str, columns: set[str]) -> None:
    charges = next(scan for scan in planned(question).scans if scan.table.name == "charges")
    assert set(charges.columns) == columns


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM charges",
        "SELECT charges FROM charges",
        "SELECT c FROM charges c",
        "SELECT COLUMNS('a.*') FROM charges",
        "SELECT 1 FROM charges NATURAL JOIN refunds",
        "SELECT a FROM charges c(a, b)",
        "SELECT * EXCLUDE (id) FROM charges",
    ],
)
def test_all_columns_are_made_where_others_may_be_meant(question: str) -> None:
    charges = next(scan for scan in planned(question).scans if scan.table.name == "charges")
    assert set(charges.columns) == set(TABLES.named("charges").columns)
