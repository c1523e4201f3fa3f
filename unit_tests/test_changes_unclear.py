"""Changes that an event does not place: it names nothing, or an object without a parent."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.api.ranges import Range
from source_stripe.reading.pieces import ChangedPiece, ListPiece, ParentsPiece
from unit_tests.changes_reading import (
    ACCOUNT,
    DAY,
    EVENTS,
    NOW,
    READ_WITH,
    SINCE,
    TYPES,
    W,
    change,
    event,
    reading,
    run,
    told,
)


def test_where_an_event_names_nothing_all_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    stream = reading()
    unclear = event("", "updated", NOW - 100)
    events = [unclear, event("co_1", "deleted", NOW - 50), event("co_2", "updated", NOW - 70)]

    followed, gone, whole = run(stream, {"updated": W}, *events)

    assert followed == [ListPiece(EVENTS, TYPES, Range(SINCE, NOW + 1))]
    assert gone == [ChangedPiece(0, (change("co_1", NOW - 50, deleted=True),))]
    assert whole == [ListPiece(created=Range(0, NOW), expects=True)]
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}
    # What was there is replaced by all rows, and what changed is no older than its event.
    assert stream.known.updated("co_3", 7) == W
    assert stream.known.updated("co_2", 50) == NOW - 70
    (line,) = caplog.messages
    assert "coupons" in line
    assert "coupon.updated" in line


def test_an_event_that_named_nothing_at_the_last_sync_is_no_reason_to_read_all_again() -> None:
    unclear = event("", "updated", SINCE - 1)
    backfill = {"start": 0, "cutoff": W, "done": [[1_000, W]], "floor": W - DAY}

    *_, left = run(reading(), {"updated": W, "backfill": backfill}, unclear)

    assert left == [ListPiece(created=Range(0, 1_000))]


def test_a_reading_of_all_that_was_killed_goes_on() -> None:
    stream = reading()
    phases = stream.pieces(ACCOUNT, {"updated": W})
    next(phases)
    told(stream).events.append(event("", "updated", NOW - 100))
    next(phases)
    (whole,) = next(phases)
    assert stream.begun()
    assert isinstance(whole, ListPiece)

    left = stream.checkpoint(ListPiece(created=Range(1_000, NOW)))

    backfill = {"start": 0, "cutoff": NOW, "done": [[1_000, NOW]], "floor": W}
    assert left == {"updated": NOW, "backfill": backfill, "read_with": READ_WITH}


@pytest.mark.parametrize(
    ("shown", "all_again"), [({}, True), ({"customer": None}, False), ({"customer": "cus_1"}, False)]
)
def test_where_an_event_does_not_say_whose_its_object_is_all_is_read_again(
    shown: dict[str, Any], all_again: bool
) -> None:
    stream = reading(parent="customer")

    phases = run(stream, {"updated": W}, event("co_1", "updated", NOW - 100, **shown))

    assert ([ListPiece(created=Range(0, NOW))] in phases) is all_again


LONE = 2


def test_an_object_without_a_parent_is_got_by_its_id() -> None:
    stream = reading(parent="customer", lone=LONE)
    events = [
        event("src_1", "created", NOW - 100, customer=None),
        event("src_2", "updated", NOW - 90),
        event("src_3", "updated", NOW - 80, customer="cus_1"),
        event("src_4", "deleted", NOW - 70),
    ]

    _, pieces = run(stream, {"updated": W}, *events)

    assert [piece.parents[0].id for piece in pieces if isinstance(piece, ParentsPiece)] == ["cus_1"]
    assert {
        piece.route: [each.id for each in piece.changes] for piece in pieces if isinstance(piece, ChangedPiece)
    } == {LONE: ["src_1", "src_2"], 0: ["src_4"]}
    assert stream.known.updated("src_2", 50) == NOW - 90


@pytest.mark.parametrize("saved", [{}, {"updated": NOW - 40 * DAY}])
def test_objects_without_a_parent_are_got_where_all_is_read(saved: dict[str, Any]) -> None:
    stream = reading(parent="customer", lone=LONE)

    events, *phases, whole = run(stream, saved, event("src_1", "updated", NOW - 10 * DAY, customer=None))

    assert events == [ListPiece(EVENTS, TYPES, Range(NOW - 30 * DAY, NOW + 1))]
    lone = [piece for pieces in phases for piece in pieces if isinstance(piece, ChangedPiece) and piece.route == LONE]
    assert [each.id for piece in lone for each in piece.changes] == ["src_1"]
    assert whole == [ListPiece(created=Range(0, NOW))]
    assert stream.known.updated("src_1", 50) == NOW - 10 * DAY
