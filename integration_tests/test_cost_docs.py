"""Each figure of docs/cost.md is one that was measured: here, or by the benchmarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from integration_tests.connection import Connection, stream_rows, synced
from integration_tests.test_costs import spread
from source_stripe.catalog.sync_plan import Way, plan_of
from stripe_emulator import StripeEmulator
from stripe_emulator.accounts import full
from stripe_emulator.accounts.bulk import Plan, populate
from tools.permissions import suggested

_ROOT = Path(__file__).parent.parent
_PAGE = (_ROOT / "docs" / "cost.md").read_text("utf-8")
_DAY = 86_400
Fill = Callable[[StripeEmulator], object]


def some(kind: str, count: int, more: str | None = None, of_those: int = 0) -> Fill:
    """So many objects of a kind, over half a year, and so many of another."""

    def fill(emulator: StripeEmulator) -> None:
        now = emulator.clock.now()
        for each, many in ((kind, count), (more, of_those)):
            for number in range(many if each else 0):
                created = now - 180 * _DAY + 180 * _DAY * number // many
                emulator.create(str(each), created=created, event=False)

    return fill


def invoices(lines: int) -> Fill:
    return lambda emulator: populate(emulator, Plan({"invoice": 300}, lines=lines))


CASES: list[tuple[str, Sequence[str], Fill]] = [
    ("`charges`: 1,000", ["charges"], lambda emulator: spread(emulator, 1_000, 180 * _DAY)),
    ("`prices`: 1,000, of which none is inactive", ["prices"], some("price", 1_000)),
    ("`balance_transactions`: 1,000", ["balance_transactions"], some("balance_transaction", 1_000)),
    ("`webhook_endpoints`: 200", ["webhook_endpoints"], some("webhook_endpoint", 200)),
    ("`invoices` and `invoice_line_items`: 300 with 3 lines each", ["invoices", "invoice_line_items"], invoices(3)),
    ("`invoices` and `invoice_line_items`: 300 with 25 lines each", ["invoices", "invoice_line_items"], invoices(25)),
    ("`customer_balance_transactions`, of 300 customers", ["customer_balance_transactions"], some("customer", 300)),
    ("`persons`, of 50 connected accounts", ["persons"], some("account", 50)),
    (
        "`billing_meter_event_summaries`, of 10 meters and 50 customers",
        ["billing_meter_event_summaries"],
        some("billing.meter", 10, "customer", 50),
    ),
    ("the streams of the [first set](permissions.md#a-list-to-tick), 5,299 rows", suggested(), full.populate),
]


def told(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = _PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize(("what", "streams", "fill"), CASES, ids=[what for what, *_ in CASES])
def test_requests_are_those_of_the_page(
    emulator: StripeEmulator, what: str, streams: Sequence[str], fill: Fill
) -> None:
    fill(emulator)
    emulator.clock.advance(1)
    connection = Connection(streams)
    first = synced(emulator, connection, after=0, num_workers=1)
    requests = len(emulator.requests)
    synced(emulator, connection, num_workers=1)

    (line,) = [cells for cells in told("What a sync asks") if cells[0] == what]
    assert line[1:] == [f"{requests:,}", f"{len(emulator.requests):,}"]
    if counted := re.search(r"([\d,]+) rows", what):
        assert f"{sum(first.output.ids().values()):,}" == counted[1]


def test_each_line_of_the_page_is_measured() -> None:
    assert [cells[0] for cells in told("What a sync asks")] == [what for what, *_ in CASES]


def test_a_schedule_costs_what_its_syncs_cost() -> None:
    (one,) = [int(cells[2]) for cells in told("What a sync asks") if cells[0].startswith("the streams")]
    a_day = {"every 15 minutes": 96, "every hour": 24, "every 6 hours": 4, "every day": 1}
    assert told("How fresh, for how many requests") == [
        [schedule, f"{times * one:,}", f"{times * one * 30:,}"] for schedule, times in a_day.items()
    ]


def test_worked_examples_are_results_of_the_benchmarks() -> None:
    results = (_ROOT / "benchmarks" / "RESULTS.md").read_text("utf-8").partition("## With peers")[0]
    measured = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in results.splitlines()]
    by_case = {cells[0]: cells for cells in measured if len(cells) > 9}
    examples = told("Worked examples")
    assert len(examples) >= 4
    for _, case, rows, requests, seconds, megabytes in examples:
        found = by_case[case]
        assert [rows, requests, seconds, megabytes] == [found[2], found[9], found[3], found[8]]


def test_the_streams_that_ask_for_each_parent_at_every_sync_are_named() -> None:
    rows = stream_rows()
    asking = [
        row.name
        for row in rows.values()
        if plan_of(row, rows).way in (Way.WHOLE, Way.NEW_CHILDREN) and any(not each.field for each in row.all_parents)
    ]
    (named,) = re.findall(r"^These ask for each parent at every sync:((?:.|\n)*?)\.\n", _PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", named) == asking
