"""The queries of docs/streams/ run as they are printed: over the rows of a sync, and by `source-stripe sql`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson
import pytest

from integration_tests.questions import opened
from integration_tests.syncing import sync
from source_stripe.catalog.package_files import resource
from source_stripe.sql.arrow_types import Columns, type_of
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator
from unit_tests.conftest import ROWS

PAGES = Path(__file__).parent.parent / "docs" / "streams"
QUERIES = {
    stream: query
    for page in sorted(PAGES.glob("*.md"))
    for stream, query in re.findall(
        r"^## (\w+)\n(?:(?!^## ).*\n)*?```sql\n((?:.*\n)+?)```$", page.read_text("utf-8"), re.MULTILINE
    )
}


@pytest.fixture(scope="module")
def warehouse(account: StripeEmulator) -> Iterator[duckdb.DuckDBPyConnection]:
    """A table for each stream, of the rows of one sync."""
    done = sync(account, ROWS, mode="full_refresh", num_workers=16)
    assert done.code == 0
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ROWS}
    for line in done.lines:
        if line.startswith('{"type":"RECORD"'):
            record = orjson.loads(line)["record"]
            rows[record["stream"]].append(record["data"])
    with duckdb.connect() as connection:
        for name in ROWS:
            schema = orjson.loads(resource(f"schemas/{name}.json").read_bytes())["properties"]
            columns = Columns(name, {column: type_of(each) for column, each in schema.items()})
            connection.register("arrived", columns.batch(rows[name]))
            connection.execute(f"CREATE TABLE {name} AS FROM arrived")
            connection.unregister("arrived")
        yield connection


@pytest.fixture(scope="module")
def session(account: StripeEmulator) -> Session:
    return opened(account)


def test_every_stream_has_a_query() -> None:
    assert {*QUERIES} == {*ROWS}


@pytest.mark.parametrize("stream", ROWS)
def test_a_query_finds_something_in_the_rows_of_a_sync(warehouse: duckdb.DuckDBPyConnection, stream: str) -> None:
    answer = warehouse.execute(QUERIES[stream])
    assert answer.fetchall()


@pytest.mark.parametrize("stream", ROWS)
def test_a_query_is_one_that_stripe_can_be_asked(account: StripeEmulator, session: Session, stream: str) -> None:
    account.requests.clear()
    assert session.answer(f"EXPLAIN {QUERIES[stream]}", agreed=True).fetchall()
    assert account.requests == []
