"""Every filter in an account: rows that match, rows that leave and enter, by lists, by events and got by their ids.

The emulator says by its own rules which objects a filter shows. A round has one filter of each stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from integration_tests.connection import Connection, Key, stream_rows
from integration_tests.connector import Json
from integration_tests.syncing import Sync, sync
from source_stripe.api.values import unix_seconds
from source_stripe.catalog.list_parameters import ListParameter, all_parameters
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, facts, filters, serve
from stripe_emulator.accounts import full

_HOUR, _DAY = 3_600, 86_400
_NEVER_CHANGED = ("events", "v2_core_events")
_ONE_WAY = {
    ("file_links", "expired"): (False, True),
    ("invoice_items", "pending"): (True, False),
}
"""What only turns from the one to the other."""
MADE_UP = {"string": ("alpha", "beta"), "id": ("x_alpha", "x_beta"), "timestamp": (1_800_000_000, 1_900_000_000)}


@dataclass(frozen=True)
class Case:
    """A filter of a stream."""

    stream: str
    name: str

    @property
    def parameter(self) -> ListParameter:
        return all_parameters()[self.stream][self.name]

    @property
    def kind(self) -> str:
        return stream_rows()[self.stream].object[0]

    @property
    def event(self) -> str | bool:
        """An event that makes an object be read again; none where the stream follows none."""
        row = stream_rows()[self.stream]
        own = facts.event_types(self.kind)
        told = [each for each in own if any(fnmatchcase(each, name) for name in row.events) and not row.says_gone(each)]
        return next((each for each in told if each.endswith(".updated")), told[0] if told else False)


def cases() -> list[Case]:
    """All filters that are the users' alone."""
    every = all_parameters().items()
    return [Case(stream, name) for stream, those in every for name, one in those.items() if one.use == "ok"]


@cache
def rounds() -> list[list[Case]]:
    """One filter of each stream a round."""
    found: list[list[Case]] = []
    # Children follow their parents: they have rounds of their own.
    for of_children in (False, True):
        of_streams: dict[str, list[Case]] = {}
        for case in cases():
            if bool(stream_rows()[case.stream].all_parents) == of_children:
                of_streams.setdefault(case.stream, []).append(case)
        most = max(map(len, of_streams.values()))
        found += [[each[number] for each in of_streams.values() if number < len(each)] for number in range(most)]
    return found


@dataclass
class Seen:
    """What came of a filter: before and after the changes the keys that it has, and those that it should have."""

    wanted: Any
    first: tuple[set[Key], set[Key]]
    asked: bool
    """Whether the list was asked for it."""
    leaves: Key | None = None
    enters: Key | None = None
    then: tuple[set[Key], set[Key]] = (set(), set())
    tombstones: frozenset[Key] = frozenset()


def play(of_round: list[Case]) -> dict[Case, Seen]:
    """Read an account by these filters, change it, and read it again."""
    emulator = StripeEmulator()
    _create_business(emulator)
    full.populate_beside(emulator)
    emulator.clock.advance(_HOUR)
    with serve(emulator):
        return _Round(emulator, of_round).play()


def _create_business(emulator: StripeEmulator) -> None:
    """A few of what the demo account has a thousand of, long ago."""
    now = emulator.clock.now()
    emulator.clock.set(now - 500 * _DAY)
    for number in range(4):
        customer = emulator.create("customer", email=f"{number}@example.com")["id"]
        product = emulator.create("product")["id"]
        price = emulator.create("price", product=product)
        method = emulator.create("payment_method", customer=customer)["id"]
        intent = emulator.create("payment_intent", customer=customer, payment_method=method)["id"]
        charge = emulator.create("charge", customer=customer, payment_intent=intent)["id"]
        subscription = emulator.create("subscription", customer=customer, items=[{"price": price}])["id"]
        parent = {"type": "subscription_details", "subscription_details": {"subscription": subscription}}
        invoice = emulator.create("invoice", customer=customer, parent=parent, lines=[{}])["id"]
        emulator.create("invoice_payment", invoice=invoice)
        emulator.create("checkout.session", customer=customer, payment_intent=intent)
        for kind in ("refund", "dispute"):
            emulator.create(kind, charge=charge, payment_intent=intent)
        payout = emulator.create("payout", automatic=True)["id"]
        emulator.create("balance_transaction", source=charge)
        emulator.attach(emulator.create("balance_transaction", source=charge)["id"], of=payout)
    emulator.clock.set(now)


