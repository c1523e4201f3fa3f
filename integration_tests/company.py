"""A company that lives on an emulated account: what can happen in it, and when a sync can know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from integration_tests.stripe_emulator import StripeEmulator, facts
from integration_tests.stripe_emulator.facts import Json
from integration_tests.stripe_emulator.store import Resource, parent_key

_DAY = 86_400
_SHOWN = 10
"""Rows that an event shows of an embedded list."""


class Trace(Enum):
    """What is left of an object that went out of Stripe's lists."""

    EVENT = "an event says so"
    PARENT = "an event of its parent says so"
    NOTHING = "nothing says so"


@dataclass(frozen=True)
class Loss:
    """When an object went out of the lists (Unix seconds), and what tells of it."""

    kind: str
    time: int
    trace: Trace


@dataclass(frozen=True)
class Touch:
    """An object's last change: the so-manyth one of the account, and the Unix time from which events tell of it."""

    number: int
    told_at: int


@dataclass
class Company:
    """Takes note of all that changes, whoever changes it. Objects are known by their ids."""

    emulator: StripeEmulator
    touched: dict[str, Touch] = field(default_factory=dict)
    lost: dict[str, Loss] = field(default_factory=dict)
    _number: int = 0
    _deleting: str | None = None
    _cut: set[tuple[str, str]] = field(default_factory=set)
    """Lists, by parent and field, of which events don't show all when something is deleted."""

    def __post_init__(self) -> None:
        store = self.emulator.store
        notes: dict[str, Callable[..., None]] = {
            "add": self._added,
            "replace": self._replaced,
            "remove": self._removed,
        }
        for name, note in notes.items():
            setattr(store, name, partial(note, getattr(store, name)))

    @property
    def number(self) -> int:
        """How many changes there were."""
        return self._number

    @property
    def now(self) -> int:
        return self.emulator.clock.now()

    def do(self, doing: str, which: int) -> None:
        """Let a key of DOINGS happen. Of an object that there isn't, the creation happens instead."""
        self._number += 1
        DOINGS[doing].do(self, which)

    def create(self, kind: str, **fields: Any) -> Json:
        return self.emulator.create(kind, **fields)

    def delete(self, object_id: str) -> None:
        self._deleting, self._cut = object_id, set(self._cut_lists(object_id))
        self.emulator.delete(object_id)
        self._deleting = None

    def alive(self, kind: str) -> list[Resource]:
        """The objects of a kind, oldest first."""
        with self.emulator.lock:
            return list(self.emulator.store.shelf(kind).up((-1, -(1 << 62)), None, None))

    def pick(self, kind: str, which: int, **wanted: Any) -> Resource | None:
        """One of the objects with some values, if there is any."""
        found = [row for row in self.alive(kind) if all(row.fields[name] == value for name, value in wanted.items())]
        return found[which % len(found)] if found else None

    def hide(self, resource: Resource) -> None:
        """Note that lists show an object no longer, though it is there."""
        self.lost[resource.key] = Loss(resource.kind, self.now, Trace.EVENT)

    def _added(self, add: Callable[[Resource], None], resource: Resource) -> None:
        add(resource)
        self.lost.pop(resource.key, None)
        self._touch(resource)

    def _replaced(self, replace: Callable[[Resource, Json], None], resource: Resource, fields: Json) -> None:
        replace(resource, fields)
        self._touch(resource)

    def _removed(self, remove: Callable[[Resource], None], resource: Resource) -> None:
        self.lost[resource.key] = Loss(resource.kind, self.now, self._trace(resource))
        remove(resource)
        self._touch(resource)

    def _touch(self, resource: Resource) -> None:
        delay = self.emulator.event_delay
        touch = Touch(self._number, self.now + (delay if isinstance(delay, int) else 0))
        for key in (resource.key, *(parent.key for parent, _ in self._lists_of(resource))):
            # Events may come late by more or by less: all of them have to be there.
            before = self.touched.get(key, touch)
            self.touched[key] = Touch(touch.number, max(touch.told_at, before.told_at))

    def _trace(self, resource: Resource) -> Trace:
        """What will tell that an object is gone, just before it goes."""
        if resource.key == self._deleting and f"{_STEMS.get(resource.kind, resource.kind)}.deleted" in _DELETIONS:
            return Trace.EVENT
        for parent, row in self._lists_of(resource):
            shown = row.shown and (parent.key, row.field) not in self._cut
            if shown and self._deleting in (resource.key, parent.key):
                return Trace.PARENT if self._deleting == resource.key else Trace.EVENT
        return Trace.NOTHING

    def _lists_of(self, resource: Resource) -> Iterator[tuple[Resource, facts.Embedded]]:
        for row in facts.embeddings(resource.kind):
            parent = self.emulator.store.get(parent_key(resource, row) or "")
            if parent is not None:
                yield parent, row

    def _cut_lists(self, object_id: str) -> Iterator[tuple[str, str]]:
        resource = self.emulator.store.get(object_id)
        if resource is not None:
            own = ((resource, row) for row in facts.embedded(resource.kind))
            for parent, row in (*own, *self._lists_of(resource)):
                if len(list(self._rows(parent, row))) > _SHOWN:
                    yield parent.key, row.field

    def _rows(self, parent: Resource, row: facts.Embedded) -> Iterator[Resource]:
        for shelf in self.emulator.store.children(row, parent.key):
            yield from shelf.up((-1, -(1 << 62)), None, None)


