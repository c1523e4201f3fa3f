"""Listing: one of Stripe's lists, and how to ask for a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from source_stripe.pages import Page, Paging, Row
from source_stripe.ranges import PageSpan, Range
from source_stripe.requester import Params, StripeRequester


class RangeFilter(Protocol):
    """How a list is asked for a range of `created`, and where a row says when it was created."""

    def params(self, created: Range) -> Params:
        """The parameters that list only what was created in a range."""


@dataclass(frozen=True)
class CreatedFilter:
    """`created[gte]` and `created[lt]`."""

    def params(self, created: Range) -> Params:
        return (("created[gte]", str(created.start)), ("created[lt]", str(created.end)))


@dataclass(frozen=True)
class CreatedAfterFilter:
    """`created_after` and `created_before`, both exclusive (https://docs.stripe.com/api/payment-record/list)."""

    def params(self, created: Range) -> Params:
        return (("created_after", str(created.start - 1)), ("created_before", str(created.end)))


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

    def page(self, asked: Params, created: Range | None, previous: Page | None, ids: Mapping[str, str]) -> Page:
        """The page behind `previous`, or the first. Raises StripeError or MalformedPage."""
        if created is not None and self.range_filter is not None:
            asked = (*asked, *self.range_filter.params(created))
        params = self.paging.params(asked, previous)
        answer = self.requester.get(self.path, params, version=self.version, **ids)
        return self.paging.page(answer.body, self.path, previous)

    def pages(self, asked: Params, **ids: str) -> Iterator[Page]:
        """All pages, one after the other."""
        page: Page | None = None
        while page is None or page.next is not None:
            page = self.page(asked, None, page, ids)
            yield page

    def created(self, row: Row) -> int | None:
        """When a row was created (Unix seconds), where it says so."""
        return unix_seconds(row.get(self.time_field))

    def span(self, page: Page) -> PageSpan | None:
        """The seconds that a page came from, where its rows say so."""
        newest, oldest = self.created(page.rows[0]), self.created(page.rows[-1])
        if newest is None or oldest is None:
            return None
        return PageSpan(newest, oldest, len(page.rows))


def unix_seconds(time: Any) -> int | None:
    """A time as v1 (an integer) or v2 (RFC 3339 text) gives it, in Unix seconds."""
    if isinstance(time, int):
        return time
    if isinstance(time, str):
        # Before Python 3.11 fromisoformat knows neither Z nor fractions that are not three or six digits.
        moment = datetime.fromisoformat(time.rstrip("Z").split(".")[0])
        return int(moment.replace(tzinfo=timezone.utc).timestamp())
    return None
