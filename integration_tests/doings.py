"""Doings: what can happen in a company, and the streams that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from integration_tests import discounting, steps
from integration_tests.company import Company
from integration_tests.silences import SILENCES, edits
from stripe_emulator.clock import rfc3339
from stripe_emulator.facts import Json

_DAY = 86_400


@dataclass(frozen=True)
class Doing:
    """Something that can happen: to which one of the objects, an integer says. `tells` are the streams that show it."""

    do: Callable[[Company, int], None]
    tells: AbstractSet[str]
    creates: bool = False


Fields = Callable[[Company, int], Json]


def happen(company: Company, doing: str, which: int) -> None:
    """Let a key of DOINGS happen. Of an object that there isn't, the creation happens instead."""
    company.count()
    DOINGS[doing].do(company, which)


def _customer(company: Company, which: int) -> str:
    """A customer's id; there is one then, if there was none."""
    customer = company.pick("customer", which, test_clock=None)
    return customer.key if customer else str(company.create("customer")["id"])


def _parent(company: Company, kind: str, which: int, **wanted: Any) -> str:
    found = company.pick(kind, which, **wanted)
    if found is None:
        happen(company, f"create {kind}", which)
        found = company.pick(kind, which, **wanted)
    return found.key if found else ""


def _rows(which: int, **fields: Any) -> list[Json]:
    """Rows of an embedded list: a few, or more than are shown."""
    return [dict(fields) for _ in range(12 if which % 9 == 8 else which % 4)]


def _coupon(company: Company, which: int) -> Json:
    """A coupon with an id of the user's choice: that of one that was deleted, as like as not."""
    code = f"COUPON{which % 3}"
    taken = any(row.key == code for row in company.alive("coupon"))
    return {"name": "new"} if taken else {"id": code, "name": f"number {company.number}"}


def _lines(company: Company, which: int) -> list[Json]:
    """Lines of an invoice: of a subscription, which gave its ids to lines once; some of an item; some of neither."""
    rows = _rows(which, amount=which)
    for number, row in enumerate(rows):
        row.update(_line(company, which + number))
    return rows


def _line(company: Company, which: int) -> Json:
    subscription = company.pick("subscription", which)
    if which % 3 == 0 or subscription is None:
        return {}
    of = {"subscription": subscription.key, "subscription_item": f"si_{which % 3}"}
    return {"parent": {"type": "subscription_item_details", "subscription_item_details": of}}


def _owner(company: Company, which: int) -> str | None:
    """Whose a source is: of every third, nobody's."""
    return _customer(company, which) if which % 3 else None


def _recent(company: Company, kind: str, which: int) -> str:
    """The id of one that was created in the last 14 days; there is one then, if there was none."""
    found = [row for row in company.alive(kind) if company.now - row.at < 14 * _DAY]
    return found[which % len(found)].key if found else str(company.create(kind)["id"])


def _test_clock(company: Company, which: int) -> str:
    return _parent(company, "test_helpers.test_clock", which)


