"""Histories: what happens in an account, and when it is synced. Plain data, and the strategies that draw it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from integration_tests.doings import DOINGS
from integration_tests.syncing import Kill
from stripe_emulator.facts import PINNED_VERSION

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

STREAMS = (
    "accounts",
    "application_fees",
    "application_fees_refunds",
    "balance_transactions",
    "bank_accounts",
    "billing_credit_balance_transactions",
    "billing_credit_grants",
    "charges",
    "checkout_sessions",
    "checkout_sessions_line_items",
    "coupons",
    "credit_notes",
    "credit_notes_line_items",
    "customer_balance_transactions",
    "customer_cards",
    "customer_tax_ids",
    "customers",
    "discounts",
    "disputes",
    "early_fraud_warnings",
    "file_links",
    "identity_verification_reports",
    "identity_verification_sessions",
    "invoice_items",
    "invoice_line_items",
    "invoice_payments",
    "invoices",
    "mandates",
    "payment_attempt_records",
    "payment_intents",
    "payment_links",
    "payment_methods",
    "payment_records",
    "payouts",
    "persons",
    "prices",
    "products",
    "promotion_codes",
    "quotes",
    "quotes_line_items",
    "radar_value_list_items",
    "refunds",
    "reviews",
    "setup_attempts",
    "setup_intents",
    "shipping_rates",
    "sources",
    "subscription_items",
    "subscriptions",
    "top_ups",
    "transfer_reversals",
    "transfers",
    "v2_core_account_persons",
    "v2_core_accounts",
)
_PARENTS = {
    "application_fees_refunds": "application_fees",
    "checkout_sessions_line_items": "checkout_sessions",
    "payment_attempt_records": "payment_records",
    "setup_attempts": "setup_intents",
    "credit_notes_line_items": "credit_notes",
    "invoice_line_items": "invoices",
    "quotes_line_items": "quotes",
    "subscription_items": "subscriptions",
    "transfer_reversals": "transfers",
    "v2_core_account_persons": "v2_core_accounts",
}
"""Streams that are read together, where both are selected."""


VERSIONS = (
    PINNED_VERSION,
    "2025-02-24.acacia",
    "2022-11-15",
    "2020-03-02",
    "2019-11-05",
    "2019-02-19",
    "2017-02-14",
)
"""Versions that events are written at. Just behind each of the last four something was renamed: event types
(2020-08-27), ids of lines (2019-12-03), the time of invoices (2019-03-14), payouts (2017-04-06)."""


@dataclass(frozen=True)
class Change:
    """Something that happens: a key of DOINGS, `after` seconds after what happened last, and again `every` so many
    seconds until it happened `times` times. `which` picks the object, modulo those that there are.
    """

    what: str
    which: int = 0
    after: int = 0
    times: int = 1
    every: int = 0


@dataclass(frozen=True)
class Round:
    """Changes, and the sync that follows them.

    `delay` is by how many seconds events come late. `meanwhile` happens while the sync's so-manyth request is answered.
    """

    changes: tuple[Change, ...]
    delay: int = 0
    kill: Kill | None = None
    meanwhile: tuple[tuple[int, Change], ...] = ()


@dataclass(frozen=True)
class History:
    """An account, and a connection that syncs it.

    `version` is the account's own. `shuffled` seeds the order of one second's events; None leaves them newest first.
    `breaks` seeds which answers break, 3 % of them; None lets all be whole. What nobody knows of Stripe is drawn too:
    `refuses_types` is whether unknown event types are refused, `thin_events` whether v2 lists thin events of v1,
    `guesses` seeds whether it tells of what its reference leaves open; None lets it tell nothing of that. `span` is how
    many changes a sync takes at once.
    """

    streams: tuple[str, ...]
    rounds: tuple[Round, ...]
    version: str = PINNED_VERSION
    shuffled: int | None = None
    breaks: int | None = None
    refuses_types: bool = False
    thin_events: bool = False
    guesses: int | None = None
    workers: int = 4
    span: int = 100_000


def histories(
    *,
    kills: bool,
    streams: tuple[str, ...] | None = None,
    versions: tuple[str, ...] = VERSIONS,
    delays: tuple[int, ...] = (0, 0, 1, 60, 600),
) -> st.SearchStrategy[History]:
    """Random histories over at least eight streams, or the given ones; with `kills` half of the syncs are killed."""
    chosen = _streams() if streams is None else st.just(streams)
    return chosen.flatmap(lambda names: _histories(names, versions, delays, kills=kills))


def _streams() -> st.SearchStrategy[tuple[str, ...]]:
    some = st.lists(st.sampled_from(STREAMS), min_size=8, max_size=10, unique=True)
    return some.map(lambda names: tuple(sorted({*names, *(_PARENTS.get(name, name) for name in names[::2])})))


def _histories(
    streams: tuple[str, ...], versions: tuple[str, ...], delays: tuple[int, ...], *, kills: bool
) -> st.SearchStrategy[History]:
    doings = [name for name, doing in DOINGS.items() if doing.tells & set(streams)]
    pauses = st.one_of(
        st.just(0),
        st.integers(0, 20 * _MINUTE),
        st.sampled_from([599, 600, 601, 6 * _HOUR, _DAY, 9 * _DAY, 28 * _DAY, 29 * _DAY + _HOUR, 45 * _DAY]),
    )
    changes = st.builds(
        Change,
        what=st.sampled_from(doings),
        which=st.integers(0, 200),
        after=st.just(0) | pauses,
        times=st.sampled_from([1] * 20 + [3, 13, 110]),
        every=st.sampled_from([0, 0, 1, 60, _HOUR]),
    )
    sudden = st.builds(Change, what=st.sampled_from(doings), which=st.integers(0, 200), after=st.integers(0, 3))
    by_record, by_request = st.builds(Kill, record=st.integers(1, 8)), st.builds(Kill, request=st.integers(1, 10))
    kill = by_record | by_request | by_request | by_record | st.none()
    rounds = st.builds(
        Round,
        changes=st.lists(changes, min_size=3, max_size=24).map(tuple),
        delay=st.sampled_from(delays),
        kill=(kill if kills else st.none()),
        meanwhile=st.lists(st.tuples(st.integers(1, 30), sudden), max_size=3).map(tuple),
    )
    return st.builds(
        History,
        streams=st.just(streams),
        rounds=st.lists(rounds, min_size=1, max_size=4 if kills else 3).map(tuple),
        version=st.sampled_from(versions),
        shuffled=st.none() | st.integers(0, 9),
        breaks=st.integers(0, 99),
        refuses_types=st.booleans(),
        thin_events=st.booleans(),
        guesses=st.none() | st.integers(0, 9),
        workers=st.sampled_from([1, 2, 4, 16]),
        span=st.sampled_from([2, 15, 100_000, 100_000]),
    )
