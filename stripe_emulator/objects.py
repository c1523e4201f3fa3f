"""The account's objects: made whole, with the rows of their embedded lists, changed and taken away. Tells nobody."""

from collections.abc import Iterable, Mapping

from stripe_emulator import factory, facts, kinship
from stripe_emulator.clock import Clock, unix_time
from stripe_emulator.facts import Json
from stripe_emulator.pages import Selection
from stripe_emulator.store import Resource, Store

_CREATION_FIELDS = ("created", "date", "transacted_at")


class Objects:
    """Puts objects into the store and takes them out. Not thread-safe: the emulator holds the lock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def add(self, kind: str, given: Json, owner: str | None, slot: str | None) -> Resource:
        """Make an object whole and keep it. Raises ValueError for unknown fields and ids that are taken."""
        number = self._store.next_number()
        created = _created(given) or self._clock.now()
        object_id = given.get("id") or factory.object_id(facts.kind(kind).prefix, number)
        fields = factory.make(kind, given, object_id=object_id, created=created)
        if owner is not None and slot is None:
            slot = self._slot(kind, owner)
        key = _store_key(kind, fields, owner, number)
        resource = Resource(kind, key, fields, _created(fields) or created, number, owner, slot)
        self._store.add(resource)
        return resource

    def _slot(self, kind: str, owner: str) -> str | None:
        parent = self._store.get(owner)
        slots = facts.slots(kind, parent.kind) if parent is not None else ()
        if len(slots) > 1:
            raise ValueError(f"{owner} has several lists of {kind}: say which one with slot=, of {', '.join(slots)}")
        return slots[0] if slots else None

    def add_children(self, parent: Resource, lists: Mapping[str, Iterable[Json]]) -> list[Resource]:
        """Make the rows of an object's embedded lists, given by the lists' fields."""
        children = []
        for row in facts.embedded(parent.kind):
            for given in lists.get(row.field, ()):
                kind = given.get("object", row.kinds[0])
                if row.by is not None:
                    children.append(self.add(kind, {**given, row.by: parent.key}, None, None))
                else:
                    children.append(self.add(kind, given, parent.key, row.field))
        return children

    def change(self, resource: Resource, changes: Json) -> bool:
        """Give an object's fields other values; whether that changed any."""
        before = resource.fields
        self._store.replace(resource, factory.changed(resource.kind, before, changes))
        return resource.fields != before

    def replace_children(self, parent: Resource, lists: Mapping[str, Iterable[Json]]) -> bool:
        """Give embedded lists other rows; whether that changed what the parent may show."""
        changed = False
        for row in facts.embedded(parent.kind):
            if row.field not in lists:
                continue
            old = {child.key: child for child in Selection(self._store.children(row, parent.key)).down()}
            rows = list(lists[row.field])
            kept = {given["id"]: given for given in rows if given.get("id") in old}
            for key, child in old.items():
                if key in kept:
                    changed |= self.change(child, kept[key]) and row.shown
                else:
                    self._store.remove(child)
            self.add_children(parent, {row.field: [given for given in rows if given.get("id") not in kept]})
            changed |= row.shown and len(kept) < max(len(old), len(rows))
        return changed

    def remove(self, resource: Resource) -> None:
        """Take an object out of the lists, with all that lives below it."""
        for child in list(kinship.below(resource, self._store)):
            self.remove(child)
        self._store.remove(resource)


def _store_key(kind: str, fields: Json, owner: str | None, number: int) -> str:
    """What the store calls an object: its id, or where that isn't unique or there is none, its parent and its name."""
    if kind == "capability":
        return f"{fields['account']}/{fields['id']}"
    if "id" in fields:
        return str(fields["id"])
    if kind not in facts.singletons():
        return f"{kind}/{number}"
    parent = fields.get("customer") or owner
    return f"{parent}/{kind}" if parent else kind


def _created(fields: Json) -> int | None:
    """Unix time of an object's creation, if its fields say."""
    for name in _CREATION_FIELDS:
        value = fields.get(name)
        if value is not None:
            return unix_time(value) if isinstance(value, str) else int(value)
    return None
