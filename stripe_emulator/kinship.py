"""Which objects live below others: they are listed under their parent's path, or by its id, and nowhere else."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from stripe_emulator import facts
from stripe_emulator.pages import Selection
from stripe_emulator.store import Resource, Store

# /v1/tax_ids lists the account's own, and those of a customer only where the customer is named.
_LISTED_BY_PARENT_TOO = frozenset({"tax_id"})


@dataclass(frozen=True)
class Link:
    """Objects of kind `child` live below ones of kind `parent`: named in their field `by`, or lying in its `slot`."""

    parent: str
    child: str
    by: str | None
    slot: str | None


def below(resource: Resource, store: Store) -> Iterator[Resource]:
    """The objects that live right below one."""
    for link in _links():
        if link.parent != resource.kind:
            continue
        if link.by is not None:
            shelf = store.shelf_by(link.child, link.by, resource.key)
        else:
            shelf = store.shelf_by(link.child, "slot", (resource.key, link.slot))
        yield from Selection([shelf]).down()


def above(resource: Resource, store: Store) -> Iterator[Resource]:
    """The objects that one lives right below, deleted ones too: none, or one."""
    for link in _links():
        if link.child != resource.kind:
            continue
        key = resource.fields.get(link.by) if link.by is not None else resource.owner
        parent = store.get(key) if isinstance(key, str) else None
        if parent is not None and parent.kind == link.parent and link.slot in (None, resource.slot):
            yield parent


@cache
def _links() -> tuple[Link, ...]:
    lists = {endpoint.path: endpoint for endpoint in facts.endpoints() if endpoint.pages is not None}
    free = {kind for path, row in lists.items() if "{" not in path and not row.required for kind in row.objects}
    children = {kind for row in lists.values() for kind in row.objects} - free | _LISTED_BY_PARENT_TOO
    links = [
        Link(row.parent, child, row.by, None if row.by else row.field)
        for child in sorted(children)
        for row in facts.embeddings(child)
    ]
    for path, nested in facts.nested().items():
        if path in lists and (nested.by or nested.slot):
            kinds = children.intersection(lists[path].objects)
            links += [Link(nested.parent, child, nested.by, nested.slot) for child in sorted(kinds)]
    return tuple(dict.fromkeys(links))
