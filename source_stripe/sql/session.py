"""A session: questions to the accounts of a config, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot.tokenizer_core import Token, TokenType

from source_stripe.api.account import AccountReader
from source_stripe.catalog.asking import Asking
from source_stripe.catalog.config import parse_config
from source_stripe.catalog.expanding import expanded_too
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.pushing import Level
from source_stripe.catalog.several_accounts import with_room
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.routes import Routes
from source_stripe.sql.answers import Answer, telling
from source_stripe.sql.dialect import quoted, tokens_of
from source_stripe.sql.engine import Engine
from source_stripe.sql.feeds import Feed
from source_stripe.sql.metering import HOW_AMONG_ACCOUNTS, Meter, MeteredRequester
from source_stripe.sql.places import ManyPlaces, OnePlace, Place, Places
from source_stripe.sql.planning import Plan, plan_of
from source_stripe.sql.running import Run, columns_of
from source_stripe.sql.tables import Tables
from source_stripe.sql.told import Told, columns_told, plan_told, tables_told


class Session:
    """Answers questions about the accounts that a config names."""

    def __init__(self, config: Mapping[str, Any], meter: Meter | None = None) -> None:
        """Raises ConfigError."""
        parsed, manifest = parse_config(config), Manifest.load()
        self.meter = meter or Meter()
        rows: Mapping[str, StreamRow] = filtered(expanded_too(manifest.rows, parsed.expand), parsed.filters)
        rows = with_room(rows) if parsed.several else rows
        requester = MeteredRequester(parsed, Asking.of(manifest, parsed), meter=self.meter)
        routes = Routes(rows, manifest.paging, requester, AccountReader(requester), first=Level.ONCE)
        self.places: Places = ManyPlaces(parsed, routes) if parsed.several else OnePlace(Place(routes))
        if parsed.several:
            self.meter.how = HOW_AMONG_ACCOUNTS
        self.tables = Tables(rows, parsed.several)
        self.engine = Engine()
        self._start = parsed.start_date or 0

    def answer(self, text: str, *, agreed: bool = False) -> Answer:
        """The answer to one statement: a SELECT, or what SHOW, DESCRIBE and EXPLAIN tell without asking Stripe.

        `agreed` where it may cost any number of requests. Raises QueryError, and what a reading raises.
        """
        self.meter.begin(agreed=agreed)
        tokens = tokens_of(text)
        word = tokens[0].text.upper() if tokens else ""
        rest = text[tokens[0].end + 1 :] if tokens else ""
        if word == "EXPLAIN":
            return self._explained(rest)
        if word in ("DESCRIBE", "DESC", "SHOW"):
            return self._described(tokens[1:], rest)
        return self._select(text)

    def _explained(self, text: str) -> Answer:
        """What is asked for a SELECT. Only who is connected is asked of Stripe, where the config names all."""
        plan = self._checked(text)
        self.places.begin()
        return self._told(plan_told(plan, self.places))

    def _described(self, tokens: Sequence[Token], rest: str) -> Answer:
        names = [token.text for token in tokens if token.token_type not in (TokenType.DOT, TokenType.SEMICOLON)]
        if not names or [name.upper() for name in names] in (["TABLES"], ["ALL", "TABLES"]):
            return self._told(tables_told(self.tables))
        if [name.upper() for name in names[:2]] == ["TABLES", "LIKE"] and len(names) == 3:
            return self._told(tables_told(self.tables), quoted(names[2], "'"))
        if names[0].upper() in ("SELECT", "WITH", "FROM", "("):
            return self.described(rest)
        table, path = self.tables.find_inside(tuple(names))
        inside = f"SELECT unnest({'.'.join(map(quoted, path))}) " if path else ""
        found = self.described(f"{inside}FROM {quoted(table.name)}").fetchall()
        return self._told(columns_told(table, path, {row[0]: row[1] for row in found}))

    def _told(self, told: Told, like: str | None = None) -> Answer:
        """A table as the answer; those of its rows whose name is like a text."""
        self.engine.begin()
        self.engine.register(
            "stripe_told", pa.table({name: pa.array(values, pa.string()) for name, values in told.items()})
        )
        where = f" WHERE name ILIKE {like}" if like is not None else ""
        return Answer(self.engine.execute(f"SELECT * FROM stripe_told{where}"))  # noqa: S608 - a quoted text

    def _checked(self, text: str) -> Plan:
        """The plan of a SELECT that DuckDB can answer. Until a reading takes its place, every table is empty."""
        plan = self.plan(text)
        for scan in plan.scans:
            self.engine.register(scan.name, Feed(columns_of(scan).schema, lambda: iter(())))
        self.engine.check(plan.text)
        return plan

    def plan(self, text: str) -> Plan:
        """The plan of a SELECT. Raises QueryError."""
        self.engine.begin()
        while True:
            self.engine.is_new = False
            plan = plan_of(text, self.tables, self.engine.constant)
            if not self.engine.is_new:
                return plan

    def _select(self, text: str) -> Answer:
        """The answer to a SELECT; it is read while its rows are fetched."""
        plan = self._checked(text)
        self.places.begin()
        run = Run(plan, self.places, self.engine, self.meter, self._start)
        with telling(run):
            run.prepare()
            return Answer(self.engine.execute(plan.text), run)

    def described(self, text: str) -> Answer:
        """The columns of what a SELECT would answer. Asks Stripe nothing."""
        plan = self._checked(text)
        with telling(()):
            return Answer(self.engine.execute(f"DESCRIBE {plan.text}"))
