"""A stream's state: what was read, and up to when. Pure.

Finished: `{"updated": 1763800000}`, the shape that Airbyte's connector writes. While a back-fill is under way:

    {"updated": 1763800000, "backfill": {"start": 0, "cutoff": 1763800000, "done": [[1700000000, 1763800000]]}}

The cursor's value is the watermark: the Stripe time up to which the stream is complete once the back-fill is. A
back-fill after a gap has a `floor`: no row's `updated` may be lower, as objects may have changed unseen until then.

Beside them stands what the stream was read with, so far as it is known. Airbyte's connector does not write it:

    "read_with": {"account": "acct_1", "live": false, "start_date": 1485302400, "filters": "4f1c..."}

Where rows of the stream can change without an event, `open` has the ranges of `created` that hold such rows, by the
time from which on they may have changed (null: at any time); an empty list where there are none:

    "open": [[1764028800, [[1763700000, 1763786400]]]]

`relisted` (Unix seconds) says when the stream was last listed whole, where the config wants that from time to time.

If Stripe refused objects, their ids follow (`"refused": ["src_1"]`): the next sync asks for those again. They are no
part of a StreamState: streams with the same state are read together whatever each lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from source_stripe.api.ranges import Range, intersect, merge, subtract
from source_stripe.api.values import unix_seconds
from source_stripe.reading.open_ranges import OpenRanges

_AIRBYTE_KEYS = frozenset({"use_global_cursor", "state", "states", "parent_state", "lookback_window"})
REFUSED = "refused"
"""The key of the ids of objects that Stripe refused."""
PLATFORM = "accounts"
"""The key of what only states of many accounts have (accounts/platform_state.py)."""
_FLAG = "__ab_"
"""The prefix of the CDK's own keys in the states of streams that have no cursor."""
_DAY = 86_400
"""Seconds."""
_SHOWN = 200
"""Letters of a state in a message at most: some name thousands of customers."""


class UnknownStateError(ValueError):
    """A state that this connector can't go on from. Its text is for the user."""

    def __init__(self, stream: str, state: Any) -> None:
        if isinstance(state, Mapping) and isinstance(state.get(PLATFORM), str):
            super().__init__(
                f"The saved state of the stream {stream} is that of a platform with its connected accounts. Set "
                f"connected_accounts as it was, or reset the stream {stream} to read one account from the start."
            )
            return
        text = str(dict(state) if isinstance(state, Mapping) else state)
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        super().__init__(
            f"The saved state of the stream {stream} is none that this connector knows: {shown}. "
            f"Reset the stream {stream} to read it from the start."
        )


@dataclass(frozen=True)
class Window:
    """A span of `created` that is being read, and which parts of it were read and emitted."""

    span: Range
    done: tuple[Range, ...] = ()
    floor: int | None = None

    @property
    def left(self) -> tuple[Range, ...]:
        """What is still to be read, oldest first. The newest range includes what was created in the future."""
        return tuple(replace(piece, onward=piece.end == self.span.end) for piece in subtract(self.span, self.done))

    def part_done(self, since: int) -> float:
        """How much of the span from `since` (Unix seconds) on is done, 0 to 1."""
        span = Range(min(max(self.span.start, since), self.span.end), self.span.end)
        left = sum(piece.end - piece.start for piece in subtract(span, self.done))
        return 1 - left / (span.end - span.start) if span else 1.0

    def with_done(self, *pieces: Range) -> Window:
        return replace(self, done=intersect(((*self.done, *pieces), (self.span,))))

    def dump(self) -> dict[str, Any]:
        done = [[piece.start, piece.end] for piece in self.done]
        window: dict[str, Any] = {"start": self.span.start, "cutoff": self.span.end, "done": done}
        return window if self.floor is None else {**window, "floor": self.floor}


