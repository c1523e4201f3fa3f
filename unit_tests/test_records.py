"""Records: what streams add to rows, and streams that are read together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.types import Record
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.api.errors import StreamFailure
from source_stripe.api.refusals import MOST, Refused
from source_stripe.api.values import Row
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Finish, FromEvents, Itself, Known, Projection, Several, Taken
from unit_tests.test_refusals import refusal

NOTHING = Known()


def facts() -> Mapping[str, Any]:
    return {"account_id": "acct_1", "read_at": 1_000}


def change(of: str, time: int, **shown: Any) -> Change:
    return Change(of, time, 50, deleted=True, shown=shown)


times = st.none() | st.integers(0, 100)


@given(created=times, changed=times, floor=times)
def test_a_row_changed_when_anything_last_says_so(created: int | None, changed: int | None, floor: int | None) -> None:
    known = Known(changed={} if changed is None else {"x_1": change("x_1", changed)}, floor=floor)

    # Of one of which neither is known the floor says nothing: it is as new as its reading.
    for object_id, its_own in (("x_1", (created, changed)), ("x_2", (created,))):
        nothing_known = all(time is None for time in its_own)
        times = [time for time in (*its_own, floor) if time is not None]
        assert known.updated(object_id, created) == (None if nothing_known else max(times))


@pytest.mark.parametrize(
    ("cursor", "row"),
    [
        ("updated", {"id": "x_1", "updated": 77, "is_deleted": False}),
        ("created", {"id": "x_1"}),
        ("invoice_updated", {"id": "x_1", "is_deleted": False}),
        (None, {"id": "x_1"}),
    ],
)
def test_what_a_record_says_depends_on_the_cursor(cursor: str | None, row: Row) -> None:
    finish = Finish(cursor, facts)

    assert finish.record({"id": "x_1"}, 77) == row
    assert finish.record({"id": "x_1"}, 77, deleted=True) == {**row, "is_deleted": True}


def test_a_record_of_unknown_age_changed_as_the_sync_began() -> None:
    assert Finish("updated", facts).record({"id": "x_1"}, None)["updated"] == 1_000


@pytest.mark.parametrize("own", [90, "1970-01-01T00:01:30.999Z"])
@pytest.mark.parametrize(("ours", "later"), [(50, 90), (90, 90), (91, 91), (None, 1_000)])
def test_what_an_object_says_of_itself_counts_where_it_is_later(own: int | str, ours: int | None, later: int) -> None:
    finish = Finish("updated", facts)

    assert finish.record({"id": "x_1", "updated": own}, ours)["updated"] == later
    assert finish.record({"id": "x_1", "updated": own}, ours, deleted=True)["updated"] == later


def test_an_object_that_leaves_its_own_time_open_says_nothing() -> None:
    assert Finish("updated", facts).record({"id": "x_1", "updated": None}, 50)["updated"] == 50


def test_a_tombstone_has_the_time_of_its_event() -> None:
    (row,) = Itself(Finish("updated", facts), "coupon").tombstones(change("co_1", 88, name="last"))

    assert row == {
        "id": "co_1",
        "object": "coupon",
        "created": 50,
        "name": "last",
        "updated": 88,
        "is_deleted": True,
    }


def test_events_make_no_records_but_are_taken() -> None:
    events: list[dict[str, Any]] = []
    taken, event = Taken(events.append), {"type": "coupon.updated", "created": 7}

    assert list(taken.records(event, None, NOTHING)) == []
    assert list(taken.tombstones(change("co_1", 88))) == []
    assert not taken.costs(event)
    assert events == [event]


def test_rows_that_are_events_tell_of_deletions_too() -> None:
    projection = FromEvents(Finish("updated", facts))
    event = {"type": "hold.deleted", "created": 7, "data": {"object": {"id": "h_1", "object": "hold"}}}

    assert list(projection.records(event, None, NOTHING)) == [
        {"id": "h_1", "object": "hold", "updated": 7, "is_deleted": True}
    ]
    assert list(projection.tombstones(change("h_1", 88))) == []
    assert not projection.costs(event)


def test_rows_that_are_events_are_the_streams_whatever_they_are_called(caplog: pytest.LogCaptureFixture) -> None:
    projection = FromEvents(Finish("updated", facts))
    renamed = {"type": "hold.created", "created": 7, "data": {"object": {"id": "h_1", "object": "reserve"}}}
    unclear = {"id": "evt_9", "type": "hold.created", "created": 8, "data": None}

    assert [row["id"] for event in (unclear, renamed) for row in projection.records(event, None, NOTHING)] == ["h_1"]
    assert ["evt_9" in message for message in caplog.messages] == [True]


@dataclass(frozen=True)
class Lines:
    """The children of a row; of one called `bad` they can't be read."""

    costly: bool = False

    def costs(self, row: Row) -> bool:
        return self.costly

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        yield {"id": f"{row['id']}_1"}
        if row["id"].startswith("refused"):
            raise refusal(400, "There is something about it.")
        if row["id"] == "bad":
            raise AirbyteTracedException(message="no", failure_type=FailureType.system_error)
        yield {"id": f"{row['id']}_2"}

    def tombstones(self, change: Change) -> Iterator[Row]:
        yield {"id": f"{change.id}_gone"}


