"""Filters: what a config wants of a stream's rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from source_stripe.catalog.list_parameters import ListParameter, as_text, bracketed

_VALUES_A_REQUEST = {"lookup_keys": 10, "types": 20}
"""Of parameters that take several. See docs/design/changes.md, "Filters"."""
Asked = tuple[tuple[str, str], ...]
"""Query parameters."""


@dataclass(frozen=True)
class Filter:
    """A parameter, and what it has to be: one of `values`, or between two bounds."""

    name: str
    parameter: ListParameter
    values: tuple[str | bool | int, ...] = ()
    since: int | None = None
    """A bound, which is part of it: Unix seconds, or an amount."""
    until: int | None = None
    """A bound, which is no part of it."""

    @property
    def is_created(self) -> bool:
        """Whether it is about creation, which the connector asks for in ranges of its own."""
        return self.name == "created"

    def choices(self, *, v2: bool) -> list[Asked]:
        """The parameters that ask for it; several where Stripe takes one value at a time."""
        name = bracketed(self.name)
        if self.parameter.range:
            times = self.parameter.type == "timestamp" and v2
            bounds = (("gte", self.since), ("lt", self.until))
            return [tuple((f"{name}[{key}]", _bound(at, rfc_3339=times)) for key, at in bounds if at is not None)]
        texts = [as_text(value) for value in self.values]
        if self.parameter.list:
            most = _VALUES_A_REQUEST.get(self.name, len(texts))
            lots = [texts[at : at + most] for at in range(0, len(texts), most)]
            return [tuple((f"{name}[{place if v2 else ''}]", text) for place, text in enumerate(lot)) for lot in lots]
        return [(*wanted_with(self.name), (name, text)) for text in texts]

    def dump(self) -> list[Any]:
        return [self.name, sorted(map(str, self.values)), self.since, self.until]


def _bound(at: int, *, rfc_3339: bool) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if rfc_3339 else str(at)


def wanted_with(name: str) -> Asked:
    """What Stripe wants beside a parameter (https://docs.stripe.com/api/invoice-payment/list, `payment`)."""
    return (("payment[type]", name.removeprefix("payment.")),) if name.startswith("payment.payment_") else ()
