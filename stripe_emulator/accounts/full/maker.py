"""Objects for the full account, one after the other in Stripe's time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from stripe_emulator import events, factory, facts
from stripe_emulator.pages import Selection
from stripe_emulator.retired import object_type
from tools.stripe_types import Expandable

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

Json = dict[str, Any]
Value = TypeVar("Value")

_CHOICE = 20
"""Of how many objects, the newest ones, a reference picks one."""


class Maker:
    """Makes objects in an emulator's account, with the references that their types require.

    They are made in eras, counted from 0, so that each kind has old objects and new ones: an era is a stretch of time,
    in which everything is made once more, a little later each. `now` is the end of time, Unix time.
    """

    def __init__(self, emulator: StripeEmulator, seed: int) -> None:
        self.emulator = emulator
        self.rng = Random(seed)
        self.now = emulator.clock.now()
        self.era = 0
        self._at = self.now

    def begin(self, era: int, at: int) -> None:
        """Go on with another era, at Unix time `at`."""
        self.era, self._at = era, at

    def in_turn(self, *values: Value) -> Value:
        """One of the values, another one in the next era."""
        return values[self.era % len(values)]

    def tick(self) -> int:
        """Let a little time go by; returns the Unix time that it is then."""
        self._at = min(self._at + self.rng.randint(1, 30), self.now)
        self.emulator.clock.set(self._at)
        return self._at

    def make(self, kind: str, /, *, of: str | None = None, slot: str | None = None, **fields: Any) -> str:
        """Create an object, with its event unless that would be too old to be kept. Returns its id, if it has one."""
        at = self.tick()
        made = self.emulator.create(kind, of=of, slot=slot, event=self._event(at), **self.row(kind, **fields))
        return str(made.get("id", ""))

    def update(self, object_id: str, /, **fields: Any) -> None:
        """Change an object, with its event unless that would be too old to be kept."""
        self.emulator.update(object_id, event=self._event(self.tick()), **fields)

    def row(self, kind: str, /, **fields: Any) -> Json:
        """The fields of an object to be made, with the references that its type requires: to any there is by now."""
        missing = [(name, target) for name, target in _references(kind) if name not in fields]
        return {**fields, **{name: self.any(target) for name, target in missing}}

    def any(self, kind: str) -> str:
        """The id of an object that there is by now, of those that lists don't hide. LookupError if there is none."""
        shelf = self.emulator.store.shelf(kind)
        rows = Selection([shelf], lambda row: not row.fields.get("test_clock"), until=self._at + 1).down()
        keys = [row.key for row in islice(rows, _CHOICE)]
        if not keys:
            raise LookupError(f"there is no {kind} yet: make one first")
        return self.rng.choice(keys)

    def whole(self, object_id: str) -> Json:
        """An object as the API shows it: to stand inside another one."""
        return self.emulator.get(object_id)

    def new_id(self, kind: str) -> str:
        """An id for an object that its children name before it is made."""
        return factory.object_id(facts.kind(kind).prefix, self.emulator.store.next_number())

    def _event(self, at: int) -> Literal[False] | None:
        return None if at > self.now - events.RETENTION else False


@cache
def _references(kind: str) -> Sequence[tuple[str, str]]:
    """Fields of a kind that have to name another object, with the kind of that."""
    required = [field for field in object_type(kind).fields if not field.nullable]
    return [(field.name, field.type.targets[0].name) for field in required if isinstance(field.type, Expandable)]
