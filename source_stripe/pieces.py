"""Pieces of a stream's work: what one worker reads at a time. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from source_stripe.ledger import Change
from source_stripe.pages import Row
from source_stripe.ranges import Range
from source_stripe.requester import Params


@dataclass(frozen=True)
class ListPiece:
    """A part of a list: which of the stream's lists, asked for with what, created when (any time if None)."""

    route: int = 0
    asked: Params = ()
    created: Range | None = None
    expects: bool = False
    """Whether the objects that were born in the range, by their events, have to be in it."""
    birth: int = field(default=0, compare=False)
    """The account's (Unix seconds): hardly anything is older, which matters only to how the piece is cut."""


@dataclass(frozen=True)
class RowsPiece:
    """Rows of a list piece that its reader left to others: each still costs requests."""

    of: int
    """The number of the list piece, or of the part of it that they stand in."""
    route: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ChangedPiece:
    """Objects that changed, to be read again. `asked` is how a list is asked for them; None if no list shows them."""

    route: int
    changes: Sequence[Change]
    asked: Params | None = None


@dataclass(frozen=True)
class ChangedParent:
    """A parent, and what events name of its children."""

    id: str
    children: tuple[Change, ...]
    since: int = 0
    """When its children may have changed at last without an event that is known (Unix seconds)."""

    @property
    def time(self) -> int:
        """That of the newest event (Unix seconds)."""
        return max((self.since, *(change.time for change in self.children)))


@dataclass(frozen=True)
class ParentsPiece:
    """Parents whose children changed."""

    route: int
    parents: tuple[ChangedParent, ...]


Piece = ListPiece | RowsPiece | ChangedPiece | ParentsPiece
