"""A stream's JSON schema (draft-07) from Stripe's types.

Destinations make tables of it, so it is wide and forgiving: everything may be null, every object may have more than is
listed, enums are open (Stripe adds values without notice), and nothing is a `$ref` (many destinations don't follow it).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from source_stripe.catalog.schemas import Schema, merged
from tools.stripe_types import (
    Anything,
    Array,
    Expandable,
    ListOf,
    Map,
    ObjectType,
    Resource,
    Scalar,
    Type,
    Union,
    UnknownObjectError,
)
from tools.type_supplements import object_type

UPDATED: Schema = {
    "description": "Stripe time of the last known change of this object (Unix seconds). Added by the connector.",
    "type": ["null", "integer"],
}
IS_DELETED: Schema = {
    "description": "True if Stripe has deleted this object. Added by the connector.",
    "type": ["null", "boolean"],
}
_ADDABLE = ("string", "integer", "number", "boolean", "object")
# Destinations keep descriptions of columns at best: deeper ones would double the size of a catalog.
_DESCRIBED_DEPTH = 2
_LONGEST_DESCRIPTION = 240


class SchemaError(ValueError):
    """A stream's row asks for what Stripe's types don't have."""


@dataclass(frozen=True)
class Parent:
    """What a stream's records get from the record that they belong to.

    Its id as the field `id_as`; and the fields that `carries` maps to their JSON types, as `<name>_<field>`.
    """

    name: str
    id_as: str
    carries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What a stream's row in the manifest says about its records.

    `expand` holds Stripe's expansion paths inside the object (`balance_transaction`, `lines.data.discounts`). `adds`
    maps fields that the connector adds to their JSON types, `leaves_out` has those that records lack.
    """

    name: str
    objects: tuple[str, ...]
    cursor: str | None = None
    expand: tuple[str, ...] = ()
    adds: Mapping[str, str] = field(default_factory=dict)
    leaves_out: tuple[str, ...] = ()
    parents: tuple[Parent, ...] = ()
    sync: str | None = None


def record_schema(row: Row) -> Schema:
    """The schema of the records of a stream. Raises SchemaError."""
    try:
        types = [object_type(name) for name in row.objects]
    except UnknownObjectError as error:
        raise SchemaError(f"{row.name}: {error}") from None
    for path in row.expand:
        if not _leads_somewhere(types, path):
            raise SchemaError(f"{row.name}: expand: {' or '.join(row.objects)} has no field {path}")
    own = merged(_object(kind, _Place(row.expand).within(kind.name)) for kind in types)["properties"]
    if odd := [name for name in row.leaves_out if name not in own]:
        raise SchemaError(f"{row.name}: leaves_out: {' or '.join(row.objects)} has no field {odd[0]}")
    properties = {name: value for name, value in {**own, **_added(row, own)}.items() if name not in row.leaves_out}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": " or ".join(re.sub(r"[._]", " ", name).capitalize() for name in row.objects),
        **_described(types[0].description if len(types) == 1 else ""),
        "type": ["null", "object"],
        "additionalProperties": True,
        "properties": properties,
    }


def first_sentence(text: str) -> str:
    """Stripe's documentation in one line: Markdown links and HTML tags turned to text, cut after the first sentence."""
    paragraph = re.split(r"\n\s*\n", text.strip())[0]
    plain = re.sub(r"<[^>\n]+>", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph))
    plain = " ".join(plain.split())
    end = re.search(r"(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)\.(?= [A-Z`\"'(])", plain)
    return plain[: end.end()] if end else plain


@dataclass(frozen=True)
class _Place:
    """Where the walk is: the expansion path so far, and the objects it is inside of."""

    expand: tuple[str, ...]
    path: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()

    def at(self, segment: str) -> "_Place":
        return replace(self, path=(*self.path, segment))

    def within(self, resource: str) -> "_Place":
        return replace(self, inside=(*self.inside, resource))

    def expanded(self) -> bool:
        here = ".".join(self.path)
        return any(path == here or path.startswith(here + ".") for path in self.expand)


def _schema(kind: Type, place: _Place) -> Schema:
    if isinstance(kind, Scalar):
        return _scalar(kind)
    if isinstance(kind, Array):
        return {"type": ["null", "array"], "items": _schema(kind.items, place)}
    if isinstance(kind, Map):
        return {"type": ["null", "object"], "additionalProperties": _schema(kind.values, place) or True}
    if isinstance(kind, ListOf):
        return _list(kind, place)
    return {} if isinstance(kind, Anything) else _embedded(kind, place)


def _scalar(kind: Scalar) -> Schema:
    # Only date-time is a format of draft-07; a decimal is a string to a destination.
    return {
        "type": ["null", kind.kind],
        **({"format": kind.format} if kind.format == "date-time" else {}),
    }


