"""Pages: what each kind of list answer must look like, and what is asked next."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.api.pages import MalformedPage, NextPageUrl, OneAnswer, OneObject, Page, Paging, StartingAfter

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
V2 = NextPageUrl(page_size_param="limit", page_size=100)
PATH = "/v1/charges"


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": PATH}


def test_v1_goes_on_from_the_last_row() -> None:
    asked = (("status", "all"),)

    page = V1.page(listed({"id": "ch_2"}, {"id": "ch_1"}, has_more=True), PATH, None)

    assert page == Page([{"id": "ch_2"}, {"id": "ch_1"}], next="ch_1")
    assert V1.params(asked, None) == (("status", "all"), ("limit", "100"))
    assert V1.params(asked, page) == (("status", "all"), ("limit", "100"), ("starting_after", "ch_1"))
    assert V1.page(listed({"id": "ch_0"}), PATH, page).next is None


def test_v2_goes_on_at_the_address_that_the_page_names() -> None:
    body = {
        "data": [{"id": "acct_1"}],
        "next_page_url": "https://evil.test/v2/core/accounts?page=abc%3D&limit=5",
        "previous_page_url": None,
    }

    page = V2.page(body, "/v2/core/accounts", None)

    assert V2.params((("closed", "true"),), None) == (("closed", "true"), ("limit", "100"))
    assert V2.params((("closed", "true"),), page) == (("page", "abc="), ("limit", "5"))
    assert V2.page({"data": [], "next_page_url": None}, "/v2/core/accounts", page).next is None


def test_a_list_in_one_answer_and_a_single_object() -> None:
    assert OneAnswer().page({"data": [{"id": "a"}]}, PATH, None) == Page([{"id": "a"}])
    assert OneObject().page({"object": "balance"}, PATH, None) == Page([{"object": "balance"}])
    assert OneAnswer().params((("a", "b"),), None) == OneObject().params((("a", "b"),), None) == (("a", "b"),)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"object": "charge"}, "it is no list"),
        ({"data": {}, "has_more": False}, "it is no list"),
        ({"data": []}, "it is no list"),
        (listed({"object": "charge"}), "a row has no id"),
        ({"data": [None], "has_more": False}, "it is no list"),
        (listed(has_more=True), "no row to go on from"),
        (listed({"id": "ch_9"}, has_more=True), "holds ch_9 again"),
        (listed({"id": "ch_9"}, {"id": "ch_8"}), "holds ch_9 again"),
    ],
)
def test_a_v1_page_that_would_loop_or_lose_rows_is_an_error(body: dict[str, Any], what: str) -> None:
    with pytest.raises(MalformedPage) as failed:
        V1.page(body, PATH, Page([{"id": "ch_9"}], next="ch_9"))

    assert what in str(failed.value.message)
    assert PATH in str(failed.value.message)


def test_a_v1_list_that_goes_in_circles_is_an_error() -> None:
    first = V1.page(listed({"id": "ch_3"}, has_more=True), PATH, None)
    second = V1.page(listed({"id": "ch_2"}, has_more=True), PATH, first)

    with pytest.raises(MalformedPage, match="holds ch_3 again"):
        V1.page(listed({"id": "ch_9"}, {"id": "ch_3"}, has_more=True), PATH, second)


def test_a_v2_list_that_goes_in_circles_is_an_error() -> None:
    first = V2.page({"data": [{"id": "a"}], "next_page_url": "/v2/x?page=1"}, "/v2/x", None)
    second = V2.page({"data": [{"id": "b"}], "next_page_url": "/v2/x?page=2"}, "/v2/x", first)

    with pytest.raises(MalformedPage, match="nowhere new"):
        V2.page({"data": [{"id": "c"}], "next_page_url": "/v2/x?page=1"}, "/v2/x", second)


@pytest.mark.parametrize("paging", [V1, V2, OneAnswer()])
def test_a_row_without_id_is_an_error_in_any_list(paging: Paging) -> None:
    with pytest.raises(MalformedPage, match="a row has no id"):
        paging.page(listed({"id": "a"}, {"object": "charge"}), PATH, None)


@pytest.mark.parametrize("url", [7, "/v2/x?page=1"])
def test_a_v2_page_that_would_loop_is_an_error(url: Any) -> None:
    with pytest.raises(MalformedPage, match="next_page_url"):
        V2.page({"data": [], "next_page_url": url}, "/v2/x", Page([], next="/v2/x?page=1"))


def test_a_page_whose_rows_were_taken_still_finds_the_next_one() -> None:
    page = V1.page(listed({"id": "a", "amount": 1}, {"id": "b", "amount": 2}, has_more=True), PATH, None)
    page.taken()

    assert page == Page([{"id": "a"}, {"id": "b"}], "b")
    assert page.without_last() == Page([{"id": "a"}], "a")
