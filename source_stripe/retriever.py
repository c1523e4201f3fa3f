"""The retriever: reads a stream's pieces and turns their rows into records."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.declarative.retrievers import Retriever
from airbyte_cdk.sources.types import StreamSlice

from source_stripe.errors import Outcome, StripeError
from source_stripe.frontier import Frontier, RowsPiece
from source_stripe.listing import Listing
from source_stripe.pages import Page, Row
from source_stripe.records import Projection

logger = logging.getLogger("airbyte.stripe")

_ROWS_LEFT_AT_ONCE = 5
"""Rows that an idle worker takes over: few, as each costs at least a request."""


@dataclass(frozen=True)
class Route:
    """A list, and what the stream makes of its rows."""

    listing: Listing
    projection: Projection


@dataclass
class StripeRetriever(Retriever):
    """Reads pieces of lists. Declared in the manifest; made for each stream by source_stripe/streams.py."""

    name: str
    routes: tuple[Route, ...]
    frontier: Frontier
    start: int
    """Rows created before (Unix seconds) are left out."""

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterator[Row]:
        """The records of the slice's piece. Raises StripeError or MalformedPage; the piece then stays open."""
        if stream_slice is None:
            raise ValueError(f"{self.name} is read by slices")
        number: int = stream_slice.extra_fields["piece"]
        with self.frontier.reading(number):
            piece = self.frontier.piece(number)
            route = self.routes[piece.route]
            if isinstance(piece, RowsPiece):
                yield from self._records(route, piece.rows)
                return
            for page in self._pages(number, route):
                for rows in self._kept(number, route, [row for row in page.rows if self._wanted(row, route)]):
                    yield from self._records(route, rows)

    def _pages(self, number: int, route: Route) -> Iterator[Page]:
        page: Page | None = None
        while page is None or page.next is not None:
            piece = self.frontier.list_piece(number)
            try:
                page = route.listing.page(piece.asked, piece.created, page, {})
            except StripeError as error:
                if error.outcome is not Outcome.NOT_ENABLED or page is not None:
                    raise
                logger.warning("The stream %s stays empty. %s", self.name, error)
                return
            yield page
            if page.next is not None and (span := route.listing.span(page)) is not None:
                self.frontier.share(number, span)

    def _kept(self, number: int, route: Route, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """The rows for this reader: all, but for those that idle workers take over where each costs requests."""
        if not route.projection.costly:
            yield rows
            return
        for first in range(0, len(rows), _ROWS_LEFT_AT_ONCE):
            few = rows[first : first + _ROWS_LEFT_AT_ONCE]
            if not self.frontier.leave(number, few):
                yield few

    def _records(self, route: Route, rows: Sequence[Row]) -> Iterator[Row]:
        for row in rows:
            yield from route.projection.records(row)

    def _wanted(self, row: Row, route: Route) -> bool:
        created = route.listing.created(row)
        return created is None or created >= self.start
