"""Covering: which pages of a list, and which single objects, to ask for so that all changed objects are read. Pure.

A page brings a hundred objects for the price of one. Each request covers at least the object that it was made for, so
the cost is never above one request per object; nor above the whole list's pages, as no page is asked for twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from source_stripe.events import Change

_PAGES_A_PIECE = 8
_OBJECTS_A_PIECE = 5


@dataclass(frozen=True)
class Listed:
    """Ask for the page of what was created up to a second."""

    until: int


@dataclass(frozen=True)
class Got:
    """Ask for one object."""

    change: Change


@dataclass
class Cover:
    """Works through changes, newest object first. Ask for `next()`, then say what came: `listed` or `got`."""

    left: list[Change]
    can_list: bool = True
    """Whether a list shows these objects, so far as we know."""
    _span: int | None = field(default=None, init=False)
    """Seconds that a page of the list reaches back, by the last one."""
    _brought: float = field(default=1.0, init=False)

    def next(self) -> Listed | Got | None:
        """The next request; None when all changes are covered."""
        if not self.left:
            return None
        first = self.left[0]
        if not self.can_list or first.created is None or len(self.left) == 1:
            return Got(first)
        second = self.left[1].created
        if self._span is not None and (second is None or first.created - second > self._span):
            return Got(first)
        return Listed(first.created)

    def listed(self, ids: Iterable[str], span: int) -> list[Change]:
        """A page came, with these ids, reaching back `span` seconds. Returns the changes that it covers.

        If it lacks the very object that it was asked for, lists hide such objects: from then on each is got by its id.
        """
        on_page = set(ids)
        covered = [change for change in self.left if change.id in on_page]
        if self.left and self.left[0].id not in on_page:
            self.can_list = False
        self.left = [change for change in self.left if change.id not in on_page]
        self._span, self._brought = span, float(max(len(covered), 1))
        return covered

    def got(self, change: Change) -> None:
        """An object came, or is gone."""
        self.left = [other for other in self.left[1:] if other is not change]
        self._brought = 1.0

    def share(self, idle: int) -> list[list[Change]]:
        """Parts of what is left, oldest objects, for idle workers: none so small that cutting costs requests."""
        per_request = self._brought
        least = _OBJECTS_A_PIECE if per_request < 2 else int(per_request * _PAGES_A_PIECE)
        parts = min(idle + 1, len(self.left) // least)
        if parts < 2:
            return []
        pieces = even_parts(self.left, parts)
        self.left = list(pieces[0])
        return [list(piece) for piece in pieces[1:]]


def even_parts(changes: Sequence[Change], parts: int) -> list[Sequence[Change]]:
    """Cut into parts of equal size, in order."""
    cuts = [len(changes) * n // parts for n in range(parts + 1)]
    return [changes[start:end] for start, end in pairwise(cuts)]
