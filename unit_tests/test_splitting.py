"""Who reads what: whatever the data and the order of the answers, every row comes once, soon, and for few requests."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import Range
from source_stripe.catalog.asking import RateLimits
from source_stripe.reading.splitting import Need, Trust, fair_share, part_of
from unit_tests.simulation import Simulation
from unit_tests.spreads import LIFE, SPREADS, evenly

LIVE = RateLimits(account=100, endpoint=25)
ONE_LIST = RateLimits(account=100, endpoint=100)

needs = st.builds(Need, pages=st.integers(0, 5_000), most=st.integers(1, 30))


@given(st.integers(1, 64), st.lists(needs, min_size=1, max_size=20))
def test_all_workers_are_shared_and_no_list_gets_more_than_it_can_use(workers: int, lists: list[Need]) -> None:
    shares = [fair_share(workers, need, [*lists[:at], *lists[at + 1 :]]) for at, need in enumerate(lists)]

    assert all(0 <= share <= need.most for share, need in zip(shares, lists, strict=True))
    # Rounded up, each of them.
    could_use = sum(need.most for need in lists if need.pages)
    assert min(workers, could_use) <= sum(shares) <= workers + len(lists)


def test_the_list_with_more_pages_left_gets_more_workers() -> None:
    long, short = Need(300, 30), Need(100, 30)

    assert fair_share(40, long, [short]) == 30
    assert fair_share(40, short, [long]) == 10
    assert fair_share(60, short, [long]) == 30  # what the long one can't use


@pytest.mark.parametrize(
    ("idle", "own", "every", "part"),
    [(5, 9, [9], 5), (1, 5, [5, 4, 3], 1), (1, 4, [5, 4, 3], 0), (6, 4, [5, 4, 3], 2), (0, 5, [5], 0), (3, 0, [0], 0)],
)
def test_the_longest_piece_is_cut_first(idle: int, own: float, every: list[float], part: int) -> None:
    assert part_of(idle, own, every) == part


def test_trust_grows_with_pages_and_with_pieces_that_hold_more() -> None:
    trust = Trust()
    trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 1
    trust.given = 1
    assert trust.pieces == 0
    trust.came(rows=True, more=True, first=True)
    assert trust.pieces == 2
    trust.given = 3
    trust.came(rows=True, more=True, first=True)
    trust.came(rows=True, more=True, first=True)
    assert trust.pieces == 8
    for _ in range(34):
        trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 16


@pytest.mark.parametrize("rows", [True, False])
def test_what_is_wasted_has_to_be_earned_again_by_pages(rows: bool) -> None:
    trust = Trust(given=1)
    trust.came(rows=rows, more=False, first=True)
    assert trust.pieces == 0
    for _ in range(37):
        trust.came(rows=True, more=True, first=False)
    assert trust.pieces == 1
    # A reader's own next page was empty, as what lay behind was handed out.
    trust.came(rows=False, more=False, first=False)
    assert trust.pieces == 0


clusters = st.lists(
    st.tuples(st.integers(0, 90_000), st.sampled_from([0, 1, 60, 3_600, 60_000]), st.integers(1, 120)),
    min_size=1,
    max_size=8,
).map(
    lambda parts: [
        min(start + length * number // count, 99_999) for start, length, count in parts for number in range(count)
    ]
)
"""Rows of any shape: some heaps of them, each spread over a second, a minute, an hour, or much of an account's life."""


@given(
    created=clusters,
    others=clusters,
    size=st.integers(5, 20),
    workers=st.integers(1, 12),
    seed=st.integers(0, 999),
)
def test_every_row_comes_exactly_once(
    created: list[int], others: list[int], size: int, workers: int, seed: int
) -> None:
    synced = Simulation({"/v1/a": created, "/v1/b": others}, LIVE, 0.3, workers, size, seed)

    synced.run(Range(0, 100_000))

    assert [sorted(one.emitted) for one in synced.all] == [one.rows.rows for one in synced.all]