class _Round:
    def __init__(self, emulator: StripeEmulator, of_round: list[Case]) -> None:
        self.emulator, self.cases = emulator, of_round
        streams = [case.stream for case in of_round]
        self.whole, self.filtered = Connection(streams), Connection(streams)

    def play(self) -> dict[Case, Seen]:
        self.sync(self.whole)
        values = {case: self.prepare(case) for case in self.cases}
        self.whole = Connection(self.whole.streams)
        self.sync(self.whole)
        wanted = {case: pair[0] for case, pair in values.items()}
        self.emulator.requests.clear()
        self.sync(self.filtered, wanted)
        asked = {case: self.was_asked(case) for case in self.cases}
        seen = {}
        for case in self.cases:
            there = self.there(case, wanted[case])
            seen[case] = Seen(wanted[case], (set(self.filtered.table(case.stream)), there), asked[case])
        for case in self.cases:
            self.change(case, seen[case], values[case][1])
        for connection in (self.whole, self.filtered):
            for case in self.cases:
                if stream_rows()[case.stream].cursor is None:
                    connection._rows.pop(case.stream, None)
        self.emulator.clock.advance(_HOUR)
        self.sync(self.whole)
        self.sync(self.filtered, wanted)
        for case in self.cases:
            newest = self.filtered._rows.get(case.stream, {})
            seen[case].then = set(self.filtered.table(case.stream)), self.there(case, wanted[case])
            seen[case].tombstones = frozenset(key for key, row in newest.items() if row.get("is_deleted"))
        return seen

    def sync(self, connection: Connection, wanted: Mapping[Case, Any] | None = None) -> Sync:
        chosen: dict[str, Json] = {}
        for case, value in (wanted or {}).items():
            chosen[case.stream] = {case.name: value}
        states = [*connection.states.values()]
        done = sync(self.emulator, connection.streams, states, filters=chosen or None)
        assert done.code == 0, done.output.errors
        connection.take(done.output)
        return done

    def rows(self, case: Case) -> dict[Key, Json]:
        """The rows of a stream, those that can be told apart by their ids."""
        return self.whole.table(case.stream)

    def there(self, case: Case, wanted: Any) -> set[Key]:
        """The keys of what the filter shows, by the emulator's own rules."""
        given = _nested(case, wanted)
        shown = {}
        for key, row in self.rows(case).items():
            resource = self.emulator.store.get(row["id"])
            assert resource is not None
            shown[key] = filters.shows(resource, given, self.emulator.store)
        return {key for key, matches in shown.items() if matches}

    def prepare(self, case: Case) -> tuple[Any, Any]:
        """Have an object that matches and one that does not. What the filter wants, and a value that it does not."""
        one = case.parameter
        rows = [row for row in self.rows(case).values() if _is_usable(row)]
        assert len(rows) > 1, f"{case.stream} needs two objects"
        held = dict.fromkeys(
            value for row in rows for value in map(_plain, values_at(row, str(one.field))) if value is not None
        )
        wanted: Any
        other: Any
        if (case.stream, case.name) in _ONE_WAY:
            wanted, other = _ONE_WAY[case.stream, case.name]
        elif one.op == "means" or one.type == "bool":
            wanted, other = True, False
        elif one.op == "all":
            wanted, other = ["merchant"], ["customer"]
        elif one.type == "enum":
            first = held if set(held) <= set(one.values) else {}
            wanted, other, *_ = dict.fromkeys((*first, *one.values))
        elif one.op == "named_by_type":
            wanted, other = (_named(row[str(one.field)]) for row in rows[:2])
            return wanted, other
        elif one.op in ("pattern", "any") or case.stream in _NEVER_CHANGED:
            wanted, other, *_ = held
            return wanted, other
        else:
            made_up = (11, 12) if one.type == "integer" else MADE_UP[one.type]
            wanted, other, *_ = dict.fromkeys((*held, *self.ids_of(case), *made_up))
        if not (one.op == "equals" and {str(wanted), str(other)} <= set(map(str, held))):
            self.put(case, rows[0], wanted, event=False)
            self.put(case, rows[1], other, event=False)
        if one.range:
            low, high = sorted((wanted, other))
            return ({"lte": wanted}, other) if wanted == low else ({"gte": high}, other)
        return wanted, other

    def ids_of(self, case: Case) -> list[str]:
        """The ids that there are of what an id is of."""
        of = case.parameter.of
        try:
            return [each["id"] for each in self.emulator.objects(of)] if of else []
        except KeyError:
            return []

    def put(self, case: Case, row: Json, value: Any, *, event: str | bool) -> None:
        """Give an object a value that the filter is about."""
        one = case.parameter
        path = str(one.field).removesuffix(".id")
        if one.op == "means":
            others = {None: "in_other", False: True, "not_started": "active"}
            value = one.means if value else others[one.means]
        elif one.op == "named_by_type":
            value = {"type": "inbound_transfer", "inbound_transfer": value}
        if path.startswith("items.data."):
            name = path.removeprefix("items.data.").removesuffix(".id")
            item = row["items"]["data"][0]["id"]
            whole = name in ("price", "plan")
            self.emulator.update(item, event=False, **{name: {"id": value} if whole else value})
            self.emulator.update(row["id"], event=event)  # type: ignore[arg-type]
            return
        first, *below = path.split(".")
        for name in reversed(below):
            value = {name: value}
        if case.name.startswith("payment.payment_"):
            value["type"] = case.name.removeprefix("payment.")
        self.emulator.update(row["id"], event=event, **{first: value})  # type: ignore[arg-type]

    def change(self, case: Case, seen: Seen, other: Any) -> None:
        """One that matches leaves and one that does not comes in; where neither can be, both change and stay."""
        rows = self.rows(case)
        usable = {key for key, row in rows.items() if _is_usable(row)}
        by_age = sorted(usable, key=lambda key: (unix_seconds(rows[key].get("created")) or 0, key))
        inside: list[Key] = []
        outside: list[Key] = []
        for key in by_age:
            (inside if key in seen.first[1] else outside).append(key)
        if case.stream in _NEVER_CHANGED:
            return
        if not case.parameter.mutable:
            for key in (inside[0], outside[0]):
                self.emulator.update(rows[key]["id"], event=case.event)  # type: ignore[arg-type]
            return
        seen.leaves = inside[-1]
        wanted = seen.wanted
        if isinstance(wanted, dict):
            (wanted,) = wanted.values()
        self.put(case, rows[seen.leaves], other, event=case.event)
        if (case.stream, case.name) not in _ONE_WAY:
            seen.enters = outside[-1]
            self.put(case, rows[seen.enters], wanted, event=case.event)

    def was_asked(self, case: Case) -> bool:
        path = str(stream_rows()[case.stream].path)
        name = case.name.replace(".", "[", 1) + "]" * ("." in case.name)
        of_list = (request for request in self.emulator.requests if fits(request.path, path))
        return any(param == name or param.startswith(f"{name}[") for request in of_list for param in request.params)


def fits(path: str, pattern: str) -> bool:
    """Whether a path is that of a list, whichever ids stand in it."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path) is not None


def _is_usable(row: Json) -> bool:
    """Whether one change decides what a filter makes of the row: a subscription has one item then."""
    return row["object"] != "subscription" or len(row["items"]["data"]) == 1


def _plain(value: Any) -> Any:
    value = value["id"] if isinstance(value, dict) and "id" in value else value
    return value if isinstance(value, str | int) else None


def _named(flow: Json) -> str:
    return str(flow[flow["type"]])


def _nested(case: Case, wanted: Any) -> Json:
    """A filter as the emulator reads parameters."""
    value = [wanted] if case.parameter.list and not isinstance(wanted, list) else wanted
    first, *below = case.name.split(".")
    for name in reversed(below):
        value = {name: value}
    return {first: value}