@dataclass(frozen=True)
class ReadWith:
    """What a stream was read with. None is unknown, but for `start_date`: there was none."""

    account: str | None = None
    """The account's id."""
    live: bool | None = None
    """Whether the data is live; test data if not."""
    start_date: int | None = None
    """Unix seconds: what was created before was left out."""
    filters: str | None = None
    """The digest of the filters; None where there are none."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> ReadWith:
        account, live, start_date, filters = (raw.get(name) for name in ("account", "live", "start_date", "filters"))
        if not (account is None or isinstance(account, str)) or not (live is None or isinstance(live, bool)):
            raise TypeError(raw)
        if not (filters is None or isinstance(filters, str)):
            raise TypeError(raw)
        return cls(account, live, None if start_date is None else int(start_date), filters)

    def of(self, account: str) -> ReadWith:
        """The same with the account that Stripe says the key reads; with the config's where it does not say."""
        return replace(self, account=account or self.account)

    def dump(self) -> dict[str, Any]:
        facts = {
            "account": self.account,
            "live": self.live,
            "start_date": self.start_date,
            "filters": self.filters,
        }
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True)
class StreamState:
    """A watermark, and the window under way if it was interrupted. Both None before the first sync."""

    watermark: int | None = None
    window: Window | None = None
    read_with: ReadWith | None = None
    """None where the state does not say: an earlier version wrote it, or Airbyte's connector."""
    open: OpenRanges | None = None
    """The rows that can still change; None where the state does not say."""
    relisted: int | None = None
    """When the last listing of all began (Unix seconds); None where the state does not say."""
    doubt: int = 0
    """Seconds before the watermark that have to be read again, as it came from a clock that was wrong."""
    other_filters: bool = False
    """Whether the filters are others than those of the sync before."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, stream: str, cursor: str, now: int | None = None) -> StreamState:
        """Parse a saved state, ours or one of Airbyte's connector. Raises UnknownStateError where it is neither.

        `now` is Stripe's time (Unix seconds), where it is known. A watermark more than a day ahead of it is refused: to
        go on from there would skip what lies between. One that is less ahead is in doubt.
        """
        try:
            state = cls._of(_without_flags(raw), cursor)
            return state if now is None else state.not_ahead_of(now)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise UnknownStateError(stream, raw) from None

    @classmethod
    def _of(cls, raw: Mapping[str, Any], cursor: str) -> StreamState:
        if not raw:
            return cls()
        if raw.keys() & _AIRBYTE_KEYS:
            return cls(_airbyte_watermark(raw))
        if PLATFORM in raw:
            raise ValueError(raw)
        _refused(raw)
        watermark = _time(raw[cursor])
        window = _parse_window(raw["backfill"], watermark) if "backfill" in raw else None
        read_with = ReadWith.parse(raw["read_with"]) if "read_with" in raw else None
        open_ranges = OpenRanges.parse(raw["open"]) if "open" in raw else None
        return cls(watermark, window, read_with, open_ranges, int(raw["relisted"]) if "relisted" in raw else None)

    def not_ahead_of(self, now: int) -> StreamState:
        """The same with the watermark at `now` (Unix seconds) at most. Raises ValueError if it is over a day ahead.

        If a clock ran ahead by some hours, the state may have been written at any time of the day before.
        """
        if self.watermark is None or self.watermark <= now:
            return self
        if self.watermark > now + _DAY:
            raise ValueError(f"{self.watermark} lies ahead of {now}")
        return replace(self, watermark=now, doubt=now + _DAY - self.watermark)

    def of(self, read_with: ReadWith) -> StreamState:
        """The same for a sync that reads with this.

        With an earlier start date, a window covers what was left out so far; with other filters, all. Its floor is the
        watermark: an earlier sync may have had that start date or those filters too, and its rows have to be replaced.
        """
        if self.watermark is None:
            return replace(self, read_with=read_with)
        start, window = read_with.start_date or 0, self.window
        if read_with.filters != (self.read_with or ReadWith()).filters:
            span = Range(min(start, self.watermark), self.watermark)
            return replace(self, window=Window(span, floor=self.watermark), read_with=read_with, other_filters=True)
        before = start if self.read_with is None else self.read_with.start_date or 0
        if start < before:
            window = window or Window(Range(self.watermark, self.watermark), floor=self.watermark)
            done = merge((Range(before, window.span.start), *window.done))
            window = Window(Range(start, window.span.end), done, max(window.floor or 0, self.watermark))
        elif window is not None:
            # Changes of what lies before the start date are not followed, so that its ranges are not done any more.
            done = merge(Range(max(start, piece.start), piece.end) for piece in window.done)
            begin = min(max(start, window.span.start), window.span.end)
            window = replace(window, span=Range(begin, window.span.end), done=done)
        return replace(self, window=window, read_with=read_with)

    def dump(self, cursor: str) -> dict[str, Any]:
        if self.watermark is None:
            return {}
        state: dict[str, Any] = {cursor: self.watermark}
        if self.window is not None:
            state["backfill"] = self.window.dump()
        if self.read_with is not None:
            state["read_with"] = self.read_with.dump()
        if self.open is not None:
            state["open"] = self.open.dump()
        if self.relisted is not None:
            state["relisted"] = self.relisted
        return state

    def next_window(self, *, start: int, now: int, lookback: int) -> Window:
        """The window that a stream read by `created` reads in a sync that begins at `now` (Unix seconds).

        The first sync reads from `start` on. A later one reads what came since the watermark, and again the `lookback`
        seconds before it, whose rows may have changed or appeared late. An interrupted window goes on.
        """
        if self.watermark is None:
            return Window(Range(start, now))
        again = max(start, self.watermark - lookback)
        if self.window is None:
            return Window(Range(min(again, now), now))
        begin = self.window.span.start
        done = [Range(piece.start, min(piece.end, again)) for piece in self.window.done]
        return Window(Range(begin, now), merge(done), self.window.floor)


def is_under_way(raw: Mapping[str, Any], start: int) -> bool:
    """Whether a state is of an interrupted sync that was reading all that was created since `start` (Unix seconds)."""
    window = raw.get("backfill")
    if not isinstance(window, Mapping) or "floor" in window:
        return False
    begin = window.get("start")
    return isinstance(begin, int) and begin <= start


def refused_in(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the objects that earlier syncs were refused; none of a state that is not ours."""
    try:
        return _refused(raw)
    except TypeError:
        return ()


