"""Records: what a stream makes of the rows of a list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from airbyte_cdk.sources.types import Record
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.errors import StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import the_object
from source_stripe.api.ranges import Range
from source_stripe.api.refusals import Refused, is_gone
from source_stripe.api.values import Params, Row, unix_seconds
from source_stripe.objects.ledger import ById, Change

logger = logging.getLogger("airbyte.stripe")

Facts = Callable[[], Mapping[str, Any]]
"""What the sync knows: `account_id`, and `read_at`, Stripe's time (Unix seconds) as it began."""


@dataclass(frozen=True)
class Known:
    """What a sync knows of a stream's objects beside their rows, before it reads those rows."""

    changed: Mapping[str, Change] = field(default_factory=dict)
    """What happened last to each object, by its id."""
    born: ById = field(default_factory=ById.none)
    """The objects that were created since the last sync, by their events."""
    floor: int | None = None
    """Objects may have changed until then (Unix seconds) without an event: no row counts as older, as it has to replace
    what a sync before has written."""
    children: Range | None = None
    """Only children created in this range are wanted; all if None."""
    again: tuple[str, ...] = ()
    """Objects that earlier syncs were refused, by id: the destination may lack what happened to them since."""
    changed_elsewhere: bool = False
    """Whether the rows of `changed` come from other pieces: they are left out here, so that none comes twice."""
    rows_only: bool = False
    """Whether children that cost requests are not wanted: the rows are read again, but no event says that those have
    changed."""
    children_again: Range | None = None
    """Of the children of those objects, the ones created in this range are wanted; all if None."""
    first: bool = False
    """Whether no row of the stream was emitted before: lists may be asked for all that filters say."""

    def brings(self, row: Row) -> bool:
        """Whether a row is to be emitted here, where changed ones come elsewhere."""
        return row.get("id") not in self.changed

    def children_of(self, parent_id: str) -> Range | None:
        """The range of `created` in which a parent's children are wanted; None if all are."""
        return self.children_again if parent_id in self.again else self.children

    def updated(self, object_id: str, created: int | None) -> int | None:
        """When an object changed last (Unix seconds), so far as known. None if unknown: then it counts as changed when
        it was read.

        An object that doesn't say when it was created has no floor: an interrupted sync may already have written a
        later time, when it read the object.
        """
        change = self.changed.get(object_id)
        if change is None and (created is None or self.floor is None):
            return created
        times = (created, change.time if change else None, self.floor)
        return max((time for time in times if time is not None), default=None)


class Projection(Protocol):
    """What a stream makes of a row of its list. Called by every thread that reads a piece of the stream.

    Where it makes requests it raises StripeError, MalformedPage or MalformedObject.
    """

    def costs(self, row: Row) -> bool:
        """Whether the row's records cost requests; idle workers then take some of the rows over."""

    def records(self, row: Row, updated: int | None, known: Known) -> Iterable[Row]:
        """The stream's records of a row. `updated` is when it changed last (Unix seconds), None if that is unknown."""

    def tombstones(self, change: Change) -> Iterable[Row]:
        """The stream's records of an object that is gone."""


@dataclass(frozen=True)
class Finish:
    """What a stream adds to each of its records.

    The cursor `updated` is the Stripe time (Unix seconds) of the last known change; at first, of the creation. An
    object may have an `updated` of its own: then the later of the two counts. `adds` names facts of the sync that the
    objects lack; `leaves_out` fields that the records lack.
    """

    cursor: str | None
    facts: Facts
    adds: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()

    def record(self, row: Row, updated: int | None, *, deleted: bool = False) -> Row:
        if self.cursor == "updated":
            ours = self.facts()["read_at"] if updated is None else updated
            row["updated"] = max(ours, unix_seconds(row.get("updated")) or ours)
        if deleted or self.cursor not in (None, "created"):
            row["is_deleted"] = deleted
        for name in self.adds:
            row[name] = self.facts()[name]
        for name in self.leaves_out:
            row.pop(name, None)
        return row


@dataclass(frozen=True)
class Itself:
    """The row is the record."""

    finish: Finish
    kind: str = ""
    """Its `object`."""

    def costs(self, row: Row) -> bool:
        return False

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        yield self.finish.record(row, updated)

    def tombstones(self, change: Change) -> Iterator[Row]:
        yield self.finish.record(tombstone(change, self.kind), change.time, deleted=True)


