"""The retriever: pieces of lists, page by page, as records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.sources.types import StreamSlice
from requests_mock import Mocker

from source_stripe.errors import StripeError
from source_stripe.frontier import Frontier, ListPiece, Workers
from source_stripe.listing import CreatedAfterFilter, CreatedFilter, Listing, unix_seconds
from source_stripe.pages import OneObject, StartingAfter
from source_stripe.ranges import Range
from source_stripe.records import Fetched, Finish, FromEvents, Itself, Projection
from source_stripe.requester import StripeRequester
from source_stripe.retriever import Route, StripeRetriever
from unit_tests.conftest import API

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
CHARGES = f"{API}/v1/charges"


def facts() -> Mapping[str, Any]:
    return {"account_id": "acct_1", "read_at": 1_000}


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/charges"}


def charge(number: int, created: int = 50) -> dict[str, Any]:
    return {"id": f"ch_{number}", "object": "charge", "created": created}


def retriever(
    requester: StripeRequester,
    projection: Projection | None = None,
    *,
    start: int = 0,
    workers: int = 1,
    **listing: Any,
) -> StripeRetriever:
    frontier = Frontier(Workers(workers))
    defaults = {"path": "/v1/charges", "paging": V1, "range_filter": CreatedFilter()}
    route = Route(
        Listing(requester=requester, **{**defaults, **listing}), projection or Itself(Finish("updated", facts))
    )
    return StripeRetriever(name="charges", routes=(route,), frontier=frontier, start=start)


def read(reader: StripeRetriever, piece: ListPiece | None = None) -> list[dict[str, Any]]:
    reader.frontier.open([piece or ListPiece(created=Range(0, 100))])
    rows: list[dict[str, Any]] = []
    for number in reader.frontier.pieces():
        rows += reader.read_records({}, StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": number}))
        reader.frontier.close(number)
    return rows


def test_the_pages_of_a_piece_follow_the_cursor(requester: StripeRequester, requests_mock: Mocker) -> None:
    pages = [listed(charge(1), charge(2), has_more=True), listed(charge(3))]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])

    rows = read(retriever(requester), ListPiece(asked=(("status", "all"),), created=Range(0, 100)))

    assert [row["id"] for row in rows] == ["ch_1", "ch_2", "ch_3"]
    first, second = (request.qs for request in requests_mock.request_history)
    assert first == {"status": ["all"], "created[gte]": ["0"], "created[lt]": ["100"], "limit": ["100"]}
    assert second == {**first, "starting_after": ["ch_2"]}


def test_a_row_says_when_it_last_changed_and_that_it_is_there(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1, created=77)))

    assert read(retriever(requester)) == [{**charge(1, created=77), "updated": 77, "is_deleted": False}]


def test_a_row_that_does_not_say_when_it_was_created_changed_now(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed({"id": "plink_1"}))

    assert read(retriever(requester, range_filter=None), ListPiece())[0]["updated"] == 1_000


def test_a_row_with_stripes_own_cursor_is_left_as_it_is(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1)))

    assert read(retriever(requester, Itself(Finish("created", facts)))) == [charge(1)]


def test_an_object_without_id_is_told_apart_by_what_the_sync_knows(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/balance", json={"object": "balance"})
    projection = Itself(Finish(None, facts, adds=("account_id", "read_at")))

    rows = read(
        retriever(requester, projection, path="/v1/balance", paging=OneObject(), range_filter=None), ListPiece()
    )

    assert rows == [{"object": "balance", "account_id": "acct_1", "read_at": 1_000}]


def test_what_a_list_leaves_out_is_got_by_id(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1), charge(2)))
    for number in (1, 2):
        requests_mock.get(f"{CHARGES}/ch_{number}?include[0]=identity", json={**charge(number), "identity": {}})
    one = Listing("/v1/charges/{id}", requester, OneObject())

    rows = read(retriever(requester, Fetched(one, (("include[0]", "identity"),), Finish(None, facts)), workers=3))

    assert sorted(row["id"] for row in rows) == ["ch_1", "ch_2"]
    assert all("identity" in row for row in rows)


def test_what_is_listed_nowhere_comes_from_its_newest_event(requester: StripeRequester, requests_mock: Mocker) -> None:
    def event(number: int, kind: str, of: dict[str, Any]) -> dict[str, Any]:
        return {"id": f"evt_{number}", "type": kind, "created": 900 + number, "data": {"object": of}}

    hold, plan = {"id": "resv_1", "object": "reserve.hold"}, {"id": "resp_1", "object": "reserve.plan"}
    events = [
        event(3, "reserve.hold.updated", {**hold, "amount": 2}),
        event(2, "reserve.plan.created", plan),
        event(1, "x", hold),
    ]
    requests_mock.get(f"{API}/v1/events", json=listed(*events))
    projection = FromEvents(frozenset({"reserve.hold"}), Finish("updated", facts))

    rows = read(retriever(requester, projection, path="/v1/events", range_filter=None), ListPiece())

    assert rows == [{**hold, "amount": 2, "updated": 903, "is_deleted": False}]


def test_rows_before_the_start_are_left_out_where_the_list_has_no_filter(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1, created=70), charge(2, created=60), charge(3, created=59)))

    rows = read(retriever(requester, start=60, range_filter=None), ListPiece())

    assert [row["id"] for row in rows] == ["ch_1", "ch_2"]


def test_a_stream_can_ask_at_another_version(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed())

    read(retriever(requester, version="2025-02-24.acacia"))

    assert requests_mock.request_history[0].headers["Stripe-Version"] == "2025-02-24.acacia"


def test_a_product_that_the_account_has_not_is_an_empty_stream(
    requester: StripeRequester, requests_mock: Mocker, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = {"error": {"type": "invalid_request_error", "message": "Your account is not set up to use Issuing."}}
    requests_mock.get(CHARGES, status_code=400, json=refusal, headers={"Request-Id": "req_5"})

    assert read(retriever(requester)) == []
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    for word in ("charges", "not set up to use Issuing", "req_5"):
        assert word in warnings[0]


def test_any_other_refusal_fails_the_stream_and_keeps_the_piece_open(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, status_code=400, json={"error": {"message": "no"}})
    reader = retriever(requester)

    with pytest.raises(StripeError):
        read(reader)

    assert reader.frontier.piece(0) == ListPiece(created=Range(0, 100))
    assert not reader.frontier.finished


def test_ranges_are_asked_for_as_each_list_wants_it() -> None:
    assert CreatedFilter().params(Range(5, 9)) == (("created[gte]", "5"), ("created[lt]", "9"))
    assert CreatedAfterFilter().params(Range(5, 9)) == (("created_after", "4"), ("created_before", "9"))


@pytest.mark.parametrize(
    ("time", "seconds"),
    [(7, 7), (None, None), ("2025-11-22T08:26:40Z", 1763800000), ("2025-11-22T08:26:40.123456789Z", 1763800000)],
)
def test_times_are_unix_seconds_or_rfc_3339(time: Any, seconds: int | None) -> None:
    assert unix_seconds(time) == seconds
