"""Register the connector's image in an Airbyte instance: `make register`, or `python -m tools.register --help`.

Finds or makes the definition and the source, checks it, and makes a connection like an existing one, with its state. A
second run changes nothing. docs/register.md explains it. Exit codes: 0 done, 1 refused, 2 misused, 3 a sync runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from source_stripe.process.masking import masked
from tools.registration.airbyte import Airbyte, Json
from tools.registration.calls import Credentials, instance
from tools.registration.doing import Doing, Wanted
from tools.registration.failures import MISUSED, RegistrationError
from tools.registration.steps import register

_ID, _SECRET = "AIRBYTE_CLIENT_ID", "AIRBYTE_CLIENT_SECRET"
_AIRBYTES_OWN = "airbyte/source-stripe"
_SHORTEST_SECRET = 4
"""Letters: what is shorter is no secret, and would be masked in every word."""


class Screen:
    """Prints, but no secret."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def hide(self, secret: object) -> None:
        if isinstance(secret, str) and len(secret) >= _SHORTEST_SECRET:
            self._secrets.add(secret)

    def say(self, text: str) -> None:
        print(self._hidden(text), flush=True)

    def complain(self, text: str) -> None:
        print(self._hidden(text), file=sys.stderr, flush=True)

    def _hidden(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "...")
        return masked(text)


def main(arguments: list[str] | None = None) -> int:
    """Register; the exit code."""
    options = _parser().parse_args(arguments)
    screen = Screen()
    try:
        credentials = _credentials(os.environ)
        config = _config(options.config)
        for secret in (credentials.client_secret, config.get("client_secret")):
            screen.hide(secret)
        url = instance(options.airbyte_url)
        airbyte = Airbyte(url, credentials, timeout=options.timeout, learned=screen.hide)
        register(Doing(airbyte, _wanted(options, config), screen.say))
    except RegistrationError as error:
        screen.complain(str(error))
        return error.code
    except KeyboardInterrupt:
        screen.complain("Stopped. Run this again: it goes on from what is there.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="register",
        description="Register the connector's image in an Airbyte instance that you run. A second run changes nothing.",
        epilog=f"{_ID} and {_SECRET} are an application's (Settings > Applications; `abctl local credentials` prints "
        "those of a local Airbyte). Exit codes: 0 done, 1 refused, 2 misused, 3 a sync runs.",
    )
    add = parser.add_argument
    add("--image", required=True, metavar="NAME:TAG", help="the image, where Airbyte's cluster can pull it")
    add("--config", required=True, type=Path, metavar="FILE", help="the source's config, JSON as in README.md")
    add("--airbyte-url", default="http://localhost:8000", metavar="URL", help="where Airbyte is (%(default)s)")
    add("--workspace", metavar="ID", help="its workspace, if there are several")
    add("--name", default="Stripe", help="the source's name (%(default)s)")
    add("--like", metavar="ID", help="make a connection like this one, and take its state over; an ID or an address")
    add("--wait", type=float, default=0.0, metavar="MINUTES", help="wait so long for that one's sync to end")
    add("--new-key", action="store_true", help="write the config even if only its key may differ, which Airbyte hides")
    add("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add("--timeout", type=float, default=600.0, metavar="SECONDS", help="wait so long for an answer (%(default)g)")
    return parser


def _credentials(environment: Mapping[str, str]) -> Credentials:
    missing = [name for name in (_ID, _SECRET) if not environment.get(name)]
    if missing:
        where = "Make an application in Airbyte (Settings > Applications), or ask `abctl local credentials`."
        raise RegistrationError(f"{' and '.join(missing)} must be set in the environment. {where}", MISUSED)
    return Credentials(environment[_ID], environment[_SECRET])


def _config(path: Path) -> Json:
    try:
        config = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise RegistrationError(f"{path} can't be read: {error.strerror}.", MISUSED) from None
    except ValueError as error:
        # Its text says where; the content has a key in it.
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "not UTF-8"
        raise RegistrationError(f"{path} is no JSON ({place}).", MISUSED) from None
    if not isinstance(config, dict) or not isinstance(config.get("client_secret"), str):
        raise RegistrationError(f'{path} is no config: it has no "client_secret". README.md lists the keys.', MISUSED)
    return config


def _wanted(options: argparse.Namespace, config: Json) -> Wanted:
    repository, _, tag = options.image.rpartition(":")
    if not repository or "/" in tag or not tag:
        raise RegistrationError(f"--image {options.image} has no tag: give one, as in {options.image}:0.1.0.", MISUSED)
    if repository.removeprefix("docker.io/") == _AIRBYTES_OWN:
        raise RegistrationError(f"{repository} is Airbyte's own connector. Give the image another name.", MISUSED)
    return Wanted(
        repository=repository,
        tag=tag,
        name=options.name,
        config=config,
        config_path=str(options.config),
        workspace=_id(options.workspace, "workspaces"),
        like=_id(options.like, "connections"),
        new_key=options.new_key,
        dry_run=options.dry_run,
        wait=options.wait * 60,
    )


def _id(text: str | None, of: str) -> str | None:
    """The ID that a user gives, or copies with the address of its page."""
    if text is None:
        return None
    found = re.search(rf"/{of}/([\w-]+)", text)
    return found[1] if found else text


if __name__ == "__main__":
    sys.exit(main())
