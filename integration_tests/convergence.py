"""Whether a destination holds what Stripe holds: the truth at the pinned version, and what of it a sync can know.

A destination may differ from Stripe only in what DIFFERENCES says. Everything else is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import orjson

from integration_tests import discounting
from integration_tests.company import Company, Loss, Trace
from integration_tests.connection import Connection, Key, stream_rows
from integration_tests.connector import Json
from integration_tests.doings import happen
from integration_tests.histories import Change, History
from integration_tests.setup import QUICK, Setup
from integration_tests.syncing import Kill, Sync, sync
from source_stripe.api.values import unix_seconds
from source_stripe.catalog.stream_rows import ParentRow
from source_stripe.catalog.sync_plan import plan_of
from source_stripe.objects.paths import values_at
from stripe_emulator import StripeEmulator, facts, legacy, serve
from stripe_emulator.faults import PASSING, UNREACHABLE
from stripe_emulator.pages import Selection
from stripe_emulator.rendering import document, tree

_DAY = 86_400
RETENTION = 30 * _DAY
"""Seconds for which Stripe keeps events."""
GAP = 29 * _DAY
"""Seconds since the last sync after which a stream is read whole again."""
LATE = 600
"""Seconds by which events come late, at most."""
BROKEN = 0.03
"""The share of answers that break in a history."""
_HALF = 0.5
BREAKS = tuple(fault for fault in PASSING if fault is not UNREACHABLE and not fault.name.endswith("Retry-After: 1"))
"""How they break: in all ways but those that want to be waited for."""

DIFFERENCES = """
1. What changed in the second in which the sync began, or later, or has events that could not be seen then, is right
   after the next sync.
2. What was deleted more than 30 days before a sync that came more than 29 days after the last one stays there.
3. A review that was closed as long before such a sync stays open there, and one that was closed as long before the
   first sync is missing: lists have only open ones.
4. What is expanded in a row is as it was when the row was read last.
5. A child that went from its parent stays there if nothing shows that it went, or if that was as long before as in 2,
   and its parent has no other such child and, if that was deleted, is not read itself.
6. A source that no customer has may be missing, unless an event about it can still be seen: nothing lists it. One that
   was detached from a customer may be missing anyway.
