"""What the retriever says is through while it reads on: every record of it was handed over before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from airbyte_cdk.sources.types import StreamSlice
from requests_mock import Mocker

from source_stripe.api.listing import RangeFilter
from source_stripe.api.ranges import Range
from source_stripe.api.requester import StripeRequester
from source_stripe.objects.records import Finish, Itself, Known
from source_stripe.reading.batches import Batches
from source_stripe.reading.pieces import ListedPiece, ListPiece, Phase
from source_stripe.reading.retriever import StripeRetriever
from unit_tests.changed import by_id
from unit_tests.conftest import CREATED
from unit_tests.test_retriever import CHARGES, change, charge, listed, retriever

OLDEST_FIRST = [[n, n + 1] for n in range(1, 24, 2)]
NEWEST_FIRST = [[n, n - 1] for n in range(24, 1, -2)]


def mock_pages(requests_mock: Mocker, pages: list[list[int]]) -> None:
    """A list of charges in these pages; each is named by its number and was created in that second."""
    answers = [
        {"json": listed(*(charge(number, number) for number in page), has_more=page is not pages[-1])} for page in pages
    ]
    requests_mock.get(CHARGES, answers)


def events(reader: StripeRetriever, piece: ListPiece, known: Known | None = None) -> Iterator[Any]:
    """The ids of the records as they are handed over, and the seconds that are said to be through."""
    said: list[int] = []

    def checkpoint(piece: ListedPiece) -> None:
        assert isinstance(piece, ListPiece)
        assert piece.created is not None
        said.append(piece.created.start)

    reader.checkpoint = checkpoint
    reader.frontier.open(Phase([piece], known or Known()))
    for handed_over in reader.read_records({}, StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": 0})):
        yield from (f"through {second}" for second in said)
        said.clear()
        batch = next(iter(handed_over.values())) if reader.batches else None
        yield handed_over["id"] if batch is None else batch.records
    yield from (f"through {second}" for second in said)


def test_every_fifth_page_what_is_above_it_is_through(requester: StripeRequester, requests_mock: Mocker) -> None:
    mock_pages(requests_mock, NEWEST_FIRST)

    came = [*events(retriever(requester), ListPiece(created=Range(0, 100)))]

    ids = [f"ch_{number}" for number in range(24, 0, -1)]
    assert came == [*ids[:10], "through 16", *ids[10:20], "through 6", *ids[20:]]
    assert len(requests_mock.request_history) == 12


def test_what_is_through_was_handed_over_where_records_come_a_page_at_a_time(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    mock_pages(requests_mock, NEWEST_FIRST)
    reader = retriever(requester)
    reader.batches = Batches(4)

    assert [*events(reader, ListPiece(created=Range(0, 100)))] == [10, "through 16", 10, "through 6", 4]


@pytest.mark.parametrize(
    ("pages", "piece", "range_filter"),
    [
        (OLDEST_FIRST, ListPiece(created=Range(0, 100)), CREATED),
        (NEWEST_FIRST, ListPiece(created=Range(0, 100)), None),
        (NEWEST_FIRST, ListPiece(), CREATED),
        ([[7, 7]] * 12, ListPiece(created=Range(0, 8)), CREATED),
        ([[7, 7]] * 12, ListPiece(created=Range(8, 20)), replace(CREATED, days=True)),
    ],
    ids=["another order", "no ranges", "no times", "one second", "whole days"],
)
def test_nothing_is_through_before_the_end_where_that_can_not_be_told(
    requester: StripeRequester,
    requests_mock: Mocker,
    pages: list[list[int]],
    piece: ListPiece,
    range_filter: RangeFilter | None,
) -> None:
    mock_pages(requests_mock, pages)
    reader = retriever(requester, range_filter=range_filter)

    assert not [each for each in events(reader, piece) if each.startswith("through")]


def test_what_a_list_should_have_shown_is_got_before_its_part_is_through(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    mock_pages(requests_mock, NEWEST_FIRST)
    requests_mock.get(f"{CHARGES}/ch_50", json=charge(50, 50))
    requests_mock.get(f"{CHARGES}/ch_60", json=charge(60, 3))
    known = Known(born=by_id(change(50, 70), change(60, 70, created=3), change(20, 70)))

    came = [*events(retriever(requester), ListPiece(created=Range(0, 100), expects=True), known)]

    assert came[10:12] == ["ch_50", "through 16"]
    assert came[-1] == "ch_60"
    assert len(came) == 24 + 2 + 2


def test_a_reader_that_can_not_hand_over_a_row_keeps_nobody_waiting(
    requester: StripeRequester, requests_mock: Mocker
) -> None:
    requests_mock.get(CHARGES, json=listed(charge(1)))
    reader = retriever(requester, Itself(Finish("updated", lambda: {"account_id": object()}, ("account_id",))))
    reader.batches = Batches(4)
    reader.frontier.open(Phase([ListPiece(created=Range(0, 100))], Known()))
    pieces = reader.frontier.pieces()

    with pytest.raises(TypeError, match="not JSON serializable"):
        list(reader.read_records({}, StreamSlice(partition={}, cursor_slice={}, extra_fields={"piece": next(pieces)})))

    assert reader.frontier.failed
    assert list(pieces) == []
