"""Events are written at the account's default API version, often years older than ours: none is dropped unread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from source_stripe.api.account import AccountReader
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.sync_plan import plan_of
from source_stripe.reading.changes import Following
from source_stripe.routes import Routes
from unit_tests.conftest import MANIFEST, ROWS

Event = dict[str, Any]
FollowingOf = Callable[[str], Following]


@pytest.fixture
def following_of(requester: StripeRequester) -> FollowingOf:
    """The following of a stream, as the manifest declares it."""

    def of(name: str) -> Following:
        routes = Routes(ROWS, MANIFEST.paging, requester, AccountReader(requester))
        following = routes.following(ROWS[name], plan_of(ROWS[name], ROWS), routes.of(ROWS[name]))
        assert following is not None
        return following

    return of


def event(what: str, kind: str, of: str | None, time: int = 100, **shown: Any) -> Event:
    previous = shown.pop("previous", None)
    data: Event = {"object": {"id": of, "object": kind, **shown}}
    if previous is not None:
        data["previous_attributes"] = previous
    return {"type": what, "created": time, "data": data}


def folded(following: Following, *events: Event) -> set[str]:
    """The ids of what the events name."""
    for each in events:
        following.fold.add(each)
    return {change.id for change in following.fold.changes}


# names


def test_a_payout_was_a_transfer_before_2017(following_of: FollowingOf) -> None:
    following = following_of("payouts")

    assert folded(following, event("payout.created", "transfer", "po_1", created=90)) == {"po_1"}
    assert following.fold.changes[0].created == 90


@pytest.mark.parametrize("stream", ["payout_balance_transactions", "invoices", "customers", "refunds"])
def test_an_unknown_name_is_that_of_the_streams_object(following_of: FollowingOf, stream: str) -> None:
    following = following_of(stream)
    types = {"payout_balance_transactions": "payout.paid", "refunds": "charge.refund.updated"}
    what = types.get(stream, f"{stream[:-1]}.updated")

    assert folded(following, event(what, "renamed_since", "x_1")) == {"x_1"}


@pytest.mark.parametrize(
    ("stream", "own"), [("bank_accounts", "ba_1"), ("customer_cards", "card_1"), ("sources", "src_1")]
)
def test_a_name_that_belongs_to_another_stream_of_the_same_events_is_left_to_it(
    following_of: FollowingOf, stream: str, own: str
) -> None:
    kinds = {"bank_account": "ba_1", "card": "card_1", "source": "src_1"}
    events = (event("customer.source.updated", kind, of, customer="cus_1") for kind, of in kinds.items())

    assert folded(following_of(stream), *events) == {own}


# times


def test_an_invoice_had_a_date_before_2019(following_of: FollowingOf) -> None:
    following = following_of("invoices")

    folded(following, event("invoice.updated", "invoice", "in_1", date=90), event("invoice.updated", "invoice", "in_2"))

    assert {change.id: change.created for change in following.fold.changes} == {"in_1": 90, "in_2": None}


def test_a_date_that_is_no_creation_is_none(following_of: FollowingOf) -> None:
    """The `date` of a transfer, as payouts were called, is that of its arrival."""
    following = following_of("payouts")

    folded(following, event("payout.updated", "transfer", "po_1", date=190))

    assert following.fold.changes[0].created is None


# types


@pytest.mark.parametrize("stream", ["payment_methods", "customer_payment_methods"])
def test_older_names_of_event_types_come_in_the_same_request(following_of: FollowingOf, stream: str) -> None:
    following = following_of(stream)

    assert ROWS[stream].events == ("payment_method.*",)
    older = event("payment_method.card_automatically_updated", "payment_method", "pm_1", customer="cus_1")
    assert folded(following, older) == {"pm_1"}
