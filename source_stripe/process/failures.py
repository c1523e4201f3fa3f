"""Failures: each reason is told once for each stream, and once more, shortened, at the end of the sync."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from airbyte_cdk.models import AirbyteMessage, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

_REASONS = 3
"""In the last message. Platforms show it in a dialog."""
_NAMES = 3
"""Streams named for each reason."""
_LETTERS = 220
"""Letters of each reason."""
_WHOSE = re.compile(r"^(The stream \S+ is read together with \S+\. )?(The stream \S+ can't be read\. )?")
_OF_ONE_OBJECT = re.compile(r"'[^']*'|\b[A-Za-z]+_\w*\d\w*")
"""What differs between failures of one reason: ids, also of requests, and what is quoted."""


@dataclass
class Failures:
    """The failures of a sync's streams. Used by one thread."""

    streams: int
    """How many there are."""
    _said: dict[str, str] = field(default_factory=dict)
    """Sentences as they came first, by the sentence without what differs."""
    _times: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often, by sentence and stream."""
    _types: set[FailureType] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self._said)

    def is_new(self, stream: str, message: str) -> bool:
        """Take in a failure. Returns whether it is the first of the stream with this reason."""
        sentence = _WHOSE.sub("", message)
        alike = _OF_ONE_OBJECT.sub("", sentence)
        self._said.setdefault(alike, sentence)
        self._times[alike][stream] += 1
        return self._times[alike][stream] == 1

    def told_once(self, messages: Iterable[AirbyteMessage]) -> Iterator[AirbyteMessage]:
        """The messages, without failures of a stream whose reason was told before."""
        for message in messages:
            error = message.trace.error if message.trace else None
            stream = error.stream_descriptor if error else None
            if error is None or stream is None:
                yield message
                continue
            if error.failure_type is not None:
                self._types.add(error.failure_type)
            if self.is_new(stream.name, str(error.message)):
                yield message

    def closing(self) -> AirbyteTracedException:
        """The failure that the sync ends with: a config error only if each of its failures is one."""
        others = sorted(self._types - {FailureType.config_error}, key=lambda kind: kind.value)
        failure_type = others[0] if others else FailureType.config_error
        return AirbyteTracedException(message=str(self), internal_message="streams failed", failure_type=failure_type)

    def __str__(self) -> str:
        failed = {stream for times in self._times.values() for stream in times}
        reasons = sorted(self._times, key=lambda alike: -len(self._times[alike]))
        told = [self._reason(alike) for alike in reasons[:_REASONS]]
        if len(reasons) > _REASONS:
            told.append(f"There are {len(reasons) - _REASONS} more reasons.")
        end = "its" if len(failed) == 1 else "their"
        begun = f"{len(failed)} of {self.streams} streams could not be read to {end} end: "
        return begun + " ".join([*told, "The messages of the streams tell all."])

    def _reason(self, alike: str) -> str:
        times, said = self._times[alike], self._said[alike]
        short = said if len(said) <= _LETTERS else f"{said[:_LETTERS].rstrip()}..."
        repeated = f" ({times.total()} times)" if times.total() > len(times) else ""
        return f"{listed(times, _NAMES)}: {short}{repeated}"


def listed(names: Iterable[str], most: int | None = None) -> str:
    """Names in the order of the alphabet; of more than `most` the first ones, and how many more there are."""
    every = sorted(names)
    if most is None or len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"
