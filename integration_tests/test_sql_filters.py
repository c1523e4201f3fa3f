"""The filters of a config count in SQL: a question sees what a sync with that config brings."""

# ruff: noqa: S608 - these are texts that the engine is there for

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from integration_tests.questions import HOUR, ask, opened, shop
from integration_tests.random_questions import COLUMNS, Questions, populate
from integration_tests.syncing import sync
from source_stripe.catalog.config import ConfigError
from source_stripe.sql.engine import Engine
from source_stripe.sql.feeds import Feed
from source_stripe.sql.planning import Scan
from source_stripe.sql.running import columns_of
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator, serve

SEEDS = int(os.environ.get("SOURCE_STRIPE_QUESTIONS", "200")) // 50
CHARGES = 365


class Shop:
    """An account with 365 charges of forty customers, one each hour, and fifteen payouts, one each day."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self.emulator = emulator
        self.customers = shop(emulator, charges=CHARGES)
        self.now = emulator.clock.now()
        self.charges = {each["customer"]: each["id"] for each in emulator.objects("charge")}
        for day in range(15):
            at = self.now - day * 24 * HOUR
            status = ("paid", "failed", "pending")[day % 3]
            emulator.create("payout", status=status, arrival_date=at, created=at - HOUR, event=False)
        for customer in self.customers[:3]:
            for status in ("active", "canceled"):
                emulator.create("subscription", customer=customer, status=status, event=False)

    def said(self, text: str) -> str:
        """A text with what stands in it for this account."""
        return text.format(
            c3=self.customers[3],
            c4=self.customers[4],
            of_c3=self.charges[self.customers[3]],
            of_c4=self.charges[self.customers[4]],
            now=self.now,
        )

    def at(self, hours: int) -> int:
        """So many hours ago (Unix seconds)."""
        return self.now - hours * HOUR


@pytest.fixture(scope="module")
def market() -> Iterator[Shop]:
    emulator = StripeEmulator()
    with serve(emulator):
        yield Shop(emulator)


def test_a_filter_that_is_wrong_is_refused_as_in_a_sync(emulator: StripeEmulator) -> None:
    with pytest.raises(ConfigError, match="customer"):
        opened(emulator, filters=["charges.custmer=cus_1"])


CUSTOMER = ["charges.customer={c3}"]
TWO = ["charges.customer={c3},{c4}"]
PAID = ["payouts.status=paid"]
PAID_OR_FAILED = ["payouts.status=paid,failed"]
FILTERED = [
    # Asked for, and nothing else is read.
    (CUSTOMER, "SELECT id FROM charges", 10, 1),
    (CUSTOMER, "SELECT count(*) FROM charges", None, 1),
    (TWO, "SELECT id FROM charges", 20, 2),
    (PAID, "SELECT * FROM payouts", 5, 1),
    # Rows may go from one of these lists to the other: the whole list is tested.
    (PAID_OR_FAILED, "SELECT id FROM payouts", 10, 1),
    # With a condition on the same column: what both say.
    (TWO, "SELECT id FROM charges WHERE customer = '{c3}'", 10, 1),
    (CUSTOMER, "SELECT id FROM charges WHERE customer = '{c4}'", 0, 0),
    (CUSTOMER, "SELECT id FROM charges WHERE customer IN ('{c3}', '{c4}')", 10, 1),
    (CUSTOMER, "SELECT id FROM charges WHERE customer <> '{c3}'", 0, 1),
    (PAID_OR_FAILED, "SELECT id FROM payouts WHERE status = 'failed'", 5, 1),
    (PAID_OR_FAILED, "SELECT id FROM payouts WHERE status = 'pending'", 0, 0),
    (PAID_OR_FAILED, "SELECT id FROM payouts WHERE NOT status = 'failed'", 5, 1),
    # With LIMIT, whose rows are those that are left.
    (CUSTOMER, "SELECT id FROM charges LIMIT 4", 4, 1),
    (CUSTOMER, "SELECT id FROM charges ORDER BY created DESC LIMIT 4", 4, 1),
    (PAID_OR_FAILED, "SELECT id FROM payouts ORDER BY created DESC LIMIT 8 OFFSET 4", 6, 1),
    # A row that is got by its id is tested too.
    (CUSTOMER, "SELECT id FROM charges WHERE id = '{of_c3}'", 1, 1),
    (CUSTOMER, "SELECT id FROM charges WHERE id = '{of_c4}'", 0, 1),
    (CUSTOMER, "SELECT id FROM charges WHERE id IN ('{of_c3}', '{of_c4}')", 1, 2),
    # A join's other side has its own.
    (CUSTOMER, "SELECT c.email FROM charges r JOIN customers c ON c.id = r.customer", 10, 2),
    (
        ["customers.email=c3@example.com"],
        "SELECT r.id FROM customers c JOIN charges r ON r.customer = c.id",
        10,
        2,
    ),
    (["customers.email=c3@example.com"], "SELECT id FROM charges", CHARGES, 4),
    # What is about rows inside of rows.
    (["subscriptions.status=ended"], "SELECT id FROM subscriptions", 3, 1),
    (["subscriptions.status=ended"], "SELECT id FROM subscriptions WHERE status = 'active'", 0, 0),
]
"""Filters, a question, its rows, and its requests."""


@pytest.mark.parametrize(("filters", "question", "rows", "requests"), FILTERED)
def test_rows_that_do_not_match_are_not_there(
    market: Shop, filters: list[str], question: str, rows: int | None, requests: int
) -> None:
    session = opened(market.emulator, filters=[market.said(each) for each in filters])
    asked = ask(market.emulator, session, market.said(question))
    assert asked.requests == requests
    if rows is None:
        assert asked.rows == [(10,)]
    else:
        assert len(asked.rows) == rows


RANGES = [
    ("charges.created", {"gte": 50}, "SELECT id FROM charges", 50, 1),
    ("charges.created", {"gte": 150, "lt": 50}, "SELECT id FROM charges", 100, 1),
    ("charges.created", {"gte": 150}, "SELECT id FROM charges WHERE created >= {now} - 250 * 3600", 150, 2),
    ("charges.created", {"gte": 150}, "SELECT id FROM charges WHERE created < {now} - 120 * 3600", 30, 1),
    ("charges.created", {"gte": 150}, "SELECT id FROM charges WHERE created < {now} - 200 * 3600", 0, 0),
    ("charges.created", {"lt": 350}, "SELECT id FROM charges ORDER BY created DESC LIMIT 20", 15, 1),
    ("payouts.arrival_date", {"gte": 240}, "SELECT id FROM payouts", 11, 1),
    ("payouts.arrival_date", {"gte": 240}, "SELECT id FROM payouts WHERE arrival_date > {now} - 100 * 3600", 5, 1),
    ("payouts.arrival_date", {"gte": 240}, "SELECT id FROM payouts WHERE arrival_date = {now} - 48 * 3600", 1, 1),
    ("payouts.arrival_date", {"lt": 24}, "SELECT id FROM payouts WHERE arrival_date >= {now} - 24 * 3600", 0, 0),
]
"""A parameter, its bounds by hours ago, a question, its rows, and its requests."""


@pytest.mark.parametrize(("name", "bounds", "question", "rows", "requests"), RANGES)
def test_ranges_meet_the_conditions_of_a_question(
    market: Shop, name: str, bounds: dict[str, int], question: str, rows: int, requests: int
) -> None:
    stream, parameter = name.split(".")
    wanted = {stream: {parameter: {end: market.at(hours) for end, hours in bounds.items()}}}
    asked = ask(market.emulator, opened(market.emulator, filters=wanted), market.said(question))
    assert (len(asked.rows), asked.requests) == (rows, requests)


def test_a_list_is_asked_for_what_filters_and_conditions_say_together(market: Shop) -> None:
    wanted = {"payouts": {"arrival_date": {"gte": market.at(240)}, "status": "paid"}}
    session = opened(market.emulator, filters=wanted)
    ask(market.emulator, session, market.said("SELECT id FROM payouts WHERE arrival_date > {now} - 100 * 3600"))
    (request,) = market.emulator.requests
    assert request.params["arrival_date[gte]"] == [str(market.at(100) + 1)]
    assert request.params["status"] == ["paid"]


def test_filters_that_compare_in_other_ways_are_asked_for_and_tested(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer")["id"]
    coupon = emulator.create("coupon")["id"]
    prices = [emulator.create("price", product=emulator.create("product")["id"]) for _ in range(2)]
    for number, price in enumerate((*prices, prices[0])):
        emulator.create("subscription", customer=customer, items=[{"price": price} for _ in range(number + 11)])
        emulator.create("promotion_code", code=f"Spring{number}", promotion={"type": "coupon", "coupon": coupon})
    emulator.clock.advance(60)
    session = opened(
        emulator,
        filters=[f"subscriptions.price={prices[0]['id']}", "promotion_codes.code=SPRING1", "events.type=price.*"],
    )
    one = ask(emulator, session, "SELECT id FROM subscriptions")
    assert len(one.rows) == 2
    assert len(ask(emulator, session, f"SELECT id FROM subscriptions WHERE customer = '{customer}'").rows) == 2
    assert ask(emulator, session, "SELECT code FROM promotion_codes WHERE code = 'Spring1'").rows == [("Spring1",)]
    assert ask(emulator, session, "SELECT code FROM promotion_codes WHERE code = 'Spring2'").rows == []
    assert ask(emulator, session, "SELECT DISTINCT type FROM events").rows == [("price.created",)]
    assert ask(emulator, session, "SELECT id FROM events WHERE type = 'customer.created'").rows == []
    assert len(ask(emulator, session, "SELECT id FROM events WHERE type = 'price.created'").rows) == 2
    assert not [each for each in emulator.requests if each.status != 200]


def test_a_payment_of_an_invoice_is_asked_for_with_its_type(emulator: StripeEmulator) -> None:
    intents = [emulator.create("payment_intent")["id"] for _ in range(2)]
    for intent in intents:
        payment = {"type": "payment_intent", "payment_intent": intent}
        emulator.create("invoice_payment", invoice=emulator.create("invoice")["id"], payment=payment)
    question = f"SELECT id FROM invoice_payments WHERE payment.payment_intent = '{intents[0]}'"
    asked = ask(emulator, opened(emulator), question)
    assert (len(asked.rows), asked.requests) == (1, 1)


def test_children_follow_their_parents(emulator: StripeEmulator) -> None:
    customers = [emulator.create("customer")["id"] for _ in range(2)]
    invoices = [
        emulator.create("invoice", customer=customer, status="open", lines=[{"amount": 5} for _ in range(12)])["id"]
        for customer in customers
    ]
    session = opened(emulator, filters={"invoices": {"customer": customers[0]}})
    assert len(ask(emulator, session, "SELECT id FROM invoice_line_items").rows) == 12
    for invoice, rows in zip(invoices, (12, 0), strict=True):
        asked = ask(emulator, session, f"SELECT id FROM invoice_line_items WHERE invoice_id = '{invoice}'")
        assert len(asked.rows) == rows


def test_explain_says_that_filters_count(market: Shop) -> None:
    session = opened(market.emulator, filters=[market.said("charges.customer={c3}")])
    told = ask(market.emulator, session, "EXPLAIN SELECT id FROM charges LIMIT 5").rows
    assert told[0][1:] == (
        market.said("GET /v1/charges?customer={c3}, and of that what the config's filters want"),
        "1 for 100 rows",
    )
    told = ask(market.emulator, session, "EXPLAIN SELECT id FROM customers LIMIT 5").rows
    assert told[0][1:] == ("GET /v1/customers", "1")


def some_filters(random: Random, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Filters of some tables, with values that rows have."""

    def one_of(table: str, name: str, made_up: Any) -> Any:
        held = [row[name] for row in rows[table] if row[name] is not None]
        return random.choice(held) if held else made_up

    def span(table: str, name: str) -> dict[str, int]:
        low, high = sorted(one_of(table, name, 1_700_000_000) for _ in range(2))
        return random.choice(({"gte": low}, {"lte": high}, {"gt": low - 1, "lt": high + 1}))

    possible: list[tuple[str, str, Any]] = [
        ("customers", "email", one_of("customers", "email", "red@example.com")),
        ("customers", "created", span("customers", "created")),
        ("charges", "customer", [one_of("charges", "customer", "cus_1") for _ in range(2)]),
        ("charges", "payment_intent", one_of("charges", "payment_intent", "pi_1")),
        ("charges", "created", span("charges", "created")),
        ("refunds", "charge", [one_of("refunds", "charge", "ch_1") for _ in range(3)]),
        ("invoices", "status", random.sample(("draft", "open", "paid", "void"), 2)),
        ("invoices", "due_date", span("invoices", "due_date")),
        ("products", "active", random.random() < 0.5),
        ("prices", "active", random.random() < 0.5),
        ("prices", "lookup_keys", random.sample(("a", "b", "c"), 2)),
        ("prices", "currency", "eur"),
        ("subscriptions", "status", random.choice(("active", "ended", ["past_due", "trialing"]))),
        ("subscriptions", "created", span("subscriptions", "created")),
    ]
    chosen: dict[str, Any] = {}
    for table, name, wanted in random.sample(possible, 7):
        chosen.setdefault(table, {})[name] = wanted
    return chosen


