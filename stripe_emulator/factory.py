"""Objects made whole: every field of their type filled, from what a test gives and plausible values for the rest.

The types are those of the `stripe` package, as `tools.stripe_types` reads them. What a kind looks like with nothing
given is worked out once, when the first of it is made; objects share those parts, and nobody changes them in place.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from stripe_emulator import facts
from stripe_emulator.clock import DEFAULT_START, rfc3339
from stripe_emulator.facts import Json
from stripe_emulator.retired import object_type
from tools.stripe_types import (
    Anything,
    Array,
    Expandable,
    Field,
    ListOf,
    Map,
    ObjectType,
    Resource,
    Scalar,
    Type,
    Union,
)

_ID_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 14
_ID_SPACE = len(_ID_ALPHABET) ** _ID_LENGTH
# Coprime to the space, and near its golden section: ids are unique, look random and don't sort as they were made.
_ID_STEP = 7_664_715_031_257_921_135_575_041

_TEXTS: Mapping[str, str] = {
    "currency": "usd",
    "default_currency": "usd",
    "country": "US",
    "email": "jenny.rosen@example.com",
    "url": "https://example.com/",
    "last4": "4242",
    "fingerprint": "Xt5EWLLDS7FJjR1c",
    "brand": "visa",
    "funding": "credit",
    "timezone": "Etc/UTC",
    "interval": "month",
    "value": "1",
    "api_version": facts.PINNED_VERSION,
}
_NUMBERS: Mapping[str, int] = {
    "exp_month": 12,
    "exp_year": 2030,
    "amount": 1000,
    "quantity": 1,
    "interval_count": 1,
}
_TRUE = {"active", "captured", "charges_enabled", "open", "paid", "payouts_enabled", "valid"}
_LIKELY = (
    "succeeded",
    "active",
    "available",
    "paid",
    "complete",
    "open",
    "verified",
    "card",
    "per_unit",
    "licensed",
    "charge",
)


def object_id(prefix: str, number: int) -> str:
    """The id of the account's `number`th object: unlike in order, the same every time."""
    rest, text = number * _ID_STEP % _ID_SPACE, ""
    for _ in range(_ID_LENGTH):
        rest, digit = divmod(rest, len(_ID_ALPHABET))
        text += _ID_ALPHABET[digit]
    return f"{prefix}_{text}" if prefix else text


def make(kind: str, given: Json, *, object_id: str | None, created: int) -> Json:
    """An object with every field of its type. `created` (Unix time) fills its times; `given` wins over all.

    Embedded lists are left out: their rows are objects of their own. Raises ValueError for a field that the type lacks.
    """
    blank = _blank(kind)
    _refuse_unknown(given, blank.fields, kind)
    made = dict(blank.values)
    if object_id is not None and "id" in made:
        made["id"] = object_id
    for name in blank.times:
        made[name] = created
    for name in blank.texts_of_time:
        made[name] = rfc3339(created)
    for name, value in given.items():
        made[name] = completed(value, blank.fields[name].type)
    return made


def completed(value: Any, kind: Type) -> Any:
    """A given value with the missing fields of the hashes in it filled in."""
    if isinstance(kind, Resource) and isinstance(value, dict):
        return completed(value, _object(kind))
    if isinstance(kind, ObjectType) and isinstance(value, dict):
        fields = {field.name: field for field in kind.fields}
        _refuse_unknown(value, fields, kind.name)
        blank = {name: _value(field, (kind.name,)) for name, field in fields.items() if name not in value}
        return {**blank, **{name: completed(item, fields[name].type) for name, item in value.items()}}
    if isinstance(kind, Array) and isinstance(value, list):
        return [completed(item, kind.items) for item in value]
    if isinstance(kind, Union) and isinstance(value, dict):
        for option in kind.options:
            if isinstance(option, Resource) and option.name == value.get("object"):
                return completed(value, option)
    return value


