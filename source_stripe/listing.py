"""Listing: the pages of a Stripe list, and the retriever that reads a stream's pieces page by page."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.retrievers import Retriever
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.errors import Outcome, StripeError
from source_stripe.frontier import Frontier
from source_stripe.ranges import PageSpan, Range
from source_stripe.requester import Params, StripeRequester

logger = logging.getLogger("airbyte.stripe")

Row = dict[str, Any]


class MalformedPage(AirbyteTracedException):
    """A list answer that breaks Stripe's own rules; going on would loop or lose rows."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            message=f"Stripe's answer to GET {path} can't be right: {what}. Sync again; if it stays, report it.",
            internal_message=f"malformed page of {path}: {what}",
            failure_type=FailureType.system_error,
        )


@dataclass(frozen=True)
class Paginator:
    """How a list is paged (https://docs.stripe.com/api/pagination)."""

    page_size_param: str
    page_size: int
    cursor_param: str

    def params(self, after: str | None) -> Params:
        """The parameters of the page after the row with the id `after`; of the first page without."""
        size = (self.page_size_param, str(self.page_size))
        return (size,) if after is None else (size, (self.cursor_param, after))


@dataclass(frozen=True)
class Page:
    """One list response: rows as Stripe gave them, newest first."""

    rows: list[Row]
    has_more: bool

    @classmethod
    def of(cls, body: Mapping[str, Any], path: str, *, after: str | None = None) -> Page:
        """Check a body that should be a page, coming after the row `after`. Raises MalformedPage."""
        rows, has_more = body.get("data"), body.get("has_more")
        if not isinstance(rows, list) or not isinstance(has_more, bool):
            raise MalformedPage(path, "it is no list")
        if not all(isinstance(row, dict) and row.get("id") for row in rows):
            raise MalformedPage(path, "a row has no id")
        if has_more and not rows:
            raise MalformedPage(path, "there is more, but no row to go on from")
        if rows and rows[-1]["id"] == after:
            raise MalformedPage(path, f"the page after {after} ends with {after} again")
        return cls(rows, has_more)

    @property
    def last_id(self) -> str:
        return str(self.rows[-1]["id"])

    @property
    def span(self) -> PageSpan:
        return PageSpan(newest=self.rows[0]["created"], oldest=self.rows[-1]["created"], rows=len(self.rows))


def created_in(piece: Range) -> Params:
    """The parameters that list only what was created in a range."""
    return (("created[gte]", str(piece.start)), ("created[lt]", str(piece.end)))


@dataclass
class ListRetriever(Retriever):
    """Reads pieces of a list that can be filtered by `created`, sharing with idle workers what it has not come to."""

    name: str
    path: str
    params: Mapping[str, str]
    paginator: Mapping[str, Any]
    cursor: str
    requester: StripeRequester
    frontier: Frontier

    def __post_init__(self) -> None:
        self._paginator = Paginator(**self.paginator)

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterable[Row]:
        """The rows of the slice's piece. Raises StripeError or MalformedPage; the piece then stays open."""
        if stream_slice is None:
            raise ValueError(f"{self.name} is read by slices")
        piece: int = stream_slice.extra_fields["piece"]
        with self.frontier.reading(piece):
            for page in self._pages(piece):
                yield from (self._record(row) for row in page.rows)

    def _pages(self, piece: int) -> Iterator[Page]:
        after: str | None = None
        while True:
            params = (*self.params.items(), *created_in(self.frontier.range_of(piece)), *self._paginator.params(after))
            try:
                page = Page.of(self.requester.get(self.path, params).body, self.path, after=after)
            except StripeError as error:
                if error.outcome is not Outcome.NOT_ENABLED or after is not None:
                    raise
                logger.warning("The stream %s stays empty. %s", self.name, error)
                return
            yield page
            if not page.has_more:
                return
            after = page.last_id
            self.frontier.share(piece, page.span)

    def _record(self, row: Row) -> Row:
        if self.cursor == "updated":
            row["updated"] = row["created"]
            row["is_deleted"] = False
        return row
