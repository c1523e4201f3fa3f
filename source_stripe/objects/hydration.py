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
from source_stripe.catalog.list_parameters import as_text
from source_stripe.objects.covering import Cover, Got, Listed
from source_stripe.objects.ledger import Change

Refuse = Callable[[str, StreamFailure], None]
"""Leaves out an object that can't be read, by its id. Raises the failure where it is not about that object alone."""
_HIDDEN_ON_TEST_CLOCKS = frozenset({"customer", "quote", "subscription", "subscription_schedule"})
"""Their lists leave out what is on a test clock (https://docs.stripe.com/api/customers/list, `test_clock`)."""


@dataclass(frozen=True)
class Hydrator:
    """How the objects of a stream are read again: by pages of their list, or one by one."""

    listing: Listing
    path: str
    """The path of one object: `/v1/charges/{id}`. Other braces are filled from fields that events show."""
    asked: Params = ()
    """The parameters of a request for one object: expansions."""
    kinds: frozenset[str] = frozenset()
    """What its `object` may be."""

    def expanding(self, listing: Listing, paths: Iterable[str]) -> Hydrator:
        """The same objects, read with these paths expanded."""
        expansions = tuple(("expand[]", path) for path in dict.fromkeys(paths))
        return replace(self, listing=listing, asked=(*self.asked, *expansions))

    @property
    def keep(self) -> tuple[str, ...]:
        """The fields of an event's object that a request for it needs."""
        in_path = [part[1:-1] for part in self.path.split("/") if part.startswith("{") and part != "{id}"]
        in_passes = [name for parameters in self.listing.passes for name, _ in parameters if "[" not in name]
        return tuple(dict.fromkeys([*in_path, *in_passes]))

    def asked_for(self, change: Change) -> Params | None:
        """The pass of the listing that shows the object; None if no pass is known to show it."""
        if change.created is None:
            return None
        first, *others = self.listing.passes
        if not others:
            return first
        in_all = set(first).intersection(*others)
        for asked in self.listing.passes:
            if all(as_text(change.shown.get(name)) == value for name, value in asked if (name, value) not in in_all):
                return asked
        return None

    def page(self, asked: Params, listed: Listed) -> Page:
        """A page of the list up to a second. Raises StripeError or MalformedPage."""
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
        """An object in its list; None if that does not show it. Raises StripeError or MalformedPage."""
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

    What is on a test clock is left out: a back-fill, which only has lists, doesn't see it either. The failure of one
    object goes to `refused`. Raises StripeError and MalformedPage of lists, and what `refused` raises.
    """
    while step := cover.next():
        if isinstance(step, Got):
            cover.got()
            if not has_address(step.change.id):
                # If its list lacks it, an event told of its deletion, or will.
                if row := hydrator.find(step.change):
                    yield step.change, row
                continue
            try:
                row = hydrator.get(step.change)
            except StreamFailure as failure:
                refused(step.change.id, failure)
                continue
            if row is None or not is_on_test_clock(row):
                yield step.change, row
        else:
            yield from _covered(hydrator, asked or (), cover, step)


def _covered(hydrator: Hydrator, asked: Params, cover: Cover, step: Listed) -> list[tuple[Change, Row]]:
    """The changes that a page covers, with their rows. No other row of it stays in memory while these are emitted."""
    page = hydrator.page(asked, step)
    rows = {str(row.get("id")): row for row in page.rows}
    oldest = hydrator.listing.created(page.rows[-1]) if page.rows else None
    return [(change, rows[change.id]) for change in cover.listed(rows, oldest, page.next)]


def is_on_test_clock(row: Row) -> bool:
    """Whether an object is on a test clock, in whose list it is left out."""
    return row.get("object") in _HIDDEN_ON_TEST_CLOCKS and row.get("test_clock") is not None
