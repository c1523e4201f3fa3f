"""Long lists in SQL: memory stays flat, and requests keep to the rate budget."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from integration_tests.questions import ask, opened
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts.bulk import Plan, populate
from stripe_emulator.limits import Limits

MOST = 250_000
"""Kilobytes that a process may take at its peak."""
TELLING_ITS_PEAK = """
import atexit, sys
def tell():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(line.split()[1], file=sys.stderr)
atexit.register(tell)
from source_stripe.run import main
main()
"""


def test_a_count_of_a_hundred_thousand_stays_small(tmp_path: Path) -> None:
    emulator = StripeEmulator()
    populate(emulator, Plan({"charge": 100_000}, "skewed"))
    with serve(emulator):
        config = {"client_secret": emulator.key, "api_url": emulator.url, "call_rate_limit": 10_000}
        (tmp_path / "config.json").write_text(json.dumps(config))
        command = [sys.executable, "-c", TELLING_ITS_PEAK, "sql", "--config", str(tmp_path / "config.json")]
        question = ["--yes", "--format", "csv", "SELECT count(*) AS charges FROM charges"]
        done = subprocess.run([*command, *question], capture_output=True, text=True, check=False, timeout=500)
        assert (done.returncode, done.stdout) == (0, "charges\n100000\n")
        assert int(done.stderr) < MOST
        assert len(emulator.requests) == 1_000


def test_a_question_keeps_to_the_rate_budget() -> None:
    emulator = StripeEmulator()
    populate(emulator, Plan({"charge": 6_000}))
    emulator.traffic.limits = Limits(account_rate=25, endpoint_rate=25)
    with serve(emulator):
        session = opened(emulator, call_rate_limit=None)
        assert ask(emulator, session, "SELECT count(*) FROM charges", agreed=True).rows == [(6_000,)]
        assert Counter(request.status for request in emulator.requests) == {200: 60}
