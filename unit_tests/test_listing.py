"""Pages: what a list answer must look like, and how a piece is read."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.sources.types import StreamSlice
from requests_mock import Mocker

from source_stripe.errors import StripeError
from source_stripe.frontier import Frontier, Workers
from source_stripe.listing import ListRetriever, MalformedPage, Page, Paginator
from source_stripe.ranges import PageSpan, Range
from source_stripe.requester import StripeRequester
from unit_tests.conftest import API

PAGINATOR: dict[str, Any] = {"page_size_param": "limit", "page_size": 100, "cursor_param": "starting_after"}


def page(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/charges"}


def charge(number: int, created: int = 50) -> dict[str, Any]:
    return {"id": f"ch_{number}", "object": "charge", "created": created}


def retriever(requester: StripeRequester, **fields: Any) -> ListRetriever:
    frontier = Frontier(Workers(1))
    frontier.open([Range(0, 100)])
    defaults = {"name": "charges", "path": "/v1/charges", "params": {}, "paginator": PAGINATOR, "cursor": "updated"}
    return ListRetriever(**{**defaults, **fields}, requester=requester, frontier=frontier)


def read(reader: ListRetriever) -> list[dict[str, Any]]:
    piece = next(iter(reader.frontier.pieces()))
    return list(reader.read_records({}, StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": piece})))


def test_the_pages_of_a_piece_follow_the_cursor(requester: StripeRequester, requests_mock: Mocker) -> None:
    pages = [page(charge(1), charge(2), has_more=True), page(charge(3))]
    requests_mock.get(f"{API}/v1/charges", [{"json": body} for body in pages])

    rows = read(retriever(requester, params={"status": "all"}))

    assert [row["id"] for row in rows] == ["ch_1", "ch_2", "ch_3"]
    first, second = (request.qs for request in requests_mock.request_history)
    assert first == {"status": ["all"], "created[gte]": ["0"], "created[lt]": ["100"], "limit": ["100"]}
    assert second == {**first, "starting_after": ["ch_2"]}


def test_a_row_says_when_it_last_changed_and_that_it_is_there(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/charges", json=page(charge(1, created=77)))

    assert read(retriever(requester)) == [{**charge(1, created=77), "updated": 77, "is_deleted": False}]


def test_a_row_with_stripes_own_cursor_is_left_as_it_is(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/charges", json=page(charge(1)))

    assert read(retriever(requester, cursor="created")) == [charge(1)]


def test_a_product_that_the_account_has_not_is_an_empty_stream(
    requester: StripeRequester, requests_mock: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = {"error": {"type": "invalid_request_error", "message": "Your account is not set up to use Issuing."}}
    requests_mock.get(f"{API}/v1/charges", status_code=400, json=refusal, headers={"Request-Id": "req_5"})

    assert read(retriever(requester)) == []
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    for word in ("charges", "not set up to use Issuing", "req_5"):
        assert word in warnings[0]


def test_any_other_refusal_fails_the_stream_and_keeps_the_piece_open(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/charges", status_code=400, json={"error": {"message": "no"}})
    reader = retriever(requester)

    with pytest.raises(StripeError):
        read(reader)

    assert reader.frontier.range_of(0) == Range(0, 100)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"object": "charge"}, "it is no list"),
        ({"data": {}, "has_more": False}, "it is no list"),
        ({"data": []}, "it is no list"),
        (page({"object": "charge"}), "a row has no id"),
        ({"data": [None], "has_more": False}, "a row has no id"),
        (page(has_more=True), "no row to go on from"),
        (page(charge(9), has_more=True), "ends with ch_9 again"),
    ],
)
def test_a_page_that_would_loop_or_lose_rows_is_an_error(body: dict[str, Any], what: str) -> None:
    with pytest.raises(MalformedPage) as failed:
        Page.of(body, "/v1/charges", after="ch_9")

    assert what in str(failed.value.message)
    assert "/v1/charges" in str(failed.value.message)


def test_a_page_knows_its_span() -> None:
    rows = Page.of(page(charge(1, 90), charge(2, 80), charge(3, 80), has_more=True), "/v1/charges")

    assert rows.span == PageSpan(newest=90, oldest=80, rows=3)
    assert rows.last_id == "ch_3"


def test_a_paginator_names_page_size_and_cursor() -> None:
    paginator = Paginator(**PAGINATOR)

    assert paginator.params(None) == (("limit", "100"),)
    assert paginator.params("ch_1") == (("limit", "100"), ("starting_after", "ch_1"))
