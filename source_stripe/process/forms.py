"""The forms in which users have catalogs and states: the protocol's, the platform's, and what commands print. Pure.

What is of no known form comes back as it is: who reads it says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

_SYNC, _DESTINATION_SYNC = "incremental", "append_dedup"
_OTHERS = frozenset({"RECORD", "LOG", "TRACE", "SPEC", "CONNECTION_STATUS", "CATALOG", "CONTROL"})
"""Types of messages that carry no state."""


class NoStateError(ValueError):
    """There is no state among a sync's messages."""


def lines(text: bytes) -> list[Any] | None:
    """The messages of a command's output, one on each line; None where it is no such output.

    A last line without a line end is no message: the process that wrote it was killed.
    """
    whole = text[: text.rfind(b"\n") + 1].splitlines()
    try:
        messages = [orjson.loads(line) for line in whole if line.strip()]
    except orjson.JSONDecodeError:
        return None
    return messages if messages and all(map(_is_message, messages)) else None


def configured(content: Any) -> Any:
    """A configured catalog. Of one that `discover` printed each stream is selected, with the best of its sync modes."""
    catalogs = [each["catalog"] for each in _messages(content) if isinstance(each.get("catalog"), dict)]
    catalog = catalogs[-1] if catalogs else content
    streams = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(streams, list) or not all(isinstance(each, dict) and "name" in each for each in streams):
        return catalog
    return {"streams": [selected(each) for each in streams]}


def selected(stream: Mapping[str, Any], *, full_refresh: bool = False) -> dict[str, Any]:
    """A stream of a discovered catalog, as a configured catalog selects it."""
    modes = stream.get("supported_sync_modes") or []
    chosen = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    if _SYNC in modes and not full_refresh:
        chosen = {"sync_mode": _SYNC, "destination_sync_mode": _DESTINATION_SYNC}
    named = {
        "cursor_field": stream.get("default_cursor_field"),
        "primary_key": stream.get("source_defined_primary_key"),
    }
    return {"stream": dict(stream), **chosen, **{name: value for name, value in named.items() if value}}


def states(content: Any) -> Any:
    """A list of state messages, the last of each stream. They may come as they are, among the messages of a sync, or
    as the platform's API and its page "Connection state" show them.

    Raises NoStateError for the messages of a sync without a state among them.
    """
    if isinstance(content, dict):
        content = content.get("connectionState", content)
    if isinstance(content, dict) and "stateType" in content:
        return _of_connection(content)
    given = [content] if _is_message(content) else content
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        return content
    own = [_inner(each) for each in given if not _is_message(each) or each["type"] not in _OTHERS]
    if given and not own:
        raise NoStateError
    return [*_last_ones(map(_of_platform, own))]


def _of_connection(content: Mapping[str, Any]) -> Any:
    """The state of a connection as the platform's API shows it."""
    if content["stateType"] == "stream" and isinstance(content.get("streamState"), list):
        return states(content["streamState"])
    inside = content.get("globalState")
    if content["stateType"] == "global" and isinstance(inside, dict) and not inside.get("sharedState"):
        return states(inside.get("streamStates") or [])
    return [] if content["stateType"] == "not_set" else dict(content)


def _of_platform(state: dict[str, Any]) -> dict[str, Any]:
    """A state message, of a stream's state as the platform writes it."""
    if "streamDescriptor" not in state:
        return state
    stream = {"stream_descriptor": state["streamDescriptor"], "stream_state": state.get("streamState") or {}}
    return {"type": "STREAM", "stream": stream}


def _last_ones(states: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The last state of each stream, and others as they are."""
    by_stream: dict[Any, dict[str, Any]] = {}
    for number, state in enumerate(states):
        stream = state.get("stream")
        descriptor = stream.get("stream_descriptor") if isinstance(stream, dict) else None
        name = descriptor.get("name") if isinstance(descriptor, dict) else None
        key = name if isinstance(name, str) else number
        by_stream.pop(key, None)
        by_stream[key] = state
    yield from by_stream.values()


def _inner(each: dict[str, Any]) -> dict[str, Any]:
    state = each.get("state")
    return state if each.get("type") == "STATE" and isinstance(state, dict) else each


def _messages(content: Any) -> list[dict[str, Any]]:
    given = content if isinstance(content, list) else [content]
    return [each for each in given if _is_message(each)]


def _is_message(content: Any) -> bool:
    """Whether it is a message of a command's output, or of a state."""
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        return False
    return content["type"].replace("_", "").lower() in {str(name).lower() for name in content}
