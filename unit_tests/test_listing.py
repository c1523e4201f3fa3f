"""Listing: how ranges of time are asked for, how times are read, and what a page spans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.listing import Listing, RangeFilter
from source_stripe.api.pages import OneObject, Page, StartingAfter
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import unix_seconds
from unit_tests.conftest import API, CREATED

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")


def test_ranges_are_asked_for_as_each_list_wants_it() -> None:
    assert CREATED.params(Range(5, 9)) == (("created[gte]", "5"), ("created[lt]", "9"))
    after = RangeFilter("created_after", "created_before", exclusive=True)
    assert after.params(Range(5, 9)) == (("created_after", "4"), ("created_before", "9"))
    assert after.params(Range(0, 9)) == (("created_after", "0"), ("created_before", "9"))
    days = RangeFilter("start_time", "end_time", days=True)
    assert days.params(Range(86_401, 2 * 86_400 + 1)) == (("start_time", "86400"), ("end_time", "259200"))
    assert days.params(Range(86_400, 2 * 86_400)) == (("start_time", "86400"), ("end_time", "172800"))
    v2 = replace(CREATED, rfc_3339=True)
    assert v2.params(Range(0, 1_763_800_000)) == (
        ("created[gte]", "1970-01-01T00:00:00Z"),
        ("created[lt]", "2025-11-22T08:26:40Z"),
    )


def test_what_goes_onward_is_asked_for_without_an_end_unless_the_list_wants_whole_days() -> None:
    onward = Range(100, 86_400, onward=True)

    assert CREATED.params(onward) == (("created[gte]", "100"),)
    assert CREATED.covers(onward, 10**10)
    assert RangeFilter("start_time", "end_time", days=True).params(onward) == (
        ("start_time", "0"),
        ("end_time", "86400"),
    )


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (7, 7),
        (None, None),
        ("2025-11-22T08:26:40Z", 1763800000),
        ("2025-11-22T08:26:40", 1763800000),
        ("2025-11-22T08:26:40.123456789Z", 1763800000),
        ("2025-11-22T10:26:40.5+0200", 1763800000),
    ],
)
def test_times_are_unix_seconds_or_rfc_3339(time: Any, seconds: int | None) -> None:
    assert unix_seconds(time) == seconds


def listing(**fields: Any) -> Listing:
    return Listing("/v1/charges", cast(StripeRequester, None), V1, **fields)


def test_all_pages_one_after_the_other(requester: StripeRequester, requests_mock: Mocker) -> None:
    rows = [{"id": "ch_2"}, {"id": "ch_1"}]
    pages = [{"data": rows[:1], "has_more": True}, {"data": rows[1:], "has_more": False}]
    requests_mock.get(f"{API}/v1/charges", [{"json": body} for body in pages])
    charges = Listing("/v1/charges", requester, V1, range_filter=CREATED)

    assert [page.rows for page in charges.pages((("status", "all"),), {}, Range(5, 9))] == [rows[:1], rows[1:]]
    first, second = (request.qs for request in requests_mock.request_history)
    assert first == {"status": ["all"], "created[gte]": ["5"], "created[lt]": ["9"], "limit": ["100"]}
    assert second == {**first, "starting_after": ["ch_2"]}


def test_a_list_goes_on_where_the_last_rows_of_a_page_were_deleted(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    gone = {"status_code": 400, "json": {"error": {"code": "resource_missing", "param": "starting_after"}}}
    bodies = [{"data": [{"id": f"ch_{n}"} for n in (5, 4, 3)], "has_more": True}, {"data": [], "has_more": False}]
    requests_mock.get(f"{API}/v1/charges", [{"json": bodies[0]}, gone, gone, {"json": bodies[1]}])
    charges = Listing("/v1/charges", requester, V1, range_filter=CREATED)

    assert len(list(charges.pages((("status", "all"),), {}, Range(5, 9)))) == 2
    assert [request.qs.get("starting_after") for request in requests_mock.request_history] == [
        None,
        ["ch_3"],
        ["ch_4"],
        ["ch_5"],
    ]
    assert all(request.qs["created[gte]"] == ["5"] for request in requests_mock.request_history)


def test_a_list_of_which_a_whole_page_was_deleted_meanwhile_fails(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    gone = {"status_code": 400, "json": {"error": {"code": "resource_missing", "param": "starting_after"}}}
    requests_mock.get(f"{API}/v1/charges", [{"json": {"data": [{"id": "ch_1"}], "has_more": True}}, gone])
    charges = Listing("/v1/charges", requester, V1)

    with pytest.raises(StripeError):
        list(charges.pages((), {}))


def test_a_page_spans_the_seconds_of_its_rows() -> None:
    page = Page([{"date": 9}, {"date": 7}, {"date": 5}])

    assert listing(time_field="date").span(page) == PageSpan(newest=9, oldest=5)
    assert listing().span(page) is None


def test_expansions_are_of_the_rows_in_a_list_and_of_the_object_without_one() -> None:
    one = Listing("/v1/balance", cast(StripeRequester, None), OneObject())

    assert listing(passes=((("a", "b"),), ())).expanding(["x", "y", "x"]).passes == (
        (("a", "b"), ("expand[]", "data.x"), ("expand[]", "data.y")),
        (("expand[]", "data.x"), ("expand[]", "data.y")),
    )
    assert one.expanding(["x"]).passes == ((("expand[]", "x"),),)
