"""Nested lists: rows with their own lists whole, and what is found in rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedPage
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.paths import matches, values_at
from source_stripe.objects.records import Finish, Itself
from source_stripe.objects.whole_lists import NestedList, SecondLook, WithWholeLists, embedded
from unit_tests.conftest import API
from unit_tests.test_children import V1, facts, invoice, line, listed, records

LINES = f"{API}/v1/invoices/in_1/lines"
INVOICE = f"{API}/v1/invoices/in_1"


def nested(requester: StripeRequester, path: str = "/v1/invoices/{id}/lines", **fields: Any) -> NestedList:
    expand: Params = (("expand[]", "data.price"),)
    return NestedList("lines", Listing(path, requester, V1, (expand,)), **fields)


def whole(requester: StripeRequester, **fields: Any) -> WithWholeLists:
    """Invoices, with their lines whole."""
    listing = Listing("/v1/invoices", requester, V1)
    second_look = SecondLook(Hydrator(listing, "/v1/invoices/{id}", (("expand[]", "lines.data.price"),)))
    return WithWholeLists(Itself(Finish(None, facts)), (nested(requester, **fields),), second_look)


def cut(*numbers: int, **fields: Any) -> dict[str, Any]:
    return invoice(lines={**listed(*(line(number) for number in numbers), has_more=True), **fields})


def refusal(message: str, param: str = "id", code: str = "resource_missing", status: int = 404) -> dict[str, Any]:
    return {"status_code": status, "json": {"error": {"code": code, "param": param, "message": message}}}


GONE = refusal("No such invoice: 'in_1'")


def lines(*numbers: int, **fields: Any) -> dict[str, Any]:
    """An answer."""
    return {"json": listed(*(line(number) for number in numbers), **fields)}


def test_a_cut_list_is_made_whole_in_its_row(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(LINES, [lines(1, 2, has_more=True), lines(3)])
    projection = whole(requester)
    row = cut(1)
    assert projection.costs(row)

    assert records(projection, row) == [invoice(lines=listed(line(1), line(2), line(3)))]
    first, second = requests_mock.request_history
    assert first.qs == {"expand[]": ["data.price"], "limit": ["100"]}
    assert second.qs == {**first.qs, "starting_after": ["il_2"]}


def test_a_list_that_is_whole_costs_nothing(requester: StripeRequester, requests_mock: Mocker) -> None:
    projection = whole(requester)
    row = invoice(lines=listed(line(1)))

    assert not projection.costs(row)
    assert records(projection, dict(row)) == [row]
    assert records(projection, invoice(lines=None)) == [invoice(lines=None)]
    assert not requests_mock.called


def test_a_list_may_be_asked_for_by_parameter(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/subscription_items", **lines(1, 2))
    row = cut(1)

    nested(requester, "/v1/subscription_items", param="subscription").complete(row)

    assert row["lines"] == listed(line(1), line(2))
    assert requests_mock.request_history[0].qs["subscription"] == ["in_1"]


def test_a_list_may_show_no_row_of_those_it_has(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(LINES, **lines(1))
    row = cut()

    nested(requester).complete(row)

    assert row["lines"] == listed(line(1))


def test_a_list_goes_on_though_a_row_to_go_on_from_is_deleted(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    gone = refusal("No such line item: 'il_3'", "starting_after", status=400)
    requests_mock.get(LINES, [lines(1, 2, 3, has_more=True), gone, lines(4)])

    assert records(whole(requester), cut(1)) == [invoice(lines=listed(*(line(number) for number in (1, 2, 3, 4))))]


def test_an_endpoint_may_list_in_another_order(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(LINES, **lines(1, 2, 3, 4))

    (row,) = records(whole(requester), cut(4, 3))

    assert [each["id"] for each in row["lines"]["data"]] == ["il_1", "il_2", "il_3", "il_4"]
    assert row["lines"]["has_more"] is False


def test_what_a_list_counts_is_what_it_has(requester: StripeRequester, requests_mock: Mocker) -> None:
    """One came since the object was listed."""
    requests_mock.get(LINES, **lines(1, 2, 3))

    (row,) = records(whole(requester), cut(1, total_count=2))

    assert row["lines"] == {**listed(line(1), line(2), line(3)), "total_count": 3}


# ---- lists that can't be right


NOT_RIGHT = [
    ([lines()], "il_1 stands in lines of in_1, and not in the list"),
    ([lines(2, 3)], "il_1 stands in lines of in_1, and not in the list"),
    ([lines(1)], "the list ends after 1 rows, and lines of in_1 says that it has more"),
    ([lines(1, 2, has_more=True), lines(2, 3)], "again"),
    ([lines(1, 2, 3, has_more=True), lines(1, 4)], "il_1 stands in the list twice"),
    ([lines(1, 2, has_more=True), lines(has_more=True)], "there is more, but no row to go on from"),
    ([GONE], "of what stands in in_1, which is there, it says: No such invoice: 'in_1'"),
    ([refusal("No such invoice item: 'ii_1'", "invoice_item")], "it says: No such invoice item: 'ii_1'"),
    ([lines(1, 2, has_more=True), GONE], "it says: No such invoice: 'in_1'"),
]


@pytest.mark.parametrize(("answers", "said"), NOT_RIGHT, ids=[said for _, said in NOT_RIGHT])
def test_no_row_goes_out_with_a_list_that_is_not_whole(
    requester: StripeRequester, requests_mock: Mocker, answers: list[Any], said: str
) -> None:
    requests_mock.get(LINES, [*answers, *answers])
    again = requests_mock.get(INVOICE, json=cut(1))
    made: list[Any] = []

    with pytest.raises(MalformedPage, match=re.escape(said)):
        made += records(whole(requester), cut(1))

    assert made == []
    assert again.call_count == 1
    assert again.request_history[0].qs == {"expand[]": ["lines.data.price"]}


@pytest.mark.parametrize(("answers", "said"), NOT_RIGHT, ids=[said for _, said in NOT_RIGHT])
def test_an_object_may_have_changed_since_it_was_listed(
    requester: StripeRequester, requests_mock: Mocker, answers: list[Any], said: str
) -> None:
    requests_mock.get(LINES, [*answers, lines(4, 5, 6)])
    requests_mock.get(INVOICE, [{"json": cut(5, 4)}, {"json": invoice(lines=listed(line(7)), total=1)}])

    (first,) = records(whole(requester), cut(1))
    requests_mock.get(LINES, answers)
    (second,) = records(whole(requester), cut(1))

    assert first["lines"] == listed(line(4), line(5), line(6))
    assert second == invoice(lines=listed(line(7)), total=1)
    assert said


@pytest.mark.parametrize("again", [GONE, {"json": {"id": "in_1", "object": "invoice", "deleted": True}}])
@pytest.mark.parametrize("answers", [[GONE], [lines(1, 2, has_more=True), GONE], [lines()]])
def test_an_object_that_is_gone_since_it_was_listed_makes_no_record(
    requester: StripeRequester, requests_mock: Mocker, answers: list[Any], again: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    requests_mock.get(LINES, answers)
    requests_mock.get(INVOICE, [again])

    assert records(whole(requester), cut(1)) == []
    assert "in_1 is gone since it was listed" in caplog.text


@pytest.mark.parametrize(
    "refused",
    [refusal("Not allowed.", code="", status=400), refusal("The key may not.", code="", status=403)],
)
def test_any_other_refusal_of_a_list_is_an_error(
    requester: StripeRequester, requests_mock: Mocker, refused: Any
) -> None:
    requests_mock.get(LINES, [refused])
    row = cut(1)

    with pytest.raises(StripeError, match=str(refused["json"]["error"]["message"])):
        records(whole(requester), row)

    assert row == cut(1)


def test_a_count_tells_that_rows_are_lacking(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(LINES, **lines(1, 2, 3))
    requests_mock.get(INVOICE, json=cut(1, total_count=25))

    with pytest.raises(MalformedPage, match="the list ends after 3 rows, and lines of in_1 says that it has more"):
        records(whole(requester), cut(1, total_count=25))


def test_a_cut_list_whose_rows_have_no_ids_is_never_whole(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(LINES, **lines(1, 2, 3))
    row = invoice(lines=listed({"object": "line_item"}, has_more=True))
    requests_mock.get(INVOICE, json=row)

    with pytest.raises(MalformedPage, match="a row in lines of in_1 has no id"):
        records(whole(requester), row)


def test_a_list_of_an_object_in_a_row_is_of_that_object(requester: StripeRequester, requests_mock: Mocker) -> None:
    """The object is gone, not the row: that is read again, and does not name it any more."""
    requests_mock.get(LINES, [GONE])
    requests_mock.get(f"{API}/v1/subscriptions/sub_1", json={"id": "sub_1", "latest_invoice": None})
    second_look = SecondLook(Hydrator(Listing("/v1/subscriptions", requester, V1), "/v1/subscriptions/{id}"))
    lists = (nested(requester, owner="latest_invoice", kind="invoice"),)
    projection = WithWholeLists(Itself(Finish(None, facts)), lists, second_look)

    rows = records(projection, {"id": "sub_1", "latest_invoice": cut(1)})

    assert rows == [{"id": "sub_1", "latest_invoice": None}]


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        (None, []),
        ("di_1", []),
        ({"id": "di_1"}, [{"id": "di_1"}]),
        (["di_1", {"id": "di_2"}], [{"id": "di_2"}]),
        (listed({"id": "a"}), [{"id": "a"}]),
        (listed({"id": "a"}, has_more=True), [{"id": "a"}]),
        (listed(has_more=True), []),
    ],
)
def test_what_is_embedded(value: Any, rows: list[Any]) -> None:
    assert embedded(value) == rows


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
