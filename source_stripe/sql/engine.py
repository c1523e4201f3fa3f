"""The engine: DuckDB, which answers each question whole from what was read for it, and can reach nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from source_stripe.sql.dialect import quoted
from source_stripe.sql.errors import TIMES_ARE_NUMBERS, QueryError

_CONFIG: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    # A second thread would ask for pages ahead of what a LIMIT needs.
    "threads": "1",
}
_STRIPE_TIME = (
    "CREATE MACRO stripe_time(seconds) AS coalesce(make_timestamp(try_cast(seconds AS BIGINT) * 1000000), "
    "try_cast(CAST(seconds AS VARCHAR) AS TIMESTAMP))"
)
_MAJOR = (
    "CREATE MACRO major(amount, currency) AS CASE WHEN lower(currency) IN ({zero}) THEN amount * 1.000 "
    "WHEN lower(currency) IN ({three}) THEN amount * 0.001 ELSE amount * 0.010 END"
)
_TIMES = re.compile(r"\b(DATE|TIMESTAMP|INTERVAL)\b|'(date_trunc|date_part|year|month|day|strftime)\(")
"""In what DuckDB says where a number is taken for a time."""
_ZERO = ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
"""Currencies whose amounts are whole (https://docs.stripe.com/currencies#zero-decimal): not ISK and UGX, which Stripe
writes with two decimals all the same."""
_THREE = ("bhd", "jod", "kwd", "omr", "tnd")
"""Currencies of a thousand units (https://docs.stripe.com/currencies#three-decimal)."""


class Engine:
    """A DuckDB in memory, locked down. Each question has a connection and a transaction of its own."""

    def __init__(self) -> None:
        self._database = duckdb.connect(":memory:", config=_CONFIG)
        self._database.execute(_STRIPE_TIME)
        self._database.execute(_MAJOR.format(zero=_listed(_ZERO), three=_listed(_THREE)))
        self._database.execute("SET GLOBAL TimeZone = 'UTC'")
        self._database.execute("SET lock_configuration = true")
        # Pages are tested while a question runs.
        self._beside = self._database.cursor()
        self._connection = self._database.cursor()
        self._hopeless: set[str] = set()
        self.is_new = False

    def begin(self) -> None:
        """A question begins: until the next one, now() is one moment. The last one can't be read any further."""
        self._connection.close()
        self._connection = self._database.cursor()
        self._connection.execute("BEGIN TRANSACTION")
        self.is_new = True

    def check(self, text: str) -> None:
        """Raise QueryError if DuckDB takes a text for more than a question, or can't answer it from what there is."""
        try:
            statements = self._database.extract_statements(text)
            if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
                raise QueryError("Only SELECT, DESCRIBE, SHOW and EXPLAIN are answered: nothing is ever written.")
            self.rows(f"DESCRIBE {text}")
        except duckdb.Error as error:
            raise QueryError(reason_of(error)) from None

    def constant(self, expression: str) -> Any:
        """The value of an expression without columns; None where DuckDB makes none of it.

        An error ends the transaction: `is_new` says that another one began, where now() is later.
        """
        if expression in self._hopeless:
            return None
        try:
            ((value,),) = self.rows(f"SELECT {expression}")
        except duckdb.Error:
            self._hopeless.add(expression)
            self.begin()
            return None
        return value

    def register(self, name: str, table: Any) -> None:
        """Let the question read something by this name: an object with Arrow's stream interface."""
        self._connection.register(name, table)

    def execute(self, text: str) -> duckdb.DuckDBPyConnection:
        """Raises duckdb.Error."""
        return self._connection.execute(text)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """All rows of a small question. Raises duckdb.Error."""
        return self._connection.execute(text).fetchall()

    def meets(self, batch: pa.RecordBatch, called: str, where: Sequence[str]) -> list[bool]:
        """Which rows of a page meet all of these conditions, which call it so."""
        if not where:
            return [True] * batch.num_rows
        self._beside.register("stripe_page", pa.Table.from_batches([batch]))
        conditions = " AND ".join(f"({each})" for each in where)
        try:
            found = self._beside.execute(f"SELECT coalesce({conditions}, false) FROM stripe_page AS {quoted(called)}")  # noqa: S608
            return [bool(row[0]) for row in found.fetchall()]
        finally:
            self._beside.unregister("stripe_page")


def reason_of(error: Exception) -> str:
    """What DuckDB says, without the text of the question as it was rewritten for it."""
    told = str(error).partition("\n\nLINE ")[0].strip()
    told = told.partition("\n\tCandidate functions")[0]
    return f"{told.rstrip('.')}. {TIMES_ARE_NUMBERS}" if "BIGINT" in told and _TIMES.search(told) else told


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
