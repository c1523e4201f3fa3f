"""The entry point in the CDK's terms: one command, and its messages."""

from __future__ import annotations

import argparse
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import is_platform_debug_log_enabled
from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStateMessage,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    ConnectorSpecification,
    FailureType,
    Type,
)
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.command_line import own_command
from source_stripe.process.cdk_log import CdkLog
from source_stripe.process.failures import listed
from source_stripe.process.inputs import Inputs
from source_stripe.process.output import Output, OutputError
from source_stripe.process.progress import Wait
from source_stripe.reading.batches import Batches, count_records
from source_stripe.source import SourceStripe

_NAMED = 10
"""Streams in a message at most."""


class StripeEntrypoint(AirbyteEntrypoint):
    """The CDK's entry point, but for who judges the config, null fields of records, and records by the page."""

    def __init__(self, source: SourceStripe) -> None:
        super().__init__(source)
        self._stripe = source

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Left to SourceStripe, whose sentences say what to do; it refuses a bad config in check, discover and read."""

    @staticmethod
    def handle_record_counts(
        message: AirbyteMessage, stream_message_count: defaultdict[HashableStreamDescriptor, float]
    ) -> AirbyteMessage:
        counted = AirbyteEntrypoint.handle_record_counts(message, stream_message_count)
        count_records(message, stream_message_count)
        return counted

    def write(self, parsed_args: argparse.Namespace, given: Inputs, output: Output) -> None:
        """Run the command; its messages go to `output`, a line each."""
        if not parsed_args.command:
            raise AirbyteTracedException(
                message="Say what to do: spec, check, discover, read, catalog, state or sql.",
                failure_type=FailureType.config_error,
            )
        debug = parsed_args.debug or is_platform_debug_log_enabled()
        logging.getLogger("airbyte").setLevel(logging.DEBUG if debug else logging.INFO)
        if given.config is not None and given.catalog is not None:
            self._read(given.config, given.catalog, given.state or [], output)
            return
        for message in self._answer(parsed_args.command, given.config or {}):
            output.write(f"{to_line(message)}\n")

    def _answer(self, command: str, config: Mapping[str, Any]) -> Iterator[AirbyteMessage]:
        """What `run` does, but for the file that it writes the config to, key and all: nothing ever reads that."""
        spec = self.source.spec(self.logger)
        try:
            if command == "spec":
                yield AirbyteMessage(type=Type.SPEC, spec=spec)
                return
            yield from self.check(spec, config) if command == "check" else self.discover(spec, config)
        finally:
            yield from self._emit_queued_messages(self.source)

    def _read(
        self,
        config: Mapping[str, Any],
        catalog: ConfiguredAirbyteCatalog,
        state: list[AirbyteStateMessage],
        output: Output,
    ) -> None:
        source = self._stripe
        source.logger.addFilter(CdkLog())
        unfinished = dict.fromkeys(configured.stream.name for configured in catalog.streams)
        if source.batches is not None:
            source.batches.waited = partial(source.progress.waited, Wait.TAKEN)
        with source.progress.reported(len(catalog.streams)):
            for message in self.read(source.spec(self.logger), config, catalog, state):
                records = source.batches.write(message, output) if source.batches is not None else None
                if records is not None and message.record is not None:
                    source.progress.rows(message.record.stream, records)
                    continue
                _write(message, output)
                if (name := _completed(message)) is not None:
                    unfinished.pop(name, None)
                    source.progress.done(name)
        if unfinished:
            raise AirbyteTracedException(message=f"Not read to their end: {listed(unfinished, _NAMED)}.")


def _write(message: AirbyteMessage, output: Output) -> None:
    """A row or a state is the user's, and comes out as it is."""
    line = f"{to_line(message)}\n"
    if message.type in (Type.RECORD, Type.STATE):
        output.write_bytes(line.encode())
    else:
        output.write(line)


def _completed(message: AirbyteMessage) -> str | None:
    """The stream that a message says is complete."""
    report = message.trace.stream_status if message.trace else None
    complete = report is not None and report.status is AirbyteStreamStatus.COMPLETE
    return report.stream_descriptor.name if report is not None and complete else None


def to_line(message: AirbyteMessage) -> str:
    """A message as JSON. A record keeps its null fields: in the warehouse they have to overwrite what was there."""
    if message.record is None:
        return AirbyteEntrypoint.airbyte_message_to_string(message)
    record = message.record
    fields = {"stream": record.stream, "data": record.data, "emitted_at": record.emitted_at}
    return orjson.dumps({"type": "RECORD", "record": fields}).decode()


def run(args: list[str], output: Output) -> int:
    """Run one command; its messages go to `output`. Returns the exit code: 0 only if all went well."""
    try:
        if (code := own_command(args, output)) is not None:
            return code
        words = AirbyteEntrypoint.parse_args(args)
        given = Inputs.named_by(words)
        source = SourceStripe(given.catalog, given.config, given.state, Batches())
        StripeEntrypoint(source).write(words, given, output)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except OutputError:
        # Nobody can be told. The next run goes on from the last state that was taken.
        return 1
    except AirbyteTracedException as error:
        tell(error, output)
        return 1
    except Exception as error:
        tell(AirbyteTracedException.from_exception(error, message=f"source-stripe failed: {error}"), output)
        return 1
    return 0


def tell(error: AirbyteTracedException, output: Output) -> None:
    """Say why a command failed.

    In one write: `emit_message` makes two, and a log line of another thread may come between.
    """
    with suppress(OutputError):
        output.write(f"{to_line(error.as_sanitized_airbyte_message())}\n")
