"""The image that users run: its commands against the emulator, what it may do and does without, and what it carries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, Status, SyncMode, Type

from source_stripe.catalog.manifest import Manifest
from stripe_emulator import StripeEmulator

pytestmark = pytest.mark.image_tests

_ROOT = Path(__file__).parent.parent
_HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
"""No file can be written, in /tmp neither; nothing is allowed that the kernel could forbid."""
_SHELLS = ("/usr/bin/bash", "/usr/bin/dash")


@pytest.fixture
def secrets(tmp_path: Path, emulator: StripeEmulator) -> Path:
    """A folder for config.json and catalog.json, legible to the image's user."""
    tmp_path.chmod(0o755)
    config = {"client_secret": emulator.key, "api_url": emulator.url}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "no-shell").touch()
    return tmp_path


def _docker(*args: str) -> str:
    done = subprocess.run(["docker", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _messages(image: str, *command: str, secrets: Path) -> list[AirbyteMessage]:
    """The messages of one command, run hardened and without a shell. Fails where a line of stdout is none."""
    mounts = [f"{secrets}:/secrets:ro", *(f"{secrets}/no-shell:{shell}:ro" for shell in _SHELLS)]
    output = _docker("run", "--rm", *_HARDENED, *(f"--volume={mount}" for mount in mounts), image, *command)
    return [AirbyteMessageSerializer.load(orjson.loads(line)) for line in output.splitlines()]


def _of_type(messages: Sequence[AirbyteMessage], wanted: Type) -> list[AirbyteMessage]:
    return [message for message in messages if message.type is wanted]


def _inside(image: str, script: str) -> str:
    """What a shell script prints inside the image."""
    return _docker("run", "--rm", *_HARDENED, "--entrypoint", "/bin/sh", image, "-euc", script)


def test_spec_tells_the_config(image: str, secrets: Path) -> None:
    (message,) = _of_type(_messages(image, "spec", secrets=secrets), Type.SPEC)
    assert message.spec is not None
    assert message.spec.connectionSpecification["required"] == ["client_secret"]


def test_check_accepts_the_key(image: str, secrets: Path) -> None:
    messages = _messages(image, "check", "--config", "/secrets/config.json", secrets=secrets)
    (message,) = _of_type(messages, Type.CONNECTION_STATUS)
    assert message.connectionStatus is not None
    assert message.connectionStatus.status is Status.SUCCEEDED


def test_discover_finds_every_stream_with_its_schema(image: str, secrets: Path) -> None:
    messages = _messages(image, "discover", "--config", "/secrets/config.json", secrets=secrets)
    (message,) = _of_type(messages, Type.CATALOG)
    assert message.catalog is not None
    schemas = {stream.name: stream.json_schema for stream in message.catalog.streams}
    assert schemas == {name: _schema(name) for name in Manifest.load().rows}


def test_read_brings_every_row_and_a_state(image: str, secrets: Path, emulator: StripeEmulator) -> None:
    for hours in range(250):
        emulator.create("customer", created=emulator.clock.now() - 3600 * (hours + 1))
    catalog = {"streams": [_configured("customers"), _configured("balance_transactions")]}
    (secrets / "catalog.json").write_text(json.dumps(catalog))
    messages = _messages(
        image, "read", "--config", "/secrets/config.json", "--catalog", "/secrets/catalog.json", secrets=secrets
    )
    rows = [message.record for message in _of_type(messages, Type.RECORD)]
    read = sorted(row.data["id"] for row in rows if row is not None and row.stream == "customers")
    assert read == sorted(customer["id"] for customer in emulator.objects("customer"))
    streams_with_state = {
        message.state.stream.stream_descriptor.name
        for message in _of_type(messages, Type.STATE)
        if message.state is not None and message.state.stream is not None
    }
    assert streams_with_state == {"customers", "balance_transactions"}


def test_runs_as_an_ordinary_user_that_can_do_nothing(image: str) -> None:
    assert _inside(image, "id -u; id -un").split() == ["1000", "airbyte"]
    written = _inside(image, "for folder in /tmp /var/tmp /airbyte . ; do touch $folder/it 2>&1 || true; done")
    assert written.count("Read-only file system") == 4
    status = _inside(image, "cat /proc/self/status")
    assert {line.split()[1] for line in status.splitlines() if line.startswith("Cap")} == {"0" * 16}
    assert "NoNewPrivs:\t1" in status


def test_the_shells_that_the_commands_ran_without_are_all_there_are(image: str) -> None:
    found = _inside(image, "grep -v '^#' /etc/shells | xargs -n 1 readlink -f | sort -u").split()
    assert found == sorted(_SHELLS)


def test_carries_the_manifest_and_the_schemas_and_no_tests(image: str) -> None:
    package = "/airbyte/venv/lib/python3*/site-packages/source_stripe"
    assert _inside(image, f"cat {package}/manifest.yaml") == (_ROOT / "manifest.yaml").read_text()
    inside = _inside(image, f"cd {package}/schemas && ls").split()
    assert inside == sorted(path.name for path in (_ROOT / "schemas").iterdir())
    unwanted = ["unit_tests", "integration_tests", "stripe_emulator", "tools", "pytest", "stripe", "uv", "pandas"]
    names = " -o ".join(f"-name {name}" for name in unwanted)
    assert _inside(image, f"find /airbyte /build -maxdepth 5 \\( {names} \\) 2>/dev/null || true") == ""
    assert _inside(image, "find /airbyte -name tests -o -name '*.whl' -o -name '.cache' -o -name '.git'") == ""


def test_tells_the_platform_its_name_version_and_entry_point(image: str) -> None:
    metadata = yaml.safe_load((_ROOT / "metadata.yaml").read_text())["data"]
    config = json.loads(_docker("image", "inspect", image))[0]["Config"]
    assert config["Labels"]["io.airbyte.name"] == metadata["dockerRepository"]
    assert config["Labels"]["io.airbyte.version"] == metadata["dockerImageTag"]
    # Airbyte's platform starts what the variable says, not the entry point.
    environment = dict(entry.split("=", 1) for entry in config["Env"])
    assert config["Entrypoint"] == [environment["AIRBYTE_ENTRYPOINT"]]


def test_leaves_out_only_what_is_locked() -> None:
    """A name that is no longer in uv.lock means that the list of unused packages is out of date."""
    lines = (_ROOT / "tools" / "containers" / "unused-packages.txt").read_text().splitlines()
    unused = [line for line in lines if line and not line.startswith("#")]
    lock = (_ROOT / "uv.lock").read_text()
    assert unused
    assert [name for name in unused if f'\nname = "{name}"\n' not in lock] == []


def _schema(stream: str) -> Any:
    return json.loads((_ROOT / "schemas" / f"{stream}.json").read_text())


def _configured(stream: str) -> dict[str, Any]:
    return {
        "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": [SyncMode.full_refresh.value]},
        "sync_mode": SyncMode.full_refresh.value,
        "destination_sync_mode": "append",
    }
