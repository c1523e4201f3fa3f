"""Nesting: children out of their parents' rows, the rest by request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from requests_mock import Mocker

from source_stripe.api.errors import StripeError
from source_stripe.api.listing import Listing, RangeFilter
from source_stripe.api.pages import OneObject, Paging, StartingAfter
from source_stripe.api.ranges import Range
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.children import Beside, Children, ParentKey, Via
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Finish, Itself, Known
from source_stripe.objects.shared_children import Shared
from source_stripe.objects.whole_lists import WithWholeLists
from unit_tests.conftest import API, CREATED

V1 = StartingAfter(page_size_param="limit", page_size=100, cursor_param="starting_after")
LINES = "/v1/invoices/{invoice}/lines"


def facts() -> Mapping[str, Any]:
    return {"account_id": "acct_1", "read_at": 1_000}


def listed(*rows: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more}


def line(number: int, kind: str = "line_item") -> dict[str, Any]:
    return {"id": f"il_{number}", "object": kind}


def children(
    requester: StripeRequester,
    *,
    path: str = LINES,
    paging: Paging = V1,
    filtered: RangeFilter | None = None,
    **fields: Any,
) -> Children:
    defaults: dict[str, Any] = {
        "parent": Itself(Finish("updated", facts)),
        "key": ParentKey("invoice", "invoice_id", carries=("updated",)),
        "listing": Listing(path, requester, paging, range_filter=filtered),
        "finish": Finish("invoice_updated", facts),
        "kinds": frozenset({"line_item"}),
    }
    return Children(**{**defaults, **fields})


def invoice(**fields: Any) -> dict[str, Any]:
    return {"id": "in_1", "object": "invoice", "created": 50, **fields}


def child(number: int, kind: str = "line_item", *, updated: int = 50, deleted: bool = False) -> dict[str, Any]:
    return {**line(number, kind), "invoice_id": "in_1", "invoice_updated": updated, "is_deleted": deleted}


def records(
    projection: Children | WithWholeLists, parent: dict[str, Any], updated: int | None = 50, known: Known | None = None
) -> list[dict[str, Any]]:
    return list(projection.records(parent, updated, known or Known()))


def test_embedded_children_cost_no_request(requester: StripeRequester, requests_mock: Mocker) -> None:
    projection = children(requester, embedded="lines")

    assert records(projection, invoice(lines=listed(line(1), line(2)))) == [child(1), child(2)]
    assert records(projection, invoice(lines=listed())) == []
    assert not requests_mock.called
    assert not projection.costs(invoice(lines=listed(line(1))))
    assert projection.costs(invoice(lines=listed(line(1), has_more=True)))


def test_the_parents_own_row_keeps_what_stands_in_it(requester: StripeRequester) -> None:
    """Both may be records: an invoice's lines do not get what the line items' stream adds."""
    row = invoice(lines=listed(line(1)))

    records(children(requester, embedded="lines"), row)

    assert row["lines"] == listed(line(1))


def test_an_embedded_list_that_is_cut_is_asked_for(requester: StripeRequester, requests_mock: Mocker) -> None:
    pages = [listed(line(4), line(1), line(3), has_more=True), listed(line(2))]
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", [{"json": body} for body in pages])

    rows = records(children(requester, embedded="lines"), invoice(lines=listed(line(1), line(2), has_more=True)))

    assert rows == [child(number) for number in (4, 1, 3, 2)]
    assert [request.qs.get("starting_after") for request in requests_mock.request_history] == [None, ["il_3"]]


def test_without_an_embedded_list_each_parent_is_asked(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))
    projection = children(requester)

    assert records(projection, invoice()) == [child(1)]
    assert projection.costs(invoice())


def test_a_child_changed_when_its_parent_did(requester: StripeRequester) -> None:
    row = invoice(lines=listed(line(1)))

    assert records(children(requester, embedded="lines"), row, updated=77) == [child(1, updated=77)]


def test_a_parent_that_the_path_does_not_name_is_a_parameter(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/lines", json=listed(line(1)))

    assert records(children(requester, path="/v1/lines"), invoice()) == [child(1)]
    assert requests_mock.request_history[0].qs == {"invoice": ["in_1"], "limit": ["100"]}


def test_parameters_may_come_from_the_parent(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/lines", json=listed(line(1)))
    projection = children(requester, path="/v1/lines", params_from={"customer": "customer", "account": "owner.id"})

    assert records(projection, invoice(customer="cus_1", owner=None)) == [child(1)]
    assert requests_mock.request_history[0].qs == {"invoice": ["in_1"], "customer": ["cus_1"], "limit": ["100"]}
    assert records(projection, invoice(customer=None, owner={})) == []
    assert len(requests_mock.request_history) == 1


def test_a_list_of_several_kinds_gives_only_the_streams_own(requester: StripeRequester, requests_mock: Mocker) -> None:
    kinds = ("card", "bank_account", "bank_account", "card")
    every = [line(number, kind) for number, kind in enumerate(kinds, 1)]
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(*every))
    projection = children(requester, embedded="lines", kinds=frozenset({"card"}))
    cut = listed(*every[:2], has_more=True)

    assert records(projection, invoice(lines=cut)) == [child(1, "card"), child(4, "card")]


def test_a_list_is_asked_for_all_that_stands_in_the_parent(requester: StripeRequester, requests_mock: Mocker) -> None:
    """A customer's cards and bank accounts stand in one list: without the others nobody knows whether it is whole."""
    listing = Listing(LINES, requester, V1, ((("object", "card"), ("expand[]", "data.owner")),))
    projection = children(requester, listing=listing, embedded="lines", kinds=frozenset({"card"}))
    rows = [line(1, "card"), line(2, "bank_account"), line(3, "bank_account")]
    asked = requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(*rows))

    assert records(projection, invoice(lines=listed(*rows[:2], has_more=True))) == [child(1, "card")]
    assert asked.request_history[0].qs == {"expand[]": ["data.owner"], "limit": ["100"]}


