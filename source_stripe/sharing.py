"""Sharing: how many of the workers that are idle a list gets, and which of its pieces. Pure: no threads, no HTTP."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

_FIRST_PAGES = 30
_PAGES_A_WASTE = 8
_TRUSTING = 1.5
"""With 1, twice as many would read after each round of answers; so it is soon three times as many."""


@dataclass(frozen=True)
class Need:
    """What a list may want workers for: pages that it has left, as far as can be foreseen, and how many it can use."""

    pages: int
    most: int


def fair_share(workers: int, own: Need, others: Collection[Need]) -> int:
    """How many of all workers the list of `own` should have: by the pages that are left, as many as it can use at most.

    So all lists end at about the same time: the last ones alone could fill no more than their endpoints' budgets, and
    leave most of the account's unused.
    """
    pages, share = own.pages + sum(need.pages for need in others), 0
    for need in sorted((own, *others), key=lambda need: need.most / max(need.pages, 1)):
        share = min(need.most, workers, -(-workers * need.pages // max(pages, 1)))
        if need is own:
            break
        # What one can't use the others share.
        workers, pages = workers - share, pages - need.pages
    return share


def part_of(idle: int, own: float, every: Collection[float]) -> int:
    """How many of the workers that are idle shall take over from a piece with `own` pages left, of a list whose pieces
    have `every`: its part of them. Only that of the longest is rounded up, so that few cuts make even pieces."""
    if idle < 1 or not own:
        return 0
    fair = idle * own / sum(every)
    return math.ceil(fair) if own >= max(every) else int(fair)


@dataclass
class Trust:
    """How many pieces of a list may be handed out before it is known what is in them.

    A piece has cost a request for nothing if it turns out to hold no more than a page. One request may be wasted in the
    first thirty pages, and then one more for every eighth; how much of that a new piece takes is judged by those before
    it: all of a request at first, ever less while they prove to hold more. So all workers have something to do after a
    few pages of a list that goes on and on, and a short one costs a request beside its pages; three, where bursts of
    rows deceive those who judge.
    """

    pages: int = 0
    given: int = 0
    judged: int = 0
    proved: int = 0
    wasted: int = 0

    def came(self, *, rows: bool, more: bool, first: bool) -> None:
        """A page came, with rows or without, more behind it or not; the first of a piece that was given, or another."""
        self.pages += 1
        self.judged += first
        self.proved += first and more
        # What a reader kept may turn out empty as well.
        self.wasted += not more if first else not rows

    @property
    def pieces(self) -> int:
        """How many more pieces may be handed out now."""
        risk = (self.wasted + 1) / (self.wasted + self.proved + 1)
        to_waste = 1 + max(0, self.pages - _FIRST_PAGES) / _PAGES_A_WASTE - self.wasted
        return max(0, int(to_waste / risk**_TRUSTING) - (self.given - self.judged))
