"""Which permissions a restricted key needs for a stream: of the stream's rows, and of what is read along with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from source_stripe.catalog.expanding import stops
from source_stripe.catalog.stream_rows import EVENTS_PATH, StreamRow
from source_stripe.catalog.sync_plan import plan_of

_ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "unknown"
"""What nothing of Stripe's names."""
EVENTS = "event_read"
"""For what changed."""
OWN_ACCOUNT = "connected_account_read"
"""For the key's own account, which `check` tells."""


@dataclass(frozen=True)
class Needed:
    """What a stream needs. Names are Stripe's; a restricted key's have `rak_` in front."""

    own: tuple[str, ...]
    """For its rows."""
    certain: bool
    """Whether Stripe names it for the object, and not only for its events."""
    also: Mapping[str, str]
    """For what is read along with them, and what that is."""
    events: bool
    """Whether events tell what changed."""
    connect: str
    """Whether it can be given for connected accounts."""


def suggested() -> list[str]:
    """The streams that metadata.yaml suggests to begin with."""
    metadata = yaml.safe_load((_ROOT / "metadata.yaml").read_text("utf-8"))
    streams: list[str] = metadata["data"]["suggestedStreams"]["streams"]
    return streams


def needed(row: StreamRow, rows: Mapping[str, StreamRow]) -> Needed:
    """What a stream needs."""
    own = own_permissions(row, rows)
    also = {name: why for name, why in _along(row, rows) if name not in own}
    asked = plan_of(row, rows).asked
    return Needed(
        own=own,
        certain=UNKNOWN not in own and not _by_events_only(row),
        also=also,
        events=EVENTS_PATH in asked and EVENTS not in own,
        connect=_connect(row, own),
    )


def own_permissions(row: StreamRow, rows: Mapping[str, StreamRow]) -> tuple[str, ...]:
    """For a stream's rows: those of its objects, else those of the parents that the rows stand in."""
    if row.from_events:
        return (EVENTS,)
    if row.path is not None and (named := _of_kinds(row.object)):
        return named
    if row.all_parents and all(parent.field for parent in row.all_parents):
        return _union(own_permissions(rows[parent.stream], rows) for parent in row.all_parents)
    return (UNKNOWN,)


@cache
def _named() -> Mapping[str, Any]:
    facts: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("permissions.yaml").read_text("utf-8"))
    return facts


def _of_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    facts = {**_named()["events"], **_named()["objects"]}
    return tuple(dict.fromkeys(facts[kind] for kind in kinds if kind in facts))


def _by_events_only(row: StreamRow) -> bool:
    return any(kind in _named()["events"] for kind in row.object)


def _along(row: StreamRow, rows: Mapping[str, StreamRow]) -> Iterator[tuple[str, str]]:
    """What else is read for a stream: its parents, and what is expanded."""
    for parent in row.all_parents:
        for name in own_permissions(rows[parent.stream], rows):
            yield name, f"`{parent.stream}`"
    for path in row.expand:
        for stop in stops(row.object, path):
            # Of these kinds a field holds one: which ones an account has, it knows itself.
            yield from ((name, f"`{stop.path}`") for name in _of_kinds(stop.kinds))


def _connect(row: StreamRow, own: Iterable[str]) -> str:
    if row.belongs_to != "account":
        return "not needed"
    return "no" if set(own) & set(_named()["direct"]) else UNKNOWN


def _union(each: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in each for name in names))
