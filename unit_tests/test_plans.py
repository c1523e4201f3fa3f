"""How each stream is kept up to date: decided in one place, and all of it in a table to be read in a diff."""

from __future__ import annotations

import pytest

from source_stripe.api.account import AccountReader
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.sync_plan import Again, Since, Way, plan_of
from source_stripe.checking import probes
from source_stripe.routes import Routes
from tools.generate_plans import TABLE, main, table
from unit_tests.conftest import MANIFEST, ROWS


def test_the_table_of_plans_is_up_to_date() -> None:
    assert TABLE.read_text("utf-8") == table(ROWS)
    assert main(["--check"]) == 0


def test_the_table_has_a_line_for_every_stream() -> None:
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]

    assert [line.partition(":")[0] for line in lines] == [*ROWS]
    assert len(lines) == 154


@pytest.mark.parametrize("name", ROWS)
def test_check_asks_for_what_the_plan_says(name: str, requester: StripeRequester) -> None:
    routes = Routes(ROWS, MANIFEST.paging, requester, AccountReader(requester))

    asked = {probe.listing.path for probe in probes([ROWS[name]], routes)}

    assert asked == set(plan_of(ROWS[name], ROWS).asked)


@pytest.mark.parametrize(
    "name", [name for name, row in ROWS.items() if row.parent and row.cursor and row.sync == "parent"]
)
def test_no_child_is_read_whole_where_its_parents_say_what_changed(name: str) -> None:
    assert plan_of(ROWS[name], ROWS).way in (Way.CHANGES, Way.NEW_PARENTS)


def test_a_stream_that_misses_births_lists_what_was_created_since() -> None:
    (charges,) = plan_of(ROWS["charges"], ROWS).followed
    (sessions,) = plan_of(ROWS["checkout_sessions"], ROWS).followed

    assert charges.since is None
    assert sessions.since == Since(86_400)


def test_children_with_events_of_their_own_share_no_root() -> None:
    plan = plan_of(ROWS["bank_accounts"], ROWS)

    assert [each.again for each in plan.followed] == [Again.CHILDREN]
    assert plan.shares is None


def test_children_that_would_look_otherwise_in_their_root_share_it_with_nobody() -> None:
    lines = ROWS["invoice_line_items"]

    assert plan_of(lines, ROWS).shares == "invoices"
    assert plan_of(lines.model_copy(update={"expand": ("discounts", "price")}), ROWS).shares is None


def test_of_new_children_only_those_created_since_are_read() -> None:
    plan = plan_of(ROWS["customer_balance_transactions"], ROWS)

    assert plan.new_children_only
    assert plan.shares is None


def test_a_lookback_of_the_config_replaces_a_streams_own_and_no_overlap() -> None:
    since = Since(lookback=14 * 86_400, overlap=600)

    assert [since.seconds(days) for days in (None, 0, 2)] == [14 * 86_400, 600, 2 * 86_400]
