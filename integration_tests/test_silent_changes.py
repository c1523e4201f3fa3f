"""What Stripe changes in silence, stream by stream: the next sync brings it, or docs/streams.md says who does.

What events of other objects tell of is in test_touches.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from integration_tests.connection import Connection, stream_rows, synced
from source_stripe.catalog.stream_rows import UnseenRow
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, serve

_DAY = 86_400
_OLD = 40 * _DAY

Given = Callable[[StripeEmulator, int], str]
Happens = Callable[[StripeEmulator, str], object]


@dataclass(frozen=True)
class Silent:
    """A change: of which field of a stream's rows, and how it happens to an object that was made so long ago."""

    stream: str
    field: str
    given: Given
    happens: Happens
    age: int = _OLD


def has(kind: str, **fields: Any) -> Given:
    """An object, in a financial account where it needs one."""

    def given(emulator: StripeEmulator, _: int) -> str:
        more: dict[str, Any] = dict(fields)
        if kind.startswith("treasury."):
            more["financial_account"] = emulator.create("treasury.financial_account", event=False)["id"]
        return str(emulator.create(kind, event=False, **more)["id"])

    return given


def has_in(parent: str, kind: str, field: str, **fields: Any) -> Given:
    """An object that belongs to another one."""

    def given(emulator: StripeEmulator, _: int) -> str:
        owner = emulator.create(parent, event=False)["id"]
        return str(emulator.create(kind, event=False, **{field: owner}, **fields)["id"])

    return given


def gets(**fields: Any) -> Happens:
    """It changes as by Stripe's API or by Stripe: the emulator writes what Stripe would."""
    return lambda emulator, key: emulator.update(key, **fields)


def time_passes(emulator: StripeEmulator, key: str) -> None:
    """It changes when it said that it would."""


def due_soon(kind: str, field: str, **fields: Any) -> Given:
    return lambda emulator, now: has(kind, **{field: now + _DAY}, **fields)(emulator, now)


def a_dispute(emulator: StripeEmulator, now: int) -> str:
    evidence = {"due_by": now + _DAY, "past_due": False}
    return has("dispute", status="needs_response", evidence_details=evidence)(emulator, now)


def a_card(**fields: Any) -> Given:
    return has_in("customer", "payment_method", "customer", **fields)


NOTED = gets(metadata={"noted": "later"})
FOUND = (
    Silent(
        "balance_transactions", "status", due_soon("balance_transaction", "available_on", status="pending"), time_passes
    ),
    Silent("payment_intents", "metadata", has("payment_intent", status="requires_action"), NOTED, 3_600),
    Silent("setup_intents", "metadata", has("setup_intent", status="requires_action"), NOTED, _DAY),
    Silent("checkout_sessions", "metadata", has("checkout.session", status="open"), NOTED, 3_600),
    Silent("file_links", "expired", due_soon("file_link", "expires_at", expired=False), time_passes),
    Silent("file_links", "metadata", has("file_link", expired=False), NOTED),
    Silent("invoice_items", "description", has("invoiceitem"), gets(description="later")),
    Silent("invoice_payments", "status", has("invoice_payment", status="open"), gets(status="canceled")),
    Silent("quotes", "description", has("quote", status="draft"), gets(description="later")),
    Silent("quotes", "description", has("quote", status="open"), gets(description="later")),
    Silent("payment_records", "description", has("payment_record"), gets(description="later"), 13 * _DAY),
)
"""What later syncs find, at no event."""

