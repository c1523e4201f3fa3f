"""Changes after a gap: the watermark is older than the events that Stripe still has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from source_stripe.api.account import Account
from source_stripe.api.ranges import Range
from source_stripe.objects.events import RETENTION, TRUSTED
from source_stripe.reading.pieces import ChangedPiece, ListPiece
from unit_tests.changes_reading import DAY, EVENTS, NOW, READ_WITH, TYPES, W, change, event, reading, run, told


def test_after_a_gap_all_is_read_again_and_what_is_gone_is_told(caplog: pytest.LogCaptureFixture) -> None:
    old = NOW - 45 * DAY
    stream = reading()
    deleted, updated = event("co_1", "deleted", NOW - 20 * DAY), event("co_2", "updated", NOW - 9)

    read, buried, backfill = run(stream, {"updated": old}, deleted, updated, event("co_3", "deleted", old))

    assert read == [ListPiece(EVENTS, TYPES, Range(NOW - RETENTION, NOW + 1))]
    assert buried == [ChangedPiece(0, (change("co_1", NOW - 20 * DAY, deleted=True),))]
    # What its list hides is got by its id.
    assert backfill == [ListPiece(created=Range(0, NOW), expects=True)]
    assert stream.known.born == {"co_2": change("co_2", NOW - 9)}
    assert stream.known.updated("co_2", 50) == NOW - 9
    assert stream.known.updated("co_4", 50) == NOW - TRUSTED
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "coupons" in warning


def test_a_gaps_back_fill_is_carried_on_and_deletions_since_are_told() -> None:
    old = NOW - 45 * DAY
    backfill = {"start": 0, "cutoff": NOW, "done": [[900, NOW]], "floor": old}
    stream, later = reading(), NOW + DAY

    read, buried, changed, left = run(
        stream,
        {"updated": NOW, "backfill": backfill},
        event("co_1", "deleted", NOW - DAY),
        event("co_4", "deleted", NOW - DAY, created=950),
        event("co_2", "updated", NOW - DAY),
        event("co_3", "updated", NOW + 9),
        account=Account("acct_1", "", birth=900, now=later),
    )

    assert read == [ListPiece(EVENTS, TYPES, Range(later - RETENTION, later + 1))]
    # What is gone of what was read before was told before that.
    assert buried == [ChangedPiece(0, (change("co_1", NOW - DAY, deleted=True),))]
    assert left == [ListPiece(created=Range(0, 900), expects=True)]
    assert changed == [ChangedPiece(0, (change("co_3", NOW + 9),), asked=())]
    assert stream.final_state() == {"updated": later, "read_with": READ_WITH}


def test_after_a_gap_no_row_is_older_than_what_a_killed_sync_may_have_left() -> None:
    """A sync that was killed has put rows out with their events' times, and left no watermark. After the gap those
    events may be gone, and with them what says that the rows have changed since."""
    watermark, killed = NOW - 60 * DAY, NOW - 50 * DAY
    before, after = reading(), reading()

    run(
        before,
        {"updated": watermark},
        event("co_1", "updated", killed - 9),
        account=Account("acct_1", "", birth=None, now=killed),
    )
    run(after, {"updated": watermark})

    left, read_again = before.known.updated("co_1", 50), after.known.updated("co_1", 50)
    assert left is not None
    assert read_again is not None
    assert left < read_again < NOW


def test_a_gaps_state_says_what_was_before_it() -> None:
    old = NOW - 45 * DAY
    stream = reading()
    phases = stream.pieces(Account("acct_1", "", birth=900, now=NOW), {"updated": old})
    next(phases)
    next(phases)
    assert next(phases) == [ListPiece(created=Range(0, NOW), expects=False)]

    assert stream.checkpoint(ListPiece(created=Range(900, NOW))) == {
        "updated": NOW,
        "backfill": {"start": 0, "cutoff": NOW, "done": [[900, NOW]], "floor": NOW - TRUSTED},
        "read_with": READ_WITH,
    }


def test_a_gap_in_a_gaps_back_fill_keeps_no_row_older_than_it_was() -> None:
    backfill = {"start": 0, "cutoff": NOW, "done": [[900, NOW]], "floor": 77}
    stream = reading()
    later = Account("acct_1", "", birth=None, now=NOW + 60 * DAY)

    *_, again = run(stream, {"updated": NOW, "backfill": backfill}, account=later)

    assert again == [ListPiece(created=Range(0, NOW + 60 * DAY))]
    assert stream.known.updated("co_1", 50) == NOW + 60 * DAY - TRUSTED


def test_rows_of_a_gaps_back_fill_that_was_killed_lose_to_none_of_an_earlier_killed_sync() -> None:
    """A sync within the gap was killed: it left a row with its event's time, and no watermark. Now a month has passed
    since, and what says that the row has changed again is gone."""
    backfill = {"start": 0, "cutoff": NOW, "done": [[900, NOW]], "floor": NOW - TRUSTED}
    left, again = NOW - 10 * DAY, NOW - 9 * DAY
    stream, later = reading(), NOW + 28 * DAY

    run(
        stream,
        {"updated": NOW, "backfill": backfill},
        event("co_1", "updated", again),
        account=Account("acct_1", "", birth=None, now=later),
    )

    updated = stream.known.updated("co_1", 50)
    assert updated is not None
    assert left < updated < later


def test_an_earlier_start_date_is_made_up_for_as_a_gap_is(caplog: pytest.LogCaptureFixture) -> None:
    saved = {"updated": W, "read_with": {"account": "acct_1", "start_date": 900}}
    stream = reading(start=500)
    gone = event("co_1", "deleted", NOW - 20 * DAY, created=600)
    known = event("co_2", "deleted", NOW - 20 * DAY, created=950)
    changed = event("co_3", "updated", W + 9, created=700)

    phases = stream.pieces(Account("acct_1", "", birth=None, now=NOW), saved)
    assert next(phases) == [ListPiece(EVENTS, TYPES, Range(NOW - RETENTION, NOW + 1))]
    for each in (gone, known, changed):
        told(stream).events.append(each)
    assert next(phases) == [ChangedPiece(0, (change("co_1", NOW - 20 * DAY, created=600, deleted=True),))]
    assert next(phases) == [ChangedPiece(0, (change("co_3", W + 9, created=700),), asked=())]
    assert next(phases) == [ListPiece(created=Range(500, 900), expects=True)]

    backfill = {"start": 500, "cutoff": W, "done": [[900, W]], "floor": W}
    read_with = {**READ_WITH, "start_date": 500}
    assert stream.final_state() == {"updated": NOW, "backfill": backfill, "read_with": read_with}
    assert stream.known.updated("co_3", 700) == W + 9
    assert stream.known.updated("co_4", 700) == W
    assert list(phases) == []
    assert "start_date" in caplog.text


def test_a_first_sync_reads_events_where_lists_hide_what_they_name() -> None:
    stream = reading()
    stream.following = replace(stream.following, names_unlisted=True)
    told(stream).fold = replace(told(stream).fold, hides=frozenset({"coupon.closed"}))
    closed, old = event("co_1", "closed", NOW - DAY), event("co_2", "closed", NOW - 31 * DAY)

    read, hidden, backfill = run(stream, {}, closed, old)

    assert read == [ListPiece(EVENTS, TYPES, Range(NOW - RETENTION, NOW + 1))]
    assert hidden == [ChangedPiece(0, (replace(change("co_1", NOW - DAY), hidden=True),))]
    assert backfill == [ListPiece(created=Range(0, NOW))]
    assert stream.final_state() == {"updated": NOW, "read_with": READ_WITH}
