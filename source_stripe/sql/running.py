"""Running: what is asked for each table of a question, once it is known what others of it hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import pyarrow as pa

from source_stripe.api.ranges import PageSpan
from source_stripe.api.values import Row
from source_stripe.catalog.several_accounts import ACCOUNT_COLUMN
from source_stripe.sql.arrow_types import Columns, type_of
from source_stripe.sql.asks import MOST_AT_ONCE, Ask, asks_of, paths_to_ask_by
from source_stripe.sql.bounds import Bounds, Values, both
from source_stripe.sql.engine import Engine
from source_stripe.sql.estimates import FIRST_ACCOUNT, Seen
from source_stripe.sql.feeds import Feed
from source_stripe.sql.metering import Meter
from source_stripe.sql.newest import Descent, Newest
from source_stripe.sql.places import Places
from source_stripe.sql.planning import Keys, Plan, Scan
from source_stripe.sql.readers import Readers
from source_stripe.sql.reading import Chunk, IsThrough

_LOOKED_AT = 10
"""Pages that are read before it is judged how many more there are. See docs/design/sql.md, "Two hundred pages"."""


@dataclass
class Reading:
    """What is read for a scan."""

    scan: Scan
    readers: Readers
    columns: Columns
    asks: tuple[Ask, ...]
    engine: Engine
    last: Chunk | None = None
    """The last page that came."""
    newest: int | None = None
    """When the newest row of its account's first page was created (Unix seconds), where another page followed it."""
    pages: int = 0
    """Of its account."""
    accounts: int = 0
    """How many accounts pages came from."""
    all_pages: int = 0
    narrowed: bool = False
    """Whether the values of another scan say what is asked for."""

    @property
    def is_narrow(self) -> bool:
        """Whether few rows come, as far as can be known."""
        return self.narrowed or self.scan.newest is not None or all(ask.is_narrow for ask in self.asks)

    def narrow(self, asks: tuple[Ask, ...]) -> None:
        """Ask for something else than at first."""
        self.asks, self.narrowed = asks, True
        self.last, self.newest, self.pages, self.accounts, self.all_pages = None, None, 0, 0, 0

    @property
    def in_each(self) -> int:
        """How much is asked for in one account."""
        return max(Counter(ask.account for ask in self.asks).values(), default=0)

    @property
    def least(self) -> int:
        """The requests that it takes at least."""
        return self.in_each * self.readers.number(self.asks)

    def elsewhere(self, here: int) -> int:
        """About how many pages the accounts have that are still to come, if so many are still to come in this one."""
        left = self.readers.number(self.asks) - self.accounts
        return math.ceil((self.all_pages + here) / self.accounts * left) if self.accounts and left > 0 else 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        newest = self.scan.newest
        judge = None if newest is None else partial(self._judge, newest)
        for chunk in self.readers.chunks(self.asks, judge):
            if self.last is None or self.last.account != chunk.account:
                self.newest, self.pages, self.accounts = None, 0, self.accounts + 1
            self.all_pages += 1
            if self.pages == 0 and chunk.span is not None:
                self.newest = chunk.span.newest
            self.pages += 1
            self.last = replace(chunk, rows=[])
            yield self.columns.batch(chunk.rows)

    def _judge(self, newest: Newest) -> IsThrough:
        descent = Descent(newest.rows)
        time_field = self.scan.table.row.time_field

        def is_through(rows: list[Row]) -> bool:
            meet = self.engine.meets(self.columns.batch(rows), newest.called, newest.where)
            return descent.is_through([row.get(time_field) for row in rows], meet)

        return is_through


