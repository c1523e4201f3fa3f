"""Pieces of a stream's work: what one worker reads at a time. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from source_stripe.api.pages import Page
from source_stripe.api.ranges import Range
from source_stripe.api.values import Params, Row
from source_stripe.objects.events import ChangedParent
from source_stripe.objects.ledger import Change
from source_stripe.objects.records import Known


@dataclass(frozen=True)
class ListPiece:
    """A part of a list: which of the stream's lists, asked for with what, created when (any time if None)."""

    route: int = 0
    asked: Params = ()
    created: Range | None = None
    expects: bool = False
    """Whether the objects that were born in the range, by their events, have to be in it."""
    due: bool = False
    """Whether it is listed for rows that were open: no other rows of it are wanted."""
    birth: int = field(default=0, compare=False)
    """The account's (Unix seconds): hardly anything is older, which matters only to how the piece is cut."""
    behind: Page | None = field(default=None, compare=False)
    """The page that was read before: the piece goes on there. None where it begins at its top."""


@dataclass(frozen=True)
class SparsePiece:
    """Ranges of a list that hold rows which were open, oldest first. What lies between them is not listed, where a page
    does not bring it anyway."""

    route: int
    asked: Params
    ranges: tuple[Range, ...]


@dataclass(frozen=True)
class RowsPiece:
    """Rows of a list piece that its reader left to others: each still costs requests."""

    route: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ChangedPiece:
    """Objects that changed, to be read again. `asked` is how a list is asked for them; None if no list shows them."""

    route: int
    changes: Sequence[Change]
    asked: Params | None = None


@dataclass(frozen=True)
class ParentsPiece:
    """Parents whose children changed."""

    route: int
    parents: tuple[ChangedParent, ...]


ListedPiece = ListPiece | SparsePiece
"""What a reading checkpoints."""
Piece = ListedPiece | RowsPiece | ChangedPiece | ParentsPiece


@dataclass(frozen=True)
class Phase:
    """Pieces that may be read at the same time, and what is known before the first of them is read."""

    pieces: Sequence[Piece]
    known: Known
    state_first: bool = False
    """Whether the state goes out before any row, as where a back-fill begins. A sync that is killed before its first
    checkpoint then has a watermark: the next one knows since when to look for changes and deletions."""
    beside: tuple[Phase, ...] = ()
    """Those of other lists, with what is known of their objects. Their pieces may be read at the same time too."""
