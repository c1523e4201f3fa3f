"""Every shape that a row of the manifest can have is met by the random histories, or has a reason."""

from __future__ import annotations

from integration_tests.connection import stream_rows
from integration_tests.histories import STREAMS
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of

Shape = tuple[str, ...]

_KEYS = ("filter", "events", "event_object", "touched_by", "other_ids", "hides", "include", "product", "cursor")
_PARENT_KEYS = ("field", "via", "where", "params_from", "optional")


def shape(row: StreamRow) -> Shape:
    """How a stream is kept up to date, and the keys of its row that decide how it is read."""
    keys = {key for key in _KEYS if getattr(row, key)} | ({"deletes"} if row.deletes is not None else set())
    for parent in row.all_parents:
        keys.add("parent" if row.parent else "parents")
        keys |= {f"parent.{key}" for key in _PARENT_KEYS if getattr(parent, key)}
        keys |= set() if parent.id_from == ("id",) else {"parent.id_from"}
    return (
        row.sync,
        plan_of(row, stream_rows()).way.value,
        *sorted(keys),
        *(["from events"] if row.from_events else []),
    )


_WHOLE = "Full refresh only: each sync brings all of it, and there is no state; test_every_row.py compares its rows."
NOT_MET = {
    "account": _WHOLE,
    "account_capabilities": _WHOLE,
    "billing_credit_balance_summaries": _WHOLE,
    "payment_method_configurations": _WHOLE,
    "radar_value_lists": _WHOLE,
    "treasury_financial_account_features": _WHOLE,
    "usage_records": _WHOLE,
    "billing_meter_event_summaries": "The emulator adds usage up when it is asked: there is no object to compare with.",
    "customer_payment_methods": "Events of others touch the rows of a parent; test_touches.py follows them.",
    "customer_cash_balances": "A cash balance has no id, by which histories know objects; test_children.py follows it.",
    "entitlements_active_entitlements": "They change in the emulator without an event unless a test writes one.",
    "external_account_bank_accounts": "Read whole as persons are. Doings take bank accounts for customers'.",
    "financial_connections_account_owners": "Owners come with a new ownership, of which the emulator knows no event.",
    "issuing_tokens": "Its filter is for the stock CDK alone: we read it as v2_core_account_persons are read.",
    "payout_balance_transactions": "A payout's transactions are those of balance_transactions, with the payout's id.",
    "reserve_holds": "Rows are what events of the last 30 days show; test_every_row.py compares them.",
    "tax_transactions": "Found by two requests for each payment intent; test_children.py follows them.",
}
"""For each shape that is not met one of its streams, and why."""


def by_shape() -> dict[Shape, list[str]]:
    shapes: dict[Shape, list[str]] = {}
    for name, row in stream_rows().items():
        shapes.setdefault(shape(row), []).append(name)
    return shapes


def test_every_shape_is_met_or_has_a_reason() -> None:
    met = {shape(stream_rows()[name]) for name in STREAMS}
    reasons = {shape(stream_rows()[name]) for name in NOT_MET}

    assert [names for each, names in by_shape().items() if each not in met | reasons] == []
    assert not met & reasons
    assert len(reasons) == len(NOT_MET)


def test_so_many_shapes_are_met() -> None:
    assert (len({shape(stream_rows()[name]) for name in STREAMS}), len(by_shape())) == (28, 45)
