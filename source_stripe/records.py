"""Records: what a stream makes of the rows of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from source_stripe.listing import Listing, unix_seconds
from source_stripe.pages import OneObject, Row

Facts = Callable[[], Mapping[str, Any]]
"""What the sync knows: `account_id`, and `read_at`, Stripe's time (Unix seconds) as it began."""


class Projection(Protocol):
    """What a stream makes of a listed row."""

    @property
    def costly(self) -> bool:
        """Whether it asks Stripe for every row; idle workers then take some of the rows over."""

    def records(self, row: Row) -> Iterable[Row]:
        """The stream's records of a row."""


@dataclass(frozen=True)
class Finish:
    """What a stream adds to each of its records.

    A stream with the cursor `updated` gets it from us: the Stripe time (Unix seconds) of the last change that we know
    of, at first that of the creation. `adds` names facts of the sync that the objects lack.
    """

    cursor: str | None
    facts: Facts
    adds: tuple[str, ...] = ()
    time_field: str = "created"

    def record(self, row: Row, updated: int | None = None) -> Row:
        if self.cursor == "updated":
            created = unix_seconds(row.get(self.time_field))
            known = updated if updated is not None else created
            row["updated"] = known if known is not None else self.facts()["read_at"]
        if self.cursor is not None and self.cursor != "created":
            row["is_deleted"] = False
        for name in self.adds:
            row[name] = self.facts()[name]
        return row


@dataclass(frozen=True)
class Itself:
    """The row is the record."""

    finish: Finish
    costly: bool = False

    def records(self, row: Row) -> Iterator[Row]:
        yield self.finish.record(row)


@dataclass(frozen=True)
class Fetched:
    """The list leaves fields out: each row is got by its id, with what `asked` includes."""

    listing: Listing
    asked: tuple[tuple[str, str], ...]
    finish: Finish
    costly: bool = True

    def records(self, row: Row) -> Iterator[Row]:
        whole = self.listing.requester.get(self.listing.path, self.asked, version=self.listing.version, id=row["id"])
        yield self.finish.record(dict(whole.body))


@dataclass(frozen=True)
class FromEvents:
    """For objects that Stripe lists nowhere: as the newest event of each shows them. Events come newest first."""

    objects: frozenset[str]
    finish: Finish
    costly: bool = False
    _seen: set[str] = field(default_factory=set)

    def records(self, row: Row) -> Iterator[Row]:
        shown = row["data"]["object"]
        if shown.get("object") in self.objects and shown["id"] not in self._seen:
            self._seen.add(shown["id"])
            record = self.finish.record(shown, updated=row["created"])
            record["is_deleted"] = row["type"].endswith(".deleted")
            yield record


def one_object(listing: Listing) -> bool:
    """Whether a listing is no list but a single object."""
    return isinstance(listing.paging, OneObject)
