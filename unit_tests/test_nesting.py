"""Nesting: children out of their parents' rows, the rest by request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.errors import StripeError
from source_stripe.listing import Listing
from source_stripe.nesting import Children, ParentKey, embedded, value_at
from source_stripe.pages import OneObject, Page, Paging, StartingAfter
from source_stripe.records import Finish, Itself
from source_stripe.requester import StripeRequester
from unit_tests.conftest import API

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
LINES = "/v1/invoices/{invoice}/lines"


def facts() -> Mapping[str, Any]:
    return {"account_id": "acct_1", "read_at": 1_000}


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more}


def line(number: int, kind: str = "line_item") -> dict[str, Any]:
    return {"id": f"il_{number}", "object": kind}


def children(requester: StripeRequester, *, path: str = LINES, paging: Paging = V1, **fields: Any) -> Children:
    defaults: dict[str, Any] = {
        "parent": Itself(Finish("updated", facts)),
        "key": ParentKey("invoice", "invoice_id", carries=("updated",)),
        "listing": Listing(path, requester, paging),
        "finish": Finish("invoice_updated", facts),
        "kinds": frozenset(),
    }
    return Children(**{**defaults, **fields})


def invoice(**fields: Any) -> dict[str, Any]:
    return {"id": "in_1", "object": "invoice", "created": 50, **fields}


def child(number: int, kind: str = "line_item") -> dict[str, Any]:
    return {**line(number, kind), "invoice_id": "in_1", "invoice_updated": 50, "is_deleted": False}


def test_embedded_children_cost_no_request(requester: StripeRequester, requests_mock: Mocker) -> None:
    projection = children(requester, embedded="lines")

    assert list(projection.records(invoice(lines=listed(line(1), line(2))))) == [child(1), child(2)]
    assert list(projection.records(invoice(lines=listed()))) == []
    assert not requests_mock.called
    assert not projection.costly


def test_what_an_embedded_list_leaves_out_is_asked_for(requester: StripeRequester, requests_mock: Mocker) -> None:
    rest = [listed(line(3), has_more=True), listed(line(4))]
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [{"json": body} for body in rest])

    rows = list(children(requester, embedded="lines").records(invoice(lines=listed(line(1), line(2), has_more=True))))

    assert rows == [child(number) for number in (1, 2, 3, 4)]
    assert [request.qs["starting_after"] for request in requests_mock.request_history] == [["il_2"], ["il_3"]]


def test_without_an_embedded_list_each_parent_is_asked(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))
    projection = children(requester)

    assert list(projection.records(invoice())) == [child(1)]
    assert projection.costly


def test_a_parent_that_the_path_does_not_name_is_a_parameter(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/lines", json=listed(line(1)))

    assert list(children(requester, path="/v1/lines").records(invoice())) == [child(1)]
    assert requests_mock.request_history[0].qs == {"invoice": ["in_1"], "limit": ["100"]}


def test_a_list_of_several_kinds_gives_only_the_streams_own(requester: StripeRequester) -> None:
    projection = children(requester, embedded="lines", kinds=frozenset({"card"}))

    rows = list(projection.records(invoice(lines=listed(line(1, "card"), line(2, "bank_account")))))

    assert rows == [child(1, "card")]


def test_the_children_of_a_parent_that_is_gone_are_none(requester: StripeRequester, requests_mock: Mocker) -> None:
    gone = {"error": {"code": "resource_missing", "message": "No such invoice: 'in_1'"}}
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=404, json=gone)

    assert list(children(requester).records(invoice())) == []


def test_any_other_refusal_is_an_error(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=400, json={"error": {"message": "no"}})

    with pytest.raises(StripeError):
        list(children(requester).records(invoice()))


def test_grandchildren_go_through_their_parents(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/sources/il_1/source_transactions", json=listed({"id": "srctxn_1"}))
    grandchildren = children(
        requester,
        path="/v1/sources/{source}/source_transactions",
        parent=children(requester, embedded="lines"),
        key=ParentKey("source", "source_id"),
        finish=Finish(None, facts),
    )

    assert list(grandchildren.records(invoice(lines=listed(line(1))))) == [{"id": "srctxn_1", "source_id": "il_1"}]


def test_one_object_for_each_id_that_the_parent_holds(requester: StripeRequester, requests_mock: Mocker) -> None:
    for mandate in ("mandate_1", "mandate_2"):
        requests_mock.get(f"{API}/v1/mandates/{mandate}", json={"id": mandate, "object": "mandate"})
    projection = children(
        requester,
        path="/v1/mandates/{mandate}",
        paging=OneObject(),
        key=ParentKey("mandate", "mandate_id", id_from=("mandate", "single_use_mandate", "nowhere.at_all")),
    )

    rows = list(projection.records(invoice(mandate="mandate_1", single_use_mandate={"id": "mandate_2"})))

    assert [row["id"] for row in rows] == ["mandate_1", "mandate_2"]


@pytest.mark.parametrize(
    ("value", "rows", "rest"),
    [
        (None, [], None),
        ("di_1", [], None),
        ({"id": "di_1"}, [{"id": "di_1"}], None),
        (["di_1", {"id": "di_2"}], [{"id": "di_2"}], None),
        (listed({"id": "a"}), [{"id": "a"}], None),
        (listed({"id": "a"}, has_more=True), [{"id": "a"}], Page([{"id": "a"}], "a")),
    ],
)
def test_what_is_embedded(value: Any, rows: list[Any], rest: Page | None) -> None:
    assert embedded(value) == (rows, rest)


def test_a_value_at_a_path() -> None:
    assert value_at({"a": {"b": {"c": 1}}}, "a.b.c") == 1
    assert value_at({"a": None}, "a.b.c") is None
