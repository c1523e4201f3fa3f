"""What a connection is made of that is to be like an existing one. Pure, but for the client's models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airbyte_api import models

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

    streams: list[models.StreamConfiguration]
    notes: list[str] = field(default_factory=list)


def streams_like(old: Iterable[models.StreamConfiguration], found: Mapping[str, FoundStream]) -> Likeness:
    """The streams that both have, with their sync modes, selected columns and mappers."""
    old = list(old)
    both = [each for each in old if each.name in found]
    missing = [each.name for each in old if each.name not in found]
    notes = [f"The new source has no stream {', '.join(missing)}: left out."] if missing else []
    for each in both:
        lost = _selected(each) - found[each.name].columns
        if lost:
            notes.append(f"{each.name}: columns that are not there any more are left out: {', '.join(sorted(lost))}.")
    return Likeness([_like(each, found[each.name]) for each in both], notes)


def _like(old: models.StreamConfiguration, found: FoundStream) -> models.StreamConfiguration:
    """A stream's configuration. Airbyte refuses a cursor and a key where the source defines them, and a selection
    of columns that lacks those."""
    columns = _selected(old) & found.columns
    if columns:
        columns |= {path[0] for path in (found.cursor, *found.key) if path}
    return models.StreamConfiguration(
        name=old.name,
        sync_mode=old.sync_mode,
        cursor_field=None if found.cursor else old.cursor_field or None,
        primary_key=None if found.key else old.primary_key or None,
        selected_fields=[models.SelectedFieldInfo(field_path=[name]) for name in sorted(columns)] or None,
        mappers=old.mappers or None,
        include_files=old.include_files,
        destination_object_name=old.destination_object_name,
    )


def _selected(stream: models.StreamConfiguration) -> set[str]:
    return {each.field_path[0] for each in stream.selected_fields or () if each.field_path}


def schedule_like(
    old: models.ConnectionScheduleResponse,
) -> tuple[models.AirbyteAPIConnectionSchedule, str]:
    """The schedule, and a note if it can't be quite the same. Airbyte's API shows intervals and time zones, and takes
    neither."""
    if old.schedule_type == models.ScheduleTypeWithBasicEnum.CRON:
        return _cron_like((old.cron_expression or "").split())
    manual = models.AirbyteAPIConnectionSchedule(schedule_type=models.ScheduleTypeEnum.MANUAL)
    if old.schedule_type == models.ScheduleTypeWithBasicEnum.MANUAL:
        return manual, ""
    every = re.fullmatch(r"Every (\d+) HOURS", old.basic_timing or "")
    hours = int(every[1]) if every else 0
    if hours in _HOURS:
        return _cron("0 0 0 * * ?" if hours == 24 else f"0 0 0/{hours} * * ?"), ""
    return manual, f"The schedule, {old.basic_timing or 'unknown'}, can't be set by the API: set it in Airbyte."


def _cron_like(fields: list[str]) -> tuple[models.AirbyteAPIConnectionSchedule, str]:
    """Six fields or seven, and behind them a time zone, or none."""
    zone = fields[-1] if len(fields) > 6 and re.fullmatch(r"[A-Za-z_]{2,}(/[\w+-]+)*", fields[-1]) else ""
    expression = " ".join(fields[:-1] if zone else fields)
    if zone in ("", "UTC"):
        return _cron(expression), ""
    return _cron(expression), f"The schedule is in UTC now, not in {zone}, as the API has no time zones."


def _cron(expression: str) -> models.AirbyteAPIConnectionSchedule:
    return models.AirbyteAPIConnectionSchedule(schedule_type=models.ScheduleTypeEnum.CRON, cron_expression=expression)


def stream_states(state: Mapping[str, Any]) -> list[dict[str, Any]] | None:
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


def states_of(states: Iterable[Mapping[str, Any]], streams: Iterable[str]) -> list[dict[str, Any]]:
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
