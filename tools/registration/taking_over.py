"""A connection like an existing one, with its state."""

from __future__ import annotations

import time
from collections.abc import Mapping

from airbyte_api import models

from tools.registration.airbyte import Airbyte, Connection, Json, Source
from tools.registration.doing import Doing, streams
from tools.registration.failures import BUSY, AirbyteError, RegistrationError
from tools.registration.likeness import (
    FoundStream,
    Likeness,
    same_states,
    schedule_like,
    states_of,
    stream_states,
    streams_like,
)

_LOOKS_AGAIN = 10.0
"""Seconds until it is asked again whether a sync runs."""

_SAME = ("prefix", "namespaceDefinition", "namespaceFormat", "nonBreakingSchemaUpdatesBehavior")
"""What is as it was."""

_UNDER_WAY = (models.JobStatusEnum.RUNNING, models.JobStatusEnum.PENDING, models.JobStatusEnum.INCOMPLETE)


def take_over(doing: Doing, old: Connection, source: Source | None, found: Mapping[str, FoundStream] | None) -> None:
    """Find or make the connection, and give it the state of the old one."""
    if source and old.source_id == source.id:
        text = f'The connection "{old.name}" reads this source already.'
        raise RegistrationError(f"{text} --like wants one of another source, whose place this one is to take.")
    new = _there(doing, old, source) or _made(doing, old, source, found)
    _state(doing, old, new)
    if new:
        _next(doing, old, new)


def _next(doing: Doing, old: Connection, new: Connection) -> None:
    """What is left to do, as two connections must not write to the same tables."""
    active = "active"
    if old.status == new.status == active:
        doing.say(f'Disable "{old.name}" in Airbyte: two connections write to the same tables.')
    elif old.status == active:
        doing.say(
            f'Next: disable "{old.name}" in Airbyte, run this again if it has synced since, and enable the new one.'
        )
    elif new.status != active:
        doing.say(f'Next: enable "{new.name}" in Airbyte.')


def _there(doing: Doing, old: Connection, source: Source | None) -> Connection | None:
    if source is None:
        return None
    ends = (source.id, old.destination_id)
    there = [
        each
        for each in doing.airbyte.connections(old.shown["workspaceId"])
        if (each.source_id, each.destination_id) == ends and each.status != "deprecated"
    ]
    if len(there) > 1:
        named = ", ".join(f"{each.id} ({each.name})" for each in there)
        raise RegistrationError(f"There are several connections of the source to the destination: {named}. Keep one.")
    if not there:
        return None
    doing.say(f'Connection "{there[0].name}": unchanged, {there[0].status}.')
    return there[0]


def _made(
    doing: Doing, old: Connection, source: Source | None, found: Mapping[str, FoundStream] | None
) -> Connection | None:
    """The new connection; None in a dry run."""
    # A dry run does not know what the source has.
    like = Likeness(old.streams) if found is None else streams_like(old.streams, found)
    if not like.streams:
        raise RegistrationError(f'The connection "{old.name}" has no stream that the new source has.')
    schedule, note = schedule_like(old.shown.get("schedule") or {})
    body = {
        "name": f"{old.name} (source-stripe)",
        "sourceId": source.id if source else "",
        "destinationId": old.destination_id,
        "configurations": {"streams": like.streams},
        **{name: old.shown[name] for name in _SAME if old.shown.get(name) is not None},
        "schedule": schedule,
        "status": "inactive",
    }
    made = doing.do(
        f'Connection "{body["name"]}": {{}} like "{old.name}", inactive, with {streams(len(like.streams))}.',
        "made",
        lambda: doing.airbyte.make_connection(body),
    )
    for each in [*like.notes, *([note] if note else [])]:
        doing.say(f"  {each}")
    return made


def _state(doing: Doing, old: Connection, new: Connection | None) -> None:
    _when_idle(doing, old)
    states = stream_states(doing.airbyte.state(old.id))
    if states is None:
        text = f'The state of "{old.name}" is in one piece for all streams, which can\'t be taken over.'
        raise RegistrationError(f"{text} Let that connection's source be updated and sync once, then run this again.")
    selected = (new or old).streams
    wanted = states_of(states, [each["name"] for each in selected])
    if not wanted:
        doing.say(f'State: "{old.name}" has none. The first sync reads everything.')
        return
    if new is not None and _has_its_own(doing, new, wanted):
        return
    doing.do(
        f'State: {{}} from "{old.name}", of {streams(len(wanted))}.', "taken over", lambda: _take(doing, new, wanted)
    )


def _has_its_own(doing: Doing, new: Connection, wanted: list[Json]) -> bool:
    """Whether the new connection's state is to stay: it is the same one, or the connection has synced since."""
    there = stream_states(doing.airbyte.state(new.id))
    if there is not None and same_states(there, wanted):
        doing.say(f"State: unchanged, of {streams(len(wanted))}.")
        return True
    if doing.airbyte.jobs(new.id):
        doing.say("State: left as it is, as the new connection has synced.")
        return True
    return False


def _take(doing: Doing, new: Connection | None, wanted: list[Json]) -> None:
    if new is None:
        return
    try:
        doing.airbyte.set_state(new.id, wanted)
    except AirbyteError as error:
        if error.status != 423:
            raise
        raise RegistrationError(f"A sync of the new connection runs. {error}", BUSY) from None
    if not same_states(stream_states(doing.airbyte.state(new.id)) or [], wanted):
        raise RegistrationError("Airbyte shows another state than it was given. Don't enable the connection.")


def _when_idle(doing: Doing, connection: Connection) -> None:
    """Wait until no sync of it runs: before that its state is not the last one."""
    deadline = time.monotonic() + doing.wanted.wait
    told = False
    while _runs(doing.airbyte, connection):
        if doing.wanted.dry_run:
            doing.say(f'A sync of "{connection.name}" runs: its state would be waited for, or refused.')
            return
        if time.monotonic() >= deadline:
            text = f'A sync of "{connection.name}" runs, so its state is not the last one.'
            raise RegistrationError(f"{text} Run this again when it has ended, or let it wait: --wait 60.", BUSY)
        if not told:
            doing.say(f'Waiting for the sync of "{connection.name}" to end.')
        told = True
        time.sleep(_LOOKS_AGAIN)


def _runs(airbyte: Airbyte, connection: Connection) -> bool:
    return any(airbyte.jobs(connection.id, status) for status in _UNDER_WAY)
