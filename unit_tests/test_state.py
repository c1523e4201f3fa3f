"""States: their shapes, and the window that the next sync reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.ranges import Range, merge, subtract
from source_stripe.state import CreatedState, StateError, Window

NOW = 1_763_800_000


def parse(raw: dict[str, Any]) -> CreatedState:
    return CreatedState.parse(raw, stream="balance_transactions", cursor="created")


def test_a_finished_stream_has_the_shape_of_airbytes_connector() -> None:
    state = CreatedState(watermark=NOW)

    assert state.dump("created") == {"created": NOW}
    assert parse({"created": NOW}) == state


def test_a_window_under_way_is_in_the_state() -> None:
    raw = {"created": NOW, "backfill": {"start": 0, "cutoff": NOW, "done": [[100, 200], [500, NOW]]}}

    state = parse(raw)

    assert state == CreatedState(NOW, Window(Range(0, NOW), (Range(100, 200), Range(500, NOW))))
    assert state.window is not None
    assert state.window.left == (Range(0, 100), Range(200, 500))
    assert state.dump("created") == raw


@pytest.mark.parametrize(
    "raw",
    [
        {"updated": NOW},
        {"created": None},
        {"created": "soon"},
        {"created": [NOW]},
        {"created": NOW, "backfill": {"start": 0}},
        {"created": NOW, "backfill": {"start": 0, "cutoff": NOW, "done": [[1]]}},
        {"created": NOW, "backfill": 3},
    ],
)
def test_an_unknown_state_is_refused_with_the_stream_to_reset(raw: dict[str, Any]) -> None:
    with pytest.raises(StateError) as refused:
        parse(raw)

    assert "Reset the stream balance_transactions" in str(refused.value.message)


def test_the_first_sync_reads_from_the_start() -> None:
    window = CreatedState().next_window(start=1_000, now=NOW, lookback=600)

    assert window == Window(Range(1_000, NOW))


def test_a_later_sync_reads_what_came_since_and_the_lookback() -> None:
    window = CreatedState(watermark=NOW - 3_600).next_window(start=0, now=NOW, lookback=600)

    assert window == Window(Range(NOW - 3_600 - 600, NOW))


def test_the_lookback_does_not_reach_behind_the_start() -> None:
    window = CreatedState(watermark=NOW - 3_600).next_window(start=NOW - 3_700, now=NOW, lookback=600)

    assert window.span.start == NOW - 3_700


def test_an_interrupted_window_is_carried_on_and_its_newest_rows_are_read_again() -> None:
    interrupted = CreatedState(NOW - 1_000, Window(Range(0, NOW - 1_000), (Range(500, 900), Range(2_000, NOW - 1_000))))

    window = interrupted.next_window(start=0, now=NOW, lookback=600)

    assert window.span == Range(0, NOW)
    assert window.left == (Range(0, 500), Range(900, 2_000), Range(NOW - 1_600, NOW))


def test_a_clock_that_went_back_reads_nothing_twice_and_fails_nothing() -> None:
    window = CreatedState(watermark=NOW).next_window(start=0, now=NOW - 5, lookback=0)

    assert window.left == ()


pieces = st.tuples(st.integers(0, 999), st.integers(1, 300)).map(lambda at: Range(at[0], min(at[0] + at[1], 1_000)))


@given(done=st.lists(pieces, max_size=8), later=st.integers(0, 500), lookback=st.integers(0, 300))
def test_nothing_is_lost_however_a_window_was_interrupted(done: list[Range], later: int, lookback: int) -> None:
    window = Window(Range(0, 1_000))
    for piece in done:
        window = window.with_done(piece)
    state = parse(CreatedState(1_000, window).dump("created"))

    following = state.next_window(start=0, now=1_000 + later, lookback=lookback)

    must_be_read = (*subtract(Range(0, 1_000), done), Range(1_000 - lookback, 1_000 + later))
    assert following.left == merge(must_be_read)
