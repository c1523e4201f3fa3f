"""Histories of a connection with filters, which may be others at each sync; and whether its destination is right.

It holds what Stripe holds of what the filters want, by the emulator's own rules. Where filters become others, rows that
the new ones leave out are cleared first, as docs/filters.md tells users to: nothing says that those are unwanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from integration_tests.company import Company
from integration_tests.connection import Connection, Key, stream_rows
from integration_tests.connector import Json
from integration_tests.convergence import BREAKS, BROKEN, LATE, Replica, set_up
from integration_tests.histories import History, histories
from integration_tests.setup import QUICK, Setup
from source_stripe.catalog.list_parameters import all_parameters
from stripe_emulator import StripeEmulator, serve
from stripe_emulator import filters as rules

Filters = Mapping[str, Mapping[str, Any]]
"""By stream and parameter."""
_DAY = 86_400
CUSTOMERS = ("cus_first", "cus_second")
"""The ids of customers that are there from the beginning."""
_CREATED: tuple[Mapping[str, Any], ...] = ({"created": {"gte": 3 * _DAY}}, {"created": {"lt": 2 * _DAY}})
"""Since the beginning of the history."""
CHOICES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "charges": _CREATED,
    "checkout_sessions": ({"status": "open"}, {"status": ["complete", "expired"]}),
    "coupons": _CREATED,
    "customers": _CREATED,
    "file_links": ({"expired": True}, {"expired": False}),
    "invoices": ({"status": ["draft", "open"]}, {"status": "paid"}, *_CREATED),
    "payment_links": ({"active": True}, {"active": False}),
    "payment_methods": ({"customer": CUSTOMERS[0]}, {"customer": list(CUSTOMERS)}),
    "payouts": ({"status": "pending"}, {"status": ["paid", "failed"]}),
    "prices": ({"active": True}, {"active": False}),
    "products": ({"active": True}, *_CREATED),
    "quotes": ({"status": "draft"}, {"status": "accepted"}),
    "subscriptions": ({"customer": CUSTOMERS[0]}, {"status": "active"}, {"status": "canceled"}),
}
"""What streams may be filtered by."""
CHILDREN = {
    "checkout_sessions": "checkout_sessions_line_items",
    "invoices": "invoice_line_items",
    "quotes": "quotes_line_items",
    "subscriptions": "subscription_items",
}
"""Streams that are read with their parents."""
_BESIDE = ("refunds", "balance_transactions", "transfers")
"""Streams without filters."""


@dataclass(frozen=True)
class FilteredHistory:
    """A history, and the filters of each of its syncs; those of the last one count for any that follow."""

    history: History
    filters: tuple[Filters, ...]


@st.composite
def filtered_histories(draw: st.DrawFn, *, kills: bool, streams: tuple[str, ...] = ()) -> FilteredHistory:
    """Random filters on random streams; with `kills` half of the syncs are killed."""
    some = streams or draw(st.lists(st.sampled_from(sorted(CHOICES)), min_size=3, max_size=5, unique=True).map(tuple))
    beside = () if streams else draw(st.lists(st.sampled_from(_BESIDE), max_size=1))
    names = tuple(sorted({*some, *beside, *(CHILDREN[name] for name in some if name in CHILDREN)}))
    history = draw(histories(kills=kills, streams=names))
    one = st.fixed_dictionaries({name: st.sampled_from(CHOICES[name]) for name in some})
    first = draw(one)
    # Mostly they stay; else one becomes another, or goes.
    found = [first]
    for _ in history.rounds:
        now = dict(found[-1])
        if draw(st.integers(0, 4)) == 0:
            name = draw(st.sampled_from(some))
            chosen = draw(st.none() | st.sampled_from(CHOICES[name]))
            now.pop(name, None)
            if chosen is not None:
                now[name] = chosen
        found.append(now)
    return FilteredHistory(history, tuple(found))


@dataclass
class FilteredReplica(Replica):
    """A connection with filters."""

    filters: Filters = field(default_factory=dict)

    def filter(self, wanted: Filters) -> None:
        """Have these filters from now on, and clear what they leave out, of the streams whose filters are others."""
        changed = {name for name in {*wanted, *self.filters} if wanted.get(name) != self.filters.get(name)}
        self.filters, self.config = wanted, {"filters": wanted}
        for name in changed & {*self.connection.streams}:
            table = self.connection.table(name)
            self.connection.forget(name, [key for key, row in table.items() if not self._has(name, row)])
            there = {key[0] for key in self.connection.table(name)}
            if (child := CHILDREN.get(name)) is not None:
                owner = str(stream_rows()[child].all_parents[0].id_field)
                rows = self.connection.table(child).items()
                self.connection.forget(child, [key for key, row in rows if row[owner] not in there])

    def _has(self, stream: str, row: Json) -> bool:
        """Whether a row of the destination is what the filters want, by its own values."""
        return all(_agrees(row[all_parameters()[stream][name].field or ""], value) for name, value in self._of(stream))

    def _of(self, stream: str) -> list[tuple[str, Any]]:
        return list(self.filters.get(stream, {}).items())

    def _truth(self, stream: str) -> dict[Key, Json]:
        return {key: row for key, row in super()._truth(stream).items() if self._is_wanted(stream, row)}

    def _is_wanted(self, stream: str, row: Json) -> bool:
        store, about = self.company.emulator.store, stream_rows()[stream]
        if about.parent is not None:
            parent = store.get(row[str(about.parent.id_field)])
            return parent is not None and self._is_wanted(about.parent.stream, {"id": parent.key})
        resource = store.get(row["id"])
        return resource is not None and all(
            any(rules.shows(resource, {name: each}, store) for each in (value if isinstance(value, list) else [value]))
            for name, value in self._of(stream)
        )

    def _is_unsettled(self, stream: str, object_id: str, begun: int, now: int) -> bool:
        if super()._is_unsettled(stream, object_id, begun, now) or self._changed_unseen(stream, object_id):
            return True
        about, store = stream_rows()[stream], self.company.emulator.store
        child = store.get(object_id)
        if about.parent is None or child is None:
            return False
        parent = child.owner or child.fields.get(about.parent.name or "")
        return isinstance(parent, str) and self._is_unsettled(about.parent.stream, parent, begun, now)

    def _changed_unseen(self, stream: str, object_id: str) -> bool:
        """Whether the field of a filter changed without a trace."""
        unseen = self._unseen(stream, object_id)
        fields = {str(all_parameters()[stream][name].field) for name, _ in self._of(stream)}
        return bool(fields & unseen)


def _agrees(held: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return bool(wanted.get("gte", 0) <= held < wanted.get("lt", held + 1))
    return held in wanted if isinstance(wanted, list) else bool(held == wanted)


def play_filtered(drawn: FilteredHistory, setup: Setup = QUICK) -> FilteredReplica:
    """Let a history happen, and one more sync when all is quiet. AssertionError where a destination would be wrong."""
    history = drawn.history
    emulator, setup = StripeEmulator(), replace(setup, span=history.span)
    set_up(emulator, history)
    if history.breaks is not None:
        emulator.faults.at_random(BROKEN, seed=history.breaks, faults=BREAKS)
    beginning = emulator.clock.now()
    with serve(emulator):
        company = Company(emulator)
        for customer in CUSTOMERS:
            company.create("customer", id=customer)
        replica = FilteredReplica(company, Connection(history.streams), history.workers)
        for one, wanted in zip(history.rounds, drawn.filters, strict=False):
            emulator.event_delay = one.delay
            for change in one.changes:
                replica.happen(change)
            replica.filter(dated(wanted, beginning))
            replica.sync(one.kill, one.meanwhile, setup=setup)
        emulator.pass_time(LATE)
        emulator.clock.advance(1)
        replica.filter(dated(drawn.filters[-1], beginning))
        replica.sync(setup=setup)
    return replica


def dated(wanted: Filters, beginning: int) -> Filters:
    """The filters with the times that their bounds are in this history."""

    def moved(value: Any) -> Any:
        return {key: beginning + at for key, at in value.items()} if isinstance(value, dict) else value

    return {stream: {name: moved(value) for name, value in each.items()} for stream, each in wanted.items()}
