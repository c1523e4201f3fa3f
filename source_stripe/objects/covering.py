"""Covering: which pages of a list, and which single objects, to ask for so that all changed objects are read. Pure.

A page brings a hundred objects for one request. Each request covers at least the object that it was made for, so that
all cost no more than one request per object. Nor do they cost more than the list has pages: no two pages hold the same
row. A page may lack its object, as lists hide some and others are gone. That object costs a request of its own.

A list without a time filter is paged from its top, while that costs less than getting its objects by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from math import inf

from source_stripe.objects.ledger import Change

_PAGES_A_PART = 10
"""What an idle worker takes over is worth at least so many pages, where pages bring several objects each. See
docs/design/changes.md, "Covering"."""
_OBJECTS_A_PART = 5
"""What an idle worker takes over is at least so many objects, where each costs a request. See docs/design/changes.md,
"Covering"."""
_PATIENCE = 8
"""Pages that brought nothing are followed by gets by id, one more after each such page; so many at most. See
docs/design/changes.md, "Covering"."""
_WORTH_A_LOOK = 20
"""A list without a time filter is paged for at least so many changes. See docs/design/changes.md, "Covering"."""
_LOOKS = 3
"""A list without a time filter is left after so many pages in a row that brought nothing. See docs/design/changes.md,
"Covering"."""


@dataclass(frozen=True)
class Listed:
    """Ask for the page of what was created up to a second (Unix), or for the next page."""

    until: int
    after: str | None = None
    """The last page's cursor: where that page ended within that second, or the list has no time filter."""


@dataclass(frozen=True)
class Got:
    """Ask for one object."""

    change: Change


@dataclass
class Cover:
    """Works through changes, newest object first. Ask for `next()`, then say what came: `listed` or `got`.

    Used by one thread at a time.
    """

    left: Sequence[Change]
    """What no page should have shown yet. The sequence may make its changes when they are asked for."""
    can_list: bool = True
    """Whether there is a list to ask for these objects."""
    by_time: bool = True
    """Whether the list has a time filter."""
    _lacked: list[Change] = field(default_factory=list, init=False)
    """Those that pages should have shown and did not."""
    _shown_from: float = field(default=inf, init=False)
    """Pages have shown what the list holds from this second on: `inf` before the first page, `-inf` behind the last."""
    _behind: str | None = field(default=None, init=False)
    """The last page's cursor; None behind the last page."""
    _brought: int = field(default=1, init=False)
    """Changes that the last page covered, at least 1."""
    _saved: int = field(default=0, init=False)
    """Requests that pages have saved, so far."""
    _in_vain: int = field(default=0, init=False)
    """Pages in a row that brought none."""
    _by_id: int = field(default=0, init=False)
    """Objects to get by id before the next page is tried."""

    def next(self) -> Listed | Got | None:
        """The next request; None when all changes are covered."""
        if not self._count:
            return None
        first = self._lacked[0] if self._lacked else self.left[0]
        time = first.created
        if time is None or self._count == 1 or not self._may_list():
            return Got(first)
        if time < self._shown_from:
            return Listed(time, None if self.by_time else self._behind)
        if time == self._shown_from and self._behind is not None:
            return Listed(time, self._behind)
        return Got(first)

    def listed(self, ids: Iterable[str], oldest: int | None, behind: str | None) -> list[Change]:
        """A page came, with these ids. Returns the changes that it covers.

        `oldest` is the second (Unix) in which its last row was created, `behind` the cursor of the next page. What was
        created since `oldest` and isn't on the page is hidden by the list, or gone.
        """
        on_page = set(ids)
        self._shown_from = -inf if behind is None or oldest is None else oldest
        self._behind = behind
        shown = [*self._lacked, *takewhile(self._is_shown, self.left)]
        self.left = self.left[len(shown) - len(self._lacked) :]
        covered = [change for change in shown if change.id in on_page]
        self._lacked = [change for change in shown if change.id not in on_page]
        self._brought = max(len(covered), 1)
        self._saved += len(covered) - 1
        self._in_vain = 0 if covered else self._in_vain + 1
        self._by_id = min(self._in_vain, _PATIENCE)
        return covered

    def _may_list(self) -> bool:
        if self.by_time or not self.can_list:
            return self.can_list and not self._by_id
        if self._shown_from == inf:
            return self._count >= _WORTH_A_LOOK
        return self._saved >= 0 and self._in_vain < _LOOKS

    def _is_shown(self, change: Change) -> bool:
        return (-inf if change.created is None else change.created) >= self._shown_from

    def got(self) -> None:
        """The object came, or is gone."""
        if self._lacked:
            del self._lacked[0]
        else:
            self.left = self.left[1:]
        self._by_id = max(self._by_id - 1, 0)

    @property
    def _count(self) -> int:
        return len(self._lacked) + len(self.left)

    def split_off(self, idle: int) -> list[Sequence[Change]]:
        """Parts of what is left, oldest objects, for idle workers: none so small that splitting costs requests."""
        if not self.by_time and self._may_list():
            return []
        least = _OBJECTS_A_PART if self._brought == 1 else self._brought * _PAGES_A_PART
        parts = min(idle + 1, self._count // least)
        if parts < 2:
            return []
        lacked, left = self._lacked, self.left
        cuts = even_bounds(self._count, parts)
        self._lacked, self.left = lacked[: cuts[1]], left[: max(cuts[1] - len(lacked), 0)]
        return [_part(lacked, left, start, end) for start, end in pairwise(cuts[1:])]


def even_bounds(count: int, parts: int) -> list[int]:
    """The bounds of parts of equal size."""
    return [count * n // parts for n in range(parts + 1)]


def _part(first: Sequence[Change], second: Sequence[Change], start: int, end: int) -> Sequence[Change]:
    """A part of two sequences that stand behind each other."""
    of_second = second[max(start - len(first), 0) : max(end - len(first), 0)]
    return [*first[start:end], *of_second] if start < len(first) else of_second
