"""Values of the config that go by stream: as an object, or as lines, for a form that has room for lines only. Pure.

{"charges": {"customer": "cus_1", "created": {"gte": "2026-01-01"}}}
["charges.customer=cus_1", "charges.created>=2026-01-01"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"(?P<stream>\w+)\.(?P<path>[\w.*]+)", re.ASCII)
_FILTER = re.compile(r"(?P<stream>\w+)\.(?P<name>[\w.]+?)\s*(?P<op>>=|<=|=|>|<)(?P<value>.*)", re.ASCII | re.DOTALL)
BOUNDS = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}
"""What a line has for a bound of a range, and what an object has."""


def paths(given: Any) -> Mapping[str, tuple[str, ...]]:
    """Paths by stream: `{"charges": ["customer"]}`, or `["charges.customer"]`. Raises ValueError."""
    found: dict[str, list[str]] = {}
    if isinstance(given, list):
        for line in given:
            parts = _PATH.fullmatch(line) if isinstance(line, str) else None
            if parts is None:
                raise ValueError(f"a line is <stream>.<field>, as charges.customer; {line!r} is not")
            found.setdefault(parts["stream"], []).append(parts["path"])
    elif isinstance(given, Mapping):
        for stream, each in given.items():
            if not isinstance(each, list) or not all(isinstance(path, str) for path in each):
                raise ValueError(f"{stream} needs a list of fields")
            found[stream] = each
    elif given is not None:
        raise ValueError("it is neither")
    return {stream: tuple(path.removeprefix("data.") for path in each) for stream, each in found.items()}


def filters(given: Any) -> Mapping[str, Mapping[str, Any]]:
    """By stream and parameter: a value, a list of values, or the bounds of a range. Raises ValueError.

    A line names one parameter. Several values stand between commas or on lines of their own, bounds on lines of their
    own.
    """
    found: dict[str, dict[str, Any]] = {}
    if isinstance(given, list):
        for line in given:
            _add(found, line)
    elif isinstance(given, Mapping):
        for stream, each in given.items():
            if not isinstance(each, Mapping) or not all(isinstance(name, str) for name in each):
                raise ValueError(f"{stream} needs an object with its parameters")
            found[stream] = dict(each)
    elif given is not None:
        raise ValueError("it is neither")
    return found


def _add(found: dict[str, dict[str, Any]], line: Any) -> None:
    parts = _FILTER.fullmatch(line) if isinstance(line, str) else None
    if parts is None:
        raise ValueError(
            f"a line is <stream>.<parameter>=<value>, as charges.customer=cus_123, or has a bound, as "
            f"payouts.arrival_date>=2026-01-01; {line!r} is not"
        )
    name, value = parts["name"], parts["value"].strip()
    of_stream = found.setdefault(parts["stream"], {})
    before = of_stream.get(name)
    if parts["op"] == "=":
        if isinstance(before, Mapping):
            raise ValueError(f"{line} gives a value beside a bound")
        of_stream[name] = [*(before or ()), *(each.strip() for each in value.split(","))]
        return
    bound = BOUNDS[parts["op"]]
    if isinstance(before, list) or bound in (before or {}):
        raise ValueError(f"{line} gives a bound beside a value, or twice")
    of_stream[name] = {**(before or {}), bound: value}
