"""Meter event summaries: one of all the time that is asked for, or one for each of its days or hours."""

from collections.abc import Mapping
from typing import Any

from stripe_emulator import errors
from stripe_emulator.facts import Json

_SECONDS = {"day": 24 * 3600, "hour": 3600}


def check_window(filters: Mapping[str, Any]) -> None:
    """Raise StripeError unless the times of a request (Unix time) begin and end a window of its size."""
    window = filters.get("value_grouping_window")
    if window is None:
        return
    for name in ("start_time", "end_time"):
        if filters[name] % _SECONDS[window]:
            raise errors.invalid_value(name, f"{name} must align with {window} boundaries (UTC): {filters[name]}")


def is_hidden(fields: Json, filters: Mapping[str, Any]) -> bool:
    """Whether a summary is of another window than the request's. Without one, days and hours are not shown by
    themselves, unless that is all the time that is asked for."""
    start, end = fields["start_time"], fields["end_time"]
    window = filters.get("value_grouping_window")
    if window:
        return bool(end - start != _SECONDS[window])
    return end - start in _SECONDS.values() and (start, end) != (filters["start_time"], filters["end_time"])
