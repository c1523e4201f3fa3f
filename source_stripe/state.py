"""A stream's state: what was read, and up to when. Pure.

Finished: `{"created": 1763800000}`, the shape that Airbyte's connector writes. While a window is being read:

    {"created": 1763800000, "backfill": {"start": 0, "cutoff": 1763800000, "done": [[1700000000, 1763800000]]}}

The cursor's value is the watermark: the Stripe time up to which the stream is complete once the back-fill is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.ranges import Range, merge, subtract


class StateError(AirbyteTracedException):
    """A state that this connector can't go on from."""

    def __init__(self, stream: str, state: Mapping[str, Any]) -> None:
        super().__init__(
            message=f"The saved state of the stream {stream} is none that this connector knows: {dict(state)}. "
            f"Reset the stream {stream} to read it from the start.",
            internal_message=f"unknown state of {stream}",
            failure_type=FailureType.config_error,
        )


@dataclass(frozen=True)
class Window:
    """A span of `created` that is being read, and which parts of it were read and emitted."""

    span: Range
    done: tuple[Range, ...] = ()

    @property
    def left(self) -> tuple[Range, ...]:
        """What is still to be read, oldest first."""
        return subtract(self.span, self.done)

    def with_done(self, piece: Range) -> Window:
        return replace(self, done=merge((*self.done, piece)))


@dataclass(frozen=True)
class CreatedState:
    """The state of a stream that is read by `created`: a watermark, and the window under way if it was interrupted."""

    watermark: int | None = None
    window: Window | None = None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, stream: str, cursor: str) -> CreatedState:
        """Read a saved state. Raises StateError where it is none of the known shapes."""
        try:
            if not raw:
                return cls()
            watermark = int(raw[cursor])
            return cls(watermark, _parse_window(raw["backfill"]) if "backfill" in raw else None)
        except (KeyError, TypeError, ValueError):
            raise StateError(stream, raw) from None

    def dump(self, cursor: str) -> dict[str, Any]:
        if self.watermark is None:
            return {}
        if self.window is None:
            return {cursor: self.watermark}
        span, done = self.window.span, self.window.done
        return {
            cursor: self.watermark,
            "backfill": {"start": span.start, "cutoff": span.end, "done": [[piece.start, piece.end] for piece in done]},
        }

    def next_window(self, *, start: int, now: int, lookback: int) -> Window:
        """What to read in a sync that begins at `now` (Unix seconds).

        The first sync reads from `start` on; a later one what came since the watermark, and again the `lookback`
        seconds before it, whose rows may have changed or appeared late. An interrupted window is carried on.
        """
        if self.watermark is None:
            return Window(Range(start, now))
        again = max(start, self.watermark - lookback)
        if self.window is None:
            return Window(Range(min(again, now), now))
        begin = self.window.span.start
        done = [Range(piece.start, min(piece.end, again)) for piece in self.window.done]
        return Window(Range(begin, now), merge(done))


def _parse_window(raw: Mapping[str, Any]) -> Window:
    span = Range(int(raw["start"]), int(raw["cutoff"]))
    return Window(span, merge(Range(int(start), int(end)) for start, end in raw["done"]))
