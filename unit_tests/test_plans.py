"""How each stream is kept up to date: decided in one place, and all of it in a table to be read in a diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from source_stripe.api.account import AccountReader
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.sync_plan import Again, Since, Way, plan_of
from source_stripe.checking import probes
from source_stripe.routes import Routes
from tools.generate_plans import TABLE, main, table
from tools.type_supplements import object_type
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


def set_streams() -> dict[str, str]:
    plans = {name: plan_of(row, ROWS) for name, row in ROWS.items()}
    return {name: plan.set_of for name, plan in plans.items() if plan.set_of is not None}


def test_the_docs_name_all_streams_whose_rows_come_as_a_set() -> None:
    page = (Path(__file__).parents[1] / "docs" / "how-it-works.md").read_text("utf-8")
    section = page.partition("## Rows that belong to others\n")[2].partition("\n## ")[0]
    named = {name for name in ROWS if f"`{name}`" in section}
    by_cursor = {name for name in set_streams() if ROWS[name].cursor != "updated"}
    treasurys = {name for name in set_streams() if name.startswith("treasury_")}

    assert named | by_cursor | treasurys == {*set_streams()}
    assert not named & (by_cursor | treasurys)
    assert all(ROWS[name].cursor == f"{parent_of(name)}_updated" for name in by_cursor)
    left_out = {name for name, row in ROWS.items() if name.startswith("treasury_tr") and row.parent is not None}
    assert left_out == {"treasury_transactions", "treasury_transaction_entries"}
    assert not left_out & treasurys


def parent_of(name: str) -> str | None:
    parent = ROWS[name].parent
    return parent.name if parent is not None else None


@pytest.mark.parametrize("name", [name for name in set_streams() if ROWS[name].cursor == "updated"])
def test_no_object_of_a_set_says_itself_when_it_changed(name: str) -> None:
    """Its time would be later than that of the others."""
    assert not any(field.name == "updated" for kind in ROWS[name].object for field in object_type(kind).fields)