_CREATIONS: Mapping[str, Fields] = {
    "billing.credit_grant": lambda company, which: {"customer": _customer(company, which)},
    "billing.credit_balance_transaction": lambda company, which: {
        "credit_grant": _parent(company, "billing.credit_grant", which)
    },
    "payment_record": lambda _, __: {},
    "payment_attempt_record": lambda company, which: {"payment_record": _recent(company, "payment_record", which)},
    "person": lambda company, which: {"account": _parent(company, "account", which)},
    "radar.value_list": lambda _, __: {},
    "radar.value_list_item": lambda company, which: {"value_list": _parent(company, "radar.value_list", which)},
    "setup_intent": lambda _, __: {"status": "requires_action"},
    "account": lambda company, _: {"email": f"{company.number}@example.com"},
    "application_fee": lambda _, which: {"refunds": _rows(which, amount=which)},
    "bank_account": lambda company, which: {"customer": _customer(company, which)},
    "card": lambda company, which: {"customer": _customer(company, which), "name": f"number {company.number}"},
    "charge": lambda _, which: {"amount": which, "status": ("succeeded", "pending")[which % 2]},
    "checkout.session": lambda _, which: {"status": "open", "line_items": _rows(which, quantity=which)},
    "coupon": _coupon,
    "credit_note": lambda _, which: {"lines": _rows(which, amount=which)},
    "customer": lambda company, _: {"name": f"number {company.number}"},
    "fee_refund": lambda company, which: {"fee": _parent(company, "application_fee", which), "amount": which},
    "invoice": lambda company, which: {"status": "draft", "lines": _lines(company, which)},
    "invoiceitem": lambda company, which: {"customer": _customer(company, which), "amount": which},
    "line_item": lambda company, which: {
        "invoice": _parent(company, "invoice", which),
        "amount": which,
        **_line(company, which),
    },
    "payment_link": lambda _, which: {"line_items": _rows(which)},
    "payment_method": lambda company, which: {"customer": _customer(company, which) if which % 2 else None},
    "payout": lambda _, which: {"status": "pending", "amount": which},
    "price": lambda company, which: {"active": which % 3 > 0, "nickname": f"number {company.number}"},
    "quote": lambda _, which: {"status": "draft", "line_items": _rows(which, quantity=which)},
    "product": lambda company, _: {"name": f"number {company.number}"},
    "refund": lambda company, which: {
        "charge": _parent(company, "charge", which),
        "amount": which,
        "status": "pending",
    },
    "review": lambda _, __: {"open": True},
    "source": lambda company, which: {
        "customer": _owner(company, which),
        "status": ("pending", "chargeable")[which % 2],
    },
    "subscription": lambda company, which: {"customer": _customer(company, which), "items": _rows(which or 1)},
    "subscription_item": lambda company, which: {
        "subscription": _parent(company, "subscription", which),
        "quantity": which,
    },
    "tax_id": lambda company, which: {"customer": _customer(company, which), "value": str(which)},
    "test_helpers.test_clock": lambda _, __: {},
    "transfer": lambda _, which: {"reversals": _rows(which, amount=which)},
    "transfer_reversal": lambda company, which: {"transfer": _parent(company, "transfer", which), "amount": which},
    "v2.core.account": lambda company, _: {"display_name": f"number {company.number}"},
    "v2.core.account_person": lambda company, which: {"account": _parent(company, "v2.core.account", which)},
}

_STREAMS: Mapping[str, set[str]] = {
    "billing.credit_grant": {"billing_credit_grants"},
    "billing.credit_balance_transaction": {"billing_credit_balance_transactions"},
    "discount": {"discounts"},
    "mandate": {"mandates"},
    "payment_record": {"payment_records", "payment_attempt_records"},
    "payment_attempt_record": {"payment_attempt_records"},
    "person": {"persons"},
    "radar.value_list_item": {"radar_value_list_items"},
    "setup_intent": {"setup_intents", "mandates"},
    "account": {"accounts"},
    "application_fee": {"application_fees", "application_fees_refunds"},
    "bank_account": {"bank_accounts", "customers"},
    "card": {"customer_cards", "customers"},
    "charge": {"charges", "mandates"},
    "checkout.session": {"checkout_sessions", "checkout_sessions_line_items"},
    "coupon": {"coupons"},
    "credit_note": {"credit_notes", "credit_notes_line_items"},
    "customer": {"customers", "discounts"},
    "fee_refund": {"application_fees", "application_fees_refunds"},
    "invoice": {"invoices", "invoice_line_items", "discounts"},
    "invoiceitem": {"invoice_items"},
    "line_item": {"invoices", "invoice_line_items"},
    "payment_link": {"payment_links"},
    "payment_method": {"payment_methods"},
    "payout": {"payouts"},
    "price": {"prices"},
    "product": {"products"},
    "quote": {"quotes", "quotes_line_items"},
    "refund": {"refunds", "charges"},
    "review": {"reviews"},
    "source": {"sources", "customers"},
    "subscription": {"subscriptions", "subscription_items", "discounts"},
    "subscription_item": {"subscriptions", "subscription_items", "discounts"},
    "tax_id": {"customer_tax_ids"},
    "transfer": {"transfers", "transfer_reversals"},
    "transfer_reversal": {"transfers", "transfer_reversals"},
    "v2.core.account": {"v2_core_accounts", "v2_core_account_persons"},
    "v2.core.account_person": {"v2_core_account_persons"},
}


def _creation(kind: str, **also: Callable[[Company, int], Any]) -> Doing:
    def do(company: Company, which: int) -> None:
        more = {name: value(company, which) for name, value in also.items()}
        company.create(kind, **{**_CREATIONS[kind](company, which), **more})

    return Doing(do, frozenset(_STREAMS.get(kind, ())), creates=True)


def _change(kind: str, fields: Fields, *, within: int | None = None, **wanted: Any) -> Doing:
    """A change of one of the objects with some values; `within` so many seconds of its creation, where no event tells
    of it and the connector looks back that far."""

    def do(company: Company, which: int) -> None:
        found = company.pick(kind, which, **wanted)
        if found is None:
            happen(company, f"create {kind}", which)
        elif within is None or company.now - found.at <= within:
            company.emulator.update(found.key, **fields(company, which))

    return Doing(do, frozenset(_STREAMS[kind]))


