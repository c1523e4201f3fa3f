"""What a command line may say beside the protocol's commands: `catalog`, `state` and `--version`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

import orjson
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, AirbyteStateMessageSerializer, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.catalog.guessing import closest
from source_stripe.process.forms import selected
from source_stripe.process.inputs import InputError, read_config, read_state
from source_stripe.process.output import Output
from source_stripe.source import SourceStripe

_NO_KEY: Mapping[str, Any] = {"client_secret": "sk_test_none"}
"""A config for a catalog: nothing is asked of Stripe."""
_STDIN = "/dev/stdin"
_HELP = """\
source-stripe reads a Stripe account. Airbyte's protocol:

  spec                                     what can stand in a config
  check --config C                         whether the key opens an account, and what it may not read
  discover --config C                      the streams, with their columns
  read --config C --catalog K [--state S]  the rows, as JSON lines with states among them

For work by hand:

  catalog [STREAM ...] > K                 a configured catalog of these streams, or of all
  state [FILE ...] > S                     the last state of each stream in what `read` printed (standard input)
  sql --config C [QUESTION]                the answer to a question in SQL, without a sync (docs/sql.md)
  --version

Each command says more with --help.
"""


def own_command(args: Sequence[str], output: Output) -> int | None:
    """Run the command, if it is none of the protocol's. The exit code; None of the protocol's commands.

    Raises SystemExit where the words can't be understood.
    """
    try:
        match args:
            case ["--version"]:
                output.write(f"source-stripe {version('source-stripe')}\n")
            case ["--help" | "-h"]:
                output.write(_HELP)
            case ["catalog", *words]:
                _catalog(words, output)
            case ["state", *words]:
                _state(words, output)
            case _:
                return None
    except AirbyteTracedException as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


def _catalog(words: Sequence[str], output: Output) -> None:
    parser = argparse.ArgumentParser("source-stripe catalog", description="Print a configured catalog.")
    parser.add_argument("streams", nargs="*", metavar="STREAM", help="their names; all, if there are none")
    parser.add_argument("--config", help="path of a config: its fields to expand and accounts change columns and keys")
    parser.add_argument("--full-refresh", action="store_true", help="read them whole at each sync")
    said = parser.parse_args(words)
    config = _NO_KEY if said.config is None else read_config(said.config)
    source = SourceStripe(None, config)
    discovered = AirbyteMessage(type=Type.CATALOG, catalog=source.discover(source.logger, config))
    known = {stream["name"]: stream for stream in AirbyteMessageSerializer.dump(discovered)["catalog"]["streams"]}
    if unknown := [name for name in said.streams if name not in known]:
        _refuse(parser, unknown, known)
    names = dict.fromkeys(said.streams) or known
    chosen = [selected(known[name], full_refresh=said.full_refresh) for name in names]
    _print({"streams": chosen}, output)


def _state(words: Sequence[str], output: Output) -> None:
    description = "Print the last state of each stream, of what `read` printed or of earlier states. Later files win."
    parser = argparse.ArgumentParser("source-stripe state", description=description)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", default=[_STDIN], help="path; standard input, if there is none"
    )
    states = {}
    for path in parser.parse_args(words).files:
        for message in read_state(path):
            if message.stream is None:
                raise InputError("state", f"{path!r} holds a global state. Hand it over as it is.")
            states[message.stream.stream_descriptor.name] = AirbyteStateMessageSerializer.dump(message)
    _print(list(states.values()), output)


def _refuse(parser: argparse.ArgumentParser, unknown: Sequence[str], known: Mapping[str, Any]) -> NoReturn:
    said = []
    for name in unknown:
        alike = closest(name, known)
        said.append(f"there is no stream {name!r}{f', did you mean {alike}?' if alike else '.'}")
    parser.error(" ".join(said) + " docs/streams.md lists all.")


def _print(content: Any, output: Output) -> None:
    output.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
