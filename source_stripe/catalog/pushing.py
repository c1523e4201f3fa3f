"""Pushing: how much of a stream's filters its lists are asked for. Pure.

A list may be asked for less than the filters say, as every row is tested too (objects/row_filters.py). It must not be
asked for more than `Level` allows: what it leaves out then is never seen to leave.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import product
from math import prod

from source_stripe.catalog.filters import Asked, Filter
from source_stripe.catalog.stream_rows import StreamRow

_MOST_PASSES = 20
"""In which a list is read for filters of several values each; with more, some are only tested on the rows. See
docs/design/changes.md, "Filters"."""


class Level(Enum):
    """How much of the filters a list may be asked for."""

    FIRST = "first"
    """All: no row of the stream was emitted before."""
    AGAIN = "again"
    """What no row leaves: others may have been emitted, and have to be seen when they have left."""
    ONCE = "once"
    """All, where nothing tells of rows that go from one of several lists to another while these are read."""
    COVER = "cover"
    """What events were tested for too: the list is asked for objects that they name, and one that it lacked would be
    got by its id."""


def may_be_asked(wanted: Filter, level: Level, row: StreamRow) -> bool:
    """Whether a stream's list may be asked for a filter."""
    one = wanted.parameter
    if not one.pushed or (wanted.is_created and row.filter is not None):
        return False
    if one.op == "any" and len(wanted.values) > 1:
        # A row with two of them would come twice.
        return False
    if level is Level.COVER:
        return one.in_events
    if not one.mutable or one.enters:
        return True
    if level is Level.ONCE:
        return len(wanted.choices(v2=row.api == "v2")) == 1
    # Open rows have to be met, whatever they are, to be noted: of some all, of others those that are young.
    notes_all = row.open is not None and row.open.young is None
    return level is Level.FIRST and not notes_all


def passes(row: StreamRow, level: Level) -> tuple[Asked, ...]:
    """The parameters with which a stream's list is read, once with each."""
    v2 = row.api == "v2"
    asked = [(each.name, each.choices(v2=v2)) for each in row.filters if may_be_asked(each, level, row)]
    while prod(len(choices) for _, choices in asked) > _MOST_PASSES:
        asked.remove(max(asked, key=lambda each: len(each[1])))
    taken = {name.partition(".")[0] for name, _ in asked}
    always = _but(row.params.items(), taken)
    own = dict.fromkeys(_but(each.items(), taken) for each in row.passes)
    chosen = [tuple(pair for choice in each for pair in choice) for each in product(*(each for _, each in asked))]
    return tuple((*always, *each, *_once(more)) for each in own for more in chosen)


def limits(row: StreamRow) -> tuple[int | None, int | None] | None:
    """The bounds of creation (Unix seconds) that a list read by ranges of it keeps to; None where there are none."""
    of_creation = next((each for each in row.filters if each.is_created), None)
    return None if of_creation is None or row.filter is None else (of_creation.since, of_creation.until)


def filtered_lineage(row: StreamRow, rows: Mapping[str, StreamRow]) -> dict[str, tuple[Filter, ...]]:
    """The filters that decide which rows a stream has, by stream: its own, and those of what it hangs on."""
    found = {row.name: row.filters} if row.filters else {}
    for parent in row.all_parents:
        found.update(filtered_lineage(rows[parent.stream], rows))
    return found


def may_lose_parents(row: StreamRow, rows: Mapping[str, StreamRow]) -> bool:
    """Whether an object that a stream's rows hang on can leave or enter a filter."""
    own = {row.name}
    return any(
        each.parameter.mutable
        for stream, filters in filtered_lineage(row, rows).items()
        for each in filters
        if stream not in own
    )


def digest(row: StreamRow, rows: Mapping[str, StreamRow]) -> str | None:
    """What tells the filters of two syncs apart, and no more of them: values may be personal."""
    lineage = filtered_lineage(row, rows)
    if not lineage:
        return None
    text = json.dumps(
        {name: sorted(each.dump() for each in filters) for name, filters in lineage.items()}, sort_keys=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _but(parameters: Iterable[tuple[str, str]], taken: set[str]) -> Asked:
    return tuple((name, value) for name, value in parameters if name.partition("[")[0] not in taken)


def _once(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Without a parameter that a filter and what another wants with it both give: the first counts."""
    given: set[str] = set()
    for name, value in pairs:
        if name.endswith("[]") or name not in given:
            given.add(name)
            yield name, value
