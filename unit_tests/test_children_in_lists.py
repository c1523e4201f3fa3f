"""Children of lists that are cut, or can't be right, and children without a key."""

from __future__ import annotations

from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedPage, OneObject
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.children import ParentKey
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Finish, Known
from source_stripe.objects.shared_children import Shared
from source_stripe.objects.whole_lists import NestedList, SecondLook
from unit_tests.conftest import API
from unit_tests.test_children import V1, child, children, facts, invoice, line, listed, records

# ---- cut lists


def second_look(requester: StripeRequester) -> SecondLook:
    return SecondLook(Hydrator(Listing("/v1/invoices", requester, V1), "/v1/invoices/{id}"))


OTHER = {"error": {"code": "resource_missing", "param": "invoice_item", "message": "No such invoice item: 'ii_1'"}}
GONE = {"error": {"code": "resource_missing", "message": "No such invoice: 'in_1'"}}


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 404, "json": OTHER},
        {"status_code": 404, "json": GONE},
        {"json": listed(line(2))},
        {"json": listed(line(1))},
        {"json": listed()},
    ],
)
def test_no_child_of_a_cut_list_goes_out(requester: StripeRequester, requests_mock: Mocker, answer: Any) -> None:
    row = invoice(lines=listed(line(1), has_more=True))
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [answer])
    requests_mock.get(f"{API}/v1/invoices/in_1", json=row)
    made: list[Any] = []

    with pytest.raises(MalformedPage, match="in_1"):
        made += children(requester, embedded="lines", parent_again=second_look(requester)).records(row, 50, Known())

    assert made == []


def test_the_children_that_a_parent_has_by_now_come(requester: StripeRequester, requests_mock: Mocker) -> None:
    row = invoice(lines=listed(line(1), has_more=True))
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed())
    requests_mock.get(f"{API}/v1/invoices/in_1", json=invoice(lines=listed(line(2))))
    held = {"il_1": line(1), "il_2": line(2), "il_9": line(9, "other")}
    change = Change("in_1", 70, None, deleted=False, shown={}, listed={"lines": held})
    known = Known(changed={"in_1": change})
    projection = children(requester, embedded="lines", parent_again=second_look(requester))

    rows = records(projection, row, updated=70, known=known)

    assert rows == [child(2, updated=70), child(1, updated=70, deleted=True)]
    assert row["lines"] == listed(line(1), has_more=True)


def test_a_parent_that_is_gone_brings_no_child(requester: StripeRequester, requests_mock: Mocker) -> None:
    """Not even those that it showed: an event tells of them."""
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=404, json=GONE)
    requests_mock.get(f"{API}/v1/invoices/in_1", status_code=404, json=GONE)
    projection = children(requester, embedded="lines", parent_again=second_look(requester))

    assert records(projection, invoice(lines=listed(line(1), has_more=True))) == []


def test_a_cut_list_that_is_listed_nowhere_is_a_failure(requester: StripeRequester) -> None:
    with pytest.raises(MalformedPage, match="lines of in_1 is cut, and listed nowhere"):
        records(children(requester, embedded="lines", listing=None), invoice(lines=listed(line(1), has_more=True)))


def test_children_by_request_are_not_passed_over_because_another_object_is_missing(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=404, json=OTHER)

    with pytest.raises(StripeError, match="No such invoice item"):
        records(children(requester), invoice())


def test_children_by_request_that_end_in_the_middle_are_no_list(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    answers: list[dict[str, Any]] = [
        {"json": listed(line(1), has_more=True)},
        {"status_code": 404, "json": GONE},
    ]
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [*answers, *answers])
    there = requests_mock.get(f"{API}/v1/invoices/in_1", json=invoice())
    projection = children(requester, parent_again=second_look(requester))

    with pytest.raises(MalformedPage, match="of what stands in in_1, which is there"):
        records(projection, invoice())

    assert there.called
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", answers)
    requests_mock.get(f"{API}/v1/invoices/in_1", status_code=404, json=GONE)
    assert records(projection, invoice()) == [child(1)]


def test_a_childs_own_list_is_whole_or_the_child_is_not_there(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    prices = NestedList("prices", Listing("/v1/lines/{id}/prices", requester, V1))
    projection = children(requester, embedded="lines", lists=(prices,))
    row = {**line(1), "prices": listed({"id": "price_1"}, has_more=True)}
    requests_mock.get(f"{API}/v1/lines/il_1/prices", json=listed({"id": "price_2"}, {"id": "price_1"}))

    (made,) = records(projection, invoice(lines=listed(row)))
    assert made == {**child(1), "prices": listed({"id": "price_2"}, {"id": "price_1"})}

    row = {**line(1), "prices": listed({"id": "price_1"}, has_more=True)}
    requests_mock.get(f"{API}/v1/lines/il_1/prices", status_code=404, json=OTHER)
    with pytest.raises(MalformedPage, match="No such invoice item"):
        records(projection, invoice(lines=listed(row)))


# ---- primary keys


@pytest.mark.parametrize("lacking", [{}, {"id": None}, {"id": ""}])
@pytest.mark.parametrize("by", ["row", "request"])
def test_no_child_goes_out_without_a_part_of_its_primary_key(
    requester: StripeRequester, requests_mock: Mocker, by: str, lacking: dict[str, Any]
) -> None:
    row = {"object": "line_item", **lacking}
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=row)
    projection = children(requester, embedded="lines" if by == "row" else None, paging=OneObject())

    with pytest.raises(MalformedPage, match="a row of in_1 has no id"):
        records(projection, invoice(lines=listed(row)))


def test_a_row_that_an_event_shows_without_an_id_makes_no_tombstone(requester: StripeRequester) -> None:
    shown = {"object": "invoice", "lines": listed(line(1), {"object": "line_item"})}
    change = Change("in_1", 60, None, deleted=True, shown=shown)

    rows = list(children(requester, embedded="lines").tombstones(change))

    assert [row["id"] for row in rows] == ["il_1"]


def test_children_of_several_parents_are_told_apart_by_their_primary_key(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    """A credit balance has no id: it is its customer's."""
    for customer in ("cus_1", "cus_2"):
        requests_mock.get(f"{API}/v1/balance?customer={customer}", json={"object": "balance", "livemode": False})
    shared = Shared()
    by_customer, by_payer = (
        children(
            requester,
            path="/v1/balance",
            paging=OneObject(),
            kinds=frozenset({"balance"}),
            key=ParentKey("customer", "customer_id", id_from=(field,)),
            primary_key=("customer_id",),
            finish=Finish(None, facts),
            shared=shared,
        )
        for field in ("customer", "payer")
    )

    rows = [*records(by_customer, {"customer": "cus_1"}), *records(by_customer, {"customer": "cus_2"})]

    assert [row["customer_id"] for row in rows] == ["cus_1", "cus_2"]
    assert records(by_payer, {"payer": "cus_1"}) == []