def _item_change(parent: str, *, within: int, **wanted: Any) -> Doing:
    """A change of a line item that no event tells of."""

    def do(company: Company, which: int) -> None:
        found = company.pick(parent, which, **wanted)
        items = [item for item in company.alive("item") if found and item.owner == found.key]
        if found and items and company.now - found.at <= within:
            company.emulator.update(items[which % len(items)].key, description=f"number {company.number}")

    return Doing(do, frozenset(_STREAMS[parent]))


def _deletion(kind: str, **wanted: Any) -> Doing:
    def do(company: Company, which: int) -> None:
        if found := company.pick(kind, which, **wanted):
            company.delete(found.key)

    return Doing(do, frozenset(_STREAMS[kind]))


def _attach_source(company: Company, which: int) -> None:
    if found := company.pick("source", which, customer=None):
        company.lost.pop(found.key, None)
        company.emulator.update(found.key, customer=_customer(company, which))


def _refund(company: Company, which: int) -> None:
    """A refund, and its charge says how much is refunded: only that is told to older accounts."""
    refund = company.create("refund", **_CREATIONS["refund"](company, which))
    company.emulator.update(refund["charge"], amount_refunded=company.number)


def _change_of_a_customers(kind: str, event: str | None = None) -> Doing:
    """A change of one that a customer has: of others nothing may tell."""

    def do(company: Company, which: int) -> None:
        if found := [row for row in company.alive(kind) if row.fields["customer"]]:
            company.emulator.update(found[which % len(found)].key, event=event, **_numbered(company, which))

    return Doing(do, frozenset(_STREAMS[kind]))


def _noted(name: str) -> Fields:
    """A value of a text that it never had before."""
    return lambda company, _: {name: f"number {company.number}"}


def _numbered(company: Company, _: int) -> Json:
    """Metadata that it never had before."""
    return {"metadata": {"number": str(company.number)}}


def _automatic_update() -> Doing:
    """The networks change a card that was saved: that has an event of its own."""

    def do(company: Company, which: int) -> None:
        if found := company.pick("payment_method", which):
            fields = _numbered(company, which)
            company.emulator.update(found.key, event="payment_method.automatically_updated", **fields)

    return Doing(do, frozenset(_STREAMS["payment_method"]))


def _try_setup(company: Company, which: int) -> None:
    """An attempt, of which its intent tells."""
    intent = _parent(company, "setup_intent", which)
    company.create("setup_attempt", setup_intent=intent)
    company.emulator.update(intent, status="requires_action", description=f"number {company.number}", event=_TRIED)


def _change_balance(company: Company, which: int) -> None:
    """What a customer owes, of which the customer tells."""
    customer = _customer(company, which)
    company.create("customer_balance_transaction", customer=customer, amount=which)
    company.emulator.update(customer, balance=company.number)


def _change_attempt(company: Company, which: int) -> None:
    """No event tells of it: it is read again as long as its record is."""
    found = company.pick("payment_attempt_record", which)
    record = found and company.emulator.store.get(found.fields["payment_record"])
    if found and record and company.now - record.at < 14 * _DAY:
        company.emulator.update(found.key, **_numbered(company, which))


_TRIED = "setup_intent.setup_failed"

