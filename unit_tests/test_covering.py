"""Covering: whatever changed and however the list lies, every change is answered once, and at the promised cost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.objects.covering import Cover, even_bounds
from source_stripe.objects.ledger import Change
from unit_tests.stripe_list import PAGE, StripeList, change, newest_first, work_together


@dataclass(frozen=True)
class Case:
    """A list, and what of it changed; `hidden` changed too, but no page shows it."""

    listed: StripeList
    changes: Sequence[Change]
    hidden: int


@st.composite
def cases(draw: st.DrawFn, *, hiding: bool = True, most_a_second: int = 2 * PAGE) -> Case:
    gaps = draw(st.lists(st.sampled_from([0, 0, 1, 1, 7, 1_000]), max_size=80))
    time, in_second = 5_000, 0
    created, changes = {}, []
    hidden = 0
    for number, gap in enumerate(gaps):
        time, in_second = (time + gap, 1) if gap or in_second >= most_a_second else (time, in_second + 1)
        if in_second == 1 and not gap:
            time += 1
        fate = draw(st.sampled_from(["same", "changed", "changed", "hidden"] if hiding else ["same", "changed"]))
        if fate != "hidden":
            created[f"x_{number}"] = time
        if fate != "same":
            changes.append(change(number, time))
        hidden += fate == "hidden"
    return Case(StripeList(created), newest_first(changes), hidden)


@given(cases(), st.lists(st.integers(1, 3), max_size=3))
def test_every_change_is_answered_once(case: Case, timeless: list[int]) -> None:
    changes = [*case.changes, *(change(900 + number, None) for number, _ in enumerate(timeless))]

    case.listed.work_through(Cover(changes[:]))

    assert case.listed.answered == Counter(changed.id for changed in changes)


@given(cases())
def test_a_change_costs_at_most_a_request_and_one_more_where_its_page_lacks_it(case: Case) -> None:
    case.listed.work_through(Cover(case.changes[:]))

    assert case.listed.requests <= len(case.changes) + case.listed.in_vain
    assert case.listed.in_vain == 0 or case.hidden or max(Counter(case.listed.created.values()).values()) > PAGE


@given(cases(hiding=False, most_a_second=PAGE))
def test_all_changes_cost_no_more_than_the_whole_list(case: Case) -> None:
    case.listed.work_through(Cover(case.changes[:]))

    assert case.listed.requests <= min(len(case.changes), case.listed.whole)


@given(cases())
def test_what_a_list_hides_costs_a_few_requests_each_beside_the_list(case: Case) -> None:
    case.listed.work_through(Cover(case.changes[:]))

    assert case.listed.pages <= case.listed.whole + 1
    assert case.listed.requests <= case.listed.whole + 1 + case.hidden + 8 * case.listed.in_vain


@pytest.mark.parametrize("count", [1, 2, 10, 100, 1_000])
def test_a_list_that_hides_all_is_hardly_asked(count: int) -> None:
    """Inline prices, closed reviews: only every eighth is looked for in the list."""
    others = {f"y_{number}": number // 8 * 1_000 + number % 8 for number in range(8 * count)}
    listed = StripeList(others)

    listed.work_through(Cover([change(number, number * 1_000 + 9) for number in range(count - 1, -1, -1)]))

    assert listed.gets == count
    assert listed.pages <= 8 + count / 8


def test_after_many_pages_in_vain_what_a_list_does_show_is_still_listed() -> None:
    hidden = 30 * 29 // 2 + 1
    created = {f"y_{number}": 100_000 + number // 8 * 1_000 + number % 8 for number in range(8 * hidden)}
    created |= {f"x_{number}": number for number in range(300)}
    listed = StripeList(created, size=8)
    changes = [change(1_000 + number, 100_009 + number * 1_000) for number in range(hidden - 1, -1, -1)]

    listed.work_through(Cover([*changes, *(change(number, number) for number in range(299, -1, -1))]))

    assert listed.gets <= hidden + 8
    assert listed.pages <= 8 + hidden / 8 + 300 / 8 + 1


def test_a_single_change_is_got() -> None:
    """A page would cost the same, and weighs a hundred times as much."""
    listed = StripeList({f"x_{number}": number for number in range(50)})

    listed.work_through(Cover([change(7, 7)]))

    assert (listed.pages, listed.gets) == (0, 1)


def test_a_list_that_holds_nothing_is_asked_once() -> None:
    listed = StripeList({})

    listed.work_through(Cover([change(number, number) for number in range(99, -1, -1)]))

    assert (listed.pages, listed.gets) == (1, 100)


def test_changes_far_apart_cost_one_request_each() -> None:
    listed = StripeList({f"x_{number}": number * 100 for number in range(500)})

    listed.work_through(Cover([change(number, number * 100) for number in range(499, 0, -50)]))

    assert listed.requests == 10


def test_changes_in_one_month_of_ten_years_cost_that_months_pages() -> None:
    listed = StripeList({f"x_{number}": number * 1_000 for number in range(12_000)}, size=100)
    month = [change(number, number * 1_000) for number in range(4_100, 4_000, -1)]

    listed.work_through(Cover(month))

    assert listed.requests == 1


def test_where_rows_get_sparse_pages_still_bring_many() -> None:
    """A hundred rows of one day, and before it one a day."""
    created = {f"x_{number}": 1_000_000 + number for number in range(100)}
    created |= {f"x_{number}": number * 1_000 for number in range(100, 1_000)}
    listed = StripeList(created, size=100)

    listed.work_through(Cover(newest_first(change(number, created[f"x_{number}"]) for number in range(1_000))))

    assert listed.requests == listed.whole == 10


def test_one_that_is_gone_does_not_keep_the_others_from_their_pages() -> None:
    listed = StripeList({f"x_{number}": number for number in range(1_000)}, size=100)

    listed.work_through(Cover([change(1_000, 1_000), *(change(number, number) for number in range(999, -1, -1))]))

    assert listed.answered["x_1000"] == 1
    assert listed.requests <= listed.whole + 2


def test_a_second_with_more_rows_than_a_page_is_paged_by_cursor() -> None:
    listed = StripeList({f"x_{number:04}": 77 for number in range(1_000)}, size=100)
    changes = [Change(name, 10_000, 77, deleted=False, shown={}) for name in listed.rows]

    listed.work_through(Cover(changes))

    assert listed.requests == listed.whole == 10


def test_half_of_ten_thousand_cost_their_list() -> None:
    listed = StripeList({f"x_{number}": number * 60 for number in range(10_000)}, size=100)
    changed = random.Random(4).sample(range(10_000), 5_000)

    listed.work_through(Cover(newest_first(change(number, number * 60) for number in changed)))

    assert listed.requests <= listed.whole == 100


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_a_list_that_knows_no_times_is_read_from_its_top_while_that_pays(share: float) -> None:
    listed = StripeList({f"x_{number}": number * 60 for number in range(10_000)}, size=100, by_time=False)
    changed = random.Random(4).sample(range(10_000), int(share * 10_000))

    listed.work_through(Cover(newest_first(change(number, number * 60) for number in changed), by_time=False))

    assert listed.answered == Counter(f"x_{number}" for number in changed)
    assert listed.requests <= listed.whole


@pytest.mark.parametrize("count", [1, 19, 20, 300])
def test_where_its_top_has_not_changed_each_is_got(count: int) -> None:
    listed = StripeList({f"x_{number}": number * 60 for number in range(1_000)}, size=100, by_time=False)

    listed.work_through(Cover([change(number, number * 60) for number in range(count - 1, -1, -1)], by_time=False))

    assert listed.gets == count
    assert listed.pages == (count >= 20)


@given(cases())
def test_a_list_that_knows_no_times_answers_every_change_once(case: Case) -> None:
    case.listed.by_time = False
    case.listed.work_through(Cover(case.changes[:], by_time=False))

    assert case.listed.answered == Counter(changed.id for changed in case.changes)
    assert case.listed.requests <= len(case.changes) + 1
    assert case.listed.pages <= case.listed.whole + 1


def test_the_way_down_from_the_top_is_not_shared() -> None:
    listed = StripeList({f"x_{number}": number for number in range(1_000)}, size=100, by_time=False)
    changed = [change(number, number) for number in (*range(999, 799, -1), *range(399, -1, -1))]
    cover = Cover(changed, by_time=False)

    assert cover.split_off(idle=9) == []
    for _ in range(4):
        listed.step(cover)
        assert cover.split_off(idle=9) == []
    listed.step(cover)

    # Two pages brought all they had, and three nothing: the rest is got by id.
    assert listed.pages == 5
    assert len(cover.split_off(idle=9)) == 9


def test_without_a_list_each_is_got() -> None:
    listed = StripeList({f"x_{number}": number for number in range(50)})

    listed.work_through(Cover([change(number, number) for number in range(49, -1, -1)], can_list=False))

    assert (listed.pages, listed.gets) == (0, 50)


@given(cases(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_shared_work_answers_every_change_once(case: Case, workers: int, chance: random.Random) -> None:
    work_together(case.listed, case.changes[:], workers, chance)

    assert case.listed.answered == Counter(changed.id for changed in case.changes)


@given(st.lists(st.tuples(st.sampled_from([1, 3, 500]), st.booleans()), max_size=400), st.integers(1, 12))
def test_shared_work_costs_one_request_more_for_each_part_at_most(rows: list[tuple[int, bool]], workers: int) -> None:
    time, created, changes = 0, {}, []
    for number, (gap, changed) in enumerate(rows):
        time += gap
        created[f"x_{number}"] = time
        if changed:
            changes.append(change(number, time))
    listed = StripeList(created)

    parts = work_together(listed, changes[::-1], workers, random.Random(1))

    assert listed.requests <= min(len(changes), listed.whole + parts - 1)


@pytest.mark.parametrize("workers", [2, 10, 32])
def test_half_of_ten_thousand_cost_a_tenth_more_when_shared(workers: int) -> None:
    listed = StripeList({f"x_{number}": number * 60 for number in range(10_000)}, size=100)
    changed = random.Random(4).sample(range(10_000), 5_000)
    changes = list(newest_first(change(number, number * 60) for number in changed))

    parts = work_together(listed, changes, workers, random.Random(workers))

    assert parts > 1
    assert listed.requests <= 110


@given(st.integers(0, 300), st.integers(0, 40))
def test_parts_are_handed_out_from_the_oldest_on_and_lose_nothing(count: int, idle: int) -> None:
    changes = [change(number, number) for number in range(count, 0, -1)]
    cover = Cover(changes[:], can_list=False)

    handed_out = cover.split_off(idle)

    assert [*cover.left, *(each for part in handed_out for each in part)] == changes
    assert len(handed_out) <= idle
    assert all(len(part) >= 5 for part in handed_out)


def test_few_are_not_shared() -> None:
    assert Cover([change(number, number) for number in range(9, 0, -1)]).split_off(idle=10) == []


@given(st.integers(0, 100), st.integers(1, 20))
def test_even_parts_differ_by_one_at_most(count: int, parts: int) -> None:
    cuts = even_bounds(count, parts)

    assert (cuts[0], cuts[-1], len(cuts)) == (0, count, parts + 1)
    sizes = [end - start for start, end in pairwise(cuts)]
    assert 0 <= min(sizes) <= max(sizes) <= min(sizes) + 1
