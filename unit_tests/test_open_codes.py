"""The five letters for open rows: never later, never fewer than the truth."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from source_stripe.accounts import open_codes
from source_stripe.accounts.open_codes import NONE, UNKNOWN, open_of, told

DAY = 86_400
HOUR = 3_600
NOW = 1_763_800_000
OVERLAP = 600

seconds = st.integers(0, NOW + OVERLAP - 1)
ranges = st.tuples(seconds, st.integers(1, 30 * DAY)).map(lambda pair: [pair[0], min(sum(pair), NOW + OVERLAP)])
groups = st.tuples(st.none() | st.integers(0, NOW + 400 * DAY), st.lists(ranges, min_size=1, max_size=4)).map(list)
open_rows = st.lists(groups, max_size=4)


@given(open_rows, st.booleans())
def test_what_is_read_off_is_due_no_later_and_holds_no_fewer_rows(rows: list[Any], live: bool) -> None:
    code = told(rows, NOW, live=live)
    assert code is not None
    assert len(code) == open_codes.WIDTH
    found = open_of(code, NOW) or []

    for due, own in rows:
        for start, end in own:
            assert any(
                (first is None or (due is not None and first <= due))
                and any(begin <= start and end <= until for begin, until in covering)
                for first, covering in found
            )


@given(open_rows)
def test_a_code_that_was_read_off_says_the_same_again(rows: list[Any]) -> None:
    code = told(rows, NOW, live=True)
    assert code is not None

    assert told(open_of(code, NOW), NOW, live=True) == code


@given(open_rows, st.integers(0, 400 * DAY))
def test_a_later_watermark_takes_nothing_away(rows: list[Any], later: int) -> None:
    code = told(rows, NOW, live=True)
    assert code is not None
    sooner, afterwards = open_of(code, NOW) or [], open_of(code, NOW + later) or []

    assert [due for due, _ in sooner] == [due for due, _ in afterwards]
    for (_, ((begin, end),)), (_, ((other, until),)) in zip(sooner, afterwards, strict=True):
        assert (other, end + later) == (begin, until)


def test_unknown_is_not_none() -> None:
    assert told(None, NOW, live=True) == UNKNOWN
    assert told([], NOW, live=True) == NONE
    assert (open_of(UNKNOWN, NOW), open_of(NONE, NOW)) == (None, [])


def test_a_week_of_pending_transactions_is_told_by_the_hour() -> None:
    rows = [[NOW + n * DAY, [[NOW - (7 - n) * DAY, NOW - (6 - n) * DAY]]] for n in range(7)]

    ((due, ((begin, end),)),) = open_of(str(told(rows, NOW, live=True)), NOW) or ()

    assert NOW - HOUR < due <= NOW
    assert NOW - 7 * DAY - 2 * HOUR < begin <= NOW - 7 * DAY
    assert end == NOW + OVERLAP


def test_what_is_older_than_half_a_year_is_listed_from_the_start() -> None:
    ((_, ((begin, _),)),) = open_of(str(told([[NOW, [[NOW - 400 * DAY, NOW]]]], NOW, live=True)), NOW) or ()

    assert begin == 0


def test_rows_of_the_future_can_be_told_of_live_data_only() -> None:
    ahead = [[None, [[NOW + DAY, NOW + DAY + 1]]]]

    assert told(ahead, NOW, live=False) is None
    assert told(ahead, NOW, live=True) == NONE