def _refused(raw: Mapping[str, Any]) -> tuple[str, ...]:
    ids = raw.get(REFUSED, [])
    if not isinstance(ids, list) or not all(isinstance(each, str) and each for each in ids):
        raise TypeError(ids)
    return tuple(ids)


def _without_flags(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in raw.items() if not key.startswith(_FLAG)}


def _parse_window(raw: Mapping[str, Any], watermark: int) -> Window:
    span = Range(int(raw["start"]), int(raw["cutoff"]))
    # Clocks may have differed a little when the state was written.
    if not span.start <= span.end <= watermark + _DAY:
        raise ValueError(span)
    done = merge(Range(int(start), int(end)) for start, end in raw["done"])
    return Window(span, done, int(raw["floor"]) if "floor" in raw else None)


def _time(value: Any) -> int:
    """Unix seconds as Airbyte's connector has written them over the years: a number, its text, or ISO 8601."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        return unix_seconds(value) or 0
    return int(float(value))


def _airbyte_watermark(raw: Mapping[str, Any]) -> int | None:
    """Since when a child stream's parents may have changed after Airbyte's connector wrote this; None: it read none.

    Its parents' own cursor is exact. Without one, all partitions were read when the newest of them was, but for the
    seconds that the reading took.
    """
    parents = [_time(value) for state in (raw.get("parent_state") or {}).values() for value in _leaves(state)]
    if parents:
        return min(parents)
    partitions = (partition["cursor"] for partition in raw.get("states") or [])
    own = [_time(value) for state in (raw.get("state") or {}, *partitions) for value in _leaves(state)]
    return max(own) - _time(raw.get("lookback_window") or 0) if own else None


def _leaves(state: Any) -> Iterator[Any]:
    """The cursor values of a state, however deep they are nested in states of their own."""
    if not isinstance(state, Mapping):
        yield state
        return
    if state.keys() & _AIRBYTE_KEYS:
        if (watermark := _airbyte_watermark(state)) is not None:
            yield watermark
        return
    for value in _without_flags(state).values():
        yield from _leaves(value)