def ids(records: Iterator[Row]) -> list[tuple[str, str]]:
    tagged = list(records)
    assert all(isinstance(record, Record) for record in tagged)
    return [(record.stream_name, record["id"]) for record in tagged if isinstance(record, Record)]


def together() -> Several:
    return several_of(("invoices", Itself(Finish("updated", facts), "invoice")), ("lines", Lines()))


def several_of(*streams: tuple[str, Projection]) -> Several:
    return Several(streams, {stream: Refused(stream) for stream, _ in streams})


def test_of_one_row_each_stream_makes_its_own() -> None:
    several = together()

    assert ids(several.records({"id": "in_1"}, 7, NOTHING)) == [
        ("invoices", "in_1"),
        ("lines", "in_1_1"),
        ("lines", "in_1_2"),
    ]
    assert ids(several.tombstones(change("in_1", 88))) == [("invoices", "in_1"), ("lines", "in_1_gone")]


def test_one_that_fails_leaves_the_others_alone() -> None:
    several = together()

    assert ids(several.records({"id": "bad"}, 7, NOTHING)) == [("invoices", "bad"), ("lines", "bad_1")]
    assert ids(several.records({"id": "in_2"}, 7, NOTHING)) == [("invoices", "in_2")]
    assert ids(several.tombstones(change("in_1", 88))) == [("invoices", "in_1")]
    assert set(several.failures) == {"lines"}


def test_one_that_an_object_is_refused_for_leaves_the_others_alone_and_goes_on() -> None:
    several = together()

    assert ids(several.records({"id": "refused"}, 7, NOTHING)) == [("invoices", "refused"), ("lines", "refused_1")]
    assert ids(several.records({"id": "in_2"}, 7, NOTHING)) == [
        ("invoices", "in_2"),
        ("lines", "in_2_1"),
        ("lines", "in_2_2"),
    ]
    assert {stream: refused.ids(ended=True) for stream, refused in several.refused.items()} == {
        "invoices": [],
        "lines": ["refused"],
    }
    assert several.failures == {}


def test_an_object_that_is_refused_itself_is_missing_in_all() -> None:
    several = together()

    several.refuse("in_1", refusal(400, "There is something about it."))

    assert [refused.ids(ended=True) for refused in several.refused.values()] == [["in_1"], ["in_1"]]


def test_one_that_too_many_objects_are_refused_for_fails_alone() -> None:
    several = together()

    for number in range(MOST + 1):
        list(several.records({"id": f"refused_{number}"}, 7, NOTHING))

    assert set(several.failures) == {"lines"}
    assert str(several.failures["lines"]).startswith(
        "The stream lines can't be read. More than 100 of its objects can't be read. Of the first, refused_0: Stripe "
    )
    for number in range(MOST):
        several.refuse(f"in_{number}", refusal(400, "There is something about it."))
    with pytest.raises(StreamFailure, match=r"The stream invoices can't be read\. More than 100"):
        several.refuse(f"in_{MOST}", refusal(400, "There is something about it."))


def test_when_all_have_failed_the_reading_fails() -> None:
    several = several_of(("a", Lines()), ("b", Lines()))

    with pytest.raises(AirbyteTracedException, match="no"):
        list(several.records({"id": "bad"}, 7, NOTHING))

    assert set(several.failures) == {"a", "b"}


def test_a_row_costs_requests_if_it_does_so_for_a_stream_that_still_reads_it() -> None:
    several = several_of(("a", Lines()), ("b", Lines(costly=True)))

    assert several.costs({"id": "in_1"})
    several.failures["b"] = AirbyteTracedException(message="no")
    assert not several.costs({"id": "in_1"})
