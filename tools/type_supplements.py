"""Stripe's object types, with what the `stripe` package's lack.

`type_supplements.json` holds it, object name to {description, fields}; a field is a JSON type or a hash of such fields.
usage_record_summary: left the API in 2025-03-31.basil, older versions still answer with it
(https://docs.stripe.com/changelog/basil).
v2.core.event: the package has `data` and `related_object` in the types of the single events only.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from tools import stripe_types
from tools.stripe_types import Anything, Field, Map, ObjectType, Scalar, Type

_FILE = Path(__file__).with_suffix(".json")


@cache
def object_type(name: str) -> ObjectType:
    """The type of one of Stripe's objects, by its object name. Raises UnknownObjectError."""
    supplement = _supplements().get(name)
    if supplement is None:
        return stripe_types.object_type(name)
    fields = _fields(supplement["fields"])
    if name not in stripe_types.object_names():
        return ObjectType(name, fields, supplement["description"])
    known = stripe_types.object_type(name)
    return ObjectType(name, (*known.fields, *fields), known.description, known.deletable)


@cache
def _supplements() -> dict[str, Any]:
    supplements: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return supplements


def _fields(kinds: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(Field(name, _type(name, kind), True, "") for name, kind in kinds.items())


def _type(name: str, kind: str | dict[str, Any]) -> Type:
    if isinstance(kind, dict):
        return ObjectType(name, _fields(kind))
    return Map(Anything()) if kind == "object" else Scalar(kind)
