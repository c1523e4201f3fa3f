"""What a connection is made of that is to be like an existing one. Pure.

Streams, schedules and states are JSON, as Airbyte's APIs answer them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_HOURS = (1, 2, 3, 4, 6, 8, 12, 24)
"""Every so many hours can be said as a cron expression that starts anew at midnight."""


@dataclass(frozen=True)
class FoundStream:
    """A stream of a source, as `discover` found it."""

    name: str
    cursor: tuple[str, ...]
    key: tuple[tuple[str, ...], ...]
    columns: frozenset[str]

    @classmethod
    def of(cls, stream: Mapping[str, Any]) -> FoundStream:
        schema = stream.get("jsonSchema")
        return cls(
            stream["name"],
            tuple(stream.get("defaultCursorField") or ()) if stream.get("sourceDefinedCursor") else (),
            tuple(map(tuple, stream.get("sourceDefinedPrimaryKey") or ())),
            frozenset(schema.get("properties") or ()) if isinstance(schema, dict) else frozenset(),
        )


@dataclass(frozen=True)
class Likeness:
    """The streams of the new connection, and in sentences what can't be as it was."""

    streams: list[Json]
    notes: list[str] = field(default_factory=list)


def streams_like(old: Sequence[Json], found: Mapping[str, FoundStream]) -> Likeness:
    """The streams that both have, with their sync modes, selected columns and mappers."""
    both = [each for each in old if each["name"] in found]
    missing = [each["name"] for each in old if each["name"] not in found]
    notes = [f"The new source has no stream {', '.join(missing)}: left out."] if missing else []
    for each in both:
        lost = _selected(each) - found[each["name"]].columns
        if lost:
            notes.append(
                f"{each['name']}: columns that are not there any more are left out: {', '.join(sorted(lost))}."
            )
    return Likeness([_like(each, found[each["name"]]) for each in both], notes)


def _like(old: Json, found: FoundStream) -> Json:
    """A stream's configuration. Airbyte refuses a cursor and a key where the source defines them, and a selection
    of columns that lacks those."""
    new = {name: value for name, value in old.items() if value not in (None, [])}
    if found.cursor:
        new.pop("cursorField", None)
    if found.key:
        new.pop("primaryKey", None)
    if _selected(old):
        columns = _selected(old) & found.columns | {path[0] for path in (found.cursor, *found.key) if path}
        new["selectedFields"] = [{"fieldPath": [name]} for name in sorted(columns)]
    return new


def _selected(stream: Json) -> set[str]:
    return {each["fieldPath"][0] for each in stream.get("selectedFields") or () if each.get("fieldPath")}


def schedule_like(old: Mapping[str, Any]) -> tuple[Json, str]:
    """The schedule, and a note if it can't be quite the same. Airbyte's API shows intervals and time zones, and takes
    neither."""
    if old.get("scheduleType") == "cron":
        return _cron_like(str(old.get("cronExpression") or "").split())
    if old.get("scheduleType") == "manual":
        return {"scheduleType": "manual"}, ""
    timing = str(old.get("basicTiming") or "unknown")
    every = re.fullmatch(r"Every (\d+) HOURS", timing)
    hours = int(every[1]) if every else 0
    if hours in _HOURS:
        return _cron("0 0 0 * * ?" if hours == 24 else f"0 0 0/{hours} * * ?"), ""
    return {"scheduleType": "manual"}, f"The schedule, {timing}, can't be set by the API: set it in Airbyte."


def _cron_like(fields: list[str]) -> tuple[Json, str]:
    """Six fields or seven, and behind them a time zone, or none."""
    zone = fields[-1] if len(fields) > 6 and re.fullmatch(r"[A-Za-z_]{2,}(/[\w+-]+)*", fields[-1]) else ""
    expression = " ".join(fields[:-1] if zone else fields)
    if zone in ("", "UTC"):
        return _cron(expression), ""
    return _cron(expression), f"The schedule is in UTC now, not in {zone}, as the API has no time zones."


def _cron(expression: str) -> Json:
    return {"scheduleType": "cron", "cronExpression": expression}


def stream_states(state: Mapping[str, Any]) -> list[Json] | None:
    """The states of the streams in a connection's state; None where they stand in one piece for all streams."""
    kind = state.get("stateType")
    if kind == "not_set":
        return []
    if kind == "stream":
        return list(state.get("streamState") or ())
    inside = state.get("globalState")
    shared = isinstance(inside, dict) and (inside.get("sharedState") or inside.get("shared_state"))
    if kind == "global" and isinstance(inside, dict) and not shared:
        return list(inside.get("streamStates") or ())
    return None


def states_of(states: Iterable[Mapping[str, Any]], streams: Iterable[str]) -> list[Json]:
    """The states of these streams, each as it is."""
    wanted = set(streams)
    return [dict(each) for each in states if each["streamDescriptor"]["name"] in wanted]


def same_states(one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the streams have the same states, in whatever order."""
    return _by_stream(one) == _by_stream(other)


def _by_stream(states: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    return {
        (each["streamDescriptor"]["name"], each["streamDescriptor"].get("namespace") or ""): each.get("streamState")
        for each in states
    }


def same_config(ours: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether a source's config is ours, as far as Airbyte shows it: it shows stars for what is secret."""
    return ours.keys() == shown.keys() and all(_hidden(shown[name]) or shown[name] == ours[name] for name in ours)


def _hidden(value: Any) -> bool:
    return isinstance(value, str) and len(value) > 2 and not value.strip("*")
