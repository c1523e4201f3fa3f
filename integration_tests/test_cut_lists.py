"""Lists that are cut in their objects, and whose endpoints lie about the rest: never is a part of one called whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from integration_tests.connection import stream_rows
from integration_tests.embedded import CASES, EXPAND, Account, Key
from integration_tests.syncing import Sync, sync
from integration_tests.test_children import CHILDREN
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, list_faults, serve
from stripe_emulator.faults import Fault

SIZE = 25
STREAMS = sorted({*CHILDREN, *(case.stream for case in CASES.values())})
# Where the lists are asked for: the parameter that names the object, where the path does not.
ENDPOINTS: Mapping[str, str | None] = {
    "/v1/accounts/{account}/external_accounts": None,
    "/v1/application_fees/{id}/refunds": None,
    "/v1/checkout/sessions/{session}/line_items": None,
    "/v1/credit_notes/{credit_note}/lines": None,
    "/v1/customers/{customer}/sources": None,
    "/v1/customers/{customer}/tax_ids": None,
    "/v1/file_links": "file",
    "/v1/financial_connections/accounts/{account}/owners": None,
    "/v1/invoice_payments": "invoice",
    "/v1/invoices/{invoice}/lines": None,
    "/v1/payment_intents/{intent}/amount_details_line_items": None,
    "/v1/payment_links/{payment_link}/line_items": None,
    "/v1/quotes/{quote}/computed_upfront_line_items": None,
    "/v1/quotes/{quote}/line_items": None,
    "/v1/refunds": "charge",
    "/v1/subscription_items": "subscription",
    "/v1/subscriptions": "customer",
    "/v1/tax/transactions/{transaction}/line_items": None,
    "/v1/transfers/{id}/reversals": None,
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account with a list of 25 rows in an object of each kind. Nobody changes it."""
    account = Account(StripeEmulator())
    for key, case in CASES.items():
        account.objects[key] = [case.make(account.emulator, [case.row(number) for number in range(SIZE)])]
    account.emulator.clock.advance(2)
    with serve(account.emulator):
        yield account


def read(account: Account, fault: Fault, *, times: int | None = None) -> Sync:
    """Read everything, while each endpoint of a nested list lies, always or that often."""
    emulator = account.emulator
    emulator.requests.clear()
    emulator.faults.met.clear()
    for endpoint, having in ENDPOINTS.items():
        emulator.faults.add(fault, on=endpoint, having=having, times=times)
    try:
        return sync(emulator, STREAMS, mode="full_refresh", expand=EXPAND, num_workers=8)
    finally:
        emulator.faults.clear()


def rows_of(done: Sync, account: Account, key: Key) -> list[Any]:
    """The list that an object went out with; none if it didn't go out."""
    (object_id,) = account.objects[key]
    found = [row for row in done.output.records(CASES[key].stream) if row["id"] == object_id]
    return [value for row in found for value in values_at(row, CASES[key].path)]


def check_whole(done: Sync, account: Account) -> None:
    """AssertionError unless all lists and all children came, whole and once."""
    assert done.output.errors == []
    assert done.output.statuses == dict.fromkeys(STREAMS, "COMPLETE")
    lists = account.lists()
    for key, ids in lists.items():
        (value,) = rows_of(done, account, key)
        (expected,) = ids.values()
        assert sorted(row["id"] for row in value["data"]) == sorted(expected), key
        assert value["has_more"] is False
    for name, key in CHILDREN.items():
        (expected,) = lists[key].values()
        own = {one for one in expected if account.emulator.get(one)["object"] in stream_rows()[name].object}
        found = done.output.ids(name)
        assert {one: found[one] for one in own} == dict.fromkeys(own, 1), name


@pytest.mark.parametrize(
    "fault", [list_faults.REVERSED, list_faults.TURNED, list_faults.SORTED], ids=lambda fault: fault.name
)
def test_lists_that_are_embedded_in_another_order_are_whole(account: Account, fault: Fault) -> None:
    done = read(account, fault)

    check_whole(done, account)
    asked = {request.pattern for request in account.emulator.requests}
    assert ENDPOINTS.keys() - asked == set()


LIES = [
    list_faults.NO_ROWS,
    list_faults.FIRST_TEN,
    list_faults.EVERY_OTHER,
    list_faults.REPEATED,
    list_faults.NOT_THERE,
    list_faults.about_another("invoice item", "ii_1", "invoice_item"),
]


@pytest.mark.parametrize("fault", LIES, ids=lambda fault: fault.name)
def test_a_list_that_was_wrong_once_is_read_again(account: Account, fault: Fault) -> None:
    check_whole(read(account, fault, times=1), account)


@pytest.mark.parametrize("fault", LIES, ids=lambda fault: fault.name)
def test_no_cut_list_goes_out(account: Account, fault: Fault) -> None:
    done = read(account, fault)

    assert done.code == 1
    cut = {case.stream for case in CASES.values()}
    assert {name for name, status in done.output.statuses.items() if status == "COMPLETE"} & cut == set()
    assert [key for key in CASES if rows_of(done, account, key)] == []
    lists = account.lists()
    for key, ids in lists.items():
        (expected,) = ids.values()
        for name in (name for name, other in CHILDREN.items() if other == key):
            assert set(done.output.ids(name)) & set(expected) == set(), name
