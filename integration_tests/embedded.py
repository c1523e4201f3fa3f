"""Objects with lists inside of every length, for each list that Stripe embeds, cut at ten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stripe_emulator import StripeEmulator, facts
from stripe_emulator.facts import Json
from stripe_emulator.pages import Selection
from tools.stripe_types import object_names

SIZES = (0, 1, 10, 11, 250)

Key = tuple[str, str]
"""An object's kind, and the list's field in it."""

Lists = Mapping[Key, Mapping[str, list[str]]]
"""The ids in a list, by the object's id."""
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
    ("radar.value_list", "list_items"): "The rows leave it out. The items are the stream radar_value_list_items.",
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
                self._add(key, self._holder(key, object_id), case.row(0))
                self.emulator.update(object_id, **(case.change or {}))

    def _add(self, key: Key, holder: str, row: Json) -> None:
        """One row more in a list; of some, an event tells."""
        embedded = EMBEDDED[key]
        kind = str(row.get("object", embedded.kinds[0]))
        if embedded.by is not None:
            self.emulator.create(kind, **{**row, embedded.by: holder})
        else:
            self.emulator.create(kind, of=holder, slot=embedded.field, **row)

    def lists(self) -> Lists:
        """The ids in each list of each object, in Stripe's order."""
        return {key: {one: self._rows(key, one) for one in ids} for key, ids in self.objects.items()}

    def _holder(self, key: Key, object_id: str) -> str:
        """The object in which the list stands: the row, or one that the row names."""
        return str(self.emulator.get(object_id)["ownership"]) if key[1] == "owners" else object_id

    def _rows(self, key: Key, object_id: str) -> list[str]:
        shelves = self.emulator.store.children(EMBEDDED[key], self._holder(key, object_id))
        return [child.id for child in Selection(shelves).down()]
