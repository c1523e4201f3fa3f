"""Objects as the API shows them: hidden fields left out, embedded lists cut at ten, ids expanded where asked."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

import orjson

from stripe_emulator import errors, facts
from stripe_emulator.facts import Json
from stripe_emulator.pages import Selection, embedded_list
from stripe_emulator.paths import without
from stripe_emulator.store import Resource, Store

EMBEDDED_ROWS = 10
MAX_DEPTH = 4

Tree = dict[str, "Tree"]
"""Paths to expand, one level a segment: `a.b` and `a.c` are {a: {b: {}, c: {}}}."""


class DanglingReferenceError(LookupError):
    """An object names another one, to be expanded, that was never made: a mistake of the test."""


def tree(paths: Iterable[str]) -> Tree:
    """Expansion paths as a tree."""
    root: Tree = {}
    for path in paths:
        node = root
        for segment in path.split("."):
            node = node.setdefault(segment, {})
    return root


def check_paths(paths: Iterable[str], kinds: Iterable[str], *, in_list: bool) -> Tree:
    """The tree of a request's `expand[]`, without the `data` of a list. Raises StripeError as Stripe refuses paths."""
    kinds, below = tuple(kinds), []
    for path in paths:
        segments = path.split(".")
        if len(segments) > MAX_DEPTH:
            raise errors.expanded_too_deep(path)
        rest = segments[1:] if in_list else segments
        if (in_list and segments[0] != "data") or not _any_expands(kinds, rest, in_list):
            raise errors.not_expandable(path)
        below.append(".".join(rest))
    return tree(below)


def expanded_kinds(paths: Iterable[str], kinds: Iterable[str], *, in_list: bool) -> Iterator[tuple[str, ...]]:
    """What the ids on these paths may expand to, each the kinds that may stand there."""
    for path in paths:
        segments = path.split(".")
        yield from _ids_on(tuple(kinds), segments[1:] if in_list else segments)


def _ids_on(kinds: Iterable[str], path: list[str]) -> Iterator[tuple[str, ...]]:
    for kind in kinds:
        known = facts.kind(kind)
        lists = {f"{row.field}.data": row.kinds for row in facts.embedded(kind)}
        for end in range(1, len(path) + 1):
            here, rest = ".".join(path[:end]), path[end:]
            inside = known.expand.get(here) or known.embed.get(here) or lists.get(here)
            if here in known.expand:
                yield known.expand[here]
            if inside:
                yield from _ids_on(inside, rest)
                break


def rendered(resource: Resource, store: Store) -> bytes:
    """The JSON of an object with nothing expanded, kept until the object changes."""
    if resource.rendered is None:
        # A copy: what orjson returns has room for ten times as much.
        resource.rendered = bytes(memoryview(orjson.dumps(document(resource, store, {}))))
    return resource.rendered


def document(resource: Resource, store: Store, expand: Tree) -> Json:
    """An object with some paths expanded. Parts that are JSON already stand in it as `orjson.Fragment`."""
    if resource.deleted:
        return tombstone(resource)
    shown = resource.fields
    for path in facts.hidden_paths(resource.kind):
        if _asked(path, expand) is None:
            shown = without(shown, path.split("."))
    for row in facts.embedded(resource.kind):
        asked = _asked(row.field, expand)
        if row.shown or asked is not None:
            below = (asked or {}).get("data", {})
            shown = _with(shown, row.field.split("."), _children(resource, row, store, below))
    for path in facts.includable(resource.kind):
        if _asked(path, expand) is None:
            shown = _with(shown, path.split("."), None)
    if expand:
        shown = _expanded(shown, resource.kind, "", expand, store)
    return shown


def tombstone(resource: Resource) -> Json:
    """What a GET of a deleted object answers."""
    return {"id": resource.id, "object": resource.fields["object"], "deleted": True}


