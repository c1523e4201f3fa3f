"""Questions in SQL about a platform and the accounts connected to it: each row says whose it is."""

# ruff: noqa: S608 - these are texts that the engine is there for

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from integration_tests.questions import Asked, ask, opened
from integration_tests.random_questions import ACCOUNT, COLUMNS, Questions, populate
from source_stripe.api.errors import StreamFailure
from source_stripe.sql.engine import Engine
from source_stripe.sql.errors import NotConfirmedError
from source_stripe.sql.feeds import Feed
from source_stripe.sql.planning import Scan
from source_stripe.sql.running import columns_of
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator, faults, serve
from stripe_emulator.accounts import crowd

OWN = "acct_1Emulator"
FIRST, *_, LAST = [f"acct_Crowd{number:08}" for number in range(12)]
"""Of the accounts that are connected to the platform, each with three charges; the last one is listed first."""
SEEDS = int(os.environ.get("SOURCE_STRIPE_QUESTIONS", "200")) // 50


def platform(accounts: int = 12) -> StripeEmulator:
    """A platform with connected accounts, and a charge, a transfer and an application fee of its own."""
    emulator = StripeEmulator()
    crowd.populate(emulator, crowd.Crowd(accounts))
    for kind in ("charge", "transfer", "application_fee"):
        emulator.create(kind)
    emulator.connected[FIRST].create("invoice", lines=[{"amount": 5}, {"amount": 6}])
    emulator.clock.advance(3_600)
    return emulator


@pytest.fixture(scope="module")
def shared() -> Iterator[StripeEmulator]:
    emulator = platform()
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def session(shared: StripeEmulator) -> Session:
    opened_one = opened(shared, connected_accounts=["all"])
    # The key's own account is asked for once.
    assert ask(shared, opened_one, f"SELECT 1 FROM charges WHERE account_id = '{OWN}'").paths[0] == "/v1/account"
    return opened_one


def asked_of(emulator: StripeEmulator) -> Counter[str]:
    """How often each account was asked for rows."""
    return Counter(
        each.account or OWN for each in emulator.requests if each.path not in ("/v1/account", "/v1/accounts")
    )


