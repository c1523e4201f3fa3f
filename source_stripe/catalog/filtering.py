"""Filtering: the filters of a config, checked against what Stripe's lists can be asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from source_stripe.catalog.by_stream import BOUNDS
from source_stripe.catalog.config import ConfigError
from source_stripe.catalog.filters import Filter
from source_stripe.catalog.guessing import did_you_mean
from source_stripe.catalog.list_parameters import ListParameter, parameters_of
from source_stripe.catalog.stream_rows import StreamRow

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?P<time>T\d{2}:\d{2}:\d{2}Z)?")
_NEVER_TOGETHER = (
    ("type", "types"),
    ("customer", "customer_account"),
    ("account_holder.account", "account_holder.customer"),
    ("account_holder.account", "account_holder.customer_account"),
    ("account_holder.customer", "account_holder.customer_account"),
    ("payment.payment_intent", "payment.payment_record"),
)
_WISHES = {
    ("customers", "currency"): "Stripe's list of customers has no parameter for it, so that all would have to be read: "
    "leave out the filter, and choose by the column currency of the rows.",
}
"""What is often asked for, and Stripe's lists don't have."""
_ALL_OF = {
    ("subscriptions", "status", "ended"): ("canceled", "incomplete_expired"),
    ("subscriptions", "status", "all"): (),
    ("tax_registrations", "status", "all"): (),
}
"""Values that stand for others; for any if there are none."""


class _WrongValueError(ValueError):
    """A value that a parameter can't have, and what it could. Follows the parameter's name."""


def filtered(rows: Mapping[str, StreamRow], wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, StreamRow]:
    """The rows, with the filters that a config names by stream. Raises ConfigError."""
    found: dict[str, list[Filter]] = {stream: [] for stream in wanted}
    problems: list[str] = []
    for stream, parameters in wanted.items():
        if stream not in rows:
            problems.append(f"filters: there is no stream {stream}.{did_you_mean(stream, rows)}")
            continue
        for name, value in parameters.items():
            made = _made(stream, name, value)
            if isinstance(made, str):
                problems.append(f"filters: {stream}.{name} {made}")
            elif made is not None:
                found[stream].append(made)
        problems += _together(stream, parameters)
    if problems:
        raise ConfigError("The config can't be used: " + " ".join(problems))
    return {name: row.model_copy(update={"filters": tuple(found.get(name, ()))}) for name, row in rows.items()}


def _made(stream: str, name: str, value: Any) -> Filter | str | None:
    """The filter of a parameter, or what is wrong with it; None where it leaves nothing out."""
    known = parameters_of(stream)
    usable = [each for each, parameter in known.items() if parameter.is_filter]
    could = f"{stream} has: {', '.join(usable)}." if usable else f"{stream} has none."
    parameter = known.get(name)
    if (stream, name) in _WISHES:
        return f"is no filter. {_WISHES[stream, name]} {could}"
    if parameter is None:
        return f"is no parameter of Stripe's list.{did_you_mean(name, usable)} {could}"
    if not parameter.is_filter:
        return f"is no filter. {parameter.note} {could}"
    try:
        made = _between(name, parameter, value) if parameter.range else _one_of(stream, name, parameter, value)
    except _WrongValueError as wrong:
        return str(wrong)
    return made if made.values or made.since is not None or made.until is not None else None


def _one_of(stream: str, name: str, parameter: ListParameter, value: Any) -> Filter:
    given = value if isinstance(value, list) else [value]
    if not given or isinstance(value, Mapping):
        raise _WrongValueError("needs a value, or a list of them.")
    values = [_value(name, parameter, each) for each in given]
    meant = [_ALL_OF.get((stream, name, str(each)), (each,)) for each in values]
    if not all(meant) or (parameter.type == "bool" and len(set(values)) > 1):
        return Filter(name, parameter)
    found = dict.fromkeys(each for some in meant for each in some)
    if parameter.op == "pattern":
        found = {each: None for each in found if not any(_holds(other, str(each)) for other in map(str, found))}
    if parameter.op == "ignoring_case":
        found = {str(each).casefold(): None for each in found}
    return Filter(name, parameter, tuple(found))


def _holds(pattern: str, other: str) -> bool:
    """Whether a pattern stands for another one too."""
    return pattern != other and pattern.endswith("*") and other.startswith(pattern[:-1])


def _value(name: str, parameter: ListParameter, given: Any) -> str | bool | int:
    """Raises _WrongValueError."""
    if parameter.type == "bool":
        said = {"true": True, "false": False}.get(given.lower()) if isinstance(given, str) else given
        if not isinstance(said, bool):
            raise _WrongValueError(f"is true or false, not {given!r}.")
        return said
    if parameter.type == "integer":
        return _integer(given)
    if not isinstance(given, str) or not given:
        raise _WrongValueError(f"needs text, not {given!r}.")
    if parameter.type == "id" and not re.fullmatch(r"[!-~]+", given):
        raise _WrongValueError(f"needs an ID, not {given!r}.")
    if parameter.values and given not in parameter.values:
        raise _WrongValueError(
            f"can't be {given!r}.{did_you_mean(given, parameter.values)} It is one of: {', '.join(parameter.values)}."
        )
    if name == "currency" and given != given.lower():
        raise _WrongValueError(f"is in lower case: {given.lower()}.")
    return given


def _between(name: str, parameter: ListParameter, value: Any) -> Filter:
    """Raises _WrongValueError."""
    if parameter.type == "integer" and not isinstance(value, Mapping):
        given = value if isinstance(value, list) else [value]
        if len(given) != 1:
            raise _WrongValueError("needs one number, or bounds.")
        number = _integer(given[0])
        return Filter(name, parameter, since=number, until=number + 1)
    bounds = value if isinstance(value, Mapping) else {}
    if not bounds or not bounds.keys() <= set(BOUNDS.values()):
        raise _WrongValueError("is a range: it needs a bound, gte, gt, lte or lt (a line: >=, >, <= or <).")
    read = _integer if parameter.type == "integer" else None
    since = [_at(bounds[key], read, behind=key == "gt") for key in ("gte", "gt") if key in bounds]
    until = [_at(bounds[key], read, behind=key == "lte") for key in ("lt", "lte") if key in bounds]
    made = Filter(name, parameter, since=max(since, default=None), until=min(until, default=None))
    if made.since is not None and made.until is not None and made.since >= made.until:
        raise _WrongValueError("leaves nothing: it begins where it has ended.")
    return made


def _at(given: Any, read: Any, *, behind: bool) -> int:
    """A bound as a number; that `behind` what was given, where all of it lies before the bound.

    Raises _WrongValueError.
    """
    if read is not None:
        return int(read(given)) + behind
    if isinstance(given, int) and not isinstance(given, bool):
        return given + behind
    text = _TIME.fullmatch(given) if isinstance(given, str) else None
    if text is None:
        if isinstance(given, str) and given.isdecimal():
            return int(given) + behind
        raise _WrongValueError(
            f"needs a time like 2026-01-01 or 2026-01-01T00:00:00Z (UTC), or Unix seconds, not {given!r}."
        )
    try:
        moment = datetime.fromisoformat(text[0].rstrip("Z")).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _WrongValueError(f"has a day that there is not: {given!r}.") from None
    step = timedelta(seconds=1) if text["time"] else timedelta(days=1)
    return int((moment + step if behind else moment).timestamp())


def _integer(given: Any) -> int:
    """Raises _WrongValueError."""
    if isinstance(given, str) and re.fullmatch(r"-?\d+", given):
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise _WrongValueError(f"needs a whole number, not {given!r}.")
    return given


def _together(stream: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    for one, other in _NEVER_TOGETHER:
        if one in parameters and other in parameters:
            yield f"filters: {stream}: Stripe does not take {one} and {other} together. Use one of them."
