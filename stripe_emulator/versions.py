"""Objects as an API version before the pinned one shows them: events are written at the account's own version.

Stripe adds fields to every version at once: an object of an old version has all that one of the pinned version has, and
beside it what later releases moved or took away. (An `invoice.payment_failed` of November 2025 at 2024-10-28.acacia
holds `parent` and `subscription`, `total_taxes` and `total_tax_amounts`, a line's `pricing` and its `price`.) Names are
another matter: what a release renamed has its old name only. So `facts/versions.json` names, for each release and
object, the `fields` that versions before it have, or have with another value (an `id`, the name of the `object`), and
where those values are now; and what they `lack`. A value is given by one of:

    "a.b.0.c"                               a path; ids on it lead on to what they name, lists not shown are opened
    ["a.b", "c"]                            the first of some paths at which there is a value
    {"whole": "a.b"}                        the object that the id at a path names; null if the account has none such
    {"each": "a", "as": {"x": ...}}         a new hash for every element of an array
    {"sum": "a", "of": "b"}                 the sum of a field of an array's elements; null if there are none
    {"map": {"x": 1}, "of": "a", "else": 0} another word for the value at a path
    {"prefix": "ii_", "of": "a"}            the id at a path with another prefix
    {"value": null}                         always the same: what the object itself doesn't tell any more

The first of some may be any of these.

`unit_amount` of invoice items and `invoice` of charges and payment intents are of the last sort.
"""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from stripe_emulator import facts
from stripe_emulator.facts import Json
from stripe_emulator.rendering import document
from stripe_emulator.store import Store

_CHANGES = Path(__file__).parent / "facts" / "versions.json"
_DATE = len("2025-03-31")


def at_version(shown: Json, version: str, store: Store) -> Json:
    """An object of the pinned version as an older one, `2022-11-15` or `2025-02-24.acacia`, shows it."""
    old: Json = _Renderer(version, store).rendered(shown)
    return old


class _Renderer:
    """Renders objects of the pinned version at an older one."""

    def __init__(self, version: str, store: Store) -> None:
        self._version, self._store = version, store

    def rendered(self, value: Any) -> Any:
        """A copy of some JSON in which every object, those inside others too, has its old fields."""
        if isinstance(value, list):
            return [self.rendered(item) for item in value]
        if not isinstance(value, dict):
            return value
        # What an account keeps in metadata may look like an object and isn't one.
        copy = {name: item if name == "metadata" else self.rendered(item) for name, item in value.items()}
        for change in _changes_since(value.get("object"), self._version):
            for path, source in change["fields"].items():
                _put(copy, path.split("."), self._value(source, value))
            for name in change.get("lack", ()):
                copy.pop(name, None)
        return copy

    def _value(self, source: Any, fields: Json) -> Any:
        if isinstance(source, str):
            return self.rendered(self._at(fields, source))
        if isinstance(source, list):
            return next((found for one in source if (found := self._value(one, fields)) is not None), None)
        if "whole" in source:
            return self.rendered(self._named(self._at(fields, source["whole"])))
        if "each" in source:
            rows = self._at(fields, source["each"]) or []
            return [{name: self._value(part, row) for name, part in source["as"].items()} for row in rows]
        if "sum" in source:
            rows = self._at(fields, source["sum"])
            return sum(self._at(row, source["of"]) for row in rows) if rows else None
        if "map" in source:
            return source["map"].get(self._at(fields, source["of"]), source["else"])
        if "prefix" in source:
            named = self._at(fields, source["of"])
            return named and source["prefix"] + named.partition("_")[2]
        return source["value"]

    def _at(self, value: Any, path: str) -> Any:
        """What is at a path: null where it ends early."""
        for name in path.split("."):
            if isinstance(value, str):
                value = self._named(value)
            if isinstance(value, list):
                value = value[int(name)] if int(name) < len(value) else None
            elif isinstance(value, dict):
                value = value[name] if name in value else self._hidden_list(value, name)
            else:
                return None
        return value

    def _named(self, object_id: str | None, *expand: str) -> Json | None:
        """The object of an id at the pinned version, with some fields expanded."""
        resource = self._store.get(object_id) if object_id else None
        if resource is None:
            return None
        shown: Json = orjson.loads(orjson.dumps(document(resource, self._store, {name: {} for name in expand})))
        return shown

    def _hidden_list(self, fields: Json, name: str) -> Json | None:
        if not any(row.field == name for row in facts.embedded(str(fields.get("object")))):
            return None
        parent = self._named(fields["id"], name)
        return parent.get(name) if parent else None


@cache
def _changes_since(kind: Any, version: str) -> tuple[Json, ...]:
    """What releases after a version did to objects of a kind, the newest release first."""
    return tuple(row for row in _changes() if row["object"] == kind and version[:_DATE] < row["until"][:_DATE])


@cache
def _changes() -> list[Json]:
    changes: list[Json] = orjson.loads(_CHANGES.read_bytes())["changes"]
    return changes


def _put(fields: Json, path: list[str], item: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = item
