"""Open rows: what is noted, when it is listed again, and which rows of that are emitted."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from source_stripe.api.ranges import Range
from source_stripe.catalog.stream_rows import OpenRow
from source_stripe.reading.open_ranges import MOST_RANGES, OpenRanges
from source_stripe.reading.open_rows import OpenRows

DAY = 86_400
PENDING = OpenRow(field="status", values=("pending",), due="available_on")
UNDONE = OpenRow(field="status", values=("processing", None), young=DAY)


def begun(rule: OpenRow = PENDING, saved: Any = (), *, now: int = 100 * DAY, start: int = 0) -> OpenRows:
    rows = OpenRows(rule)
    rows.begin(OpenRanges.parse(saved), start=start, now=now)
    return rows


def pending(due: int | None, status: str = "pending") -> dict[str, Any]:
    return {"id": "txn_1", "status": status, "available_on": due}


def test_a_row_that_is_open_is_noted_with_its_time() -> None:
    rows = begun()

    rows.note(pending(105 * DAY), 7)
    rows.note(pending(105 * DAY), 8)
    rows.note(pending(None), 30)
    rows.note(pending(106 * DAY, "available"), 9)
    rows.note(pending(106 * DAY), None)

    assert rows.left.dump() == [[None, [[30, 31]]], [105 * DAY, [[7, 9]]]]


def test_a_row_that_is_too_old_is_taken_as_final() -> None:
    rows = begun(UNDONE)

    rows.note({"status": "processing"}, 99 * DAY)
    rows.note({"status": "processing"}, 99 * DAY - 1)
    rows.note({"status": None}, 100 * DAY)
    rows.note({"status": "done"}, 100 * DAY)

    assert rows.left.dump() == [[None, [[99 * DAY, 99 * DAY + 1], [100 * DAY, 100 * DAY + 1]]]]


def test_what_is_due_is_listed_but_for_what_is_listed_anyway() -> None:
    rows = begun(saved=[[None, [[90, 95]]], [100 * DAY, [[10, 20], [40, 60]]], [101 * DAY, [[70, 80]]]])

    assert rows.to_list([Range(50, 55), Range(92, 1_000)]) == (
        Range(10, 20),
        Range(40, 50),
        Range(55, 60),
        Range(90, 92),
    )


def test_the_state_has_what_is_not_through_what_is_not_due_and_what_was_noted() -> None:
    rows = begun(saved=[[90 * DAY, [[10, 20], [40, 60]]], [101 * DAY, [[10, 20]]]])

    rows.note(pending(103 * DAY), 12)
    rows.through([Range(0, 50)])
    assert rows.left.dump() == [[90 * DAY, [[50, 60]]], [101 * DAY, [[10, 20]]], [103 * DAY, [[12, 13]]]]

    rows.all_through()
    assert rows.left.dump() == [[101 * DAY, [[10, 20]]], [103 * DAY, [[12, 13]]]]


def test_what_was_created_before_the_start_date_is_not_listed_any_more() -> None:
    rows = begun(saved=[[90 * DAY, [[10, 20]]], [101 * DAY, [[10, 20]]]], start=15)

    assert rows.to_list([]) == (Range(15, 20),)
    assert rows.left.dump() == [[90 * DAY, [[15, 20]]], [101 * DAY, [[15, 20]]]]


def test_a_row_that_is_open_as_it_was_is_not_wanted() -> None:
    rows = begun(saved=[[99 * DAY, [[10, 20]]], [105 * DAY, [[10, 20]]]])

    assert rows.wants(pending(99 * DAY, "available"), 12)
    assert not rows.wants(pending(105 * DAY), 12)  # another row of the range, due later
    assert not rows.wants(pending(99 * DAY), 12)  # it is late
    assert rows.wants(pending(107 * DAY), 12)  # it is due on another day now
    assert rows.wants(pending(None), 12)


def test_a_row_that_does_not_say_when_it_is_due_is_always_wanted() -> None:
    rows = begun(UNDONE, [[None, [[10, 20]]]])

    assert rows.wants({"status": "processing"}, 12)
    assert rows.wants({"status": "done"}, 12)


@given(st.lists(st.tuples(st.integers(95 * DAY, 200 * DAY), st.integers(0, 10**6)), max_size=600))
@settings(max_examples=20)
def test_of_many_rows_few_ranges_are_kept_and_each_is_in_one(noted: list[tuple[int, int]]) -> None:
    rows = begun()

    for due, created in noted:
        rows.note(pending(due), created)

    left = rows.left
    assert sum(len(each.ranges) for each in left.groups) <= MOST_RANGES
    for due, created in noted:
        assert any(each.holds(created) and each.due is not None and each.due <= due for each in left.groups)