def _children(parent: Resource, row: facts.Embedded, store: Store, expand: Tree) -> Json:
    selection = Selection(store.children(row, parent.key))
    rows = list(islice(selection.down(), EMBEDDED_ROWS + 1))
    total = sum(1 for _ in selection.down()) if len(rows) > EMBEDDED_ROWS else len(rows)
    cut: list[object] = [fragment(child, store, expand) for child in rows[:EMBEDDED_ROWS]]
    url = row.url.replace("{id}", parent.id).replace("{account}", str(parent.owner))
    return embedded_list(cut, len(rows) > EMBEDDED_ROWS, total, url)


def fragment(resource: Resource, store: Store, expand: Tree) -> object:
    """An object to stand inside another one."""
    return document(resource, store, expand) if expand else orjson.Fragment(rendered(resource, store))


def _expanded(value: Any, kind: str, above: str, expand: Tree, store: Store) -> Any:
    """A hash with ids replaced by what they name; `above` is its own path in the object."""
    if isinstance(value, list):
        return [_expanded(item, kind, above, expand, store) for item in value]
    if not isinstance(value, dict):
        return value
    known, changes = facts.kind(kind), {}
    for name, below in expand.items():
        path = f"{above}{name}"
        if name not in value or any(row.field == path for row in facts.embedded(kind)):
            continue
        if path in known.expand:
            changes[name] = _resolved(value[name], known.expand[path], below, store)
        elif path in known.embed:
            changes[name] = _inside(value[name], below, store)
        else:
            changes[name] = _expanded(value[name], kind, f"{path}.", below, store)
    return {**value, **changes}


def _inside(value: Any, expand: Tree, store: Store) -> Any:
    """An object that stands whole inside another one: its own paths begin anew."""
    if isinstance(value, list):
        return [_inside(item, expand, store) for item in value]
    return _expanded(value, value["object"], "", expand, store) if isinstance(value, dict) else value


def _resolved(value: Any, kinds: Iterable[str], expand: Tree, store: Store) -> Any:
    if isinstance(value, list):
        return [_resolved(item, kinds, expand, store) for item in value]
    if not isinstance(value, str):
        return value
    resource = store.get(value)
    if resource is None or resource.kind not in kinds:
        raise DanglingReferenceError(f"there is no {' or '.join(kinds)} {value!r} to expand: create it")
    return fragment(resource, store, {} if resource.deleted else expand)


def _any_expands(kinds: Iterable[str], path: list[str], in_list: bool) -> bool:
    return any(_expands(kind, tuple(path), in_list) for kind in kinds)


@cache
def _expands(kind: str, path: tuple[str, ...], in_list: bool) -> bool:
    """Whether a path may be expanded on a kind. Lists that are shown anyway can only be passed through."""
    known = facts.kind(kind)
    lists: Mapping[str, facts.Embedded] = {row.field: row for row in facts.embedded(kind)}
    for end in range(1, len(path) + 1):
        here, rest = ".".join(path[:end]), list(path[end:])
        if here in known.hidden and not (in_list and (kind, here) in _NOT_IN_LISTS) and not rest:
            return True
        if here in known.expand:
            return not rest or _any_expands(known.expand[here], rest, False)
        if here in lists and len(rest) > 1 and rest[0] == "data":
            return _any_expands(lists[here].kinds, rest[1:], False)
        if here in known.embed and rest and _any_expands(known.embed[here], rest, False):
            return True
    return False


_NOT_IN_LISTS = {("treasury.transaction", "entries")}


def _asked(path: str, expand: Tree) -> Tree | None:
    """The part of a tree below a path; None if the path isn't in it."""
    node = expand
    for segment in path.split("."):
        if segment not in node:
            return None
        node = node[segment]
    return node


def _with(value: Any, path: list[str], item: Any) -> Any:
    """A copy of a hash with an item at the path, unless a hash on the way is null."""
    name, *rest = path
    if not isinstance(value, dict):
        return value
    return {**value, name: _with(value.get(name), rest, item) if rest else item}
