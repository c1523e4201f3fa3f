"""Random accounts, and random questions about them."""

# ruff: noqa: S608 - these are texts that the engine is there for

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from stripe_emulator import StripeEmulator

_DAY = 86_400
_WORDS = ("red", "green", "blue")
ACCOUNT = "account_id"
"""A column of all tables, where several accounts are read."""

Rows = dict[str, list[dict[str, Any]]]
"""By table."""


def populate(emulator: StripeEmulator, random: Random) -> None:
    """Customers, charges, refunds, invoices, subscriptions and prices: few values, so that many rows have the same."""
    now = emulator.clock.now()

    def some_time() -> int:
        # Whole days: many rows are of one second.
        return now - random.choice((random.randrange(1, 40) * _DAY, random.randrange(1, 40 * _DAY)))

    def made(kind: str, **fields: Any) -> dict[str, Any]:
        return emulator.create(kind, event=False, created=some_time(), **fields)

    customers = [
        made("customer", email=f"{random.choice(_WORDS)}@example.com", name=random.choice((*_WORDS, None)))["id"]
        for _ in range(random.randrange(1, 150))
    ]
    intents = [made("payment_intent", customer=random.choice(customers))["id"] for _ in range(20)]
    charges = [
        made(
            "charge",
            customer=random.choice((*customers[:9], None)),
            amount=random.randrange(1, 20) * 100,
            currency=random.choice(("usd", "eur", "jpy")),
            payment_intent=random.choice((*intents, None)),
            description=random.choice((*_WORDS, None)),
            paid=random.random() < 0.8,
        )["id"]
        for _ in range(random.randrange(0, 420))
    ]
    for charge in random.sample(charges, len(charges) // 4):
        made("refund", charge=charge, amount=random.randrange(1, 20) * 10)
    for _ in range(random.randrange(0, 130)):
        made(
            "invoice",
            customer=random.choice(customers),
            status=random.choice(("draft", "open", "paid", "void")),
            due_date=random.choice((None, some_time())),
        )
    products = [made("product", active=random.random() < 0.7)["id"] for _ in range(5)]
    for _ in range(random.randrange(0, 60)):
        made(
            "price",
            product=random.choice(products),
            active=random.random() < 0.6,
            currency=random.choice(("usd", "eur")),
            lookup_key=random.choice((None, "a", "b", "c")),
        )
    for _ in range(random.randrange(0, 40)):
        made(
            "subscription",
            customer=random.choice(customers),
            status=random.choice(("active", "past_due", "canceled", "trialing")),
        )


COLUMNS = {
    "customers": ("id", "email", "name", "created"),
    "charges": ("id", "customer", "amount", "currency", "payment_intent", "description", "paid", "created"),
    "refunds": ("id", "charge", "amount", "payment_intent", "created"),
    "invoices": ("id", "customer", "status", "due_date", "created"),
    "products": ("id", "active", "created"),
    "prices": ("id", "product", "active", "currency", "lookup_key", "created"),
    "subscriptions": ("id", "customer", "status", "created"),
}
JOINS = [
    ("charges", "customer", "customers", "id"),
    ("refunds", "charge", "charges", "id"),
    ("invoices", "customer", "customers", "id"),
    ("subscriptions", "customer", "customers", "id"),
    ("prices", "product", "products", "id"),
    ("charges", "customer", "subscriptions", "customer"),
    ("invoices", "customer", "charges", "customer"),
]


@dataclass(frozen=True)
class Questions:
    """Makes questions with values that the rows have."""

    random: Random
    rows: Rows
    columns: Mapping[str, Sequence[str]] = field(default_factory=lambda: COLUMNS)

    def question(self) -> tuple[str, bool]:
        """A question, and whether the order of its answer is part of it."""
        shapes: Sequence[Callable[[], tuple[str, bool]]] = (
            self._plain, self._newest, self._joined, self._inside, self._grouped, self._united, self._named,
            self._twice, self._correlated,
        )  # fmt: skip
        return self.random.choice(shapes)()

    def _plain(self) -> tuple[str, bool]:
        table = self._table()
        return f"SELECT {self._columns(table)} FROM {table}{self._where(table, '')}", False

    def _newest(self) -> tuple[str, bool]:
        table, random = self._table(), self.random
        orders = ("created DESC, id", "created DESC, id DESC", "created, id", "stripe_time(created) DESC, id")
        order = random.choice(orders)
        offset = random.choice(("", f" OFFSET {random.randrange(60)}"))
        limit = f" ORDER BY {order} LIMIT {random.choice((0, 1, 5, 40, 130))}{offset}"
        return f"SELECT id, created FROM {table}{self._where(table, '')}{limit}", True

    def _joined(self) -> tuple[str, bool]:
        random = self.random
        one, path, other, key = random.choice(JOINS)
        if random.random() < 0.5:
            one, path, other, key = other, key, one, path
        how = random.choice(("JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN"))
        on = f"a.{path} = b.{key}"
        if ACCOUNT in self.columns[one] and random.random() < 0.7:
            on += f" AND a.{ACCOUNT} = b.{ACCOUNT}"
        if random.random() < 0.3:
            on += f" AND {self._condition(other, 'b.')}"
        if random.random() < 0.2:
            on += f" AND {self._condition(one, 'a.')}"
        wheres = [
            self._condition(table, prefix) for table, prefix in ((one, "a."), (other, "b.")) if random.random() < 0.6
        ]
        where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
        return f"SELECT a.id, b.id, a.created FROM {one} a {how} {other} b ON {on}{where}", False

    def _inside(self) -> tuple[str, bool]:
        one, path, other, key = self.random.choice(JOINS)
        no = self.random.choice(("", "", "NOT "))
        inner = f"SELECT {key} FROM {other}{self._where(other, '')}"
        also = f" AND {self._condition(one, '')}" if self.random.random() < 0.5 else ""
        return f"SELECT id FROM {one} WHERE {path} {no}IN ({inner}){also}", False

    def _grouped(self) -> tuple[str, bool]:
        table = self._table()
        column = self.random.choice(self.columns[table])
        having = self.random.choice(("", " HAVING count(*) > 1"))
        return f"SELECT {column}, count(*), max(created) FROM {table}{self._where(table, '')} GROUP BY 1{having}", False

    def _united(self) -> tuple[str, bool]:
        how = self.random.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
        one, other = self._table(), self._table()
        first, second = (f"SELECT created FROM {table}{self._where(table, '')}" for table in (one, other))
        return f"{first} {how} {second}", False

    def _named(self) -> tuple[str, bool]:
        table = self._table()
        inner, outer = self._where(table, ""), self._condition(table, "")
        return f"WITH t AS (SELECT * FROM {table}{inner}) SELECT id FROM t WHERE {outer}", False

    def _twice(self) -> tuple[str, bool]:
        table = self._table()
        one, other = self._condition(table, "a."), self._condition(table, "b.")
        return f"SELECT a.id, b.id FROM {table} a, {table} b WHERE a.created = b.created AND {one} AND {other}", False

    def _correlated(self) -> tuple[str, bool]:
        one, path, other, key = self.random.choice(JOINS)
        inner = f"SELECT count(*) FROM {other} b WHERE b.{key} = a.{path} AND {self._condition(other, 'b.')}"
        return f"SELECT id, ({inner}) FROM {one} a{self._where(one, 'a.')}", False

    def _table(self) -> str:
        return self.random.choice([*COLUMNS])

    def _columns(self, table: str) -> str:
        return ", ".join(self.random.sample(self.columns[table], self.random.randrange(1, 4)))

    def _where(self, table: str, prefix: str) -> str:
        return self.random.choice(("", *(f" WHERE {self._condition(table, prefix)}" for _ in range(4))))

    def _condition(self, table: str, prefix: str, depth: int = 2) -> str:
        random = self.random
        if depth and random.random() < 0.5:
            one, other = (self._condition(table, prefix, depth - 1) for _ in range(2))
            return random.choice((f"{one} AND {other}", f"({one} OR {other})", f"NOT ({one})", f"({one} AND {other})"))
        names = (*self.columns[table], "created", *self.columns[table][1:2])
        name = ACCOUNT if ACCOUNT in names and random.random() < 0.3 else random.choice(names)
        column = f"{prefix}{name}"
        one, other = self._value(table, name), self._value(table, name)
        ways = [f"{column} = {one}", f"{one} = {column}", f"{column} IN ({one}, {other})", f"{column} IS NULL",
                f"{column} <> {one}", f"{column} IS NOT NULL", f"{column} IS NOT DISTINCT FROM {one}"]  # fmt: skip
        if name in ("created", "amount", "due_date"):
            ways += [f"{column} {sign} {one}" for sign in ("<", "<=", ">", ">=")] * 2
            ways += [f"{column} BETWEEN {one} AND {other}", f"{column} * 1.0 > {one}", f"{column} > {one} + 0.5"]
        if name in ("created", "due_date"):
            time = f"stripe_time({column})"
            ways += [f"{time} >= stripe_time({one})", f"{time} < make_timestamp({one} * 1000000::BIGINT)",
                     f"CAST({time} AS DATE) = CAST(make_timestamp({one} * 1000000::BIGINT) AS DATE)",
                     f"{time} <= TIMESTAMP '2026-11-10'", f"{time} >= DATE '2026-11-10'",
                     f"date_trunc('day', {time}) > TIMESTAMP '2026-11-05'", f"year({time}) = 2026",
                     f"date_trunc('week', {time}) <= DATE '2026-11-09'", f"{time} > '2026-11-09 10:00:00'"]  # fmt: skip
        if name in ("paid", "active"):
            ways += [column, f"NOT {column}", f"{column} IS TRUE", f"{column} IS NOT TRUE", f"{column} = true"]
        if name in ("email", "name", "description"):
            ways += [f"{column} LIKE '%r%'", f"upper({column}) = 'RED'"]
        return random.choice(ways)

    def _value(self, table: str, name: str) -> str:
        rows = self.rows[table]
        value = self.random.choice(rows)[name] if rows else None
        if value is None:
            return "'nothing'" if name not in ("created", "amount", "due_date", "paid", "active") else "1"
        return f"'{value}'" if isinstance(value, str) else str(value).lower()
