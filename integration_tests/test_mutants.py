"""The random histories can fail: they find each rule that is taken out of the connector, here in small worlds."""

from typing import Any

import pytest

from integration_tests import convergence, platform_histories
from integration_tests.histories import histories
from integration_tests.mutants import first_found
from integration_tests.mutations import MUTATIONS, OF_FILTERS, OF_PLATFORMS, ONLY_KILLED_FIRST_SYNCS

_WORLDS: dict[str, dict[str, Any]] = {
    "OVERLAP is 0": {"streams": ("coupons", "customers", "prices"), "delays": (600,)},
    "vanished children get no tombstone": {"streams": ("subscription_items", "subscriptions")},
    "events of other objects touch nothing": {
        "streams": ("charges", "coupons", "invoices", "payment_links", "payouts", "promotion_codes")
    },
    "open rows are not noted": {"streams": ("balance_transactions", "file_links")},
    "unique_id is ignored": {"streams": ("invoice_line_items", "invoices"), "versions": ("2019-11-05",)},
}

_MOST = {"OVERLAP is 0": 200}
"""Where sixty histories are too few: events have to come late, and just before a sync."""


_PLATFORM = ("coupons", "customers", "products")


@pytest.mark.parametrize("mutation", OF_PLATFORMS)
def test_histories_of_platforms_find_a_rule_that_is_missing(mutation: str) -> None:
    drawn = platform_histories.platform_histories(kills=True, streams=_PLATFORM)
    if mutation in ONLY_KILLED_FIRST_SYNCS:
        drawn = platform_histories.histories_of_killed_first_syncs()
    found = first_found(mutation, drawn, of_seed=2, most=100, plays=platform_histories.play)
    assert found is not None
    print(f"{mutation}: history {found.after}: {found.difference}")


@pytest.mark.parametrize("mutation", sorted(MUTATIONS.keys() - OF_PLATFORMS.keys() - OF_FILTERS.keys()))
def test_histories_find_a_rule_that_is_missing(mutation: str) -> None:
    drawn = histories(kills=False, **_WORLDS[mutation])
    found = first_found(mutation, drawn, of_seed=1, most=_MOST.get(mutation, 60), plays=convergence.play)
    assert found is not None
    print(f"{mutation}: history {found.after}: {found.difference}")