_STEMS = {"tax_id": "customer.tax_id", "bank_account": "customer.source"}
_DELETIONS = {
    "coupon.deleted",
    "customer.deleted",
    "customer.source.deleted",
    "customer.tax_id.deleted",
    "invoice.deleted",
    "invoiceitem.deleted",
    "price.deleted",
}


@dataclass(frozen=True)
class Doing:
    """Something that can happen: to which one of the objects, an integer says. `tells` are the streams that show it."""

    do: Callable[[Company, int], None]
    tells: frozenset[str]
    creates: bool = False


Fields = Callable[[Company, int], Json]


def _customer(company: Company, which: int) -> str:
    """A customer's id; there is one then, if there was none."""
    customer = company.pick("customer", which, test_clock=None)
    return customer.key if customer else str(company.create("customer")["id"])


def _parent(company: Company, kind: str, which: int, **wanted: Any) -> str:
    found = company.pick(kind, which, **wanted)
    if found is None:
        company.do(f"create {kind}", which)
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


def _test_clock(company: Company, which: int) -> str:
    return _parent(company, "test_helpers.test_clock", which)


_CREATIONS: Mapping[str, Fields] = {
    "account": lambda company, _: {"email": f"{company.number}@example.com"},
    "application_fee": lambda _, which: {"refunds": _rows(which, amount=which)},
    "balance_transaction": lambda _, which: {"status": "pending", "amount": which},
    "bank_account": lambda company, which: {"customer": _customer(company, which)},
    "charge": lambda _, which: {"amount": which, "status": ("succeeded", "pending")[which % 2]},
    "checkout.session": lambda _, which: {"status": "open", "line_items": _rows(which, quantity=which)},
    "coupon": _coupon,
    "credit_note": lambda _, which: {"lines": _rows(which, amount=which)},
    "customer": lambda company, _: {"name": f"number {company.number}"},
    "fee_refund": lambda company, which: {"fee": _parent(company, "application_fee", which), "amount": which},
    "invoice": lambda _, which: {"status": "draft", "lines": _rows(which, amount=which)},
    "invoiceitem": lambda company, which: {"customer": _customer(company, which), "amount": which},
    "line_item": lambda company, which: {"invoice": _parent(company, "invoice", which), "amount": which},
    "payment_link": lambda _, which: {"line_items": _rows(which)},
    "payment_method": lambda company, which: {"customer": _customer(company, which) if which % 2 else None},
    "price": lambda company, which: {"active": which % 3 > 0, "nickname": f"number {company.number}"},
    "quote": lambda _, which: {"status": "draft", "line_items": _rows(which, quantity=which)},
    "review": lambda _, __: {"open": True},
    "subscription": lambda company, which: {"customer": _customer(company, which), "items": _rows(which or 1)},
    "subscription_item": lambda company, which: {
        "subscription": _parent(company, "subscription", which),
        "quantity": which,
    },
    "tax_id": lambda company, which: {"customer": _customer(company, which), "value": str(which)},
    "test_helpers.test_clock": lambda _, __: {},
    "transfer": lambda _, which: {"reversals": _rows(which, amount=which)},
    "transfer_reversal": lambda company, which: {"transfer": _parent(company, "transfer", which), "amount": which},
}

