"""What the emulator knows of Stripe's API: its endpoints, its objects and how they hang together.

`facts/endpoints.json` and `facts/objects.json` are written by `tools/extract_emulator_facts.py` from the `stripe`
package; the other files are kept by hand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]

PINNED_VERSION = "2026-10-28.endive"
KNOWN_VERSIONS = (PINNED_VERSION, "2025-02-24.acacia")

_FOLDER = Path(__file__).parent / "facts"


@dataclass(frozen=True)
class Endpoint:
    """One GET.

    `pages` says how a list is paged: `cursor`, `v2`, `search`, `all` (in one answer); None for a single object.
    `params` are the query parameters beside paging and expand, by name, with their types. `until` is the last API
    version that has it, None where the pinned one does.
    """

    path: str
    objects: tuple[str, ...]
    pages: str | None
    params: Mapping[str, Any]
    required: tuple[str, ...]
    until: str | None = None

    @property
    def is_v2(self) -> bool:
        return self.path.startswith("/v2/")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the path's placeholders, in order."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


@dataclass(frozen=True)
class Embedded:
    """A list that stands inside its parent, cut at ten.

    `by` is the field by which a child names its parent; without it the child is kept in the parent's slot `field`.
    """

    parent: str
    field: str
    kinds: tuple[str, ...]
    url: str
    by: str | None
    shown: bool


@dataclass(frozen=True)
class Nested:
    """A list whose path holds its parent's id. Children name the parent in field `by` or lie in its `slot`."""

    path: str
    parent: str
    by: str | None = None
    slot: str | None = None


@dataclass(frozen=True)
class Kind:
    """One object kind: id prefix, where ids expand, which kinds stand inside, which fields are hidden, is a GET of a
    deleted one answered."""

    name: str
    prefix: str
    expand: Mapping[str, tuple[str, ...]]
    embed: Mapping[str, tuple[str, ...]]
    hidden: tuple[str, ...]
    deletable: bool


OTHER = "*"
Rule = str | None | Mapping[str, str | None]
"""The event of a change, or none; or by case: `old>new`, `unset`, `more`, the new value, `*`. Behind a `?` is one that
may come or not: nobody knows. `parent` is an event of the object in whose list this one stands."""


@dataclass(frozen=True)
class Told:
    """What Stripe tells of a kind: of its creation (by status, where that decides), of changes (by dotted field, `*` is
    any other), of its end. The types in `besides` come for other reasons: the emulator writes none of them by itself.
    """

    changed: Mapping[str, Rule]
    made: Rule = None
    gone: str | None = None
    besides: tuple[str, ...] = ()


SILENT = Told({OTHER: None})


@dataclass(frozen=True)
class Product:
    """A part of Stripe that an account has to be set up for, and what its endpoints say where it isn't."""

    paths: tuple[str, ...]
    message: str


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Every GET. Some lists that the `url` of an embedded list leads to are served, though no type says so."""
    listed = [
        Endpoint(row["path"], tuple(row["objects"]), row["pages"], row["params"], tuple(row["required"]))
        for row in _read("endpoints.json")["gets"]
    ]
    unlisted = [
        Endpoint(row["path"], tuple(row["objects"]), "cursor", {}, ()) for row in _read("lists.json")["unlisted"]
    ]
    return (*listed, *unlisted)


@cache
def singletons() -> frozenset[str]:
    """Kinds that are read without an id: the account, or a customer, has one."""
    return frozenset(
        row.objects[0] for row in endpoints() if row.pages is None and not row.path.endswith(("}", "/find", "/preview"))
    )


@cache
def kind(name: str) -> Kind:
    """The facts of one object kind. KeyError if Stripe has no such object."""
    known = _read("kinds.json")
    row = {} if name in known["retired"] else _objects()[name]
    return Kind(
        name=name,
        prefix=known["prefixes"].get(name, name.rpartition(".")[2].replace("_", "")[:8]),
        expand={path: tuple(kinds) for path, kinds in row.get("expand", {}).items()},
        embed={path: tuple(kinds) for path, kinds in row.get("embed", {}).items()},
        hidden=tuple(known["hidden"].get(name, ())),
        deletable=row.get("deletable", False),
    )


@cache
def embedded(parent: str) -> tuple[Embedded, ...]:
    """The lists that stand inside objects of a kind."""
    return tuple(row for row in _embedded() if row.parent == parent)


@cache
def embeddings(child: str) -> tuple[Embedded, ...]:
    """The lists that objects of a kind stand in."""
    return tuple(row for row in _embedded() if child in row.kinds)


@cache
def nested() -> Mapping[str, Nested]:
    """Lists below a parent, by path."""
    rows = [*_read("lists.json")["nested"], *_read("lists.json")["unlisted"]]
    return {row["path"]: Nested(row["path"], row["parent"], row.get("by"), row.get("slot")) for row in rows}


@cache
def slots(child: str, parent: str) -> tuple[str, ...]:
    """The lists of a parent kind in which a child stands that doesn't name its parent in a field."""
    found = [row.field for row in embeddings(child) if row.by is None and row.parent == parent]
    for endpoint in endpoints():
        row = nested().get(endpoint.path)
        if row is not None and row.slot and row.parent == parent and child in endpoint.objects:
            found.append(row.slot)
    return tuple(dict.fromkeys(found))


