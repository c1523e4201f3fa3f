"""check: asks for one row of each list that streams are read from, and says which of them the key can't read, and why.

A list of children needs the id of a parent, so only the parents' list is asked for.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

from source_stripe.api.errors import Outcome, StreamFailure, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import NextPageUrl, Paging, StartingAfter
from source_stripe.api.values import Params
from source_stripe.catalog.config import KEYS_PAGE, Config
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.sync_plan import plan_of
from source_stripe.objects.children import Children
from source_stripe.process.failures import listed
from source_stripe.routes import Routes

_IN_VAIN = (Outcome.RETRY, Outcome.KEY_REFUSED)
"""After one of these, any other request would get the same answer."""
_TOLD_TOGETHER = (Outcome.PERMISSION_MISSING, Outcome.NOT_ENABLED)
_SHOWN = 3
"""How many of one kind a dialog shows."""


@dataclass(frozen=True)
class Probe:
    """A request for one row of a list."""

    listing: Listing
    asked: Params
    streams: tuple[str, ...] = ()
    """The streams whose rows come from it."""
    followers: tuple[str, ...] = ()
    """The streams whose changes it tells of: /v1/events."""

    def ask(self) -> None:
        """Raises StripeError or MalformedPage where the list can't be read."""
        listing = replace(self.listing, paging=_one_row(self.listing.paging))
        listing.page(self.asked, None, None, {})


@dataclass(frozen=True)
class Finding:
    """What came of a probe."""

    probe: Probe
    failure: StreamFailure | None = None
    asked: bool = True

    @property
    def outcome(self) -> Outcome | None:
        """None where the list can be read, or was not asked for."""
        if self.failure is None:
            return None
        return self.failure.outcome if isinstance(self.failure, StripeError) else Outcome.REFUSED


class Told(NamedTuple):
    """A sentence for the log, and a shorter one for a dialog if it differs."""

    whole: str
    shorter: str | None = None

    @property
    def short(self) -> str:
        return self.whole if self.shorter is None else self.shorter


@dataclass(frozen=True)
class Verdict:
    """What a user reads: which account the key opens, and what of it can be read."""

    readable: int
    streams: int
    lists: int
    """From which the streams are read, and that were asked for a row."""
    opened: str = ""
    warnings: tuple[Told, ...] = ()
    """What keeps streams from being read."""
    notes: tuple[Told, ...] = ()
    """What the account does not have: these streams stay empty."""
    key_works: bool = True

    @property
    def passed(self) -> bool:
        return self.key_works and self.readable > 0

    def lines(self) -> Iterator[tuple[int, str]]:
        """What there is to log, with its level: all of it."""
        yield from ((logging.INFO, fact.whole) for fact in self._facts())
        yield from ((logging.WARNING, warning.whole) for warning in self.warnings)
        yield from ((logging.INFO, note.whole) for note in self.notes)

    def __str__(self) -> str:
        """What fits into a dialog: the first of each kind, in short."""
        warnings, notes = self.warnings[:_SHOWN], self.notes[:_SHOWN]
        told = [told.short for told in (*self._facts(), *warnings, *notes) if told.short]
        if left := len(self.warnings) + len(self.notes) - len(warnings) - len(notes):
            told.append(f"The log tells {left} more.")
        return " ".join(told)

    def _facts(self) -> tuple[Told, Told]:
        lists = f"{self.lists} list{'' if self.lists == 1 else 's'}"
        all_of_it = f", from {lists} that Stripe was asked for a row of" if self.readable == self.streams else ""
        return Told(self.opened), Told(f"{self.readable} of {self.streams} streams can be read{all_of_it}.")


def check(rows: Iterable[StreamRow], routes: Routes, config: Config) -> Verdict:
    """Ask Stripe whose the key is, and for a row of whatever these streams are read from.

    Raises StripeError where the key is refused or Stripe does not answer.
    """
    account = routes.account.read()
    opened = f"The {config.key_kind} opens the account {account.id} ({account.name or 'no name'})."
    if not account.id:
        opened = f"The {config.key_kind} may not read the account that it belongs to."
    threads = min(config.num_workers, routes.requester.worth_having_under_way())
    return replace(judge(ask(probes(rows, routes), threads)), opened=opened)


def probes(rows: Iterable[StreamRow], routes: Routes) -> list[Probe]:
    """What to ask for: each list with each of the parameters that streams read it with, once."""
    listings: dict[tuple[str, Params, str | None], Listing] = {}
    streams: defaultdict[object, list[str]] = defaultdict(list)
    followers: defaultdict[object, list[str]] = defaultdict(list)

    def note(listing: Listing, stream: str, whose: defaultdict[object, list[str]]) -> None:
        for asked in listing.passes_to_read(first=True):
            key = (listing.path, asked, listing.version)
            listings.setdefault(key, listing)
            if stream not in whose[key]:
                whose[key].append(stream)

    for row in rows:
        made, plan = routes.of(row), plan_of(row, routes.rows)
        for route in made:
            note(route.expanded().listing, row.name, streams)
            if isinstance(route.projection, Children) and route.projection.beside is not None:
                note(route.projection.beside.listing, row.name, streams)
        if plan.followed:
            note(routes.events(row.api), row.name, followers)
    return [Probe(listing, key[1], tuple(streams[key]), tuple(followers[key])) for key, listing in listings.items()]


