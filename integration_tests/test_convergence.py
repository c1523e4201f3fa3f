"""Promise 2: after any number of syncs a destination holds what Stripe holds."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings

from integration_tests.convergence import play
from integration_tests.histories import History, histories

HISTORIES = int(os.environ.get("SOURCE_STRIPE_HISTORIES", "200"))

_played: Counter[str] = Counter()
_thorough = settings(max_examples=HISTORIES, deadline=None, database=None, suppress_health_check=[*HealthCheck])


@_thorough
@given(histories(kills=False))
def test_a_destination_converges(history: History) -> None:
    play(history)


@_thorough
@given(histories(kills=True))
def test_a_destination_converges_though_syncs_are_killed(history: History) -> None:
    play(history)
