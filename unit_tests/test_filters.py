"""Filters: what of them a list is asked for, which rows match, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from source_stripe.catalog.config import ConfigError
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.pushing import Level, digest, limits, may_lose_parents, passes
from source_stripe.catalog.schemas import StreamSchema
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.objects.row_filters import RowFilters

ROWS = Manifest.load().rows
DAY = 86_400
NEW_YEAR = 1_767_225_600
"""2026-01-01."""


def row(stream: str, **wanted: Any) -> StreamRow:
    return filtered(ROWS, {stream: {name.replace("__", "."): value for name, value in wanted.items()}})[stream]


def asked(stream: str, level: Level, **wanted: Any) -> list[dict[str, str]]:
    return [dict(each) for each in passes(row(stream, **wanted), level)]


def test_without_filters_a_list_is_asked_for_what_the_manifest_says() -> None:
    plain = filtered(ROWS, {})
    assert {name: each.filters for name, each in plain.items()} == dict.fromkeys(ROWS, ())
    for level in Level:
        assert asked("prices", level) == [{"active": "true"}, {"active": "false"}]
        assert asked("subscriptions", level) == [{"status": "all"}]


def test_a_field_that_changes_is_asked_for_only_at_first() -> None:
    assert asked("customers", Level.FIRST, email="a@b.c") == [{"email": "a@b.c"}]
    assert asked("customers", Level.AGAIN, email="a@b.c") == [{}]
    assert asked("customers", Level.COVER, email="a@b.c") == [{}]


def test_a_field_that_never_changes_is_asked_for_again() -> None:
    assert asked("invoices", Level.AGAIN, subscription="sub_1") == [{"subscription": "sub_1"}]
    assert asked("invoices", Level.COVER, subscription="sub_1") == [{}]
    assert asked("invoices", Level.COVER, customer="cus_1") == [{"customer": "cus_1"}]


def test_a_row_that_only_enters_is_asked_for_again() -> None:
    assert asked("charges", Level.AGAIN, customer="cus_1") == [{"customer": "cus_1"}]
    assert asked("charges", Level.COVER, customer="cus_1") == [{}]


def test_what_is_read_once_is_asked_for_all_but_what_rows_may_leave_for_another_list() -> None:
    assert asked("customers", Level.ONCE, email="a@b.c") == [{"email": "a@b.c"}]
    assert asked("file_links", Level.ONCE, expired=True) == [{"expired": "true"}]
    assert asked("payouts", Level.ONCE, status=["paid", "failed"]) == [{}]
    assert asked("charges", Level.ONCE, customer=["cus_1", "cus_2"]) == [{"customer": "cus_1"}, {"customer": "cus_2"}]


def test_open_rows_of_any_age_have_to_be_met() -> None:
    assert asked("file_links", Level.FIRST, expired=True) == [{}]
    assert asked("payment_intents", Level.FIRST, customer="cus_1") == [{"customer": "cus_1"}]


def test_a_value_each_is_a_pass_each_and_the_connectors_own_give_way() -> None:
    assert asked("payouts", Level.FIRST, status=["paid", "failed"]) == [{"status": "paid"}, {"status": "failed"}]
    assert asked("prices", Level.FIRST, active=True) == [{"active": "true"}]
    assert asked("prices", Level.AGAIN, active=True) == [{"active": "true"}, {"active": "false"}]
    assert asked("prices", Level.AGAIN, currency="eur") == [
        {"active": "true", "currency": "eur"},
        {"active": "false", "currency": "eur"},
    ]
    assert asked("v2_core_accounts", Level.FIRST, closed=False) == [{"closed": "false"}]
    assert asked("subscriptions", Level.FIRST, status="ended") == [
        {"status": "canceled"},
        {"status": "incomplete_expired"},
    ]
    assert asked("subscriptions", Level.FIRST, status="all") == [{"status": "all"}]
    statuses = asked("v2_money_management_financial_accounts", Level.FIRST, statuses=["open", "closed"])
    assert statuses == [{"statuses[0]": "open", "statuses[1]": "closed"}]


def test_what_stripe_takes_at_once_is_asked_for_at_once() -> None:
    keys = [f"key_{number}" for number in range(13)]
    made = passes(row("prices", lookup_keys=keys, active=True), Level.FIRST)
    assert [len([name for name, _ in each if name == "lookup_keys[]"]) for each in made] == [10, 3]


def test_too_many_passes_are_left_to_the_rows() -> None:
    many = [f"prod_{number}" for number in range(21)]
    assert asked("prices", Level.AGAIN, product=many, currency=["eur", "usd"], active=True) == [
        {"active": "true", "currency": "eur"},
        {"active": "true", "currency": "usd"},
        {"active": "false", "currency": "eur"},
        {"active": "false", "currency": "usd"},
    ]


def test_a_row_with_two_of_the_values_does_not_come_twice() -> None:
    assert asked("subscriptions", Level.FIRST, price="price_1") == [{"status": "all", "price": "price_1"}]
    assert asked("subscriptions", Level.FIRST, price=["price_1", "price_2"]) == [{"status": "all"}]


def test_names_inside_of_others_have_brackets_and_stripe_gets_what_it_wants_with_them() -> None:
    assert asked("prices", Level.AGAIN, recurring__interval="month", active=True)[0]["recurring[interval]"] == "month"
    named = asked("invoice_payments", Level.AGAIN, payment__payment_intent="pi_1")
    assert named == [{"payment[type]": "payment_intent", "payment[payment_intent]": "pi_1"}]


def test_ranges_have_bounds_and_days_are_whole() -> None:
    until = {"gte": "2026-01-01", "lte": "2026-01-31"}
    bounds = {"arrival_date[gte]": str(NEW_YEAR), "arrival_date[lt]": str(NEW_YEAR + 31 * DAY)}
    assert asked("payouts", Level.FIRST, arrival_date=until) == [bounds]
    assert asked("payouts", Level.FIRST, arrival_date={"gt": "2025-12-31"}) == [{"arrival_date[gte]": str(NEW_YEAR)}]
    after = {"gt": "2026-01-01T00:00:00Z"}
    assert asked("payouts", Level.FIRST, arrival_date=after) == [{"arrival_date[gte]": str(NEW_YEAR + 1)}]
    assert asked("payouts", Level.FIRST, arrival_date={"gt": NEW_YEAR}) == [{"arrival_date[gte]": str(NEW_YEAR + 1)}]
    assert asked("top_ups", Level.AGAIN, amount=500) == [{"amount[gte]": "500", "amount[lt]": "501"}]


def test_creation_limits_the_ranges_of_a_list_that_has_them() -> None:
    assert limits(row("charges", created={"gte": "2026-01-01"})) == (NEW_YEAR, None)
    assert asked("charges", Level.FIRST, created={"gte": "2026-01-01"}) == [{}]
    assert limits(row("setup_attempts", created={"gte": "2026-01-01"})) is None
    assert asked("setup_attempts", Level.COVER, created={"gte": "2026-01-01"}) == [{}]
    assert asked("setup_attempts", Level.AGAIN, created={"gte": "2026-01-01"}) == [{"created[gte]": str(NEW_YEAR)}]


ROWS_THAT_MATCH: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("charges", {"customer": "cus_1"}, {"customer": "cus_1"}, True),
    ("charges", {"customer": "cus_1"}, {"customer": {"id": "cus_1", "object": "customer"}}, True),
    ("charges", {"customer": "cus_1"}, {"customer": None}, False),
    ("charges", {"customer": ["cus_1", "cus_2"]}, {"customer": "cus_2"}, True),
    ("customers", {"email": "A@b.c"}, {"email": "a@b.c"}, False),
    ("promotion_codes", {"code": "Spring"}, {"code": "SPRING"}, True),
    ("products", {"active": "false"}, {"active": False}, True),
    ("payouts", {"arrival_date": {"lt": 100}}, {"arrival_date": 100}, False),
    ("payouts", {"arrival_date": {"lte": 100}}, {"arrival_date": 100}, True),
    ("invoices", {"due_date": {"lt": 100}}, {"due_date": None}, False),
    ("events", {"type": "charge.*"}, {"type": "charge.succeeded"}, True),
    ("events", {"type": "charge.*"}, {"type": "charger"}, False),
    ("events", {"types": ["a.b", "a.c"]}, {"type": "a.c"}, True),
    ("invoice_items", {"pending": True}, {"invoice": None}, True),
    ("invoice_items", {"pending": False}, {"invoice": None}, False),
    ("subscription_schedule", {"scheduled": True}, {"status": "not_started"}, True),
    ("entitlements_features", {"archived": True}, {"active": False}, True),
    ("entitlements_features", {"archived": True}, {"active": True}, False),
    ("subscriptions", {"price": "p2"}, {"items": {"data": [{"price": {"id": "p1"}}, {"price": {"id": "p2"}}]}}, True),
    (
        "subscriptions",
        {"current_period_end": {"lt": 10}},
        {"items": {"data": [{"current_period_end": 5}, {"current_period_end": 15}]}},
        True,
    ),
    (
        "subscriptions",
        {"current_period_start": {"lt": 10}},
        {"items": {"data": [{"current_period_start": 5}, {"current_period_start": 15}]}},
        False,
    ),
    (
        "v2_core_accounts",
        {"applied_configurations": ["customer", "merchant"]},
        {"applied_configurations": ["merchant", "customer", "x"]},
        True,
    ),
    (
        "v2_core_accounts",
        {"applied_configurations": ["customer", "merchant"]},
        {"applied_configurations": ["merchant"]},
        False,
    ),
    ("v2_core_accounts", {"closed": False}, {"closed": None}, True),
    (
        "v2_money_management_transactions",
        {"flow": "obp_1"},
        {"flow": {"type": "outbound_payment", "outbound_payment": "obp_1"}},
        True,
    ),
    ("v2_money_management_transactions", {"flow": "obp_1"}, {"flow": {"type": "x", "x": "obp_2", "y": "obp_1"}}, False),
    ("v2_core_events", {"created": {"gte": "2026-01-01"}}, {"created": "2026-01-01T00:00:00.000Z"}, True),
    (
        "treasury_received_credits",
        {"linked_flows.source_flow_type": "other"},
        {"linked_flows": {"source_flow_details": None}},
        True,
    ),
    (
        "treasury_received_credits",
        {"linked_flows.source_flow_type": "other"},
        {"linked_flows": {"source_flow_details": {"type": "payout"}}},
        False,
    ),
]


@pytest.mark.parametrize(("stream", "wanted", "shown", "matches"), ROWS_THAT_MATCH)
def test_a_row_is_tested(stream: str, wanted: Mapping[str, Any], shown: Mapping[str, Any], *, matches: bool) -> None:
    filters = RowFilters(filtered(ROWS, {stream: wanted})[stream].filters)
    assert filters.match(shown) == matches


def test_who_may_have_matched_and_who_never_did() -> None:
    filters = RowFilters(row("invoices", customer="cus_1", status="paid").filters)
    assert filters.may_have_matched({"customer": "cus_1", "status": "open"})
    assert not filters.may_have_matched({"customer": "cus_2", "status": "paid"})


def test_an_event_tells_that_an_object_never_matches() -> None:
    filters = RowFilters(row("refunds", charge="ch_1", created={"gte": 100}).filters)
    assert filters.leave_out({"charge": "ch_2"}, 200)
    assert filters.leave_out({"charge": "ch_1"}, 50)
    assert not filters.leave_out({"charge": "ch_1"}, 100)
    assert not filters.leave_out({"charge": None}, None), "what it does not say decides nothing"
    changing = RowFilters(row("customers", email="a@b.c").filters)
    assert not changing.leave_out({"email": "x@y.z"}, 200)


def test_the_digest_is_that_of_the_stream_and_of_what_it_hangs_on() -> None:
    one, other = (filtered(ROWS, {"invoices": {"customer": each}}) for each in ("cus_1", "cus_2"))
    assert digest(one["charges"], one) is None
    assert digest(one["invoices"], one) != digest(other["invoices"], other)
    assert digest(one["invoice_line_items"], one) == digest(one["invoices"], one)
    turned = (
        filtered(ROWS, {"payouts": {"status": ["paid", "failed"]}}),
        filtered(ROWS, {"payouts": {"status": ["failed", "paid"]}}),
    )
    assert digest(turned[0]["payouts"], turned[0]) == digest(turned[1]["payouts"], turned[1])
    assert "cus" not in str(digest(one["invoices"], one))


def test_which_parents_come_and_go() -> None:
    by_email, by_age = (filtered(ROWS, {"customers": each}) for each in ({"email": "a@b.c"}, {"created": {"gte": 1}}))
    assert may_lose_parents(by_email["customer_payment_methods"], by_email)
    assert not may_lose_parents(by_email["customers"], by_email)
    assert not may_lose_parents(by_age["customer_payment_methods"], by_age)


@pytest.mark.parametrize(
    ("stream", "wanted", "said"),
    [
        ("charges", {"custmer": "cus_1"}, "Did you mean customer? charges has: created, customer, payment_intent."),
        ("charges", {"customer": "cus 1"}, "needs an ID, not 'cus 1'"),
        ("charges", {"customer": []}, "needs a value"),
        ("charges", {"customer": {"gte": 1}}, "needs a value"),
        ("charges", {"customer": 5}, "needs text, not 5"),
        ("charges", {"transfer_group": "g"}, "is no filter. Stripe answers no more than 100"),
        ("balance_transactions", {"currency": "EUR"}, "is in lower case: eur."),
        ("cards", {"exp_year": "soon"}, "needs a whole number"),
        ("top_ups", {"amount": [1, 2]}, "needs one number, or bounds"),
        ("payouts", {"arrival_date": {"gte": "2026-02-31"}}, "has a day that there is not"),
        ("payouts", {"arrival_date": {"since": "2026-02-01"}}, "is a range"),
        ("payouts", {"arrival_date": {"gte": True}}, "needs a time like 2026-01-01"),
        ("setup_attempts", {"setup_intent": "seti_1"}, "is no filter. The connector asks for each"),
        ("quotes", {"test_clock": "clock_1"}, "is no filter. It shows what is on a test clock"),
        ("products", {"ids": ["prod_1"]}, "is no filter. Stripe refuses it"),
        ("tax_codes", {"name": "a"}, "tax_codes has none."),
        ("events", {"type": "a", "types": ["b"]}, "Stripe does not take type and types together"),
    ],
)
def test_what_can_not_be_filtered_is_refused(stream: str, wanted: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        filtered(ROWS, {stream: wanted})
    assert said in str(refused.value)


def test_a_stream_without_deletions_gets_the_column_of_tombstones() -> None:
    plain, filtering = row("file_links", file="file_1"), row("file_links", expired=True)
    assert "is_deleted" not in StreamSchema(plain, ROWS).get_json_schema()["properties"]
    assert "is_deleted" in StreamSchema(filtering, ROWS).get_json_schema()["properties"]


def test_values_that_mean_all_leave_nothing_out() -> None:
    assert row("products", active=[True, False]).filters == ()
    assert row("tax_registrations", status="all").filters == ()
    assert [each.values for each in row("events", type=["charge.*", "charge.failed", "payout.paid"]).filters] == [
        ("charge.*", "payout.paid")
    ]
