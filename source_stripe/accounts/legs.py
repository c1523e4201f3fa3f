"""The order of a sync's work: which account is read when, and for which streams. Pure.

Three legs. An interrupted sync is brought to its end; then all known accounts are read, by the order of their keys;
then those that are behind, and at last the new ones, the newest first. See docs/design/accounts.md, "Legs".
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Leg(IntEnum):
    """What an account is read for."""

    REST = 1
    """An interrupted sync did not come to it."""
    CHANGES = 2
    """It is known."""
    LATER = 3
    """It is behind, or new."""


@dataclass(frozen=True, slots=True)
class Target:
    """An account that is to be read."""

    id: str
    key: str
    created: int | None = None
    """Unix seconds; None where Stripe does not say."""
    context: str | None = None
    """What an organization's key names it by."""
    owns: frozenset[str] = frozenset({"account"})
    """Whose rows are read of it, in the manifest's words: its own, a platform's, Stripe's."""
    is_own: bool = False
    """Whether it is the key's own account."""

    @property
    def names(self) -> tuple[str, str]:
        """What a state may know it by."""
        return self.id, self.key


@dataclass(frozen=True)
class Wants:
    """What a stream wants of which accounts."""

    belongs_to: str
    known: Container[str] = ()
    """The keys of accounts that it knows."""
    through: str | None = None
    """How far an interrupted sync came, by keys; None where none was."""
    has: Container[str] = ()
    """Accounts, by key, that it wants nothing of: a full refresh has read them."""
    behind: Callable[[Target], bool] = lambda _: False
    """Whether an account was read before, and is behind."""
    rides: bool = False
    """Whether it keeps no state, and is read whenever the account is: once a sync."""

    def leg(self, target: Target) -> Leg | None:
        """When it wants an account; None where it wants nothing of it."""
        if self.belongs_to not in target.owns or target.key in self.has:
            return None
        if target.key not in self.known:
            return Leg.LATER
        return Leg.REST if self.through is not None and target.key > self.through else Leg.CHANGES


@dataclass(frozen=True, slots=True)
class Visit:
    """One account, read once for several streams: so its events are read once for all of them."""

    target: Target
    leg: Leg
    streams: tuple[str, ...]


def visits(targets: Sequence[Target], streams: Mapping[str, Wants]) -> list[Visit]:
    """All that a sync does, in order."""
    by_key = sorted(targets, key=lambda target: target.key)
    found: dict[Leg, list[Visit]] = {leg: [] for leg in Leg}
    sets: dict[tuple[str, ...], tuple[str, ...]] = {}
    behind: dict[str, bool] = {}
    for target in by_key:
        for leg, names in _of(target, streams):
            found[leg].append(Visit(target, leg, sets.setdefault(names, names)))
            if leg is Leg.LATER:
                behind[target.key] = any(streams[name].behind(target) for name in names)
    found[Leg.LATER].sort(key=lambda visit: (not behind[visit.target.key], -(visit.target.created or 0)))
    return [visit for leg in Leg for visit in found[leg]]


def _of(target: Target, streams: Mapping[str, Wants]) -> Iterator[tuple[Leg, tuple[str, ...]]]:
    """The visits of one account: streams that keep no state come with the first one."""
    legs: dict[Leg, list[str]] = {}
    riders: list[str] = []
    for name, wants in streams.items():
        leg = wants.leg(target)
        if leg is not None:
            (riders if wants.rides else legs.setdefault(leg, [])).append(name)
    if riders:
        legs.setdefault(min(legs, default=Leg.CHANGES), []).extend(riders)
    return ((leg, tuple(legs[leg])) for leg in sorted(legs))


def counted(visits: Iterable[Visit]) -> Mapping[str, Mapping[Leg, int]]:
    """By stream and leg, in how many visits it is read."""
    counts: dict[str, dict[Leg, int]] = {}
    for visit in visits:
        for name in visit.streams:
            own = counts.setdefault(name, dict.fromkeys(Leg, 0))
            own[visit.leg] += 1
    return counts
