"""What the retriever reads again: changed objects, what is gone, and children of changed parents."""

from __future__ import annotations

import pytest
from requests_mock import Mocker

from source_stripe.api.listing import Listing
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.children import Children, ParentKey
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.records import Finish, Itself, Known
from source_stripe.reading.pieces import ChangedPiece, ParentsPiece
from unit_tests.conftest import API
from unit_tests.test_retriever import CHARGES, V1, change, charge, facts, ids, listed, read, record, retriever


def test_what_changed_is_read_again_or_buried(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(3, 30), charge(2, 20), charge(1, 10)))
    changes = (change(3, 95, 30), change(1, 90, 10), change(9, 92, 15, id="ch_9", object="charge", amount=7))
    known = Known(changed={each.id: each for each in changes})

    rows = read(retriever(requester), ChangedPiece(0, changes, asked=()), known=known)

    assert rows == [
        {"id": "ch_9", "object": "charge", "created": 15, "amount": 7, "updated": 92, "is_deleted": True},
        record(3, 30, updated=95),
        record(1, 10, updated=90),
    ]


def test_what_changed_is_shared_with_idle_workers(requester: StripeRequester, requests_mock: Mocker) -> None:
    for number in range(20):
        requests_mock.get(f"{CHARGES}/ch_{number}", json=charge(number))
    reader = retriever(requester, workers=3)

    rows = read(reader, ChangedPiece(0, tuple(change(number, 90) for number in range(20))))

    # The reader asked for the first one, and two others took a third each of the rest over.
    assert ids(rows) == [f"ch_{number}" for number in range(20)]
    assert len(requests_mock.request_history) == 20


def test_a_list_without_filter_is_gone_down_while_its_pages_pay(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    pages = [
        listed(*(charge(number, number) for number in range(89, 69, -1)), has_more=True),
        *(listed(charge(100 + number, 50 - number), has_more=True) for number in range(3)),
    ]
    requests_mock.get(CHARGES, [{"json": body} for body in pages])
    for number in range(10):
        requests_mock.get(f"{CHARGES}/ch_{number}", json=charge(number, number))
    changes = tuple(change(number, 95, number) for number in (*range(89, 69, -1), *range(9, -1, -1)))

    rows = read(retriever(requester, range_filter=None, workers=8), ChangedPiece(0, changes, asked=()))

    assert sorted(ids(rows)) == sorted(each.id for each in changes)
    # One page brought twenty, three brought nothing; the others came by their ids.
    assert len(requests_mock.request_history) == 4 + 10


def test_a_tombstone_is_no_older_than_the_row_that_it_replaces(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    """A stream some of whose changes have no event: its rows count as changed at the watermark."""
    gone = {"error": {"code": "resource_missing", "message": "No such charge: 'ch_1'"}}
    requests_mock.get(f"{CHARGES}/ch_1", status_code=404, json=gone)
    known = Known(changed={"ch_1": change(1, 70)}, floor=80)

    (row,) = read(retriever(requester), ChangedPiece(0, (change(1, 70),)), known=known)

    assert row == {**charge(1), "updated": 80, "is_deleted": True}


def test_an_object_from_before_the_start_stays_out_though_its_event_does_not_say_so(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{CHARGES}/ch_1", json=charge(1, created=59))

    assert read(retriever(requester, start=60), ChangedPiece(0, (change(1, 90, created=None),))) == []


def changed_parent(parent_id: str, time: int) -> ChangedParent:
    return ChangedParent(parent_id, (change(1, time),))


def test_the_children_of_parents_that_events_name(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/customers/cus_1/sources", json=listed({"id": "card_1", "object": "card"}))
    sources = Listing("/v1/customers/{customer}/sources", requester, V1)
    projection = Children(
        parent=Itself(Finish("updated", facts)),
        key=ParentKey("customer", "customer"),
        listing=sources,
        finish=Finish("updated", facts),
        kinds=frozenset({"card"}),
    )

    rows = read(retriever(requester, projection), ParentsPiece(0, (changed_parent("cus_1", 77),)))

    assert rows == [{"id": "card_1", "object": "card", "customer": "cus_1", "updated": 77, "is_deleted": False}]


def test_a_parent_that_an_event_names_is_read_where_its_children_are_asked_for_by_its_fields(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    """A credit grant's transactions are listed by the grant's customer as well, whom their events don't name."""
    requests_mock.get(f"{CHARGES}/ch_1", json={**charge(1), "customer": "cus_1"})
    gone = {"error": {"code": "resource_missing", "message": "No such charge: 'ch_2'"}}
    requests_mock.get(f"{CHARGES}/ch_2", status_code=404, json=gone)
    listing = requests_mock.get(f"{API}/v1/transactions", json=listed({"id": "txn_1", "object": "transaction"}))
    projection = Children(
        parent=Itself(Finish(None, facts)),
        key=ParentKey("charge", "charge"),
        listing=Listing("/v1/transactions", requester, V1),
        finish=Finish("updated", facts),
        kinds=frozenset({"transaction"}),
        params_from={"customer": "customer"},
    )

    parents = (changed_parent("ch_1", 77), changed_parent("ch_2", 78))
    rows = read(retriever(requester, projection), ParentsPiece(0, parents))

    assert [(row["id"], row["updated"]) for row in rows] == [("txn_1", 77)]
    assert listing.last_request is not None
    assert listing.last_request.qs == {"charge": ["ch_1"], "customer": ["cus_1"], "limit": ["100"]}


def test_only_streams_of_children_have_some(requester: StripeRequester) -> None:
    with pytest.raises(TypeError, match="charges has no children"):
        read(retriever(requester), ParentsPiece(0, (changed_parent("cus_1", 77),)))
