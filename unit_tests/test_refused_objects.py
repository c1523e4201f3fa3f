"""Objects that Stripe refuses: what is read all the same, what a state carries, and what the next sync asks for."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests_mock import Mocker

from source_stripe.api.errors import StreamFailure
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedObject, OneObject, the_object
from source_stripe.api.ranges import Range
from source_stripe.api.refusals import MOST, Refused, TooManyRefused
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.ledger import Change
from source_stripe.reading.cursor import FollowingCursor
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece
from source_stripe.reading.readings import CreatedReading
from source_stripe.reading.retriever import StripeRetriever
from source_stripe.reading.state import StreamState, UnknownStateError, refused_in
from unit_tests import changes_reading as changes
from unit_tests import test_cursor as cursors
from unit_tests.conftest import API
from unit_tests.test_refusals import refusal
from unit_tests.test_retriever import CHARGES, change, charge, fetched, ids, listed, read, retriever

LEGACY = {
    "error": {
        "type": "invalid_request_error",
        "param": "payment_method",
        "message": "A source must be attached to a customer to be used as a `payment_method`",
    }
}
OTHERS = {
    "error": {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "param": "invoice_item",
        "message": "No such invoice item: 'ii_1'",
    }
}


def refuse(requests_mock: Mocker, path: str, body: dict[str, Any] = LEGACY, status: int = 400) -> None:
    requests_mock.get(f"{API}{path}", status_code=status, json=body)


def refused(reader: StripeRetriever) -> list[str]:
    return reader.refused.ids(ended=True)


# ---- one by one


@pytest.mark.parametrize(("status", "body"), [(400, LEGACY), (404, OTHERS), (402, LEGACY), (409, LEGACY)])
def test_a_change_that_is_refused_leaves_the_others_to_be_read(
    requester: StripeRequester, requests_mock: Mocker, status: int, body: dict[str, Any]
) -> None:
    requests_mock.get(f"{CHARGES}/ch_2", status_code=status, json=body, headers={"Stripe-Should-Retry": "false"})
    for number in (1, 3):
        requests_mock.get(f"{CHARGES}/ch_{number}", json=charge(number))
    reader = retriever(requester)

    rows = read(reader, ChangedPiece(0, (change(1, 70), change(2, 70), change(3, 70))))

    assert ids(rows) == ["ch_1", "ch_3"]
    assert refused(reader) == ["ch_2"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"message": "Invalid charge id: ch_1"}}),
        (404, {"error": {"message": "No such charge: 'ch_1'"}}),
        (404, {"error": {"code": "resource_missing", "param": "charge", "message": ""}}),
    ],
)
def test_what_is_gone_by_any_words_is_a_tombstone(
    requester: StripeRequester, requests_mock: Mocker, status: int, body: dict[str, Any]
) -> None:
    refuse(requests_mock, "/v1/charges/ch_1", body, status)
    reader = retriever(requester)

    (row,) = read(reader, ChangedPiece(0, (change(1, 70),)))

    assert (row["id"], row["is_deleted"], refused(reader)) == ("ch_1", True, [])


def test_the_key_the_rate_and_the_product_are_no_matter_of_one_object(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    for status, message in ((403, "No permission."), (400, "Your account is not set up to use Issuing."), (401, "No.")):
        refuse(requests_mock, "/v1/charges/ch_1", {"error": {"message": message}}, status)
        with pytest.raises(StreamFailure, match=message):
            read(retriever(requester), ChangedPiece(0, (change(1, 70),)))


def test_a_listed_row_that_can_t_be_got_leaves_the_others_alone(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(*map(charge, range(3))))
    for number in (0, 2):
        requests_mock.get(f"{CHARGES}/ch_{number}", json=charge(number))
    refuse(requests_mock, "/v1/charges/ch_1", OTHERS, 404)
    reader = retriever(requester, fetched(requester))

    assert ids(read(reader)) == ["ch_0", "ch_2"]
    assert refused(reader) == ["ch_1"]


def test_more_than_a_hundred_fail_the_stream(requester: StripeRequester, requests_mock: Mocker) -> None:
    requests_mock.get(CHARGES, json=listed(*map(charge, range(MOST + 1))))
    for number in range(MOST + 1):
        refuse(requests_mock, f"/v1/charges/ch_{number}")

    with pytest.raises(TooManyRefused, match=r"The stream charges can't be read\. More than 100 of its objects"):
        read(retriever(requester, fetched(requester)))


# ---- an answer must be what was asked for


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"object": "list", "data": [], "has_more": False}, "its `object` is list, not charge"),
        ({"id": "ch_1"}, "its `object` is missing, not charge"),
        ({"id": "ch_2", "object": "charge"}, "its `id` is ch_2, not ch_1"),
        ({"object": "charge"}, "its `id` is missing, not ch_1"),
        ({"id": "ch_2", "object": "charge", "deleted": True}, "its `id` is ch_2, not ch_1"),
    ],
)
def test_an_answer_that_is_another_object_is_not_taken_for_it(
    requester: StripeRequester, requests_mock: Mocker, body: dict[str, Any], said: str
) -> None:
    requests_mock.get(f"{CHARGES}/ch_1", json=body)
    by_change, by_list = retriever(requester), retriever(requester, fetched(requester))
    requests_mock.get(CHARGES, json=listed(charge(1)))

    assert read(by_change, ChangedPiece(0, (change(1, 70),))) == read(by_list) == []
    for reader in (by_change, by_list):
        failure = reader.refused.failure()
        assert failure is not None
        assert f"Stripe's answer to GET /v1/charges/{{id}} is not what was asked for: {said}" in (failure.message or "")


def test_one_object_of_a_parent_has_the_id_that_was_asked_for(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    paging = OneObject(frozenset({"mandate"}))
    mandates = Listing("/v1/mandates/{mandate}", requester, paging)
    requests_mock.get(f"{API}/v1/mandates/mandate_1", json={"id": "mandate_2", "object": "mandate"})
    balance = Listing("/v1/customers/{customer}/cash_balance", requester, OneObject(frozenset({"cash_balance"})))
    requests_mock.get(f"{API}/v1/customers/cus_1/cash_balance", json={"object": "cash_balance", "customer": "cus_1"})

    with pytest.raises(MalformedObject, match="its `id` is mandate_2, not mandate_1"):
        mandates.page((), None, None, {"mandate": "mandate_1"})
    # What has no id of its own can't have another.
    assert balance.page((), None, None, {"customer": "cus_1"}).rows == [{"object": "cash_balance", "customer": "cus_1"}]


def test_what_is_left_of_a_deleted_object_need_not_say_what_it_was() -> None:
    assert the_object({"id": "x_1", "deleted": True}, "/v2/x/{id}", frozenset({"x"}), "x_1")["deleted"] is True


# ---- the next sync


def reading(*again: str, **fields: Any) -> changes.Watched:
    one = changes.reading(**fields)
    one.again = again
    return one


def carried(of: str, time: int = changes.W) -> Change:
    return changes.change(of, time, None)


def test_what_was_refused_is_asked_for_with_what_changed() -> None:
    one = reading("co_1", "co_2")

    *_, last = changes.run(one, {"updated": changes.W}, changes.event("co_2", "updated", changes.NOW - 60))

    changed, again = last
    assert isinstance(changed, ChangedPiece)
    assert [each.id for each in changed.changes] == ["co_2"]
    # It counts as changed at the watermark: what the destination has of it is no newer.
    assert again == ChangedPiece(0, (carried("co_1", changes.W),))


def test_after_a_gap_too_as_lists_may_hide_it() -> None:
    watermark = changes.NOW - 45 * changes.DAY

    *_, last = changes.run(reading("co_1"), {"updated": watermark})

    assert last == [ChangedPiece(0, (carried("co_1", watermark),))]


def test_parents_whose_children_were_refused_are_asked_for_theirs() -> None:
    one = reading("cus_1", "cus_2", parent="customer")
    named = changes.event("co_1", "updated", changes.NOW - 60, customer="cus_2")

    *_, last = changes.run(one, {"updated": changes.W}, named)

    assert last[1:] == [ParentsPiece(0, (ChangedParent("cus_1", (), since=changes.W),))]
    assert [piece.parents[0].id for piece in last if isinstance(piece, ParentsPiece)] == ["cus_2", "cus_1"]
    assert ChangedParent("cus_1", (), since=changes.W).time == changes.W


def test_streams_without_events_ask_for_it_beside_what_came_since() -> None:
    files = changes.listing("/v1/files")
    one = CreatedReading("files", "created", [files], 0, 600, ("file_1",))

    (phase,) = one.phases(changes.ACCOUNT, {"created": changes.W})

    assert phase.pieces == [
        ListPiece(0, (), Range(changes.W - 600, changes.NOW)),
        ChangedPiece(0, (carried("file_1", changes.NOW),)),
    ]


# ---- states


def test_the_states_on_the_way_carry_what_earlier_syncs_were_refused_and_the_last_one_what_still_is() -> None:
    refused = {
        "invoices": Refused("invoices", ("in_1",)),
        "invoice_line_items": Refused("invoice_line_items", ("in_2",)),
    }
    run = cursors.sync(followers={"invoice_line_items": "invoice_updated"}, refused=refused)
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    slices = run.slices()
    first = next(slices)
    run.states()
    refused["invoices"].put_down("in_3", refusal(400, "Odd."))
    run.close(first)
    assert run.states() == [
        ("invoices", {"updated": cursors.NOW, "done": 1, "refused": ["in_1", "in_3"]}),
        ("invoice_line_items", {"invoice_updated": cursors.NOW, "done": 1, "refused": ["in_2"]}),
    ]

    for _ in range(2):
        run.close(next(slices))
    with pytest.raises(AirbyteTracedException, match="The stream invoices was read but for one object: in_3"):
        next(slices)
    run.states()
    run.cursor.ensure_at_least_one_state_emitted()
    assert list(follower.stream_slices()) == []
    follower.ensure_at_least_one_state_emitted()

    assert run.states() == [
        ("invoices", {"updated": cursors.NOW, "done": 3, "refused": ["in_3"]}),
        ("invoice_line_items", {"invoice_updated": cursors.NOW, "done": 3}),
    ]


def test_a_follower_that_lacks_objects_says_so_itself() -> None:
    refused = {"invoice_line_items": Refused("invoice_line_items")}
    run = cursors.sync(followers={"invoice_line_items": "invoice_updated"}, refused=refused)
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    slices = run.slices()
    first = next(slices)
    refused["invoice_line_items"].put_down("in_3", refusal(400, "Odd."))
    run.close(first)
    for each in slices:
        run.close(each)

    with pytest.raises(AirbyteTracedException, match="The stream invoice_line_items was read but for one object: in_3"):
        list(follower.stream_slices())
    run.states()
    follower.ensure_at_least_one_state_emitted()

    assert run.states() == [("invoice_line_items", {"invoice_updated": cursors.NOW, "done": 3, "refused": ["in_3"]})]


def test_a_state_gives_the_refused_ids_and_older_ones_have_none() -> None:
    ours = {"updated": 7, "refused": ["src_1", "src_2"]}

    assert refused_in(ours) == ("src_1", "src_2")
    assert StreamState.parse(ours, stream="sources", cursor="updated") == StreamState(7)
    for older in ({"updated": 7}, {}, {"states": [], "use_global_cursor": True}):
        assert refused_in(older) == ()


@pytest.mark.parametrize("wrong", ["src_1", [7], [""], {"src_1": 1}, None])
def test_a_state_with_anything_else_is_refused_when_the_stream_is_read(wrong: Any) -> None:
    assert refused_in({"updated": 7, "refused": wrong}) == ()
    with pytest.raises(UnknownStateError):
        StreamState.parse({"updated": 7, "refused": wrong}, stream="sources", cursor="updated")
