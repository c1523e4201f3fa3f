"""Routes: what the manifest's rows say becomes lists, events and children; all of them, and some in particular."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from source_stripe.api.account import AccountReader
from source_stripe.api.listing import Listing, RangeFilter
from source_stripe.api.pages import NextPageUrl, OneAnswer, OneObject
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.sync_plan import plan_of
from source_stripe.objects.children import Children
from source_stripe.objects.records import Fetched, FromEvents, Itself, Projection, Several
from source_stripe.objects.route import Route
from source_stripe.objects.shared_children import Together
from source_stripe.objects.whole_lists import WithWholeLists
from source_stripe.reading.changes import Following
from source_stripe.routes import Routes
from unit_tests.conftest import CREATED, MANIFEST, ROWS


@pytest.fixture
def routes(requester: StripeRequester) -> Routes:
    return Routes(ROWS, MANIFEST.paging, requester, AccountReader(requester))


@pytest.fixture
def of(routes: Routes) -> Callable[[str], Route]:
    """The only route of a stream, as it is asked for."""

    def only(name: str) -> Route:
        (route,) = routes.of(ROWS[name])
        return route.expanded()

    return only


def following_of(routes: Routes, name: str) -> Following | None:
    return routes.following(ROWS[name], plan_of(ROWS[name], ROWS), routes.of(ROWS[name]))


def inner(projection: Projection) -> Projection:
    return projection.inner if isinstance(projection, WithWholeLists) else projection


def braces(path: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", path))


def children_of(route: Route) -> Children:
    assert isinstance(route.projection, Children)
    return route.projection


def places(route: Route) -> list[Children]:
    """Where a route's rows hold children."""
    found = route.projection.children if isinstance(route.projection, Together) else (route.projection,)
    return [each for each in found if isinstance(each, Children)]


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_its_routes(name: str, routes: Routes) -> None:
    row = ROWS[name]

    made = [route.expanded() for route in routes.of(row)]

    assert len(made) == len(plan_of(row, ROWS).lists)
    for route in made:
        # What is read first stands under no parent: no brace is left to fill.
        assert braces(route.listing.path) == set()
        assert route.listing.path
        assert bool(places(route)) is bool(row.all_parents)
        for children in places(route):
            names = {row_parent.name for row_parent in row.all_parents}
            assert children.listing is not None or children.embedded is not None
            assert children.listing is None or braces(children.listing.path) <= names
            assert children.kinds == set(row.object)
        if route.hydrator is not None:
            assert braces(route.hydrator.path) - {"id"} <= set(route.hydrator.keep)
            assert "{id}" in route.hydrator.path


@pytest.mark.parametrize(
    "name", [name for name, row in ROWS.items() if row.events and not row.from_events and not row.parents]
)
def test_every_stream_with_events_follows_them(name: str, routes: Routes) -> None:
    row = ROWS[name]
    following = following_of(routes, name)

    assert following is not None
    assert following.fold.subjects.kinds >= set(row.event_object or row.object)
    assert (following.hydrator is None) is (following.parent_field is not None)
    (events, *_) = routes.beside(row, following, routes.feed(row.api))
    assert events.listing.passes == ((),)
    assert events.listing.path == ("/v2/core/events" if row.api == "v2" else "/v1/events")
    assert events.listing.range_filter == replace(CREATED, rfc_3339=row.api == "v2")


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.sync in ("created", "snapshot", "single")])
def test_streams_without_events_follow_none(name: str, routes: Routes) -> None:
    assert following_of(routes, name) is None


def test_a_plain_list(of: Callable[[str], Route]) -> None:
    charges = of("charges")

    assert charges.listing.path == "/v1/charges"
    assert charges.listing.range_filter == CREATED
    assert isinstance(inner(charges.projection), Itself)
    assert charges.hydrator is not None
    assert charges.hydrator.path == "/v1/charges/{id}"
    assert charges.hydrator.listing == charges.listing


def test_prices_are_listed_in_two_passes(of: Callable[[str], Route]) -> None:
    prices = of("prices")

    assert [dict(asked)["active"] for asked in prices.listing.passes] == ["true", "false"]
    assert prices.hydrator is not None
    assert prices.hydrator.keep == ("active",)


def test_fixed_parameters_are_asked_with(of: Callable[[str], Route]) -> None:
    assert all(("status", "all") in asked for asked in of("subscriptions").listing.passes)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("checkout_sessions_line_items", "line_items"),
        ("payment_links_line_items", "line_items"),
        ("quotes_computed_upfront_line_items", "computed.upfront.line_items"),
        ("payment_intents_amount_details_line_items", "amount_details.line_items"),
    ],
)
def test_hidden_lists_are_expanded_in_their_parents(name: str, field: str, of: Callable[[str], Route]) -> None:
    route = of(name)

    assert all(("expand[]", f"data.{field}") in asked for asked in route.listing.passes)
    assert children_of(route).embedded == field
    assert route.hydrator is not None
    assert ("expand[]", field) in route.hydrator.asked
    assert not any(value.startswith("data.") for _, value in route.hydrator.asked if value == field)


