"""Whatever is asked of Stripe for a question, the answer is DuckDB's over whole tables."""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import Any

import pytest

from integration_tests.questions import ask, opened
from integration_tests.random_questions import COLUMNS, Questions, populate
from source_stripe.sql.asks import Ask
from source_stripe.sql.engine import Engine
from source_stripe.sql.feeds import Feed
from source_stripe.sql.planning import Scan
from source_stripe.sql.readers import Readers
from source_stripe.sql.running import columns_of
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator, serve

PLAIN = {"limit", "starting_after", "expand[]"}
"""What whole lists are asked for with."""
SEEDS = int(os.environ.get("SOURCE_STRIPE_QUESTIONS", "200")) // 50


def whole_tables(session: Session) -> tuple[Engine, dict[str, list[dict[str, Any]]]]:
    """A DuckDB with all rows of all tables, and the rows."""
    engine, rows = Engine(), {}
    engine.begin()
    for name, columns in COLUMNS.items():
        table = session.tables.named(name)
        readers = Readers(table, columns, session.places)
        rows[name] = [row for chunk in readers.chunks([Ask()]) for row in chunk.rows]
        arrow = columns_of(Scan(0, table, columns))
        batch = arrow.batch(rows[name])
        engine.register(name, Feed(arrow.schema, lambda batch=batch: iter([batch])))  # type: ignore[misc]
    return engine, rows


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_questions_get_duckdbs_answer_over_whole_tables(seed: int) -> None:
    random, emulator = Random(seed), StripeEmulator()
    populate(emulator, random)
    with serve(emulator):
        session = opened(emulator)
        engine, rows = whole_tables(session)
        questions, narrowed = Questions(random, rows), 0
        for _ in range(50):
            question, ordered = questions.question()
            expected = engine.rows(question)
            asked = ask(emulator, session, question, agreed=True)
            assert Counter(asked.rows) == Counter(expected), question
            if ordered:
                assert asked.rows == expected, question
            narrowed += any(request.params.keys() - PLAIN for request in emulator.requests)
        assert narrowed > 10