def _list(kind: ListOf, place: _Place) -> Schema:
    return {
        "type": ["null", "object"],
        "additionalProperties": True,
        "properties": {
            "object": {"type": ["null", "string"]},
            "data": {"type": ["null", "array"], "items": _schema(kind.items, place.at("data"))},
            "has_more": {"type": ["null", "boolean"]},
            # The types leave it out, but most embedded lists carry it.
            "total_count": {"type": ["null", "integer"]},
            "url": {"type": ["null", "string"]},
        },
    }


def _embedded(kind: Resource | ObjectType | Union | Expandable, place: _Place) -> Schema:
    if isinstance(kind, Union):
        return merged(_embedded(option, place) for option in kind.options)
    if isinstance(kind, Expandable):
        if not place.expanded():
            return {"type": ["null", "string"]}
        # What a row asks for is given, also if the object stands on the path already: expansion paths are finite.
        return merged(_embedded(target, replace(place, inside=())) for target in kind.targets)
    if isinstance(kind, ObjectType):
        return _object(kind, place)
    return _open_object() if kind.name in place.inside else _object(object_type(kind.name), place.within(kind.name))


def _object(kind: ObjectType, place: _Place) -> Schema:
    error = _is_error(kind)
    properties = {}
    for item in kind.fields:
        inner = place.at(item.name)
        described = _described(item.description) if len(inner.path) <= _DESCRIBED_DEPTH else {}
        # Whole payment intents, setup intents and sources in every error would make thousands of columns of copies.
        whole = error and isinstance(item.type, Resource | ObjectType | Union)
        properties[item.name] = {**described, **(_open_object() if whole else _schema(item.type, inner))}
    return {"type": ["null", "object"], "additionalProperties": True, "properties": properties}


def _is_error(kind: ObjectType) -> bool:
    """An API error that an object keeps (last_payment_error and the like): it embeds what it was about."""
    return {"code", "doc_url", "payment_intent", "setup_intent"} <= {item.name for item in kind.fields}


def _open_object() -> Schema:
    return {"type": ["null", "object"], "additionalProperties": True}


def _described(text: str) -> Schema:
    sentence = first_sentence(text)
    if len(sentence) > _LONGEST_DESCRIPTION:  # in effect those that list all values of an enum
        sentence = sentence[:_LONGEST_DESCRIPTION].rpartition(" ")[0] + " …"
    return {"description": sentence} if sentence else {}


def _leads_somewhere(types: Iterable[Type], path: str) -> bool:
    """Whether an expansion path ends at a field of one of the types."""
    reached = list(types)
    for segment in path.split("."):
        reached = [inner for kind in reached for inner in _step(kind, segment)]
    return bool(reached)


def _step(kind: Type, segment: str) -> list[Type]:
    """The types that one segment of an expansion path leads to."""
    if isinstance(kind, Array):
        return _step(kind.items, segment)
    if isinstance(kind, Union | Expandable):
        options = kind.options if isinstance(kind, Union) else kind.targets
        return [inner for option in options for inner in _step(option, segment)]
    if isinstance(kind, ListOf):
        return [kind.items] if segment == "data" else []
    if isinstance(kind, Resource):
        return _step(object_type(kind.name), segment)
    return [item.type for item in kind.fields if item.name == segment] if isinstance(kind, ObjectType) else []


def _added(row: Row, known: Mapping[str, Schema]) -> dict[str, Schema]:
    """What the connector adds. Raises SchemaError.

    A field that the object has already stays as Stripe describes it: there the connector only sees that it is filled.
    `updated` is ours, also where Stripe writes one as text.
    """
    added = {}
    for name, schema in _additions(row):
        if name not in known:
            added[name] = schema
        elif known[name]["type"] != schema["type"]:
            at_stripe, ours = known[name]["type"][1], schema["type"][1]
            raise SchemaError(f"{row.name}: Stripe's {name} is {at_stripe}, the connector would make it {ours}")
    if row.cursor == "updated":
        added["updated"] = UPDATED
    if row.cursor not in (None, "created") or row.sync == "parent":
        added["is_deleted"] = IS_DELETED
    return added


def _additions(row: Row) -> Iterator[tuple[str, Schema]]:
    for parent in row.parents:
        whose = parent.name.replace("_", " ")
        yield parent.id_as, _addition(f"ID of the {whose}.", "string")
        for name, kind in parent.carries.items():
            yield f"{parent.name}_{name}", _addition(f"{name} of the {whose}.", kind)
    for name, kind in row.adds.items():
        if kind not in _ADDABLE:
            raise SchemaError(f"{row.name}: adds: {name} is {kind!r}, not one of {', '.join(_ADDABLE)}")
        yield name, _addition("", kind)


def _addition(what: str, kind: str) -> Schema:
    opened = {"additionalProperties": True} if kind == "object" else {}
    return {"description": f"{what} Added by the connector.".strip(), "type": ["null", kind], **opened}
