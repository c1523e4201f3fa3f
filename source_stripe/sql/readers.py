"""Readers: the rows of a table from all accounts that a question is about, one account after the other."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from source_stripe.api.errors import Outcome, StreamFailure, StripeError
from source_stripe.api.ranges import PageSpan
from source_stripe.sql.asks import Ask
from source_stripe.sql.places import Place, Places
from source_stripe.sql.reading import Chunk, Judge, Reader
from source_stripe.sql.tables import Table

logger = logging.getLogger("airbyte.stripe")


@dataclass
class Readers:
    """Reads one table, an account at a time. One that is not come to costs no request."""

    table: Table
    columns: Collection[str]
    places: Places
    start: int = 0
    """Rows created before (Unix seconds) are left out."""
    _last: Reader | None = None
    _refused: dict[str | None, set[Ask]] = field(default_factory=dict)
    _told: set[Ask] = field(default_factory=set)

    def chunks(self, asks: Sequence[Ask], judge: Judge | None = None) -> Iterator[Chunk]:
        """The rows. `judge` makes, for each list, what says where the rest of it is not wanted.

        Raises StreamFailure, which says of which account.
        """
        lacking: list[tuple[str, StripeError]] = []
        answered = False
        for account in dict.fromkeys(ask.account for ask in asks):
            own = [ask for ask in asks if ask.account == account]
            for place in self.places.of(self.table.row, account):
                came = False
                try:
                    for chunk in self._chunks(place, own, judge):
                        came = answered = True
                        yield chunk
                except StripeError as refusal:
                    if came or refusal.outcome is not Outcome.NOT_ENABLED or place.account is None:
                        raise
                    lacking.append((place.account, refusal))
        self._tell(lacking, answered=answered)

    def number(self, asks: Sequence[Ask]) -> int:
        """How many accounts are asked."""
        return sum(self.places.number(self.table.row, account) for account in {ask.account for ask in asks})

    def since(self, ask: Ask) -> int:
        """No row that is asked for was created before (Unix seconds)."""
        return self._reader().since(ask)

    def page_before(self, ask: Ask, second: int) -> PageSpan | None:
        """When the page was created that lies before a second (Unix), where rows were read last; None where no other
        one follows it."""
        return self._reader().page_before(ask, second)

    @property
    def birth(self) -> int | None:
        """When the account that was read last was created (Unix seconds), where that is known."""
        return self._reader().place.routes.account.read().birth

    def _chunks(self, place: Place, asks: Sequence[Ask], judge: Judge | None) -> Iterator[Chunk]:
        refused = self._refused.setdefault(place.account, set())
        self._last = Reader(self.table, self.columns, place, self.start, refused, self._told)
        try:
            yield from self._last.chunks(asks, judge)
        except StreamFailure as failure:
            if place.account is not None:
                failure.message = f"Of the account {place.account}: {failure.message}"
                if isinstance(failure, StripeError) and failure.of_account:
                    failure.message += " WHERE account_id IN (...) asks others, and not this one."
            raise
        finally:
            place.leave()

    def _reader(self) -> Reader:
        if self._last is None:
            raise TypeError(f"nothing of {self.table.name} was read")
        return self._last

    def _tell(self, lacking: Sequence[tuple[str, StripeError]], *, answered: bool) -> None:
        """Say which accounts are not set up for a product. If none is, the refusal ends the question."""
        if not lacking:
            return
        account, refusal = lacking[0]
        if not answered:
            raise refusal
        logger.warning(
            "%s: %d of the accounts have no such rows, %s is the first. Of it Stripe says: %s",
            self.table.name,
            len(lacking),
            account,
            refusal.refusal,
        )