QUESTIONS = [
    # Each account, and the list of them.
    ("SELECT count(*) FROM charges", 1, 14),
    ("SELECT account_id, count(*) FROM charges GROUP BY account_id", 13, 14),
    ("SELECT id, account_id FROM charges WHERE amount < 0", 0, 14),
    # An account that is not come to costs nothing.
    ("SELECT id FROM charges LIMIT 1", 1, 1),
    ("SELECT id FROM charges LIMIT 3", 3, 3),
    ("SELECT id FROM charges LIMIT 7 OFFSET 3", 7, 5),
    # Some accounts.
    ("SELECT id FROM charges WHERE account_id = '{first}'", 3, 1),
    ("SELECT id FROM charges WHERE account_id IN ('{first}', '{last}')", 6, 2),
    ("SELECT id FROM charges WHERE account_id = '{own}' OR account_id = '{last}'", 4, 2),
    ("SELECT id FROM charges WHERE account_id = '{first}' AND account_id = '{last}'", 0, 0),
    ("SELECT id FROM charges WHERE account_id = '{first}' OR amount < 0", 3, 14),
    ("SELECT id FROM charges WHERE account_id <> '{first}'", 34, 14),
    ("WITH t AS (SELECT * FROM charges) SELECT id FROM t WHERE account_id = '{first}'", 3, 1),
    ("SELECT id FROM charges WHERE account_id = 'no account'", 0, 0),
    # The newest of all are among the newest of each.
    ("SELECT id FROM charges ORDER BY created DESC LIMIT 4", 4, 14),
    ("SELECT id FROM charges WHERE account_id = '{first}' ORDER BY created DESC LIMIT 2", 2, 1),
    # One object may be anywhere.
    ("SELECT id FROM charges WHERE id = '{charge}'", 1, 14),
    ("SELECT id FROM charges WHERE id = '{charge}' AND account_id = '{first}'", 1, 1),
    # A customer of one account is unknown to others, which say so twice.
    ("SELECT id FROM charges WHERE customer = '{customer}'", 3, 1 + 13 + 12),
    ("SELECT id FROM charges WHERE customer = '{customer}' AND account_id = '{first}'", 3, 1),
    # A join by the account too asks only there.
    (
        """SELECT r.id FROM customers c JOIN charges r ON r.customer = c.id AND r.account_id = c.account_id
        WHERE c.id = '{customer}'""",
        3,
        1 + 13 + 1,
    ),
    ("SELECT r.id FROM customers c JOIN charges r ON r.customer = c.id WHERE c.id = '{customer}'", 3, 14 + 13 + 12),
    (
        """SELECT r.id FROM customers c JOIN charges r ON r.customer = c.id AND r.account_id = c.account_id
        WHERE c.account_id = '{first}'""",
        3,
        1 + 1,
    ),
    ("SELECT r.id FROM customers c JOIN charges r USING (account_id) WHERE c.id = '{customer}'", 3, 1 + 13 + 1),
    # By the list of accounts, which is asked once for its rows and once for who is connected.
    ("SELECT id FROM charges WHERE account_id IN (SELECT id FROM accounts WHERE id LIKE '%7')", 3, 2 + 1),
    ("SELECT r.id FROM accounts a JOIN charges r ON r.account_id = a.id WHERE a.id LIKE '%7'", 3, 14 + 1),
    # What a platform alone has.
    ("SELECT id FROM transfers", 1, 1),
    ("SELECT id FROM application_fees WHERE account_id = '{own}'", 1, 1),
    ("SELECT id FROM transfers WHERE account_id = '{first}'", 0, 0),
    ("SELECT count(*) FROM accounts", 1, 1),
    # The same for all: once.
    ("SELECT count(*) FROM tax_codes", 1, 1),
    # Children.
    ("SELECT id FROM invoice_line_items WHERE account_id = '{first}'", 2, 1),
    ("SELECT id, account_id FROM invoice_line_items", 2, 14),
]
"""With the rows that they answer, and the requests that they take."""


def said(emulator: StripeEmulator, question: str) -> str:
    """A question with what stands in it for this platform."""
    account = emulator.connected.lent(FIRST)
    (customer, *_), (charge, *_) = (account.objects(kind) for kind in ("customer", "charge"))
    return question.format(first=FIRST, last=LAST, own=OWN, customer=customer["id"], charge=charge["id"])


@pytest.mark.parametrize(("question", "rows", "requests"), QUESTIONS)
def test_accounts_are_asked_one_after_the_other(
    shared: StripeEmulator, session: Session, question: str, rows: int, requests: int
) -> None:
    asked = ask(shared, session, said(shared, question), agreed=True)
    assert (len(asked.rows), asked.requests) == (rows, requests)


def test_each_row_says_whose_it_is_and_each_table_has_the_column_last(shared: StripeEmulator, session: Session) -> None:
    rows = ask(shared, session, "SELECT account_id, count(*), min(id) FROM charges GROUP BY account_id").rows
    assert {account: number for account, number, _ in rows} == {
        OWN: 1,
        **dict.fromkeys((f"acct_Crowd{number:08}" for number in range(12)), 3),
    }
    assert all(
        charge.startswith(f"ch_{account.removeprefix('acct_')}") for account, _, charge in rows if account != OWN
    )
    for table in ("charges", "accounts", "tax_codes"):
        *_, (column, kind, asked_by, _) = ask(shared, session, f"DESCRIBE {table}").rows
        assert (column, kind, asked_by) == (ACCOUNT, "VARCHAR", "yes")


def test_a_parents_id_of_that_name_has_another_one(emulator: StripeEmulator) -> None:
    emulator.create("financial_connections.account", ownership={"owners": {"data": []}})
    session = opened(emulator, connected_accounts=["all"])
    columns = [row[0] for row in ask(emulator, session, "DESCRIBE financial_connections_account_owners").rows]
    assert {"financial_connections_account_id", ACCOUNT} <= {*columns}
    assert columns[-1] == ACCOUNT


