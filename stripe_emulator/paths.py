"""Dotted paths in an object's fields, as lists of names."""

from typing import Any


def at(fields: Any, path: list[str]) -> Any:
    """What is at a path: null where a hash on the way lacks the name, or is none."""
    for name in path:
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields


def without(value: Any, path: list[str]) -> Any:
    """A copy of a hash without what is at the path, in every element of the arrays on the way."""
    if isinstance(value, list):
        return [without(item, path) for item in value]
    name, *rest = path
    if not isinstance(value, dict) or (value.get(name) is None and (rest or name not in value)):
        return value
    if rest:
        return {**value, name: without(value[name], rest)}
    return {key: item for key, item in value.items() if key != name}
