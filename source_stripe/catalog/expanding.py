"""Expanding: which fields of Stripe's objects are shown in full only on request, and which objects that brings along.

Stripe's rules (https://docs.stripe.com/api/expanding_objects): an id gives way to its object, a hidden field is shown,
and a path has four properties at most, of which `data` is one in a list. expandable.json holds the places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import orjson
from pydantic import BaseModel, ConfigDict, Field

from source_stripe.catalog.config import ConfigError
from source_stripe.catalog.guessing import did_you_mean
from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow

DEEPEST = 4
"""Properties that a path may have."""

Kinds = tuple[str, ...]
"""Stripe's names of the objects that may stand at a place."""


class Places(BaseModel):
    """What stands in one of Stripe's objects, by dotted paths through arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Mapping[str, Kinds] = Field(default_factory=dict)
    """Ids, which expand to one of these objects."""
    whole: Mapping[str, Kinds] = Field(default_factory=dict)
    """Objects that are always there."""
    lists: Mapping[str, Kinds] = Field(default_factory=dict)
    """Lists, cut at ten."""
    hidden: tuple[str, ...] = ()
    """What is left out unless it is expanded; some of the lists are."""
    never: Mapping[str, str] = Field(default_factory=dict)
    """What is hidden and not asked for, whoever wishes it; and why."""


@dataclass(frozen=True)
class Stop:
    """A place on an expansion path where something is expanded: an id to one of `kinds`, or a hidden field."""

    path: str
    kinds: Kinds
    is_id: bool


@dataclass(frozen=True)
class ListPlace:
    """Where a list stands: in which field of an object of which kind. The object is at `owner`, empty for the row."""

    owner: str
    kind: str
    field: str

    @property
    def path(self) -> str:
        """The list's own path in the row."""
        return f"{self.owner}.{self.field}" if self.owner else self.field


class NeverExpandedError(ValueError):
    """The path leads to what is not asked for. The text says why."""


def places(kind: str) -> Places:
    """What stands in an object of a kind; nothing in those that Stripe's types don't tell of."""
    return _all_places().get(kind) or Places()


@cache
def _all_places() -> Mapping[str, Places]:
    facts = orjson.loads(resource("expandable.json").read_bytes())
    return {kind: Places.model_validate(places) for kind, places in facts.items()}


def stops(kinds: Iterable[str], path: str) -> tuple[Stop, ...]:
    """Where a path into objects of these kinds expands something; empty if it doesn't end at such a place.

    Raises NeverExpandedError.
    """
    known, names = [places(kind) for kind in kinds], path.split(".")
    for end in range(1, len(names) + 1):
        here, rest = ".".join(names[:end]), ".".join(names[end:])
        for each in known:
            if here in each.never:
                raise NeverExpandedError(each.never[here])
        if any(here in each.ids for each in known):
            stop = Stop(here, _union(each.ids.get(here, ()) for each in known), is_id=True)
            below = _below(f"{here}.", stops(stop.kinds, rest)) if rest else ()
            return (stop, *below) if below or not rest else ()
        if not rest:
            return (Stop(here, (), is_id=False),) if any(here in each.hidden for each in known) else ()
        if rest.startswith("data.") and any(here in each.lists for each in known):
            inside = _union(each.lists.get(here, ()) for each in known)
            return _below(f"{here}.data.", stops(inside, rest.removeprefix("data.")))
        whole = _union(each.whole.get(here, ()) for each in known)
        if below := _below(f"{here}.", stops(whole, rest)):
            return below
    return ()


def expandable(kinds: Iterable[str], room: int) -> list[str]:
    """The paths of at most `room` properties that expand something, sorted; not those into what they expand."""
    found: set[str] = set()
    for each in map(places, kinds):
        found.update(each.ids, each.hidden)
        lists = {path: inside for path, inside in each.lists.items() if path not in each.never}
        for paths, way in ((lists, ".data."), (each.whole, ".")):
            for path, inside in paths.items():
                left = room - f"{path}{way}".count(".")
                found.update(f"{path}{way}{below}" for below in (expandable(inside, left) if left > 0 else ()))
    return sorted(path for path in found if path.count(".") < room)