DOINGS: Mapping[str, Doing] = {
    "name mandate": Doing(steps.name_mandate, frozenset({"mandates"}), creates=True),
    "change mandate": Doing(steps.change_mandate, frozenset({"mandates"})),
    "try setup": Doing(_try_setup, frozenset({"setup_attempts"}), creates=True),
    "change balance of customer": Doing(_change_balance, frozenset({"customer_balance_transactions"}), creates=True),
    "change payment_attempt_record": Doing(_change_attempt, frozenset({"payment_attempt_records"})),
    "change person": _change("person", _noted("first_name")),
    "give discount": Doing(discounting.give, frozenset({"discounts"}), creates=True),
    "give discount again": Doing(discounting.give_again, frozenset({"discounts"})),
    "take discount off": Doing(discounting.take_off, frozenset({"discounts"})),
    "change discount": Doing(discounting.change, frozenset({"discounts"})),
    "remove discount": Doing(discounting.remove, frozenset({"discounts"})),
    **{f"create {kind}": _creation(kind) for kind in _CREATIONS},
    "create customer on a test clock": _creation("customer", test_clock=_test_clock),
    **{
        f"create {kind} in the future": _creation(kind, created=lambda company, which: company.now + which * _DAY)
        for kind in ("charge", "invoice", "refund")
    },
    "create subscription on a test clock": _creation("subscription", test_clock=_test_clock),
    "change account": _change("account", lambda company, _: {"email": f"{company.number}@example.com"}),
    "change bank_account": _change("bank_account", _noted("account_holder_name")),
    "delete bank_account": _deletion("bank_account"),
    "change card": _change("card", _noted("name")),
    "change card as payment_method": _change_of_a_customers("card", "payment_method.updated"),
    "change bank_account as payment_method": _change_of_a_customers("bank_account", "payment_method.updated"),
    "delete card": _deletion("card"),
    "change charge": _change("charge", _noted("description")),
    "refund charge": _change("charge", lambda company, _: {"amount_refunded": company.number}),
    "complete checkout.session": _change(
        "checkout.session", lambda _, which: {"status": ("complete", "expired")[which % 2]}, status="open"
    ),
    "change item of checkout.session": _item_change("checkout.session", within=_DAY),
    "change coupon": _change("coupon", _noted("name")),
    "delete coupon": _deletion("coupon"),
    "change credit_note": _change("credit_note", _noted("memo")),
    "change customer": _change("customer", _noted("description")),
    "delete customer": _deletion("customer"),
    "finalize invoice": _change("invoice", lambda _, __: {"status": "open"}, status="draft"),
    "pay invoice": _change("invoice", lambda _, __: {"status": "paid"}, status="open"),
    "delete invoice": _deletion("invoice", status="draft"),
    "delete invoiceitem": _deletion("invoiceitem"),
    "change line_item": _change("line_item", _noted("description")),
    "delete line_item": _deletion("line_item"),
    "switch payment_link": _change("payment_link", lambda company, _: {"active": bool(company.number % 2)}),
    "change payment_method": _change("payment_method", _numbered),
    "attach payment_method": _change(
        "payment_method", lambda company, which: {"customer": _customer(company, which)}, customer=None
    ),
    "detach payment_method": _change("payment_method", lambda _, __: {"customer": None}),
    "update payment_method automatically": _automatic_update(),
    "change payout": _change("payout", _noted("description")),
    "end payout": _change("payout", lambda _, which: {"status": ("paid", "failed")[which % 2]}, status="pending"),
    "switch price": _change("price", lambda company, _: {"active": bool(company.number % 2)}),
    "change price": _change("price", _noted("nickname")),
    "delete price": _deletion("price"),
    "change item of quote": _item_change("quote", within=30 * _DAY, status="draft"),
    "accept quote": _change("quote", lambda _, __: {"status": "accepted"}, status="draft"),
    "change product": _change(
        "product", lambda company, _: {"description": f"number {company.number}", "updated": company.now}
    ),
    "delete product": _deletion("product"),
    "create refund": Doing(_refund, frozenset(_STREAMS["refund"]), creates=True),
    "change refund": _change("refund", _numbered),
    "fail refund": _change("refund", lambda _, __: {"status": "failed"}, status="pending"),
    "close review": Doing(steps.close_review, frozenset({"reviews"})),
    "change source": _change_of_a_customers("source"),
    "change source as payment_method": _change_of_a_customers("source", "payment_method.updated"),
    "attach source": Doing(_attach_source, frozenset(_STREAMS["source"])),
    "detach source": Doing(steps.detach_source, frozenset(_STREAMS["source"])),
    "fail source": _change("source", lambda _, __: {"status": "failed"}, status="pending"),
    "change subscription": _change("subscription", _noted("description")),
    "cancel subscription": _deletion("subscription"),
    "change subscription_item": _change("subscription_item", _numbered),
    "delete subscription_item": _deletion("subscription_item"),
    "change transfer": _change("transfer", _noted("description")),
    "change v2.core.account": _change("v2.core.account", _noted("display_name")),
    "identify v2.core.account": _change(
        "v2.core.account", lambda _, which: {"identity": {"country": ("us", "de", "jp")[which % 3]}}
    ),
    "close v2.core.account": _change("v2.core.account", lambda _, __: {"closed": True}, closed=False),
    "return from account link": Doing(steps.tell_of_nothing, frozenset(_STREAMS["v2.core.account"])),
    "change v2.core.account_person": _change(
        "v2.core.account_person",
        lambda company, _: {"given_name": f"number {company.number}", "updated": rfc3339(company.now)},
    ),
    "delete v2.core.account_person": _deletion("v2.core.account_person"),
    "change tax_id": _change("tax_id", lambda company, _: {"value": str(company.number)}),
    "delete tax_id": _deletion("tax_id"),
    **{name: Doing(*silence) for name, silence in {**SILENCES, **edits()}.items()},
}
