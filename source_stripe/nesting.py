"""Nesting: children, out of their parents' rows or by a request for each parent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from source_stripe.errors import Outcome, StripeError
from source_stripe.listing import Listing
from source_stripe.pages import Page, Row
from source_stripe.records import Finish, Projection

logger = logging.getLogger("airbyte.stripe")


@dataclass(frozen=True)
class ParentKey:
    """How a child knows its parent: `name` fills `{name}` in the child's path, or else is a query parameter.

    The child's record gets the id as `field`, and each of the parent's `carries` as `<name>_<field>`.
    """

    name: str
    field: str
    carries: tuple[str, ...] = ()
    id_from: tuple[str, ...] = ("id",)
    """Dotted paths in the parent's record to the ids to ask for."""

    def ids(self, parent: Row) -> list[str]:
        """The ids that the parent's record holds; an expanded object counts by its own."""
        found = (value_at(parent, path) for path in self.id_from)
        ids = (value.get("id") if isinstance(value, dict) else value for value in found)
        return list(dict.fromkeys(str(value) for value in ids if value))

    def mark(self, child: Row, parent: Row, parent_id: str) -> None:
        """Write onto a child's record whose it is."""
        child[self.field] = parent_id
        for carried in self.carries:
            child[f"{self.name}_{carried}"] = parent.get(carried)


@dataclass(frozen=True)
class Children:
    """The children of a parent's records: embedded in `embedded`, the rest by request; without it all by request."""

    parent: Projection
    key: ParentKey
    listing: Listing
    finish: Finish
    kinds: frozenset[str]
    """The `object` values that belong to the stream; a list may hold others."""
    embedded: str | None = None
    single: bool = False
    """Whether the answer to the request is the child itself, and no list of children."""

    @property
    def costly(self) -> bool:
        return self.embedded is None or self.parent.costly

    def records(self, row: Row) -> Iterator[Row]:
        for parent in self.parent.records(row):
            for parent_id in self.key.ids(parent):
                for child in self._children(parent, parent_id):
                    if not self.kinds or child.get("object") in self.kinds:
                        self.key.mark(child, parent, parent_id)
                        yield self.finish.record(child, updated=parent.get("updated"))

    def _children(self, parent: Row, parent_id: str) -> Iterator[Row]:
        try:
            if self.embedded is None:
                yield from self._asked_for(parent_id, None)
                return
            shown, rest = embedded(value_at(parent, self.embedded))
            yield from shown
            if rest is not None:
                yield from self._asked_for(parent_id, rest)
        except StripeError as error:
            if error.outcome is not Outcome.RESOURCE_MISSING:
                raise
            logger.info("%s %s is gone since it was listed; it has no children any more.", self.key.name, parent_id)

    def _asked_for(self, parent_id: str, behind: Page | None) -> Iterator[Row]:
        in_path = f"{{{self.key.name}}}" in self.listing.path
        ids = {self.key.name: parent_id} if in_path else {}
        asked = () if in_path else ((self.key.name, parent_id),)
        for parameters in self.listing.passes:
            page = behind
            while page is None or page.next is not None:
                page = self.listing.page((*asked, *parameters), None, page, ids)
                yield from page.rows


def embedded(value: Any) -> tuple[Iterable[Row], Page | None]:
    """The rows in an embedded list, object or array, and the page behind which the rest is, if it was cut.

    What is no object (an id that was not expanded, null) is no row.
    """
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        rows: list[Row] = value["data"]
        cut = value.get("has_more") and rows
        return rows, Page(rows, str(rows[-1]["id"])) if cut else None
    values = value if isinstance(value, list) else [value]
    return [row for row in values if isinstance(row, dict)], None


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None where the path ends early."""
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
