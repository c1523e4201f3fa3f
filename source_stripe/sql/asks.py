"""Asks: what is asked of Stripe for the rows of a table that are within some bounds. Pure.

An ask may bring more rows than those, never fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from source_stripe.api.ranges import Range
from source_stripe.api.values import Params, has_address
from source_stripe.catalog.filters import wanted_with
from source_stripe.catalog.list_parameters import ListParameter, as_text, bracketed, parameters_of
from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.sql.bounds import Bound, Bounds, Span, Value, Values, is_impossible
from source_stripe.sql.config_filters import others_of

if TYPE_CHECKING:
    from source_stripe.sql.tables import Table

MOST_AT_ONCE = 100
"""Ids, or values of a parameter, that are asked for one by one. See docs/design/sql.md, "What is asked"."""
_IN_ONE_LIST = 10
"""Values that a parameter takes which takes several: the least of what Stripe allows. See docs/design/sql.md, "What is
asked"."""
_OPS = ("equals", "ignoring_case")
_KINDS = {"id": 0, "string": 1, "enum": 2, "bool": 3, "integer": 4, "timestamp": 5}
"""The types of parameters, the most selective first."""


@dataclass(frozen=True)
class Ask:
    """One object by its id, or a list with parameters. Of a child, the object is a parent."""

    object_id: str | None = None
    params: Params = ()
    created: Range | None = None
    account: str | None = None
    """Where that is asked; None for everywhere."""

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for few rows, as far as can be known."""
        return self.object_id is not None or bool(self.params)

    def is_within(self, other: Ask) -> bool:
        """Whether a list that is asked for no parameter has all of it."""
        return self.object_id is None and not other.params and self.created == other.created

    def without_params(self) -> Ask:
        return replace(self, params=())


def asks_of(table: Table, bounds: Bounds) -> tuple[Ask, ...]:
    """What to ask for; nothing where no row can be within the bounds."""
    if is_impossible(bounds):
        return ()
    found = [*_asks(table, bounds)]
    return tuple(replace(ask, account=account) for account in _accounts(table, bounds) for ask in found)


def _accounts(table: Table, bounds: Bounds) -> Iterator[str | None]:
    bound = bounds.get(ACCOUNT_COLUMN) if table.several else None
    yield from sorted(map(str, bound.values)) if isinstance(bound, Values) else (None,)


def _asks(table: Table, bounds: Bounds) -> Iterator[Ask]:
    for path in _id_paths(table):
        if (ids := _ids(bounds.get(path))) is not None:
            yield from (Ask(object_id=each) for each in ids)
            return
    if table.row.all_parents:
        yield Ask()
        return
    created = _created(table, bounds)
    yield from (Ask(params=params, created=created) for params in _params(table, bounds))


def paths_to_ask_by(table: Table, *, in_one: bool = True) -> frozenset[str]:
    """The dotted paths by whose values a table can be asked for few of its rows; `in_one` where it is known of which
    account each value is. Others refuse it, and only of a customer can be known that it is no row's."""
    ids = [each for each in _usable(table).values() if each.type == "id" and (in_one or each.of == "customer")]
    return frozenset((*_id_paths(table), *(each.field for each in ids if each.field), *_account_path(table)))


def fields_asked_by(table: Table) -> frozenset[str]:
    """The dotted paths of all columns that Stripe can be asked by."""
    created = () if table.row.filter is None or table.row.all_parents else (table.row.time_field,)
    params = (each.field for each in _usable(table).values() if each.field)
    return frozenset((*_id_paths(table), *created, *params, *_account_path(table)))


def _account_path(table: Table) -> tuple[str, ...]:
    return (ACCOUNT_COLUMN,) if table.several else ()


def _id_paths(table: Table) -> tuple[str, ...]:
    """The columns by which one object is got: its id, or that of the parent that it hangs on."""
    row, parent = table.row, table.row.parent
    if not row.all_parents:
        return ("id",) if _can_be_got(table) else ()
    if parent is None or parent.id_from != ("id",) or parent.via is not None or parent.id_field is None:
        return ()
    above = table.other(parent.stream)
    return (parent.id_field,) if not above.row.all_parents and _can_be_got(above) else ()


