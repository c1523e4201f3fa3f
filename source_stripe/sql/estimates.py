"""Estimates: how many pages a list has, from a few of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from source_stripe.api.ranges import PageSpan

FIRST_ACCOUNT = 1_293_840_000
"""2011-01-01: no account of Stripe's is older (Unix seconds). See docs/design/sql.md, "Two hundred pages"."""
_PARTS = 4
"""Parts of the time behind the first page in which the density is looked at. See docs/design/sql.md, "Two hundred
pages"."""

Probe = Callable[[int], PageSpan | None]
"""Asks for the page that was created before a second (Unix); None where no other one follows it."""


@dataclass(frozen=True)
class Seen:
    """What came of a list that goes on: so many pages, created in a span. Nothing of the list is older than `low`."""

    span: PageSpan
    pages: int
    low: int

    def at_most(self) -> int:
        """The pages behind them, were all as dense."""
        return _pages(self.span, self.pages, self.span.oldest - self.low)

    def looked_at(self, probe: Probe) -> int:
        """The pages behind them, each part of the time as dense as the page at its newer end."""
        length = max(self.span.oldest - self.low, 0) / _PARTS
        total, dense, pages = 0, self.span, self.pages
        for part in range(_PARTS):
            total += _pages(dense, pages, length)
            if part < _PARTS - 1:
                found = probe(int(self.span.oldest - (part + 1) * length))
                if found is None:
                    return total + 1
                dense, pages = found, 1
        return total


def _pages(span: PageSpan, pages: int, seconds: float) -> int:
    return math.ceil(pages * max(seconds, 0) / max(span.newest - span.oldest, 1))
