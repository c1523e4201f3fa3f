"""Billing by usage: meters with their summaries and alerts, and credits that pay for what was used."""

from __future__ import annotations

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import DAY, monetary

_HOUR = 3600


def meter(maker: Maker) -> None:
    """A meter, and a customer who used what it counts and paid a part of it with credits."""
    customer = maker.any("customer")
    number = maker.era + 1
    counted = maker.make(
        "billing.meter",
        customer_mapping={"event_payload_key": "stripe_customer_id", "type": "by_id"},
        default_aggregation={"formula": maker.in_turn("sum", "count", "last")},
        display_name=f"Messages {number}",
        event_name=f"messages_{number}",
        status=maker.in_turn("active", "active", "inactive"),
        value_settings={"event_payload_key": "value"},
    )
    recurring = {"interval": "month", "interval_count": 1, "meter": counted, "usage_type": "metered"}
    maker.make("price", nickname="By the message", recurring=recurring, type="recurring", unit_amount=1)
    _summaries(maker, counted, customer)
    maker.make(
        "billing.alert",
        status=maker.in_turn("active", "inactive", "archived"),
        title=f"A thousand messages ({number})",
        usage_threshold={"filters": [{"type": "customer", "customer": customer}], "gte": 1000, "meter": counted},
    )
    _credits(maker, customer)


def _summaries(maker: Maker, counted: str, customer: str) -> None:
    """Two days: by themselves, together, and the first one hour by hour."""
    start = maker.tick() // DAY * DAY - 2 * DAY
    for value, begin, end in (
        (30, start, start + DAY),
        (12, start + DAY, start + 2 * DAY),
        (42, start, start + 2 * DAY),
        (20, start + 9 * _HOUR, start + 10 * _HOUR),
        (10, start + 14 * _HOUR, start + 15 * _HOUR),
    ):
        maker.make(
            "billing.meter_event_summary",
            of=customer,
            aggregated_value=float(value),
            end_time=end,
            meter=counted,
            start_time=begin,
        )


def _credits(maker: Maker, customer: str) -> None:
    grant = maker.make(
        "billing.credit_grant",
        amount=monetary(1000),
        applicability_config={"scope": {"price_type": "metered"}},
        category=maker.in_turn("paid", "promotional"),
        customer=customer,
        expires_at=maker.now + 90 * DAY,
        name="Welcome credits",
        priority=50,
    )
    invoice = maker.whole(maker.any("invoice"))
    line = invoice["lines"]["data"][0]["id"] if invoice["lines"]["data"] else None
    applied = {"invoice": invoice["id"], "invoice_line_item": line}
    maker.make(
        "billing.credit_balance_transaction",
        credit={"amount": monetary(1000), "type": "credits_granted"},
        credit_grant=grant,
        type="credit",
    )
    maker.make(
        "billing.credit_balance_transaction",
        credit_grant=grant,
        debit={"amount": monetary(300), "credits_applied": applied if line else None, "type": "credits_applied"},
        type="debit",
    )
    balance = {"available_balance": monetary(700), "ledger_balance": monetary(700)}
    key = f"{customer}/billing.credit_balance_summary"
    if maker.emulator.store.get(key) is None:
        maker.make("billing.credit_balance_summary", customer=customer, balances=[balance])
