"""Shows that the random histories can fail: plays them with one rule of the connector taken out, until one does.

python -m integration_tests.mutants --seed 1 --most 200
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from integration_tests import filtered_histories, platform_histories
from integration_tests.convergence import play
from integration_tests.histories import histories
from integration_tests.mutations import MUTATIONS, OF_FILTERS, OF_PLATFORMS, ONLY_KILLED_FIRST_SYNCS
from integration_tests.setup import QUICK, Setup

Drawn = TypeVar("Drawn")


@dataclass(frozen=True)
class Found:
    """The so-manyth history failed, with the first of its differences."""

    after: int
    difference: str


def first_found(
    mutation: str,
    drawn: SearchStrategy[Drawn],
    *,
    of_seed: int,
    most: int,
    plays: Callable[[Drawn, Setup], object],
) -> Found | None:
    """Play up to so many histories with a mutation; None if all of them pass."""
    setup, played, found = replace(QUICK, mutation=mutation), 0, None

    @seed(of_seed)
    @settings(
        max_examples=most,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(drawn)
    def until_one_fails(history: Drawn) -> None:
        nonlocal played, found
        if found is None:
            played += 1
            if (difference := _difference(lambda: plays(history, setup))) is not None:
                found = Found(played, difference)

    until_one_fails()
    return found


def _difference(plays: Callable[[], object]) -> str | None:
    try:
        plays()
    except AssertionError as error:
        return str(error).partition("\n")[0]
    return None


def _found(mutation: str, **options: Any) -> Found | None:
    if mutation in OF_PLATFORMS:
        drawn = platform_histories.platform_histories(kills=True)
        if mutation in ONLY_KILLED_FIRST_SYNCS:
            drawn = platform_histories.histories_of_killed_first_syncs()
        return first_found(mutation, drawn, plays=platform_histories.play, **options)
    if mutation in OF_FILTERS:
        filtered = filtered_histories.filtered_histories(kills=False)
        return first_found(mutation, filtered, plays=filtered_histories.play_filtered, **options)
    return first_found(mutation, histories(kills=False), plays=play, **options)


def main() -> int:
    """Look for all mutations, as the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=200, help="histories that are played with each mutation at most")
    options = parser.parse_args()
    missed = 0
    for mutation in MUTATIONS:
        began = time.monotonic()
        found = _found(mutation, of_seed=options.seed, most=options.most)
        seconds = time.monotonic() - began
        if found is None:
            missed += 1
            print(f"{mutation}: NOT FOUND in {options.most} histories, {seconds:.0f} s", flush=True)
        else:
            print(f"{mutation}: found by history {found.after}, {seconds:.0f} s: {found.difference}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