def test_ids_that_all_accounts_have_stay_apart(shared: StripeEmulator, session: Session) -> None:
    rows = ask(shared, session, f"SELECT account_id FROM coupons WHERE id = '{crowd.SHARED}'").rows
    assert len({*rows}) == len(rows) == 12


def test_accounts_that_are_listed_are_read_and_no_others(shared: StripeEmulator) -> None:
    session = opened(shared, connected_accounts=[FIRST, LAST])
    asked = ask(shared, session, "SELECT DISTINCT account_id FROM charges")
    assert (sorted(asked.rows), asked.requests) == ([(FIRST,), (LAST,)], 3)
    # What a platform alone has is its own all the same.
    assert ask(shared, session, "SELECT account_id FROM transfers").rows == [(OWN,)]
    for account in (OWN, "acct_Crowd00000005", "acct_Nobody"):
        asked = ask(shared, session, f"SELECT id FROM charges WHERE account_id = '{account}'")
        assert (asked.rows, asked.requests) == ([], 0)
    asked = ask(shared, session, "SELECT id FROM charges WHERE account_id IN (SELECT id FROM accounts)")
    assert asked_of(shared).keys() == {FIRST, LAST}


def test_a_part_of_the_accounts_is_read_as_in_a_sync(shared: StripeEmulator) -> None:
    read = [
        row[0]
        for number in (1, 2, 3)
        for row in ask(
            shared,
            opened(shared, connected_accounts=["all"], part=f"{number}/3"),
            "SELECT DISTINCT account_id FROM charges",
        ).rows
    ]
    assert Counter(read) == Counter([OWN, *shared.connected])


def test_an_organizations_key_reads_the_accounts_that_are_listed(emulator: StripeEmulator) -> None:
    other = emulator.like_it({"id": "acct_Other"})
    other.create("charge")
    emulator.create("charge")
    crowd.populate(emulator, crowd.Crowd(1))
    session = opened(
        emulator,
        client_secret=emulator.organization_key(other),
        connected_accounts=[OWN, f"{OWN}/{FIRST}", "acct_Other"],
    )
    rows = Counter(row[0] for row in ask(emulator, session, "SELECT account_id FROM charges").rows)
    assert rows == {OWN: 1, FIRST: 3, "acct_Other": 1}
    assert len(ask(emulator, session, f"SELECT id FROM charges WHERE account_id = '{FIRST}'").rows) == 3
    assert not [request for request in emulator.requests if request.status != 200]


@pytest.mark.parametrize("listed", [True, False])
def test_an_account_without_access_ends_the_question_with_stripes_words(emulator: StripeEmulator, listed: bool) -> None:
    crowd.populate(emulator, crowd.Crowd(3))
    emulator.connected.revoke(FIRST, listed=True)
    session = opened(emulator, connected_accounts=["all"] if listed else [*emulator.connected])
    with pytest.raises(StreamFailure, match=f"Of the account {FIRST}: .*access may have been revoked"):
        ask(emulator, session, "SELECT count(*) FROM charges")
    with pytest.raises(StreamFailure, match=f"Of the account {FIRST}: .*access may have been revoked"):
        ask(emulator, session, f"SELECT count(*) FROM charges WHERE account_id = '{FIRST}'")
    others = ", ".join(f"'{account}'" for account in emulator.connected if account != FIRST)
    asked = ask(emulator, session, f"SELECT count(*) FROM charges WHERE account_id IN ({others})")
    assert asked.rows == [(6,)]


def test_an_account_that_is_no_connected_one_is_no_empty_table(shared: StripeEmulator, session: Session) -> None:
    with pytest.raises(StreamFailure, match="Of the account acct_Nobody"):
        ask(shared, session, "SELECT id FROM charges WHERE account_id = 'acct_Nobody'")


