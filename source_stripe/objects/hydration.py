"""Hydration: changed objects, read again as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import Page, the_object
from source_stripe.api.ranges import Range
from source_stripe.api.refusals import is_gone
from source_stripe.api.values import Params, Row, has_address
from source_stripe.objects.covering import Cover, Got, Listed
from source_stripe.objects.ledger import Change

Refuse = Callable[[str, StreamFailure], None]
"""Takes note of an object that can't be read, by its id; raises the failure where it is no matter of one object."""
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
    kinds: frozenset[str] = frozenset()
    """What its `object` may be."""

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
        """One object; None if it is gone.

        Raises StripeError where Stripe refuses it, MalformedObject where something else comes.
        """
        ids = {name: str(change.shown.get(name) or "") for name in self.keep if f"{{{name}}}" in self.path}
        try:
            answer = self.listing.requester.get(
                self.path, self.asked, version=self.listing.version, id=change.id, **ids
            )
        except StripeError as error:
            if not is_gone(error, change.id, *self.kinds):
                raise
            return None
        row = the_object(answer.body, self.path, self.kinds, change.id)
        return None if row.get("deleted") is True else row

    def find(self, change: Change) -> Row | None:
        """An object in its list; None if that does not show it."""
        created = change.created
        span = Range(0, change.time + 1) if created is None else Range(created, created + 1)
        for asked in self.listing.passes:
            for page in self.listing.pages(asked, {}, span):
                for row in page.rows:
                    if row.get("id") == change.id:
                        return row
        return None


def hydrate(
    hydrator: Hydrator, asked: Params | None, cover: Cover, refused: Refuse
) -> Iterator[tuple[Change, Row | None]]:
    """Read what a cover still has to cover, a request for each step; None where an object is gone.

    What is on a test clock is left out: a back-fill, which only has lists, doesn't see it either. An object that Stripe
    refuses, or answers with another, is handed to `refused`, which raises the failure where that is no end of it.
    """
    while step := cover.next():
        if isinstance(step, Got):
            cover.got()
            if not has_address(step.change.id):
                # Where its list lacks it a deletion told of that, or will.
                if row := hydrator.find(step.change):
                    yield step.change, row
                continue
            try:
                row = hydrator.get(step.change)
            except StreamFailure as failure:
                refused(step.change.id, failure)
                continue
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
