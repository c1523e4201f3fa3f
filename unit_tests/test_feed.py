"""The feed: events are read once for all streams, in spans, by as few requests as can be foreseen."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from source_stripe.api.answers import Refusal
from source_stripe.api.errors import Outcome, StreamFailure, StripeError
from source_stripe.api.pages import MalformedPage
from source_stripe.api.policies import TABLE
from source_stripe.api.ranges import Range
from source_stripe.reading.feed import Ask, Feed, Place, Span
from unit_tests.feed_events import (
    ACCOUNT,
    NOW,
    PAGE,
    Events,
    all_spans,
    asked_for,
    begin,
    dict_of,
    event,
    feed_of,
    ids,
    joined,
    read,
)


def test_one_request_serves_all_streams() -> None:
    feed, listing = feed_of(event(1, 900), event(2, 950, "price.updated"))
    since = Ask(800)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons)

    first = read(coupons.next(since, ACCOUNT), listing, feed)
    begin(prices)
    second = read(prices.next(since, ACCOUNT), listing, feed)

    assert (ids(first), ids(second)) == ({"x_1"}, {"x_2"})
    assert first.last
    assert listing.requests == [(asked_for(("coupon.updated", "price.updated")), Range(800, NOW + 1))]


def test_a_stream_gets_its_own_events_only() -> None:
    feed, listing = feed_of(event(1, 900), event(2, 900, "price.updated"), event(3, 900, "coupon.deleted"))
    coupons = joined(feed, Ask(800), "coupon.updated")
    begin(coupons)

    assert ids(read(coupons.next(Ask(800), ACCOUNT), listing, feed)) == {"x_1"}


@pytest.mark.parametrize(("names", "unfiltered"), [(20, False), (21, True)])
def test_more_types_than_a_request_takes_are_not_asked_for_by_name(names: int, unfiltered: bool) -> None:
    feed, listing = feed_of()
    place = joined(feed, Ask(800), *(f"coupon.{number}" for number in range(names)))
    begin(place)

    read(place.next(Ask(800), ACCOUNT), listing, feed)

    assert [not asked for asked, _ in listing.requests] == [unfiltered]


def test_many_events_of_others_are_not_paged_through() -> None:
    others = [event(number, 1_000 + number, "charge.updated") for number in range(2_000)]
    own = [event(10_000, 1_500, "coupon.3"), event(10_001, 2_500, "coupon.30")]
    feed, listing = feed_of(*others, *own)
    place = joined(feed, Ask(800), *(f"coupon.{number}" for number in range(40)))
    begin(place)

    span = read(place.next(Ask(800), ACCOUNT), listing, feed)

    assert ids(span) == {"x_10000", "x_10001"}
    assert len(listing.requests) == 3  # a page of all, and one of each group of types


def test_few_pages_of_all_events_are_read_without_groups() -> None:
    feed, listing = feed_of(*(event(number, 1_000 + number, f"coupon.{number}") for number in range(15)))
    place = joined(feed, Ask(800), *(f"coupon.{number}" for number in range(40)))
    begin(place)

    span = read(place.next(Ask(800), ACCOUNT), listing, feed)

    assert len(ids(span)) == 15
    assert [asked for asked, _ in listing.requests] == [()] * 3


def test_events_of_nobody_behind_the_first_page_are_not_all_paged_through() -> None:
    others = [event(number, 1_000 + number, "charge.updated") for number in range(2_000)]
    feed, listing = feed_of(*others, *(event(10_000 + n, 5_000 + n, "coupon.3") for n in range(5)))
    place = joined(feed, Ask(800), *(f"coupon.{number}" for number in range(40)))
    begin(place)

    span = read(place.next(Ask(800), ACCOUNT), listing, feed)

    assert len(ids(span)) == 5
    assert len(listing.requests) <= 1 + 2 * 2 + 1 + 2 + 1


def test_a_stream_that_stands_far_behind_is_read_for_alone_until_the_others_begin() -> None:
    feed, listing = feed_of(event(1, 100_000, "price.updated"), event(2, 900_000), event(3, 900_001, "price.updated"))
    late, coupons = joined(feed, Ask(50_000), "price.updated"), joined(feed, Ask(800_000), "coupon.updated")
    begin(late, coupons)

    first = read_side_by_side(feed, listing, {late: Ask(50_000), coupons: Ask(800_000)})

    assert first[late] == [{"x_1"}, {"x_3"}]
    assert first[coupons] == [{"x_2"}]
    assert [(dict_of(asked), created) for asked, created in listing.requests] == [
        (["price.updated"], Range(50_000, 800_000)),
        (["price.updated", "coupon.updated"], Range(800_000, NOW + 1)),
    ]


def test_what_can_only_be_used_at_once_comes_at_once() -> None:
    feed, listing = feed_of(event(1, 100_000, "price.updated"), event(2, 900_000), event(3, 900_001, "price.updated"))
    late, coupons = joined(feed, Ask(50_000, whole=True), "price.updated"), joined(feed, Ask(800_000), "coupon.updated")
    begin(late, coupons)

    first = read_side_by_side(feed, listing, {late: Ask(50_000, whole=True), coupons: Ask(800_000)})

    assert first == {late: [{"x_1", "x_3"}], coupons: [{"x_2"}]}
    assert len(listing.requests) == 2


def on_threads(follow: Callable[[Place, Ask], None], asks: dict[Place, Ask]) -> None:
    """Each stream on a thread of its own, to its end."""
    threads = [threading.Thread(target=follow, args=each, daemon=True) for each in asks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def read_side_by_side(feed: Feed, listing: Events, asks: dict[Place, Ask]) -> dict[Place, list[set[str]]]:
    """What the spans of each stream name, each stream on a thread of its own."""
    found: dict[Place, list[set[str]]] = {place: [] for place in asks}
    reading, in_order = threading.Lock(), True

    def follow(place: Place, ask: Ask) -> None:
        nonlocal in_order
        for span in all_spans(place, ask, listing, feed):
            with reading:
                found[place].append(ids(span))
                in_order &= ask.since <= span.start < span.end
        place.leave()

    on_threads(follow, asks)
    assert in_order
    return found


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from(["coupon.updated", "price.updated"])), max_size=120),
    st.integers(1, 60),
    st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)),
    st.tuples(st.booleans(), st.booleans()),
)
@settings(deadline=None, max_examples=60)
def test_every_event_since_a_watermark_comes(
    made: list[tuple[int, str]], most: int, since: tuple[int, int], whole: tuple[bool, bool]
) -> None:
    events = [event(number, time, what) for number, (time, what) in enumerate(made)]
    feed, listing = feed_of(*events, span=most)
    types = ("coupon.updated", "price.updated")
    asks = {
        joined(feed, Ask(*ask), what): Ask(*ask)
        for ask, what in zip(zip(since, whole, strict=True), types, strict=True)
    }
    begin(*asks)

    found = read_side_by_side(feed, listing, asks)

    for (place, ask), what in zip(asks.items(), types, strict=True):
        wanted = {f"x_{n}" for n, (time, of) in enumerate(made) if of == what and time >= ask.since}
        assert set.union(set(), *found[place]) >= wanted
        assert len(found[place]) == 1 or not ask.whole


def test_a_span_that_ends_where_a_stream_begins_is_none_of_its() -> None:
    """It would be empty, and the stream would ask for it again and again."""
    feed, listing = feed_of(*(event(number, 0) for number in range(9)), event(9, 5, "price.updated"), span=1)
    asks = {joined(feed, Ask(since), what): Ask(since) for since, what in ((0, "coupon.updated"), (1, "price.updated"))}
    begin(*asks)

    coupons, prices = read_side_by_side(feed, listing, asks).values()

    assert coupons[0] == {f"x_{number}" for number in range(9)}
    assert {*prices[0]} <= {"x_9"}
    assert set.union(*prices) == {"x_9"}


def test_a_span_has_no_more_changes_than_twice_what_it_may_have() -> None:
    # All in one hour: what the first page foretells is wrong.
    burst = [event(number, 500_000 + number) for number in range(400)]
    calm = [event(1_000 + number, 990_000 + 2_000 * number) for number in range(5)]
    feed, listing = feed_of(*burst, *calm, span=50)
    place = joined(feed, Ask(1_000), "coupon.updated")
    begin(place)

    spans = [ids(span) for span in all_spans(place, Ask(1_000), listing, feed)]

    assert sum(map(len, spans)) == 405
    assert max(map(len, spans)) <= 100
    assert len(listing.requests) < 3 * 405 / PAGE


@pytest.mark.parametrize(("ask", "times"), [(Ask(1_000), 0), (Ask(1_000, whole=True), 1)])
def test_what_can_not_be_cut_is_read_whole(ask: Ask, times: int) -> None:
    feed, listing = feed_of(*(event(number, 5_000 + times * number) for number in range(90)), span=10)
    place = joined(feed, ask, "coupon.updated")
    begin(place)

    spans = [ids(span) for span in all_spans(place, ask, listing, feed)]

    assert max(spans, key=len) == {f"x_{number}" for number in range(90)}


def test_the_next_span_waits_until_all_have_emitted_this_one() -> None:
    feed, listing = feed_of(
        *(event(n, 2_000 + 9_000 * n) for n in range(100)), event(900, 2_001, "price.updated"), span=40
    )
    since = Ask(1_000)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons, prices)
    spans: list[Span] = []

    def read_two() -> None:
        spans.append(read(coupons.next(since, ACCOUNT), listing, feed))
        spans.append(read(coupons.next(Ask(spans[0].end), ACCOUNT), listing, feed))

    thread = threading.Thread(target=read_two, daemon=True)
    thread.start()
    prices_first = read(prices.next(since, ACCOUNT), listing, feed)
    asked = len(listing.requests)
    thread.join(0.05)
    assert thread.is_alive()
    assert len(listing.requests) == asked
    prices.leave()
    thread.join(30)

    assert ids(prices_first) == {"x_900"}
    assert [span.start for span in spans] == [1_000, spans[0].end]


def test_a_stream_that_begins_later_reads_again_what_the_others_left_behind() -> None:
    feed, listing = feed_of(
        *(event(n, 2_000 + 9_000 * n) for n in range(100)), event(900, 2_001, "price.updated"), span=40
    )
    since = Ask(1_000)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons)

    of_coupons = [ids(span) for span in all_spans(coupons, since, listing, feed)]
    begin(prices)
    of_prices = [ids(span) for span in all_spans(prices, since, listing, feed)]

    assert len(set.union(*of_coupons)) == 100
    assert set.union(*of_prices) == {"x_900"}


def refusal() -> StripeError:
    policy = next(each for each in TABLE.values() if each.outcome is Outcome.PERMISSION_MISSING)
    return StripeError(policy, "/v1/events", Refusal(403))


def test_its_failure_is_that_of_all_streams_that_need_it() -> None:
    feed, listing = feed_of()
    listing.failing.append(lambda _: MalformedPage("/v1/events", "it is no list"))
    since = Ask(800)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons, prices)
    failures = failures_of(feed, listing, {coupons: since, prices: since})

    assert [str(failure) for failure in failures] == [str(failures[0])] * 2
    assert failures[0] is not failures[1]
    assert len(listing.requests) == 1


def failures_of(feed: Feed, listing: Events, asks: dict[Place, Ask]) -> list[StreamFailure]:
    """How each stream fails, each on a thread of its own."""
    failures: list[StreamFailure] = []

    def follow(place: Place, ask: Ask) -> None:
        try:
            read(place.next(ask, ACCOUNT), listing, feed)
        except StreamFailure as failure:
            failures.append(failure)

    on_threads(follow, asks)
    return failures


def test_a_failure_of_a_piece_is_told_to_all() -> None:
    feed, listing = feed_of(*(event(number, 1_000 + number) for number in range(50)))
    since = Ask(800)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons, prices)
    started, failed = threading.Event(), list[StreamFailure]()

    def wait() -> None:
        started.wait(30)
        failed.extend(failures_of(feed, listing, {prices: since}))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    prices.waiting = True  # as it will be, before the other one reads
    made = coupons.next(since, ACCOUNT)
    next(made)
    started.set()
    broken = MalformedPage("/v1/events", "it is no list")
    broken.concerns("coupons")
    with pytest.raises(MalformedPage):
        made.throw(broken)
    thread.join(30)

    assert [str(each) for each in failed] == [
        "Stripe's answer to GET /v1/events can't be right: it is no list. Sync again; if it stays, report it."
    ]


def test_where_the_key_may_not_read_the_events_of_all_each_stream_reads_its_own() -> None:
    feed, listing = feed_of(event(1, 900), event(2, 950, "price.updated"))
    listing.failing.append(lambda asked: None if dict_of(asked) == ["coupon.updated"] else refusal())
    since = Ask(800)
    coupons, prices = joined(feed, since, "coupon.updated"), joined(feed, since, "price.updated")
    begin(coupons, prices)
    (failure,) = failures_of(feed, listing, {coupons: since, prices: since})

    assert isinstance(failure, StripeError)
    assert coupons.ask is None