_STREAMS: Mapping[str, set[str]] = {
    "account": {"accounts"},
    "application_fee": {"application_fees", "application_fees_refunds"},
    "balance_transaction": {"balance_transactions"},
    "bank_account": {"bank_accounts"},
    "charge": {"charges"},
    "checkout.session": {"checkout_sessions", "checkout_sessions_line_items"},
    "coupon": {"coupons"},
    "credit_note": {"credit_notes", "credit_notes_line_items"},
    "customer": {"customers"},
    "fee_refund": {"application_fees", "application_fees_refunds"},
    "invoice": {"invoices", "invoice_line_items"},
    "invoiceitem": {"invoice_items"},
    "line_item": {"invoices", "invoice_line_items"},
    "payment_link": {"payment_links"},
    "payment_method": {"payment_methods"},
    "price": {"prices"},
    "quote": {"quotes", "quotes_line_items"},
    "review": {"reviews"},
    "subscription": {"subscriptions", "subscription_items"},
    "subscription_item": {"subscriptions", "subscription_items"},
    "tax_id": {"customer_tax_ids"},
    "transfer": {"transfers", "transfer_reversals"},
    "transfer_reversal": {"transfers", "transfer_reversals"},
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
            company.do(f"create {kind}", which)
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


def _close_review(company: Company, which: int) -> None:
    if found := company.pick("review", which, open=True):
        company.hide(found)
        company.emulator.update(found.key, open=False, closed_reason="approved")


def _noted(name: str) -> Fields:
    """A value of a text that it never had before."""
    return lambda company, _: {name: f"number {company.number}"}


DOINGS: Mapping[str, Doing] = {
    **{f"create {kind}": _creation(kind) for kind in _CREATIONS},
    "create customer on a test clock": _creation("customer", test_clock=_test_clock),
    "create subscription on a test clock": _creation("subscription", test_clock=_test_clock),
    "change account": _change("account", lambda company, _: {"email": f"{company.number}@example.com"}),
    "settle balance_transaction": _change(
        "balance_transaction", lambda _, __: {"status": "available"}, within=14 * _DAY, status="pending"
    ),
    "change bank_account": _change("bank_account", _noted("account_holder_name")),
    "delete bank_account": _deletion("bank_account"),
    "change charge": _change("charge", _noted("description")),
    "refund charge": _change("charge", lambda company, _: {"amount_refunded": company.number}),
    "complete checkout.session": _change(
        "checkout.session", lambda _, which: {"status": ("complete", "expired")[which % 2]}, status="open"
    ),
    "note on checkout.session": _change(
        "checkout.session", lambda company, _: {"metadata": {"number": str(company.number)}}, within=_DAY
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
    "change invoiceitem": _change("invoiceitem", _noted("description"), within=31 * _DAY),
    "delete invoiceitem": _deletion("invoiceitem"),
    "change line_item": _change("line_item", _noted("description")),
    "delete line_item": _deletion("line_item"),
    "switch payment_link": _change("payment_link", lambda company, _: {"active": bool(company.number % 2)}),
    "change payment_method": _change(
        "payment_method", lambda company, _: {"metadata": {"number": str(company.number)}}
    ),
    "attach payment_method": _change(
        "payment_method", lambda company, which: {"customer": _customer(company, which)}, customer=None
    ),
    "detach payment_method": _change("payment_method", lambda _, __: {"customer": None}),
    "switch price": _change("price", lambda company, _: {"active": bool(company.number % 2)}),
    "change price": _change("price", _noted("nickname")),
    "delete price": _deletion("price"),
    "change quote": _change("quote", _noted("description"), within=30 * _DAY, status="draft"),
    "change item of quote": _item_change("quote", within=30 * _DAY, status="draft"),
    "accept quote": _change("quote", lambda _, __: {"status": "accepted"}, status="draft"),
    "close review": Doing(_close_review, frozenset({"reviews"})),
    "change subscription": _change("subscription", _noted("description")),
    "cancel subscription": _deletion("subscription"),
    "change subscription_item": _change(
        "subscription_item", lambda company, _: {"metadata": {"number": str(company.number)}}
    ),
    "delete subscription_item": _deletion("subscription_item"),
    "change transfer": _change("transfer", _noted("description")),
    "change tax_id": _change("tax_id", lambda company, _: {"value": str(company.number)}),
    "delete tax_id": _deletion("tax_id"),
}
