"""The cursors that the CDK runs: which pieces come up, when a state goes out, and how streams end together."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.message import InMemoryMessageRepository
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Record, StreamSlice
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.account import Account, AccountReader
from source_stripe.api.ranges import Range
from source_stripe.api.refusals import Refused
from source_stripe.objects.records import Known
from source_stripe.process.progress import Progress
from source_stripe.reading.cursor import FollowingCursor, ReadingCursor
from source_stripe.reading.frontier import Frontier
from source_stripe.reading.pieces import ListedPiece, ListPiece, Phase
from source_stripe.reading.readings import Phases
from source_stripe.reading.workers import Workers

NOW = 1_763_800_000
FIRST, SECOND, THIRD = (ListPiece(created=Range(at, at + 10)) for at in (0, 10, 20))


@dataclass
class TwoPhases:
    """A reading of two pieces and then of one, that is a back-fill at first and counts what is through."""

    no_state: bool = False
    done: list[ListedPiece] = field(default_factory=list)

    def phases(self, account: Account, saved: Mapping[str, Any]) -> Phases:
        assert account.now == NOW
        yield Phase([FIRST, SECOND], Known(), state_first=True)
        yield Phase([THIRD], Known())

    def checkpoint(self, piece: ListedPiece) -> Mapping[str, Any] | None:
        self.done.append(piece)
        return None if piece == THIRD else self.final_state()

    def final_state(self) -> Mapping[str, Any] | None:
        return None if self.no_state else {"updated": NOW, "done": len(self.done)}

    def part_read(self) -> float | None:
        return None


@dataclass
class Sync:
    """A cursor, and what the CDK does with it."""

    cursor: ReadingCursor
    messages: InMemoryMessageRepository

    def slices(self) -> Iterator[StreamSlice]:
        return iter(self.cursor.stream_slices())

    def close(self, stream_slice: StreamSlice) -> None:
        self.cursor.close_partition(partition(stream_slice))

    def states(self) -> list[tuple[str, dict[str, Any]]]:
        """The streams and states that have gone out since the last call."""
        emitted = [message.state.stream for message in self.messages.consume_queue() if message.state]
        return [
            (stream.stream_descriptor.name, dict(stream.stream_state.__dict__))
            for stream in emitted
            if stream is not None
        ]


class Slice:
    """A partition, as far as a cursor looks at it."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def to_slice(self) -> Any:
        return self.of


def partition(of: Any) -> Partition:
    return cast(Partition, Slice(of))


class KnownAccount:
    def read(self) -> Account:
        return Account("acct_1", "", None, NOW)


def sync(reading: TwoPhases | None = None, refused: Mapping[str, Refused] | None = None, **fields: Any) -> Sync:
    messages = InMemoryMessageRepository()
    cursor = ReadingCursor(
        stream="invoices",
        cursor_name="updated",
        reading=reading or TwoPhases(),
        saved_state={},
        account=cast(AccountReader, KnownAccount()),
        frontier=Frontier(Workers(4)),
        messages=messages,
        progress=Progress(),
        refused={**{name: Refused(name) for name in ("invoices", *fields.get("followers", {}))}, **(refused or {})},
        **fields,
    )
    return Sync(cursor, messages)


def test_the_next_phase_comes_up_when_the_last_is_through_and_checkpointed() -> None:
    run = sync()
    slices = run.slices()

    first, second = next(slices), next(slices)
    assert run.states() == [("invoices", {"updated": NOW, "done": 0})]  # before the first row of a back-fill
    run.close(second)
    assert run.states() == [("invoices", {"updated": NOW, "done": 1})]
    run.close(first)
    assert run.states() == [("invoices", {"updated": NOW, "done": 2})]
    third = next(slices)
    run.close(third)
    assert run.states() == []  # nothing new to go on from
    assert list(slices) == []
    run.cursor.ensure_at_least_one_state_emitted()
    assert run.states() == [("invoices", {"updated": NOW, "done": 3})]
    assert run.cursor.finishes()


def test_a_stream_that_fails_keeps_its_last_checkpoint() -> None:
    run = sync()
    slices = run.slices()
    first, second = next(slices), next(slices)
    run.close(first)
    run.states()

    with pytest.raises(RuntimeError), run.cursor.frontier.reading(second.extra_fields["piece"]):
        raise RuntimeError

    assert list(slices) == []
    run.cursor.ensure_at_least_one_state_emitted()
    assert run.states() == []
    assert not run.cursor.finishes()


def test_what_a_reader_is_through_is_checkpointed_while_it_reads_on() -> None:
    run = sync()
    slices = run.slices()
    first = next(slices)
    run.states()

    part = run.cursor.frontier.reader(first.extra_fields["piece"]).checkpoint(5)
    assert part is not None
    run.cursor.checkpoint(part)
    assert run.states() == [("invoices", {"updated": NOW, "done": 1})]
    run.close(first)
    assert run.states() == [("invoices", {"updated": NOW, "done": 2})]

    reading = cast(TwoPhases, run.cursor.reading)
    assert [piece.created for piece in reading.done if isinstance(piece, ListPiece)] == [Range(5, 10), Range(0, 5)]