def synced(emulator: StripeEmulator, session: Session, wanted: dict[str, Any]) -> Engine:
    """A DuckDB with what a sync with these filters brings."""
    engine = Engine()
    engine.begin()
    output = sync(emulator, [*COLUMNS], filters=wanted).output
    assert output.errors == []
    for name, columns in COLUMNS.items():
        arrow = columns_of(Scan(0, session.tables.named(name), columns))
        rows = [row for row in output.records(name) if not row.get("is_deleted")]
        batch = arrow.batch(rows)
        engine.register(name, Feed(arrow.schema, lambda batch=batch: iter([batch])))  # type: ignore[misc]
    return engine


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_questions_with_random_filters_get_the_answer_of_what_a_sync_brings(seed: int) -> None:
    random, emulator = Random(seed), StripeEmulator()
    populate(emulator, random)
    rows = {name: emulator.objects(name.removesuffix("s")) for name in COLUMNS}
    wanted = some_filters(random, rows)
    with serve(emulator):
        session = opened(emulator, filters=wanted)
        engine, questions = synced(emulator, session, wanted), Questions(random, rows)
        for _ in range(50):
            question, ordered = questions.question()
            expected = engine.rows(question)
            asked = ask(emulator, session, question, agreed=True)
            assert Counter(asked.rows) == Counter(expected), (wanted, question)
            if ordered:
                assert asked.rows == expected, (wanted, question)
