"""Every filter in whole syncs: asked for in lists, tested on rows that come by events, and left.

Each round reads an account by one filter of each stream, changes it, and reads it again.
"""

from __future__ import annotations

from functools import cache

import pytest

from integration_tests.connection import Connection, stream_rows, synced
from integration_tests.filtering import Case, Seen, cases, play, rounds
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.pushing import Level, may_be_asked
from source_stripe.catalog.sync_plan import Way, plan_of
from stripe_emulator import StripeEmulator

ALL = [pytest.param(case, id=f"{case.stream}-{case.name}") for case in cases()]
MUTABLE = [pytest.param(case, id=f"{case.stream}-{case.name}") for case in cases() if case.parameter.mutable]


@cache
def played(number: int) -> dict[Case, Seen]:
    return play(rounds()[number])


def seen(case: Case) -> Seen:
    (number,) = (number for number, of_round in enumerate(rounds()) if case in of_round)
    return played(number)[case]


def is_asked(case: Case, wanted: object) -> bool:
    """Whether a first sync asks the list for it: not where rows have to be watched, or killed syncs leave no state."""
    row = filtered(stream_rows(), {case.stream: {case.name: wanted}})[case.stream]
    level = (
        Level.AGAIN if plan_of(row, stream_rows()).way in (Way.WHOLE, Way.NEW_CHILDREN) and row.cursor else Level.FIRST
    )
    return all(may_be_asked(each, level, row) for each in row.filters)


@pytest.mark.parametrize("case", ALL)
def test_a_list_is_asked_for_it_and_shows_what_matches(case: Case) -> None:
    read, matching = seen(case).first
    assert matching
    assert read == matching
    assert seen(case).asked == is_asked(case, seen(case).wanted)


@pytest.mark.parametrize("case", ALL)
def test_rows_that_events_name_are_tested(case: Case) -> None:
    read, matching = seen(case).then
    assert read == matching


@pytest.mark.parametrize("case", MUTABLE)
def test_a_row_that_leaves_makes_a_tombstone_and_one_that_enters_comes(case: Case) -> None:
    leaves, enters = seen(case).leaves, seen(case).enters
    read, _ = seen(case).then
    assert leaves not in read
    assert leaves in seen(case).first[0]
    if stream_rows()[case.stream].cursor is not None:
        assert leaves in seen(case).tombstones
    assert enters is None or enters in read


def test_they_are_as_many_as_there_are() -> None:
    assert (len(ALL), len(MUTABLE)) == (210, 97)


def test_without_filters_states_say_nothing_of_them(emulator: StripeEmulator) -> None:
    emulator.create("charge")
    connection = Connection(["charges"])
    synced(emulator, connection)
    state = connection.states["charges"]["stream"]["stream_state"]
    assert state["read_with"] == {"account": emulator.account["id"], "live": False}


def test_other_filters_read_the_stream_anew_and_a_warning_says_what_stays(emulator: StripeEmulator) -> None:
    one, other = (emulator.create("invoice", customer=emulator.create("customer")["id"]) for _ in range(2))
    connection = Connection(["invoices"])
    synced(emulator, connection, filters=[f"invoices.customer={one['customer']}"])
    assert {*connection.table("invoices")} == {(one["id"],)}

    done = synced(emulator, connection, filters=[f"invoices.customer={other['customer']}"])
    assert {*connection.table("invoices")} == {(one["id"],), (other["id"],)}
    assert any("its filters are others than at the last sync" in line for line in done.lines)

    quiet = synced(emulator, connection, filters=[f"invoices.customer={other['customer']}"])
    assert not any("its filters are others" in line for line in quiet.lines)
    assert [request.path for request in emulator.requests if request.path == "/v1/invoices"] == []


def test_a_foreign_object_that_an_event_shows_costs_nothing(emulator: StripeEmulator) -> None:
    one, other = (emulator.create("charge") for _ in range(2))
    refunds = [emulator.create("refund", charge=each["id"]) for each in (one, other)]
    emulator.clock.advance(2 * 86_400)
    connection = Connection(["refunds"])
    wanted = [f"refunds.charge={one['id']}"]
    synced(emulator, connection, filters=wanted)
    for refund in refunds:
        emulator.update(refund["id"], description="changed", event="refund.updated")

    synced(emulator, connection, filters=wanted)
    asked = [request for request in emulator.requests if request.path.startswith("/v1/refunds")]
    assert all(other["id"] not in str(request) and refunds[1]["id"] not in request.path for request in asked)
    assert [row["description"] for row in connection.table("refunds").values()] == ["changed"]


def test_children_follow_their_parents(emulator: StripeEmulator) -> None:
    invoices = [emulator.create("invoice", status=status, lines=[{}]) for status in ("draft", "open", "draft")]
    lines = {invoice["id"]: invoice["lines"]["data"][0]["id"] for invoice in invoices}
    connection = Connection(["invoice_line_items", "invoices"])
    synced(emulator, connection, filters={"invoices": {"status": "draft"}})
    drafts = [invoices[0]["id"], invoices[2]["id"]]
    assert {key[-1] for key in connection.table("invoice_line_items")} == {lines[each] for each in drafts}

    emulator.update(invoices[0]["id"], status="open")
    synced(emulator, connection, filters={"invoices": {"status": "draft"}})
    assert {key[-1] for key in connection.table("invoice_line_items")} == {lines[invoices[2]["id"]]}


def test_what_belongs_to_a_customer_comes_when_the_customer_comes_into_the_filter(emulator: StripeEmulator) -> None:
    customers = [emulator.create("customer", email=f"{name}@example.com")["id"] for name in ("ann", "bob")]
    methods = [emulator.create("payment_method", customer=each)["id"] for each in customers]
    connection = Connection(["customer_payment_methods"])
    wanted = ["customers.email=ann@example.com"]
    synced(emulator, connection, filters=wanted)
    assert {key[0] for key in connection.table("customer_payment_methods")} == {methods[0]}

    emulator.update(methods[1], metadata={"a": "b"})
    synced(emulator, connection, filters=wanted)
    assert {key[0] for key in connection.table("customer_payment_methods")} == {methods[0]}

    emulator.update(customers[0], email="anna@example.com")
    emulator.update(customers[1], email="ann@example.com")
    synced(emulator, connection, filters=wanted)
    assert methods[1] in {key[0] for key in connection.table("customer_payment_methods")}