7. A card, source or bank account that was changed as a payment method may be one of payment_methods, or not.
8. What changed without an event, in a field that docs/streams.md lists as not told, is as it was.
9. A discount that stands in no object any more may stay there, unless it was deleted: no event says so.
"""

_NOTHING = "no such field"
_TOUCH = {"sources", "tax_ids"}
"""Lists of a customer: events of what stands in them make the customer be read again (`touched_by` in the manifest)."""


@dataclass
class Replica:
    """An account, a connection that syncs it, and what of the account the connection can know."""

    company: Company
    connection: Connection
    workers: int = 2
    unknowable: set[tuple[str, Key]] = field(default_factory=set)
    """Rows that the destination may have or lack, by stream."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the connection's config has beside the key."""
    syncs: int = 0
    kills: int = 0

    def happen(self, change: Change) -> None:
        """Let the time pass, and the change happen."""
        emulator = self.company.emulator
        emulator.pass_time(change.after)
        for number in range(change.times):
            emulator.pass_time(change.every if number else 0)
            happen(self.company, change.what, change.which + number)

    def sync(
        self,
        kill: Kill | None = None,
        meanwhile: Iterable[tuple[int, Change]] = (),
        *,
        setup: Setup | None = None,
        may_fail: bool = False,
    ) -> Sync:
        """Sync, and compare what the destination has then with what Stripe has. AssertionError where they differ.

        One that was killed is not compared, and no stream that failed, if it may: the destination is right after the
        next.
        """
        self.give_up_on_what_is_gone()
        begun, now = self.company.number, self.company.now
        done = sync(
            self.company.emulator,
            self.connection.streams,
            [*self.connection.states.values()],
            kill=kill,
            meanwhile={request: partial(self.happen, change) for request, change in meanwhile},
            setup=setup,
            num_workers=self.workers,
            **self.config,
        )
        self.connection.take(done.output)
        self.syncs += 1
        if done.killed and kill:
            self.kills += 1
            return done
        if not may_fail:
            check_is_complete(done, self.connection)
        complete = [stream for stream, status in done.output.statuses.items() if status == "COMPLETE"]
        differences = [line for stream in complete for line in self.differences(stream, begun, now)]
        assert not differences, "\n".join(differences)
        return done

    def give_up_on_what_is_gone(self) -> None:
        """Note what the next sync, and so any later one, can't know of."""
        for stream in self.connection.streams:
            watermark = self.connection.watermark(stream)
            for object_id, loss in self.company.lost.items():
                if loss.kind in stream_rows()[stream].object and self._is_unknowable(loss, watermark):
                    self.unknowable.add((stream, (object_id,)))

    def _is_unknowable(self, loss: Loss, watermark: int | None) -> bool:
        now = self.company.now
        if loss.trace is Trace.NOTHING:
            return True
        if watermark is None:
            # Its list does not show it, and no event does any more. No other row is there before the first state.
            return loss.kind == "review" and loss.time < now - RETENTION
        if now - watermark <= GAP or loss.time < watermark - LATE:
            return False
        return loss.time < now - RETENTION

    def differences(self, stream: str, begun: int, now: int) -> Iterator[str]:
        """What a row has, and what Stripe has, of everything that was through before the sync began."""
        truth, rows = self._truth(stream), self.connection.current(stream)
        for key in truth.keys() | rows.keys():
            unsettled = self._is_unsettled(stream, key[0], begun, now)
            unknowable = key[0] in self.company.lost and (stream, key) in self.unknowable
            if unknowable and key in rows:
                there = [row for other, row in rows.items() if other in truth]
                unknowable = not has_siblings(stream, rows[key], there)
            if not (unsettled or unknowable or self._may_be_either(stream, key[0], rows.get(key))):
                unseen = self._unseen(stream, key[0])
                yield from differences(self.company.emulator, stream, rows.get(key), truth.get(key), unseen)

    def _truth(self, stream: str) -> dict[Key, Json]:
        return truth_of(self.company.emulator, stream)

    def _is_unsettled(self, stream: str, object_id: str, begun: int, now: int) -> bool:
        """Whether an object changed when a sync could not yet know of it."""
        touch = self.company.touched.get(object_id)
        return touch is not None and (touch.number > begun or touch.told_at >= now)

    def _unseen(self, stream: str, object_id: str) -> frozenset[str]:
        """What changed in a row without an event, where docs/streams.md says that it takes more to see it."""
        said, changed = stream_rows()[stream].unseen, self.company.silent.get(object_id, set())
        named = (path for path in said if path.partition(".")[0] in changed)
        return frozenset(changed if "*" in said else named)

    def _may_be_either(self, stream: str, object_id: str, row: Json | None) -> bool:
        """Whether an object may be missing, or there, as nobody knows whether Stripe tells of it."""
        emulator = self.company.emulator
        resource, kinds = emulator.store.get(object_id), stream_rows()[stream].object
        if stream == "discounts" and resource is not None and not resource.deleted:
            return object_id not in discounting.standing(emulator)
        if resource is None or resource.kind not in legacy.KINDS:
            return False
        if resource.kind not in kinds:
            return True
        return row is None and not resource.fields.get("customer") and not self._is_told_of(object_id)

    def _is_told_of(self, source: str) -> bool:
        """Whether events that can still be seen tell of a source that never had a customer."""
        types = [
            event["type"]
            for event in self.company.emulator.truth("event")
            if event["data"]["object"].get("id") == source
        ]
        return "customer.source.deleted" not in types and any(name.startswith("source.") for name in types)


def play(history: History, setup: Setup = QUICK) -> Replica:
    """Let a history happen, and one more sync when all is quiet. AssertionError where a destination would be wrong."""
    emulator, setup = StripeEmulator(), replace(setup, span=history.span)
    set_up(emulator, history)
    if history.breaks is not None:
        emulator.faults.at_random(BROKEN, seed=history.breaks, faults=BREAKS)
    with serve(emulator):
        replica = Replica(Company(emulator), Connection(history.streams), history.workers)
        for one in history.rounds:
            emulator.event_delay = one.delay
            for change in one.changes:
                replica.happen(change)
            replica.sync(one.kill, one.meanwhile, setup=setup)
        emulator.pass_time(LATE)
        emulator.clock.advance(1)
        replica.sync(setup=setup)
    return replica


def set_up(emulator: StripeEmulator, history: History) -> None:
    """Have an account that is as a history says."""
    emulator.default_version = history.version
    emulator.refuses_unknown_types, emulator.lists_thin_events = history.refuses_types, history.thin_events
    if history.guesses is not None:
        guesses = Random(history.guesses)
        emulator.guess = lambda: guesses.random() < _HALF
    if history.shuffled is not None:
        emulator.shuffle_same_second = Random(history.shuffled)


def check_is_complete(done: Sync, connection: Connection) -> None:
    """AssertionError unless all streams were read to their ends."""
    assert done.code == 0, (done.code, done.output.errors, done.lines[-3:])
    statuses = done.output.statuses
    assert statuses == dict.fromkeys(connection.streams, "COMPLETE"), statuses


def has_siblings(stream: str, row: Json, others: Iterable[Json]) -> bool:
    """Whether a row is of a set of which there are others, by which the destination knows that it is gone."""
    field = plan_of(stream_rows()[stream], stream_rows()).set_of
    return field is not None and any(other[field] == row[field] for other in others)


