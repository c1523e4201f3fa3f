"""Every stream's rows, told apart by primary key, are those that the account has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from integration_tests.connection import Key, stream_rows
from integration_tests.connector import Json
from integration_tests.convergence import truth_of
from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator, events

Keys = Callable[[StripeEmulator], set[Key]]


def ids(kind: str, where: Callable[[Json], bool] = lambda _: True) -> Keys:
    """The ids of the objects of a kind that fit."""
    return lambda emulator: {(row["id"],) for row in emulator.truth(kind) if where(row)}


def fields(kind: str, *names: str) -> Keys:
    return lambda emulator: {tuple(row[name] for name in names) for row in emulator.truth(kind)}


def owners(kind: str) -> Keys:
    """The ids of what objects without an id of their own stand in."""
    return lambda emulator: {
        (resource.owner,) for resource in emulator.store.shelf(kind).up((-1, -(1 << 62)), None, None)
    }


def in_slot(kind: str, slot: str) -> Keys:
    """The ids of the rows of one of several lists of a kind that an object has."""

    def keys(emulator: StripeEmulator) -> set[Key]:
        known = {row["id"] for row in emulator.truth(kind)}
        resources = emulator.store.shelf(kind).up((-1, -(1 << 62)), None, None)
        return {(row.id,) for row in resources if row.slot == slot and row.id in known and is_of_quote(emulator, row)}

    def is_of_quote(emulator: StripeEmulator, row: Any) -> bool:
        owner = emulator.store.get(row.owner or "")
        return owner is not None and owner.kind == "quote"

    return keys


def told_of(kind: str) -> Keys:
    """The ids of the objects that an event of the last thirty days shows: they are listed nowhere."""
    return lambda emulator: {
        (event["data"]["object"]["id"],)
        for event in emulator.truth("event")
        if event["data"]["object"].get("object") == kind and event["created"] >= emulator.clock.now() - events.RETENTION
    }


def credited(emulator: StripeEmulator) -> set[Key]:
    """The customers, and the accounts that are customers, that credit grants are for."""
    grants = emulator.truth("billing.credit_grant")
    return {(grant[name],) for grant in grants for name in ("customer", "customer_account") if grant[name]}


def reviewed(emulator: StripeEmulator) -> set[Key]:
    """Those that are open, and those that were closed less than thirty days ago."""
    return ids("review", lambda row: bool(row["open"]))(emulator) | told_of("review")(emulator)


def itself(emulator: StripeEmulator) -> set[Key]:
    return {(emulator.account["id"],)}


# What an account has for a stream, where that isn't each object of its kind: how else it is found, and why.
OTHERWISE: Mapping[str, tuple[str, Keys]] = {
    "account": ("the account that owns the key", itself),
    "account_capabilities": ("named by their account too", fields("capability", "account", "id")),
    "apps_secrets": ("those of the account", ids("apps.secret", lambda row: row["scope"]["type"] == "account")),
    "balance_settings": ("one for the account", itself),
    "billing_credit_balance_summaries": ("one for each who has a grant", credited),
    "customer_cash_balances": ("one for a customer", fields("cash_balance", "customer")),
    "entitlements_active_entitlements": ("in summaries", ids("entitlements.active_entitlement")),
    "financial_connections_account_owners": ("in ownerships", ids("financial_connections.account_owner")),
    "payment_methods": ("no list has custom ones", ids("payment_method", lambda row: row["type"] != "custom")),
    "quotes_computed_upfront_line_items": ("one of two lists", in_slot("item", "computed.upfront.line_items")),
    "quotes_line_items": ("one of two lists", in_slot("item", "line_items")),
    "reserve_holds": ("from events", told_of("reserve.hold")),
    "reserve_plans": ("from events", told_of("reserve.plan")),
    "reserve_releases": ("from events", told_of("reserve.release")),
    "reviews": ("no list has closed ones, events have", reviewed),
    "tax_ids": ("those of the account", ids("tax_id", lambda row: row["owner"]["type"] == "self")),
    "tax_settings": ("one for the account", itself),
    "tax_transactions": ("found by payment intents", ids("tax.transaction")),
    "treasury_financial_account_features": ("one for an account", owners("treasury.financial_account_features")),
}
NOT_COMPARED = {
    "balance": "Its key is the time of its reading.",
    "billing_meter_event_summaries": "Stripe adds up the days that are asked for: there is no object for each.",
}


@pytest.fixture(scope="module")
def everything(account: StripeEmulator) -> Sync:
    return sync(account, stream_rows(), mode="full_refresh", num_workers=16)


def test_all_streams_are_compared_or_have_a_reason() -> None:
    assert len(stream_rows()) == 154
    assert OTHERWISE.keys() | NOT_COMPARED.keys() <= stream_rows().keys()
    assert not OTHERWISE.keys() & NOT_COMPARED.keys()


@pytest.mark.parametrize("stream", sorted(stream_rows().keys() - NOT_COMPARED.keys()))
def test_rows_are_those_of_the_account(account: StripeEmulator, everything: Sync, stream: str) -> None:
    primary_key = stream_rows()[stream].primary_key
    found = {tuple(row[name] for name in primary_key) for row in everything.output.records(stream)}

    expected = OTHERWISE[stream][1](account) if stream in OTHERWISE else set(truth_of(account, stream))

    assert found
    assert found - expected == set()
    assert expected - found == set()
