"""Where in Stripe's objects other objects stand: as an id that can be expanded, whole, or in a list."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tools.stripe_types import Array, Expandable, ListOf, ObjectType, Resource, Type, Union


@dataclass(frozen=True)
class Places:
    """Dotted paths in an object, arrays passed through, to the names of the objects that stand there, sorted."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    whole: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)


def places(kind: ObjectType) -> Places:
    """The places in an object's own fields; those of the objects that stand in it are theirs."""
    found = Places()
    for where, path, kinds in _places(kind, ""):
        there: dict[str, list[str]] = getattr(found, where)
        there[path] = sorted({*there.get(path, ()), *kinds})
    return found


def _places(kind: Type, path: str) -> Iterator[tuple[str, str, list[str]]]:
    if isinstance(kind, ObjectType):
        for item in kind.fields:
            yield from _places(item.type, f"{path}.{item.name}" if path else item.name)
    elif isinstance(kind, Array):
        yield from _places(kind.items, path)
    elif isinstance(kind, Expandable):
        yield "ids", path, _names(kind.targets)
    elif isinstance(kind, ListOf):
        yield "lists", path, _names((kind.items,))
    elif isinstance(kind, Resource):
        yield "whole", path, [kind.name]
    elif isinstance(kind, Union):
        for option in kind.options:
            yield from _places(option, path)


def _names(types: tuple[Type, ...]) -> list[str]:
    flat = [option for kind in types for option in (kind.options if isinstance(kind, Union) else (kind,))]
    return [kind.name for kind in flat if isinstance(kind, Resource)]
