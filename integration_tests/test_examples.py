"""examples/ works against the local Stripe, as the README says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from integration_tests.connector import Connector
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import demo

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


def test_the_examples_are_read_from_the_demo_account(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    demo.populate(emulator)
    (state,) = example("state")
    since = state["stream"]["stream_state"]["created"] - 35 * 86_400
    with serve(emulator) as url:
        connector = Connector(tmp_path, {**example("config"), "api_url": url})
        check = connector.check()
        done = connector.read(example("catalog"), example("state"))

    assert '"status":"SUCCEEDED"' in check.stdout
    assert (done.code, done.stderr) == (0, "")
    transactions = [row for row in emulator.objects("balance_transaction") if row["created"] >= since]
    assert done.output.ids() == Counter(row["id"] for row in (*emulator.objects("customer"), *transactions))
    assert len(transactions) < len(emulator.objects("balance_transaction"))


def test_the_readme_starts_the_emulator_where_the_config_looks_for_it() -> None:
    port = example("config")["api_url"].rpartition(":")[2]
    for readme in (EXAMPLES.parent / "README.md", EXAMPLES.parent / "stripe_emulator" / "README.md"):
        assert f"python -m stripe_emulator --account demo --port {port}" in readme.read_text("utf-8")