@cache
def event_types(object_kind: str) -> tuple[str, ...]:
    """The event types that carry a kind: snapshots of it in v1, its id in v2."""
    types = _read("events.json")["v2_types" if object_kind.startswith("v2.") else "types"]
    return tuple(name for name, kinds in types.items() if object_kind in kinds)


@cache
def told() -> Mapping[str, Told]:
    """What Stripe tells of which kind; a kind that it never tells of has no change with an event."""
    read = _read("told.json")
    return {**dict.fromkeys(read["silent"], SILENT), **{kind: Told(**row) for kind, row in read["kinds"].items()}}


@cache
def snapshot_types() -> frozenset[str]:
    """The types of all events that /v1/events lists, by their names of today."""
    return frozenset(_read("events.json")["types"])


@cache
def types_without_object() -> tuple[str, ...]:
    """The types of v2 events that name no object."""
    return tuple(name for name, kinds in _read("events.json")["v2_types"].items() if not kinds)


@cache
def path_of(object_kind: str) -> str:
    """The path of the GET of one object by its id. LookupError if there is none."""
    for row in endpoints():
        if row.pages is None and row.path.endswith("}") and object_kind in row.objects:
            return row.path
    raise LookupError(f"no {object_kind} can be got by its id")


@cache
def products() -> Mapping[str, Product]:
    rows = _read("products.json")["products"].items()
    return {name: Product(tuple(row["paths"]), row["message"]) for name, row in rows}


@cache
def hidden_paths(name: str, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Paths of a kind that are left out unless expanded, those of objects standing inside it included."""
    return tuple(_hidden_paths(kind(name), seen | {name}))


def _hidden_paths(facts: Kind, seen: frozenset[str]) -> Iterator[str]:
    yield from facts.hidden
    for path, kinds in facts.embed.items():
        for inner in kinds:
            if inner not in seen:
                yield from (f"{path}.{below}" for below in hidden_paths(inner, seen))


@cache
def includable(name: str) -> tuple[str, ...]:
    """Paths of a v2 kind that are null unless a request includes them, or for some hashes any part of them."""
    for endpoint in endpoints():
        if name in endpoint.objects and "include" in endpoint.params and endpoint.pages is None:
            hashes = _read("kinds.json")["included_by_parts"].get(name, ())
            return (*hashes, *endpoint.params["include"]["list"]["enum"])
    return ()


@cache
def _embedded() -> tuple[Embedded, ...]:
    rows = _read("lists.json")["embedded"]
    return tuple(Embedded(**{**row, "kinds": tuple(row["kinds"])}) for row in rows)


@cache
def _objects() -> Mapping[str, Json]:
    objects: Mapping[str, Json] = _read("objects.json")["objects"]
    return objects


@cache
def _read(name: str) -> Json:
    content: Json = orjson.loads((_FOLDER / name).read_bytes())
    return content
