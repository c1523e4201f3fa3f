"""Told: what SHOW, DESCRIBE and EXPLAIN answer, as tables of their own. None of it asks Stripe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from source_stripe.api.ranges import Range
from source_stripe.sql.asks import Ask, asks_of, fields_asked_by
from source_stripe.sql.metering import MOST_UNASKED
from source_stripe.sql.places import Places
from source_stripe.sql.planning import Plan, Scan
from source_stripe.sql.reading import shown
from source_stripe.sql.tables import Table, Tables

Told = Mapping[str, Sequence[str | None]]
"""Columns by name."""
A_PAGE = 100
"""Rows that a page of Stripe's lists has."""
_EACH_PAGE = f"1 for {A_PAGE} rows"


def tables_told(tables: Tables) -> Told:
    """All tables."""
    every = [tables.named(name) for name in tables]
    return {
        "name": [table.name for table in every],
        "path": [table.row.path for table in every],
        "description": [table.description for table in every],
    }


def columns_told(table: Table, path: Sequence[str], types: Mapping[str, str]) -> Told:
    """The columns of a table, or the fields of an object in its rows. `types` are DuckDB's."""
    before = "".join(f"{name}." for name in path)
    inside = [each.removeprefix(before) for each in fields_asked_by(table) if each.startswith(before)]
    asked = {each.partition(".")[0] for each in inside}
    schemas = (table.at(".".join(path)) or {})["properties"] if path else table.columns
    return {
        "column_name": [*types],
        "column_type": [*types.values()],
        "asked_by": ["yes" if name in asked else "" for name in types],
        "description": [str(schemas[name].get("description") or "") for name in types],
    }


def plan_told(plan: Plan, places: Places) -> Told:
    """What is asked of Stripe for a question, and how many requests that takes at most."""
    lines = [line for scan in plan.scans for line in _lines(plan, scan, places)]
    lines.append(("all of it", "", f"{MOST_UNASKED} without asking you"))
    return {
        "table": [line[0] for line in lines],
        "asked": [line[1] for line in lines],
        "requests": [line[2] for line in lines],
    }


def _lines(plan: Plan, scan: Scan, places: Places) -> Iterator[tuple[str, str, str]]:
    asks = asks_of(scan.table, scan.bounds)
    if not asks:
        yield scan.table.name, "nothing: no row can meet the conditions", "0"
    for ask in asks:
        asked, most = _asked(scan, ask), _most(plan, scan, ask)
        if places.several:
            number = places.number(scan.table.row, ask.account)
            asked = f"{_where(ask, number)}: {asked}" if number else f"{_where(ask, number)}: nothing"
            most = _in_each(ask, most, number)
        yield scan.table.name, asked, most
    if not all(ask.is_narrow for ask in asks):
        for keys in scan.keys:
            if keys.path in fields_asked_by(scan.table):
                other = plan.scans[keys.other].table.name
                pairs = ", each in its account" if keys.with_accounts else ""
                yield scan.table.name, f"or, if that is less, by the {keys.path} that {other} has{pairs}", "1 for each"


def _where(ask: Ask, number: int) -> str:
    if ask.account is not None:
        return ask.account if number else f"{ask.account}, where the config has no such rows"
    return "one account" if number == 1 else f"each of {number:,} accounts"


def _in_each(ask: Ask, most: str, number: int) -> str:
    if number <= 1:
        return most if number else "0"
    strangers = ", 2 where there is no such customer" if "customer" in dict(ask.params) else ""
    return f"{number:,} x ({most}{strangers})"


def _asked(scan: Scan, ask: Ask) -> str:
    table = scan.table
    if ask.object_id is not None:
        parent = table.row.parent
        path = table.row.get_path if parent is None else table.rows[parent.stream].get_path
        return f"GET {path.replace('{id}', ask.object_id)}{'' if parent is None else ', and what stands in it'}"
    filtered = ", and of that what the config's filters want" if table.is_filtered else ""
    if table.row.all_parents:
        return f"what belongs to each of {', '.join(parent.stream for parent in table.row.all_parents)}{filtered}"
    created = () if ask.created is None else _range(table.row.time_field, ask.created)
    asked = shown((*ask.params, *created))
    line = f"GET {table.row.path}{'?' if asked else ''}{asked}{filtered}"
    if scan.newest is not None:
        line += f", down to the newest {scan.newest.rows:,}{' that meet the conditions' if scan.newest.where else ''}"
    return line


def _range(field: str, created: Range) -> tuple[tuple[str, str], ...]:
    since = (f"{field}[gte]", str(created.start))
    return (since,) if created.onward else (since, (f"{field}[lt]", str(created.end)))


def _most(plan: Plan, scan: Scan, ask: Ask) -> str:
    if ask.object_id is not None and scan.table.row.parent is None:
        return "1"
    if ask.object_id is not None:
        return f"1, and {_EACH_PAGE} of a long list"
    if scan.table.is_filtered:
        return _EACH_PAGE
    if scan.newest is not None and not scan.newest.where:
        return f"{-(-scan.newest.rows // A_PAGE)}, or more if many are of one second"
    most = plan.most_rows
    if most is not None:
        return f"{-(-most // A_PAGE)}"
    return _EACH_PAGE