def lists_in(kinds: Iterable[str], expand: Collection[str]) -> Iterator[ListPlace]:
    """The lists that stand in objects of these kinds, and in the objects inside them, with these paths expanded."""
    for kind in kinds:
        there = places(kind)
        for field, inside in there.lists.items():
            below = paths_below(f"{field}.data.", expand)
            shown = field not in there.hidden and field not in there.never
            if shown or field in expand or below:
                yield ListPlace("", kind, field)
                yield from _within(f"{field}.data", lists_in(inside, below))
        for path, inside in there.whole.items():
            yield from _within(path, lists_in(inside, paths_below(f"{path}.", expand)))
        for path, inside in there.ids.items():
            below = paths_below(f"{path}.", expand)
            if path in expand or below:
                yield from _within(path, lists_in(inside, below))


def paths_below(prefix: str, paths: Iterable[str]) -> list[str]:
    """Those of the paths that begin so, without that."""
    return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]


def room(row: StreamRow, rows: Mapping[str, StreamRow]) -> int:
    """How many properties a path may have in a stream's rows; 0 where nothing of them can be expanded."""
    if row.api == "v2" or row.from_events:
        return 0
    taken = [0 if row.paging == "object" else 1]
    for parent in row.all_parents:
        if parent.field is not None:
            above = 0 if rows[parent.stream].paging == "object" else 1
            taken.append(above + f"{parent.field}.data.".count("."))
    return max(DEEPEST - max(taken), 0)


def expanded_too(rows: Mapping[str, StreamRow], more: Mapping[str, Sequence[str]]) -> dict[str, StreamRow]:
    """The rows, with more paths expanded: those that a config names by stream. Raises ConfigError."""
    if problems := [problem for stream, paths in more.items() for problem in _problems(stream, paths, rows)]:
        raise ConfigError("The config can't be used: " + " ".join(problems))
    return {
        name: row.model_copy(update={"expand": tuple(dict.fromkeys((*row.expand, *more.get(name, ()))))})
        for name, row in rows.items()
    }


def _problems(stream: str, paths: Sequence[str], rows: Mapping[str, StreamRow]) -> Iterator[str]:
    """What is wrong with the paths that a config names for a stream, and what would be right."""
    if stream not in rows:
        yield f"expand: there is no stream {stream}.{did_you_mean(stream, rows)}"
        return
    row = rows[stream]
    most = room(row, rows)
    allowed = expandable(row.object, most)
    could = f"What can be expanded: {', '.join(allowed)}." if allowed else "Nothing in this stream can be expanded."
    for path in paths:
        try:
            reached = stops(row.object, path)
        except NeverExpandedError as reason:
            yield f"expand: {stream}: {path} is never expanded: {reason}. {could}"
            continue
        below = _below_that(row.object, path, most)
        if most == 0 or not reached:
            yield f"expand: {stream}: {path} is nothing that Stripe expands. {could}{below}"
        elif path.count(".") >= most:
            levels = f"Stripe expands {DEEPEST} levels, of which the list takes {DEEPEST - most}"
            yield f"expand: {stream}: {path} is too deep: {levels}. {could}{below}"


def _below_that(kinds: Kinds, path: str, most: int) -> str:
    """What can be expanded in the last object on a path that can be."""
    beginnings = [path[:at] for at, letter in enumerate(path) if letter == "."]
    for start in reversed(beginnings):
        reached = stops(kinds, start)
        if reached and reached[-1].is_id and (below := expandable(reached[-1].kinds, most - 1 - start.count("."))):
            return f" In {start}: {', '.join(f'{start}.{each}' for each in below)}."
    return ""


def _union(kinds: Iterable[Kinds]) -> Kinds:
    return tuple(dict.fromkeys(kind for each in kinds for kind in each))


def _below(prefix: str, found: Iterable[Stop]) -> tuple[Stop, ...]:
    return tuple(replace(stop, path=prefix + stop.path) for stop in found)


def _within(owner: str, found: Iterable[ListPlace]) -> Iterator[ListPlace]:
    return (replace(place, owner=f"{owner}.{place.owner}".rstrip(".")) for place in found)
