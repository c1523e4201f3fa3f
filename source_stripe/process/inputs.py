"""Inputs: the files that a platform hands over. One that can't be used is refused, with a sentence that says why.

They are strict JSON: no NaN, no number too large for a double. No sentence quotes a config, which holds a key.
"""

from __future__ import annotations

import argparse
import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from airbyte_cdk.models import (
    AirbyteStateMessage,
    AirbyteStateMessageSerializer,
    AirbyteStateType,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
    FailureType,
)
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.process.forms import NoStateError, configured, lines, states

_DEEPEST = 64
"""Levels of nesting at most: the CDK copies, searches and prints such content by recursion. See docs/design/threads.md,
"Guards"."""
_SHOWN = 200
"""Letters of a reason at most: it may quote the content."""
_RESET = "Reset the connection's state, or hand over the state messages that source-stripe wrote."


class InputError(AirbyteTracedException):
    """A file that can't be used."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(
            message=f"The {what} can't be used: {problem}",
            internal_message=f"unusable {what}",
            failure_type=FailureType.config_error,
        )


@dataclass(frozen=True)
class Inputs:
    """What a command was given. None is what it was not given, or does not take."""

    config: dict[str, Any] | None = None
    catalog: ConfiguredAirbyteCatalog | None = None
    state: list[AirbyteStateMessage] | None = None

    @classmethod
    def named_by(cls, words: argparse.Namespace) -> Inputs:
        """The files that a command line names, each read once: it may be a pipe. Raises InputError."""
        config, catalog, state = (getattr(words, name, None) for name in ("config", "catalog", "state"))
        return cls(
            None if config is None else read_config(config),
            None if catalog is None else read_catalog(catalog),
            None if state is None else read_state(state),
        )


def read_config(path: str) -> dict[str, Any]:
    """A config as it was written. Raises InputError."""
    config = _load("config", path)
    if not isinstance(config, dict):
        raise InputError("config", f"{path!r} holds {_kind(config)}, not an object.")
    if not all(name for _, each in _containers(config) if isinstance(each, dict) for name in each):
        raise InputError("config", f"{path!r} has a field without a name.")
    return config


def read_catalog(path: str) -> ConfiguredAirbyteCatalog:
    """A configured catalog that selects something; what `discover` printed selects all. Raises InputError."""
    content = configured(_load("catalog", path))
    try:
        catalog = ConfiguredAirbyteCatalogSerializer.load(content)
    except ValueError as error:
        raise InputError("catalog", f"{path!r} is none: {_reason(error)}.") from None
    if not catalog.streams:
        raise InputError("catalog", f"{path!r} selects no stream. Select at least one.")
    (name, times), *_ = Counter(each.stream.name for each in catalog.streams).most_common(1)
    if times > 1:
        raise InputError("catalog", f"{path!r} has the stream {name} {times} times. Leave one of them.")
    return catalog


def read_state(path: str) -> list[AirbyteStateMessage]:
    """State messages that a sync can go on from, in any form of `forms.states`; none if the file has none.

    Raises InputError.
    """
    content = _load("state", path)
    if not content:
        return []
    try:
        content = states(content)
    except NoStateError:
        raise InputError("state", f"{path!r} holds messages of a sync, and no state among them. {_RESET}") from None
    if not isinstance(content, list):
        raise InputError("state", f"{path!r} holds {_kind(content)}, not a list of state messages. {_RESET}")
    try:
        messages = [AirbyteStateMessageSerializer.load(each) for each in content]
    except ValueError as error:
        raise InputError("state", f"{path!r} holds what is no state message: {_reason(error)}. {_RESET}") from None
    for message in messages:
        if problem := _problem(message, alone=len(messages) == 1):
            raise InputError("state", f"{path!r} holds {problem}. {_RESET}")
    return messages


def _problem(message: AirbyteStateMessage, *, alone: bool) -> str | None:
    """What is wrong with a state message that the CDK would skip, or not understand; None if nothing is."""
    if message.type is AirbyteStateType.GLOBAL and message.global_ is not None:
        if message.global_.shared_state is not None:
            return "a global state, as databases have it"
        return None if alone else "a global state beside other states"
    if message.type is AirbyteStateType.STREAM and message.stream is not None:
        return None
    kind = message.type.value if message.type else "no"
    return f"a state message of {kind} type without what belongs into it, or of a form that is no longer in use"


def _load(what: str, path: str) -> Any:
    if path.lstrip().startswith(("{", "[")):
        raise InputError(what, "it is no path of a file. Where it is the content, write it into a file.")
    try:
        content = _parsed(_text(what, path))
    except orjson.JSONDecodeError as error:
        raise InputError(what, f"{path!r} is no JSON: {error}.") from None
    except OSError as error:
        raise InputError(what, f"{path!r} can't be read: {error.strerror}.") from None
    except ValueError:
        raise InputError(what, f"{path!r} is no path.") from None
    if any(depth > _DEEPEST for depth, _ in _containers(content)):
        raise InputError(what, f"{path!r} is nested more than {_DEEPEST} levels deep.")
    return content


def _parsed(text: bytes) -> Any:
    """What stands in a file: JSON, or a command's output with a message on each line. Raises JSONDecodeError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if (messages := lines(text)) is None:
            raise
        return messages


def _text(what: str, path: str) -> bytes:
    """The file's UTF-8, without the byte order mark that some editors write."""
    content = Path(path).read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(what, f"{path!r} is in UTF-16. Save it as UTF-8.")
    return content.removeprefix(codecs.BOM_UTF8)


def _containers(content: Any) -> Iterator[tuple[int, dict[str, Any] | list[Any]]]:
    """All objects and lists in some content, each with its depth."""
    level, depth = [content], 1
    while level := [each for each in level if isinstance(each, dict | list)]:
        yield from ((depth, each) for each in level)
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        depth += 1


def _kind(content: Any) -> str:
    names = ((dict, "an object"), (list, "a list"))
    return next((name for kind, name in names if isinstance(content, kind)), "a single value")


def _reason(error: Exception) -> str:
    """The first problem that a validator names."""
    lines = str(error).splitlines()
    return (lines[1] if len(lines) > 1 else lines[0]).removeprefix("- ")[:_SHOWN]
