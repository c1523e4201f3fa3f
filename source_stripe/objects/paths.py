"""Dotted paths: the values in a row by names such as `payment_method.card.brand`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from source_stripe.api.values import Row


def values_at(row: Any, path: str) -> list[Any]:
    """The values at a dotted path: through every element of an array, and `*` through every key."""
    if "." not in path:
        value = row.get(path)
        return [] if value is None else [value]
    values: list[Any] = [row]
    for name in path.split("."):
        inside = [element for value in values for element in (value if isinstance(value, list) else [value])]
        hashes = [value for value in inside if isinstance(value, Mapping)]
        values = [child for value in hashes for child in (value.values() if name == "*" else [value.get(name)])]
    return [value for value in values if value is not None]


def objects_at(row: Row, path: str) -> Iterator[Row]:
    """The objects at a dotted path, those of an array one by one."""
    for value in values_at(row, path):
        yield from (each for each in (value if isinstance(value, list) else (value,)) if isinstance(each, dict))


def ids_at(row: Mapping[str, Any], path: str) -> list[str]:
    """The ids at a dotted path, those of an array one by one; an object that stands there counts by its own."""
    found = (each for value in values_at(row, path) for each in (value if isinstance(value, list) else (value,)))
    ids = (value.get("id") if isinstance(value, Mapping) else value for value in found)
    return [str(value) for value in ids if value]


def matches(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether a row has these values at these dotted paths; the value `any` matches all but null."""
    for path, wanted in where.items():
        values = values_at(row, path)
        if wanted == "any":
            if not values:
                return False
        elif (values[0] if values else None) != wanted:
            return False
    return True
