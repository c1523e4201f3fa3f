"""The bulk account: a few kinds of objects in any number, for benchmarks."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING, Literal

from stripe_emulator import factory, facts
from stripe_emulator.accounts import bulk_samples
from stripe_emulator.accounts.bulk_samples import OWN, line_mark
from stripe_emulator.bulk import BulkChildren, BulkList, Sample, Values, token
from stripe_emulator.keys import Key
from stripe_emulator.rendering import EMBEDDED_ROWS
from stripe_emulator.store import Store

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

LIVE_KEY = "sk_live_emulator_51PqZ"
"""Who is to fill a live account's limits has to have a key of one. Nothing else of the account is live."""

Spread = Literal["even", "skewed"]

_DAY = 24 * 3600
_SPAN = 730 * _DAY
_BUSY_SHARE = 0.9
_BUSY_DAY = 500 * _DAY
_ROWS_OF_THE_BUSY_SECOND = 1000
_LAST_DAY = _DAY - 3600
"""Seconds of the changes: a sync that was up to date a day ago sees them all, and events that come late are none."""
_QUIET = 2 * _DAY
"""Seconds in which no other rows were made than those of the changes."""
_CHANGES_OF_A_NEW_ONE = 5
_TOLD = {
    "charge": ("charge.succeeded", "charge.updated"),
    "customer": ("customer.created", "customer.updated"),
    "invoice": ("invoice.created", "invoice.updated"),
    "payment_intent": ("payment_intent.created", "payment_intent.succeeded"),
    "payout": ("payout.created", "payout.updated"),
}
"""By kind, the events of a new object and of one that changed."""
_AGES = 20
"""The mean age of what changes is this part of the account's."""
_ROWS_OF_A_CUSTOMER = 20
_LISTS = {
    "balance_transaction": "/v1/balance_transactions",
    "charge": "/v1/charges",
    "customer": "/v1/customers",
    "dispute": "/v1/disputes",
    "invoice": "/v1/invoices",
    "payment_intent": "/v1/payment_intents",
    "payout": "/v1/payouts",
    "refund": "/v1/refunds",
}


@dataclass(frozen=True)
class Plan:
    """What the account holds.

    `rows` says how many of each kind. They were created over the last two years: evenly, or `skewed`, nine tenths of
    them on one day and 1,000 in one second of it. Each invoice has so many `lines`. The last day brought so many
    `changes` of all kinds that tell of theirs, a fifth of them new ones, the others the more of an age the younger.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    spread: Spread = "even"
    lines: int = 1
    changes: int = 0


def populate(emulator: StripeEmulator, plan: Plan) -> None:
    """Fill an empty emulator. Only the lists of `plan` have rows, and /v1/events those of its changes."""
    emulator.keys[LIVE_KEY] = Key(LIVE_KEY)
    # Stripe's accounts have them, and tap-stripe reads the name.
    settings = {"dashboard": {"display_name": "Tidepool", "timezone": "Etc/UTC"}}
    emulator.account = factory.changed("account", emulator.account, {"settings": settings})
    now, samples = emulator.clock.now(), bulk_samples.store(plan.lines)
    changes = plan.changes // max(len(_TOLD.keys() & plan.rows.keys()), 1)
    for kind, count in plan.rows.items():
        new = changes // _CHANGES_OF_A_NEW_ONE if kind in _TOLD else 0
        times = array("q", [*_times(count - new, now - _QUIET, plan.spread), *_evenly(new, now - _LAST_DAY, now)])
        lines = plan.lines if kind == "invoice" else 0
        rows = BulkList(_sample(kind, samples, lines), _values(times, lines), times)
        emulator.serve_bulk(_LISTS[kind], rows)
        if lines:
            emulator.serve_bulk("/v1/invoices/{invoice}/lines", _lines(rows, samples, lines))
        if new:
            _write_events(emulator, rows, new, changes, _TOLD[kind])


def _sample(kind: str, samples: Store, lines: int = 0) -> Sample:
    marks = (*bulk_samples.MARKS, *(line_mark(place) for place in range(min(lines, EMBEDDED_ROWS))))
    return Sample(f"{facts.kind(kind).prefix}_{OWN.decode()}", samples, marks)


def _times(count: int, until: int, spread: Spread) -> list[int]:
    """When so many rows were created (Unix time), oldest first."""
    since = until - _SPAN
    if spread == "even":
        return _evenly(count, since, until)
    busy = since + _BUSY_DAY
    in_a_second = min(_ROWS_OF_THE_BUSY_SECOND, count)
    on_the_day = max(int(count * _BUSY_SHARE) - in_a_second, 0)
    rest = _evenly(count - in_a_second - on_the_day, since, until)
    return sorted([*rest, *_evenly(on_the_day, busy, busy + _DAY), *[busy + _DAY // 2] * in_a_second])


def _evenly(count: int, since: int, until: int) -> list[int]:
    return [since + (until - since) * number // count for number in range(count)]


def _values(times: Sequence[int], lines: int) -> Values:
    """What fills in the marks of a row: its id, its customer's, its time, its amount, the ids of the lines it shows."""
    customers = max(len(times) // _ROWS_OF_A_CUSTOMER, 1)
    shown = min(lines, EMBEDDED_ROWS)

    def values(number: int) -> Sequence[bytes]:
        row = (token(number), token(number % customers), b"%d" % times[number], _amount(number))
        return (*row, *map(token, range(number * lines, number * lines + shown))) if lines else row

    return values


def _lines(invoices: BulkList, samples: Store, size: int) -> BulkChildren:
    def values(number: int) -> Sequence[bytes]:
        invoice = number // size
        return (token(number), token(invoice), b"%d" % invoices.times[invoice], _amount(number))

    return BulkChildren(_sample("line_item", samples), values, invoices, size)


def _amount(number: int) -> bytes:
    """Cents."""
    return b"%d" % (500 + number * 7919 % 50_000)


def _write_events(emulator: StripeEmulator, rows: BulkList, new: int, changes: int, names: tuple[str, str]) -> None:
    """The events of a day: the last `new` objects were made, and older ones changed."""
    old, until = len(rows.times) - new, emulator.clock.now()
    told = [(names[0], number, rows.times[number]) for number in range(old, len(rows.times))]
    changed = _younger_ones(old, min(changes - new, old))
    told += zip(repeat(names[1]), changed, _evenly(len(changed), until - _LAST_DAY, until), strict=False)
    template = rows.sample.template({})
    for name, number, at in told:
        emulator.write_event(name, at, template.filled([rows.values(number)]))


def _younger_ones(count: int, wanted: int) -> list[int]:
    """So many numbers below `count`, in no order, the higher the more likely."""
    rng, chosen = Random(1), dict[int, None]()
    while len(chosen) < wanted:
        chosen[count - 1 - int(rng.expovariate(_AGES / count)) % count] = None
    return list(chosen)