UNSEEN = (
    Silent("charges", "receipt_number", has("charge"), gets(receipt_number="1234")),
    Silent("payment_intents", "metadata", has("payment_intent", status="succeeded"), NOTED),
    Silent("setup_intents", "metadata", has("setup_intent", status="succeeded"), NOTED),
    Silent("setup_intents", "status", has("setup_intent", status="requires_action"), gets(status="processing")),
    Silent(
        "setup_attempts",
        "status",
        has_in("setup_intent", "setup_attempt", "setup_intent", status="requires_action"),
        gets(status="abandoned"),
    ),
    Silent(
        "customers",
        "tax.automatic_tax",
        has("customer", tax={"automatic_tax": "supported"}),
        gets(tax={"automatic_tax": "failed"}),
    ),
    Silent("disputes", "evidence_details.past_due", a_dispute, time_passes),
    Silent(
        "payment_methods",
        "us_bank_account.status_details",
        a_card(type="us_bank_account", us_bank_account={}),
        gets(us_bank_account={"status_details": {"blocked": {"reason": "bank_account_closed"}}}),
    ),
    Silent("sources", "status", has_in("customer", "source", "customer", status="chargeable"), gets(status="consumed")),
    Silent("payment_records", "description", has("payment_record"), gets(description="later")),
    Silent("checkout_sessions", "metadata", has("checkout.session", status="complete"), NOTED),
    Silent("checkout_sessions", "invoice", has("checkout.session", status="complete"), gets(invoice="in_1")),
    *(
        Silent("invoices", field, has("invoice", status="draft"), gets(**{field: value}))
        for field, value in (
            ("customer_address", {"city": "Dublin"}),
            ("customer_email", "later@example.com"),
            ("customer_name", "later"),
            ("customer_phone", "later"),
            ("customer_shipping", {"name": "later"}),
            ("customer_tax_exempt", "exempt"),
        )
    ),
    Silent("shipping_rates", "display_name", has("shipping_rate"), gets(display_name="later")),
    Silent("coupons", "valid", due_soon("coupon", "redeem_by", valid=True), time_passes),
    Silent("promotion_codes", "active", due_soon("promotion_code", "expires_at", active=True), time_passes),
    Silent(
        "customer_balance_transactions",
        "description",
        has_in("customer", "customer_balance_transaction", "customer"),
        gets(description="later"),
    ),
    Silent("top_ups", "metadata", has("topup", status="succeeded"), NOTED),
    Silent("top_ups", "description", has("topup", status="succeeded"), gets(description="later")),
    Silent("transfer_reversals", "metadata", has_in("transfer", "transfer_reversal", "transfer"), NOTED),
    Silent(
        "identity_verification_sessions",
        "redaction",
        has("identity.verification_session", metadata={"who": "Jenny"}),
        gets(redaction={"status": "redacted"}, metadata={"who": None}),
    ),
    Silent(
        "identity_verification_reports",
        "client_reference_id",
        has("identity.verification_report", client_reference_id="jenny"),
        gets(client_reference_id=None),
    ),
    Silent(
        "financial_connections_accounts",
        "subscriptions",
        has("financial_connections.account"),
        gets(subscriptions=["transactions"]),
    ),
    Silent("climate_orders", "status", has("climate.order", status="open"), gets(status="confirmed")),
    Silent(
        "treasury_credit_reversals",
        "status",
        has("treasury.credit_reversal", status="processing"),
        gets(status="canceled"),
    ),
    Silent(
        "treasury_debit_reversals", "status", has("treasury.debit_reversal", status="processing"), gets(status="failed")
    ),
    Silent("treasury_transactions", "status", has("treasury.transaction", status="open"), gets(status="posted")),
    Silent(
        "charges",
        "payment_method_details",
        has("charge", payment_method_details={"type": "card", "card": {"brand": "visa"}}),
        gets(payment_method_details={"card": {"brand": "mastercard"}}),
    ),
    Silent("file_links", "metadata", has("file_link", expired=True), NOTED, _OLD + 60),
    Silent("file_links", "expires_at", has("file_link", expired=True), gets(expires_at=1_900_000_000), _OLD + 60),
    Silent(
        "payment_attempt_records",
        "metadata",
        has_in("payment_record", "payment_attempt_record", "payment_record"),
        NOTED,
    ),
    Silent(
        "customer_payment_methods",
        "us_bank_account.status_details",
        a_card(type="us_bank_account", us_bank_account={}),
        gets(us_bank_account={"status_details": {"blocked": {"reason": "bank_account_closed"}}}),
    ),
    Silent(
        "customer_balance_transactions",
        "metadata",
        has_in("customer", "customer_balance_transaction", "customer"),
        NOTED,
    ),
    *(
        Silent(stream, field, a_card(type="card", card={}, allow_redisplay="unspecified"), happens)
        for stream in ("payment_methods", "customer_payment_methods")
        for field, happens in (
            ("allow_redisplay", gets(allow_redisplay="always")),
            ("card.checks", gets(card={"checks": {"cvc_check": "pass"}})),
        )
    ),
    Silent("climate_orders", "confirmed_at", has("climate.order", status="open"), gets(confirmed_at=1_790_000_000)),
    Silent("climate_orders", "metadata", has("climate.order", status="open"), NOTED),
)
"""What takes a listing of the whole stream, or is found by nobody: docs/streams.md says so."""

