"""Promise 2 with filters: the destination holds what Stripe holds of what they want, whatever they were before.

20 random histories without killed syncs, and 20 with; SOURCE_STRIPE_HISTORIES=2000 tries as many others, not the same
each time.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis.strategies import SearchStrategy

from integration_tests.filtered_histories import FilteredHistory, filtered_histories, play_filtered
from integration_tests.mutants import first_found
from integration_tests.mutations import OF_FILTERS
from integration_tests.trying import Kind, tried

_WORLDS = {
    "rows are not tested": ("payouts", "subscriptions"),
    "what leaves a filter gets no tombstone": ("payment_links", "prices"),
}


def drawn(*, kills: bool) -> SearchStrategy[FilteredHistory]:
    """A composite strategy is no function of its module, which another process could import."""
    return filtered_histories(kills=kills)


def changes_of(history: FilteredHistory) -> Mapping[str, int]:
    """How often its filters become others."""
    return {"changes": len({*map(str, history.filters)}) - 1}


_KIND = Kind(drawn, play_filtered, few=20, tells=changes_of)


@pytest.mark.parametrize("kills", [False, True], ids=["whole", "killed"])
def test_a_destination_holds_what_the_filters_want(kills: bool) -> None:
    tally = tried(_KIND, kills=kills)

    assert tally["histories"] >= _KIND.count
    assert tally["changes"], "some filters become others"
    assert bool(tally["kills"]) == kills


@pytest.mark.parametrize("mutation", OF_FILTERS)
def test_histories_find_a_rule_that_is_missing(mutation: str) -> None:
    drawn = filtered_histories(kills=False, streams=_WORLDS[mutation])
    found = first_found(mutation, drawn, of_seed=1, most=60, plays=play_filtered)
    assert found is not None
    print(f"{mutation}: history {found.after}: {found.difference}")
