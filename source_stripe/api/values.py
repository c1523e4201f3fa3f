"""Values that go through all rooms: rows as Stripe gives them, query parameters, times. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

Row = dict[str, Any]
"""An object of Stripe's, as its JSON says."""
Params = Sequence[tuple[str, str]]
"""Query parameters in order; a key may come twice, as `expand[]` does."""

_FRACTION = re.compile(r"\.\d+")
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


def has_address(object_id: str) -> bool:
    """Whether an object can be got by its id: HTTP clients and proxies take these, escaped or not, for folders."""
    return object_id not in ("", ".", "..")


def unix_seconds(time: Any) -> int | None:
    """A time as v1 (an integer) or v2 (RFC 3339 text) gives it, in Unix seconds. Text without an offset is UTC."""
    if isinstance(time, int):
        return time
    if isinstance(time, str):
        # Before Python 3.11 fromisoformat knows no Z, no +0000, nor fractions that are not three or six digits.
        text = _OFFSET.sub(r"\1:\2", _FRACTION.sub("", time.replace("Z", "+00:00")))
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())
    return None
