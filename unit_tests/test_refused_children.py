"""Children that Stripe refuses: the others come, and what they are read from is asked for again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StreamFailure
from source_stripe.api.listing import Listing
from source_stripe.api.pages import OneObject
from source_stripe.api.ranges import Range
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.children import Beside, Children, ParentKey, Via
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.records import Finish, Itself, Known
from source_stripe.reading.pieces import ChangedPiece, ParentsPiece
from unit_tests.conftest import API, CREATED
from unit_tests.test_refused_objects import refuse, refused
from unit_tests.test_retriever import CHARGES, V1, change, charge, facts, ids, listed, read, retriever


def with_mandates(number: int, *mandates: int) -> dict[str, Any]:
    return {**charge(number), "mandates": [{"id": f"m_{each}"} for each in mandates]}


def of_mandates(requester: StripeRequester, **fields: Any) -> Children:
    defaults: dict[str, Any] = {
        "parent": Itself(Finish(None, facts)),
        "key": ParentKey("mandate", "id", id_from=("mandates.id",)),
        "listing": Listing("/v1/mandates/{mandate}", requester, OneObject(frozenset({"mandate"}))),
        "finish": Finish(None, facts),
        "kinds": frozenset({"mandate"}),
    }
    return Children(**{**defaults, **fields})


def test_of_a_row_s_children_the_others_come(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(with_mandates(1, 1, 2, 3), with_mandates(2, 4)))
    for number in (1, 3, 4):
        requests_mock.get(f"{API}/v1/mandates/m_{number}", json={"id": f"m_{number}", "object": "mandate"})
    refuse(requests_mock, "/v1/mandates/m_2")
    reader = retriever(requester, of_mandates(requester))

    assert ids(read(reader)) == ["m_1", "m_3", "m_4"]
    # The row is asked for again, and with it what it names.
    assert refused(reader) == ["ch_1"]


def transactions_of(requester: StripeRequester, **fields: Any) -> Children:
    """As of sources: children with events of their own, of parents that stand in the listed rows."""
    sources = of_mandates(
        requester,
        listing=Listing("/v1/charges/{charge}/mandates", requester, V1),
        key=ParentKey("charge", None),
        embedded="mandates",
    )
    return of_mandates(
        requester,
        parent=sources,
        key=ParentKey("mandate", "mandate"),
        listing=Listing("/v1/mandates/{mandate}/transactions", requester, V1),
        kinds=frozenset({"transaction"}),
        own_events=True,
        **fields,
    )


def test_where_events_name_the_parents_those_are_asked_again(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(with_mandates(1, 1, 2, 3, 4)))
    for number in (1, 3):
        requests_mock.get(
            f"{API}/v1/mandates/m_{number}/transactions", json=listed({"id": f"t_{number}", "object": "transaction"})
        )
    for number in (2, 4):
        refuse(requests_mock, f"/v1/mandates/m_{number}/transactions")
    reader = retriever(requester, transactions_of(requester))

    assert ids(read(reader)) == ["t_1", "t_3"]
    assert refused(reader) == ["m_2", "m_4"]

    again = retriever(requester, transactions_of(requester))
    parents = tuple(ChangedParent(each, (), since=77) for each in ("m_1", "m_2"))
    assert [(row["id"], row["mandate"]) for row in read(again, ParentsPiece(0, parents))] == [("t_1", "m_1")]
    assert refused(again) == ["m_2"]


def test_where_nobody_can_say_which_parents_those_are_the_stream_fails(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    cut = {**charge(1), "mandates": {"object": "list", "has_more": True, "data": [{"id": "m_1", "object": "mandate"}]}}
    requests_mock.get(CHARGES, json=listed(cut))
    requests_mock.get(f"{API}/v1/mandates/m_1/transactions", json=listed())
    refuse(requests_mock, "/v1/charges/ch_1/mandates")

    with pytest.raises(StreamFailure, match="A source must be attached"):
        read(retriever(requester, transactions_of(requester)))


def test_a_child_that_a_refused_list_lacks_is_not_called_gone(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    refuse(requests_mock, "/v1/mandates/m_1/transactions")
    reader = retriever(requester, transactions_of(requester))

    assert read(reader, ParentsPiece(0, (ChangedParent("m_1", (change(1, 70),)),))) == []
    assert refused(reader) == ["m_1"]


def test_nor_is_one_that_the_rest_of_an_embedded_list_may_hold(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    before = {"mandates": {"m_9": {"id": "m_9", "object": "mandate"}}}
    known = Known(changed={"ch_1": replace(change(1, 70), listed=before)})
    cut = {**charge(1), "mandates": {"object": "list", "has_more": True, "data": [{"id": "m_1", "object": "mandate"}]}}
    requests_mock.get(f"{CHARGES}/ch_1", json=cut)
    refuse(requests_mock, "/v1/charges/ch_1/mandates")
    listing = Listing("/v1/charges/{charge}/mandates", requester, V1)
    embedded = of_mandates(requester, listing=listing, key=ParentKey("charge", "charge"), embedded="mandates")
    reader = retriever(requester, embedded)

    assert read(reader, ChangedPiece(0, (change(1, 70),)), known=known) == []
    assert refused(reader) == ["ch_1"]


def test_a_list_that_all_parents_need_is_no_matter_of_one(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1)))
    refuse(requests_mock, "/v1/meters")
    meters = Beside(Listing("/v1/meters", requester, V1), Itself(Finish(None, facts)), ParentKey("meter", "meter"))
    summaries = of_mandates(
        requester,
        beside=meters,
        key=ParentKey("charge", "charge"),
        listing=Listing("/v1/meters/{meter}/summaries", requester, V1),
    )

    with pytest.raises(StreamFailure, match="GET /v1/meters:"):
        read(retriever(requester, summaries))


def test_of_a_parent_that_was_refused_children_of_any_age_are_asked_for(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1), charge(2)))
    asked = [requests_mock.get(f"{API}/v1/charges/ch_{number}/mandates", json=listed()) for number in (1, 2)]
    known = Known(children=Range(60, 90), again=("ch_2",), children_again=Range(10, 90))
    listing = Listing("/v1/charges/{charge}/mandates", requester, V1, range_filter=CREATED)

    read(retriever(requester, of_mandates(requester, listing=listing, key=ParentKey("charge", None))), known=known)

    first, second = (matcher.last_request.qs for matcher in asked if matcher.last_request)
    assert first == {"created[gte]": ["60"], "created[lt]": ["90"], "limit": ["100"]}
    assert second == {"created[gte]": ["10"], "created[lt]": ["90"], "limit": ["100"]}


def test_what_is_asked_for_in_between_is_the_row_s_own(requester: StripeRequester, requests_mock: Mocker) -> None:
    """As tax associations name the transactions of a payment intent."""
    requests_mock.get(CHARGES, json=listed(*map(charge, (1, 2, 3, 4))))
    found = f"{API}/v1/associations/find?charge="
    requests_mock.get(f"{found}ch_1", json={"id": "a_1", "charge": "ch_1", "mandates": [{"id": "m_1"}]})
    requests_mock.get(f"{found}ch_2", json={"id": "a_1", "charge": "ch_1", "mandates": [{"id": "m_2"}]})
    refuse(requests_mock, "/v1/associations/find?charge=ch_3")
    none = {"error": {"code": "resource_missing", "message": "No association found for charge: ch_4"}}
    refuse(requests_mock, "/v1/associations/find?charge=ch_4", none, 404)
    requests_mock.get(f"{API}/v1/mandates/m_1", json={"id": "m_1", "object": "mandate"})
    via = Via(Listing("/v1/associations/find", requester, OneObject()), "charge")
    reader = retriever(requester, of_mandates(requester, via=via))

    assert ids(read(reader)) == ["m_1"]
    assert refused(reader) == ["ch_2", "ch_3"]
