"""What can happen to discounts: they stand in other objects, some in several, and have no list of their own."""

from __future__ import annotations

from collections.abc import Iterator

from integration_tests.company import Company
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator
from stripe_emulator.facts import Json
from stripe_emulator.store import Resource

_PLACES = {
    "customer": "discount",
    "subscription": "discounts",
    "subscription_item": "discounts",
    "invoice": "discounts",
    "invoiceitem": "discounts",
    "quote": "discounts",
}
"""By kind, the field where discounts stand."""
_NAMES = {
    "customer": "customer",
    "subscription": "subscription",
    "subscription_item": "subscription_item",
    "invoice": "invoice",
    "invoiceitem": "invoice_item",
}
"""By kind, the field of a discount that names what it was given to. None names a quote."""
_TOLD = ("customer", "subscription", "subscription_item", "invoice")
"""The kinds whose changes have events, or their parent's have: what others get, they get when they are made."""


def give(company: Company, which: int) -> None:
    """A discount for something: of what tells when it changes one that is there, of all else a new one."""
    kind = (*_PLACES,)[which % len(_PLACES)]
    holder = company.pick(kind, which, **({"test_clock": None} if kind == "customer" else {}))
    if kind not in _TOLD:
        given = company.create("discount", source={"coupon": None})["id"]
        customer = company.pick("customer", which, test_clock=None)
        new = company.create(kind, customer=customer and customer.key, discounts=[given])
        if kind in _NAMES:
            company.emulator.update(given, event=False, **{_NAMES[kind]: new["id"]})
    elif holder is None:
        return
    else:
        names = {_NAMES[kind]: holder.key}
        if kind == "subscription_item":
            names["subscription"] = holder.fields["subscription"]
        given = company.create("discount", **names)["id"]
        _put(company, holder, given)
    company.tell(given)


def give_again(company: Company, which: int) -> None:
    """An invoice gets the discount of something else."""
    given, invoice = company.pick("discount", which), company.pick("invoice", which // 2)
    if given is not None and invoice is not None:
        _put(company, invoice, given.key)
        company.tell(given.key)


def take_off(company: Company, which: int) -> None:
    """An invoice loses one, which may stand elsewhere."""
    found = [invoice for invoice in company.alive("invoice") if invoice.fields["discounts"]]
    if found:
        invoice = found[which % len(found)]
        first, *others = invoice.fields["discounts"]
        company.emulator.update(invoice.key, discounts=others)
        company.tell(first)


def change(company: Company, which: int) -> None:
    """A discount ends at another time. It is told by what it was given to, if it is there still."""
    found = [
        given
        for given in company.alive("discount")
        if any(_is_of(given, holder) for holder in _holders(company, given))
    ]
    if found:
        given = found[which % len(found)]
        company.emulator.update(given.key, end=company.now + company.number)
        for holder in _holders(company, given):
            if holder.kind == "customer":
                company.emulator.update(holder.key, event=False, discount=company.emulator.get(given.key))
        company.tell(given.key)


def remove(company: Company, which: int) -> None:
    """A discount is deleted: customers and subscriptions don't show it any more, other objects show that it is gone."""
    if found := company.pick("discount", which):
        holders = list(_holders(company, found))
        company.delete(found.key)
        for holder in holders:
            if holder.kind in ("customer", "subscription", "subscription_item"):
                _drop(company, holder, found.key)


def standing(emulator: StripeEmulator) -> set[str]:
    """The ids of the discounts that stand in any object that can be known."""
    held = (value for kind, field in _PLACES.items() for one in emulator.truth(kind) for value in values_at(one, field))
    return {_id(one) for value in held for one in (value if isinstance(value, list) else [value])}


def _id(value: str | Json) -> str:
    return value if isinstance(value, str) else str(value["id"])


def _holders(company: Company, given: Resource) -> Iterator[Resource]:
    for kind, field in _PLACES.items():
        for holder in company.alive(kind):
            held = holder.fields[field] or []
            if given.key in [_id(one) for one in (held if isinstance(held, list) else [held])]:
                yield holder


def _is_gone(company: Company, given: str) -> bool:
    found = company.emulator.store.get(given)
    return found is None or found.deleted


def _is_of(given: Resource, holder: Resource) -> bool:
    return holder.kind in _NAMES and given.fields[_NAMES[holder.kind]] == holder.key


def _put(company: Company, holder: Resource, given: str) -> None:
    if holder.kind == "customer":
        # A customer has one: the one that it had is gone.
        before = holder.fields["discount"]
        company.emulator.update(holder.key, discount=company.emulator.get(given))
        if before and not _is_gone(company, before["id"]):
            company.delete(before["id"])
    else:
        company.emulator.update(holder.key, discounts=list(dict.fromkeys([*holder.fields["discounts"], given])))


def _drop(company: Company, holder: Resource, given: str) -> None:
    if holder.kind == "customer":
        company.emulator.update(holder.key, discount=None)
    else:
        company.emulator.update(holder.key, discounts=[one for one in holder.fields["discounts"] if one != given])
