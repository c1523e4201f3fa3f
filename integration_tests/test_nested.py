"""The lists that Stripe embeds in objects, cut at ten: whole in every row, whatever sync brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from integration_tests.connection import stream_rows
from integration_tests.stripe_emulator import StripeEmulator, facts, serve
from integration_tests.stripe_emulator.facts import Json
from integration_tests.stripe_emulator.pages import Selection
from integration_tests.syncing import Sync, sync
from source_stripe.nesting import values_at
from tools.stripe_types import object_names

SIZES = (0, 1, 10, 11, 250)

Key = tuple[str, str]
"""An object's kind, and the list's field in it."""

Lists = Mapping[Key, Mapping[str, list[str]]]
"""The ids in a list, by the object's id."""
Syncs = Mapping[str, tuple[Sync, Lists]]

Make = Callable[[StripeEmulator, list[Json]], str]


def made(kind: str, path: str, **fields: Any) -> Make:
    """Makes an object with these rows in its list; returns its id."""
    return lambda emulator, rows: str(emulator.create(kind, **{path: rows, **fields})["id"])


def bank_login(emulator: StripeEmulator, rows: list[Json]) -> str:
    """A bank account, whose owners stand in its ownership."""
    account = str(emulator.create("financial_connections.account")["id"])
    ownership = emulator.create("financial_connections.account_ownership", of=account, owners=rows)["id"]
    emulator.update(account, ownership=ownership)
    return account


def tax_transaction(emulator: StripeEmulator, rows: list[Json]) -> str:
    """A tax transaction, found by the payment intent that it was made for."""
    transaction = str(emulator.create("tax.transaction", line_items=rows)["id"])
    tax = {"inputs": {"tax": {"calculation": "taxcalc_1"}}}
    intent = emulator.create("payment_intent", hooks=tax, status="processing")["id"]
    attempt = {"committed": {"transaction": transaction}, "status": "committed"}
    emulator.create("tax.association", payment_intent=intent, tax_transaction_attempts=[attempt])
    return transaction


def of_kinds(*kinds: str) -> Callable[[int], Json]:
    return lambda number: {"object": kinds[number % len(kinds)]}


@dataclass(frozen=True)
class Case:
    """An embedded list, and how it comes about.

    `change` is what has to happen to an object that is there already, so that Stripe tells of it; None where nothing
    tells. `expand` is what the config has to say for the list to be in the rows.
    """

    stream: str
    path: str
    make: Make
    change: Mapping[str, Any] | None = field(default_factory=lambda: {"metadata": {"changed": "yes"}})
    expand: bool = False
    row: Callable[[int], Json] = lambda _: {}


CASES = {
    ("account", "external_accounts"): Case(
        "accounts",
        "external_accounts",
        made("account", "external_accounts"),
        row=of_kinds("bank_account", "card"),
    ),
    ("application_fee", "refunds"): Case("application_fees", "refunds", made("application_fee", "refunds"), {}),
    ("charge", "refunds"): Case("charges", "refunds", made("charge", "refunds"), expand=True),
    ("checkout.session", "line_items"): Case(
        "checkout_sessions",
        "line_items",
        made("checkout.session", "line_items", status="open"),
        {"status": "complete"},
    ),
    ("credit_note", "lines"): Case("credit_notes", "lines", made("credit_note", "lines")),
    ("customer", "sources"): Case(
        "customers",
        "sources",
        made("customer", "sources"),
        row=of_kinds("bank_account", "card", "source"),
    ),
    ("customer", "subscriptions"): Case("customers", "subscriptions", made("customer", "subscriptions"), expand=True),
    ("customer", "tax_ids"): Case("customers", "tax_ids", made("customer", "tax_ids")),
    ("file", "links"): Case("files", "links", made("file", "links"), None),
    ("financial_connections.account_ownership", "owners"): Case(
        "financial_connections_accounts",
        "ownership.owners",
        bank_login,
        {"event": "financial_connections.account.refreshed_ownership"},
        expand=True,
    ),
    ("invoice", "lines"): Case("invoices", "lines", made("invoice", "lines")),
    ("invoice", "payments"): Case("invoices", "payments", made("invoice", "payments")),
    ("payment_intent", "amount_details.line_items"): Case(
        "payment_intents",
        "amount_details.line_items",
        made("payment_intent", "amount_details.line_items", amount_details={}, status="processing"),
        {"status": "succeeded"},
        expand=True,
    ),
    ("payment_link", "line_items"): Case("payment_links", "line_items", made("payment_link", "line_items")),
    ("quote", "computed.upfront.line_items"): Case(
        "quotes", "computed.upfront.line_items", made("quote", "computed.upfront.line_items")
    ),
    ("quote", "line_items"): Case("quotes", "line_items", made("quote", "line_items")),
    ("radar.value_list", "list_items"): Case("radar_value_lists", "list_items", made("radar.value_list", "list_items")),
    ("subscription", "items"): Case("subscriptions", "items", made("subscription", "items")),
    ("tax.transaction", "line_items"): Case("tax_transactions", "line_items", tax_transaction, None),
    ("transfer", "reversals"): Case("transfers", "reversals", made("transfer", "reversals")),
}
NO_CASE = {
    ("entitlements.active_entitlement_summary", "entitlements"): (
        "Events carry the summary, and nothing lists it. What is in it is the stream entitlements_active_entitlements."
    ),
    ("financial_connections.session", "accounts"): (
        "Nothing lists the sessions. The accounts are the stream financial_connections_accounts."
    ),
    ("tax.calculation", "line_items"): "Nothing lists the calculations. What came of them is in tax_transactions.",
    ("treasury.transaction", "entries"): (
        "Stripe does not expand it in a list. The entries are the stream treasury_transaction_entries."
    ),
}
EMBEDDED = {(row.parent, row.field): row for kind in object_names() for row in facts.embedded(kind)}
STREAMS = sorted({case.stream for case in CASES.values()})
EXPAND = {
    stream: [case.path.removesuffix(".owners") for case in CASES.values() if case.stream == stream and case.expand]
    for stream in {case.stream for case in CASES.values() if case.expand}
}


