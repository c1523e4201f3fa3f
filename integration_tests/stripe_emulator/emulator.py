"""The emulator: an account, its objects, and the changes that tests make to them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from integration_tests.stripe_emulator import events, factory, facts
from integration_tests.stripe_emulator.clock import Clock, unix_time
from integration_tests.stripe_emulator.events import Change
from integration_tests.stripe_emulator.facts import PINNED_VERSION, Json
from integration_tests.stripe_emulator.keys import Key
from integration_tests.stripe_emulator.pages import Selection
from integration_tests.stripe_emulator.rendering import rendered
from integration_tests.stripe_emulator.store import Resource, Store

Event = str | Literal[False] | None
"""Which event a change writes: a type, False for none, None for those that Stripe writes."""

_YEAR = 365 * 24 * 3600
_ACCOUNT: Json = {
    "business_type": "company",
    "capabilities": {"card_payments": "active", "transfers": "active"},
    "charges_enabled": True,
    "country": "US",
    "default_currency": "usd",
    "details_submitted": True,
    "email": "owner@example.com",
    "payouts_enabled": True,
    "type": "standard",
}
_OF_CONNECTED_ACCOUNTS = {"account", "bank_account", "capability", "card", "person"}
_CREATION_FIELDS = ("created", "date", "transacted_at")


@dataclass(frozen=True)
class Request:
    """One request that was answered; `pattern` is its path with ids replaced (`/v1/charges/{charge}`)."""

    method: str
    path: str
    params: dict[str, list[str]]
    status: int
    pattern: str


class StripeEmulator:
    """A Stripe account in memory, empty at first. Thread-safe.

    Serve it with `serve(emulator)`. `default_version` is the account's API version: that of its events, and of requests
    without a `Stripe-Version` header; `live_on` is what `POST /_emulator/live_on` lets happen.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.key = "sk_test_emulator_51PqZ"
        self.default_version = PINNED_VERSION
        self.url = ""
        self.requests: list[Request] = []
        self.connected: dict[str, StripeEmulator] = {}
        self.live_on: Callable[[], None] | None = None
        self.lock = threading.RLock()
        self.store = Store()
        self.keys: dict[str, Key] = {self.key: Key(self.key)}
        self.disabled: set[str] = set()
        opened = self.clock.now() - 3 * _YEAR
        self.account: Json = factory.make("account", _ACCOUNT, object_id="acct_1Emulator", created=opened)

    def create(
        self, kind: str, /, *, of: str | None = None, slot: str | None = None, event: Event = None, **fields: Any
    ) -> Json:
        """Make an object, whole, and write the event of its creation.

        Rows for embedded lists may be given as `lines=[{...}]`: they become objects of their own. `of` is the parent
        of an object that doesn't name it in a field (a checkout session's `item`, the payout of a balance transaction),
        `slot` which of the parent's lists it stands in, where there are several. Returns the object as the API shows
        it. Raises ValueError for unknown fields, ids that are taken and event types that don't fit.
        """
        with self.lock:
            lists = {row.field: fields.pop(row.field) for row in facts.embedded(kind) if row.field in fields}
            parents = self._parents(kind, fields, of)
            resource = self._add(kind, fields, of, slot)
            children = self._add_children(resource, lists)
            usual = events.on_creation(kind, resource.fields)
            self._announce(resource, _chosen(event, usual, kind), resource.at)
            for child in children if event is not False else ():
                self._announce(child, events.on_creation(child.kind, child.fields), child.at)
            if event is None and not usual:
                self._announce_parents(parents, resource.at)
            return self._shown(resource)

    def update(self, object_id: str, /, *, event: Event = None, **fields: Any) -> Json:
        """Change some fields and write the event of it. Hashes merge; null takes a key out of a map (metadata).

        Rows of an embedded list are replaced as a whole; a row whose `id` is there already keeps its other fields.
        Returns the object as the API shows it.
        """
        with self.lock:
            resource, now = self._existing(object_id), self.clock.now()
            before, parents = self._shown(resource), self._parents(resource.kind, resource.fields, resource.owner)
            lists = {row.field: fields.pop(row.field) for row in facts.embedded(resource.kind) if row.field in fields}
            self.store.replace(resource, factory.changed(resource.kind, resource.fields, fields))
            self._replace_children(resource, lists)
            after = self._shown(resource)
            usual = events.on_update(resource.kind, before, after)
            previous = events.previous_attributes(before, after)
            self._announce(resource, _chosen(event, usual, resource.kind, previous), now)
            if event is None and not usual:
                self._announce_parents(parents, now)
            return after

    def delete(self, object_id: str, /, *, event: Event = None) -> None:
        """Delete an object, as Stripe does: it leaves the lists, and `*.deleted` is written where there is such an
        event. Deleting a subscription cancels it: it stays, with status canceled."""
        with self.lock:
            resource, now = self._existing(object_id), self.clock.now()
            if resource.kind == "subscription":
                self.update(object_id, event=event, status="canceled", canceled_at=now, ended_at=now)
                return
            parents = self._parents(resource.kind, resource.fields, resource.owner)
            usual = events.on_deletion(resource.kind, resource.fields)
            self._announce(resource, _chosen(event, usual, resource.kind), now)
            self.store.remove(resource)
            if event is None and not usual:
                self._announce_parents(parents, now)

    def attach(self, object_id: str, /, *, of: str) -> None:
        """Say of which parent an object is that doesn't name it in a field: `attach("txn_1", of="po_1")`."""
        with self.lock:
            self.store.move(self._existing(object_id), of, None)

    def get(self, object_id: str, /) -> Json:
        """An object as the API shows it, nothing expanded. KeyError if there is none."""
        with self.lock:
            return self._shown(self._existing(object_id))

    def objects(self, kind: str, /) -> list[Json]:
        """Every object of a kind, newest first, those that lists hide by default too; deleted ones are gone."""
        with self.lock:
            return [self._shown(resource) for resource in Selection([self.store.shelf(kind)]).down()]

    def disable(self, *products: str) -> None:
        """Have an account that isn't set up for some products (`issuing`, `treasury`...; facts/products.json)."""
        if unknown := set(products) - set(facts.products()):
            raise ValueError(f"no such product: {', '.join(sorted(unknown))}; known: {', '.join(facts.products())}")
        self.disabled.update(products)

    def connect(self, **fields: Any) -> "StripeEmulator":
        """Connect an account to this one, its platform: it is one of /v1/accounts, and what it holds answers requests
        that name it in `Stripe-Account`. Returns the connected account; keys and requests are the platform's."""
        with self.lock:
            connected = StripeEmulator(clock=self.clock)
            connected.account = self.create("account", **{**_ACCOUNT, **fields})
            connected.lock = self.lock
            self.connected[connected.account["id"]] = connected
            return connected

    def restricted_key(self, *kinds: str) -> str:
        """A new restricted key that may read objects of some kinds only (`charge`, `event`)."""
        for kind in kinds:
            facts.kind(kind)
        return self._new_key("rk_test_emulator", frozenset(kinds))

    def expired_key(self) -> str:
        """A key that has expired."""
        return self._new_key("sk_test_emulator_old", None, expired=True)

    def _new_key(self, prefix: str, kinds: frozenset[str] | None, *, expired: bool = False) -> str:
        secret = f"{prefix}_{len(self.keys):04}"
        self.keys[secret] = Key(secret, kinds, expired)
        return secret

    def _existing(self, object_id: str) -> Resource:
        resource = self.store.get(object_id)
        if resource is None or resource.deleted:
            raise KeyError(f"no object {object_id!r}")
        return resource

    def _shown(self, resource: Resource) -> Json:
        shown: Json = orjson.loads(rendered(resource, self.store))
        return shown

    def _add(self, kind: str, given: Json, owner: str | None, slot: str | None) -> Resource:
        number = self.store.next_number()
        created = _created(given) or self.clock.now()
        object_id = given.get("id") or factory.object_id(facts.kind(kind).prefix, number)
        fields = factory.make(kind, given, object_id=object_id, created=created)
        if owner is not None and slot is None:
            slot = self._slot(kind, owner)
        key = store_key(kind, fields, owner, number)
        resource = Resource(kind, key, fields, _created(fields) or created, number, owner, slot)
        self.store.add(resource)
        return resource

    def _slot(self, kind: str, owner: str) -> str | None:
        parent = self.store.get(owner)
        slots = facts.slots(kind, parent.kind) if parent is not None else ()
        if len(slots) > 1:
            raise ValueError(f"{owner} has several lists of {kind}: say which one with slot=, of {', '.join(slots)}")
        return slots[0] if slots else None

    def _add_children(self, parent: Resource, lists: Mapping[str, Iterable[Json]]) -> list[Resource]:
        children = []
        for row in facts.embedded(parent.kind):
            for given in lists.get(row.field, ()):
                kind = given.get("object", row.kinds[0])
                if row.by is not None:
                    children.append(self._add(kind, {**given, row.by: parent.key}, None, None))
                else:
                    children.append(self._add(kind, given, parent.key, row.field))
        return children

    def _replace_children(self, parent: Resource, lists: Mapping[str, Iterable[Json]]) -> None:
        for row in facts.embedded(parent.kind):
            if row.field not in lists:
                continue
            old = {child.key: child for child in Selection(self.store.children(row, parent.key)).down()}
            rows = list(lists[row.field])
            kept = {given["id"]: given for given in rows if given.get("id") in old}
            for key, child in old.items():
                if key in kept:
                    self.store.replace(child, factory.changed(child.kind, child.fields, kept[key]))
                else:
                    self.store.remove(child)
            self._add_children(parent, {row.field: [given for given in rows if given.get("id") not in kept]})

    def _parents(self, kind: str, fields: Json, owner: str | None) -> list[tuple[Resource, Json]]:
        """The objects that show one of this kind in a list of theirs, with what they show now."""
        keys = [fields.get(row.by) if row.by else owner for row in facts.embeddings(kind) if row.shown]
        found = [self.store.get(key) for key in keys if isinstance(key, str)]
        return [(parent, self._shown(parent)) for parent in found if parent is not None and not parent.deleted]

    def _announce_parents(self, parents: list[tuple[Resource, Json]], at: int) -> None:
        """A change that has no event of its own is one of the object that shows it: a subscription's items, say."""
        for parent, before in parents:
            self._announce(parent, events.on_update(parent.kind, before, self._shown(parent)), at)

    def _announce(self, resource: Resource, changes: list[Change], at: int) -> None:
        """Write events of Unix time `at`. Those older than what /v1/events keeps are not kept at all."""
        log = self._log(resource)
        if not changes or log is None or at < self.clock.now() - events.RETENTION:
            return
        snapshot = rendered(resource, self.store)
        for change in changes:
            number = self.store.next_number()
            fields = events.event_fields(change.type, number, at, self.default_version)
            event = Resource("event", fields["id"], fields, at, number)
            event.rendered = events.event_json(fields, snapshot, change.previous)
            log.add(event)

    def _log(self, resource: Resource) -> Store | None:
        """Where events of an object are written: what belongs to a connected account is told to that account only."""
        account = resource.id if resource.kind == "account" else resource.fields.get("account")
        if resource.kind not in _OF_CONNECTED_ACCOUNTS or account in (None, self.account["id"]):
            return self.store
        connected = self.connected.get(account)
        return connected.store if connected else None


def store_key(kind: str, fields: Json, owner: str | None, number: int) -> str:
    """What the store calls an object: its id, or where that isn't unique or there is none, its parent and its name."""
    if kind == "capability":
        return f"{fields['account']}/{fields['id']}"
    if "id" in fields:
        return str(fields["id"])
    if kind not in facts.singletons():
        return f"{kind}/{number}"
    parent = fields.get("customer") or owner
    return f"{parent}/{kind}" if parent else kind


def _chosen(event: Event, usual: list[Change], kind: str, previous: Json | None = None) -> list[Change]:
    """The events that a change writes, given what the test asked for."""
    if event is None:
        return usual
    if event is False:
        return []
    events.check_type(event, kind)
    return [Change(event, previous)]


def _created(fields: Json) -> int | None:
    """Unix time of an object's creation, if its fields say."""
    for name in _CREATION_FIELDS:
        value = fields.get(name)
        if value is not None:
            return unix_time(value) if isinstance(value, str) else int(value)
    return None
