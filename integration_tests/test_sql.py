"""What questions in SQL answer, and how many requests each costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from integration_tests.questions import HOUR, ask, opened, shop
from source_stripe.sql.errors import NotConfirmedError, QueryError
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts.bulk import Plan, populate

CHARGES, CUSTOMERS = 965, 40


class Shop:
    """An account with 965 charges of forty customers, and a session."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self.emulator = emulator
        self.customers = shop(emulator, CUSTOMERS, CHARGES)
        self.now = emulator.clock.now()
        self.session = opened(emulator)

    def said(self, question: str) -> str:
        """A question with what stands in it for this account."""
        return question.format(
            c3=self.customers[3], c4=self.customers[4], c5=self.customers[5], now=self.now, HOUR=HOUR
        )


@pytest.fixture(scope="module")
def market() -> Iterator[Shop]:
    emulator = StripeEmulator()
    with serve(emulator):
        yield Shop(emulator)


LAB = [
    ("SELECT * FROM charges LIMIT 300", 300, 3),
    ("SELECT id, amount FROM charges WHERE customer = '{c3}'", 25, 1),
    ("SELECT id FROM charges WHERE created >= {now} - 50 * {HOUR}", 50, 1),
    ("SELECT email FROM customers WHERE id = '{c3}'", 1, 1),
    ("SELECT ch.id FROM customers c JOIN charges ch ON ch.customer = c.id WHERE c.email = 'c3@example.com'", 25, 2),
    ("SELECT * FROM charges ORDER BY created DESC LIMIT 10", 10, 1),
    ("SELECT id FROM charges WHERE amount > 1000 LIMIT 5", 5, 1),
]
"""With their ideal numbers of requests; two are allowed for the last one."""
MORE = [
    # A subquery: its values say what is asked.
    ("SELECT id FROM charges WHERE customer IN (SELECT id FROM customers WHERE email = 'c3@example.com')", 25, 2),
    # A CTE.
    (
        "WITH late AS (SELECT * FROM charges WHERE created >= {now} - 50 * {HOUR}) SELECT DISTINCT customer FROM late",
        40,
        1,
    ),
    # UNION: each of its SELECTs is one question.
    (
        "SELECT id FROM charges WHERE customer = '{c3}' UNION ALL SELECT id FROM charges WHERE customer = '{c4}'",
        50,
        2,
    ),
    # Aggregates need all rows.
    ("SELECT count(*), sum(amount), max(created) FROM charges", 1, 10),
    # A table twice is read once.
    ("SELECT count(*) FROM charges one JOIN charges other ON one.id = other.id", 1, 10),
    # OR of values of one column, as IN.
    ("SELECT id FROM charges WHERE customer = '{c3}' OR customer = '{c4}' OR customer IN ('{c5}')", 74, 3),
    # OR of different columns says nothing of either.
    ("SELECT id FROM charges WHERE customer = '{c3}' OR amount < 110", 34, 10),
    # NOT, IS NULL and LIKE are tested by DuckDB.
    ("SELECT id FROM charges WHERE NOT customer = '{c3}'", 940, 10),
    ("SELECT id FROM charges WHERE customer IS NULL", 0, 10),
    ("SELECT id FROM customers WHERE email LIKE 'c3%@example.com'", 11, 1),
    # LIMIT with OFFSET.
    ("SELECT id FROM charges LIMIT 100 OFFSET 100", 100, 2),
    ("SELECT id FROM charges ORDER BY created DESC LIMIT 50 OFFSET 120", 50, 2),
    # The newest that meet a condition which Stripe knows nothing of.
    ("SELECT id FROM charges WHERE amount < 960 ORDER BY created DESC LIMIT 5", 5, 2),
    # What can't be.
    ("SELECT id FROM charges WHERE created > 5 AND created < 5", 0, 0),
    ("SELECT id FROM charges WHERE customer = '{c3}' AND customer = '{c4}'", 0, 0),
    # A range, and a value.
    (
        "SELECT id FROM charges WHERE customer = '{c3}' AND stripe_time(created) >= to_timestamp({now} - 50 * {HOUR})",
        2,
        1,
    ),
    # Nobody has that email: nothing else is asked.
    ("SELECT ch.id FROM customers c JOIN charges ch ON ch.customer = c.id WHERE c.email = 'nobody@example.com'", 0, 1),
    # A left join, asked by what is on its left.
    (
        "SELECT r.id FROM customers c LEFT JOIN charges r ON r.customer = c.id WHERE c.email = 'c3@example.com'",
        25,
        2,
    ),
    # Each customer of a few charges, where their list is one page.
    (
        "SELECT email FROM charges r JOIN customers c ON c.id = customer WHERE r.created >= {now} - 3 * {HOUR}",
        3,
        2,
    ),
    # Through a CTE and a subquery.
    ("WITH t AS (SELECT *, amount * 2 AS twice FROM charges) SELECT id FROM t WHERE twice > 0 LIMIT 3", 3, 1),
    ("WITH t AS (SELECT * FROM charges) SELECT id FROM t WHERE customer = '{c3}'", 25, 1),
    ("SELECT s.id FROM (SELECT id, customer AS who FROM charges WHERE amount > 0) s WHERE s.who = '{c3}'", 25, 1),
    # A CTE that is read twice is not narrowed by one of its readers.
    ("WITH t AS (SELECT * FROM charges) SELECT a.id FROM t a, t b WHERE a.id = b.id AND a.customer = '{c3}'", 25, 10),
    # By the value of a subquery.
    ("SELECT id FROM charges WHERE customer = (SELECT id FROM customers ORDER BY created DESC, id LIMIT 1)", None, 2),
    ("SELECT 1 + 1", 1, 0),
    ("EXPLAIN SELECT * FROM charges", 2, 0),
    ("DESCRIBE charges", 50, 0),
    ("DESCRIBE SELECT count(*) FROM charges", 1, 0),
    ("SHOW TABLES", 154, 0),
    ("SHOW TABLES LIKE '%Invoice%'", 5, 0),
    ("SHOW TABLES LIKE 'it''s'", 0, 0),
    ("DESCRIBE charges.billing_details", 5, 0),
    ("DESCRIBE my.charges.billing_details.address", 6, 0),
]
"""With the rows that they answer, and the requests that they take."""
DATADISTILLR = "SELECT * FROM `mystripeapi`.`/{path}` LIMIT 1000"
PATHS = ["balance_transactions", "charges", "customers", "disputes", "payouts", "refunds"]


