"""While questions are asked the log is plain lines; afterwards the process has its own log again."""

from __future__ import annotations

import logging

import pytest

from source_stripe.sql import connect
from source_stripe.sql.command import main

CONFIG = {"client_secret": "sk_test_emulator"}
LOGGER = logging.getLogger("airbyte.stripe")


def how() -> tuple[list[logging.Handler], bool, int]:
    return list(LOGGER.handlers), LOGGER.propagate, LOGGER.level


def test_the_command_leaves_the_log_as_it_was() -> None:
    before = how()
    assert main(["--config", "none.json", "SELECT 1"]) == 1
    assert how() == before


def test_the_door_writes_plain_lines_until_it_is_closed(capfd: pytest.CaptureFixture[str]) -> None:
    before = how()
    with connect(CONFIG), connect(CONFIG):
        LOGGER.info("Of no use here.")
        LOGGER.warning("The key %s is old.", CONFIG["client_secret"])
    assert how() == before
    assert capfd.readouterr() == ("", "The key sk_test_... is old.\n")
