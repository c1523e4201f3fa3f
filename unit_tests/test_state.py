"""States: their shapes, and the window that the next sync reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.ranges import Range, merge, subtract
from source_stripe.reading.state import ReadWith, StreamState, UnknownStateError, Window, is_under_way

NOW = 1_763_800_000


def parse(raw: Any, *, now: int | None = NOW) -> StreamState:
    return StreamState.parse(raw, stream="balance_transactions", cursor="created", now=now)


def test_nothing_saved_is_the_first_sync() -> None:
    assert parse({}) == StreamState()
    assert StreamState().dump("created") == {}


def test_a_finished_stream_has_the_shape_of_airbytes_connector() -> None:
    state = StreamState(watermark=NOW)

    assert state.dump("created") == {"created": NOW}
    assert parse({"created": NOW}) == state


def test_a_window_under_way_is_in_the_state() -> None:
    raw = {"created": NOW, "backfill": {"start": 0, "cutoff": NOW, "done": [[100, 200], [500, NOW]]}}

    state = parse(raw)

    assert state == StreamState(NOW, Window(Range(0, NOW), (Range(100, 200), Range(500, NOW))))
    assert state.window is not None
    assert state.window.left == (Range(0, 100), Range(200, 500))
    assert state.dump("created") == raw


def test_a_window_after_a_gap_remembers_the_watermark_before_it() -> None:
    raw = {"created": NOW, "backfill": {"start": 0, "cutoff": NOW, "done": [], "floor": 77}}

    assert parse(raw) == StreamState(NOW, Window(Range(0, NOW), floor=77))
    assert parse(raw).dump("created") == raw


def test_what_a_stream_was_read_with_stands_beside_what_it_is_complete_to() -> None:
    raw = {"created": NOW, "read_with": {"account": "acct_1", "live": False, "start_date": 77}}

    assert parse(raw) == StreamState(NOW, read_with=ReadWith("acct_1", False, 77))
    assert parse(raw).dump("created") == raw
    assert ReadWith(None, True).dump() == {"live": True}
    assert parse({"created": NOW}).read_with is None


@pytest.mark.parametrize(
    "raw",
    [
        {"updated": NOW},
        {"created": NOW, "read_with": "acct_1"},
        {"created": NOW, "read_with": {"account": 7}},
        {"created": NOW, "read_with": {"live": "yes"}},
        {"created": NOW, "read_with": {"start_date": "soon"}},
        {"created": None},
        {"created": "soon"},
        {"created": ""},
        {"created": [NOW]},
        {"created": True},
        {"created": float("inf")},
        {"created": NOW * 1_000},  # milliseconds
        {"cursor": "abc", "other": 1},
        {"bookmarks": {"created": NOW}},  # a Singer tap's
        {"created": NOW, "backfill": {"start": 0}},
        {"created": NOW, "backfill": {"start": 0, "cutoff": NOW, "done": [[1]]}},
        {"created": NOW, "backfill": {"start": 9, "cutoff": 5, "done": []}},
        {"created": NOW, "backfill": {"start": 0, "cutoff": 10**12, "done": []}},
        {"created": NOW, "backfill": 3},
        {"state": {"created": "soon"}},
        {"state": 3, "states": 4},
        {"states": [{"partition": {"customer_id": "cus_1"}}]},
        {"states": [3]},
        {"parent_state": [NOW]},
        {"parent_state": {"customers": {"updated": None}}},
    ],
)
def test_an_unknown_state_is_refused_with_the_stream_to_reset(raw: dict[str, Any]) -> None:
    with pytest.raises(UnknownStateError) as refused:
        parse(raw)

    assert "Reset the stream balance_transactions" in str(refused.value)
    assert str(raw)[:40] in str(refused.value)


def test_a_state_that_is_no_object_is_refused() -> None:
    with pytest.raises(UnknownStateError, match="Reset the stream balance_transactions"):
        parse([{"created": NOW}])


def test_a_long_unknown_state_is_not_shown_whole() -> None:
    with pytest.raises(UnknownStateError) as refused:
        parse({"states": [{"partition": {"customer_id": f"cus_{number}"}} for number in range(1_000)]})

    assert len(str(refused.value)) < 400


def test_going_on_from_a_time_that_is_to_come_would_skip_what_lies_between() -> None:
    with pytest.raises(UnknownStateError):
        parse({"created": NOW + 2 * 86_400})

    assert parse({"created": NOW + 2 * 86_400}, now=None).watermark == NOW + 2 * 86_400
    # Clocks may differ a little.
    assert parse({"created": NOW + 3_600}).watermark == NOW


def test_the_first_sync_reads_from_the_start() -> None:
    window = StreamState().next_window(start=1_000, now=NOW, lookback=600)

    assert window == Window(Range(1_000, NOW))


def test_a_later_sync_reads_what_came_since_and_the_lookback() -> None:
    window = StreamState(watermark=NOW - 3_600).next_window(start=0, now=NOW, lookback=600)

    assert window == Window(Range(NOW - 3_600 - 600, NOW))


def test_the_lookback_does_not_reach_behind_the_start() -> None:
    window = StreamState(watermark=NOW - 3_600).next_window(start=NOW - 3_700, now=NOW, lookback=600)

    assert window.span.start == NOW - 3_700


def test_an_interrupted_window_is_carried_on_and_its_newest_rows_are_read_again() -> None:
    interrupted = StreamState(NOW - 1_000, Window(Range(0, NOW - 1_000), (Range(500, 900), Range(2_000, NOW - 1_000))))

    window = interrupted.next_window(start=0, now=NOW, lookback=600)

    assert window.span == Range(0, NOW)
    assert window.left == (Range(0, 500), Range(900, 2_000), Range(NOW - 1_600, NOW))


def test_a_clock_that_went_back_reads_nothing_twice_and_fails_nothing() -> None:
    window = StreamState(watermark=NOW).next_window(start=0, now=NOW - 5, lookback=0)

    assert window.left == ()


pieces = st.tuples(st.integers(0, 999), st.integers(1, 300)).map(lambda at: Range(at[0], min(at[0] + at[1], 1_000)))


@given(done=st.lists(pieces, max_size=8), later=st.integers(0, 500), lookback=st.integers(0, 300))
def test_nothing_is_lost_however_a_window_was_interrupted(done: list[Range], later: int, lookback: int) -> None:
    window = Window(Range(0, 1_000))
    for piece in done:
        window = window.with_done(piece)
    state = parse(StreamState(1_000, window).dump("created"))

    following = state.next_window(start=0, now=1_000 + later, lookback=lookback)

    must_be_read = (*subtract(Range(0, 1_000), done), Range(1_000 - lookback, 1_000 + later))
    assert following.left == merge(must_be_read)


@given(
    watermark=st.none() | st.integers(0, NOW),
    span=st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)).map(lambda at: Range(min(at), max(at))),
    done=st.lists(pieces, max_size=8),
    floor=st.none() | st.integers(0, 1_000),
    read_with=st.none() | st.builds(ReadWith, st.none() | st.text(), st.none() | st.booleans(), st.none() | st.just(7)),
)
def test_a_state_is_read_as_it_was_written(
    watermark: int | None, span: Range, done: list[Range], floor: int | None, read_with: ReadWith | None
) -> None:
    finished = StreamState(watermark, read_with=read_with if watermark is not None else None)
    under_way = StreamState(NOW, Window(span, merge(done), floor), read_with)

    assert parse(finished.dump("created")) == finished
    assert parse(under_way.dump("created")) == under_way


@given(st.lists(pieces, max_size=8))
def test_the_share_of_a_window_goes_from_none_to_all(done: list[Range]) -> None:
    window = Window(Range(0, 1_000), merge(done))

    assert window.part_done(0) == pytest.approx(1 - sum(left.end - left.start for left in window.left) / 1_000)
    assert window.with_done(Range(0, 1_000)).part_done(0) == 1
    assert Window(Range(5, 5)).part_done(0) == 1


def test_the_share_of_a_window_leaves_out_what_is_older_than_the_account() -> None:
    window = Window(Range(0, 1_000), (Range(0, 100), Range(850, 900)))

    assert window.part_done(800) == pytest.approx(0.25)
    assert window.part_done(1_000) == 1
    assert window.part_done(2_000) == 1


def read_with(start_date: int | None) -> ReadWith:
    return ReadWith("acct_1", False, start_date)


@pytest.mark.parametrize(
    ("state", "start", "window"),
    [
        # Complete: nothing to do, or what was left out.
        (StreamState(1_000, None, read_with(500)), 500, None),
        (StreamState(1_000, None, read_with(500)), 800, None),
        (StreamState(1_000, None, read_with(500)), 200, Window(Range(200, 1_000), (Range(500, 1_000),), 1_000)),
        (StreamState(1_000, None, read_with(500)), None, Window(Range(0, 1_000), (Range(500, 1_000),), 1_000)),
        # Nobody knows what it was read with.
        (StreamState(1_000), 200, None),
        # A first back-fill under way is a longer one, or a shorter.
        (
            StreamState(1_000, Window(Range(500, 900), (Range(700, 900),)), read_with(500)),
            200,
            Window(Range(200, 900), (Range(700, 900),), 1_000),
        ),
        (
            StreamState(1_000, Window(Range(500, 900), (Range(510, 520), Range(700, 900))), read_with(500)),
            750,
            Window(Range(750, 900), (Range(750, 900),)),
        ),
        (StreamState(1_000, Window(Range(500, 900)), read_with(500)), 950, Window(Range(900, 900))),
        # One over what was left out is moved once more.
        (
            StreamState(1_000, Window(Range(500, 900), (Range(700, 900),), 900), read_with(500)),
            200,
            Window(Range(200, 900), (Range(700, 900),), 1_000),
        ),
        # Later rows are read again that may have changed: all before them was read.
        (
            StreamState(1_000, Window(Range(800, 900)), read_with(500)),
            200,
            Window(Range(200, 900), (Range(500, 800),), 1_000),
        ),
    ],
)
def test_another_start_date(state: StreamState, start: int | None, window: Window | None) -> None:
    moved = state.of(read_with(start))

    assert moved.window == window
    assert moved.watermark == 1_000
    assert moved.read_with == read_with(start)


@given(starts=st.lists(st.integers(0, 999), min_size=1, max_size=6), done=st.lists(pieces, max_size=4))
def test_wherever_start_date_goes_what_lies_behind_it_is_read_once(starts: list[int], done: list[Range]) -> None:
    """Each sync reads what is left, but the first ones only some parts of it. What is left out changes untold."""
    state = StreamState(1_000, Window(Range(starts[0], 1_000)), read_with(starts[0]))
    read: set[int] = set()
    for number, start in enumerate(starts):
        state = parse(state.dump("created"), now=1_000).of(read_with(start))
        read -= set(range(start))
        for left in state.window.left if state.window else ():
            for part in [left] if number == len(starts) - 1 else merge(done):
                seconds = set(range(max(left.start, part.start), min(left.end, part.end)))
                assert not (seconds & read)
                read |= seconds
                assert state.window is not None
                if seconds:
                    state = replace(state, window=state.window.with_done(Range(min(seconds), max(seconds) + 1)))

    assert read >= set(range(starts[-1], 1_000))


def test_a_watermark_that_is_ahead_is_in_doubt_for_a_day() -> None:
    state = parse({"created": NOW + 3_600})

    assert (state.watermark, state.doubt) == (NOW, 86_400 - 3_600)
    assert parse({"created": NOW}).doubt == 0


@pytest.mark.parametrize(
    ("raw", "under_way"),
    [
        ({}, False),
        ({"created": NOW}, False),
        ({"cursor": "abc"}, False),
        ({"created": NOW, "backfill": 7}, False),
        ({"created": NOW, "backfill": {"start": 500, "cutoff": NOW, "done": []}}, True),
        ({"created": NOW, "backfill": {"start": 400, "cutoff": NOW, "done": []}}, True),
        # What came lately, an earlier start date's rest, what is read after a gap.
        ({"created": NOW, "backfill": {"start": NOW - 600, "cutoff": NOW, "done": []}}, False),
        ({"created": NOW, "backfill": {"start": 400, "cutoff": NOW, "done": [], "floor": NOW}}, False),
    ],
)
def test_a_full_refresh_only_goes_on_from_a_reading_of_all(raw: dict[str, Any], under_way: bool) -> None:
    assert is_under_way(raw, start=500) is under_way


def test_what_is_left_of_a_window_goes_on_into_the_future_until_its_newest_part_is_done() -> None:
    window = Window(Range(0, 100), (Range(20, 50),))

    assert [(piece, piece.onward) for piece in window.left] == [(Range(0, 20), False), (Range(50, 100), True)]
    assert [piece.onward for piece in window.with_done(Range(60, 100)).left] == [False, False]


def test_nothing_beyond_a_window_is_put_down_as_done() -> None:
    window = Window(Range(0, 100)).with_done(Range(90, 500), Range(700, 100))

    assert window.done == (Range(90, 100),)
