"""What every test may use: the checkout's folders, the machine's container engine, and the image built from here."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent
_CACHE = _ROOT / ".cache"
_CONTAINERS = _ROOT / "tools" / "containers"
_TAG = "source-stripe:dev"


def pytest_configure() -> None:
    """Set what the Makefile sets, for a pytest that was started without it; and put the project's `docker` first.

    The tests here and the CDK's call it by that name.
    """
    os.environ["PATH"] = f"{_CONTAINERS}{os.pathsep}{os.environ['PATH']}"
    os.environ["TMPDIR"] = str(_CACHE / "tmp")
    os.environ.setdefault("UV_CACHE_DIR", str(_CACHE / "uv"))
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")
    (_CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = None  # look at TMPDIR anew


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
