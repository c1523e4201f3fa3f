"""What tuning constants are worth: first syncs in simulated time, with one constant changed.

    .venv/bin/python -m unit_tests.tuning              # all of CONSTANTS
    .venv/bin/python -m unit_tests.tuning _FORESIGHT   # one of them

Each line is one value: requests and simulated seconds, summed over the lists of a case. docs/design/ cites the tables.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from unittest import mock

from source_stripe.api import rates
from source_stripe.api.ranges import Range
from source_stripe.catalog.asking import RateLimits
from source_stripe.objects import covering
from source_stripe.objects.covering import Cover
from source_stripe.reading import frontier, splitting
from unit_tests.lower_limit import under_a_lower_limit
from unit_tests.simulation import Simulation
from unit_tests.spreads import LIFE, SPREADS, evenly
from unit_tests.stripe_list import StripeList, change, newest_first, work_together

LIVE = RateLimits(account=100, endpoint=25)
ONE_LIST = RateLimits(account=100, endpoint=100)


def short_lists() -> str:
    """Lists of 10 pages, of each spread, 16 workers, 150 ms an answer."""
    return _sum(
        Simulation({"/v1/a": spread(1_000)}, ONE_LIST, 0.15, 16, seed=seed)
        for spread in SPREADS.values()
        for seed in range(5)
    )


def long_lists() -> str:
    """Lists of 1,000 pages, of each spread but a single second, 16 workers, 150 ms an answer."""
    spreads = (spread for name, spread in SPREADS.items() if name != "in one second")
    return _sum(Simulation({"/v1/a": spread(100_000)}, ONE_LIST, 0.15, 16) for spread in spreads)


def eight_lists() -> str:
    """Eight lists of 50 to 400 pages under the live limits, 64 workers, 300 ms an answer."""
    lists = {f"/v1/{number}": evenly(5_000 * number) for number in range(1, 9)}
    return _sum(Simulation(lists, LIVE, 0.3, seed=seed) for seed in range(2))


def covered_by_time() -> str:
    """10,000 objects, of which 5,000 to 15 changed, anywhere or in one heap. The newer half of them is hidden."""
    return f"{sum(_covered(changed, by_time=True) for changed in _what_changed()):,}"


def covered_from_the_top() -> str:
    """The same of a list that can't be asked for a time."""
    return f"{sum(_covered(changed, by_time=False) for changed in _what_changed()):,}"


def covered_together() -> str:
    """5,000, 500 and 30 of 10,000 objects, by 16 workers."""
    parts = requests = 0
    for count in (5_000, 500, 30):
        listed = _list()
        changed = random.Random(4).sample(range(10_000), count)
        changes = newest_first(change(number, number * 60) for number in changed)
        parts += work_together(listed, changes, 16, random.Random(1))
        requests += listed.requests
    return f"{requests:,} in {parts} parts"


def _list(*, by_time: bool = True) -> StripeList:
    return StripeList({f"x_{number}": number * 60 for number in range(10_000)}, size=100, by_time=by_time)


def _what_changed() -> Iterable[Sequence[int]]:
    for count in (5_000, 500, 50, 15):
        for first, last in ((0, 10_000), (9_000, 10_000), (3_000, 4_000)):
            yield random.Random(4).sample(range(first, last), min(count, last - first))


def _covered(changed: Sequence[int], *, by_time: bool) -> int:
    """Requests. The list hides the newer half of the objects that changed."""
    listed = _list(by_time=by_time)
    for number in sorted(changed)[len(changed) // 2 :]:
        del listed.created[f"x_{number}"]
    listed.rows = [name for name in listed.rows if name in listed.created]
    listed.work_through(Cover(newest_first(change(number, number * 60) for number in changed), by_time=by_time))
    return listed.requests


def lower_limit() -> str:
    """The limit of an endpoint falls to 10, 15 or 20 a second: requests answered in 50 seconds, and 429s."""
    found = [under_a_lower_limit(limit) for limit in (10, 15, 20)]
    return f"{sum(answered for answered, _ in found):,}, and {sum(limited for _, limited in found)} x 429"


LISTS, COVERS, LIMITS = (short_lists, long_lists, eight_lists), (covered_by_time, covered_from_the_top), (lower_limit,)
CONSTANTS: Mapping[tuple[ModuleType, str], tuple[Sequence[float], Sequence[Callable[[], str]]]] = {
    (splitting, "_PAGES_A_PIECE"): ((2, 4, 8, 12, 20, 40), LISTS),
    (splitting, "_PAGES_AT_THE_END"): ((1, 2, 4, 12), LISTS),
    (splitting, "_LONG"): ((20, 50, 100, 200, 100_000), LISTS),
    (splitting, "_FORESIGHT"): ((4, 12, 24, 48, 1_000), LISTS),
    (splitting, "_GAPS"): ((1.0, 100 / 99, 1.05), LISTS),
    (splitting, "_FIRST_PAGES"): ((0, 10, 30, 60), LISTS),
    (splitting, "_PAGES_A_WASTE"): ((2, 4, 8, 16, 32), LISTS),
    (splitting, "_TRUSTING"): ((0.5, 1.0, 1.5, 2.0, 3.0), LISTS),
    (frontier, "_ENOUGH"): ((0.0, 0.5, 0.8, 1.0), LISTS),
    (rates, "_RESERVE"): ((1.0, 1.4, 1.8, 2.5, 4.0), LISTS),
    (rates, "_NEAR"): ((0.5, 0.7, 0.85, 0.95), LIMITS),
    (rates, "_PROBING"): ((0.001, 0.01, 0.1, 1.0), LIMITS),
    (covering, "_PATIENCE"): ((1, 4, 8, 16, 64), COVERS),
    (covering, "_WORTH_A_LOOK"): ((5, 20, 80), COVERS),
    (covering, "_LOOKS"): ((1, 3, 10), COVERS),
    (covering, "_PAGES_A_PART"): ((1, 5, 10, 20), (covered_together,)),
    (covering, "_OBJECTS_A_PART"): ((1, 5, 20), (covered_together,)),
}
"""By module and name of a constant: the values to try, and the cases that it is tried in."""


def _sum(several: Iterable[Simulation]) -> str:
    requests, seconds = 0, 0.0
    for each in several:
        each.run(Range(0, LIFE))
        requests += each.requests
        seconds += each.seconds
    return f"{requests:,} in {seconds:,.1f} s"


def main(names: Sequence[str]) -> None:
    """Print a table for each constant."""
    for (module, name), (values, cases) in CONSTANTS.items():
        if names and name not in names:
            continue
        now = getattr(module, name)
        print(f"{module.__name__.rpartition('.')[2]}.{name} is {now:g}", *(case.__name__ for case in cases), sep=" | ")
        for value in values:
            with mock.patch.object(module, name, value):
                print(f"{value:g}", *(case() for case in cases), sep=" | ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
