"""Splitting: where a range is split while it is read, and how many idle workers a list gets. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from source_stripe.api.ranges import PageSpan, Range

_PAGES_A_PIECE = 12
"""Pages of a piece at least. Each piece ends in a page that is half empty on average; shorter ones waste too much. See
docs/design/reading-and-splitting.md, "Pieces"."""
_PAGES_AT_THE_END = 1
"""Near the end of a long list pieces may be as short as this: idle workers would waste more than half a page. See
docs/design/reading-and-splitting.md, "Pieces"."""
_LONG = 100
"""Pages of a list that counts as long. See docs/design/reading-and-splitting.md, "Pieces"."""

_FORESIGHT = 24
"""What lies behind a page is taken to be as dense as it, for so many times the pages that were read so far. See
docs/design/reading-and-splitting.md, "Foresight"."""
_GAPS = 100 / 99
"""A page of a hundred rows spans ninety-nine gaps between rows, and stands for a hundred. See
docs/design/reading-and-splitting.md, "Foresight"."""

_FIRST_PAGES = 30
"""Pages of a list in which one request may be wasted. See docs/design/reading-and-splitting.md, "Trust"."""
_PAGES_A_WASTE = 8
"""Pages behind those for each further request that may be wasted. See docs/design/reading-and-splitting.md, "Trust"."""
_TRUSTING = 1.5
"""An exponent. With 1.0 the readers of a list double after each round of answers, with 1.5 they triple. See
docs/design/reading-and-splitting.md, "Trust"."""


@dataclass(frozen=True)
class Need:
    """Why a list needs workers: its pages left, as far as can be foreseen, and the most workers that it can use."""

    pages: int
    most: int


def fair_share(workers: int, own: Need, others: Collection[Need]) -> int:
    """How many of all workers the list of `own` should have: by its pages left, and no more than it can use.

    So all lists end at about the same time. A last list alone could only fill its endpoint's budget, and would leave
    most of the account's unused.
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
    """How many of the idle workers take over from a piece with `own` pages left, where all pieces of the list have
    `every`: in proportion. Only the longest piece rounds up, so that few splits make even pieces."""
    if idle < 1 or not own:
        return 0
    fair = idle * own / sum(every)
    return math.ceil(fair) if own >= max(every) else int(fair)


@dataclass
class Trust:
    """How many pieces of a list may be handed out before their first pages have come.

    A piece that holds no more than a page has wasted a request. One may be wasted in the first thirty pages, and one
    more for every eight pages behind those. A new piece counts as a whole wasted request at first, and as ever less of
    one while the pieces before it prove to hold more. So a long list has all workers after a few pages. A short one
    costs one request more than it has pages, or three where its rows come in bursts.
    """

    pages: int = 0
    """Pages of the list that came."""
    given: int = 0
    """Pieces that were handed out."""
    judged: int = 0
    """Those whose first page has come."""
    proved: int = 0
    """Those that hold more than a page."""
    wasted: int = 0
    """First pages of pieces with nothing behind them, and other pages without rows."""

    def came(self, *, rows: bool, more: bool, first: bool) -> None:
        """Take in a page, with rows or without, with more behind it or not. `first`: that of a handed-out piece."""
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
    """What a reader has left, as far as can be foreseen: seconds of `created`, and how many of them make a page."""

    seconds: float
    seconds_a_page: float

    @property
    def pages(self) -> float:
        return self.seconds / self.seconds_a_page


def foresee(being_read: Range, page: PageSpan, *, read: int, birth: int = 0) -> Ahead:
    """What is left behind a page of a list of which `read` pages were read.

    Hardly anything is older than `birth`, the account's (Unix seconds).
    """
    bottom = birth if being_read.start < birth < page.oldest else being_read.start
    seconds_a_page = max(page.newest - page.oldest, 1) * _GAPS
    return Ahead(min(page.oldest - bottom, _FORESIGHT * read * seconds_a_page), seconds_a_page)


def shortest_piece(read: int, *, ending: bool) -> int:
    """The fewest pages of a piece, of a list of which `read` pages were read.

    `ending` where the list has fewer readers than its fair share: its end is near.
    """
    return _PAGES_AT_THE_END if ending and read >= _LONG else _PAGES_A_PIECE


def split(being_read: Range, oldest: int, ahead: Ahead, *, others: int, shortest: int) -> tuple[Range, list[Range]]:
    """What the reader keeps of its range behind a page that ended in second `oldest`, and the pieces for `others`.

    The reader goes on by cursor, so that a split costs no request by itself. What can be foreseen is split into equal
    pieces of whole pages, of at least `shortest`: if the list goes on as densely, no page is half empty. The reader
    keeps the newest piece, and the oldest has all that lies beyond. So where a list is dense in a few hours only, one
    piece is empty, and the next splits fall into those hours.
    """
    pieces = min(others + 1, int(ahead.pages / shortest))
    if pieces < 2:
        return being_read, []
    each = ahead.pages // pieces * ahead.seconds_a_page
    cuts = [being_read.start, *(int(oldest - each * n) for n in range(pieces - 1, 0, -1))]
    handed_out = [Range(start, end) for start, end in pairwise(cuts)]
    return replace(being_read, start=cuts[-1]), handed_out[::-1]
