"""How a test's process of the connector differs from a user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Setup:
    """What is different. `backoff` and `timeouts` are seconds, instead of those of the same names in the manifest."""

    backoff: Mapping[str, float] = field(default_factory=dict)
    timeouts: Mapping[str, float] = field(default_factory=dict)
    clock: float = 4e9
    """This machine's clock (Unix time). At first it is far ahead of any emulator's, so that the emulator's counts."""
    tells_all: bool = False
    """Every package logs at DEBUG, and the CDK masks no secrets."""
    span: int | None = None
    """Changes of a span of the feed of events, instead of 100,000."""
    mutation: str | None = None
    """The rule that is taken out of the connector, of `mutations.MUTATIONS`."""


QUICK = Setup(backoff={"first": 0.001, "longest": 0.02, "give_up_after": 60})
"""Asks again soon, and does not give up while a test lasts."""

IMPATIENT = Setup(backoff={"first": 0.001, "longest": 0.02, "give_up_after": 0.2})
"""Asks again soon, and gives up soon."""
