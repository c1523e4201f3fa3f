"""Config keys that go by stream: objects and lines say the same."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.catalog import by_stream


@pytest.mark.parametrize(
    ("lines", "meant"),
    [
        ([], {}),
        (["charges.customer=cus_1"], {"charges": {"customer": ["cus_1"]}}),
        (
            ["payouts.status=paid, failed", "payouts.status=canceled"],
            {"payouts": {"status": ["paid", "failed", "canceled"]}},
        ),
        (["prices.recurring.interval=month"], {"prices": {"recurring.interval": ["month"]}}),
        (
            ["payouts.arrival_date>=2026-01-01", "payouts.arrival_date < 2027-01-01"],
            {"payouts": {"arrival_date": {"gte": "2026-01-01", "lt": "2027-01-01"}}},
        ),
        (["events.type=charge.*"], {"events": {"type": ["charge.*"]}}),
        (["customers.email=a=b@example.com"], {"customers": {"email": ["a=b@example.com"]}}),
    ],
)
def test_lines_of_filters(lines: list[str], meant: Any) -> None:
    assert by_stream.filters(lines) == meant


@pytest.mark.parametrize(
    "given",
    [
        ["charges"],
        ["charges.customer"],
        ["charges=cus_1"],
        [5],
        ["payouts.arrival_date>=1", "payouts.arrival_date>=2"],
        ["payouts.arrival_date>=1", "payouts.arrival_date=2"],
        ["payouts.arrival_date=2", "payouts.arrival_date>=1"],
        {"charges": ["customer"]},
        {"charges": {5: "cus_1"}},
        "charges.customer=cus_1",
    ],
)
def test_what_is_no_filter_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        by_stream.filters(given)


def test_an_object_of_filters_is_taken_as_it_is() -> None:
    assert by_stream.filters({"charges": {"customer": "cus_1"}}) == {"charges": {"customer": "cus_1"}}
    assert by_stream.filters(None) == {}


def test_paths_stand_in_lines_or_in_an_object() -> None:
    meant = {"charges": ("customer", "payment_intent.payment_method"), "subscriptions": ("latest_invoice",)}
    lines = ["charges.customer", "charges.payment_intent.payment_method", "subscriptions.data.latest_invoice"]
    named = {"charges": ["customer", "payment_intent.payment_method"], "subscriptions": ["data.latest_invoice"]}

    assert by_stream.paths(lines) == meant
    assert by_stream.paths(named) == meant
    assert by_stream.paths(None) == {}


@pytest.mark.parametrize("given", [["customer"], [5], {"charges": "customer"}, {"charges": [5]}, "charges.customer"])
def test_what_is_no_path_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        by_stream.paths(given)