_UNTRIED = {
    ("transfers", "reversals.data.metadata"),
    # copies of other objects
    ("invoice_items", "tax_rates"),
    ("invoices", "default_tax_rates"),
    ("subscription_items", "plan"),
    ("subscription_items", "price"),
    ("subscription_items", "tax_rates"),
    ("subscriptions", "default_tax_rates"),
    ("subscriptions", "items.data.price"),
    # what only some causes change without an event
    ("customers", "default_source"),
    ("customers", "invoice_settings.default_payment_method"),
    ("payment_methods", "customer"),
    # rows that say it of an object that is gone, or have no id, or belong to one that stands here
    ("customer_cash_balances", "settings.reconciliation_mode"),
    ("events", "pending_webhooks"),
    ("payment_intents_amount_details_line_items", "*"),
    ("radar_value_list_items", "is_deleted"),
}
"""What the docs list and no case is about."""


def named(silent: Silent) -> str:
    return f"{silent.stream}-{silent.field}-{silent.age // _DAY}d"


@dataclass(frozen=True)
class World:
    """An account in which all of it happened, behind the first sync, and a connection that was synced twice after."""

    emulator: StripeEmulator
    connection: Connection
    keys: dict[Silent, str]
    before: dict[Silent, Any]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    emulator = StripeEmulator()
    with serve(emulator):
        now, keys = emulator.clock.now(), {}
        for silent in (*FOUND, *UNSEEN):
            emulator.clock.set(now - silent.age)
            keys[silent] = silent.given(emulator, now)
        emulator.clock.set(now)
        connection = Connection(tuple(sorted({silent.stream for silent in (*FOUND, *UNSEEN)})))
        synced(emulator, connection, after=0)
        before = {silent: held(connection, silent, key) for silent, key in keys.items()}
        emulator.pass_time(2 * _DAY)
        for silent, key in keys.items():
            silent.happens(emulator, key)
        for _ in range(2):
            emulator.pass_time(1_800)
            synced(emulator, connection, after=0)
        yield World(emulator, connection, keys, before)


@pytest.fixture(scope="module")
def relisted(world: World) -> World:
    """The same, after a sync that listed all streams whole."""
    connection = deepcopy(world.connection)
    world.emulator.clock.advance(_DAY)
    synced(world.emulator, connection, after=0, relist_days=1)
    return replace(world, connection=connection)


def true(world: World, silent: Silent) -> Any:
    row = world.emulator.get(world.keys[silent], expand=stream_rows()[silent.stream].expand)
    return values_at(row, silent.field)


def held(connection: Connection, silent: Silent, key: str) -> Any:
    return values_at(connection.table(silent.stream)[(key,)], silent.field)


@pytest.mark.parametrize("silent", FOUND, ids=named)
def test_it_is_right_after_the_next_sync(world: World, silent: Silent) -> None:
    truth = true(world, silent)

    assert truth != world.before[silent]
    assert held(world.connection, silent, world.keys[silent]) == truth


@pytest.mark.parametrize("silent", UNSEEN, ids=named)
def test_it_stays_as_it_was_and_the_docs_say_who_finds_it(world: World, silent: Silent) -> None:
    assert true(world, silent) != world.before[silent]
    assert held(world.connection, silent, world.keys[silent]) == world.before[silent]
    assert unseen(silent)


@pytest.mark.parametrize("silent", UNSEEN, ids=named)
def test_relist_days_finds_what_the_docs_say_it_does(relisted: World, silent: Silent) -> None:
    is_right = held(relisted.connection, silent, relisted.keys[silent]) == true(relisted, silent)

    assert is_right == (unseen(silent).by == "relist")


def unseen(silent: Silent) -> UnseenRow:
    said = stream_rows()[silent.stream].unseen
    return said.get(silent.field) or said["*"]


def test_what_the_docs_list_has_a_case() -> None:
    listed = {(row.name, field) for row in stream_rows().values() for field in row.unseen}
    tried = {(silent.stream, silent.field) for silent in UNSEEN}
    tried |= {(stream, "*") for stream, field in tried - listed}

    assert listed - tried == _UNTRIED