def test_lists_that_are_always_there_are_not_expanded(of: Callable[[str], Route]) -> None:
    route = of("invoice_line_items")

    assert route.listing.path == "/v1/invoices"
    assert all(("expand[]", "data.lines") not in asked for asked in route.listing.passes)
    assert children_of(route).key.carries == ("created", "updated")


def test_children_follow_the_events_of_their_root(routes: Routes) -> None:
    following = following_of(routes, "invoice_line_items")

    assert following is not None
    assert following.fold.subjects.kinds == {"invoice"}
    assert following.fold.deletions is None
    assert "lines" in following.fold.lists
    assert following.hydrator is not None
    assert following.hydrator.path == "/v1/invoices/{id}"


def test_children_with_events_of_their_own_are_read_by_the_parent_that_those_name(routes: Routes) -> None:
    following = following_of(routes, "bank_accounts")

    assert following is not None
    assert following.fold.subjects.kinds == {"bank_account"}
    assert following.fold.deletions is None
    assert (following.hydrator, following.parent_field, following.fold.subjects.keep) == (
        None,
        "customer",
        ("customer",),
    )


def test_a_cancellation_is_no_deletion(routes: Routes) -> None:
    following = following_of(routes, "subscriptions")

    assert following is not None
    assert following.fold.deletions == frozenset()


def test_where_not_all_has_an_event_births_are_listed(routes: Routes) -> None:
    sessions, charges = following_of(routes, "checkout_sessions"), following_of(routes, "charges")

    assert sessions is not None
    assert charges is not None
    assert sessions.misses_births
    assert not charges.misses_births


def test_mandates_are_asked_for_by_the_ids_that_two_streams_hold(routes: Routes) -> None:
    intents, charges = routes.of(ROWS["mandates"])

    assert (intents.listing.path, charges.listing.path) == ("/v1/setup_intents", "/v1/charges")
    for route in (intents, charges):
        mandates = children_of(route)
        assert mandates.listing is not None
        assert mandates.listing.path == "/v1/mandates/{mandate}"
        assert isinstance(mandates.listing.paging, OneObject)
        assert not mandates.key.is_own
    # One that both name is one row.
    assert children_of(intents).shared is children_of(charges).shared is not None


def test_usage_records_are_asked_for_at_the_last_version_that_has_them(of: Callable[[str], Route]) -> None:
    route = of("usage_records")
    records = children_of(route)

    assert records.listing is not None
    assert records.listing.version == "2025-02-24.acacia"
    # Their parents are subscription items, which stand in subscriptions.
    assert (route.listing.path, route.listing.version) == ("/v1/subscriptions", None)
    assert isinstance(records.parent, Children)


def test_what_a_v2_list_leaves_null_is_included(of: Callable[[str], Route]) -> None:
    route = of("v2_core_accounts")

    assert isinstance(route.listing.paging, NextPageUrl)
    assert isinstance(route.projection, Fetched)
    assert route.projection.asked[0] == ("include[0]", "configuration.customer")
    assert route.projection.listing.path == "/v2/core/accounts/{id}"


def test_what_is_listed_nowhere_comes_from_events(of: Callable[[str], Route], routes: Routes) -> None:
    route = of("reserve_holds")

    assert isinstance(route.projection, FromEvents)
    assert route.listing.path == "/v1/events"
    assert route.listing.passes == ((("types[]", "reserve.hold.created"), ("types[]", "reserve.hold.updated")),)
    assert following_of(routes, "reserve_holds") is None


def test_lists_are_paged_and_filtered_as_each_wants_it(of: Callable[[str], Route]) -> None:
    assert isinstance(of("account_capabilities").projection, Children)
    capabilities = children_of(of("account_capabilities")).listing
    assert isinstance(capabilities and capabilities.paging, OneAnswer)
    assert isinstance(of("balance").listing.paging, OneObject)
    assert of("payment_records").listing.range_filter == RangeFilter("created_after", "created_before", exclusive=True)
    assert of("payment_methods").listing.range_filter is None
    imports = of("v2_commerce_product_catalog_imports").listing
    assert imports.range_filter == RangeFilter("created_gte", "created_lt", rfc_3339=True)


def test_pairs_of_meters_and_customers_have_summaries(of: Callable[[str], Route]) -> None:
    route = of("billing_meter_event_summaries")
    summaries = children_of(route)

    assert route.listing.path == "/v1/customers"
    assert summaries.beside is not None
    assert summaries.beside.listing.path == "/v1/billing/meters"
    assert isinstance(summaries.listing, Listing)
    assert summaries.listing.range_filter == RangeFilter("start_time", "end_time", days=True)


def test_a_parent_and_its_children_can_be_read_together(routes: Routes) -> None:
    together = routes.shared([ROWS["checkout_sessions"], ROWS["checkout_sessions_line_items"]], {}).expanded()

    assert isinstance(together.projection, Several)
    assert [name for name, _ in together.projection.streams] == ["checkout_sessions", "checkout_sessions_line_items"]
    assert all(("expand[]", "data.line_items") in asked for asked in together.listing.passes)
