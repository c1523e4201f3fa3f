"""`airbyte-cdk connector test`: it finds the source by itself, and makes it without a config."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from stripe_emulator import StripeEmulator

_ROOT = Path(__file__).parent.parent


def test_it_passes(account: StripeEmulator, tmp_path: Path) -> None:
    # The folder's name is what the CDK finds the connector by; it writes its test and its report there.
    folder = tmp_path / "source-stripe"
    configs = folder / ".standard-tests"
    configs.mkdir(parents=True)
    for name in ("metadata.yaml", "acceptance-test-config.yml"):
        shutil.copy(_ROOT / name, folder)
    config = {"client_secret": account.key, "api_url": account.url, "call_rate_limit": 10_000}
    (configs / "config.json").write_text(json.dumps(config))
    (configs / "wrong_key.json").write_text(json.dumps({**config, "client_secret": "sk_test_not_the_emulators_1"}))
    command = [str(Path(sys.executable).with_name("airbyte-cdk")), "connector", "test", str(folder)]
    # Its options for pytest that it does not pass on itself; the image has tests of its own.
    options = {"PYTEST_ADDOPTS": "-m 'not image_tests' --override-ini=addopts= -p no:cacheprovider"}

    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **options})

    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"\b7 passed", done.stdout), done.stdout[-2000:]
