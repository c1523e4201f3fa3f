"""Splitting: where a range is cut while it is read, and how many idle workers a list gets. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from source_stripe.api.ranges import PageSpan, Range

_PAGES_A_PIECE = 12
"""A piece shorter than this wastes too much: each ends in a page that is half empty."""
_PAGES_AT_THE_END = 1
"""But where the end of a long list is near, that waste is little beside the waiting of workers that have nothing to
do."""
_LONG = 100
"""Pages."""

_FORESIGHT = 24
"""A list is taken to go on as densely for so many times as many pages as were read of it, and no further."""
_GAPS = 100 / 99
"""A page of a hundred rows lies between ninety-nine of the gaps of time between them."""

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


@dataclass(frozen=True)
class Ahead:
    """What a reader has before it, as far as can be foreseen: so many seconds, and how many of them make a page."""

    seconds: float
    seconds_a_page: float

    @property
    def pages(self) -> float:
        return self.seconds / self.seconds_a_page


def foresee(being_read: Range, page: PageSpan, *, read: int, birth: int = 0) -> Ahead:
    """What is left behind a page of a list of which `read` pages were read; hardly anything is older than `birth`."""
    bottom = birth if being_read.start < birth < page.oldest else being_read.start
    seconds_a_page = max(page.newest - page.oldest, 1) * _GAPS
    return Ahead(min(page.oldest - bottom, _FORESIGHT * read * seconds_a_page), seconds_a_page)


def shortest_piece(read: int, *, ending: bool) -> int:
    """How many pages are worth a piece of their own, of a list of which `read` pages were read.

    `ending` where it has fewer readers than fill its rate budget, and is about to have none.
    """
    return _PAGES_AT_THE_END if ending and read >= _LONG else _PAGES_A_PIECE


def split(being_read: Range, oldest: int, ahead: Ahead, *, others: int, shortest: int) -> tuple[Range, list[Range]]:
    """What the reader keeps of its range, behind a page that ended in second `oldest`, and the pieces for `others`.

    The reader goes on by cursor, so that a cut costs no request by itself. What can be foreseen before that second is
    cut into equal pieces of whole pages, none of fewer than `shortest`, so that a list that goes on as evenly leaves no
    page half empty. The reader keeps the newest; the oldest has all that lies beyond. So where a list turns out to be
    dense in a few hours only, one piece is empty, and the next cuts fall into those hours.
    """
    pieces = min(others + 1, int(ahead.pages / shortest))
    if pieces < 2:
        return being_read, []
    each = ahead.pages // pieces * ahead.seconds_a_page
    cuts = [being_read.start, *(int(oldest - each * n) for n in range(pieces - 1, 0, -1))]
    handed_out = [Range(start, end) for start, end in pairwise(cuts)]
    return replace(being_read, start=cuts[-1]), handed_out[::-1]
