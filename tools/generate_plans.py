"""Write unit_tests/plans.txt: how each stream is kept up to date, one line a stream, to be read in a diff.

With --check nothing is written: the exit code says whether it is up to date.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping

from source_stripe.catalog.stream_rows import OpenRow, StreamRow
from source_stripe.catalog.sync_plan import Followed, Since, SyncPlan, plan_of
from tools.generate_docs import ROOT, read_rows, write

TABLE = ROOT / "unit_tests" / "plans.txt"
_HEAD = """\
# How each stream is kept up to date. `make docs` writes it anew.
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(prog="generate_plans", description="The plans of the manifest's streams.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if the table is not up to date")
    options = parser.parse_args(arguments)
    return write(TABLE, table(read_rows(ROOT / "manifest.yaml")), check=options.check)


def table(rows: Mapping[str, StreamRow]) -> str:
    """A line for each stream."""
    return _HEAD + "".join(f"{row.name}: {'; '.join(_parts(plan_of(row, rows)))}\n" for row in rows.values())


def _parts(plan: SyncPlan) -> Iterator[str]:
    yield plan.way.value + (f" {_since(plan.since)}" if plan.since else "")
    if plan.open:
        yield f"open: {_open(plan.open)}"
    if plan.refresh:
        lists = (" ".join(f"{name}={value}" for name, value in each.items()) for each in plan.refresh)
        yield f"refreshed: {', '.join(lists)}"
    yield f"lists {', '.join(plan.lists)}"
    yield from map(_followed, plan.followed)
    if plan.new_children_only:
        yield "new children only"
    if plan.set_of:
        yield f"a set by {plan.set_of}"
    if plan.shares:
        yield f"shares {plan.shares}"
    yield f"check asks {', '.join(plan.asked)}"
    yield f"docs: {plan.kept}"


def _open(rule: OpenRow) -> str:
    values = ", ".join("null" if value is None else str(value).lower() for value in rule.values)
    due = f", due at {rule.due}" if rule.due else ""
    return f"{rule.field} {values}{due}" + (f", for {rule.young} seconds" if rule.young else "")


def _followed(followed: Followed) -> str:
    touches = f" and {len(followed.touches)} that touch" if followed.touches else ""
    births = f", births listed {_since(followed.since)}" if followed.since else ""
    return f"{len(followed.events)} events{touches} of {followed.stream}, read again: {followed.again.value}{births}"


def _since(since: Since) -> str:
    return f"(lookback {since.lookback}, overlap {since.overlap})"


if __name__ == "__main__":
    sys.exit(main())
