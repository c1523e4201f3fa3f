"""Query strings: read as Stripe reads them (`created[gte]=1`, `expand[]=a`, `scope[type]=account`), and checked.

A parameter's type is one of `string`, `integer`, `number`, `boolean`, `range`, `map`, `{"enum": [...]}`,
`{"list": type}`, `{"hash": {name: type}, "required": [...]}`, as in `facts/endpoints.json`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from stripe_emulator import errors
from stripe_emulator.clock import unix_time
from stripe_emulator.facts import Endpoint

RANGE_KEYS = ("gt", "gte", "lt", "lte")
MAX_LIMIT, DEFAULT_LIMIT = 100, 10
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_CURSOR_PARAMETERS: Mapping[str, Any] = {"limit": "integer", "starting_after": "string", "ending_before": "string"}
_V2_PARAMETERS: Mapping[str, Any] = {"limit": "integer", "page": "string"}

Range = dict[str, int]


@dataclass(frozen=True)
class Parameters:
    """A checked query: where the page is, what to expand, and the endpoint's own parameters by name.

    A range is {gt|gte|lt|lte|eq: integer}; of a v2 endpoint's times too, as Unix time.
    """

    limit: int = DEFAULT_LIMIT
    starting_after: str | None = None
    ending_before: str | None = None
    page: str | None = None
    expand: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)


def read(query: str, endpoint: Endpoint) -> Parameters:
    """Check a query string against an endpoint. Raises StripeError where Stripe would refuse it."""
    given = _tree(parse_qsl(query, keep_blank_values=True))
    known = _known(endpoint)
    if unknown := [name for name in given if name not in known]:
        raise errors.unknown_parameters(unknown)
    read_range = _v2_range if endpoint.is_v2 else _v1_range
    values = {name: _value(name, value, known[name], read_range) for name, value in given.items()}
    for name in endpoint.required:
        if name not in values:
            raise errors.missing_parameter(name)
    limit = values.pop("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise errors.limit_out_of_range(limit)
    if "starting_after" in values and "ending_before" in values:
        raise errors.both_cursors()
    return Parameters(
        limit=limit,
        starting_after=values.pop("starting_after", None),
        ending_before=values.pop("ending_before", None),
        page=values.pop("page", None),
        expand=tuple(values.pop("expand", ())),
        filters=values,
    )


def flat(query: str) -> dict[str, list[str]]:
    """A query string's values by the name as it was written, repeated keys in order."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def _known(endpoint: Endpoint) -> dict[str, Any]:
    paging: Mapping[str, Any] = {}
    if endpoint.pages == "v2":
        paging = _V2_PARAMETERS
    elif endpoint.pages == "cursor":
        paging = _CURSOR_PARAMETERS
    expand = {} if endpoint.is_v2 else {"expand": {"list": "string"}}
    return {**endpoint.params, **paging, **expand}


def _tree(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b]=1` is {a: {b: 1}}, `a[]=1` and `a[0]=1` are {a: [1]}. Of repeated scalars the last counts."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise errors.unknown_parameters([name])
        _put(tree, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value, name)
    return tree


def _put(tree: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    key, *rest = keys
    if not rest:
        tree[key] = value
    elif rest[0] == "" or rest[0].isdecimal():
        elements = tree.setdefault(key, [])
        if not isinstance(elements, list) or len(rest) > 1:
            raise errors.invalid_value(name, f"Invalid array: {name}")
        elements.append(value)
    else:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            raise errors.invalid_value(name, f"Invalid object: {name}")
        _put(below, rest, value, name)


_ReadRange = Callable[[str, Any], Range]


def _value(name: str, value: Any, kind: Any, read_range: _ReadRange) -> Any:
    if kind == "range":
        return read_range(name, value)
    if isinstance(kind, dict) and "list" in kind:
        if not isinstance(value, list):
            raise errors.invalid_value(name, "Invalid array")
        return [_value(f"{name}[{index}]", item, kind["list"], read_range) for index, item in enumerate(value)]
    if isinstance(kind, dict) and "hash" in kind:
        return _hash(name, value, kind, read_range)
    if kind == "map":
        return value
    if not isinstance(value, str):
        raise errors.invalid_value(name, "Invalid string")
    if value == "":
        raise errors.empty_parameter(name)
    if isinstance(kind, dict):
        return _choice(name, value, kind["enum"])
    return value if kind == "string" else _SCALARS[kind](name, value)


def _hash(name: str, value: Any, kind: Mapping[str, Any], read_range: _ReadRange) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise errors.invalid_value(name, "Invalid object")
    if unknown := [f"{name}[{key}]" for key in value if key not in kind["hash"]]:
        raise errors.unknown_parameters(unknown)
    for key in kind["required"]:
        if key not in value:
            raise errors.missing_parameter(f"{name}[{key}]")
    return {key: _value(f"{name}[{key}]", item, kind["hash"][key], read_range) for key, item in value.items()}


def _choice(name: str, value: str, choices: list[str]) -> str:
    if value not in choices:
        *most, last = choices
        listed = f"one of {', '.join(most)} or {last}" if most else last
        raise errors.invalid_value(name, f"Invalid {name}: must be {listed}")
    return value


def _integer(name: str, value: str) -> int:
    if not re.fullmatch(r"-?\d+", value):
        raise errors.invalid_integer(name, value)
    return int(value)


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise errors.invalid_value(name, f"Invalid number: {value}") from None


def _boolean(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise errors.invalid_value(name, f"Invalid boolean: {value}")
    return value == "true"


_SCALARS: Mapping[str, Callable[[str, str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _v1_range(name: str, value: Any) -> Range:
    if isinstance(value, str):
        return {"eq": _integer(name, value)}
    return {key: _integer(f"{name}[{key}]", bound) for key, bound in _bounds(name, value).items()}


def _v2_range(name: str, value: Any) -> Range:
    return {key: _time(f"{name}[{key}]", bound) for key, bound in _bounds(name, value).items()}


def _bounds(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise errors.invalid_value(name, "Invalid object")
    if unknown := [f"{name}[{key}]" for key in value if key not in RANGE_KEYS]:
        raise errors.unknown_parameters(unknown)
    for key, bound in value.items():
        if not isinstance(bound, str) or not bound:
            raise errors.invalid_integer(f"{name}[{key}]", str(bound or ""))
    return value


def _time(name: str, value: str) -> int:
    try:
        return unix_time(value)
    except ValueError:
        raise errors.invalid_value(name, f"Invalid timestamp: {value} is not RFC 3339.") from None
