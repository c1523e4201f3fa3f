"""Treasury: a financial account with money that goes in, out and back."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, USD

Json = dict[str, Any]

_BILLING = {"address": ADDRESS, "email": "kim@example.com", "name": "Kim Sato"}
_BANK = {"bank_name": "STRIPE TEST BANK", "last4": "6789", "routing_number": "110000000"}
_ABA = {
    "account_holder_name": "Tidepool",
    "account_number_last4": "1234",
    "bank_name": "STRIPE TEST BANK",
    "routing_number": "110000000",
}
_BANK_DETAILS = {"billing_details": _BILLING, "type": "us_bank_account", "us_bank_account": _BANK}


def bank(maker: Maker) -> None:
    """A financial account with each of the ways in which its money moves."""
    account = _financial_account(maker)
    _inward(maker, account)
    _outward(maker, account)
    _received(maker, account)


def _financial_account(maker: Maker) -> str:
    closed = maker.era == 1
    feature = {"requested": True, "status": "active", "status_details": []}
    account = maker.make(
        "treasury.financial_account",
        active_features=["card_issuing", "inbound_transfers.ach", "outbound_payments.ach"],
        balance={"cash": {USD: 120000}, "inbound_pending": {USD: 0}, "outbound_pending": {USD: 2500}},
        features={"card_issuing": feature},
        financial_addresses=[{"type": "aba", "aba": _ABA}],
        is_default=maker.era == 0,
        nickname=f"Till {maker.era + 1}",
        status="closed" if closed else "open",
        status_details={"closed": {"reasons": ["account_rejected"]}} if closed else {},
        supported_currencies=[USD],
    )
    maker.make(
        "treasury.financial_account_features",
        of=account,
        card_issuing=feature,
        inbound_transfers={"ach": feature},
        outbound_payments={"ach": feature, "us_domestic_wire": {**feature, "requested": False}},
    )
    return account


def _flow(maker: Maker, kind: str, account: str, amount: int, **fields: Any) -> str:
    """A movement of `amount` cents with its transaction and the entry of that; returns the flow's id."""
    flow, flow_type = maker.new_id(kind), kind.partition(".")[2]
    posted = maker.tick()
    common: Json = {"financial_account": account, "flow": flow, "flow_type": flow_type}
    transaction = maker.make(
        "treasury.transaction",
        **common,
        amount=amount,
        balance_impact={"cash": amount, "inbound_pending": 0, "outbound_pending": 0},
        description=f"Tidepool {flow_type.replace('_', ' ')}",
        flow_details={"type": flow_type},
        status=maker.in_turn("posted", "open", "void"),
        status_transitions=maker.in_turn({"posted_at": posted}, {}, {"void_at": posted}),
    )
    maker.make(
        "treasury.transaction_entry",
        **common,
        balance_impact={"cash": amount, "inbound_pending": 0, "outbound_pending": 0},
        flow_details={"type": flow_type},
        transaction=transaction,
        type=flow_type,
    )
    return maker.make(kind, id=flow, amount=abs(amount), financial_account=account, transaction=transaction, **fields)


def _inward(maker: Maker, account: str) -> None:
    """From the company's bank account."""
    status = maker.in_turn("succeeded", "failed", "processing", "canceled")
    _flow(
        maker,
        "treasury.inbound_transfer",
        account,
        50000,
        failure_details={"code": "insufficient_funds"} if status == "failed" else None,
        origin_payment_method=maker.any("payment_method"),
        origin_payment_method_details=_BANK_DETAILS,
        statement_descriptor="transfer",
        status=status,
    )


def _outward(maker: Maker, account: str) -> None:
    """To the company's bank account, and to somebody else's."""
    status = maker.in_turn("posted", "processing", "failed", "canceled", "returned")
    common: Json = {
        "destination_payment_method": maker.any("payment_method"),
        "destination_payment_method_details": _BANK_DETAILS,
        "expected_arrival_date": maker.tick() + 2 * DAY,
        "status": status,
    }
    _flow(maker, "treasury.outbound_transfer", account, -20000, **common, statement_descriptor="transfer")
    _flow(
        maker,
        "treasury.outbound_payment",
        account,
        -2500,
        **common,
        customer=maker.any("customer"),
        end_user_details={"ip_address": "203.0.113.7", "present": True},
        statement_descriptor="payment",
    )


def _received(maker: Maker, account: str) -> None:
    """What others sent or took, and the reversals of that."""
    credit = _flow(
        maker,
        "treasury.received_credit",
        account,
        30000,
        description="Invoice 12",
        initiating_payment_method_details=_BANK_DETAILS,
        network="ach",
        status=maker.in_turn("succeeded", "failed"),
    )
    debit = _flow(
        maker,
        "treasury.received_debit",
        account,
        -4000,
        description="Electricity",
        initiating_payment_method_details=_BANK_DETAILS,
        network="ach",
        status=maker.in_turn("succeeded", "failed"),
    )
    _flow(
        maker,
        "treasury.credit_reversal",
        account,
        -30000,
        received_credit=credit,
        status=maker.in_turn("posted", "processing", "canceled"),
    )
    _flow(
        maker,
        "treasury.debit_reversal",
        account,
        4000,
        network="ach",
        received_debit=debit,
        status=maker.in_turn("succeeded", "processing", "failed"),
    )
