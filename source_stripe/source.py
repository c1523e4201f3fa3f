"""The source: loads the manifest and puts our own components under its streams."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
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
from airbyte_cdk.sources.declarative.models.declarative_component_schema import CustomRequester
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe import checking
from source_stripe.api.account import AccountReader
from source_stripe.api.errors import StripeError
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config, ConfigError, parse_config
from source_stripe.catalog.expanding import expanded_too
from source_stripe.catalog.package_files import resource
from source_stripe.catalog.selection import failures_of, refused, without
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.process.failures import Failures
from source_stripe.process.progress import Progress
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
"""Seconds that `check` waits for an answer; a sync waits as long as the manifest's backoff says."""


class SourceStripe(YamlDeclarativeSource):
    """Airbyte source for Stripe. Config, catalog and state go into the constructor, as the CDK needs them there."""

    def __init__(
        self,
        catalog: ConfiguredAirbyteCatalog | None,
        config: Mapping[str, Any] | None,
        state: list[AirbyteStateMessage] | None,
        batches: Batches | None = None,
    ) -> None:
        """`batches` where an entry point writes records by the batch; any other gets them one by one."""
        self._parsed, self._problem = _parse(config)
        # `spec` needs no config, and one that can't be used is refused by check, discover and read.
        usable = {**config, **_defaults(self._parsed)} if self._parsed is not None and config else {}
        self.batches = batches
        self.progress = Progress()
        super().__init__(
            path_to_yaml=str(resource("manifest.yaml")),
            catalog=catalog,
            config=usable or _defaults(Config.model_construct()),
            state=state,
        )
        self._paging = self.resolved_manifest["definitions"]["paging"]
        self._rows = {row["name"]: StreamRow.model_validate(row) for row in self.resolved_manifest["streams"]}
        if self._parsed is not None:
            try:
                self._rows = expanded_too(self._rows, self._parsed.expand)
            except ConfigError as error:
                self._parsed, self._problem = None, str(error)
        problems = refused(catalog, self._rows) if catalog else {}
        names = [configured.stream.name for configured in catalog.streams] if catalog else []
        self._selected = [name for name in names if name not in problems]
        self._refreshed = {
            configured.stream.name
            for configured in (catalog.streams if catalog else [])
            if configured.sync_mode is SyncMode.full_refresh
        }

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        """Whether the config is sound, Stripe accepts the key, and it can read any stream; logs which ones it can't."""
        if self._parsed is None:
            return AirbyteConnectionStatus(status=Status.FAILED, message=self._problem)
        for note in self._parsed.notes:
            logger.info(note)
        requester = self._requester(patience=_CHECK_PATIENCE)
        routes = Routes(self._rows, self._paging, requester, AccountReader(requester, _CLOCK))
        try:
            verdict = checking.check(self._checked(), routes, self._parsed)
        except StripeError as error:
            return AirbyteConnectionStatus(status=Status.FAILED, message=str(error))
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
        self._usable_config()
        return super().discover(logger, config)

    def read(
        self,
        logger: logging.Logger,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage] | None = None,
    ) -> Iterator[AirbyteMessage]:
        for note in self._usable_config().notes:
            logger.info(note)
        problems = refused(catalog, self._rows)
        failures = Failures(len(catalog.streams))
        yield from failures.told_once(started_first(failures_of(problems)))
        try:
            rest = super().read(logger, config, without(catalog, problems), state)
            yield from failures.told_once(started_first(rest))
        except AirbyteTracedException:
            # The CDK's own last message repeats all failures, as Python shows exceptions.
            if not failures:
                raise
        if failures:
            raise failures.closing()

    def streams(self, config: Mapping[str, Any]) -> list[AbstractStream]:
        """One stream for each row of the manifest."""
        usable = self._usable_config()
        requester = self._requester()
        builder = StreamBuilder(
            rows=self._rows,
            paging=self._paging,
            config=usable,
            factory=self._constructor,
            requester=requester,
            account=AccountReader(requester, _CLOCK),
            workers=Workers(usable.num_workers, requester.worth_having_under_way),
            messages=self._constructor.get_message_repository(),
            progress=self.progress,
            batches=self.batches,
        )
        return [*builder.build(self._selected, self._saved_state)]

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

    def _requester(self, patience: float | None = None) -> StripeRequester:
        """The manifest's requester; `patience` in seconds, where a user waits for the answer."""
        declared = dict(self.resolved_manifest["definitions"]["requester"])
        if patience is not None:
            declared["backoff"] = {**declared["backoff"], "give_up_after": patience}
            declared["timeouts"] = {what: min(seconds, patience) for what, seconds in declared["timeouts"].items()}
        requester: StripeRequester = self._constructor.create_component(
            CustomRequester, declared, self._config, progress=self.progress
        )
        return requester

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


def _parse(config: Mapping[str, Any] | None) -> tuple[Config | None, str]:
    try:
        return parse_config(config or {}), ""
    except ConfigError as error:
        return None, str(error)
