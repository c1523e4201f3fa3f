"""The emulator: an account, its objects, and the changes that tests make to them."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Literal

import orjson

from stripe_emulator import events, factory, facts, legacy, passing_time
from stripe_emulator.backlog import Backlog
from stripe_emulator.bulk import Bulk
from stripe_emulator.clock import Clock
from stripe_emulator.connected import Connected, Fill
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.faults import Faults
from stripe_emulator.keys import Key
from stripe_emulator.limits import Traffic
from stripe_emulator.objects import Objects
from stripe_emulator.pages import Selection
from stripe_emulator.rendering import document, rendered, tree
from stripe_emulator.store import Resource, Store
from stripe_emulator.truth import can_be_known
from stripe_emulator.versions import at_version

Event = str | Literal[False] | None
"""Which event a change writes: a type, False for none, None for those that Stripe writes."""

Delay = int | Callable[[Json], int]
"""By how many seconds events come late; a function is given the event, without its `data`."""

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
_ENDED = ("canceled", "incomplete_expired")


@dataclass(frozen=True)
class _View:
    """An object as lists show it, and as events of it do: they may be of an older API version."""

    listed: Json
    told: Json


@dataclass(frozen=True)
class Request:
    """One request that was answered; `pattern` is its path with ids replaced (`/v1/charges/{charge}`), `account` the
    one that its headers name."""

    method: str
    path: str
    params: dict[str, list[str]]
    status: int
    pattern: str
    account: str | None = None


class StripeEmulator:
    """A Stripe account in memory, empty at first. Thread-safe.

    Serve it with `serve(emulator)`. Each account, a connected one too, has settings of its own:

    - `default_version`: its API version, `2022-11-15` say. Events written from now on are of it; lists and objects stay
      at the pinned one. Requests without a `Stripe-Version` header are answered as if they had named it.
    - `event_delay`: /v1/events has what is written from now on only so many seconds after it happened, 600 at most;
      or a function that tells for each event. What the event is about can be seen at once.
    - `refuses_unknown_types`: /v1/events refuses `types[]` of which it has no event, also a name that one had once.
      (What Stripe does is unknown.)
    - `lists_thin_events`: /v2/core/events has a thin `v1.*` event beside each snapshot. (Likewise.)
    - `shuffle_same_second`: chance that puts the events of one second into some order, and leaves them in it; without
      one they stand newest first.
    - `is_platform`: one that is none has no connected accounts, and is told so; connected accounts are none.
    - `guess`: is called each time that Stripe's reference leaves open whether it tells of a change (`?` in
      facts/told.json), and answers; without it Stripe does not.
    - `traffic`: how long answers take and how many requests pass, `emulator.traffic.limits = Limits(latency=0.3)`;
      `faults`: what goes wrong with which of them (faults.py).
    - `live_on`: what `POST /_emulator/live_on` lets happen.
    """

    def __init__(self, *, clock: Clock | None = None, account: Json | None = None) -> None:
        self.clock = clock or Clock()
        self.key = "sk_test_emulator_51PqZ"
        self.default_version = PINNED_VERSION
        self.event_delay: Delay = 0
        self.refuses_unknown_types = False
        self.lists_thin_events = False
        self.shuffle_same_second: Random | None = None
        self.guess: events.Guess = events.never
        self.url = ""
        self.requests: list[Request] = []
        self.is_platform = True
        self.live_on: Callable[[], None] | None = None
        self.bulk: dict[str, Bulk] = {}
        self.traffic = Traffic()
        self.faults = Faults()
        self.lock = threading.RLock()
        self._store = Store()
        self._objects = Objects(self._store, self.clock)
        self._backlog = Backlog()
        self.keys: dict[str, Key] = {self.key: Key(self.key)}
        self.disabled: set[str] = set()
        opened = self.clock.now() - 3 * _YEAR
        self.account: Json = account or factory.make("account", _ACCOUNT, object_id="acct_1Emulator", created=opened)
        self.organization: dict[str, StripeEmulator] = {}

    @cached_property
    def connected(self) -> Connected:
        """The accounts that are connected to this one."""
        return Connected(self)

    @property
    def store(self) -> Store:
        """What the account holds, with the events that can be seen by now."""
        for event in self._backlog.take(self.clock.now()):
            self._store.add(event)
        return self._store

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
            resource = self._objects.add(kind, fields, of, slot)
            children = self._objects.add_children(resource, lists)
            names = _chosen(event, events.on_creation(kind, resource.fields), kind)
            self._announce(resource, names, resource.at)
            for child in children if event is not False else ():
                self._announce(child, events.on_creation(child.kind, child.fields), child.at)
            self._announce_parents(names, parents, resource.at)
            return self._shown(resource)

    def update(self, object_id: str, /, *, event: Event = None, **fields: Any) -> Json:
        """Change some fields and write the event of it. Hashes merge; null takes a key out of a map (metadata).

        A card, source or bank account is changed as a payment method with `event="payment_method.updated"`.

        Rows of an embedded list are replaced as a whole; a row whose `id` is there already keeps its other fields.
        Returns the object as the API shows it.
        """
        with self.lock:
            resource, now = self._existing(object_id), self.clock.now()
            old, before = resource.fields, self._view(resource, event)
            parents = self._parents(resource.kind, resource.fields, resource.owner)
            lists = {row.field: fields.pop(row.field) for row in facts.embedded(resource.kind) if row.field in fields}
            changed = self._objects.change(resource, fields) | self._objects.replace_children(resource, lists)
            after = self._view(resource, event)
            # Some of it is shown to who asks for it only, and told of all the same. v2 shows that as null.
            listed = ({}, {}) if resource.kind.startswith("v2.") else (before.listed, after.listed)
            known = ({**old, **listed[0]}, {**resource.fields, **listed[1]})
            usual = events.on_update(resource.kind, *known, self.guess) if changed else []
            names = _chosen(event, usual, resource.kind)
            self._announce(resource, names, now, self._previous(resource, before, after))
            self._announce_parents(names, parents, now)
            return self._shown(resource)

    def delete(self, object_id: str, /, *, event: Event = None) -> None:
        """Delete an object, as Stripe does: it leaves the lists, and `*.deleted` is written where there is such an
        event. What has no such event and stands in a list of another object (a subscription's item, a line of a draft
        invoice) is told by that one's `*.updated`.

        Deleting a subscription cancels it: it stays, with status canceled. So do the subscriptions of a customer, when
        that is deleted. Whatever lives below an object (a customer's cards and tax ids, a draft's lines) goes with it,
        and no event tells of it.
        """
        with self.lock:
            resource, now = self._existing(object_id), self.clock.now()
            if resource.kind == "subscription":
                self.update(object_id, event=event, status="canceled", canceled_at=now, ended_at=now)
                return
            if resource.kind == "customer":
                self._cancel_subscriptions(resource, event)
            parents = self._parents(resource.kind, resource.fields, resource.owner)
            names = _chosen(event, events.on_deletion(resource.kind, resource.fields), resource.kind)
            self._announce(resource, names, now)
            self._objects.remove(resource)
            self._announce_parents(names, parents, now)

    def pass_time(self, seconds: int) -> None:
        """Move the clock forward, and let time do what nobody is told of: transactions settle, links expire."""
        with self.lock:
            self.clock.advance(seconds)
            for resource, fields in list(passing_time.due(self.store, self.clock.now())):
                self._objects.change(resource, fields)

    def attach(self, object_id: str, /, *, of: str) -> None:
        """Say of which parent an object is that doesn't name it in a field: `attach("txn_1", of="po_1")`."""
        with self.lock:
            self.store.move(self._existing(object_id), of, None)

    def get(self, object_id: str, /, *, expand: Iterable[str] = ()) -> Json:
        """An object as the API shows it, with these paths expanded. KeyError if there is none."""
        with self.lock:
            return self._shown(self._existing(object_id), expand)

    def objects(self, kind: str, /) -> list[Json]:
        """Every object of a kind, newest first, those that lists hide by default too, and events that can't be seen
        any more, or yet; deleted ones are gone."""
        with self.lock:
            shelves = [self.store.shelf(kind), *([self._backlog.shelf(kind)] if kind in events.KINDS else [])]
            return [self._shown(resource) for resource in Selection(shelves).down()]

    def truth(self, kind: str, /, *, expand: Iterable[str] = ()) -> list[Json]:
        """What a sync can know of a kind now: its objects newest first, as the API renders them at the pinned version,
        with these paths expanded. Whatever some parameter or an object's event brings is there (canceled
        subscriptions, inactive prices, closed reviews).

        Left out are deleted objects; customers, subscriptions, subscription schedules and quotes on a test clock; what
        lives below one of either (subscription items, tax ids, cards...); events that can't be seen any more, or yet.
        """
        with self.lock:
            store, now = self.store, self.clock.now()
            known = Selection([store.shelf(kind)], lambda resource: can_be_known(resource, store, now))
            return [self._shown(resource, expand) for resource in known.down()]

    def disable(self, *products: str) -> None:
        """Have an account that isn't set up for some products (`issuing`, `treasury`...; facts/products.json)."""
        if unknown := set(products) - set(facts.products()):
            raise ValueError(f"no such product: {', '.join(sorted(unknown))}; known: {', '.join(facts.products())}")
        self.disabled.update(products)

    def connect(self, *, dated: bool = True, **fields: Any) -> "StripeEmulator":
        """Connect an account to this one, its platform: it is one of /v1/accounts, and what it holds answers requests
        that name it in `Stripe-Account`. Some old ones are listed without `created`, not `dated`. Returns the connected
        account; keys and requests are the platform's."""
        with self.lock:
            return self.connected[self.connected.add({**_ACCOUNT, **fields}, dated=dated)]

    def connect_many(self, born: Mapping[str, int], fill: Fill) -> None:
        """Connect accounts, by id with when each was created (Unix time), that `fill` fills when they are asked for."""
        with self.lock:
            self.connected.add_many(born, _ACCOUNT, fill)

    def like_it(self, account: Json) -> "StripeEmulator":
        """Another account, empty, that lives by the same clock; these fields of it are other ones."""
        other = StripeEmulator(clock=self.clock, account={**self.account, **account})
        other.lock = self.lock
        return other

    def write_event(self, name: str, at: int, snapshot: bytes, previous: Json | None = None) -> None:
        """Write an event of Unix time `at`, given the JSON of what it is about."""
        with self.lock:
            number = self._store.next_number()
            fields = events.event_fields(name, number, at, self.default_version)
            self._publish("event", fields, number, at, events.event_json(fields, snapshot, previous))

    def write_v2_event(self, name: str, at: int, about: Resource | None = None, data: Json | None = None) -> None:
        """Write a v2 event of Unix time `at` about an object, or one that names none."""
        with self.lock:
            number = self._store.next_number()
            named = None if about is None else (about.id, about.kind, events.path_of(about))
            self._publish("v2.core.event", events.v2_event_fields(name, number, at, named, data), number, at)

    def _publish(self, kind: str, fields: Json, number: int, at: int, whole: bytes | None = None) -> None:
        if self.shuffle_same_second is not None:
            number = events.shuffled(number, self.shuffle_same_second)
        event = Resource(kind, fields["id"], fields, at, number)
        event.rendered = whole
        self._backlog.add(event, self.event_delay(fields) if callable(self.event_delay) else self.event_delay)

    def serve_bulk(self, path: str, rows: Bulk) -> None:
        """Have a list, `/v1/charges`, and the GET of its objects answered out of rows that are kept in bulk. All other
        lists go on as if those rows were not there."""
        with self.lock:
            for endpoint in facts.endpoints():
                if endpoint.path == path or re.fullmatch(rf"{re.escape(path)}/{{\w+}}", endpoint.path):
                    self.bulk[endpoint.path] = rows

    def restricted_key(self, *kinds: str, connect: Iterable[str] | None = None) -> str:
        """A new restricted key that may read objects of some kinds only (`charge`, `event`); of connected accounts
        those of `connect`, by default the same."""
        theirs = kinds if connect is None else tuple(connect)
        for kind in {*kinds, *theirs}:
            facts.kind(kind)
        return self._new_key("rk_test_emulator", kinds=frozenset(kinds), connect=frozenset(theirs))

    def expired_key(self) -> str:
        """A key that has expired."""
        return self._new_key("sk_test_emulator_old", expired=True)

    def organization_key(self, *members: "StripeEmulator") -> str:
        """A key of an organization that this account and some others, `like_it`, belong to."""
        self.organization |= {str(member.account["id"]): member for member in (self, *members)}
        return self._new_key("sk_org_test_emulator", organization=True)

    def _new_key(self, prefix: str, **may: Any) -> str:
        secret = f"{prefix}_{len(self.keys):04}"
        self.keys[secret] = Key(secret, **may)
        return secret

    def _existing(self, object_id: str) -> Resource:
        resource = self.store.get(object_id)
        if resource is None or resource.deleted:
            raise KeyError(f"no object {object_id!r}")
        return resource

    def _shown(self, resource: Resource, expand: Iterable[str] = ()) -> Json:
        asked = tree(expand)
        whole = orjson.dumps(document(resource, self.store, asked)) if asked else rendered(resource, self.store)
        shown: Json = orjson.loads(whole)
        return shown

    def _view(self, resource: Resource, event: Event = None) -> _View:
        as_payment_method = resource.kind in legacy.KINDS and str(event).startswith("payment_method.")
        listed = legacy.as_payment_method(resource) if as_payment_method else self._shown(resource)
        account = self._account_told(resource)
        if account is None or account.default_version == PINNED_VERSION:
            return _View(listed, listed)
        return _View(listed, at_version(listed, account.default_version, self.store))

    def _cancel_subscriptions(self, customer: Resource, event: Event) -> None:
        """Cancel what a customer is subscribed to, silently where the customer's own deletion is."""
        for subscription in list(Selection([self.store.shelf_by("subscription", "customer", customer.key)]).down()):
            if subscription.fields["status"] not in _ENDED:
                self.delete(subscription.key, event=False if event is False else None)

    def _parents(self, kind: str, fields: Json, owner: str | None) -> list[tuple[Resource, _View]]:
        """The objects that show one of this kind in a list of theirs, with what they show now."""
        keys = [fields.get(row.by) if row.by else owner for row in facts.embeddings(kind) if row.shown]
        found = [self.store.get(key) for key in keys if isinstance(key, str)]
        return [(parent, self._view(parent)) for parent in found if parent is not None and not parent.deleted]

    def _announce_parents(self, names: list[str], parents: list[tuple[Resource, _View]], at: int) -> None:
        """Some changes are told as changes of the object that shows them: a subscription's items, say."""
        for parent, before in parents if events.PARENT in names else ():
            after = self._view(parent)
            told = events.on_update(parent.kind, before.listed, after.listed, self.guess)
            self._announce(parent, told, at, self._previous(parent, before, after))

    def _previous(self, resource: Resource, before: _View, after: _View) -> Json:
        account = self._account_told(resource)
        return events.previous_attributes(before.told, after.told, account.default_version) if account else {}

    def _announce(self, resource: Resource, names: list[str], at: int, previous: Json | None = None) -> None:
        """Write events of Unix time `at`, or of now if that is in the future: so it is for what a test clock dates.
        Those older than what /v1/events keeps are not kept at all."""
        names = [name for name in names if name != events.PARENT]
        at = min(at, self.clock.now())
        account = self._account_told(resource)
        if not names or account is None or at < self.clock.now() - events.RETENTION:
            return
        if resource.kind.startswith("v2."):
            for name in names:
                account.write_v2_event(name, at, resource, events.v2_data(resource))
            return
        version = account.default_version
        for name in events.at_version(names, resource.kind, resource.fields, version):
            plain = version == PINNED_VERSION and resource.kind not in legacy.KINDS
            snapshot = rendered(resource, self.store) if plain else orjson.dumps(self._view(resource, name).told)
            account.write_event(name, at, snapshot, previous)
            if account.lists_thin_events:
                account.write_v2_event(f"v1.{name}", at, resource)

    def _account_told(self, resource: Resource) -> "StripeEmulator | None":
        """The account that is told of an object: what belongs to a connected account is told to that account only."""
        account = resource.id if resource.kind == "account" else resource.fields.get("account")
        if resource.kind not in _OF_CONNECTED_ACCOUNTS or account in (None, self.account["id"]):
            return self
        return self.connected.get(account)


def _chosen(event: Event, usual: list[str], kind: str) -> list[str]:
    """The types of the events that a change writes, given what the test asked for."""
    if event is None:
        return usual
    if event is False:
        return []
    events.check_type(event, kind)
    return [event]
