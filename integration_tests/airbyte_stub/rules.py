"""What Airbyte refuses in a connection's streams and schedule. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]


def stream_faults(streams: list[Json], found: Mapping[str, Json]) -> Iterator[str]:
    """Faults of a connection's streams, in Airbyte's words; `found` are the source's."""
    names = [each["name"] for each in streams]
    for each in streams:
        name = each["name"]
        if name not in found:
            yield f"Invalid stream found. The list of valid streams include: {[*found]}."
            continue
        if names.count(name) > 1:
            yield f"Duplicate stream found in configuration for: {name}."
        yield from _mode_faults(each, found[name])
        yield from _selection_faults(each, found[name])


def _mode_faults(stream: Json, found: Json) -> Iterator[str]:
    name, mode = stream["name"], stream.get("syncMode", "full_refresh_overwrite")
    if not any(mode.startswith(each) for each in found["supportedSyncModes"]):
        yield f"Cannot set sync mode to {mode} for stream {name}."
    if stream.get("cursorField") and found.get("sourceDefinedCursor"):
        yield f"Cursor Field {stream['cursorField']} is already defined by source for stream: {name}."
    if stream.get("primaryKey") and found.get("sourceDefinedPrimaryKey"):
        yield f"Primary key for stream: {name} is already pre-defined."


def _selection_faults(stream: Json, found: Json) -> Iterator[str]:
    if "selectedFields" not in stream:
        return
    name, mode = stream["name"], stream.get("syncMode", "")
    columns = [".".join(each["fieldPath"]) for each in stream["selectedFields"]]
    if not columns:
        yield f"No fields selected for stream {name}."
    if not set(columns) <= found["jsonSchema"]["properties"].keys():
        yield f"Invalid fields selected for stream {name}."
    if "dedup" in mode and not {path[0] for path in found.get("sourceDefinedPrimaryKey") or []} <= set(columns):
        yield f"Primary key fields are not selected properly for stream: {name}."
    if mode.startswith("incremental") and not set(found.get("defaultCursorField") or []) <= set(columns):
        yield f"Cursor field is not selected properly for stream: {name}."


def schedule_faults(schedule: Json | None) -> Iterator[str]:
    """Faults of a schedule: an expression has six or seven fields, of which the first is a number."""
    if not schedule or schedule["scheduleType"] != "cron":
        return
    expression = schedule.get("cronExpression")
    if not expression:
        yield "Missing cron expression in the schedule."
        return
    fields = expression.removesuffix("UTC").split()
    if len(fields) not in (6, 7) or not fields[0].isdecimal():
        yield f"The cron expression {expression} is not valid."
