"""What is measured: an account, Stripe's limits, a sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ID_PREFIXES = {
    "balance_transactions": "txn",
    "charges": "ch",
    "customers": "cus",
    "disputes": "du",
    "invoices": "in",
    "payment_intents": "pi",
    "payouts": "po",
    "refunds": "re",
}
"""What the ids of a stream's rows begin with."""

_STREAMS = tuple(ID_PREFIXES)
_OBJECTS = {stream: stream.removesuffix("s") for stream in _STREAMS}
_TELLING = ("charges", "customers", "invoices", "payment_intents", "payouts")
"""Streams whose every change has an event."""
_LIVE = {"latency": 0.3, "account_rate": 100, "endpoint_rate": 25}
_ALL_OF_IT = {"call_rate_limit": 100}
"""The whole of a live account's limits: nobody else uses the emulated one."""
_NO_LIMIT = {"call_rate_limit": 1_000_000}


@dataclass(frozen=True)
class Case:
    """One sync.

    `rows` are how many of each stream the account has, `changes` how many of them changed in the last day; then only
    those are read. `limits` are the emulator's (stripe_emulator/limits.py), `later` those from so
    many seconds after the start on. `config` is added to the connector's.
    """

    letter: str
    title: str
    rows: Mapping[str, int]
    limits: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    spread: str = "even"
    lines: int = 1
    changes: int = 0
    later: tuple[float, Mapping[str, Any]] | None = None

    @property
    def streams(self) -> tuple[str, ...]:
        """What is selected: invoices of many lines with their lines."""
        return (*self.rows, "invoice_line_items") if self.lines > 1 else tuple(self.rows)

    @property
    def expected(self) -> int:
        """How many rows have to come."""
        if self.changes:
            return self.changes
        return sum(self.rows.values()) + (self.rows["invoices"] * self.lines if self.lines > 1 else 0)

    @property
    def plan(self) -> dict[str, Any]:
        """The emulator's account (stripe_emulator/accounts/bulk.py)."""
        rows = {_OBJECTS[stream]: count for stream, count in self.rows.items()}
        return {"rows": rows, "spread": self.spread, "lines": self.lines, "changes": self.changes}

    def scaled(self, scale: float) -> Case:
        """The same with so many times the rows, for a quick look: start-up then weighs too much."""
        rows = {stream: max(int(count * scale), 1) for stream, count in self.rows.items()}
        return replace(self, rows=rows, changes=int(self.changes * scale))


CASES = (
    Case("a", "no latency, no limit: CPU", {"charges": 200_000}, config=_NO_LIMIT),
    Case("b", "one stream under live limits", {"charges": 120_000}, _LIVE, _ALL_OF_IT),
    Case("c", "eight streams under live limits", dict.fromkeys(_STREAMS, 60_000), _LIVE, _ALL_OF_IT),
    Case("d", "skewed: 90 % in a day, 1,000 in a second", {"charges": 100_000}, _LIVE, _ALL_OF_IT, spread="skewed"),
    Case("e", "incremental, 10,000 changes", {"charges": 200_000}, _LIVE, _ALL_OF_IT, changes=10_000),
    Case("f", "memory, 100,000 rows", {"charges": 100_000}, config=_NO_LIMIT),
    Case("f", "memory, 1,000,000 rows", {"charges": 1_000_000}, config=_NO_LIMIT),
    Case(
        "g",
        "limit lowered to 10/s after 10 s",
        {"charges": 60_000},
        _LIVE,
        _ALL_OF_IT,
        later=(10.0, {**_LIVE, "endpoint_rate": 10}),
    ),
    Case(
        "h",
        "150 ms, 100 requests/s, no endpoint limit",
        {"charges": 100_000},
        {"latency": 0.15, "account_rate": 100},
        {"call_rate_limit": 400},
    ),
    Case("i", "100,000 lines of invoices", {"invoices": 1_000}, config=_NO_LIMIT, lines=100),
    Case("i", "1,000,000 lines of invoices", {"invoices": 10_000}, config=_NO_LIMIT, lines=100),
    Case("j", "memory, 300,000 changes", {"charges": 5_000_000}, config=_NO_LIMIT, changes=300_000),
    Case(
        "k",
        "memory, 1,000,000 changes of five streams",
        dict.fromkeys(_TELLING, 1_000_000),
        config=_NO_LIMIT,
        changes=1_000_000,
    ),
)