@dataclass
class Run:
    """One question while it is answered. Its feeds are what DuckDB reads."""

    plan: Plan
    places: Places
    engine: Engine
    meter: Meter
    start: int
    _readings: dict[int, Reading] = field(default_factory=dict)
    _feeds: dict[int, Feed] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Feed]:
        return iter([*self._feeds.values()])

    def prepare(self) -> None:
        """Decide what is asked for each scan, and let DuckDB read them. Raises what a reading raises."""
        for scan in self.plan.scans:
            self._readings[scan.number] = self._reading(scan)
        for scan in self.plan.scans:
            self._resolve(scan, ())
        self._foresee()

    def _reading(self, scan: Scan) -> Reading:
        readers = Readers(scan.table, frozenset(scan.columns), self.places, self.start)
        return Reading(scan, readers, columns_of(scan), asks_of(scan.table, scan.bounds), self.engine)

    def _resolve(self, scan: Scan, waiting: Sequence[int]) -> None:
        """Decide about a scan, after those whose values may narrow it. `waiting` are those that wait for it."""
        if scan.number in self._feeds:
            return
        reading = self._readings[scan.number]
        for keys in self._in_order(scan):
            if reading.is_narrow:
                break
            if keys.other in waiting:
                continue
            self._resolve(self.plan.scans[keys.other], (*waiting, scan.number))
            self._narrow(reading, keys)
        if scan.number not in self._feeds:
            self._offer(scan.number, self._alike(reading) or Feed(reading.columns.schema, reading.batches))

    def _in_order(self, scan: Scan) -> list[Keys]:
        """The keys that a scan can be narrowed by, those first that leave the fewest rows."""
        usable = (
            keys
            for keys in scan.keys
            if keys.path in paths_to_ask_by(scan.table, in_one=keys.with_accounts or not self.places.several)
        )
        return sorted(usable, key=lambda keys: (keys.path == ACCOUNT_COLUMN, not keys.with_accounts))

    def _offer(self, number: int, feed: Feed) -> None:
        self._feeds[number] = feed
        self.engine.register(self.plan.scans[number].name, feed)

    def _alike(self, reading: Reading) -> Feed | None:
        """The feed of another scan that asks the same."""
        for number, feed in self._feeds.items():
            other = self._readings[number]
            same = (other.scan.table.name, other.asks) == (reading.scan.table.name, reading.asks)
            if same and other.scan.newest == reading.scan.newest:
                feed.kept = True
                return feed
        return None

    def _narrow(self, reading: Reading, keys: Keys) -> None:
        """Ask for a scan by the values that another one has, where that is cheaper than the list."""
        other = self._readings[keys.other]
        few = other.is_narrow or keys.is_needed_whole or (bool(other.scan.bounds) and self.plan.reads_all)
        if keys.other not in self._feeds or not few:
            return
        self._feeds[keys.other].kept = True
        values = self._values(keys)
        if values is None:
            return
        scan, lists = reading.scan, 1
        found = self._bounds(keys, values)
        asks = tuple(ask for each in found for ask in asks_of(scan.table, both(scan.bounds, each)))
        if len(asks) > 1 and keys.path != ACCOUNT_COLUMN:
            if keys.with_accounts:
                # Otherwise the list of each of these accounts is read.
                accounts = Values(frozenset(account for _, account in values))
                reading.narrow(asks_of(scan.table, both(scan.bounds, {ACCOUNT_COLUMN: accounts})))
                lists = len(reading.asks)
            self._offer(scan.number, Feed(reading.columns.schema, reading.batches))
            self._feeds[scan.number].begin(1)
            if self._most_pages(reading, len(asks)) * lists <= len(asks):
                return
            del self._feeds[scan.number]
        reading.narrow(asks)

    def _values(self, keys: Keys) -> list[tuple[str, ...]] | None:
        """The values that narrow a scan, perhaps each with an account; None where they are too many, or no ids."""
        found = self.engine.rows(f"SELECT DISTINCT * FROM ({keys.values}) LIMIT {MOST_AT_ONCE + 2}")  # noqa: S608
        values = [row for row in found if None not in row]
        return values if len(values) <= MOST_AT_ONCE and all(isinstance(each, str) for each in chain(*values)) else None

    def _bounds(self, keys: Keys, values: Sequence[tuple[str, ...]]) -> list[Bounds]:
        """What rows of a scan have to be, where they have to have one of these values."""
        if keys.path == ACCOUNT_COLUMN:
            # Other values may name accounts that the config does not.
            return [{keys.path: Values(frozenset(value for (value,) in values if self.places.has(value)))}]
        if not keys.with_accounts:
            return [{keys.path: Values(frozenset(value for (value,) in values))}]
        of_accounts: dict[str, set[str]] = {}
        for value, account in values:
            of_accounts.setdefault(account, set()).add(value)
        return [
            {keys.path: Values(frozenset(own)), ACCOUNT_COLUMN: Values(frozenset({account}))}
            for account, own in of_accounts.items()
            if self.places.has(account)
        ]

    def _foresee(self) -> None:
        """Ask the user about a question that reads more than is read without asking, where its first pages say so."""
        if not self.plan.reads_all or self.meter.limit is None:
            return
        feeds = {id(feed): (number, feed) for number, feed in self._feeds.items()}
        requests = self.meter.requests
        for number, feed in feeds.values():
            reading = self._readings[number]
            least = reading.least
            if reading.scan.newest is None and any(ask.object_id is None for ask in reading.asks):
                if self.places.several:
                    self.meter.foresee(requests + least)
                feed.begin(_LOOKED_AT)
                here = self._pages(reading) * reading.in_each
                requests += here + reading.elsewhere(here)
            else:
                requests += least
        self.meter.foresee(requests)

    def _pages(self, reading: Reading) -> int:
        """About how many pages of a list are left, of which some came."""
        limit = self.meter.limit or 0
        most = self._most_pages(reading, limit)
        if most <= limit:
            return most
        return self._seen(reading, born=True).looked_at(partial(reading.readers.page_before, reading.asks[0]))

    def _most_pages(self, reading: Reading, enough: int) -> int:
        """The same, were the rest as dense as what came. Whether it is more than enough may take the account's age."""
        last = reading.last
        if last is None or last.ends_list or last.span is None or reading.newest is None:
            return 0
        most = self._seen(reading, born=False).at_most()
        return most if most <= enough else self._seen(reading, born=True).at_most()

    def _seen(self, reading: Reading, *, born: bool) -> Seen:
        ask, span = reading.asks[0], reading.last.span if reading.last else None
        low = reading.readers.since(ask)
        birth = (reading.readers.birth if born else None) or FIRST_ACCOUNT
        if span is None or reading.newest is None:
            raise TypeError("nothing was seen of a list")
        return Seen(PageSpan(reading.newest, span.oldest), reading.pages, max(low, birth))


def columns_of(scan: Scan) -> Columns:
    """The columns of a scan as Arrow has them."""
    columns = scan.table.columns
    return Columns(scan.table.name, {name: type_of(columns[name]) for name in scan.columns})
