"""How the rows of a list may lie in an account's life: even, in one heap or several, or as they come."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

HOUR, DAY = 3_600, 86_400
LIFE = 730 * DAY
"""Seconds that the accounts of these spreads are old."""

Spread = Callable[[int], list[int]]
"""When so many rows were created, in seconds since the account was: the oldest first."""


def evenly(count: int, start: int = 0, seconds: int = LIFE) -> list[int]:
    return [start + seconds * number // count for number in range(count)]


def _anywhere(count: int) -> list[int]:
    chance = random.Random(7)
    return sorted(chance.randrange(LIFE) for _ in range(count))


def _in_17_hours(start: int) -> Spread:
    return lambda count: evenly(count, start, 17 * HOUR)


def _skewed(count: int) -> list[int]:
    """Nine tenths in a day of two years, and up to 1,000 of them in one second."""
    few, at_once = count // 10, min(1_000, count // 10)
    day = [*evenly(count - few - at_once, 500 * DAY, DAY), *[500 * DAY] * at_once]
    return sorted([*evenly(few), *day])


def _bursts(count: int) -> list[int]:
    """Ten single hours."""
    return [second for part in range(10) for second in evenly(count // 10, part * LIFE // 10 + 5 * DAY, HOUR)]


def _walk(count: int) -> list[int]:
    """Pauses of any length: most are short, a few take weeks."""
    chance = random.Random(7)
    at, seconds = 0.0, []
    for _ in range(count):
        at += chance.paretovariate(0.8)
        seconds.append(at)
    return [int(second / at * (LIFE - 1)) for second in seconds]


SPREADS: Mapping[str, Spread] = {
    "evenly": evenly,
    "anywhere": _anywhere,
    "in 17 hours just now": _in_17_hours(LIFE - 17 * HOUR),
    "in 17 hours a year ago": _in_17_hours(LIFE - 365 * DAY),
    "in the first 17 hours": _in_17_hours(0),
    "in one second": lambda count: [400 * DAY] * count,
    "most in a day": _skewed,
    "in bursts": _bursts,
    "as a random walk": _walk,
}