def test_only_parents_of_the_wanted_sort_have_children(requester: StripeRequester) -> None:
    projection = children(requester, embedded="lines", where={"automatic": True})

    assert records(projection, invoice(lines=listed(line(1)), automatic=True)) == [child(1)]
    assert records(projection, invoice(lines=listed(line(1)), automatic=False)) == []


def test_the_children_of_a_parent_that_is_gone_are_none(requester: StripeRequester, requests_mock: Mocker) -> None:
    gone = {"error": {"code": "resource_missing", "message": "No such invoice: 'in_1'"}}
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=404, json=gone)

    assert records(children(requester), invoice()) == []


def test_any_other_refusal_is_an_error(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", status_code=400, json={"error": {"message": "no"}})

    with pytest.raises(StripeError):
        records(children(requester), invoice())


def test_grandchildren_go_through_their_parents(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/sources/il_1/source_transactions", json=listed({"id": "srctxn_1"}))
    grandchildren = children(
        requester,
        path="/v1/sources/{source}/source_transactions",
        parent=children(requester, embedded="lines"),
        key=ParentKey("source", "source_id"),
        finish=Finish(None, facts),
    )

    assert records(grandchildren, invoice(lines=listed(line(1)))) == [{"id": "srctxn_1", "source_id": "il_1"}]


def mandates(requester: StripeRequester, **fields: Any) -> Children:
    return children(
        requester, path="/v1/mandates/{mandate}", paging=OneObject(), kinds=frozenset({"mandate"}), **fields
    )


def test_one_object_for_each_id_that_parents_hold(requester: StripeRequester, requests_mock: Mocker) -> None:
    for mandate in ("mandate_1", "mandate_2"):
        requests_mock.get(f"{API}/v1/mandates/{mandate}", json={"id": mandate, "object": "mandate"})
    paths = ("mandate", "single_use_mandate", "payment_method_details.*.mandate")
    projection = mandates(requester, key=ParentKey("mandate", "id", id_from=paths))
    details = {"card": {"mandate": "mandate_2"}, "type": "card"}

    first = records(projection, invoice(mandate="mandate_1", single_use_mandate={"id": "mandate_2"}))
    again = records(projection, invoice(mandate="mandate_1", payment_method_details=details))

    assert [row["id"] for row in first] == ["mandate_1", "mandate_2"]
    assert again == []
    assert len(requests_mock.request_history) == 2


def test_a_request_in_between_may_name_the_ids(requester: StripeRequester, requests_mock: Mocker) -> None:
    attempts = [{"committed": {"transaction": "mandate_3"}}, {"committed": None}]
    found = requests_mock.get(f"{API}/v1/tax/associations/find", json={"id": "taxa_1", "attempts": attempts})
    requests_mock.get(f"{API}/v1/mandates/mandate_3", json={"id": "mandate_3", "object": "mandate"})
    via = Via(Listing("/v1/tax/associations/find", requester, OneObject()), "payment_intent")
    projection = mandates(
        requester, via=via, key=ParentKey("mandate", "id", id_from=("attempts.committed.transaction",))
    )

    assert [row["id"] for row in records(projection, invoice())] == ["mandate_3"]
    assert found.request_history[0].qs == {"payment_intent": ["in_1"]}


def test_pairs_of_parents_have_children(requester: StripeRequester, requests_mock: Mocker) -> None:
    meters = requests_mock.get(f"{API}/v1/meters", json=listed({"id": "mtr_1"}, {"id": "mtr_2"}))
    for meter in (1, 2):
        requests_mock.get(f"{API}/v1/meters/mtr_{meter}/summaries", json=listed({"id": f"sum_{meter}"}))
    beside = Beside(
        Listing("/v1/meters", requester, V1), Itself(Finish(None, facts)), ParentKey("meter", "meter", id_from=("id",))
    )
    projection = children(
        requester,
        path="/v1/meters/{meter}/summaries",
        key=ParentKey("customer", "customer_id"),
        finish=Finish(None, facts),
        beside=beside,
    )

    rows = [*records(projection, {"id": "cus_1"}), *records(projection, {"id": "cus_2"})]

    pairs = [(row["id"], row["meter"], row["customer_id"]) for row in rows]
    assert pairs == [(f"sum_{meter}", f"mtr_{meter}", f"cus_{customer}") for customer in (1, 2) for meter in (1, 2)]
    assert meters.call_count == 1
    assert requests_mock.request_history[1].qs == {"customer": ["cus_1"], "limit": ["100"]}


def test_only_children_of_a_time_are_asked_for_where_that_is_enough(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))

    lately = Known(children=Range(5, 9))
    assert records(children(requester, filtered=CREATED), invoice(), known=lately) == [child(1)]
    assert requests_mock.request_history[0].qs == {"created[gte]": ["5"], "created[lt]": ["9"], "limit": ["100"]}


def test_the_children_of_a_parent_that_an_event_names(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))

    changed = ChangedParent("in_1", tuple(Change(f"il_{n}", 80 + n, None, deleted=False, shown={}) for n in (1, 8)))

    assert list(children(requester).of(changed, Known())) == [child(1, updated=88)]


