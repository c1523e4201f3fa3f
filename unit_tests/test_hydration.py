"""Hydration: objects that changed, read again from Stripe's lists or one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import NextPageUrl, Page, StartingAfter
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.objects.covering import Cover, Listed
from source_stripe.objects.hydration import Hydrator, hydrate
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import tombstone
from unit_tests.conftest import API, CREATED

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
PRICES = f"{API}/v1/prices"
ACTIVE: Params = (("active", "true"),)
INACTIVE: Params = (("active", "false"),)


def hydrator(
    requester: StripeRequester, *, path: str = "/v1/prices/{id}", asked: Params = (), **fields: Any
) -> Hydrator:
    listing = {"path": "/v1/prices", "paging": V1, "range_filter": CREATED, **fields}
    return Hydrator(Listing(requester=requester, **listing), path, asked)


def change(number: int, created: int | None = None, **shown: Any) -> Change:
    return Change(f"price_{number}", time=9_000, created=created, deleted=False, shown=shown)


def price(number: int, created: int) -> dict[str, Any]:
    return {"id": f"price_{number}", "object": "price", "created": created}


def refuse(_object_id: str, failure: StreamFailure) -> None:
    raise failure


def hydrated(one: Hydrator, asked: Params | None, cover: Cover) -> Iterator[tuple[Change, dict[str, Any] | None]]:
    return hydrate(one, asked, cover, refuse)


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more}


def not_there(number: int) -> dict[str, Any]:
    return {"error": {"code": "resource_missing", "message": f"No such price: 'price_{number}'"}}


def test_a_page_covers_several_changes(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(PRICES, json=listed(price(3, 30), price(2, 20), price(1, 10)))
    changes = [change(3, 30), change(1, 10)]

    rows = list(hydrated(hydrator(requester), ACTIVE, Cover(changes[:])))

    assert rows == [(changes[0], price(3, 30)), (changes[1], price(1, 10))]
    (request,) = requests_mock.request_history
    # Up to the newest change and not a second further.
    assert request.qs == {"active": ["true"], "created[gte]": ["0"], "created[lt]": ["31"], "limit": ["100"]}


def test_a_second_that_goes_on_behind_the_page_is_paged(requester: StripeRequester, requests_mock: Mocker) -> None:
    pages = [listed(price(4, 30), price(3, 30), has_more=True), listed(price(2, 30), price(1, 30))]
    requests_mock.get(PRICES, [{"json": body} for body in pages])

    rows = list(hydrated(hydrator(requester), ACTIVE, Cover([change(number, 30) for number in (4, 2, 1)])))

    assert [row and row["id"] for _, row in rows] == ["price_4", "price_2", "price_1"]
    assert requests_mock.request_history[1].qs["starting_after"] == ["price_3"]


def test_what_a_page_lacks_is_got_by_its_id(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(PRICES, json=listed(price(1, 10)))
    requests_mock.get(f"{PRICES}/price_2", json=price(2, 20))
    requests_mock.get(f"{PRICES}/price_3", status_code=404, json=not_there(3))

    changes = [change(3, 30), change(2, 20), change(1, 10)]
    rows = {changed.id: row for changed, row in hydrated(hydrator(requester), ACTIVE, Cover(changes))}

    assert rows == {"price_3": None, "price_2": price(2, 20), "price_1": price(1, 10)}
    assert len(requests_mock.request_history) == 3


def test_an_empty_page_leaves_all_to_be_got(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(PRICES, json=listed())
    for number in (1, 2):
        requests_mock.get(f"{PRICES}/price_{number}", json=price(number, number))

    rows = list(hydrated(hydrator(requester), ACTIVE, Cover([change(2, 2), change(1, 1)])))

    assert [row and row["id"] for _, row in rows] == ["price_2", "price_1"]
    assert len(requests_mock.request_history) == 3


@pytest.mark.parametrize(("clock", "came"), [("clock_1", []), (None, ["cus_1"])])
def test_what_is_on_a_test_clock_is_no_row(
    requester: StripeRequester, requests_mock: Mocker, clock: str | None, came: list[str]
) -> None:
    """Stripe's lists leave it out, so a back-fill doesn't see it either."""
    requests_mock.get(f"{API}/v1/customers/cus_1", json={"id": "cus_1", "object": "customer", "test_clock": clock})
    customer = Change("cus_1", 9_000, 10, deleted=False, shown={})

    rows = list(hydrated(hydrator(requester, path="/v1/customers/{id}"), (), Cover([customer])))

    assert [row and row["id"] for _, row in rows] == came


def test_without_a_list_each_is_got_with_its_expansions(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{PRICES}/price_1", json=price(1, 10))
    expanded: Params = (("expand[]", "tiers"),)

    rows = list(hydrated(hydrator(requester, asked=expanded), None, Cover([change(1)], can_list=False)))

    assert [row for _, row in rows] == [price(1, 10)]
    assert requests_mock.request_history[0].qs == {"expand[]": ["tiers"]}


def test_rows_that_do_not_say_when_they_were_made(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(PRICES, json=listed({"id": "price_2"}, {"id": "price_9"}, has_more=True))
    requests_mock.get(f"{PRICES}/price_1", json={"id": "price_1"})

    rows = {each.id: row for each, row in hydrated(hydrator(requester), (), Cover([change(2, 20), change(1, 10)]))}

    assert rows == {"price_2": {"id": "price_2"}, "price_1": {"id": "price_1"}}
    assert len(requests_mock.request_history) == 2


def test_v2_goes_on_at_the_address_of_the_next_page(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v2/imports", json={"data": [{"id": "imp_1"}], "next_page_url": None})
    v2 = hydrator(requester, paging=NextPageUrl("limit", 100), range_filter=replace(CREATED, rfc_3339=True))
    imports = replace(v2, listing=replace(v2.listing, path="/v2/imports"))

    page = imports.page((), Listed(1_763_800_000, after="/v2/imports?page=p2&limit=100"))

    assert page == Page([{"id": "imp_1"}])
    assert requests_mock.request_history[0].qs == {"page": ["p2"], "limit": ["100"]}


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 404, "json": not_there(1)},
        {"json": {"id": "price_1", "object": "price", "deleted": True}},
    ],
)
def test_what_is_gone_is_none(requester: StripeRequester, requests_mock: Mocker, answer: dict[str, Any]) -> None:
    requests_mock.get(f"{PRICES}/price_1", **answer)

    assert hydrator(requester).get(change(1)) is None


@pytest.mark.parametrize(("status", "body"), [(404, {"error": {"message": "Unrecognized request URL"}}), (403, {})])
def test_any_other_refusal_is_an_error(
    requester: StripeRequester, requests_mock: Mocker, status: int, body: dict[str, Any]
) -> None:
    requests_mock.get(f"{PRICES}/price_1", status_code=status, json=body)

    with pytest.raises(StripeError):
        hydrator(requester).get(change(1))


def test_a_path_may_take_more_than_the_id(requester: StripeRequester, requests_mock: Mocker) -> None:
    path = "/v1/customers/{customer}/sources/{id}"
    requests_mock.get(f"{API}/v1/customers/cus_1/sources/price_1", json=price(1, 10))
    of_customers = hydrator(requester, path=path)

    assert of_customers.keep == ("customer",)
    assert of_customers.get(change(1, customer="cus_1")) == price(1, 10)


def test_of_several_passes_the_one_that_shows_the_object_is_asked(requester: StripeRequester) -> None:
    tiers = ("expand[]", "data.tiers")
    two = hydrator(requester, passes=((*ACTIVE, tiers), (*INACTIVE, tiers)))

    assert two.keep == ("active",)
    assert two.asked_for(change(1, 10, active=True)) == (*ACTIVE, tiers)
    assert two.asked_for(change(1, 10, active=False)) == (*INACTIVE, tiers)
    assert two.asked_for(change(1, 10)) is None  # an older version of the event may lack the field


def test_one_pass_shows_all_whose_time_is_known(requester: StripeRequester) -> None:
    one = hydrator(requester, passes=((("status", "all"),),))

    assert one.asked_for(change(1, 10)) == (("status", "all"),)
    assert one.asked_for(change(1)) is None


def test_expanding_is_for_the_list_and_for_single_objects(requester: StripeRequester) -> None:
    plain = hydrator(requester, asked=(("include[0]", "identity"),))

    expanded = plain.expanding(plain.listing.expanding(["tiers", "product"]), ["tiers", "product", "tiers"])

    assert expanded.asked == (("include[0]", "identity"), ("expand[]", "tiers"), ("expand[]", "product"))
    assert expanded.listing.passes == ((("expand[]", "data.tiers"), ("expand[]", "data.product")),)


def test_a_tombstone_is_the_object_as_last_shown() -> None:
    deleted = Change("price_1", 9_000, 10, deleted=True, shown={"id": "price_1", "object": "price", "nickname": "a"})

    assert tombstone(deleted, "price") == {"id": "price_1", "object": "price", "created": 10, "nickname": "a"}
    assert tombstone(change(1, 10), "price") == {"id": "price_1", "object": "price", "created": 10}
    assert tombstone(change(1), "price") == {"id": "price_1", "object": "price"}
