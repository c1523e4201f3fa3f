"""Values that many objects of the full account share."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

USD = "usd"
DAY = 24 * 3600
PHONE = "+15035550142"

ADDRESS: Json = {
    "city": "Portland",
    "country": "US",
    "line1": "12 Harbour Street",
    "line2": None,
    "postal_code": "97205",
    "state": "OR",
}
BILLING: Json = {"address": ADDRESS, "email": "kim@example.com", "name": "Kim Sato", "phone": PHONE, "tax_id": None}


def money(value: int, currency: str = USD) -> Json:
    """An amount as the v2 API and payment records write it, in cents."""
    return {"value": value, "currency": currency}


def monetary(value: int) -> Json:
    """An amount of billing credits, in cents."""
    return {"type": "monetary", "monetary": {"currency": USD, "value": value}}
