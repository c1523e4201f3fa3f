"""Answers that are not Stripe's, or break its rules: they are refused, or read without losing or doubling a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airbyte_cdk.models import AirbyteStateMessageSerializer, SyncMode
from requests_mock import Mocker

from source_stripe.api.listing import Listing, RangeFilter
from source_stripe.api.pages import MalformedPage, NextPageUrl, OneAnswer, Page, StartingAfter
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.requester import StripeRequester
from unit_tests.conftest import API, CREATED
from unit_tests.output import Output
from unit_tests.test_source import DATE, NOW, mock_account, read_stream, rows_of

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
V2 = NextPageUrl(page_size_param="limit", page_size=100)
MakeRequester = Callable[..., StripeRequester]


def mock_unfiltered(requests_mock: Mocker, path: str, rows: Sequence[dict[str, Any]]) -> None:
    """A list that ignores `created`, and comes in the order of these rows."""

    def answer(request: Any, _context: Any) -> str:
        params = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
        ids = [row["id"] for row in rows]
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        size = int(params["limit"])
        shown = rows[start : start + size]
        return json.dumps({"object": "list", "data": shown, "has_more": start + size < len(rows), "url": path})

    requests_mock.get(f"{API}{path}", text=answer, headers={"Date": DATE})


def mock_in_order(requests_mock: Mocker, path: str, rows: Sequence[dict[str, Any]], *, filtered: bool = True) -> None:
    """A list as Stripe filters and pages it, but in the order of these rows."""

    def answer(request: Any, _context: Any) -> str:
        params = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
        start, end = int(params.get("created[gte]", 0)), int(params.get("created[lt]", 1 << 40))
        place = {row["id"]: number for number, row in enumerate(rows)}
        after = place[params["starting_after"]] if "starting_after" in params else -1
        left = [
            row
            for row in rows
            if place[row["id"]] > after and (not filtered or start <= (row.get("created") or start) < end)
        ]
        size = int(params["limit"])
        return json.dumps({"object": "list", "data": left[:size], "has_more": len(left) > size, "url": path})

    requests_mock.get(f"{API}{path}", text=answer, headers={"Date": DATE})


def failed_with(output: Output, what: str) -> bool:
    (stream,) = output.statuses
    return output.statuses[stream] == "INCOMPLETE" and all(f"can't be right: {what}" in e for e in output.errors[:1])


@pytest.mark.parametrize("workers", [1, 16])
def test_a_server_that_ignores_ranges_is_refused(requests_mock: Mocker, workers: int) -> None:
    mock_account(requests_mock)
    mock_unfiltered(requests_mock, "/v1/customers", rows_of("cus", 3_000, every=300))

    output = read_stream("customers", num_workers=workers, start_date="2025-11-21T00:00:00Z")

    assert failed_with(output, "a row was created outside of the range that was asked for")


def test_a_server_that_ignores_ranges_is_refused_in_later_syncs(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    mock_unfiltered(requests_mock, "/v1/balance_transactions", rows_of("txn", 300, every=86_400))
    state = [
        {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": "balance_transactions"}, "stream_state": {"created": NOW - 600}},
        }
    ]
    output = read_stream(
        "balance_transactions", SyncMode.incremental, [AirbyteStateMessageSerializer.load(each) for each in state]
    )

    assert failed_with(output, "a row was created outside of the range that was asked for")


def test_rows_that_do_not_say_when_they_were_created_stay_where_stripe_put_them(requests_mock: Mocker) -> None:
    mock_account(requests_mock)
    rows = [*rows_of("cus", 3), {"id": "cus_odd", "object": "customer"}, {"id": "cus_null", "created": None}]
    mock_in_order(requests_mock, "/v1/customers", rows)

    output = read_stream("customers", start_date="2025-11-01T00:00:00Z")

    assert output.statuses == {"customers": "COMPLETE"}
    assert set(output.ids()) == {"cus_0", "cus_1", "cus_2", "cus_odd", "cus_null"}


@pytest.mark.parametrize("workers", [1, 16])
@pytest.mark.parametrize("order", ["oldest first", "by thirds"])
def test_a_list_in_another_order_comes_once_and_whole(requests_mock: Mocker, workers: int, order: str) -> None:
    newest_first = rows_of("ch", 3_000)
    if order == "oldest first":
        rows = newest_first[::-1]
    else:
        rows = sorted(newest_first, key=lambda row: (row["created"] % 3, row["created"]), reverse=True)
    mock_account(requests_mock)
    mock_in_order(requests_mock, "/v1/charges", rows)

    output = read_stream("charges", num_workers=workers)

    assert output.statuses == {"charges": "COMPLETE"}
    assert output.ids() == {f"ch_{number}": 1 for number in range(3_000)}


@pytest.mark.parametrize("body", [b"null", b'"list"', b"[]", b'{"error": {"message": "Odd."}}', b'{"error": "odd"}'])
def test_what_is_no_answer_is_asked_for_again(requester: StripeRequester, requests_mock: Mocker, body: bytes) -> None:
    requests_mock.get(f"{API}/v1/charges", [{"content": body}, {"content": body}, {"json": {"data": []}}])

    assert requester.get("/v1/charges").body == {"data": []}


def test_an_error_in_place_of_an_answer_is_told_in_the_end(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/charges", json={"error": {"type": "api_error", "message": "Odd."}})

    with pytest.raises(Exception, match=r"GET /v1/charges.*Odd\. \(HTTP 200, api_error\)"):
        requester.get("/v1/charges")


def test_an_object_with_an_error_in_it_is_an_answer(requester: StripeRequester, requests_mock: Mocker) -> None:
    run = {"id": "frr_1", "object": "reporting.report_run", "error": {"message": "An internal error."}}
    requests_mock.get(f"{API}/v1/reporting/report_runs/frr_1", json=run)

    assert requester.get("/v1/reporting/report_runs/{id}", id="frr_1").body == run


@pytest.mark.parametrize(
    ("paging", "body", "what"),
    [
        (V1, {"object": "list", "data": [{"id": "a"}]}, "it is no list"),
        (V1, {"object": "list", "data": None, "has_more": False}, "it is no list"),
        (V1, {"object": "list", "data": [], "has_more": True}, "there is more, but no row to go on from"),
        (V2, {"data": [{"id": "a"}]}, "it does not say whether there is more"),
        (V2, {"data": [], "next_page_url": "/v2/core/events?page=x"}, "its next_page_url leads to another list"),
        (V2, {"data": [], "next_page_url": "https://evil.test/x?page=x"}, "its next_page_url leads to another list"),
        (V2, {"data": [], "next_page_url": "/v2/core/accounts"}, "its next_page_url leads nowhere new"),
        (OneAnswer(), {"data": [{"id": "a"}], "has_more": True}, "there is more than comes in one answer"),
        (OneAnswer(), {"data": [{"id": "a"}], "next_page_url": "/v2/x?page=1"}, "there is more than comes in one"),
    ],
)
def test_a_page_that_breaks_the_rules_is_refused(paging: Any, body: dict[str, Any], what: str) -> None:
    with pytest.raises(MalformedPage, match=what):
        paging.page(body, "/v2/core/accounts", None)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/v2/core/accounts", "https://api.stripe.com/v2/core/accounts?page=x"),
        ("/v2/core/accounts/{account}/persons", "/v2/core/accounts/acct_1/persons?page=x"),
        ("/v2/core/accounts", "http://127.0.0.1:8080/proxy/v2/core/accounts?page=x"),
    ],
)
def test_the_next_page_is_of_the_same_list(path: str, url: str) -> None:
    page = V2.page({"data": [{"id": "a"}], "next_page_url": url}, path, None)

    assert V2.params((), page) == (("page", "x"),)


@pytest.mark.parametrize("rows", [101, 250])
def test_more_rows_than_were_asked_for_are_rows(rows: int) -> None:
    body = {"object": "list", "data": [{"id": f"a{number}"} for number in range(rows)], "has_more": True}

    assert len(V1.page(body, "/v1/x", None).rows) == rows


DAY = 86_400


@pytest.mark.parametrize(
    ("asked", "second", "covered"),
    [
        (CREATED, 100, True),
        (CREATED, 199, True),
        (CREATED, 99, False),
        (CREATED, 200, False),
        (RangeFilter("created_after", "created_before", exclusive=True), 100, True),
        (RangeFilter("created_after", "created_before", exclusive=True), 99, False),
        (RangeFilter("created_after", "created_before", exclusive=True), 200, False),
        (RangeFilter("start_time", "end_time", days=True), 0, True),
        (RangeFilter("start_time", "end_time", days=True), DAY - 1, True),
        (RangeFilter("start_time", "end_time", days=True), DAY, False),
    ],
)
def test_a_row_is_in_the_range_by_the_bounds_that_were_sent(asked: RangeFilter, second: int, covered: bool) -> None:
    assert asked.covers(Range(100, 200), second) is covered


def test_times_of_v2_and_other_time_fields_are_understood(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(
        f"{API}/v2/x", json={"data": [{"id": "a", "at": "1970-01-01T00:01:40.5Z"}], "next_page_url": None}
    )
    listing = Listing("/v2/x", requester, V2, range_filter=replace(CREATED, rfc_3339=True), time_field="at")

    assert len(listing.page((), Range(100, 101), None, {}).rows) == 1
    with pytest.raises(MalformedPage, match="outside of the range"):
        listing.page((), Range(101, 200), None, {})


def test_the_span_of_a_page_does_not_depend_on_its_order(requester: StripeRequester) -> None:
    listing = Listing("/v1/x", requester, V1, range_filter=CREATED)
    rows = [{"id": str(second), "created": second} for second in (5, 9, 2, 7)]

    assert listing.span(Page(rows)) == PageSpan(9, 2)