@given(created=clusters, size=st.integers(6, 20), workers=st.integers(1, 64), seed=st.integers(0, 999))
def test_a_piece_costs_a_request_at_most(created: list[int], size: int, workers: int, seed: int) -> None:
    synced = Simulation({"/v1/a": created}, LIVE, 0.3, workers, size, seed)

    synced.run(Range(0, 100_000))

    (one,) = synced.all
    trust = one.frontier._pieces.trust
    assert synced.requests <= max(1, -(-len(created) // size)) + trust.given
    assert trust.given == trust.judged


def first_sync(spread: str, count: int, workers: int, seed: int = 0) -> Simulation:
    """Of one list, where an answer takes 150 ms."""
    synced = Simulation({"/v1/charges": SPREADS[spread](count)}, ONE_LIST, 0.15, workers, seed=seed)
    synced.run(Range(0, LIFE))
    return synced


def most_of_20(spread: str, count: int, workers: int) -> int:
    """The most requests of twenty first syncs, each with its answers in another order."""
    return max(first_sync(spread, count, workers, seed).requests for seed in range(20))


@pytest.mark.parametrize("workers", [1, 2, 16, 64])
@pytest.mark.parametrize("spread", SPREADS)
def test_ten_pages_cost_a_request_more_and_where_rows_come_in_bursts_three(spread: str, workers: int) -> None:
    more = 0 if workers == 1 else 3 if spread == "in bursts" else 1

    assert most_of_20(spread, 1_000, workers) <= 10 + more


@pytest.mark.parametrize(
    ("spread", "pages", "most"),
    [("evenly", 25, 26), ("most in a day", 25, 28), ("evenly", 200, 201), ("most in a day", 200, 240)],
)
@pytest.mark.parametrize("workers", [2, 16])
def test_more_pages_cost_hardly_more_requests(spread: str, pages: int, most: int, workers: int) -> None:
    assert most_of_20(spread, 100 * pages, workers) <= most


MOST_FOR_1_000_PAGES = {
    "evenly": 1_010,
    "anywhere": 1_050,
    "in 17 hours just now": 1_050,
    "in 17 hours a year ago": 1_050,
    "in the first 17 hours": 1_050,
    "most in a day": 1_100,
    "in bursts": 1_150,
    "as a random walk": 1_150,
}


@pytest.mark.parametrize("workers", [2, 16, 64])
@pytest.mark.parametrize("spread", MOST_FOR_1_000_PAGES)
def test_1_000_pages_cost_few_requests_more_and_are_soon_shared(spread: str, workers: int) -> None:
    synced = first_sync(spread, 100_000, workers)

    assert synced.requests <= MOST_FOR_1_000_PAGES[spread]
    # Ten seconds by the budget, and some in which few read: until it is known where rows are, and where a thousand lie
    # in one second.
    assert synced.seconds <= max(10.0, 1_000 * 0.155 / workers) + 4.5


@pytest.mark.parametrize("streams", [1, 8])
def test_the_budget_is_filled(streams: int) -> None:
    pages = 400
    lists = {f"/v1/{number}": evenly(pages * 100) for number in range(streams)}

    synced = Simulation(lists, LIVE, 0.3)
    synced.run(Range(0, LIFE))

    ideal = pages * streams / min(25 * streams, 100)
    assert synced.seconds <= ideal + 2
    assert synced.requests <= 1.02 * pages * streams


def test_lists_of_different_lengths_end_at_about_the_same_time() -> None:
    """Else the last one, alone, could only fill its own budget."""
    lists = {f"/v1/{number}": evenly(10_000 * number) for number in range(1, 9)}

    synced = Simulation(lists, LIVE, 0.3)
    synced.run(Range(0, LIFE))

    assert synced.seconds <= math.ceil(3_600 / 100) * 1.1
