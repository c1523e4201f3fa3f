"""The entry point: `source-stripe spec | check | discover | read`."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

import orjson
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import is_platform_debug_log_enabled
from airbyte_cdk.models import AirbyteMessage, ConnectorSpecification, FailureType, Type
from airbyte_cdk.sources.connector_state_manager import HashableStreamDescriptor
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.batches import Batches, batch_in
from source_stripe.output import Output
from source_stripe.source import SourceStripe

_PAGES_WAITING = 64
"""Pages of records in memory at most, read but not yet written."""


class StripeEntrypoint(AirbyteEntrypoint):
    """The CDK's entry point, but for who judges the config, null fields of records, and records by the page."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Left to SourceStripe, whose sentences say what to do; it refuses a bad config in check, discover and read."""

    @staticmethod
    def handle_record_counts(
        message: AirbyteMessage, stream_message_count: defaultdict[HashableStreamDescriptor, float]
    ) -> AirbyteMessage:
        """The CDK counts messages; a batch holds more than one record."""
        counted = AirbyteEntrypoint.handle_record_counts(message, stream_message_count)
        if message.record is not None and (batch := batch_in(message)) is not None:
            stream = HashableStreamDescriptor(name=message.record.stream, namespace=message.record.namespace)
            stream_message_count[stream] += batch.records - 1
        return counted

    def write(self, parsed_args: argparse.Namespace, output: Output) -> None:
        """Run the command; its messages go to `output`, a line each."""
        if not parsed_args.command:
            raise AirbyteTracedException(
                message="Say what to do: spec, check, discover or read.", failure_type=FailureType.config_error
            )
        debug = parsed_args.debug or is_platform_debug_log_enabled()
        logging.getLogger("airbyte").setLevel(logging.DEBUG if debug else logging.INFO)
        if parsed_args.command == "read":
            self._read(parsed_args, output)
            return
        for message in self._answer(parsed_args):
            output.write(f"{to_line(message)}\n")

    def _answer(self, parsed_args: argparse.Namespace) -> Iterator[AirbyteMessage]:
        """What `run` does, but for the file that it writes the config to, key and all: nothing ever reads that."""
        spec = self.source.spec(self.logger)
        try:
            if parsed_args.command == "spec":
                yield AirbyteMessage(type=Type.SPEC, spec=spec)
                return
            config = self.source.read_config(parsed_args.config)
            yield from self.check(spec, config) if parsed_args.command == "check" else self.discover(spec, config)
        finally:
            yield from self._emit_queued_messages(self.source)

    def _read(self, parsed_args: argparse.Namespace, output: Output) -> None:
        source = self.source
        if not isinstance(source, SourceStripe):
            raise TypeError(f"{type(source).__name__} is not ours")
        config = source.read_config(parsed_args.config)
        catalog = source.read_catalog(parsed_args.catalog)
        state = source.read_state(parsed_args.state)
        source.batches = batches = Batches(_PAGES_WAITING)
        source.logger.addFilter(_tells_no_wrong_count)
        with source.progress.reported():
            for message in self.read(source.spec(self.logger), config, catalog, state):
                batch = batch_in(message)
                if batch is None or message.record is None:
                    output.write(f"{to_line(message)}\n")
                    continue
                output.write_bytes(batch.lines)
                batches.written()
                source.progress.rows(message.record.stream, batch.records)


def _tells_no_wrong_count(record: logging.LogRecord) -> bool:
    """The CDK would log batches as records; our progress lines have the right counts."""
    return not re.fullmatch(r"Read \d+ records from \S+ stream", record.getMessage())


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
        StripeEntrypoint(_source(args)).write(AirbyteEntrypoint.parse_args(args), output)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except BrokenPipeError:
        # Nobody listens any more. The next run goes on from the last state that was taken.
        return 1
    except AirbyteTracedException as error:
        error.emit_message()
        return 1
    except Exception as error:
        AirbyteTracedException.from_exception(error, message=f"source-stripe failed: {error}").emit_message()
        return 1
    return 0


def main() -> None:
    """Run the command line's command and end the process, even if threads still wait to hand over rows."""
    # Pages are trees without cycles: looking for those in all that the CDK has loaded would be a tenth of the work.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    output = Output(sys.stdout.fileno())
    code = 1
    try:
        output.take_logs()
        with redirect_stdout(output):
            code = run(sys.argv[1:], output)
    except OSError as error:
        print(f"source-stripe can't write its messages: {error}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(code)


def _source(args: list[str]) -> SourceStripe:
    config = AirbyteEntrypoint.extract_config(args)
    catalog = AirbyteEntrypoint.extract_catalog(args)
    state = AirbyteEntrypoint.extract_state(args)
    return SourceStripe(
        catalog=SourceStripe.read_catalog(catalog) if catalog else None,
        config=SourceStripe.read_config(config) if config else None,
        state=SourceStripe.read_state(state) if state else None,
    )


if __name__ == "__main__":
    main()