def test_a_fault_on_the_way_ends_the_question(emulator: StripeEmulator) -> None:
    crowd.populate(emulator, crowd.Crowd(3))
    session = opened(emulator, connected_accounts=["all"])
    emulator.faults.add(faults.refused(403, "No, by Stripe"), on="/v1/charges", of=FIRST, times=None)
    with pytest.raises(StreamFailure, match=rf"{FIRST}: .*No, by Stripe"):
        ask(emulator, session, "SELECT count(*) FROM charges")
    emulator.faults.clear()
    emulator.faults.add(faults.refused(403, "No list, by Stripe"), on="/v1/accounts", times=None)
    with pytest.raises(StreamFailure, match="No list, by Stripe"):
        ask(emulator, session, "SELECT count(*) FROM charges")


def test_a_key_of_no_platform_is_told(emulator: StripeEmulator) -> None:
    emulator.is_platform = False
    session = opened(emulator, connected_accounts=["all"])
    with pytest.raises(Exception, match="no Connect platform"):
        ask(emulator, session, "SELECT count(*) FROM charges")


def test_accounts_that_are_not_set_up_for_a_product_have_no_rows_of_it(
    emulator: StripeEmulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.populate(emulator, crowd.Crowd(3))
    emulator.disable("issuing")
    for name in [*emulator.connected][:2]:
        emulator.connected[name].disable("issuing")
    last = [*emulator.connected][-1]
    emulator.connected[last].create("issuing.card")
    session = opened(emulator, connected_accounts=["all"])
    monkeypatch.setattr(logging.getLogger("airbyte.stripe"), "propagate", True)
    caplog.set_level(logging.WARNING)
    assert ask(emulator, session, "SELECT account_id FROM cards").rows == [(last,)]
    (line,) = [line for line in caplog.messages if "cards" in line]
    assert "3 of the accounts" in line
    with pytest.raises(StreamFailure, match=f"Of the account {FIRST}"):
        ask(emulator, session, f"SELECT count(*) FROM cards WHERE account_id = '{FIRST}'")


def test_the_charges_of_a_deleted_customer_are_found(emulator: StripeEmulator) -> None:
    crowd.populate(emulator, crowd.Crowd(3))
    account = emulator.connected[FIRST]
    customer = account.create("customer")["id"]
    charge = account.create("charge", customer=customer)["id"]
    account.delete(customer)
    session = opened(emulator, connected_accounts=["all"])
    asked = ask(emulator, session, f"SELECT id, account_id FROM charges WHERE customer = '{customer}'")
    assert asked.rows == [(charge, FIRST)]


def test_explain_tells_how_many_accounts_are_asked(shared: StripeEmulator, session: Session) -> None:
    def told(question: str) -> Asked:
        asked = ask(shared, session, f"EXPLAIN {said(shared, question)}")
        return Asked([row[1:] for row in asked.rows[:-1]], asked.paths)

    assert told("SELECT id FROM charges").rows == [("each of 13 accounts: GET /v1/charges", "13 x (1 for 100 rows)")]
    assert told("SELECT id FROM charges").paths == ["/v1/accounts"]
    one = told("SELECT id FROM charges WHERE account_id = '{first}'")
    assert (one.rows, one.paths) == ([(f"{FIRST}: GET /v1/charges", "1 for 100 rows")], [])
    assert told("SELECT id FROM transfers").rows == [("one account: GET /v1/transfers", "1 for 100 rows")]
    assert told("SELECT id FROM charges WHERE id = 'ch_1'").rows == [
        ("each of 13 accounts: GET /v1/charges/ch_1", "13 x (1)")
    ]


def test_two_hundred_requests_are_those_of_all_accounts() -> None:
    emulator = platform(accounts=205)
    with serve(emulator):
        session = opened(emulator, connected_accounts=["all"])
        with pytest.raises(NotConfirmedError, match=r"about 20[6-9] pages.*WHERE account_id IN"):
            ask(emulator, session, "SELECT count(*) FROM charges")
        # Who there is, and nothing else.
        assert {request.path for request in emulator.requests} == {"/v1/account", "/v1/accounts"}
        assert ask(emulator, session, "SELECT count(*) FROM charges", agreed=True).rows == [(205 * 3 + 1,)]
        with pytest.raises(NotConfirmedError, match="has made 200 requests"):
            ask(emulator, session, "SELECT id FROM charges WHERE amount < 0 LIMIT 1")
        few = ask(emulator, session, "SELECT id FROM charges LIMIT 20")
        assert len(few.rows) == 20
        assert few.requests == 1 + 8


def test_long_lists_of_a_few_accounts_are_foreseen(emulator: StripeEmulator) -> None:
    crowd.populate(emulator, crowd.Crowd(40, charges=1_000))
    session = opened(emulator, connected_accounts=["all"])
    with pytest.raises(NotConfirmedError, match=r"about [2-4]\d\d pages"):
        ask(emulator, session, "SELECT count(*) FROM charges")
    assert len(emulator.requests) < 20


def test_filters_count_in_each_account(shared: StripeEmulator) -> None:
    session = opened(shared, connected_accounts=["all"], filters=["disputes.charge=ch_Nobody", "payouts.status=paid"])
    assert ask(shared, session, "SELECT count(*) FROM payouts").rows == [(12,)]
    assert ask(shared, session, "SELECT count(*) FROM disputes").rows == [(0,)]


def whole_tables(emulator: StripeEmulator, session: Session) -> tuple[Engine, dict[str, list[dict[str, Any]]]]:
    """A DuckDB with all rows of all accounts, each read by itself, and the rows."""
    engine, rows = Engine(), dict[str, list[dict[str, Any]]]()
    alone = {account: opened(emulator, account_id=account) for account in (OWN, *emulator.connected)}
    engine.begin()
    for name, columns in COLUMNS.items():
        rows[name] = []
        for account, one in alone.items():
            found = one.answer(f"SELECT {', '.join(columns)} FROM {name}", agreed=True).fetchall()
            rows[name] += [{**dict(zip(columns, row, strict=True)), ACCOUNT: account} for row in found]
        arrow = columns_of(Scan(0, session.tables.named(name), (*columns, ACCOUNT)))
        batch = arrow.batch(rows[name])
        engine.register(name, Feed(arrow.schema, lambda batch=batch: iter([batch])))  # type: ignore[misc]
    return engine, rows


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_questions_get_duckdbs_answer_over_three_accounts(seed: int) -> None:
    random, emulator = Random(seed), StripeEmulator()
    for each in (emulator, emulator.connect(), emulator.connect()):
        populate(each, random)
    with serve(emulator):
        session = opened(emulator, connected_accounts=["all"])
        engine, rows = whole_tables(emulator, session)
        columns = {name: (*own, ACCOUNT) for name, own in COLUMNS.items()}
        questions, some = Questions(random, rows, columns), 0
        for _ in range(50):
            question, ordered = questions.question()
            expected = engine.rows(question)
            asked = ask(emulator, session, question, agreed=True)
            assert Counter(asked.rows) == Counter(expected), question
            if ordered:
                assert asked.rows == expected, question
            some += 0 < len(asked_of(emulator)) < 3
        assert some


def test_the_questions_of_the_docs_have_an_answer(shared: StripeEmulator, session: Session) -> None:
    page = (Path(__file__).parent.parent / "docs" / "sql.md").read_text("utf-8")
    (part,) = re.findall(r"^## Several accounts\n(.+?)^## ", page, re.MULTILINE | re.DOTALL)
    (question,) = re.findall(r"```sql\n(.+?)```", part, re.DOTALL)
    asked = ask(shared, session, question.replace("7 DAYS", "100 YEARS"))
    assert sum(row[2] for row in asked.rows) == 37
    assert asked.requests == 14
    conditions = re.findall(r"`(account_id IN \(SELECT .+?\)|JOIN .+?)`", part)
    assert len(conditions) == 2
    for condition in conditions:
        where = condition if condition.startswith("JOIN") else f"WHERE {condition}"
        ask(shared, session, f"SELECT charges.id FROM charges {where}")
