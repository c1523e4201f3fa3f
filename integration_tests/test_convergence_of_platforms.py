"""Promise 2 of a platform: after any number of syncs the destination holds what each of its accounts holds.

20 random histories without killed syncs, and 20 with; SOURCE_STRIPE_HISTORIES=2000 tries as many others, not the same
each time.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import SystemRandom

import pytest
from hypothesis import HealthCheck, given, seed, settings

from integration_tests.platform_histories import PlatformHistory, platform_histories, play

_MORE = os.environ.get("SOURCE_STRIPE_HISTORIES")
_HISTORIES = int(_MORE or 20)
_AT_ONCE = 2


@pytest.mark.parametrize("kills", [False, True], ids=["whole", "killed"])
def test_a_destination_holds_what_each_account_holds(kills: bool) -> None:
    first = SystemRandom().randrange(1 << 32) if _MORE else 0
    with ProcessPoolExecutor(_AT_ONCE, multiprocessing.get_context("spawn")) as processes:
        share = _HISTORIES // _AT_ONCE
        tries = [processes.submit(converges, first + number, share, kills) for number in range(_AT_ONCE)]
        tally = sum((one.result() for one in tries), Counter[str]())

    print(f"seed {first}: {dict(tally)}")
    assert tally["histories"] >= _HISTORIES
    assert tally["kills"] > 0 if kills else tally["kills"] == 0


def converges(number: int, count: int, kills: bool) -> Counter[str]:
    """Try so many histories, `number` the seed of their chance. AssertionError with the simplest one that fails."""
    tally: Counter[str] = Counter()

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(platform_histories(kills=kills))
    def every_history(history: PlatformHistory) -> None:
        replica = play(history)
        tally.update(histories=1, syncs=replica.syncs, kills=replica.kills)

    every_history()
    return tally
