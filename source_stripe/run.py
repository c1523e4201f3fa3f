"""The entry point: `source-stripe spec | check | discover | read`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import PRINT_BUFFER, is_platform_debug_log_enabled
from airbyte_cdk.models import AirbyteMessage, ConnectorSpecification
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.source import SourceStripe


class StripeEntrypoint(AirbyteEntrypoint):
    """The CDK's entry point, but for two things: who judges the config, and null fields of records."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Left to SourceStripe, whose sentences say what to do; it refuses a bad config in check, discover and read."""

    def run(self, parsed_args: argparse.Namespace) -> Iterable[str]:
        """The command's messages, a line each."""
        if parsed_args.command == "read":
            yield from self._read(parsed_args)
        else:
            yield from super().run(parsed_args)

    def _read(self, parsed_args: argparse.Namespace) -> Iterable[str]:
        # AirbyteEntrypoint.run would serialize with a method that can't be overridden, and drop what is null.
        debug = parsed_args.debug or is_platform_debug_log_enabled()
        logging.getLogger("airbyte").setLevel(logging.DEBUG if debug else logging.INFO)
        config = self.source.read_config(parsed_args.config)
        catalog = self.source.read_catalog(parsed_args.catalog)
        state = self.source.read_state(parsed_args.state)
        for message in self.read(self.source.spec(self.logger), config, catalog, state):
            yield to_line(message)


def to_line(message: AirbyteMessage) -> str:
    """A message as JSON. A record keeps its null fields: in the warehouse they have to overwrite what was there."""
    if message.record is None:
        return AirbyteEntrypoint.airbyte_message_to_string(message)
    record = message.record
    fields = {"stream": record.stream, "data": record.data, "emitted_at": record.emitted_at}
    return orjson.dumps({"type": "RECORD", "record": fields}).decode()


def run(args: list[str]) -> int:
    """Run one command; its messages go to stdout. Returns the exit code: 0 only if all went well."""
    try:
        _run(args)
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
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1
    os._exit(code)


def _run(args: list[str]) -> None:
    parsed_args = AirbyteEntrypoint.parse_args(args)
    entrypoint = StripeEntrypoint(_source(args))
    with PRINT_BUFFER:
        for line in entrypoint.run(parsed_args):
            print(f"{line}\n", end="")


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