def test_a_child_that_an_event_names_and_its_parents_list_lacks_is_gone(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(f"{API}/v1/invoices/in_1/lines", json=listed(line(1)))
    changed = ChangedParent("in_1", tuple(Change(f"il_{n}", 80 + n, None, deleted=False, shown={}) for n in (1, 2)))

    there, gone = children(requester, own_events=True, finish=Finish("updated", facts)).of(changed, Known())

    assert (there["id"], there["updated"], there["is_deleted"]) == ("il_1", 82, False)
    assert (gone["id"], gone["updated"], gone["is_deleted"]) == ("il_2", 82, True)


def test_a_child_of_several_parents_comes_once(requester: StripeRequester) -> None:
    shared = Shared()
    of_invoices, of_quotes = (children(requester, embedded="lines", shared=shared) for _ in range(2))

    assert records(of_invoices, invoice(lines=listed(line(1)))) == [child(1)]
    assert records(of_quotes, invoice(lines=listed(line(1), line(2)))) == [child(2)]


def changed(*before: dict[str, Any], deleted: bool = False, **shown: Any) -> Change:
    rows = {row["id"]: row for row in before}
    return Change("in_1", 88, 50, deleted, shown, listed={"lines": rows} if rows else {})


def test_a_child_that_its_parent_has_no_more_is_a_tombstone(requester: StripeRequester) -> None:
    known = Known(changed={"in_1": changed(line(1), line(2), line(3, "other"))})
    projection = children(requester, embedded="lines")

    rows = records(projection, invoice(lines=listed(line(2), line(4))), updated=88, known=known)

    assert rows == [child(2, updated=88), child(4, updated=88), child(1, updated=88, deleted=True)]


def test_with_a_parent_its_children_go(requester: StripeRequester) -> None:
    projection = children(requester, embedded="lines")
    gone = changed(line(1), line(2), deleted=True, lines=listed(line(2), line(3)))

    assert list(projection.tombstones(gone)) == [child(number, updated=88, deleted=True) for number in (1, 2, 3)]
    assert list(children(requester).tombstones(gone)) == []


def test_of_a_child_with_events_of_its_own_only_itself_goes(requester: StripeRequester) -> None:
    projection = children(requester, embedded="lines", own_events=True, finish=Finish("updated", facts))
    gone = Change("il_1", 88, 50, deleted=True, shown={"customer": "cus_1"})

    assert list(projection.tombstones(gone)) == [
        {"id": "il_1", "object": "line_item", "created": 50, "customer": "cus_1", "updated": 88, "is_deleted": True}
    ]
