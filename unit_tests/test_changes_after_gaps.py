"""Changes after a gap: the watermark is older than the events that Stripe still has."""

from __future__ import annotations

import pytest

from source_stripe.account import Account
from source_stripe.events import OVERLAP, RETENTION, TRUSTED
from source_stripe.pieces import ChangedPiece, ListPiece
from source_stripe.ranges import Range
from unit_tests.test_changes import DAY, EVENTS, NOW, READ_WITH, TYPES, change, event, reading, run


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

    read, buried, left, following, changed = run(
        stream,
        {"updated": NOW, "backfill": backfill},
        event("co_1", "deleted", NOW - DAY),
        event("co_2", "updated", NOW - DAY),
        event("co_3", "updated", NOW + 9),
        account=Account("acct_1", "", birth=900, now=later),
    )

    assert read == [ListPiece(EVENTS, TYPES, Range(later - RETENTION, later + 1))]
    assert buried == [ChangedPiece(0, (change("co_1", NOW - DAY, deleted=True),))]
    assert left == [ListPiece(created=Range(0, 900), expects=True)]
    assert following == [ListPiece(EVENTS, TYPES, Range(NOW - OVERLAP, later + 1))]
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
    phases = stream.phases(Account("acct_1", "", birth=900, now=NOW), {"updated": old})
    next(phases)
    next(phases)
    assert next(phases) == [ListPiece(created=Range(0, NOW), expects=False)]

    assert stream.through(ListPiece(created=Range(900, NOW))) == {
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
