"""A connection as a platform runs it: syncs go on from the state that came out last, rows go to a small destination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from integration_tests.connector import Json
from integration_tests.syncing import Sync, sync
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of
from stripe_emulator import StripeEmulator
from unit_tests.output import Output

Key = tuple[Any, ...]


@cache
def stream_rows() -> Mapping[str, StreamRow]:
    """The manifest's rows, by the names of their streams."""
    return Manifest.load().rows


@dataclass
class Connection:
    """What is kept between syncs. Nothing of a sync is lost that came out of it, whether or not it was killed."""

    streams: Sequence[str]
    states: dict[str, Json] = field(default_factory=dict)
    """The last state message of each stream."""
    _rows: dict[str, dict[Key, Json]] = field(default_factory=dict)

    def take(self, output: Output) -> None:
        """What a destination in append-and-dedup mode keeps: per primary key the row with the highest cursor, of equal
        ones the one that was extracted later."""
        for message in output.messages:
            if message["type"] == "RECORD":
                self._take_row(message["record"]["stream"], message["record"]["data"])
        for state in output.state_messages:
            self.states[state["stream"]["stream_descriptor"]["name"]] = state

    def newest(self, stream: str) -> Iterable[Json]:
        """The newest row of each key, tombstones too."""
        return self._rows.get(stream, {}).values()

    def table(self, stream: str) -> dict[Key, Json]:
        """The rows of a stream by primary key, without tombstones."""
        return {key: row for key, row in self._rows.get(stream, {}).items() if not row.get("is_deleted")}

    def current(self, stream: str) -> dict[Key, Json]:
        """Those rows without the ones that left a parent and got no tombstone: rows of one parent come as a set, and a
        deleted parent has none (docs/how-it-works.md, "Rows that belong to others")."""
        about, rows = stream_rows()[stream], self.table(stream)
        if about.parent is None:
            return rows
        owner = str(about.parent.id_field)
        of_parents = self._rows.get(about.parent.stream, {})
        deleted = {key[0] for key, row in of_parents.items() if row.get("is_deleted")}
        there = {key: row for key, row in rows.items() if row[owner] not in deleted}
        if plan_of(about, stream_rows()).set_of is None:
            return there
        newest: dict[str, int] = {}
        for row in there.values():
            newest[row[owner]] = max(newest.get(row[owner], 0), row[str(about.cursor)])
        return {key: row for key, row in there.items() if row[str(about.cursor)] == newest[row[owner]]}

    def forget(self, stream: str, keys: Iterable[Key]) -> None:
        """What a user clears."""
        for key in keys:
            del self._rows[stream][key]

    def watermark(self, stream: str) -> int | None:
        """Up to when a stream is complete, by its state; None before the first state."""
        state = self.states.get(stream)
        cursor = stream_rows()[stream].cursor
        return None if state is None or cursor is None else int(state["stream"]["stream_state"][cursor])

    def _take_row(self, stream: str, row: Json) -> None:
        about = stream_rows()[stream]
        rows = self._rows.setdefault(stream, {})
        key = tuple(row[name] for name in about.primary_key)
        known = rows.get(key)
        if known is None or about.cursor is None or row[about.cursor] >= known[about.cursor]:
            rows[key] = row


def sync_on(emulator: StripeEmulator, connection: Connection, *, after: int = 0, **options: Any) -> Sync:
    """The next sync of a connection, so many seconds later. Forgets the requests of the last one."""
    emulator.clock.advance(after)
    emulator.requests.clear()
    done = sync(emulator, connection.streams, [*connection.states.values()], **options)
    connection.take(done.output)
    return done


def synced(emulator: StripeEmulator, connection: Connection, *, after: int = 1_800, **options: Any) -> Sync:
    """The same, of a sync that goes well; at first longer after the last one than events come late."""
    done = sync_on(emulator, connection, after=after, **options)
    assert done.code == 0, done.output.errors
    return done