def merged(old: Any, new: Any, kind: Type) -> Any:
    """A field's value after an update. Hashes merge key by key; null takes a key out of a map, as with metadata."""
    if isinstance(kind, Map) and isinstance(old, dict) and isinstance(new, dict):
        return {key: item for key, item in {**old, **new}.items() if item is not None}
    if isinstance(kind, ObjectType | Resource) and isinstance(old, dict) and isinstance(new, dict):
        inner = _object(kind) if isinstance(kind, Resource) else kind
        fields = {field.name: field for field in inner.fields}
        _refuse_unknown(new, fields, inner.name)
        return {**old, **{name: merged(old.get(name), item, fields[name].type) for name, item in new.items()}}
    return completed(new, kind)


def changed(kind: str, old: Json, changes: Json) -> Json:
    """An object's fields after an update. Raises ValueError for a field that the type lacks."""
    fields = _blank(kind).fields
    _refuse_unknown(changes, fields, kind)
    return {**old, **{name: merged(old.get(name), value, fields[name].type) for name, value in changes.items()}}


class _Blank:
    """A kind with nothing given: its values, and the fields that its creation time goes into."""

    def __init__(self, kind: ObjectType) -> None:
        lists = {row.field for row in facts.embedded(kind.name)}
        self.fields = {field.name: field for field in kind.fields if field.name not in lists}
        self.values = {name: _value(field, (kind.name,)) for name, field in self.fields.items()}
        required = [field for field in self.fields.values() if not field.nullable or field.name == "created"]
        self.times = [field.name for field in required if _is_time(field)]
        self.texts_of_time = [
            field.name for field in required if isinstance(field.type, Scalar) and field.type.format == "date-time"
        ]


@cache
def _blank(kind: str) -> _Blank:
    return _Blank(object_type(kind))


def _object(resource: Resource) -> ObjectType:
    return object_type(resource.name)


def _refuse_unknown(given: Mapping[str, Any], fields: Mapping[str, Field], kind: str) -> None:
    if unknown := sorted(set(given) - set(fields)):
        raise ValueError(f"{kind} has no field {', '.join(unknown)} at {facts.PINNED_VERSION}")


def _value(field: Field, above: tuple[str, ...]) -> Any:
    """A plausible value of a field: null where it may be null, unless it is a map of the account's own (metadata)."""
    if field.name == "metadata":
        return {}
    return None if field.nullable else _plausible(field.type, field.name, above)


def _plausible(kind: Type, name: str, above: tuple[str, ...]) -> Any:
    if isinstance(kind, Scalar):
        return _scalar(kind, name)
    if isinstance(kind, Array):
        return []
    if isinstance(kind, Map | Anything):
        return {}
    if isinstance(kind, Expandable):
        target = kind.targets[0]
        prefix = facts.kind(target.name).prefix if isinstance(target, Resource) else name
        return object_id(prefix, 0)
    if isinstance(kind, Union):
        return _plausible(kind.options[0], name, above)
    if isinstance(kind, ListOf):
        raise TypeError(f"{'.'.join(above)}.{name} is an embedded list that facts/lists.json doesn't know")
    if kind.name in above:
        return None
    inner = _object(kind) if isinstance(kind, Resource) else kind
    return {field.name: _value(field, (*above, kind.name)) for field in inner.fields}


def _scalar(kind: Scalar, name: str) -> Any:
    if kind.values:
        return next((value for value in _LIKELY if value in kind.values), kind.values[0])
    if kind.kind == "boolean":
        return name in _TRUE
    if kind.kind == "string":
        if kind.format == "date-time":
            return rfc3339(DEFAULT_START)
        return _TEXTS.get(name, "0" if kind.format else name.replace("_", " "))
    return DEFAULT_START if _names_time(name) else _NUMBERS.get(name, 0)


def _is_time(field: Field) -> bool:
    return field.type == Scalar("integer") and _names_time(field.name)


def _names_time(name: str) -> bool:
    return name in ("created", "date", "updated", "start", "end") or name.endswith(("_at", "_date", "_start", "_end"))
