"""Trying random histories: a few that are the same each time, or as many others as SOURCE_STRIPE_HISTORIES says."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Generic, Protocol, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

_AT_ONCE = 2
_MORE = os.environ.get("SOURCE_STRIPE_HISTORIES")
H = TypeVar("H")


class Played(Protocol):
    """What playing a history comes to."""

    syncs: int
    kills: int


def _nothing(_: object) -> Mapping[str, int]:
    return {}


@dataclass(frozen=True)
class Kind(Generic[H]):
    """Histories of one kind. Functions of modules: other processes import them."""

    drawn: Callable[..., SearchStrategy[H]]
    """Takes `kills`: whether syncs are killed."""
    play: Callable[[H], Played]
    """Raises AssertionError where a destination would be wrong."""
    few: int
    """How many are tried by default."""
    tells: Callable[[H], Mapping[str, int]] = _nothing
    """What else is counted of a history."""

    @property
    def count(self) -> int:
        """How many are tried."""
        return int(_MORE or self.few)


def tried(kind: Kind[Any], *, kills: bool) -> Counter[str]:
    """Try histories, and count them, their syncs and their kills. AssertionError with the simplest one that fails."""
    first = SystemRandom().randrange(1 << 32) if _MORE else 0
    with ProcessPoolExecutor(_AT_ONCE, multiprocessing.get_context("spawn")) as processes:
        share = kind.count // _AT_ONCE
        tries = [processes.submit(_try, kind, first + number, share, kills) for number in range(_AT_ONCE)]
        tally = sum((one.result() for one in tries), Counter[str]())
    print(f"seed {first}: {dict(tally)}")
    return tally


def _try(kind: Kind[H], number: int, count: int, kills: bool) -> Counter[str]:
    """Try so many histories, `number` the seed of their chance."""
    tally: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(kind.drawn(kills=kills))
    def every_history(history: H) -> None:
        played = kind.play(history)
        tally.update(histories=1, syncs=played.syncs, kills=played.kills)
        tally.update(kind.tells(history))

    every_history()
    return tally
