"""The source: loads the manifest and puts our own components under its streams."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from airbyte_cdk.models import (
    AirbyteCatalog,
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessage,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    FailureType,
    Status,
    SyncMode,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe import checking
from source_stripe.accounts.listing import Accounts
from source_stripe.accounts.platform_sync import PlatformSync
from source_stripe.api.account import AccountReader
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.asking import Asking
from source_stripe.catalog.config import Config, ConfigError, parse_config
from source_stripe.catalog.effects import check_effects
from source_stripe.catalog.expanding import expanded_too
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.selection import failures_of, refused, without
from source_stripe.catalog.several_accounts import with_room
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.checking_many import Check
from source_stripe.many_accounts import list_of_accounts, offered, work_of
from source_stripe.process.failures import Failures
from source_stripe.process.progress import OfMany, Progress
from source_stripe.reading.batches import Batches
from source_stripe.reading.cursor import FollowingCursor
from source_stripe.reading.state import is_under_way
from source_stripe.reading.workers import Workers
from source_stripe.routes import Routes
from source_stripe.streams import StreamBuilder

logger = logging.getLogger("airbyte.stripe")

_CLOCK = time.time
"""This machine's clock, Unix time."""
_CHECK_PATIENCE = 20.0
"""Seconds that `check` waits for an answer; a sync waits as long as the manifest's `pace` says. See
docs/design/requests.md, "In `check`"."""


