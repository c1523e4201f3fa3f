"""Saved states of Airbyte's connector: for each of its streams the shapes that it has written, and where we go on."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.reading.state import StreamState
from unit_tests.conftest import ROWS

T = 1_700_000_000
ISO = "2023-11-14T22:13:20Z"
NOW = T + 1_000_000

UPDATED: list[dict[str, Any]] = [{"updated": T}, {"updated": str(T)}, {"updated": f"{T}.0"}, {"updated": ISO}]
CREATED: list[dict[str, Any]] = [{"created": T}, {"created": str(T)}, {"created": ISO}]

_TOP_LEVEL: dict[str, list[dict[str, Any]]] = {
    **dict.fromkeys(("balance_transactions", "events", "file_links", "files", "shipping_rates"), CREATED),
    **dict.fromkeys(
        (
            "accounts",
            "application_fees",
            "authorizations",
            "cardholders",
            "cards",
            "charges",
            "checkout_sessions",
            "coupons",
            "credit_notes",
            "customers",
            "disputes",
            "early_fraud_warnings",
            "external_account_bank_accounts",
            "external_account_cards",
            "invoice_items",
            "invoice_payments",
            "invoices",
            "payment_intents",
            "payouts",
            "plans",
            "prices",
            "products",
            "promotion_codes",
            "refunds",
            "reviews",
            "setup_intents",
            "subscription_schedule",
            "subscriptions",
            "top_ups",
            "transactions",
            "transfers",
        ),
        UPDATED,
    ),
}

_CHILDREN = {
    # name: its cursor, the name of its partitions, the parent stream
    "application_fees_refunds": ("updated", "refund_id", "application_fees"),
    "bank_accounts": ("updated", "customer_id", "customers"),
    "checkout_sessions_line_items": ("checkout_session_updated", "session_id", "checkout_sessions"),
    "customer_balance_transactions": ("created", "customer_id", "customers"),
    "invoice_line_items": ("invoice_updated", "invoice_id", "invoices"),
    "payment_methods": ("updated", "customer_id", "customers"),
    "payout_balance_transactions": ("updated", "payout_id", "payouts"),
    "persons": ("updated", "account_id", "accounts"),
    "setup_attempts": ("created", "setup_intent_id", "setup_intents"),
    "subscription_items": ("subscription_updated", "subscription_id", "subscriptions"),
    "transfer_reversals": ("created", "transfer_id", "transfers"),
}


def child_shapes(cursor: str, partition: str, parent: str) -> list[dict[str, Any]]:
    """What a child stream's state may look like; each was whole up to T."""
    partitions = [
        {"partition": {partition: "x_1", "parent_slice": {}}, "cursor": {cursor: str(T - 500)}},
        {"partition": {partition: "x_2", "parent_slice": {}}, "cursor": {cursor: str(T)}},
    ]
    parents = {parent: {"updated": str(T)}}
    return [
        {cursor: T},
        {cursor: str(T)},
        {cursor: ISO},
        {"use_global_cursor": True, "state": {cursor: str(T - 9)}, "parent_state": parents, "lookback_window": 3},
        {"use_global_cursor": True, "state": {cursor: str(T + 3)}, "lookback_window": 3},
        {"use_global_cursor": False, "states": partitions, "parent_state": parents},
        {"use_global_cursor": False, "states": partitions, "parent_state": {}, "state": {cursor: str(T - 9)}},
        {"states": partitions},
        {"states": [], "state": {}, "parent_state": {parent: {"updated": ISO}}, "use_global_cursor": False},
        # The parent has a parent of its own, or partitions.
        {"state": {cursor: str(T + 9)}, "parent_state": {parent: {"parent_state": {"above": {"updated": T}}}}},
        {"states": partitions, "parent_state": {parent: {"states": [{"partition": {}, "cursor": {"created": T}}]}}},
        {
            "use_global_cursor": True,
            "state": {cursor: str(T)},
            "parent_state": {
                parent: {
                    "use_global_cursor": True,
                    "state": {"updated": T + 50},
                    "parent_state": {"above": {"updated": str(T)}, "beside": {"updated": str(T + 90)}},
                    "lookback_window": 1,
                }
            },
        },
        # A parent that Airbyte's connector reads whole has no cursor.
        {"states": partitions, "parent_state": {parent: {"__ab_no_cursor_state_message": True}}},
        {"states": partitions, "parent_state": {parent: {"__ab_full_refresh_sync_complete": True}}},
    ]


SHAPES = _TOP_LEVEL | {name: child_shapes(*facts) for name, facts in _CHILDREN.items()}
NO_CURSOR = {"usage_records"}
"""Read whole by us: a saved state says nothing."""


@pytest.fixture(scope="module")
def cursors() -> dict[str, str | None]:
    """Our cursor of each stream."""
    return {row.name: row.cursor for row in ROWS.values()}


def test_these_are_its_48_streams() -> None:
    assert len(SHAPES.keys() | NO_CURSOR) == 48


@pytest.mark.parametrize(
    ("stream", "shape"), [(stream, shape) for stream, shapes in SHAPES.items() for shape in shapes]
)
def test_each_stream_goes_on_where_it_stood(stream: str, shape: dict[str, Any], cursors: dict[str, str | None]) -> None:
    cursor = cursors[stream]

    assert cursor is not None
    assert StreamState.parse(shape, stream=stream, cursor=cursor, now=NOW) == StreamState(T)


@pytest.mark.parametrize("stream", sorted(NO_CURSOR))
def test_streams_that_are_read_whole_need_no_state(stream: str, cursors: dict[str, str | None]) -> None:
    assert cursors[stream] is None


@pytest.mark.parametrize(
    "shape",
    [
        {"use_global_cursor": False, "states": [], "parent_state": {}},
        {
            "use_global_cursor": False,
            "states": [],
            "state": {},
            "lookback_window": 0,
            "parent_state": {"customers": {}},
        },
        {"use_global_cursor": True, "state": {}, "lookback_window": 12},
        {"parent_state": {"customers": {"states": [], "parent_state": {}}}},
        {"__ab_no_cursor_state_message": True},
        {"__ab_full_refresh_sync_complete": True},
    ],
)
def test_a_stream_that_had_nothing_to_read_yet_begins_anew(shape: dict[str, Any]) -> None:
    state = StreamState.parse(shape, stream="customer_balance_transactions", cursor="created", now=NOW)

    assert state == StreamState()


def test_of_several_parents_the_one_that_stands_furthest_back_counts() -> None:
    shape = {"parent_state": {"customers": {"updated": T + 5}, "accounts": {"updated": T}}, "states": []}

    assert StreamState.parse(shape, stream="persons", cursor="updated") == StreamState(T)


@pytest.mark.parametrize("time", ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20+0000"])
def test_iso_times_of_all_kinds(time: str) -> None:
    assert StreamState.parse({"created": time}, stream="events", cursor="created") == StreamState(T)


def test_an_iso_time_of_another_zone_is_not_taken_for_utc() -> None:
    raw = {"created": "2023-11-15T00:13:20.123+02:00"}

    assert StreamState.parse(raw, stream="events", cursor="created") == StreamState(T)
