"""What went wrong, in sentences, with Airbyte's own words. Pure."""

from __future__ import annotations

import json
from typing import Any

REFUSED, MISUSED, BUSY = 1, 2, 3
"""Exit codes: Airbyte or the check refused; the command can't be used so; a sync runs, come again later."""

_SHOWN = 500
"""Letters of Airbyte's words that a message shows."""


class RegistrationError(Exception):
    """It can't go on. The text says what was wrong, where, and what to do."""

    def __init__(self, text: str, code: int = REFUSED) -> None:
        super().__init__(text)
        self.code = code


class AirbyteError(RegistrationError):
    """Airbyte refused a call, or could not be reached."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


def refusal(what: str, place: str, status: int, body: str) -> AirbyteError:
    """The error for an answer that refuses. `what` is the step in words, `place` the call."""
    told = words(body)
    said = f"Airbyte says: {sentence(told)}" if told else "Airbyte gives no reason."
    return AirbyteError(f"{what} failed with status {status} ({place}). {said}{_way_out(status)}", status)


def words(body: str) -> str:
    """Airbyte's own words in the body of a refusal, which has one of two forms, or is a page of a proxy."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        content = body.strip()
    if isinstance(content, dict):
        data = content.get("data")
        inner = data.get("message") if isinstance(data, dict) else None
        named = [inner, *(content.get(name) for name in ("detail", "message", "title"))]
        content = next((text for text in named if isinstance(text, str) and text), body.strip())
    text = " ".join(str(content).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def sentence(text: str) -> str:
    """The text with an end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _way_out(status: int) -> str:
    if status == 401:
        return " Look at AIRBYTE_CLIENT_ID and AIRBYTE_CLIENT_SECRET, and whether they belong to this instance."
    if status == 403:
        return " The application may not do this: its user has to be an editor of the workspace."
    if status == 404:
        return " Look at the IDs, and whether --airbyte-url is the address that a browser opens Airbyte at."
    if 300 <= status < 400:
        return " It leads elsewhere: give that address as --airbyte-url."
    if status >= 500 or status == 429:
        return " Run this again: it goes on from what is there."
    return ""
