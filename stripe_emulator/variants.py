"""Other values that a field of an object may have: what its type lets it become."""

from collections.abc import Iterator
from typing import Any

from stripe_emulator.retired import object_type
from tools.stripe_types import Array, Expandable, Map, ObjectType, Resource, Scalar, Type


def others(kind: Type, old: Any) -> Iterator[Any]:
    """Values of a type that differ from one: every other one that is known, else a new one. None of lists of objects,
    or of what has no type; of a hash one field is another."""
    if isinstance(kind, Scalar):
        text = isinstance(old, str) or kind.kind == "string"
        new = f"{old or ''}0" if text else not old if kind.kind == "boolean" else (old or 0) + 1
        yield from (value for value in kind.values or [new] if value != old)
    elif isinstance(kind, Expandable):
        yield f"{old or ''}0"
    elif isinstance(kind, Map) and isinstance(kind.values, Scalar):
        yield {"key": next(others(kind.values, old.get("key") if isinstance(old, dict) else None))}
    elif isinstance(kind, Array) and isinstance(kind.items, Scalar):
        yield [next(others(kind.items, old[0] if old else None))]
    elif (inner := inside(kind)) is not None:
        for field in inner.fields:
            changed = next(others(field.type, old.get(field.name) if isinstance(old, dict) else None), None)
            if changed is not None:
                yield {field.name: changed}
                return


def inside(kind: Type) -> ObjectType | None:
    """The type of what stands in a field whole."""
    if isinstance(kind, Expandable):
        return None
    return kind if isinstance(kind, ObjectType) else object_type(kind.name) if isinstance(kind, Resource) else None