def _can_be_got(table: Table) -> bool:
    """Whether what is got by an id is what the list shows. A list that hides rows shows fewer."""
    row = table.row
    known = bool(row.events) or row.sync == "created"
    return known and not (row.of_events or row.hides or row.include or row.path is None or row.paging == "object")


def _ids(bound: Bound | None) -> list[str] | None:
    if not isinstance(bound, Values) or len(bound.values) > MOST_AT_ONCE:
        return None
    ids = sorted(str(value) for value in bound.values)
    return ids if all(map(has_address, ids)) else None


def _created(table: Table, bounds: Bounds) -> Range | None:
    bound = bounds.get(table.row.time_field)
    if table.row.filter is None or bound is None:
        return None
    if isinstance(bound, Values):
        numbers = [value for value in bound.values if isinstance(value, int)]
        if not numbers or len(numbers) < len(bound.values):
            return None
        bound = Span(min(numbers), max(numbers))
    start = max(bound.low or 0, 0)
    # Rows are also created in the future, on test clocks: without an end the range goes on.
    return Range(start, start + 1, onward=True) if bound.high is None else Range(start, max(bound.high, 0) + 1)


def _params(table: Table, bounds: Bounds) -> Iterator[Params]:
    """The parameters to ask with, once each: of a parameter that takes one value, one after the other."""
    always: list[tuple[str, str]] = []
    several: list[list[tuple[tuple[str, str], ...]]] = []
    # What the other filters of the config are about, the list is asked for already.
    fields = {each.parameter.field for each in others_of(table.row)}
    kinds: set[str] = set()
    ordered = sorted(_usable(table).items(), key=lambda each: (_KINDS[each[1].type], each[0]))
    for name, parameter in ordered:
        bound = bounds.get(parameter.field or "")
        # Stripe refuses some pairs of ids; and what is about one field is asked once.
        if bound is None or parameter.field in fields or (parameter.type == "id" and "id" in kinds):
            continue
        choices = [*_choices(name, parameter, bound)]
        moves = parameter.mutable and not parameter.enters
        if not choices or len(choices) > MOST_AT_ONCE or (len(choices) > 1 and (moves or several)):
            continue
        fields.add(parameter.field)
        kinds.add(parameter.type)
        if len(choices) == 1:
            always.extend(choices[0])
        else:
            several.append(choices)
    for choice in several[0] if several else [()]:
        yield (*always, *choice)


def _usable(table: Table) -> Mapping[str, ListParameter]:
    """The parameters whose values stand in a column."""
    if table.row.all_parents or table.row.api == "v2":
        return {}
    return {
        name: each
        for name, each in parameters_of(table.name).items()
        if each.is_filter and each.pushed and each.op in _OPS and each.field and name != "created"
    }


def _choices(name: str, parameter: ListParameter, bound: Bound) -> Iterator[tuple[tuple[str, str], ...]]:
    """The ways to ask for all that is within a bound, one after the other; none if there is none."""
    said = bracketed(name)
    if isinstance(bound, Span):
        if parameter.range:
            ends = (("gte", bound.low), ("lte", bound.high))
            yield tuple((f"{said}[{end}]", str(number)) for end, number in ends if number is not None)
        return
    values = sorted(bound.values, key=str)
    if not all(_fits(value, parameter) for value in values):
        return
    texts = [as_text(value) for value in values]
    if parameter.list:
        for first in range(0, len(texts), _IN_ONE_LIST):
            yield tuple((f"{said}[]", text) for text in texts[first : first + _IN_ONE_LIST])
    else:
        for text in texts:
            yield (*wanted_with(name), (said, text))


def _fits(value: Value, parameter: ListParameter) -> bool:
    if isinstance(value, bool):
        return parameter.type == "bool"
    if isinstance(value, int):
        return parameter.type in ("integer", "timestamp")
    # Stripe takes an empty value for none at all.
    usual = parameter.type in ("id", "string") or (parameter.type == "enum" and value in parameter.values)
    return bool(value) and usual