def test_a_checkpoint_that_fails_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    run = sync()
    slices = run.slices()
    first = next(slices)
    monkeypatch.setattr(run.cursor.reading, "checkpoint", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run.close(first)

    assert list(slices) == []
    assert not run.cursor.finishes()


def test_a_stream_without_state_says_so_at_its_end() -> None:
    run = sync(TwoPhases(no_state=True))
    for each in run.slices():
        run.close(each)
    assert all("done" not in state for _, state in run.states())

    run.cursor.ensure_at_least_one_state_emitted()

    assert run.states() == [("invoices", {"__ab_no_cursor_state_message": True})]


def test_followers_have_the_same_state_by_the_name_of_their_own_cursor() -> None:
    run = sync(followers={"invoice_line_items": "invoice_updated"})
    slices = run.slices()
    first = next(slices)
    run.states()

    run.close(first)

    assert run.states() == [
        ("invoices", {"updated": NOW, "done": 1}),
        ("invoice_line_items", {"invoice_updated": NOW, "done": 1}),
    ]


def test_a_follower_ends_with_its_leader() -> None:
    run = sync(followers={"invoice_line_items": "invoice_updated"})
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    waited: list[StreamSlice] = []
    waiting = threading.Thread(target=lambda: waited.extend(follower.stream_slices()))
    waiting.start()

    for each in run.slices():
        run.close(each)
    waiting.join(timeout=30)

    assert not waiting.is_alive()
    assert waited == []
    run.states()
    follower.ensure_at_least_one_state_emitted()
    assert run.states() == [("invoice_line_items", {"invoice_updated": NOW, "done": 3})]
    assert follower.state == {"invoice_updated": NOW, "done": 3}


def test_a_follower_fails_with_its_leader() -> None:
    run = sync(followers={"invoice_line_items": "invoice_updated"})
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    slices = run.slices()
    why = AirbyteTracedException(message="No permission.", failure_type=FailureType.config_error)
    with pytest.raises(AirbyteTracedException), run.cursor.frontier.reading(next(slices).extra_fields["piece"]):
        raise why
    list(slices)
    run.states()

    with pytest.raises(AirbyteTracedException, match=r"read together with invoices\. No permission\.") as failed:
        list(follower.stream_slices())
    follower.ensure_at_least_one_state_emitted()

    assert failed.value.failure_type is FailureType.config_error
    assert run.states() == []


def test_what_nobody_foresaw_is_not_repeated_for_a_follower() -> None:
    run = sync(followers={"invoice_line_items": "invoice_updated"})
    slices = run.slices()
    with pytest.raises(KeyError), run.cursor.frontier.reading(next(slices).extra_fields["piece"]):
        raise KeyError("sk_test_emulator")
    list(slices)

    with pytest.raises(AirbyteTracedException, match=r"The stream invoices failed\.$"):
        list(FollowingCursor("invoice_line_items", run.cursor, run.messages).stream_slices())


def test_of_streams_that_are_read_together_one_can_fail() -> None:
    failures: dict[str, AirbyteTracedException] = {}
    run = sync(followers={"invoice_line_items": "invoice_updated"}, failures=failures)
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    slices = run.slices()
    first = next(slices)
    run.states()
    failures["invoice_line_items"] = AirbyteTracedException(message="no", failure_type=FailureType.system_error)

    run.close(first)
    for each in slices:
        run.close(each)
    run.cursor.ensure_at_least_one_state_emitted()
    follower.ensure_at_least_one_state_emitted()

    assert {stream for stream, _ in run.states()} == {"invoices"}
    with pytest.raises(AirbyteTracedException, match="no"):
        list(follower.stream_slices())


def test_a_leader_that_fails_lets_its_followers_end() -> None:
    failure = AirbyteTracedException(message="no", failure_type=FailureType.system_error)
    run = sync(followers={"invoice_line_items": "invoice_updated"}, failures={"invoices": failure})
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    slices = run.slices()
    for _ in range(3):
        run.close(next(slices))

    with pytest.raises(AirbyteTracedException, match="no"):
        next(slices)
    run.cursor.ensure_at_least_one_state_emitted()
    assert list(follower.stream_slices()) == []
    follower.ensure_at_least_one_state_emitted()

    assert {stream for stream, _ in run.states()} == {"invoice_line_items"}


def test_records_are_the_concern_of_their_pieces() -> None:
    run = sync()
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)
    row = Record(data={"id": "in_1"}, stream_name="invoices")

    run.cursor.observe(row)
    follower.observe(row)

    assert run.cursor.should_be_synced(row)
    assert follower.should_be_synced(row)
    assert run.states() == []


def test_a_foreign_partition_is_refused() -> None:
    run = sync()
    follower = FollowingCursor("invoice_line_items", run.cursor, run.messages)

    with pytest.raises(TypeError, match="invoices was given a partition"):
        run.cursor.close_partition(partition({"piece": 0}))
    with pytest.raises(TypeError, match="no partitions of its own"):
        follower.close_partition(partition(None))
