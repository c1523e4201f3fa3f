"""A sync says where it is in one line, and what holds it back."""

from __future__ import annotations

import logging

import pytest

from source_stripe.process.progress import OfMany, Progress, Tally, Totals, Wait, moving, rows_by_stream


def totals(at: float, cpu: float = 0.0, **waits: float) -> Totals:
    return Totals(at, cpu, waits={Wait[name]: seconds for name, seconds in waits.items()})


def test_a_line_says_what_came_since_the_last_one() -> None:
    before = Totals(at=100.0, rows=20_000, requests=200)
    now = Totals(at=110.0, rows=25_000, requests=475, limited=3)

    assert now.line(before, 80.0) == "25,000 rows (500/s), 475 requests (27.5/s of 80/s), 3 x 429"
    assert Totals(at=1.0, rows=1).line(Totals(at=0.0), None) == "1 rows (1/s), 0 requests (0.0/s)"


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (totals(20, RATE=3, STRIPE=7), Wait.RATE),
        (totals(20, RATE=2, STRIPE=8), Wait.STRIPE),
        (totals(20, cpu=9.5, RATE=2, STRIPE=8), Wait.CPU),
        (totals(20, cpu=9.5, RATE=3, STRIPE=7), Wait.RATE),
        (totals(20, RATE=3, STRIPE=1, TAKEN=4), Wait.TAKEN),
        (totals(20, cpu=9.5), None),
    ],
)
def test_what_threads_waited_for_holds_a_sync_back(now: Totals, wait: Wait | None) -> None:
    assert now.held_back_by(totals(10)) is wait


def test_what_was_waited_for_before_does_not_count() -> None:
    assert totals(30, RATE=60, STRIPE=9).held_back_by(totals(20, RATE=60, STRIPE=1)) is Wait.STRIPE


def test_only_streams_that_moved_are_named_and_only_once() -> None:
    tallies = {f"stream_{number}": Tally(rows=number) for number in range(8)}
    tallies["charges"] = Tally(rows=9_000, told=8_000, part_read=lambda: 0.25)

    assert moving(tallies) == (
        "charges 9,000 (+1,000, 25% of its time span), stream_7 7 (+7), stream_6 6 (+6), stream_5 5 (+5), "
        "stream_4 4 (+4), 3 streams more"
    )
    assert moving(tallies) == ""
    tallies["stream_0"].rows = 2
    assert moving(tallies) == "stream_0 2 (+2)"


def test_the_end_tells_the_rows_of_all_streams() -> None:
    tallies = {"refunds": Tally(), "charges": Tally(rows=1_000), "events": Tally(rows=1_000), "payouts": Tally(rows=3)}
    assert rows_by_stream(tallies) == "charges 1,000, events 1,000, payouts 3; none: 1 stream"
    assert rows_by_stream({"refunds": Tally()}) == "none: 1 stream"
    assert rows_by_stream({"refunds": Tally(rows=1)}) == "refunds 1"


def test_requests_count_for_the_stream_that_the_thread_reads(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress()
    progress.follow("charges", lambda: None)
    progress.follow("events", lambda: None)

    with caplog.at_level(logging.DEBUG, "airbyte.stripe"), progress.reported(2):
        progress.request(limited=False)
        progress.reading("charges")
        progress.request(limited=False)
        progress.request(limited=True)
        progress.rows("charges", 100)
        progress.done("charges")

    summary, rows, charges, events = (record.getMessage() for record in caplog.records)
    assert summary.startswith("Read in 0 s: 100 rows (")
    assert "3 requests (" in summary
    assert summary.endswith(", 1 x 429, 1 of 2 streams done")
    assert rows == "Rows by stream: charges 100; none: 1 stream"
    assert (charges, events) == ("charges: 100 rows, 2 requests", "events: 0 rows, 0 requests")


def test_of_many_accounts_none_knows_how_much_is_read() -> None:
    progress = OfMany()
    progress.follow("charges", lambda: 0.5)
    progress.rows("charges", 1)
    assert moving(progress._tallies) == "charges 1 (+1)"
