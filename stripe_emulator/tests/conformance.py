"""Whether an object is what its type, as the `stripe` package has it, says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from stripe_emulator import facts
from stripe_emulator.clock import unix_time
from tools.stripe_types import Array, Expandable, ListOf, Map, ObjectType, Resource, Scalar, Type, Union
from tools.type_supplements import object_type

_SCALARS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}
_FORMATS: Mapping[str, Callable[[str], object]] = {"date-time": unix_time, "decimal": Decimal, "int64": int}


def violations(shown: Mapping[str, Any]) -> list[str]:
    """What is wrong with an object as the API shows it, nothing expanded: `field: what is wrong with it` each."""
    kind = shown["object"]
    return list(_of_object(shown, object_type(kind), "", _left_out(kind)))


def _left_out(kind: str) -> frozenset[str]:
    """Paths that a kind shows only when it is asked for them."""
    lists = [row.field for row in facts.embedded(kind) if not row.shown]
    return frozenset([*facts.hidden_paths(kind), *lists, *facts.includable(kind)])


def _of_object(value: Any, kind: ObjectType, path: str, left_out: frozenset[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no hash"
        return
    fields = {field.name: field for field in kind.fields}
    for name in value.keys() - fields.keys():
        yield f"{path}{name}: {kind.name} has no such field"
    for name, field in fields.items():
        here = f"{path}{name}"
        if value.get(name) is not None:
            yield from _of_value(value[name], field.type, here, left_out)
        elif not field.nullable and here not in left_out:
            yield f"{here}: is missing"


def _of_value(value: Any, kind: Type, path: str, left_out: frozenset[str]) -> Iterator[str]:
    if isinstance(kind, Scalar):
        yield from _of_scalar(value, kind, path)
    elif isinstance(kind, ObjectType):
        yield from _of_object(value, kind, f"{path}.", left_out)
    elif isinstance(kind, Resource | Union):
        yield from _of_resource(value, kind, path)
    elif isinstance(kind, Expandable):
        if not isinstance(value, str):
            yield f"{path}: {value!r} is no id"
    elif isinstance(kind, Array | ListOf):
        for item in value if isinstance(kind, Array) else value["data"]:
            yield from _of_value(item, kind.items, path, left_out)
    elif isinstance(kind, Map):
        for name, item in value.items():
            yield from _of_value(item, kind.values, f"{path}.{name}", left_out)


def _of_resource(value: Any, kind: Resource | Union, path: str) -> Iterator[str]:
    options = kind.options if isinstance(kind, Union) else (kind,)
    found = value.get("object") if isinstance(value, dict) else value
    if found in [option.name for option in options]:
        yield from (f"{path}.{problem}" for problem in violations(value))
    else:
        yield f"{path}: {found!r} is none of {', '.join(option.name for option in options)}"


def _of_scalar(value: Any, kind: Scalar, path: str) -> Iterator[str]:
    if not isinstance(value, _SCALARS[kind.kind]) or (isinstance(value, bool) and kind.kind != "boolean"):
        yield f"{path}: {value!r} is no {kind.kind}"
    elif kind.values and value not in kind.values:
        yield f"{path}: {value!r} is none of {', '.join(map(str, kind.values))}"
    elif kind.format and not _is_written(str(value), kind.format):
        yield f"{path}: {value!r} is no {kind.format}"


def _is_written(text: str, form: str) -> bool:
    try:
        _FORMATS[form](text)
    except (ArithmeticError, ValueError):
        return False
    return True
