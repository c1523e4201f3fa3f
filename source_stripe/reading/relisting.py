"""Relisting: where the config says so, a stream is listed whole again every so many days."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from source_stripe.api.account import utc
from source_stripe.reading.state import StreamState

logger = logging.getLogger("airbyte.stripe")

_DAY = 86_400
"""Seconds."""
NOW = "The stream %s is listed whole, as relist_days in the config has it. It will be again in %s days."
NEXT = "The stream %s will be listed whole in the first sync after %s, as relist_days in the config has it."


@dataclass(frozen=True)
class Relisting:
    """How often a stream is listed whole: never, where `days` is None."""

    days: int | None = None

    def begins(
        self, stream: str, state: StreamState, *, start: int, now: int, quiet: bool = False
    ) -> tuple[bool, int | None]:
        """Whether a listing of all begins in this sync, and when the last one began, as the state is to say it.

        Logs when the next one is due, unless `quiet`.
        """
        listed = self.is_due(state, start=start, now=now)
        began = self.began(state, listed=listed, now=now)
        if not quiet:
            self.tell(stream, began, now=now)
        return listed, began

    def is_due(self, state: StreamState, *, start: int, now: int) -> bool:
        """Whether to list all that was created since `start` in a sync that begins at `now` (Unix seconds).

        Not where an interrupted sync was at it: that listing goes on.
        """
        if self.days is None or state.watermark is None:
            return False
        if state.window is not None and state.window.span.start <= start:
            return False
        return state.relisted is None or now >= state.relisted + self.days * _DAY

    def began(self, state: StreamState, *, listed: bool, now: int) -> int | None:
        """When the last listing began (Unix seconds), as the state is to say it. `listed` where one begins now."""
        if self.days is None:
            return None
        if listed or state.watermark is None:
            return now
        return state.watermark if state.relisted is None else state.relisted

    def tell(self, stream: str, began: int | None, *, now: int) -> None:
        """Log when the next listing is due."""
        if self.days is None or began is None:
            return
        if began == now:
            logger.info(NOW, stream, self.days)
        else:
            logger.info(NEXT, stream, utc(began + self.days * _DAY))
