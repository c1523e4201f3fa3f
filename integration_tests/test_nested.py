"""The lists that Stripe embeds in objects, cut at ten: whole in every row, whatever sync brings it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from integration_tests.connection import stream_rows
from integration_tests.embedded import CASES, EMBEDDED, EXPAND, NO_CASE, SIZES, STREAMS, Account, Key, Lists
from integration_tests.syncing import Sync, sync
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.facts import Json

Syncs = Mapping[str, tuple[Sync, Lists]]


def test_every_list_has_a_case_or_a_reason() -> None:
    assert EMBEDDED.keys() == CASES.keys() | NO_CASE.keys()
    assert not CASES.keys() & NO_CASE.keys()
    assert len(EMBEDDED) == 24
    declared = {(name, path) for name, row in stream_rows().items() for path in row.nested}
    assert declared == {(case.stream, case.path) for case in CASES.values()} | {("account", "external_accounts")}


@pytest.fixture(scope="module")
def syncs() -> Iterator[Syncs]:
    """Syncs of one account, and what its lists held then: of all there is, the same as a first incremental sync, of
    what has changed, and of what is new."""
    account = Account(StripeEmulator())
    emulator, done = account.emulator, {}
    with serve(emulator):
        account.make()
        emulator.clock.advance(2)
        done["all"] = sync(emulator, STREAMS, mode="full_refresh", expand=EXPAND), account.lists()
        done["first"] = sync(emulator, STREAMS, expand=EXPAND), account.lists()
        state = done["first"][0].output.state_messages
        emulator.clock.advance(3600)
        account.grow()
        emulator.clock.advance(2)
        changed = sync(emulator, STREAMS, state, expand=EXPAND)
        done["changed"] = changed, account.lists()
        emulator.clock.advance(3600)
        account.make()
        emulator.clock.advance(2)
        new = sync(emulator, STREAMS, changed.output.state_messages, expand=EXPAND)
        done["new"] = new, account.lists()
        yield done


def check(done: Sync, key: Key, lists: Lists, sizes: Sequence[int]) -> None:
    """AssertionError unless a sync has brought the objects with their lists, which are of these sizes."""
    case = CASES[key]
    rows = {row["id"]: row for row in done.output.records(case.stream)}
    assert [len(ids) for ids in lists[key].values()] == list(sizes)
    for object_id, ids in lists[key].items():
        (embedded,) = values_at(rows[object_id], case.path)
        assert [row["id"] for row in embedded["data"]] == ids
        assert embedded["has_more"] is False


@pytest.mark.parametrize("key", CASES, ids=".".join)
@pytest.mark.parametrize("which", ["all", "first", "new"])
def test_a_list_is_whole(syncs: Syncs, which: str, key: Key) -> None:
    done, lists = syncs[which]
    check(done, key, lists, SIZES)


@pytest.mark.parametrize("key", [key for key in CASES if CASES[key].change is not None], ids=".".join)
def test_a_list_is_whole_in_what_has_changed(syncs: Syncs, key: Key) -> None:
    check(syncs["changed"][0], key, syncs["changed"][1], [size + 1 for size in SIZES])


def test_all_syncs_went_well(syncs: Syncs) -> None:
    for done, _ in syncs.values():
        assert done.output.errors == []
        assert done.code == 0


# ---- lists inside of what is expanded


def read(emulator: StripeEmulator, stream: str, *expand: str) -> Json:
    """The only row of a stream."""
    emulator.clock.advance(2)
    done = sync(emulator, [stream], mode="full_refresh", expand={stream: list(expand)} if expand else {})
    assert done.output.errors == []
    (row,) = done.output.records(stream)
    return row


def items(count: int) -> list[Json]:
    return [{"quantity": number} for number in range(count)]


def test_lists_of_lists_are_whole(emulator: StripeEmulator) -> None:
    emulator.create("customer", subscriptions=[{"description": str(number)} for number in range(12)])
    for subscription in emulator.objects("subscription"):
        emulator.update(subscription["id"], items=items(11))

    subscriptions = read(emulator, "customers", "subscriptions")["subscriptions"]["data"]

    assert [row["description"] for row in subscriptions] == [str(number) for number in range(11, -1, -1)]
    assert [len(row["items"]["data"]) for row in subscriptions] == [11] * 12
    assert not any(row["items"]["has_more"] for row in subscriptions)


def test_the_lists_of_an_expanded_object_are_whole(emulator: StripeEmulator) -> None:
    invoice = emulator.create("invoice", lines=[{"amount": number} for number in range(111)])["id"]
    emulator.create("subscription", latest_invoice=invoice, items=items(11))

    row = read(emulator, "subscriptions", "latest_invoice")

    assert [line["amount"] for line in row["latest_invoice"]["lines"]["data"]] == list(range(111))
    assert len(row["items"]["data"]) == 11
    paths = [request.path for request in emulator.requests]
    assert paths.count(f"/v1/invoices/{invoice}/lines") == 2


@pytest.mark.parametrize(
    ("kind", "path", "asked"),
    [
        ("transfer", "reversals", "/v1/transfers/{id}/reversals"),
        ("application_fee", "refunds", "/v1/application_fees/{id}/refunds"),
    ],
)
def test_what_may_be_of_several_kinds_is_completed_as_what_it_is(
    emulator: StripeEmulator, kind: str, path: str, asked: str
) -> None:
    rows: Json = {path: [{"amount": number} for number in range(11)]}
    source = emulator.create(kind, **rows)["id"]
    emulator.create("balance_transaction", source=source)

    row = read(emulator, "balance_transactions", "source")

    assert len(row["source"][path]["data"]) == 11
    assert asked.replace("{id}", source) in [request.path for request in emulator.requests]


def test_an_object_that_always_stands_in_another_has_its_lists_whole(emulator: StripeEmulator) -> None:
    file = emulator.create("file", links=[{} for _ in range(11)])
    emulator.create("reporting.report_run", status="succeeded", result=file)

    assert len(read(emulator, "reporting_report_runs")["result"]["links"]["data"]) == 11


def test_the_lists_of_what_is_expanded_in_a_child_are_whole(emulator: StripeEmulator) -> None:
    subscription = emulator.create("subscription", items=items(11))["id"]
    emulator.create("invoice", lines=[{"subscription": subscription}])

    row = read(emulator, "invoice_line_items", "subscription")

    assert len(row["subscription"]["items"]["data"]) == 11


def test_children_are_found_in_the_rows_of_a_list_beyond_the_tenth(emulator: StripeEmulator) -> None:
    discounts = [emulator.create("discount")["id"] for _ in range(12)]
    emulator.create("subscription", items=[{"discounts": [discount]} for discount in discounts])
    emulator.clock.advance(2)

    done = sync(emulator, ["discounts"], mode="full_refresh")

    assert done.output.ids() == dict.fromkeys(discounts, 1)


def test_the_own_account_has_all_its_bank_accounts(emulator: StripeEmulator) -> None:
    for _ in range(11):
        emulator.create("bank_account", account=emulator.account["id"])

    assert len(read(emulator, "account")["external_accounts"]["data"]) == 11


def test_rows_beyond_the_first_ten_are_expanded_as_those_are(emulator: StripeEmulator) -> None:
    discount = emulator.create("discount")
    lines = [{"amount": number, "discounts": [discount["id"]]} for number in range(11)]
    emulator.create("invoice", lines=lines)
    rate = emulator.create("tax_rate")
    bought = [{"taxes": [{"amount": number, "rate": rate}], "discounts": []} for number in range(11)]
    emulator.create("checkout.session", line_items=bought)

    lines_read = read(emulator, "invoices")["lines"]["data"]
    bought_read = read(emulator, "checkout_sessions")["line_items"]["data"]

    assert [line["discounts"] for line in lines_read] == [[discount]] * 11
    assert [[tax["amount"] for tax in item["taxes"]] for item in bought_read] == [[number] for number in range(11)]


def test_an_object_that_is_deleted_meanwhile_fails_nothing(emulator: StripeEmulator) -> None:
    ids = [emulator.create("invoice", lines=items(11), status="draft")["id"] for _ in range(2)]
    emulator.clock.advance(2)

    # The account is asked for first, the list second.
    meanwhile = {2: lambda: emulator.delete(ids[0])}
    done = sync(emulator, ["invoices"], mode="full_refresh", meanwhile=meanwhile, num_workers=1)

    assert done.output.errors == []
    assert done.code == 0
    found = {row["id"]: row["lines"] for row in done.output.records("invoices")}
    assert len(found[ids[1]]["data"]) == 11
    assert any(f"{ids[0]} is gone since it was listed" in log for log in done.output.logs)
