"""The open rows of an account in five letters: when the first is due, and how old the oldest is. Pure.

A sync of the account lists them again no later, and no fewer of them, than the state from which the letters were made.
See docs/design/accounts.md, "Open rows".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from source_stripe.accounts.known import letters_of, number_of
from source_stripe.objects.events import OVERLAP

WIDTH = 5
"""Letters of a code. See docs/design/accounts.md, "Open rows"."""
_HOUR = 3_600
"""Seconds. See docs/design/accounts.md, "Open rows"."""
_HOURS = 1 << 20
"""More hours since 1970 than a code can tell: they end in 2089. See docs/design/accounts.md, "Open rows"."""
_BACK_BITS = 9
"""Bits for how old the oldest row is when the first is due. See docs/design/accounts.md, "Open rows"."""
_BY_HOURS = 336
"""Of the values of those bits, the ones that are hours: two weeks. The others are days on top of those. See
docs/design/accounts.md, "Open rows"."""
_ALL_OLDER = (1 << _BACK_BITS) - 1
"""The value for older than can be told: everything is listed. See docs/design/accounts.md, "Open rows"."""
_ANY_TIME = 1 << 29
"""The bit of a code whose rows may change at any time: behind it stands the hour of the oldest. See
docs/design/accounts.md, "Open rows"."""
_UNKNOWN = (1 << 30) - 1
"""The code of a state that does not say which rows are open. See docs/design/accounts.md, "Open rows"."""
NONE = letters_of(0, WIDTH)
"""The code of a state without open rows."""
UNKNOWN = letters_of(_UNKNOWN, WIDTH)

Open = Sequence[Any]
"""`open` of a stream's state: by the time at which rows are due, the ranges in which they were created."""


def told(raw: Open | None, watermark: int, *, live: bool) -> str | None:
    """The code for open rows; None where it can't tell all of them.

    What was created behind the watermark comes again by itself, but for test data: time may run ahead there.
    """
    if raw is None:
        return UNKNOWN
    until = watermark + OVERLAP
    groups = [(due, min(start for start, _ in ranges)) for due, ranges in raw if ranges]
    if not live and any(end > until for _, ranges in raw for _, end in ranges):
        return None
    kept = [(due, oldest) for due, oldest in groups if oldest < until]
    if not kept:
        return NONE
    oldest = max(min(oldest for _, oldest in kept), 0) // _HOUR
    dues = [due for due, _ in kept]
    first = None if None in dues else min(dues) // _HOUR
    if first is None or first < 1:
        return letters_of(_ANY_TIME | min(oldest, _HOURS - 1), WIDTH)
    first = min(first, _HOURS - 1)
    return letters_of(first << _BACK_BITS | _back(first - oldest), WIDTH)


def open_of(code: str, watermark: int) -> Open | None:
    """The open rows that a code tells, of an account that was read up to the watermark (Unix seconds)."""
    number, until = number_of(code), watermark + OVERLAP
    if number == _UNKNOWN:
        return None
    if number == 0:
        return []
    if number & _ANY_TIME:
        return [[None, [[(number - _ANY_TIME) * _HOUR, until]]]]
    first, back = number >> _BACK_BITS, number & _ALL_OLDER
    hours = back if back < _BY_HOURS else _BY_HOURS + (back - _BY_HOURS) * 24
    oldest = 0 if back == _ALL_OLDER else max(first - hours, 0) * _HOUR
    return [[first * _HOUR, [[min(oldest, until - 1), until]]]]


def _back(hours: int) -> int:
    """The bits for so many hours, or somewhat more."""
    if hours < _BY_HOURS:
        return max(hours, 0)
    return min(_BY_HOURS - (_BY_HOURS - hours) // 24, _ALL_OLDER)