def ask(probes: Sequence[Probe], threads: int) -> list[Finding]:
    """Ask for all of it, so many at once. Once Stripe falls silent or refuses the key, the rest is not asked for."""
    in_vain = threading.Event()

    def find(probe: Probe) -> Finding:
        if in_vain.is_set():
            return Finding(probe, asked=False)
        try:
            probe.ask()
        except StreamFailure as failure:
            finding = Finding(probe, failure)
            if finding.outcome in _IN_VAIN:
                in_vain.set()
            return finding
        return Finding(probe)

    with ThreadPoolExecutor(threads, thread_name_prefix="check") as pool:
        return list(pool.map(find, probes))


def judge(findings: Sequence[Finding]) -> Verdict:
    """What the findings say about the streams. Pure."""
    failed = [finding for finding in findings if finding.failure is not None or not finding.asked]
    streams = {stream for finding in findings for stream in finding.probe.streams}
    unreadable = {stream for finding in failed for stream in finding.probe.streams}
    return Verdict(
        readable=len(streams - unreadable),
        streams=len(streams),
        lists=sum(finding.asked and bool(finding.probe.streams) for finding in findings),
        warnings=(*_forbidden(failed), *_refused(failed), *_unfollowed(failed), *_not_asked(failed)),
        notes=tuple(_not_there(failed)),
        key_works=all(finding.outcome is not Outcome.KEY_REFUSED for finding in failed),
    )


def _forbidden(failed: Iterable[Finding]) -> Iterator[Told]:
    """Which streams lack which permissions."""
    lacking: defaultdict[str, set[str]] = defaultdict(set)
    for finding in failed:
        if finding.outcome is Outcome.PERMISSION_MISSING and finding.probe.streams:
            lacking[_permissions(finding)].update(finding.probe.streams)
    if not lacking:
        return
    count = _count(set().union(*lacking.values()))
    todo = f"Give it those at {KEYS_PAGE}, or leave the streams out."
    whole = "; ".join(f"{needed} for {listed(lacking[needed])}" for needed in sorted(lacking))
    shown = sorted(lacking, key=lambda needed: (-len(lacking[needed]), needed))[:_SHOWN]
    short = "; ".join(f"{needed} for {listed(lacking[needed], _SHOWN)}" for needed in shown)
    if len(lacking) > len(shown):
        short += f"; and {len(lacking) - len(shown)} more, which the log names"
    begun = f"The key lacks permissions for {count}"
    yield Told(f"{begun}: {whole}. {todo}", f"{begun}: {short}. {todo}")


def _refused(failed: Iterable[Finding]) -> Iterator[Told]:
    """Other failures: each sentence of Stripe's once, with the streams that it ends."""
    alike: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in failed:
        if finding.outcome not in (None, *_TOLD_TOGETHER) and finding.probe.streams:
            alike[_sentence(finding)].append(finding)
    for group in alike.values():
        streams = {stream: None for finding in group for stream in finding.probe.streams}
        yield Told(f"{', '.join(streams)}: {group[0].failure}", f"{listed(streams, _SHOWN)}: {group[0].failure}")


def _sentence(finding: Finding) -> tuple[str, str]:
    """What a failure has in common with those of other lists."""
    failure = finding.failure
    if isinstance(failure, StripeError):
        return failure.policy.name, failure.refusal.message.replace(failure.path, "")
    return "", str(failure)


def _unfollowed(failed: Iterable[Finding]) -> Iterator[Told]:
    """Whose changes can't be seen."""
    for finding in failed:
        if finding.outcome in (None, Outcome.NOT_ENABLED) or not finding.probe.followers:
            continue
        why = f"{finding.failure}"
        if finding.outcome is Outcome.PERMISSION_MISSING:
            why = f"The key lacks {_permissions(finding)}: give it that at {KEYS_PAGE}."
        count = _count(finding.probe.followers)
        path = finding.probe.listing.path
        yield Told(f"{count} would fail in later incremental syncs, which ask {path} for changes. {why}")


def _not_asked(failed: Iterable[Finding]) -> Iterator[Told]:
    if left := {stream for finding in failed if not finding.asked for stream in finding.probe.streams}:
        yield Told(f"No request was made for {_count(left)} after that.")


def _not_there(failed: Iterable[Finding]) -> Iterator[Told]:
    """What the account does not have, by what Stripe says of it."""
    empty: defaultdict[str, set[str]] = defaultdict(set)
    for finding in failed:
        if finding.outcome is Outcome.NOT_ENABLED and isinstance(finding.failure, StripeError):
            said = finding.failure.refusal.message
            empty[said.replace(finding.failure.path, "...")].update(finding.probe.streams)
    for said, streams in empty.items():
        begun, end = "Empty for this account: ", f". Stripe says: {said}"
        if streams:
            yield Told(f"{begun}{listed(streams)}{end}", f"{begun}{listed(streams, _SHOWN)}{end}")


def _permissions(finding: Finding) -> str:
    named = finding.failure.permissions if isinstance(finding.failure, StripeError) else ()
    return " and ".join(named) or "a permission that Stripe does not name"


def _count(streams: Collection[str]) -> str:
    return f"{len(streams)} stream{'' if len(streams) == 1 else 's'}"


def _one_row(paging: Paging) -> Paging:
    return replace(paging, page_size=1) if isinstance(paging, StartingAfter | NextPageUrl) else paging
