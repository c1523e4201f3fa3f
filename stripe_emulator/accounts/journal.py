"""What happens in an account, as a list of steps in Stripe's time, and the playing of them into the emulator.

The parts of the demo account write a script that runs past the present; `Journal.until` cuts it there. Because a step
only ever refers to objects of earlier steps, what is left is whole wherever the cut falls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

HOUR = 3600
DAY = 24 * HOUR
EVENT_RETENTION = 30 * DAY
"""Seconds for which Stripe lists an event."""

_ID_PREFIXES = {
    "balance_transaction": "txn",
    "charge": "ch",
    "checkout.session": "cs_test",
    "customer": "cus",
    "discount": "di",
    "dispute": "du",
    "invoice": "in",
    "invoice_payment": "inpay",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "price": "price",
    "product": "prod",
    "promotion_code": "promo",
    "refund": "re",
    "subscription": "sub",
    "subscription_item": "si",
}


@dataclass(frozen=True)
class Step:
    """One change to one object at Unix time `at`: it comes to be where `kind`, Stripe's name of the object, is given,
    else `fields` replace those it has. `event` is the type of the event that Stripe writes, None for the usual one."""

    at: int
    id: str
    fields: Mapping[str, Any]
    kind: str | None = None
    event: str | None = None


class Journal:
    """Collects steps, in any order. `rng` is the chance in all of them, ids included: one seed, one history."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self._steps: list[Step] = []

    def new_id(self, kind: str) -> str:
        return f"{_ID_PREFIXES[kind]}_{''.join(self.rng.choices(ascii_letters + digits, k=24))}"

    def create(self, at: int, kind: str, *, id: str | None = None, **fields: Any) -> str:  # noqa: A002
        """Write down that an object of `kind` came to be; returns its id."""
        object_id = id or self.new_id(kind)
        self._steps.append(Step(at, object_id, fields, kind=kind))
        return object_id

    def update(self, at: int, object_id: str, *, event: str | None = None, **fields: Any) -> None:
        self._steps.append(Step(at, object_id, fields, event=event))

    def until(self, now: int) -> list[Step]:
        """The steps up to and with Unix time `now`, in order of time; those of one second as they were written."""
        return sorted((step for step in self._steps if step.at <= now), key=lambda step: step.at)


def fold(steps: Iterable[Step]) -> list[Step]:
    """One creation per object, with the fields that its last step left, in order of creation."""
    created: dict[str, Step] = {}
    for step in steps:
        born = created.get(step.id, step)
        created[step.id] = replace(born, fields={**born.fields, **step.fields})
    return list(created.values())


def replay(emulator: StripeEmulator, steps: list[Step]) -> None:
    """Make the emulator's account what `steps`, in order of time, say, with the events that are still kept.

    What happened before the oldest event that Stripe would list is written as it ended, in one go.
    """
    now = emulator.clock.now()
    forgotten = now - EVENT_RETENTION
    for step in fold(step for step in steps if step.at <= forgotten):
        assert step.kind, f"{step.id} changed before it was created"
        emulator.create(step.kind, event=False, **_born(step))
    for step in steps:
        if step.at <= forgotten:
            continue
        emulator.clock.set(step.at)
        if step.kind:
            emulator.create(step.kind, **_born(step))
        else:
            emulator.update(step.id, event=step.event, **step.fields)
    emulator.clock.set(now)


def _born(step: Step) -> dict[str, Any]:
    """The fields of a new object. Discounts alone have no `created`."""
    created = {} if step.kind == "discount" else {"created": step.at}
    return {"id": step.id, **created, **step.fields}
