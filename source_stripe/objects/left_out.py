"""Left out: parents about which Stripe refuses to answer, each for a reason of its own, while it answers for others."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from source_stripe.api.errors import Outcome, StripeError

logger = logging.getLogger("airbyte.stripe")

_NAMED = 5
"""Parents that the warning names at most; the others are counted."""


@dataclass
class LeftOut:
    """The parents of a stream that were left out. Used by all threads that read the stream."""

    stream: str
    parents: str
    """The parents' stream."""
    _refused: dict[str, StripeError] = field(default_factory=dict)
    _answered: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self) -> None:
        """Stripe answered for one parent."""
        self._answered = True

    def takes(self, parent_id: str, why: StripeError) -> bool:
        """Leave a parent out if the refusal may be about it alone; False if not."""
        forbidden = why.refusal.status == 403 or why.refusal.code == "account_invalid"
        if not forbidden and why.outcome is not Outcome.NOT_ENABLED:
            return False
        with self._lock:
            self._refused.setdefault(parent_id, why)
        return True

    def has(self, parent_id: str) -> bool:
        return parent_id in self._refused

    @property
    def is_all(self) -> bool:
        """Whether some parents were refused, and none was answered for so far."""
        return bool(self._refused) and not self._answered

    def end(self) -> None:
        """At the end of the stream, warn of the parents that were left out.

        Raises StripeError if no other was answered for, as where the key lacks a permission.
        """
        if not self._refused:
            return
        ids, first = list(self._refused), next(iter(self._refused.values()))
        if self.is_all:
            raise first.again()
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        logger.warning(
            "The stream %s lacks what belongs to %d of %s, which Stripe refuses: %s%s. Of %s it says: %s",
            self.stream,
            len(ids),
            self.parents,
            ", ".join(ids[:_NAMED]),
            more,
            ids[0],
            first.refusal,
        )
