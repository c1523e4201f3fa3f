"""Relisting: when all of a stream is listed again, and what its state says of that."""

from __future__ import annotations

import logging

import pytest

from source_stripe.api.ranges import Range
from source_stripe.reading.pieces import ListPiece
from source_stripe.reading.readings import CreatedReading, WholeReading
from source_stripe.reading.relisting import Relisting
from source_stripe.reading.state import StreamState, Window
from unit_tests.test_reading import ACCOUNT, NOW, READ_WITH, listing

DAY = 86_400
WEEKLY = Relisting(7)


def due(state: StreamState) -> bool:
    return WEEKLY.is_due(state, start=0, now=NOW)


def test_it_is_due_every_so_many_days() -> None:
    assert not due(StreamState(NOW - 9, relisted=NOW - 7 * DAY + 1))
    assert due(StreamState(NOW - 9, relisted=NOW - 7 * DAY))
    assert due(StreamState(NOW - 9))  # nobody knows when it was listed


def test_it_is_not_due_where_all_of_it_is_being_listed() -> None:
    assert not due(StreamState())
    assert not due(StreamState(NOW - 9, Window(Range(0, NOW - 9))))
    assert due(StreamState(NOW - 9, Window(Range(NOW - 500, NOW - 9))))


def test_without_it_nothing_is_due_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    never = Relisting()

    assert not never.is_due(StreamState(NOW - 9), start=0, now=NOW)
    assert never.began(StreamState(NOW - 9, relisted=7), listed=False, now=NOW) is None
    never.tell("files", None, now=NOW)
    assert caplog.messages == []


def files(relisting: Relisting = WEEKLY) -> CreatedReading:
    return CreatedReading("files", "created", [listing()], 0, 600, relisting=relisting)


def test_all_that_was_created_is_listed_and_the_state_says_when() -> None:
    stream = files()
    phases = stream.phases(ACCOUNT, {"created": NOW - 9, "relisted": NOW - 8 * DAY})

    phase = next(phases)

    assert phase.pieces == [ListPiece(created=Range(0, NOW))]
    halfway = stream.checkpoint(ListPiece(created=Range(500, NOW)))
    window = {"start": 0, "cutoff": NOW, "done": [[500, NOW]], "floor": NOW - 9}
    assert halfway == {"created": NOW, "backfill": window, "read_with": READ_WITH, "relisted": NOW}
    assert list(phases) == []
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH, "relisted": NOW}


def test_one_that_was_interrupted_goes_on() -> None:
    window = {"start": 0, "cutoff": NOW - 9, "done": [[500, NOW - 9]], "floor": NOW - 99}
    stream = files()

    (phase,) = stream.phases(ACCOUNT, {"created": NOW - 9, "backfill": window, "relisted": NOW - 9})

    assert phase.pieces == [ListPiece(created=Range(NOW - 609, NOW)), ListPiece(created=Range(0, 500))]
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH, "relisted": NOW - 9}


def test_a_back_fill_counts_as_one() -> None:
    stream = files()

    assert len(list(stream.phases(ACCOUNT, {}))) == 1
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH, "relisted": NOW}


def test_without_relist_days_the_state_forgets_it() -> None:
    stream = files(Relisting())

    (phase,) = stream.phases(ACCOUNT, {"created": NOW - 9, "relisted": NOW - 800 * DAY})

    assert phase.pieces == [ListPiece(created=Range(NOW - 609, NOW))]
    assert stream.final_state() == {"created": NOW, "read_with": READ_WITH}


def test_children_of_all_parents_are_asked_for_whole() -> None:
    saved = {"created": NOW - 5_000, "relisted": NOW - 8 * DAY}
    again, not_yet = (
        WholeReading("setup_attempts", "created", [listing()], 0, 600, relisting=Relisting(days)) for days in (7, 9)
    )

    (listed,), (short,) = again.phases(ACCOUNT, saved), not_yet.phases(ACCOUNT, saved)

    assert (listed.known.children, short.known.children) == (Range(0, NOW), Range(NOW - 5_600, NOW))
    assert again.final_state() == {"created": NOW, "read_with": READ_WITH, "relisted": NOW}
    assert not_yet.final_state() == {"created": NOW, "read_with": READ_WITH, "relisted": NOW - 8 * DAY}


def test_a_line_says_when_the_next_is_due(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    WEEKLY.tell("files", NOW, now=NOW)
    WEEKLY.tell("files", NOW - 6 * DAY, now=NOW)

    this_time, next_time = caplog.messages
    assert (
        this_time
        == "The stream files is listed whole, as relist_days in the config has it. It will be again in 7 days."
    )
    assert next_time.startswith("The stream files will be listed whole in the first sync after 2025-11-23 08:26:40 UTC")
    assert {record.levelname for record in caplog.records} == {"INFO"}
