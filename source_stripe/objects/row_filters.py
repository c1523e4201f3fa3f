"""Row filters: whether a row is what the config's filters want. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from source_stripe.api.values import unix_seconds
from source_stripe.catalog.filters import Filter
from source_stripe.objects.paths import values_at


@dataclass(frozen=True)
class RowFilters:
    """The filters of one stream. All of them have to match."""

    filters: tuple[Filter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.filters)

    @property
    def need_lists(self) -> bool:
        """Whether a row can be tested only when the lists in it are whole."""
        return any(".data." in str(each.parameter.field) for each in self.filters)

    def match(self, row: Mapping[str, Any]) -> bool:
        return all(matches(each, row) for each in self.filters)

    def may_have_matched(self, row: Mapping[str, Any]) -> bool:
        """Whether a row that does not match may have matched before."""
        return all(each.parameter.mutable or matches(each, row) for each in self.filters)

    def leave_out(self, shown: Mapping[str, Any], created: int | None) -> bool:
        """Whether an event's copy of an object shows that it never matches. What it does not show decides nothing."""
        for each in self.filters:
            if each.is_created and created is not None and not _is_between(each, created):
                return True
            if each.parameter.in_events:
                value = shown.get(str(each.parameter.field))
                if isinstance(value, str) and value not in each.values:
                    return True
        return False


def matches(wanted: Filter, row: Mapping[str, Any]) -> bool:
    """Whether a row is what one filter wants, as Stripe's list would find it."""
    one = wanted.parameter
    found = [_plain(value, one.type) for value in values_at(row, str(one.field))]
    if one.range:
        return _in_range(wanted, [number for value in found if (number := _number(value)) is not None])
    value = found[0] if found else None
    if one.op == "all":
        held = [each for value in found for each in (value if isinstance(value, list) else [value])]
        return set(wanted.values) <= set(held)
    if one.op == "means":
        return (value == one.means) in wanted.values
    if one.op == "pattern":
        return any(_fits(str(pattern), value) for pattern in wanted.values)
    if one.op == "ignoring_case":
        return isinstance(value, str) and value.casefold() in wanted.values
    if one.op == "named_by_type":
        value = value.get(value.get("type")) if isinstance(value, Mapping) else None
        return value in wanted.values
    if one.op == "other":
        named = set(one.values) - {"other"}
        return (value if value in named else "other") in wanted.values
    return any(each in wanted.values for each in found)


def _plain(value: Any, kind: str) -> Any:
    """The id of an object that stands where an id is compared."""
    return value["id"] if kind == "id" and isinstance(value, Mapping) and "id" in value else value


def _number(value: Any) -> int | None:
    return None if isinstance(value, bool) else unix_seconds(value)


def _in_range(wanted: Filter, numbers: Iterable[int]) -> bool:
    some = list(numbers)
    if not some:
        return False
    return _is_between(wanted, max(some) if wanted.parameter.op == "greatest" else min(some))


def _is_between(wanted: Filter, number: int) -> bool:
    return (wanted.since is None or number >= wanted.since) and (wanted.until is None or number < wanted.until)


def _fits(pattern: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
