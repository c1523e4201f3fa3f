"""The entry point: `source-stripe spec | check | discover | read`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.logger import PRINT_BUFFER
from airbyte_cdk.models import ConnectorSpecification
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.source import SourceStripe


class StripeEntrypoint(AirbyteEntrypoint):
    """The CDK's entry point, but the config is judged by the source alone: its sentences say what to do."""

    @staticmethod
    def validate_connection(source_spec: ConnectorSpecification, config: Mapping[str, Any]) -> None:
        """Left to SourceStripe, which refuses what it can't use in check, discover and read."""


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
        for message in entrypoint.run(parsed_args):
            print(f"{message}\n", end="")


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
