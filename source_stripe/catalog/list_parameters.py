"""What Stripe's lists can be asked for, stream by stream, and where a row says the same. Pure.

filters.json has it, kept by hand from Stripe's reference of each list (https://docs.stripe.com/api): no type says which
field of a row a parameter is about, nor whether that changes. A test compares names, types and values with the lists
of the `stripe` package, and the fields with the schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

from source_stripe.catalog.package_files import resource

Use = Literal["ok", "merged", "ours", "parent", "push-only", "local", "no"]
"""What becomes of a parameter: `ok` is asked for and tested on rows; `merged` is too, together with what the connector
asks for by itself. No filter is what the connector sets (`ours`), names a parent (`parent`), what a row doesn't show
(`push-only`), what a list can't be asked for (`local`), and what only says how to answer (`no`)."""
Op = Literal[
    "equals",
    "ignoring_case",
    "pattern",
    "means",
    "least",
    "greatest",
    "any",
    "all",
    "named_by_type",
    "other",
    "contains",
]
"""How a row is compared: with the value itself; with a star for any ending (`pattern`); true stands for the value
`means`, false for all others; by the least or greatest of several values; by `any` of them, by `all` that are wanted;
by the one under the key that `type` names; `other` is what no other value names."""


class ListParameter(BaseModel):
    """One parameter of a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["id", "enum", "bool", "string", "timestamp", "integer"]
    list: bool = False
    """Whether Stripe takes several values: any of them, unless `op` is `all`."""
    values: tuple[str, ...] = ()
    """Of an enum, as the `stripe` package has them: Stripe may take more."""
    of: str | None = None
    """Of what an id is."""
    range: bool = False
    """Whether it takes gt, gte, lt and lte."""
    field: str | None = None
    """The dotted path of what is compared, in a row of the stream; through arrays too."""
    op: Op = "equals"
    means: str | bool | None = None
    mutable: bool = False
    """Whether the field can change, so that a row may leave the filter."""
    enters: bool = False
    """Whether it changes once, from null: a row never leaves the filter."""
    in_events: bool = False
    """Whether the field never changes and stands in each event about the object, at the same place in all versions."""
    pushed: bool = True
    """Whether the list is asked for it; else it is tested on the rows only."""
    use: Use
    note: str | None = None
    """What to know of it; why it is no filter."""

    @property
    def is_filter(self) -> bool:
        """Whether users can filter by it."""
        return self.use in ("ok", "merged")


def bracketed(name: str) -> str:
    """A parameter inside of another, such as `recurring.interval`, as a query has it."""
    first, *rest = name.split(".")
    return first + "".join(f"[{each}]" for each in rest)


def as_text(value: object) -> str:
    """A value as a query has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameters_of(stream: str) -> Mapping[str, ListParameter]:
    """By name, those inside of others with dots (`recurring.interval`); none of a stream that has no list."""
    return all_parameters().get(stream, {})


@cache
def all_parameters() -> Mapping[str, Mapping[str, ListParameter]]:
    """By stream."""
    facts = orjson.loads(resource("filters.json").read_bytes())
    return {
        stream: {name: ListParameter.model_validate(each) for name, each in parameters.items()}
        for stream, parameters in facts.items()
    }