@pytest.mark.parametrize(("question", "rows", "requests"), LAB)
def test_the_questions_of_the_lab_cost_their_ideal(market: Shop, question: str, rows: int, requests: int) -> None:
    asked = ask(market.emulator, market.session, market.said(question))
    assert (len(asked.rows), asked.requests) == (rows, requests)


@pytest.mark.parametrize(("question", "rows", "requests"), MORE)
def test_others_cost_no_more_than_they_need(market: Shop, question: str, rows: int | None, requests: int) -> None:
    asked = ask(market.emulator, market.session, market.said(question))
    assert asked.requests == requests
    assert rows in (None, len(asked.rows))


@pytest.mark.parametrize("path", PATHS)
def test_datadistillrs_questions_run_as_they_are_written(market: Shop, path: str) -> None:
    asked = ask(market.emulator, market.session, DATADISTILLR.format(path=path))
    rows = {"charges": CHARGES, "customers": CUSTOMERS}.get(path, 0)
    assert len(asked.rows) == rows
    assert asked.requests == max(1, -(-rows // 100))


@pytest.mark.parametrize(
    "question",
    [
        "SELECT charges.id FROM my.charges WHERE charges.customer = '{c3}'",
        "SELECT my.charges.id FROM my.charges WHERE customer = '{c3}'",
        "SELECT `id` FROM `/v1/charges` WHERE `customer` = '{c3}'",
        'SELECT "ID" FROM "/charges" AS c WHERE c."Customer" = \'{c3}\'',
        "FROM charges SELECT id WHERE customer = '{c3}'",
        "WITH charges AS (SELECT * FROM charges WHERE customer = '{c3}') SELECT id FROM charges",
    ],
)
def test_a_table_has_several_names(market: Shop, question: str) -> None:
    asked = ask(market.emulator, market.session, market.said(question))
    assert (len(asked.rows), asked.requests) == (25, 1)


def test_no_way_to_ask_shows_what_the_list_hides(emulator: StripeEmulator) -> None:
    clock = emulator.create("test_helpers.test_clock")["id"]
    customer = emulator.create("customer", test_clock=clock)["id"]
    emulator.create("subscription", customer=customer, test_clock=clock)
    session = opened(emulator)
    for question in (
        "SELECT id FROM customers",
        f"SELECT id FROM customers WHERE id = '{customer}'",  # noqa: S608
        f"SELECT id FROM subscriptions WHERE customer = '{customer}'",  # noqa: S608
    ):
        assert ask(emulator, session, question).rows == []


def test_what_was_created_before_the_start_date_is_left_out(market: Shop) -> None:
    date = datetime.fromtimestamp(market.now - 50 * HOUR, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    session = opened(market.emulator, start_date=date)
    whole = ask(market.emulator, session, "SELECT id FROM charges")
    assert (len(whole.rows), whole.requests) == (50, 1)
    newer = ask(market.emulator, session, market.said("SELECT id FROM charges WHERE created >= {now} - 90 * {HOUR}"))
    assert newer.rows == whole.rows


def test_rows_are_read_while_they_are_fetched(market: Shop) -> None:
    market.emulator.requests.clear()
    answer = market.session.answer("SELECT id FROM charges LIMIT 300")
    answer.fetchone()
    first = len(market.emulator.requests)
    answer.fetchall()
    assert first <= len(market.emulator.requests) == 3


def test_only_what_is_named_is_expanded(market: Shop) -> None:
    ask(market.emulator, market.session, "SELECT id FROM charges LIMIT 1")
    (plain,) = market.emulator.requests
    ask(market.emulator, market.session, "SELECT balance_transaction.net FROM charges LIMIT 1")
    (expanding,) = market.emulator.requests
    assert "expand[]" not in plain.params
    assert expanding.params["expand[]"] == ["data.balance_transaction"]


def test_stripe_refuses_an_id_and_the_list_is_read_without_it(market: Shop) -> None:
    asked = ask(market.emulator, market.session, "SELECT id FROM charges WHERE customer = 'cus_nobody'")
    assert (asked.rows, asked.requests) == ([], 11)


def test_a_list_that_is_read_without_parameters_is_read_once(market: Shop) -> None:
    question = "SELECT id FROM charges WHERE customer IN ('cus_nobody', 'cus_noone', '{c3}')"
    asked = ask(market.emulator, market.session, market.said(question))
    # Stripe is asked in the order of the ids: one of these, all, and nothing behind that.
    assert len(asked.rows) == 25
    assert asked.requests <= 1 + 11


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("SELECT * FROM chargs", "Did you mean charges?"),
        ("SELECT * FROM my.`/chargs`", "Did you mean /charges?"),
        ("SELECT amonut FROM charges", "amonut"),
        ("SELECT * FROM", "This is no SQL"),
        ("SELECT 1; SELECT 2", "one question at a time"),
        ("SELECT * FROM a.b.charges", "A table is called as its stream"),
        ("DESCRIBE charges.nothing", "There is no table nothing"),
        ("SELECT id FROM charges WHERE created >= '2026-11-01'", "stripe_time(created)"),
        ("SELECT id FROM charges WHERE created > now() - INTERVAL 3 DAYS", "stripe_time(created)"),
        ("SELECT date_trunc('day', created) FROM charges", "stripe_time(created)"),
    ],
)
def test_what_is_wrong_is_said_before_any_request(market: Shop, question: str, says: str) -> None:
    market.emulator.requests.clear()
    with pytest.raises(QueryError, match=re.escape(says)):
        market.session.answer(question)
    assert market.emulator.requests == []


def test_a_question_that_reads_more_than_two_hundred_pages_asks_first() -> None:
    emulator, told = StripeEmulator(), list[str]()

    def confirm(what: str) -> bool:
        told.append(what)
        return True

    populate(emulator, Plan({"charge": 30_000}))
    with serve(emulator):
        with pytest.raises(NotConfirmedError, match=r"about [23]\d\d pages"):
            opened(emulator).answer("SELECT count(*) FROM charges")
        assert len(emulator.requests) < 20
        asked = ask(emulator, opened(emulator, confirm), "SELECT count(*) FROM charges")
        assert asked.rows == [(30_000,)]
        assert len(told) == 1
        few = ask(emulator, opened(emulator), "SELECT id FROM charges LIMIT 20")
        assert few.requests == 1
        agreed = ask(emulator, opened(emulator), "SELECT count(*) FROM charges", agreed=True)
        assert (agreed.rows, agreed.requests) == ([(30_000,)], 300)


def test_a_question_that_turns_out_to_be_long_ends_without_an_answer() -> None:
    emulator = StripeEmulator()
    populate(emulator, Plan({"charge": 30_000}))
    with serve(emulator):
        session = opened(emulator)
        with pytest.raises(NotConfirmedError, match="has made 200 requests"):
            session.answer("SELECT id FROM charges WHERE amount < 0 LIMIT 1").fetchall()
        assert len(emulator.requests) == 200