@dataclass(frozen=True)
class Fetched(Itself):
    """The list leaves fields out, so each row is got by its id, with what `asked` includes.

    A row that is gone by then makes a tombstone.
    """

    listing: Listing = field(kw_only=True)
    asked: Params = field(kw_only=True)

    def costs(self, row: Row) -> bool:
        return True

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        listing = self.listing
        try:
            whole = listing.requester.get(listing.path, self.asked, version=listing.version, id=row["id"])
        except StripeError as error:
            if not is_gone(error, row["id"], self.kind):
                raise
            yield self.finish.record(row, updated, deleted=True)
        else:
            yield self.finish.record(the_object(whole.body, listing.path, {self.kind}, row["id"]), updated)


@dataclass(frozen=True)
class FromEvents:
    """For objects that Stripe lists nowhere: as the newest event of each shows them. Events come newest first."""

    finish: Finish
    _seen: set[str] = field(default_factory=set)

    def costs(self, row: Row) -> bool:
        return False

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        shown = (row.get("data") or {}).get("object") or {}
        object_id = shown.get("id")
        if not object_id:
            logger.warning(
                "An event is left out, as it does not say what it is about: %s, %s.", row["type"], row.get("id")
            )
        elif object_id not in self._seen:
            self._seen.add(object_id)
            yield self.finish.record(shown, row["created"], deleted=row["type"].endswith(".deleted"))

    def tombstones(self, change: Change) -> tuple[()]:
        return ()


@dataclass(frozen=True)
class Taken:
    """The rows are events. They make no records; `take` takes them in."""

    take: Callable[[Row], None]

    def costs(self, row: Row) -> bool:
        return False

    def records(self, row: Row, updated: int | None, known: Known) -> tuple[()]:
        self.take(row)
        return ()

    def tombstones(self, change: Change) -> tuple[()]:
        return ()


@dataclass(frozen=True)
class Several:
    """Several streams that are read from one list: a parent and its children.

    A stream that fails leaves the others alone. So does a refusal of what only one of them needs, such as a list of an
    object. An object that is itself refused is missing in all of them. Each one's state carries its id, so that each
    can go on by itself.
    """

    streams: Sequence[tuple[str, Projection]]
    refused: Mapping[str, Refused]
    """By stream."""
    failures: dict[str, AirbyteTracedException] = field(default_factory=dict)
    """Why a stream could not be read any further."""

    def costs(self, row: Row) -> bool:
        return any(projection.costs(row) for stream, projection in self.streams if stream not in self.failures)

    def records(self, row: Row, updated: int | None, known: Known) -> Iterator[Row]:
        object_id = str(row.get("id", ""))
        yield from self._each(object_id, lambda projection: projection.records(row, updated, known))

    def tombstones(self, change: Change) -> Iterator[Row]:
        yield from self._each(change.id, lambda projection: projection.tombstones(change))

    def refuse(self, object_id: str, failure: StreamFailure) -> None:
        """Leave this object out of all of the streams. Raises the failure where it is not about the object alone."""
        for stream, _ in self.streams:
            if stream not in self.failures:
                try:
                    self.refused[stream].put_down(object_id, failure)
                except AirbyteTracedException as ending:
                    self._end(stream, ending)

    def _each(self, object_id: str, records: Callable[[Projection], Iterable[Row]]) -> Iterator[Row]:
        for stream, projection in self.streams:
            if stream in self.failures:
                continue
            try:
                try:
                    yield from (_of(stream, record) for record in records(projection))
                except StreamFailure as failure:
                    self.refused[stream].put_down(object_id, failure)
            except AirbyteTracedException as ending:
                self._end(stream, ending)

    def _end(self, stream: str, failure: AirbyteTracedException) -> None:
        """A failure ends this stream; raises it if it was the last one."""
        if isinstance(failure, StreamFailure):
            failure.concerns(stream)
        self.failures[stream] = failure
        if len(self.failures) == len(self.streams):
            raise failure


def tombstone(change: Change, kind: str) -> Row:
    """The row of a deleted object: as the event of its deletion shows it, or what is known of it."""
    row: Row = {"id": change.id, "object": kind}
    if change.created is not None:
        row["created"] = change.created
    return {**row, **change.shown}


def _of(stream: str, record: Row) -> Row:
    """A record with its stream: the CDK takes it for that one, whichever stream's partition brought it."""
    tagged: Any = Record(data=record, stream_name=stream)
    return tagged  # type: ignore[no-any-return]