def test_every_list_has_a_case_or_a_reason() -> None:
    assert EMBEDDED.keys() == CASES.keys() | NO_CASE.keys()
    assert not CASES.keys() & NO_CASE.keys()
    assert len(EMBEDDED) == 24
    declared = {(name, path) for name, row in stream_rows().items() for path in row.nested}
    assert declared == {(case.stream, case.path) for case in CASES.values()} | {("account", "external_accounts")}


@dataclass
class Account:
    """An account with lists of all sizes in it: the objects that have them, by case."""

    emulator: StripeEmulator
    objects: dict[Key, list[str]] = field(default_factory=dict)

    def make(self) -> None:
        """Objects with lists of all sizes, new ones."""
        self.objects = {
            key: [case.make(self.emulator, [case.row(number) for number in range(size)]) for size in SIZES]
            for key, case in CASES.items()
        }

    def grow(self) -> None:
        """One row more in each list; Stripe tells that the object changed."""
        for key, case in CASES.items():
            for object_id in self.objects[key]:
                holder = self._holder(key, object_id)
                rows = [*({"id": row} for row in self._rows(key, object_id)), case.row(0)]
                self.emulator.update(holder, event=False, **{key[1]: rows})
                self.emulator.update(object_id, **(case.change or {}))

    def lists(self) -> Lists:
        """The ids in each list of each object, in Stripe's order."""
        return {key: {one: self._rows(key, one) for one in ids} for key, ids in self.objects.items()}

    def _holder(self, key: Key, object_id: str) -> str:
        """The object in which the list stands: the row, or one that the row names."""
        return str(self.emulator.get(object_id)["ownership"]) if key[1] == "owners" else object_id

    def _rows(self, key: Key, object_id: str) -> list[str]:
        shelves = self.emulator.store.children(EMBEDDED[key], self._holder(key, object_id))
        return [child.id for child in Selection(shelves).down()]


@pytest.fixture(scope="module")
def syncs() -> Iterator[Syncs]:
    """Syncs of one account, of all there is, what has changed, and what is new; and what its lists held then."""
    account = Account(StripeEmulator())
    emulator, done = account.emulator, {}
    with serve(emulator):
        account.make()
        emulator.clock.advance(2)
        done["all"] = sync(emulator, STREAMS, mode="full_refresh", expand=EXPAND), account.lists()
        state = sync(emulator, STREAMS, expand=EXPAND).output.state_messages
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
def test_a_list_is_whole_when_all_is_read(syncs: Syncs, key: Key) -> None:
    check(syncs["all"][0], key, syncs["all"][1], SIZES)


@pytest.mark.parametrize("key", CASES, ids=".".join)
def test_a_list_is_whole_in_what_is_new(syncs: Syncs, key: Key) -> None:
    check(syncs["new"][0], key, syncs["new"][1], SIZES)


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
