"""Promise 2 of a platform: after any number of syncs the destination holds what each of its accounts holds.

20 random histories without killed syncs, and 20 with; SOURCE_STRIPE_HISTORIES=2000 tries as many others, not the same
each time.
"""

from __future__ import annotations

import pytest

from integration_tests.platform_histories import platform_histories, play
from integration_tests.trying import Kind, tried

_KIND = Kind(platform_histories, play, few=20)


@pytest.mark.parametrize("kills", [False, True], ids=["whole", "killed"])
def test_a_destination_holds_what_each_account_holds(kills: bool) -> None:
    tally = tried(_KIND, kills=kills)

    assert tally["histories"] >= _KIND.count
    assert tally["kills"] > 0 if kills else tally["kills"] == 0
