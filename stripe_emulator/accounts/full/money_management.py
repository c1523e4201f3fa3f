"""Money in v2: financial accounts, how money comes in and goes out, and the bank accounts in the vault."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import USD, money
from stripe_emulator.clock import rfc3339

Json = dict[str, Any]

_NOTHING = money(0)


def move_money(maker: Maker) -> None:
    """A financial account with one of each movement, and the transaction of each."""
    account = _financial_account(maker)
    address = maker.make(
        "v2.money_management.financial_address",
        bank_account={"aba": {"account_number": "000012345678", "routing_number": "110000000"}, "type": "aba"},
        financial_account=account,
        settlement_currency=USD,
        status=maker.in_turn("active", "pending", "archived"),
    )
    bank_account = _vault(maker)
    _receive(maker, account, address, bank_account)
    _send(maker, account)


def _financial_account(maker: Maker) -> str:
    maker.make(
        "v2.money_management.financial_account",
        balance=_balance(0),
        display_name=f"Old till {maker.era + 1}",
        status="closed",
        storage={"holds_currencies": [USD]},
        type="storage",
    )
    insured = {"bank_name": "fifth_third", "currencies": [USD], "type": "fdic_passthrough"}
    return maker.make(
        "v2.money_management.financial_account",
        balance=_balance(250000),
        display_name=f"Till {maker.era + 1}",
        status=maker.in_turn("open", "open", "pending"),
        storage={"deposit_insurance_eligibility": [insured], "holds_currencies": [USD]},
        type="storage",
    )


def _balance(available: int) -> Json:
    return {
        "available": {USD: money(available)},
        "inbound_pending": {USD: _NOTHING},
        "outbound_pending": {USD: _NOTHING},
    }


def _vault(maker: Maker) -> str:
    """Bank accounts; returns the id of the American one."""
    maker.make(
        "v2.core.vault.gb_bank_account",
        archived=maker.in_turn(False, True),
        bank_name="Test Bank of Bristol",
        sort_code="108800",
        supported_currencies=["gbp"],
    )
    return maker.make(
        "v2.core.vault.us_bank_account",
        bank_name="STRIPE TEST BANK",
        last4="6789",
        routing_number="110000000",
        supported_currencies=[USD],
        verification={"status": maker.in_turn("verified", "unverified", "awaiting_verification")},
    )


def _transaction(maker: Maker, account: str, amount: int, kind: str, flow: str) -> None:
    """The transaction of a movement, with its entry."""
    impact = {"available": money(amount), "inbound_pending": _NOTHING, "outbound_pending": _NOTHING}
    reference = {"type": kind, kind: flow}
    at = rfc3339(maker.tick())
    transaction = maker.make(
        "v2.money_management.transaction",
        amount=money(amount),
        balance_impact=impact,
        category=kind,
        financial_account=account,
        flow=reference,
        status=maker.in_turn("posted", "pending", "void"),
        status_transitions=maker.in_turn({"posted_at": at}, {}, {"void_at": at}),
    )
    maker.make(
        "v2.money_management.transaction_entry",
        balance_impact=impact,
        transaction=transaction,
        transaction_details={"category": kind, "financial_account": account, "flow": reference},
    )


def _receive(maker: Maker, account: str, address: str, bank_account: str) -> None:
    sender = {"type": "aba", "aba": {"account_holder_name": "Kim Sato", "last4": "6789", "routing_number": "110000000"}}
    transfer = {"financial_address": address, "network": "ach", "originating_bank_account": sender}
    credit = maker.make(
        "v2.money_management.received_credit",
        amount=money(9000),
        amount_received=money(9000),
        bank_transfer=transfer,
        financial_account=account,
        status=maker.in_turn("succeeded", "pending", "failed", "returned"),
        type="bank_transfer",
    )
    _transaction(maker, account, 9000, "received_credit", credit)
    at = rfc3339(maker.tick())
    step = {"bank_debit_queued": {}, "created": at, "effective_at": at, "type": "bank_debit_queued"}
    method = {"type": "us_bank_account", "us_bank_account": bank_account}
    source: Json = {"from": {"debited": money(5000), "payment_method": method}}
    inbound = maker.make(
        "v2.money_management.inbound_transfer",
        amount=money(5000),
        description="From our bank",
        **source,
        to={"credited": money(5000), "financial_account": account},
        transfer_history=[{**step, "id": maker.new_id("v2.money_management.inbound_transfer")}],
    )
    _transaction(maker, account, 5000, "inbound_transfer", inbound)
    adjustment = maker.make(
        "v2.money_management.adjustment",
        adjusted_flow={"type": "received_credit", "received_credit": credit},
        amount=money(-100),
        description="Returned fee",
        financial_account=account,
    )
    _transaction(maker, account, -100, "adjustment", adjustment)


def _send(maker: Maker, account: str) -> None:
    """To a recipient's bank account, which was set up and checked before."""
    method = maker.make(
        "v2.money_management.payout_method",
        bank_account={"bank_name": "STRIPE TEST BANK", "country": "us", "last4": "6789", "supported_currencies": [USD]},
        type="bank_account",
        usage_status={"payments": "eligible", "transfers": maker.in_turn("eligible", "requires_action")},
    )
    setup = maker.make(
        "v2.money_management.outbound_setup_intent",
        payout_method=maker.whole(method),
        status=maker.in_turn("succeeded", "requires_action", "canceled"),
    )
    maker.update(method, latest_outbound_setup_intent=setup)
    recipient = maker.any("v2.core.account")
    verification = maker.make(
        "v2.money_management.recipient_verification",
        match_result="match",
        match_result_details={"message": "The name matches.", "provided_name": "Kim Sato"},
        payout_method=method,
        recipient=recipient,
    )
    intent = maker.make(
        "v2.money_management.payout_intent",
        amount=money(3000),
        **_from(account, currency=USD),
        status=maker.in_turn("posted", "processing", "requires_action", "canceled", "pending"),
        to={"credited": money(3000), "currency": USD, "payout_method": method, "recipient": recipient},
    )
    payment = maker.make(
        "v2.money_management.outbound_payment",
        amount=money(3000),
        description="Wages",
        **_from(account),
        payout_intent=intent,
        recipient_verification=verification,
        statement_descriptor="Tidepool",
        status=maker.in_turn("posted", "processing", "failed", "canceled", "returned"),
        to={"credited": money(3000), "payout_method": method, "recipient": recipient},
    )
    _transaction(maker, account, -3000, "outbound_payment", payment)
    maker.update(intent, latest_payout={"type": "outbound_payment", "outbound_payment": payment})


def _from(account: str, **fields: str) -> Json:
    """Where money comes from: a field that Python can't name."""
    return {"from": {"debited": money(3000), "financial_account": account, **fields}}
