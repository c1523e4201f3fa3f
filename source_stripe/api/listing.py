"""Listing: one of Stripe's lists, and how to ask for a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

from source_stripe.api.errors import StripeError
from source_stripe.api.pages import MalformedPage, OneObject, Page, Paging, the_object
from source_stripe.api.ranges import PageSpan, Range
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params, unix_seconds

_DAY = 86_400
"""Seconds."""


@dataclass(frozen=True)
class RangeFilter:
    """How a list is asked for what was created in a range: the parameters' names, and how they want times.

    `exclusive` where even the first bound is not part of it; `days` where both bounds must be midnights of UTC.
    """

    start: str
    end: str
    exclusive: bool = False
    days: bool = False
    rfc_3339: bool = False

    def params(self, created: Range) -> Params:
        """The parameters that list only what was created in a range; by whole days perhaps a little more."""
        asked = self._asked(created)
        since = (self.start, self._time(max(asked.start - self.exclusive, 0)))
        return (since,) if asked.onward else (since, (self.end, self._time(asked.end)))

    def covers(self, created: Range, second: int) -> bool:
        """Whether such a list, asked for a range, may hold what was created in a second."""
        return self._asked(created).holds(second)

    def _asked(self, created: Range) -> Range:
        if not self.days:
            return created
        return Range(created.start // _DAY * _DAY, -(-created.end // _DAY) * _DAY)

    def _time(self, seconds: int) -> str:
        if not self.rfc_3339:
            return str(seconds)
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Listing:
    """A list: where it is, what is always asked for with it, how it is paged and filtered."""

    path: str
    requester: StripeRequester
    paging: Paging
    passes: tuple[Params, ...] = ((),)
    """The list is read once with each of these parameters: some hide rows unless they are asked for."""
    range_filter: RangeFilter | None = None
    time_field: str = "created"
    version: str | None = None
    again: tuple[Params, ...] = ()
    """`passes` with filters that no row leaves; the same if empty."""
    first: tuple[Params, ...] = ()
    """`passes` with all filters, for when no row was emitted before; `again` if empty."""
    limits: tuple[int | None, int | None] | None = None
    """Only what was created from the one second (Unix) on and before the other is wanted."""

    @property
    def has_ranges(self) -> bool:
        """Whether it can be asked for what was created in a range."""
        return self.range_filter is not None

    def expanding(self, paths: Iterable[str]) -> Listing:
        """The same list with these dotted paths of its rows expanded (https://docs.stripe.com/api/expanding_objects)."""
        prefix = "" if isinstance(self.paging, OneObject) else "data."
        expansions = tuple(("expand[]", f"{prefix}{path}") for path in dict.fromkeys(paths))
        passes, again, first = (
            tuple((*asked, *(each for each in expansions if each not in asked)) for asked in every)
            for every in (self.passes, self.again, self.first)
        )
        return replace(self, passes=passes, again=again, first=first)

    def passes_to_read(self, *, first: bool) -> tuple[Params, ...]:
        """The passes that bring all rows of the stream. `first` where no row was emitted before."""
        return (self.first if first else ()) or self.again or self.passes

    def page(self, asked: Params, created: Range | None, previous: Page | None, ids: Mapping[str, str]) -> Page:
        """The page behind `previous`, or the first. Raises StripeError or MalformedPage."""
        within = self._within_limits(created)
        if within is not None and not within and not within.onward:
            return Page([], None)
        in_range = () if within is None or self.range_filter is None else self.range_filter.params(within)
        params = self.paging.params((*asked, *in_range), previous)
        try:
            answer = self.requester.get(self.path, params, version=self.version, **ids)
        except StripeError as error:
            # The row to go on from may be deleted meanwhile; then the list goes on behind the one before it.
            shorter = previous.without_last() if previous is not None and error.cursor_is_gone else None
            if shorter is None:
                raise
            return self.page(asked, created, shorter, ids)
        page = self.paging.page(answer.body, self.path, previous)
        if isinstance(self.paging, OneObject) and self.path.endswith("}"):
            asked_for = ids[self.path.rpartition("{")[2][:-1]]
            the_object(answer.body, self.path, self.paging.kinds, asked_for)
        if created is not None:
            self._check_range(page, created)
        return page

    def _within_limits(self, created: Range | None) -> Range | None:
        """The part of a range that is wanted; an empty one where none is."""
        if self.limits is None or self.range_filter is None:
            return created
        since, until = self.limits
        start, end, onward = (0, 0, True) if created is None else (created.start, created.end, created.onward)
        start = max(start, since or 0)
        if until is not None:
            return Range(start, until if onward else min(end, until))
        return Range(start, max(start, end), onward=onward)

    def _check_range(self, page: Page, created: Range) -> None:
        """A server that ignores ranges would give every part of a list the whole of it.

        A row that does not say when it was created is taken to be where the list has put it.
        """
        times = [time for row in page.rows if (time := self.created(row)) is not None]
        covers = self.range_filter.covers if self.range_filter is not None and times else None
        if covers is not None and not (covers(created, min(times)) and covers(created, max(times))):
            raise MalformedPage(self.path, "a row was created outside of the range that was asked for")

    def pages(self, asked: Params, ids: Mapping[str, str], created: Range | None = None) -> Iterator[Page]:
        """All pages, one after the other."""
        page: Page | None = None
        while page is None or page.next is not None:
            page = self.page(asked, created, page, ids)
            yield page

    def worth_having_under_way(self) -> int:
        """How many requests at once fill the rate budget of the list."""
        return self.requester.worth_having_under_way(self.path)

    def created(self, row: Mapping[str, Any]) -> int | None:
        """When a row was created (Unix seconds), where it says so."""
        return unix_seconds(row.get(self.time_field))

    def split_at(self, page: Page) -> PageSpan | None:
        """The seconds (Unix) of a page behind which the list can be split; None behind the last one.

        Each part of a list that can't be asked for a range would be read from its top again.
        """
        return self.span(page) if self.has_ranges and page.next is not None and page.rows else None

    def newest_first(self, page: Page) -> PageSpan | None:
        """The same; None where its rows don't come newest first."""
        times = [self.created(row) for row in page.rows]
        said = [time for time in times if time is not None]
        in_order = len(said) == len(times) and all(newer >= older for newer, older in pairwise(said))
        return PageSpan(said[0], said[-1]) if said and in_order else None

    def span(self, page: Page) -> PageSpan | None:
        """The seconds (Unix) that a page came from, where its rows say so, in whatever order."""
        times = [time for row in page.rows if (time := self.created(row)) is not None]
        return PageSpan(max(times), min(times)) if times and len(times) == len(page.rows) else None
