"""Ranges of open rows, listed again: each row comes, for no more requests than there are ranges, nor than pages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests_mock import Mocker

from source_stripe.api.ranges import Range, merge
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import parse_config
from source_stripe.catalog.stream_rows import OpenRow
from source_stripe.reading.open_ranges import OpenRanges
from source_stripe.reading.open_rows import OpenRows
from source_stripe.reading.pieces import SparsePiece
from unit_tests.conftest import API, ASKING, KEY
from unit_tests.test_retriever import CHARGES, charge, listed, read, retriever

SIZE = 4
"""Rows of a page."""
RULE = OpenRow(field="status", values=("pending",))
seconds = st.integers(0, 120)
ranges = st.lists(st.builds(lambda start, length: Range(start, start + length), seconds, st.integers(1, 8)), min_size=2)


def serve(mocker: Mocker, created: list[int]) -> None:
    """A list of charges that were created in these seconds, newest first; a page holds a few."""
    rows = [charge(number, second) for number, second in enumerate(sorted(created, reverse=True))]

    def answer(request: Any, _: Any) -> str:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        wanted = [row for row in rows if int(asked["created[gte]"]) <= row["created"] < int(asked["created[lt]"])]
        if after := asked.get("starting_after"):
            wanted = wanted[[row["id"] for row in wanted].index(after) + 1 :]
        return json.dumps(listed(*wanted[:SIZE], has_more=len(wanted) > SIZE))

    mocker.get(CHARGES, text=answer)


def requester() -> StripeRequester:
    config = parse_config({"client_secret": KEY, "api_url": API, "call_rate_limit": 10_000})
    return StripeRequester(config, ASKING, sleep=lambda _: None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(seconds, max_size=60, unique=True), ranges)
def test_every_row_of_the_ranges_comes_and_each_request_is_worth_it(created: list[int], some: list[Range]) -> None:
    wanted = merge(some)
    with Mocker() as mocker:
        serve(mocker, created)
        reader = retriever(requester())
        reader.open_rows = OpenRows(RULE)
        reader.open_rows.begin(OpenRanges(), start=0, now=1_000)

        rows = read(reader, SparsePiece(0, (), wanted))

        requests = len(mocker.request_history)
    assert {row["created"] for row in rows} == {
        second for second in created if any(each.holds(second) for each in wanted)
    }
    # The second in which a page ended may have more rows: it is asked for again.
    alone = sum(max(-(-(count_in(each, created) + 1) // SIZE), 1) for each in wanted)
    between = count_in(Range(wanted[0].start, wanted[-1].end), created)
    long = sum(count_in(each, created) >= SIZE for each in wanted)
    assert requests <= alone
    assert requests <= between // (SIZE - 1) + 1 + long


def count_in(span: Range, created: Iterable[int]) -> int:
    return sum(span.holds(second) for second in created)


def test_ranges_on_one_page_cost_one_request(requests_mock: Mocker) -> None:
    serve(requests_mock, [10, 20, 30, 40, 90])
    reader = retriever(requester())
    reader.open_rows = OpenRows(RULE)
    reader.open_rows.begin(OpenRanges(), start=0, now=1_000)

    rows = read(reader, SparsePiece(0, (), (Range(10, 11), Range(30, 31), Range(40, 42))))

    assert [row["created"] for row in rows] == [40, 30, 10]
    assert len(requests_mock.request_history) == 1


def test_what_lies_between_ranges_is_not_listed(requests_mock: Mocker) -> None:
    serve(requests_mock, [5, *range(20, 900), 950])
    reader = retriever(requester())
    reader.open_rows = OpenRows(RULE)
    reader.open_rows.begin(OpenRanges(), start=0, now=1_000)

    rows = read(reader, SparsePiece(0, (), (Range(5, 6), Range(950, 951))))

    assert [row["created"] for row in rows] == [950, 5]
    assert len(requests_mock.request_history) == 2


def test_a_range_that_goes_on_behind_its_page_is_listed_by_others_too(requests_mock: Mocker) -> None:
    serve(requests_mock, [5, *range(100, 140)])
    reader = retriever(requester())
    reader.open_rows = OpenRows(RULE)
    reader.open_rows.begin(OpenRanges.parse([[None, [[5, 6], [100, 140]]]]), start=0, now=1_000)

    rows = read(reader, SparsePiece(0, (), (Range(5, 6), Range(100, 140))))

    assert {row["created"] for row in rows} == {5, *range(100, 140)}
    assert len(requests_mock.request_history) <= 13