class SourceStripe(ConcurrentDeclarativeSource):
    """Airbyte source for Stripe. Config, catalog and state go into the constructor, as the CDK needs them there.

    One that was made without them takes those that a command comes with, as the CDK's standard tests expect.
    """

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None = None,
        config: Mapping[str, Any] | None = None,
        state: list[AirbyteStateMessage] | None = None,
        batches: Batches | None = None,
    ) -> None:
        """`batches` where an entry point writes records by the batch; any other gets them one by one."""
        self._given = config
        self._parsed, self._problem = _parse(config)
        self.batches = batches
        self.progress = OfMany() if self._parsed is not None and self._parsed.several else Progress()
        self._manifest = _manifest()
        # `spec` needs no config, and one that can't be used is refused by check, discover and read.
        super().__init__(
            catalog=catalog or ConfiguredAirbyteCatalog(streams=[]),
            config={**config, **_defaults(self._parsed)} if self._parsed is not None and config else {},
            state=state or [],
            source_config=self._manifest.with_one_row(),
        )
        self._rows = self._manifest.rows
        if self._parsed is not None:
            try:
                self._rows = expanded_too(self._rows, self._parsed.expand)
                self._rows = filtered(self._rows, self._parsed.filters)
            except ConfigError as error:
                self._parsed, self._problem = None, str(error)
        if self._several:
            self._rows = with_room(self._rows)
        problems = self._refused(catalog) if catalog else {}
        names = [configured.stream.name for configured in catalog.streams] if catalog else []
        self._selected = [name for name in names if name not in problems and name in self._rows]
        check_effects(self._manifest.rows, self._selected or self._manifest.rows)
        self._refreshed = {
            configured.stream.name
            for configured in (catalog.streams if catalog else [])
            if configured.sync_mode is SyncMode.full_refresh
        }

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Whether the config is sound, Stripe accepts the key, and it can read any stream; logs which ones it can't."""
        if (other := self._given_later(config)) is not None:
            return other.check(logger, config)
        if self._parsed is None:
            return AirbyteConnectionStatus(status=Status.FAILED, message=self._problem)
        for note in self._parsed.notes:
            logger.info(note)
        requester = self._requester(self._parsed, patience=_CHECK_PATIENCE)
        reader = AccountReader(requester, _CLOCK)
        routes = Routes(self._rows, self._manifest.paging, requester, reader)
        try:
            if self._several:
                accounts = Accounts.of(self._parsed, requester, list_of_accounts(requester, routes.paging), reader)
                verdict = Check(self._parsed, routes, accounts).verdict(self._checked())
            else:
                verdict = checking.check(self._checked(), routes, self._parsed)
        except AirbyteTracedException as error:
            return AirbyteConnectionStatus(status=Status.FAILED, message=error.message or str(error))
        for level, line in verdict.lines():
            logger.log(level, line)
        status = Status.SUCCEEDED if verdict.passed else Status.FAILED
        return AirbyteConnectionStatus(status=status, message=str(verdict))

    def _checked(self) -> list[StreamRow]:
        """The streams that check is about: the selected ones, else those that are on by default."""
        if self._selected:
            return [self._rows[name] for name in self._selected if name in self._rows]
        return [row for row in self._rows.values() if not row.opt_in and not row.deprecated]

    def discover(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteCatalog:
        if (other := self._given_later(config)) is not None:
            return other.discover(logger, config)
        self._usable_config()
        catalog = super().discover(logger, config)
        return offered(catalog, self._rows, self._manifest.account_syncs) if self._several else catalog

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        if (other := self._given_later(config, catalog, state)) is not None:
            yield from other.read(logger, config, catalog, state)
            return
        for note in self._usable_config().notes:
            logger.info(note)
        problems = self._refused(catalog)
        failures = Failures(len(catalog.streams))
        yield from failures.told_once(started_first(failures_of(problems)))
        try:
            readable = without(catalog, problems)
            rest = self._of_many(readable) if self._several else super().read(logger, config, readable, state)
            yield from failures.told_once(started_first(rest))
        except AirbyteTracedException:
            # The CDK's own last message repeats all failures, as Python shows exceptions.
            if not failures:
                raise
        if failures:
            raise failures.closing()

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """One stream for each row of the manifest."""
        return [*self._builder().build(self._selected, self._saved_state)]

    def _builder(self) -> StreamBuilder:
        usable = self._usable_config()
        requester = self._requester(usable)
        return StreamBuilder(
            rows=self._rows,
            paging=self._manifest.paging,
            config=usable,
            requester=requester,
            account=AccountReader(requester, _CLOCK),
            workers=Workers(usable.num_workers, requester.worth_having_under_way),
            messages=self._constructor.get_message_repository(),
            progress=self.progress,
            batches=self.batches,
        )

    @property
    def _several(self) -> bool:
        """Whether connected accounts are read too."""
        return self._parsed is not None and self._parsed.several

    def _refused(self, catalog: ConfiguredAirbyteCatalog) -> Mapping[str, str]:
        """What of a catalog can't be read, and why."""
        own = [self._manifest.account_syncs.name] if self._several else []
        return refused(without(catalog, dict.fromkeys(own, "")), self._rows)

    def _of_many(self, catalog: ConfiguredAirbyteCatalog) -> Iterator[AirbyteMessage]:
        """The messages of a sync of many accounts."""
        usable, builder = self._usable_config(), self._builder()
        names = {configured.stream.name for configured in catalog.streams}
        work = work_of(
            usable,
            builder,
            AccountReader(builder.requester, _CLOCK),
            names,
            lambda stream: self._connector_state_manager.get_stream_state(stream, None),
            self._refreshed,
        )
        return PlatformSync(work).messages()

    def _saved_state(self, stream: str) -> Mapping[str, Any]:
        """What a stream goes on from. A full refresh only goes on from one that was interrupted."""
        saved = self._connector_state_manager.get_stream_state(stream, None)
        if stream in self._refreshed and not is_under_way(saved, self._usable_config().start_date or 0):
            return {}
        return saved

    def _select_streams(
        self, streams: list[AbstractStream], configured_catalog: ConfiguredAirbyteCatalog
    ) -> list[AbstractStream]:
        """The catalog's streams; those that come with another last, so that they never keep it waiting for a thread."""
        selected = super()._select_streams(streams, configured_catalog)
        return sorted(selected, key=lambda stream: isinstance(stream.cursor, FollowingCursor))

    def _requester(self, config: Config, patience: float | None = None) -> StripeRequester:
        """The one that all streams share; `patience` in seconds, where a user waits for the answer."""
        asking = Asking.of(self._manifest, config)
        if patience is not None:
            asking = replace(asking, patience=asking.patience.at_most(patience))
        return StripeRequester(config, asking, self.progress)

    def _given_later(
        self,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog | None = None,
        state: list[AirbyteStateMessage] | None = None,
    ) -> SourceStripe | None:
        """A source of what a command came with, where this one was made without a config."""
        return SourceStripe(catalog, config, state) if self._given is None else None

    def _usable_config(self) -> Config:
        if self._parsed is None:
            raise AirbyteTracedException(message=self._problem, failure_type=FailureType.config_error)
        return self._parsed


def started_first(messages: Iterator[AirbyteMessage]) -> Iterator[AirbyteMessage]:
    """Each stream's STARTED before its RUNNING: rows of a stream that follows another may come before its own turn."""
    started: set[str] = set()
    for message in messages:
        report = message.trace.stream_status if message.trace else None
        if report is None:
            yield message
            continue
        name, status = report.stream_descriptor.name, report.status
        if status is AirbyteStreamStatus.STARTED and name in started:
            continue
        if name not in started and status is not AirbyteStreamStatus.STARTED:
            yield as_airbyte_message(report.stream_descriptor, AirbyteStreamStatus.STARTED)
        started.add(name)
        yield message


def _defaults(config: Config) -> Mapping[str, Any]:
    """What the manifest needs a value of."""
    return {"api_url": config.api_url, "num_workers": config.num_workers}


@cache
def _manifest() -> Manifest:
    """Read once a process."""
    return Manifest.load()


def _parse(config: Mapping[str, Any] | None) -> tuple[Config | None, str]:
    try:
        return parse_config(config or {}), ""
    except ConfigError as error:
        return None, str(error)
