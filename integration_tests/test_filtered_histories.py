"""Promise 2 with filters: the destination holds what Stripe holds of what they want, whatever they were before.

40 random histories; SOURCE_STRIPE_HISTORIES=5000 tries as many others, not the same each time.
"""

from __future__ import annotations

import os
from collections import Counter
from random import SystemRandom

import pytest
from hypothesis import HealthCheck, given, seed, settings

from integration_tests.filtered_histories import FilteredHistory, filtered_histories, play_filtered
from integration_tests.mutants import first_found
from integration_tests.mutations import OF_FILTERS

_MORE = os.environ.get("SOURCE_STRIPE_HISTORIES")
_HISTORIES = int(_MORE or 20)
_WORLDS = {
    "rows are not tested": ("payouts", "subscriptions"),
    "what leaves a filter gets no tombstone": ("payment_links", "prices"),
}


@pytest.mark.parametrize("kills", [False, True], ids=["whole", "killed"])
def test_a_destination_holds_what_the_filters_want(kills: bool) -> None:
    first, tally = SystemRandom().randrange(1 << 32) if _MORE else 0, Counter[str]()

    @seed(first)
    @settings(max_examples=_HISTORIES, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(filtered_histories(kills=kills))
    def every_history(drawn: FilteredHistory) -> None:
        replica = play_filtered(drawn)
        tally.update(histories=1, syncs=replica.syncs, kills=replica.kills, changes=len({*map(str, drawn.filters)}) - 1)

    every_history()
    print(f"seed {first}: {dict(tally)}")
    assert tally["histories"] >= _HISTORIES
    assert tally["changes"], "some filters become others"
    assert bool(tally["kills"]) == kills


@pytest.mark.parametrize("mutation", OF_FILTERS)
def test_histories_find_a_rule_that_is_missing(mutation: str) -> None:
    drawn = filtered_histories(kills=False, streams=_WORLDS[mutation])
    found = first_found(mutation, drawn, of_seed=1, most=60, plays=play_filtered)
    assert found is not None
    print(f"{mutation}: history {found.after}: {found.difference}")
