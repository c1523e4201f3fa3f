"""Metering: the requests of a question are counted, and none beyond a limit is made without asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from source_stripe.api.answers import Answer
from source_stripe.api.requester import StripeRequester
from source_stripe.api.values import Params
from source_stripe.sql.errors import NotConfirmedError

MOST_UNASKED = 200
"""Requests of a question that are made without asking. See docs/design/sql.md, "Two hundred pages"."""
HOW_TO_NARROW = (
    "A condition on a column that Stripe's list can be asked for (DESCRIBE shows them), on created or on id makes it "
    "fewer; so does ORDER BY created DESC with a LIMIT."
)
HOW_AMONG_ACCOUNTS = f"WHERE account_id IN (...) asks those accounts only. {HOW_TO_NARROW}"
_HOW_TO_AGREE = "--yes (in Python yes=True) answers as it is."

Confirm = Callable[[str], bool]
"""Asks the user; whether to go on. False where nobody is there to be asked; raises NotConfirmedError where the user
says no."""


def refuse(_: str) -> bool:
    """Where there is nobody to ask."""
    return False


@dataclass
class Meter:
    """Counts the requests of one question."""

    confirm: Confirm = refuse
    limit: int | None = MOST_UNASKED
    """None where the user has agreed to any number."""
    how: str = HOW_TO_NARROW
    """How the user can ask for less."""
    came: Callable[[], object] = lambda: None
    """Called behind each request."""
    requests: int = 0

    def begin(self, *, agreed: bool) -> None:
        """A question begins."""
        self.requests, self.limit = 0, None if agreed else MOST_UNASKED

    def foresee(self, requests: int) -> None:
        """Ask about what a question will cost, where that is known before. Raises NotConfirmedError."""
        if self.limit is not None and requests > self.limit:
            self._ask(f"This question reads about {requests:,} pages of Stripe's lists, a request each. {self.how}")

    def count(self) -> None:
        """Before each request. Raises NotConfirmedError."""
        if self.limit is not None and self.requests >= self.limit:
            self._ask(f"This question has made {self.requests:,} requests and is not through. {self.how}")
        self.requests += 1

    def _ask(self, told: str) -> None:
        if not self.confirm(told):
            raise NotConfirmedError(f"{told} {_HOW_TO_AGREE}")
        self.limit = None


@dataclass(repr=False)
class MeteredRequester(StripeRequester):
    """A requester whose requests are counted."""

    meter: Meter = field(default_factory=Meter)

    def get(self, path: str, params: Params = (), *, version: str | None = None, **ids: str) -> Answer:
        self.meter.count()
        answer = super().get(path, params, version=version, **ids)
        self.meter.came()
        return answer
