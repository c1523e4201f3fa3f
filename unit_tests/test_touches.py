"""Touches: events about other objects are changes of those that they name, as the account's version names them."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.objects.events import Unreadable
from source_stripe.objects.ledger import Change
from unit_tests.test_events import Event, by_id, event, facts, fold


def about(what: str, shown: Any, before: dict[str, Any] | None = None) -> Event:
    data = {"object": shown} if before is None else {"object": shown, "previous_attributes": before}
    return {"id": "evt_1", "type": what, "created": 105, "data": data}


DISCOUNTS = {"customer.discount.created": ("coupon", "source.coupon")}


@pytest.mark.parametrize(
    "shown",
    [
        {"object": "discount", "coupon": {"id": "co_1", "object": "coupon"}},
        {"object": "discount", "coupon": "co_1"},
        {"object": "discount", "coupon": None, "source": {"coupon": "co_1", "type": "coupon"}},
        {"object": "discount", "source": {"coupon": {"id": "co_1"}, "type": "coupon"}},
    ],
)
def test_the_accounts_version_decides_where_an_object_is_named(shown: dict[str, Any]) -> None:
    assert facts(fold([about("customer.discount.created", shown)], touches=DISCOUNTS)) == {"co_1": (105, False)}


def test_an_event_touches_every_object_that_it_names_and_each_once() -> None:
    lines = [
        {"invoice_item": "co_1", "parent": None},
        {"parent": {"invoice_item_details": {"invoice_item": "co_2"}}},
        {"invoice_item": None, "parent": {"invoice_item_details": None}},
        {"invoice_item": "co_2", "parent": {"invoice_item_details": {"invoice_item": "co_2"}}},
    ]
    paths = ("lines.data.invoice_item", "lines.data.parent.invoice_item_details.invoice_item")

    folded = fold([about("invoice.created", {"lines": {"data": lines}})], touches={"invoice.created": paths})

    assert facts(folded) == {"co_1": (105, False), "co_2": (105, False)}


def test_what_an_event_named_before_is_touched_as_well() -> None:
    left = {"lines": {"data": [{"invoice_item": "co_1"}, {"invoice_item": "co_2"}]}}
    shown = {"lines": {"data": [{"invoice_item": "co_1"}]}}
    touches = {"invoice.updated": ("lines.data.invoice_item", "coupon")}

    folded = fold([about("invoice.updated", shown, {**left, "coupon": "co_3"})], touches=touches)

    assert facts(folded) == dict.fromkeys(("co_1", "co_2", "co_3"), (105, False))


def test_a_list_of_ids_names_them_all() -> None:
    shown = {"discounts": ["co_1", {"id": "co_2"}, None]}

    assert set(by_id(fold([about("invoice.created", shown)], touches={"invoice.created": ("discounts",)}))) == {
        "co_1",
        "co_2",
    }


def test_an_event_of_the_streams_own_may_touch_another_of_its_objects() -> None:
    """A payout that reverses another names it."""
    reversing = event("po_2", "created", 105, kind="payout", created=105, original_payout="po_1")

    folded = fold(
        [reversing],
        kinds=frozenset({"payout"}),
        touches={"payout.created": ("original_payout",)},
        own=frozenset({"payout.created"}),
    )

    changes = by_id(folded)
    assert changes["po_1"] == Change("po_1", 105, None, deleted=False, shown={})
    assert (changes["po_2"].time, changes["po_2"].created) == (105, 105)


def test_what_is_touched_may_be_found_by_its_parent() -> None:
    """The rows of a parent are read again as a set: nothing says that the one that is named stands there."""
    debits = {"treasury.received_debit.created": ("linked_flows.inbound_transfer",)}
    returned = {"id": "rd_1", "financial_account": "fa_1", "linked_flows": {"inbound_transfer": "ibt_1"}}
    others = [{**returned, "linked_flows": {"inbound_transfer": None}}, {**returned, "financial_account": None}]

    folded = fold(
        [about("treasury.received_debit.created", shown) for shown in (returned, *others)],
        touches=debits,
        parent="financial_account",
    )

    assert folded.changes == [Change("fa_1", 105, None, deleted=False, shown={"financial_account": "fa_1"})]


def test_ids_of_other_streams_are_not_touched() -> None:
    """A legacy source may have been set up: Stripe refuses it as a payment method."""
    folded = fold(
        [about("setup_intent.succeeded", {"payment_method": named}) for named in ("pm_1", "src_1")],
        touches={"setup_intent.succeeded": ("payment_method",)},
        other_ids={"setup_intent.succeeded": ("card_", "src_")},
    )

    assert facts(folded) == {"pm_1": (105, False)}


@pytest.mark.parametrize("data", [None, {}, {"object": None}])
def test_an_event_that_shows_nothing_is_noted(data: Any) -> None:
    unclear = {**about("customer.discount.created", {}), "data": data}

    assert fold([unclear], touches=DISCOUNTS).unreadable == Unreadable(105, "customer.discount.created, evt_1")
