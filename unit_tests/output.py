"""What a connector put out, as a test wants to look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

Message = dict[str, Any]


@dataclass(frozen=True)
class Output:
    """The messages of one command, in order, as plain JSON objects."""

    messages: list[Message]

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> Output:
        """Parse stdout; every line must be a message."""
        return cls([orjson.loads(line) for line in lines if line.strip()])

    def records(self, stream: str | None = None) -> list[dict[str, Any]]:
        """The rows of a stream, or of all, as they came."""
        records = (message["record"] for message in self._of("RECORD"))
        return [record["data"] for record in records if stream in (None, record["stream"])]

    def ids(self, stream: str | None = None) -> Counter[str]:
        return Counter(row["id"] for row in self.records(stream))

    def states(self, stream: str) -> list[dict[str, Any]]:
        """The states of a stream, as they came."""
        states = (message["state"]["stream"] for message in self._of("STATE"))
        return [state["stream_state"] for state in states if state["stream_descriptor"]["name"] == stream]

    @property
    def state_messages(self) -> list[dict[str, Any]]:
        """The last state of each stream: what the platform would hand to the next sync."""
        last = {
            message["state"]["stream"]["stream_descriptor"]["name"]: message["state"] for message in self._of("STATE")
        }
        return list(last.values())

    @property
    def traces(self) -> list[dict[str, Any]]:
        return [message["trace"] for message in self._of("TRACE")]

    @property
    def statuses(self) -> dict[str, str]:
        """Each stream's last status."""
        reports = [trace["stream_status"] for trace in self.traces if trace.get("stream_status")]
        return {report["stream_descriptor"]["name"]: report["status"] for report in reports}

    @property
    def errors(self) -> list[str]:
        """The messages of error traces."""
        return [trace["error"]["message"] for trace in self.traces if trace.get("error")]

    @property
    def logs(self) -> list[str]:
        return [f"{message['log']['level']} {message['log']['message']}" for message in self._of("LOG")]

    def _of(self, kind: str) -> Iterator[Message]:
        return (message for message in self.messages if message["type"] == kind)