def truth_of(emulator: StripeEmulator, stream: str) -> dict[Key, Json]:
    """What Stripe holds for a stream, by primary key, at the pinned version; children with what their parents add."""
    row = stream_rows()[stream]
    with emulator.lock:
        shown = [one for kind in row.object for one in emulator.truth(kind, expand=facts.includable(kind))]
        if stream == "discounts":
            standing = discounting.standing(emulator)
            shown = [one for one in shown if one["id"] in standing]
        kept = shown if row.parent is None else [one for one in shown if _marked(emulator, one, row.parent)]
        return {tuple(one[name] for name in row.primary_key): one for one in kept}


def _marked(emulator: StripeEmulator, child: Json, about: ParentRow) -> bool:
    """Whether a child is one of such a parent's; then it gets the parent's fields. Sources need no parent."""
    resource = emulator.store.get(child["id"])
    if child["object"] == "source" and not child["customer"]:
        return True
    owner = resource and (resource.owner or child.get(about.name or ""))
    parent = emulator.store.get(owner) if owner else None
    if parent is None or parent.kind not in stream_rows()[about.stream].object:
        return False
    carried = {f"{about.name}_{name}": parent.fields[name] for name in about.carries if name != "updated"}
    child.update({str(about.id_field): parent.key, **carried})
    return True


def differences(
    emulator: StripeEmulator,
    stream: str,
    row: Json | None,
    truth: Json | None,
    unseen: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """How a row differs from the object that it should hold, but for some paths: a line each."""
    if row is None or truth is None:
        there, which = ("missing", truth) if row is None else ("still there", row)
        yield f"{stream}: {which and which['id']} is {there}"
        return
    cursor = str(stream_rows()[stream].cursor)
    added = {"updated", "is_deleted", cursor} - truth.keys()
    if cursor == "updated" in truth:
        added.add(cursor)
        if row[cursor] < (unix_seconds(truth[cursor]) or 0):
            yield f"{stream}: {row['id']}: updated is {row[cursor]}, older than Stripe's own {truth[cursor]}"
    own = {name: value for name, value in row.items() if name not in added}
    held = {name: value for name, value in truth.items() if name not in added}
    seen = [_without(fields, unseen) for fields in (own, held | _lists(emulator, row))]
    for path in _unlike(seen[0], seen[1], row["object"], ""):
        yield f"{stream}: {row['id']}: {path}"


def _without(value: Any, paths: frozenset[str]) -> Any:
    """A value less what stands in it at some dotted paths."""
    if isinstance(value, list):
        return [_without(each, paths) for each in value]
    if not isinstance(value, dict) or not paths:
        return value
    split = [path.partition(".") for path in paths]
    below = {name: frozenset(rest for first, _, rest in split if rest and first == name) for name in value}
    return {name: _without(each, below[name]) for name, each in value.items() if name not in paths}


def _unlike(have: Any, want: Any, kind: str, path: str) -> Iterator[str]:
    """Where values differ, but for what was expanded; `path` is that of the value in an object of the kind."""
    if isinstance(have, dict) and isinstance(want, str):
        have = have.get("id")
    if isinstance(have, dict) and isinstance(want, dict):
        if want.get("object", "list") != "list":
            kind, path = want["object"], ""
        for name in sorted(have.keys() | want.keys()):
            here = f"{path}{name}"
            if name in want or here not in _asked_for(kind):
                yield from _unlike(have.get(name, _NOTHING), want.get(name, _NOTHING), kind, f"{here}.")
    elif isinstance(have, list) and isinstance(want, list) and len(have) == len(want):
        for one, other in zip(have, want, strict=True):
            yield from _unlike(one, other, kind, path)
    elif have != want:
        yield f"{path.rstrip('.')} is {have!r}, not {want!r}"


def _asked_for(kind: str) -> set[str]:
    """What an object shows only where it is asked for."""
    return {*facts.hidden_paths(kind), *(row.field for row in facts.embedded(kind) if not row.shown)}


def _lists(emulator: StripeEmulator, row: Json) -> Json:
    """The fields of an object with the lists in them that a row has and that are followed up, whole."""
    resource = emulator.store.get(row["id"])
    followed = [each for each in facts.embedded(row["object"]) if each.shown or each.by is None or each.field in _TOUCH]
    lists = [each for each in followed if values_at(row, each.field)]
    if resource is None:
        return {}
    shown: Json = orjson.loads(orjson.dumps(document(resource, emulator.store, tree(each.field for each in lists))))
    for each in lists:
        for value in values_at(shown, each.field):
            rows = Selection(emulator.store.children(each, resource.key)).down()
            value |= {"data": [emulator.get(child.key) for child in rows], "has_more": False}
    return {name: shown[name] for name in {each.field.split(".")[0] for each in lists}}
