"""What every test may use: the machine's container engine, and the image built from this checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_CONTAINERS = Path(__file__).parent / "tools" / "containers"
_TAG = "source-stripe:dev"


def pytest_configure() -> None:
    """Put the project's `docker` first: the tests here and the CDK's call it by that name."""
    os.environ["PATH"] = f"{_CONTAINERS}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def image() -> str:
    """The image's tag. Without a container engine the test is skipped, but fails where `CI` is set."""
    engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if engine.returncode != 0:
        message = engine.stderr.strip()
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    build = subprocess.run([_CONTAINERS / "build-image", _TAG], capture_output=True, text=True, check=False)
    assert build.returncode == 0, f"the image does not build:\n{build.stdout[-4000:]}\n{build.stderr[-4000:]}"
    return _TAG
