"""Nested lists: rows with their own lists whole, and what is found in rows."""

from __future__ import annotations

from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.dotted import matches, values_at
from source_stripe.listing import Listing
from source_stripe.pages import Page
from source_stripe.records import Finish, Itself
from source_stripe.requester import Params, StripeRequester
from source_stripe.whole_lists import NestedList, Whole, behind, embedded
from unit_tests.conftest import API
from unit_tests.test_children import V1, facts, invoice, line, listed, records


def nested(requester: StripeRequester, path: str = "/v1/invoices/{id}/lines", **fields: Any) -> NestedList:
    expand: Params = (("expand[]", "data.price"),)
    return NestedList("lines", Listing(path, requester, V1, (expand,)), **fields)


def test_a_cut_list_is_made_whole_in_its_row(requester: StripeRequester, requests_mock: Mocker) -> None:
    rest = [listed(line(2), has_more=True), listed(line(3))]
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [{"json": body} for body in rest])
    projection = Whole(Itself(Finish(None, facts)), (nested(requester),))
    cut = invoice(lines=listed(line(1), has_more=True))
    assert projection.costs(cut)

    assert records(projection, cut) == [invoice(lines=listed(line(1), line(2), line(3)))]
    first = requests_mock.request_history[0]
    assert first.qs == {"expand[]": ["data.price"], "starting_after": ["il_1"], "limit": ["100"]}


def test_a_list_that_is_whole_costs_nothing(requester: StripeRequester, requests_mock: Mocker) -> None:
    projection = Whole(Itself(Finish(None, facts)), (nested(requester),))
    whole = invoice(lines=listed(line(1)))

    assert not projection.costs(whole)
    assert records(projection, dict(whole)) == [whole]
    assert records(projection, invoice(lines=None)) == [invoice(lines=None)]
    assert not requests_mock.called


def test_the_rest_of_a_list_may_be_asked_for_by_parameter(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/subscription_items", json=listed(line(2)))
    row = invoice(lines=listed(line(1), has_more=True))

    nested(requester, "/v1/subscription_items", param="subscription").complete(row)

    assert row["lines"] == listed(line(1), line(2))
    assert requests_mock.request_history[0].qs["subscription"] == ["in_1"]


def test_a_list_that_shows_no_row_of_those_it_has_is_asked_for_from_its_start(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))
    row = invoice(lines=listed(has_more=True))

    nested(requester, "/v1/invoices/{id}/lines").complete(row)

    assert row["lines"] == listed(line(1))
    assert "starting_after" not in requests_mock.request_history[0].qs


def test_a_list_goes_on_though_the_last_row_that_was_shown_is_deleted(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    gone = {"status_code": 400, "json": {"error": {"code": "resource_missing", "param": "starting_after"}}}
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [gone, {"json": listed(line(3))}])
    row = invoice(lines=listed(line(1), line(2), has_more=True))

    nested(requester, "/v1/invoices/{id}/lines").complete(row)

    assert row["lines"] == listed(line(1), line(2), line(3))


@pytest.mark.parametrize(
    ("value", "rows", "cut"),
    [
        (None, [], False),
        ("di_1", [], False),
        ({"id": "di_1"}, [{"id": "di_1"}], False),
        (["di_1", {"id": "di_2"}], [{"id": "di_2"}], False),
        (listed({"id": "a"}), [{"id": "a"}], False),
        (listed({"id": "a"}, has_more=True), [{"id": "a"}], True),
        (listed(has_more=True), [], True),
    ],
)
def test_what_is_embedded(value: Any, rows: list[Any], cut: bool) -> None:
    assert embedded(value) == (rows, cut)


def test_the_rest_of_an_embedded_list_is_behind_its_last_row() -> None:
    assert behind([{"id": "b"}, {"id": "a"}]) == Page([{"id": "b"}, {"id": "a"}], "a")
    assert behind([]) is None


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a.b.c", [1]),
        ("n", []),
        ("n.b.c", []),
        ("missing", []),
        ("list.x", [1, 2]),
        ("any.*.m", ["m_1", "m_2"]),
        ("list", [[{"x": 1}, {"x": 2}, {"y": 3}]]),
    ],
)
def test_values_at_a_path(path: str, values: list[Any]) -> None:
    row = {
        "a": {"b": {"c": 1}},
        "n": None,
        "list": [{"x": 1}, {"x": 2}, {"y": 3}],
        "any": {"card": {"m": "m_1"}, "type": "card", "other": {"m": "m_2"}},
    }

    assert values_at(row, path) == values


@pytest.mark.parametrize(
    ("where", "matched"),
    [
        ({}, True),
        ({"a.b": 1}, True),
        ({"a.b": 2}, False),
        ({"a.b": "any"}, True),
        ({"a.c": "any"}, False),
        ({"a.c": None}, True),
        ({"a.b": 1, "a.c": "any"}, False),
    ],
)
def test_where_a_row_matches(where: dict[str, Any], matched: bool) -> None:
    assert matches({"a": {"b": 1, "c": None}}, where) is matched
