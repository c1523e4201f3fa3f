"""Whole lists: those that Stripe embeds in objects, cut at ten rows, with the rest of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from source_stripe.dotted import objects_at, values_at
from source_stripe.errors import Outcome, StripeError
from source_stripe.events import Change
from source_stripe.listing import Listing
from source_stripe.pages import Page, Row
from source_stripe.records import Projection

logger = logging.getLogger("airbyte.stripe")


@dataclass(frozen=True)
class NestedList:
    """A list that Stripe embeds in an object, cut at ten rows, and where the rest of it is listed."""

    field: str
    """Dotted path in the object."""
    listing: Listing
    """Its path may have `{id}`, the object's id."""
    param: str | None = None
    """The query parameter that names the object, or else the one on the way to the list (its `ownership`, say)."""
    owner: str = ""
    """Dotted path in the row of the object, where it isn't the row itself; and what it then has to be, as others may
    stand there too."""
    kind: str = ""

    def is_cut(self, row: Row) -> bool:
        if not self.owner and "." not in self.field:
            return is_cut(row.get(self.field))
        return any(is_cut(value) for owner in self._owners(row) for value in values_at(owner, self.field))

    def complete(self, row: Row) -> None:
        """Fetch what is missing and put it into the row, which then holds the whole list."""
        for owner in self._owners(row):
            for value in values_at(owner, self.field):
                if is_cut(value):
                    with passing_over_what_is_gone(str(owner["id"])):
                        value["data"].extend(self._rest(owner, behind(value["data"])))
                    value["has_more"] = False

    def _owners(self, row: Row) -> Iterable[Row]:
        if not self.owner:
            return (row,)
        return (owner for owner in objects_at(row, self.owner) if owner.get("object") == self.kind)

    def _rest(self, owner: Row, page: Page | None) -> Iterator[Row]:
        asked = () if self.param is None else ((self.param, self._named(owner)),)
        while page is None or page.next is not None:
            page = self.listing.page((*asked, *self.listing.passes[0]), None, page, {"id": str(owner["id"])})
            yield from page.rows

    def _named(self, owner: Row) -> str:
        """The id of the innermost object that the list stands in."""
        inside, named = owner, str(owner["id"])
        for name in self.field.split(".")[:-1]:
            inside = inside[name]
            named = str(inside.get("id", named))
        return named


@dataclass(frozen=True)
class Whole:
    """Rows with their nested lists whole: no record goes out with a cut list."""

    inner: Projection
    lists: tuple[NestedList, ...]

    def costs(self, row: Row) -> bool:
        return any(nested.is_cut(row) for nested in self.lists) or self.inner.costs(row)

    def records(self, row: Row, updated: int | None) -> Iterator[Row]:
        for record in self.inner.records(row, updated):
            for nested in self.lists:
                if nested.is_cut(record):
                    nested.complete(record)
            yield record

    def tombstones(self, change: Change) -> Iterable[Row]:
        return self.inner.tombstones(change)


@contextmanager
def passing_over_what_is_gone(object_id: str) -> Iterator[None]:
    """Where an object was deleted since it was listed, what stood in it is not to be had any more; an event tells."""
    try:
        yield
    except StripeError as error:
        if error.outcome is not Outcome.RESOURCE_MISSING:
            raise
        logger.info("%s is gone since it was listed: %s", object_id, error)


def embedded(value: Any) -> tuple[Sequence[Row], bool]:
    """The rows in an embedded list, object or array, and whether there are more.

    What is no object (an id that was not expanded, null) is no row.
    """
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return value["data"], is_cut(value)
    values = value if isinstance(value, list) else [value]
    return [row for row in values if isinstance(row, dict)], False


def behind(rows: Sequence[Row]) -> Page | None:
    """The page behind which the rest of an embedded list is: None, as before the first, where it has no row at all."""
    return Page(list(rows), str(rows[-1]["id"])) if rows else None


def is_cut(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("has_more")) and isinstance(value.get("data"), list)
