"""What the README shows works."""

from __future__ import annotations

import re
from pathlib import Path

from stripe_emulator import StripeEmulator
from stripe_emulator.__main__ import ACCOUNTS
from stripe_emulator.accounts.bulk import LIVE_KEY

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def blocks() -> list[str]:
    """The indented blocks of Python, less their indentation."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.MULTILINE)
    texts = ["\n".join(line[4:] for line in block.splitlines()).strip() for block in found]
    return [text for text in texts if re.match(r"from |emulator\.", text)]


def test_its_code_runs() -> None:
    shown = "\n".join(blocks())
    assert shown.count("\nfrom ") == 2
    names: dict[str, object] = {}
    exec(shown, names)  # noqa: S102 - our own README
    emulator = names["emulator"]
    assert isinstance(emulator, StripeEmulator)
    assert emulator.objects("charge")[0]["description"] == "changed"
    assert emulator.objects("customer") == []
    assert emulator.traffic.limits.endpoint_rate == 25


def test_its_keys_and_accounts_are_those_that_there_are() -> None:
    assert StripeEmulator().key in README
    assert LIVE_KEY in README
    assert re.findall(r"^\| `([a-z]+)` \| ", README, re.MULTILINE) == list(ACCOUNTS)
