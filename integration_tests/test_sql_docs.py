"""The questions of docs/sql.md, as a reader would ask them, and what the page says of the ways to ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration_tests.questions import ask, opened
from source_stripe.sql import connect
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import demo
from stripe_emulator.clock import Clock

PAGE = Path(__file__).parent.parent / "docs" / "sql.md"
QUESTIONS = re.findall(r"^### \d+\. (.+?)\n\n```sql\n(.+?)```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
REQUESTS = {
    "Who paid last?": 1,
    "What has this customer paid?": 2,
    "Which invoices will not be paid?": 1,
    "What is on this invoice?": 2,
}
"""What the page says of some."""


@pytest.fixture(scope="module")
def company() -> Iterator[StripeEmulator]:
    """The demo's company, whose last day is today."""
    emulator = StripeEmulator(clock=Clock(ticking=True))
    demo.populate(emulator)
    # What the demo's last days may lack, whatever day it is.
    jenny = emulator.create("customer", email="jenny.rosen@example.com")["id"]
    emulator.create("charge", customer=jenny, amount=1_000, currency="usd")
    emulator.create("invoice", customer=jenny, status="uncollectible", created=emulator.clock.now() - 30 * 86_400)
    emulator.create("payout", status="in_transit", arrival_date=emulator.clock.now() + 86_400)
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def session(company: StripeEmulator) -> Session:
    return opened(company)


def test_there_are_fifteen() -> None:
    assert len(QUESTIONS) == 15
    assert REQUESTS.keys() <= {heading for heading, _ in QUESTIONS}


@pytest.mark.parametrize(("heading", "question"), QUESTIONS, ids=[heading for heading, _ in QUESTIONS])
def test_a_question_of_the_page_has_an_answer(
    company: StripeEmulator, session: Session, heading: str, question: str
) -> None:
    asked = ask(company, session, question)
    assert asked.rows
    assert asked.requests == REQUESTS.get(heading, asked.requests)
    assert asked.requests <= 20


def test_explain_tells_what_a_question_asks_and_asks_nothing(company: StripeEmulator, session: Session) -> None:
    for _, question in QUESTIONS:
        asked = ask(company, session, f"EXPLAIN {question}")
        assert asked.paths == []
        assert asked.rows


def test_python_has_a_door(company: StripeEmulator, tmp_path: Path) -> None:
    config = {"client_secret": company.key, "api_url": company.url}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with connect(config) as stripe:
        answer = stripe.sql("SELECT id, amount FROM charges ORDER BY created DESC LIMIT 10")
        assert (answer.columns, len(answer.fetchall()), stripe.requests) == (["id", "amount"], 10, 1)
    with connect(path) as stripe:
        table = stripe.sql("SELECT id, created FROM charges ORDER BY created DESC LIMIT 3").arrow()
    assert (table.num_rows, table.column_names) == (3, ["id", "created"])
    assert connect(str(path)).sql("SELECT 41 + 1").fetchone() == (42,)


@pytest.mark.parametrize("kind", ["table", "csv", "json", "parquet"])
def test_an_answer_has_several_forms(company: StripeEmulator, tmp_path: Path, kind: str) -> None:
    path, target, asked = tmp_path / "config.json", tmp_path / f"answer.{kind}", tmp_path / "question.sql"
    path.write_text(json.dumps({"client_secret": company.key, "api_url": company.url}))
    asked.write_text("SELECT id, created, metadata, address, 7 AS seven FROM customers LIMIT 3;")
    command = [sys.executable, "-m", "source_stripe.run", "sql", "--config", str(path), "-f", str(asked)]
    command += ["--format", kind]
    to_file = subprocess.run([*command, "--output", str(target)], capture_output=True, text=True, check=False)
    assert (to_file.returncode, to_file.stdout, to_file.stderr) == (0, "", "")
    to_stdout = subprocess.run(command, capture_output=True, check=False)
    assert to_stdout.returncode == 0
    assert to_stdout.stdout == target.read_bytes()
    if kind == "json":
        assert [row["seven"] for row in json.loads(target.read_text())] == [7, 7, 7]
