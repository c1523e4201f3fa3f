"""Hydration: changed objects, read again as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from source_stripe.covering import Cover, Got, Listed
from source_stripe.errors import Outcome, StripeError
from source_stripe.ledger import Change
from source_stripe.listing import Listing
from source_stripe.pages import Page, Row
from source_stripe.ranges import Range
from source_stripe.requester import Params

_HIDDEN_ON_TEST_CLOCKS = frozenset({"customer", "quote", "subscription", "subscription_schedule"})
"""Their lists leave out what is on a test clock (https://docs.stripe.com/api/customers/list, `test_clock`)."""


@dataclass(frozen=True)
class Hydrator:
    """How the objects of a stream are read again: by pages of their list, or one by one."""

    listing: Listing
    path: str
    """Where one object is got by its id: `/v1/charges/{id}`. Other braces are fields that events show."""
    asked: Params = ()
    """What is asked for with one object: expansions."""

    def expanding(self, listing: Listing, paths: Iterable[str]) -> Hydrator:
        """The same objects, read with these paths expanded."""
        expansions = tuple(("expand[]", path) for path in dict.fromkeys(paths))
        return replace(self, listing=listing, asked=(*self.asked, *expansions))

    @property
    def keep(self) -> tuple[str, ...]:
        """The fields of an event's object that finding it takes."""
        in_path = [part[1:-1] for part in self.path.split("/") if part.startswith("{") and part != "{id}"]
        in_passes = [name for parameters in self.listing.passes for name, _ in parameters if "[" not in name]
        return tuple(dict.fromkeys([*in_path, *in_passes]))

    def asked_for(self, change: Change) -> Params | None:
        """With which of the listing's passes a list shows the object; None if no list can be asked for it."""
        if change.created is None:
            return None
        first, *others = self.listing.passes
        if not others:
            return first
        in_all = set(first).intersection(*others)
        for asked in self.listing.passes:
            if all(
                str(change.shown.get(name)).lower() == value for name, value in asked if (name, value) not in in_all
            ):
                return asked
        return None

    def page(self, asked: Params, listed: Listed) -> Page:
        """A page of the list up to a second."""
        previous = None if listed.after is None else Page([], listed.after)
        return self.listing.page(asked, Range(0, listed.until + 1), previous, {})

    def get(self, change: Change) -> Row | None:
        """One object; None if it is gone."""
        ids = {name: str(change.shown.get(name) or "") for name in self.keep if f"{{{name}}}" in self.path}
        try:
            answer = self.listing.requester.get(
                self.path, self.asked, version=self.listing.version, id=change.id, **ids
            )
        except StripeError as error:
            if error.outcome is not Outcome.RESOURCE_MISSING:
                raise
            return None
        row = dict(answer.body)
        return None if row.get("deleted") is True else row


def hydrate(hydrator: Hydrator, asked: Params | None, cover: Cover) -> Iterator[tuple[Change, Row | None]]:
    """Read what a cover still has to cover, a request for each step; None where an object is gone.

    What is on a test clock is left out: a back-fill, which only has lists, doesn't see it either.
    """
    while step := cover.next():
        if isinstance(step, Got):
            cover.got()
            row = hydrator.get(step.change)
            if row is None or not _is_on_test_clock(row):
                yield step.change, row
        else:
            yield from _covered(hydrator, asked or (), cover, step)


def _covered(hydrator: Hydrator, asked: Params, cover: Cover, step: Listed) -> list[tuple[Change, Row]]:
    """What a page covers. Nothing else of it is held on to while these rows are emitted and the next page is read."""
    page = hydrator.page(asked, step)
    rows = {str(row.get("id")): row for row in page.rows}
    oldest = hydrator.listing.created(page.rows[-1]) if page.rows else None
    return [(change, rows[change.id]) for change in cover.listed(rows, oldest, page.next)]


def _is_on_test_clock(row: Row) -> bool:
    return row.get("object") in _HIDDEN_ON_TEST_CLOCKS and row.get("test_clock") is not None
