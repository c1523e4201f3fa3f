"""The retriever: pieces of lists, changed objects and children, as records."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from typing import Any

import pytest
from airbyte_cdk.sources.types import StreamSlice
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import OneObject, StartingAfter
from source_stripe.api.ranges import Range
from source_stripe.api.refusals import Refused
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Fetched, Finish, FromEvents, Itself, Known, Projection
from source_stripe.objects.route import Route
from source_stripe.process.progress import Progress
from source_stripe.reading.batches import Batches
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.pieces import ListPiece, Phase, Piece
from source_stripe.reading.retriever import StripeRetriever
from source_stripe.reading.workers import Workers
from unit_tests.changed import by_id
from unit_tests.conftest import API, CREATED

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
CHARGES = f"{API}/v1/charges"


def facts() -> Mapping[str, Any]:
    return {"account_id": "acct_1", "read_at": 1_000}


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/charges"}


def charge(number: int, created: int = 50) -> dict[str, Any]:
    return {"id": f"ch_{number}", "object": "charge", "created": created}


def record(number: int, created: int = 50, *, updated: int | None = None) -> dict[str, Any]:
    return {**charge(number, created), "updated": created if updated is None else updated, "is_deleted": False}


def change(number: int, time: int, created: int | None = 50, **shown: Any) -> Change:
    return Change(f"ch_{number}", time, created, deleted=bool(shown), shown=shown)


def retriever(
    requester: StripeRequester,
    projection: Projection | None = None,
    *,
    start: int = 0,
    workers: int = 1,
    **fields: Any,
) -> StripeRetriever:
    defaults = {"path": "/v1/charges", "paging": V1, "range_filter": CREATED}
    listing = Listing(requester=requester, **{**defaults, **fields})
    hydrator = Hydrator(listing, "/v1/charges/{id}", kinds=frozenset({"charge"}))
    route = Route(listing, projection or Itself(Finish("updated", facts), "charge"), hydrator)
    frontier = Frontier(Workers(workers))
    return StripeRetriever("charges", (route,), frontier, Progress(), start, lambda _: None, Refused("charges"))


def read(reader: StripeRetriever, *pieces: Piece, known: Known | None = None) -> list[dict[str, Any]]:
    reader.frontier.open(Phase(pieces or [ListPiece(created=Range(0, 100))], known or Known()))
    rows: list[dict[str, Any]] = []
    for number in reader.frontier.pieces():
        piece = StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": number})
        rows += [dict(row) for row in reader.read_records({}, piece)]
        with reader.frontier.finishing(number):
            pass
    return rows


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_the_pages_of_a_piece_follow_the_cursor(requester: StripeRequester, requests_mock: Mocker) -> None:
    pages = [listed(charge(1), charge(2), has_more=True), listed(charge(3))]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])

    rows = read(retriever(requester), ListPiece(asked=(("status", "all"),), created=Range(0, 100)))

    assert ids(rows) == ["ch_1", "ch_2", "ch_3"]
    first, second = (request.qs for request in requests_mock.request_history)
    assert first == {"status": ["all"], "created[gte]": ["0"], "created[lt]": ["100"], "limit": ["100"]}
    assert second == {**first, "starting_after": ["ch_2"]}


@pytest.mark.parametrize("start", [0, 10])
def test_while_a_page_is_on_its_way_none_of_the_last_is_held_on_to(
    requester: StripeRequester, requests_mock: Mocker, start: int
) -> None:
    """Dozens of readers would each hold a megabyte of rows."""
    held: list[int] = []

    def answer(*_: Any) -> str:
        gc.collect()
        held.append(sum(isinstance(each, dict) and "a mark" in each for each in gc.get_objects()))
        return json.dumps(
            listed(*({**charge(100 * len(held) + n), "a mark": {}} for n in range(100)), has_more=len(held) < 3)
        )

    requests_mock.get(CHARGES, text=answer)
    reader = retriever(requester, start=start)
    reader.frontier.open(Phase([ListPiece(created=Range(0, 100))], Known()))
    piece = StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": next(reader.frontier.pieces())})
    for _ in reader.read_records({}, piece):
        pass

    # But for the last record, which was just taken.
    assert held == [0, 1, 1]


def test_a_row_says_when_it_last_changed_and_that_it_is_there(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1, created=77)))

    assert read(retriever(requester)) == [record(1, created=77)]


def test_a_row_changed_when_its_newest_event_says(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1), charge(2), charge(3, created=90)))
    known = Known(changed={"ch_1": change(1, 95)}, floor=80)

    rows = read(retriever(requester), known=known)

    assert rows == [record(1, updated=95), record(2, updated=80), record(3, created=90)]


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
    balance = retriever(requester, projection, path="/v1/balance", paging=OneObject(), range_filter=None)

    assert read(balance, ListPiece()) == [{"object": "balance", "account_id": "acct_1", "read_at": 1_000}]


def fetched(requester: StripeRequester) -> Fetched:
    one = Listing("/v1/charges/{id}", requester, OneObject())
    return Fetched(Finish("updated", facts), "charge", listing=one, asked=(("include[0]", "identity"),))


def test_what_a_list_leaves_out_is_got_by_id(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(*map(charge, range(12))))
    for number in range(12):
        requests_mock.get(f"{CHARGES}/ch_{number}?include[0]=identity", json={**charge(number), "identity": {}})
    reader = retriever(requester, fetched(requester), workers=3)

    rows = read(reader)

    # Two idle workers took five rows each over.
    assert sorted(ids(rows)) == sorted(charge(number)["id"] for number in range(12))
    assert all("identity" in row for row in rows)


def test_what_is_gone_before_it_is_got_is_a_tombstone(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1)))
    gone = {"error": {"code": "resource_missing", "message": "No such charge: 'ch_1'"}}
    requests_mock.get(f"{CHARGES}/ch_1", status_code=404, json=gone)

    assert read(retriever(requester, fetched(requester))) == [{**record(1), "is_deleted": True}]


def test_what_is_listed_nowhere_comes_from_its_newest_event(requester: StripeRequester, requests_mock: Mocker) -> None:
    def event(number: int, kind: str, of: dict[str, Any]) -> dict[str, Any]:
        return {"id": f"evt_{number}", "type": kind, "created": 900 + number, "data": {"object": of}}

    hold = {"id": "resv_1", "object": "reserve.hold"}
    events = [event(3, "reserve.hold.updated", {**hold, "amount": 2}), event(1, "reserve.hold.created", hold)]
    requests_mock.get(f"{API}/v1/events", json=listed(*events))
    projection = FromEvents(Finish("updated", facts))

    rows = read(retriever(requester, projection, path="/v1/events", range_filter=None), ListPiece())

    assert rows == [{**hold, "amount": 2, "updated": 903, "is_deleted": False}]


def test_rows_before_the_start_are_left_out_where_the_list_has_no_filter(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1, created=70), charge(2, created=60), charge(3, created=59)))

    assert ids(read(retriever(requester, start=60, range_filter=None), ListPiece())) == ["ch_1", "ch_2"]


def test_a_list_without_filter_is_read_down_to_what_is_wanted(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    pages = [
        listed(charge(6, 99), charge(5, 80), has_more=True),
        listed(charge(4, 70), charge(3, 60), has_more=True),
        listed(charge(2, 59), charge(1, 50), has_more=True),
    ]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])
    reader = retriever(requester, range_filter=None, workers=8)

    rows = read(reader, ListPiece(created=Range(60, 90)))

    assert ids(rows) == ["ch_5", "ch_4", "ch_3"]
    # No part of it was handed out: each reader would have begun at the top.
    assert len(requests_mock.request_history) == 3


def test_a_list_without_filter_in_another_order_is_read_to_its_end(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    pages = [
        listed(charge(1, 58), charge(2, 59), has_more=True),
        listed(charge(3, 60), charge(4, 70), has_more=True),
        listed(charge(5, 80), charge(0, 50)),
    ]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])

    rows = read(retriever(requester, range_filter=None), ListPiece(created=Range(60, 90)))

    assert ids(rows) == ["ch_3", "ch_4", "ch_5"]


def test_a_list_that_says_no_times_is_read_until_all_that_is_new_was_seen(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    pages = [listed({"id": "ch_4"}, {"id": "ch_3"}, has_more=True), listed({"id": "ch_2"}, has_more=True)]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])
    known = Known(born=by_id(change(4, 70, 70), change(2, 60, 60)))

    piece = ListPiece(created=Range(60, 71), expects=True)
    rows = read(retriever(requester, range_filter=None), piece, known=known)

    assert ids(rows) == ["ch_4", "ch_2"]
    assert len(requests_mock.request_history) == 2


def test_what_a_list_should_have_shown_is_got_by_id(requester: StripeRequester, requests_mock: Mocker) -> None:
    """Stripe lists no inline prices, and what was deleted since its event is gone."""
    requests_mock.get(CHARGES, json=listed(charge(3, 70)))
    requests_mock.get(f"{CHARGES}/ch_2", json=charge(2, 65))
    gone = {"error": {"code": "resource_missing", "message": "No such charge: 'ch_1'"}}
    requests_mock.get(f"{CHARGES}/ch_1", status_code=404, json=gone)
    born = by_id(*(change(number, 80, created) for number, created in ((4, 71), (3, 70), (2, 65), (1, 60))))

    rows = read(retriever(requester), ListPiece(created=Range(60, 71), expects=True), known=Known(born=born))

    assert rows == [
        record(3, 70),
        record(2, 65),
        {**charge(1, 60), "updated": 80, "is_deleted": True},
    ]


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

    assert reader.frontier.reader(0).piece == ListPiece(created=Range(0, 100))
    assert reader.frontier.failed


def test_records_may_be_handed_over_a_page_at_a_time(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1), charge(2)))
    reader = retriever(requester)
    reader.batches = Batches(4)
    reader.frontier.open(Phase([ListPiece(created=Range(0, 100))], Known()))

    (batch,) = reader.read_records({}, StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": 0}))

    (content,) = batch.values()
    assert content.records == 2


def test_a_retriever_reads_by_slices(requester: StripeRequester) -> None:
    with pytest.raises(ValueError, match="charges is read by slices"):
        next(retriever(requester).read_records({}, None))
