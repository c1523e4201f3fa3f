"""Whole lists: those that Stripe embeds in objects, cut at ten rows, with all of their rows.

A cut list is read from its top, and not from behind the last row that the object shows: the object may show rows in
another order than the list's endpoint. Up to a hundred rows take one request, as the rest alone would.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from source_stripe.api.errors import Outcome, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedPage
from source_stripe.api.refusals import is_gone
from source_stripe.api.values import Params, Row
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.ledger import Change
from source_stripe.objects.paths import objects_at, values_at
from source_stripe.objects.records import Known, Projection

logger = logging.getLogger("airbyte.stripe")


def is_cut(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("has_more")) and isinstance(value.get("data"), list)


def embedded(value: Any) -> Sequence[Row]:
    """The rows in an embedded list, object or array.

    What is no object (an id that was not expanded, null) is no row.
    """
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    values = value if isinstance(value, list) else [value]
    return [row for row in values if isinstance(row, dict)]


@dataclass(frozen=True)
class CutList:
    """A cut list as an object shows it, and the request for all of it."""

    value: Mapping[str, Any]
    where: str
    """Which list of which object, in words."""
    listing: Listing
    asked: Params
    in_path: Mapping[str, str]

    def rows(self) -> list[Row]:
        """All its rows. Raises StripeError, and MalformedPage where the answers can't be all of the list."""
        pages = self.listing.pages((*self.asked, *self.listing.passes[0]), self.in_path)
        rows = [row for page in pages for row in page.rows]
        if wrong := self._wrong(rows, embedded(self.value)):
            raise MalformedPage(self.path, wrong, of_one=True)
        return rows

    @property
    def path(self) -> str:
        return self.listing.path.format(**self.in_path)

    def _wrong(self, rows: Sequence[Row], shown: Sequence[Row]) -> str | None:
        """Why these rows can't be the list; None if they can."""
        if not all(row.get("id") for row in shown):
            return f"a row in {self.where} has no id"
        times = Counter(str(row["id"]) for row in rows)
        if twice := next((row_id for row_id, number in times.items() if number > 1), None):
            return f"{twice} stands in the list twice"
        if lacking := next((row["id"] for row in shown if str(row["id"]) not in times), None):
            return f"{lacking} stands in {self.where}, and not in the list"
        total = self.value.get("total_count")
        least = max(len(shown) + 1, total if isinstance(total, int) else 0)
        if len(rows) < least:
            return f"the list ends after {len(rows)} rows, and {self.where} says that it has more"
        return None


@dataclass(frozen=True)
class NestedList:
    """A list that Stripe embeds in an object, cut at ten rows, and where all of it is listed."""

    field: str
    """Dotted path in the object."""
    listing: Listing
    """Its path may have `{id}`, the object's id."""
    param: str | None = None
    """The query parameter with the object's id; for a deeper list, with the id of what holds it (`ownership`, say)."""
    owner: str = ""
    """Dotted path in the row to the object, where that isn't the row itself."""
    kind: str = ""
    """The `object` that it then has to be: others may stand there too."""

    def is_cut(self, row: Row) -> bool:
        if not self.owner and "." not in self.field:
            return is_cut(row.get(self.field))
        return any(is_cut(value) for owner in self._owners(row) for value in values_at(owner, self.field))

    def complete(self, row: Row) -> None:
        """Put the whole list into the row. Raises StripeError or MalformedPage; the list is then as it was."""
        for owner in self._owners(row):
            for value in values_at(owner, self.field):
                if is_cut(value):
                    rows = self._cut(owner, value).rows()
                    value.update(data=rows, has_more=False)
                    if "total_count" in value:
                        value["total_count"] = len(rows)

    def _cut(self, owner: Row, value: Mapping[str, Any]) -> CutList:
        owner_id = str(owner["id"])
        asked = () if self.param is None else ((self.param, self._named(owner)),)
        return CutList(value, f"{self.field} of {owner_id}", self.listing, asked, {"id": owner_id})

    def _owners(self, row: Row) -> Iterable[Row]:
        if not self.owner:
            return (row,)
        return (owner for owner in objects_at(row, self.owner) if owner.get("object") == self.kind)

    def _named(self, owner: Row) -> str:
        """The id of the innermost object that the list stands in."""
        inside, named = owner, str(owner["id"])
        for name in self.field.split(".")[:-1]:
            inside = inside[name]
            named = str(inside.get("id", named))
        return named


@dataclass(frozen=True)
class SecondLook:
    """Reads an object again where a list of it could not be made whole: it may have changed since its page came.

    If the object is still there, and the list again can't be made whole, that is a failure.
    """

    hydrator: Hydrator | None = None
    """None where the object can't be got by its id."""

    def whole(self, row: Row, make: Callable[[Row], None]) -> bool:
        """Make the lists of an object whole, in its row. Returns whether the object is still there.

        Raises StripeError or MalformedPage where it is there, and its lists can't be made whole.
        """
        try:
            make(row)
        except (StripeError, MalformedPage) as why:
            if isinstance(why, StripeError) and not _may_have_changed(why):
                raise
            fresh = self._again(row, why)
            if fresh is None:
                logger.info("%s is gone since it was listed: %s", row["id"], why)
                return False
            row.clear()
            row.update(fresh)
            self._last_time(row, make)
        return True

    def check_gone(self, object_id: str, why: StripeError) -> None:
        """Raise MalformedPage if an object is there though a request for its list was answered as if it was gone."""
        if self.hydrator is not None and self.hydrator.get(_named(object_id)) is not None:
            raise _not_whole(object_id, why) from why

    def _again(self, row: Row, why: StripeError | MalformedPage) -> Row | None:
        row_id = str(row["id"])
        if self.hydrator is not None:
            return self.hydrator.get(_named(row_id))
        if isinstance(why, MalformedPage):
            raise why
        if not is_gone(why, row_id):
            raise _not_whole(row_id, why) from why
        return None

    def _last_time(self, row: Row, make: Callable[[Row], None]) -> None:
        try:
            make(row)
        except StripeError as why:
            if not _may_have_changed(why):
                raise
            raise _not_whole(str(row["id"]), why) from why


def _named(object_id: str) -> Change:
    return Change(object_id, 0, None, deleted=False, shown={})


def _may_have_changed(why: StripeError) -> bool:
    """Whether a refusal may come from a change or a deletion of the object since its page came."""
    return why.outcome is Outcome.RESOURCE_MISSING or why.cursor_is_gone


def _not_whole(row_id: str, why: StripeError) -> MalformedPage:
    return MalformedPage(why.path, f"of what stands in {row_id}, which is there, it says: {why.refusal}", of_one=True)


@dataclass(frozen=True)
class WithWholeLists:
    """Makes the nested lists of rows whole: no record with a cut list is emitted.

    A row that is gone by then makes no record; the event of its deletion yields the tombstone.
    """

    inner: Projection
    lists: tuple[NestedList, ...]
    second_look: SecondLook = field(default_factory=SecondLook)

    def costs(self, row: Row) -> bool:
        return any(nested.is_cut(row) for nested in self.lists) or self.inner.costs(row)

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        if not any(nested.is_cut(row) for nested in self.lists) or self.second_look.whole(row, self._complete):
            yield from self.inner.records(row, updated, known)

    def tombstones(self, change: Change) -> Iterable[Row]:
        return self.inner.tombstones(change)

    def _complete(self, row: Row) -> None:
        for nested in self.lists:
            if nested.is_cut(row):
                nested.complete(row)
