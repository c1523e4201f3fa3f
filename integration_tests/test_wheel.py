"""The wheel: what is in it, and that it works alone, with the locked versions of what it says it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from source_stripe.catalog.manifest import Manifest
from stripe_emulator import StripeEmulator
from tools.check_release import (
    changelog_faults,
    differences,
    sbom_faults,
    sdist_faults,
    versions,
    wheel_faults,
    wheel_metadata,
)

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return _build("wheel", source=_ROOT, into=tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel, its locked dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    requirements, environment = folder / "requirements.txt", folder / "venv"
    _uv("export", "--locked", "--no-dev", "--no-emit-project", "--output-file", str(requirements))
    _uv("venv", "--python", sys.executable, str(environment))
    python = ["--python", str(environment)]
    _uv("pip", "install", *python, "--require-hashes", "--requirement", str(requirements))
    _uv("pip", "install", *python, "--no-deps", str(wheel))
    _uv("pip", "check", *python)
    return environment / "bin"


def test_wheel_holds_the_package_the_manifest_and_every_schema(wheel: Path) -> None:
    assert list(wheel_faults(wheel, _ROOT)) == []


def test_all_tell_the_version_that_the_changelog_tells_of(wheel: Path) -> None:
    version = wheel_metadata(wheel)["Version"]
    assert set(versions(_ROOT).values()) == {version}
    assert list(changelog_faults((_ROOT / "CHANGELOG.md").read_text(), version)) == []


def test_sdist_is_lean_and_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = _build("sdist", source=_ROOT, into=tmp_path)
    assert list(sdist_faults(sdist, _ROOT)) == []
    with tarfile.open(sdist) as archive:
        # Newer Pythons warn without a filter; older ones (3.11.2 of Debian 12) have none and look at no such attribute.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)  # noqa: S202 - an sdist of our own
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again = _build("wheel", source=unpacked, into=tmp_path)
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {info.filename: info.CRC for info in one.infolist()} == {
            info.filename: info.CRC for info in other.infolist()
        }


def test_the_check_of_a_release_tells_what_a_wheel_lacks_and_should_not_have(wheel: Path, tmp_path: Path) -> None:
    wrong = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(wrong, "w") as copy:
        for name in archive.namelist():
            if not name.endswith("/schemas/charges.json"):
                copy.writestr(name, b"{}" if name.endswith("/schemas/refunds.json") else archive.read(name))
        copy.writestr("unit_tests/test_run.py", b"")
    assert list(wheel_faults(wrong, _ROOT)) == [
        f"{wheel.name} should not have unit_tests/test_run.py",
        f"{wheel.name} lacks source_stripe/schemas/charges.json",
        f"{wheel.name}: source_stripe/schemas/refunds.json is not that of the checkout",
    ]


def test_the_check_of_a_release_reads_versions_the_changelog_and_the_sbom(wheel: Path) -> None:
    about = wheel_metadata(wheel)
    told = list(differences({"pyproject.toml": "1.0.0", "Dockerfile": "1.0.1"}))
    assert told == ["versions differ: pyproject.toml has 1.0.0, Dockerfile has 1.0.1"]
    assert list(changelog_faults("## [1.0.0]\n\n## [0.9.0]\n\n- x\n", "1.0.0")) == [
        "CHANGELOG.md does not say what is in 1.0.0"
    ]
    needed = [{"name": name, "version": "1"} for name in ("airbyte-cdk", "orjson", "pydantic", "pyyaml")]
    sbom = {"metadata": {"component": {"name": "source-stripe", "version": "0.0.1"}}, "components": needed}
    assert list(sbom_faults(sbom, about)) == [
        "the SBOM is of source-stripe 0.0.1",
        "the SBOM lacks requests",
        *(f"the SBOM has no hash of {one['name']} 1" for one in needed),
    ]


def test_installed_it_tells_its_spec_from_any_folder(installed: Path, tmp_path: Path) -> None:
    (message,) = _of_type(_run(installed, "spec", folder=tmp_path), "SPEC")
    assert message["spec"]["connectionSpecification"]["required"] == ["client_secret"]


def test_installed_it_discovers_every_stream(installed: Path, tmp_path: Path, emulator: StripeEmulator) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"client_secret": emulator.key, "api_url": emulator.url}))
    (message,) = _of_type(_run(installed, "discover", "--config", "config.json", folder=tmp_path), "CATALOG")
    schemas = {stream["name"]: stream["json_schema"] for stream in message["catalog"]["streams"]}
    files = {name: _ROOT / "schemas" / f"{name}.json" for name in Manifest.load().rows}
    assert schemas == {name: json.loads(path.read_text()) for name, path in files.items()}


def _build(target: str, *, source: Path, into: Path) -> Path:
    """Build with the environment's own hatchling: nothing is fetched."""
    into.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    (built,) = into.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def _uv(*args: str) -> None:
    """Run the uv of `make venv`, or else the one on PATH."""
    uv = shutil.which("uv", path=f"{_ROOT / '.uv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert uv, "there is no uv: run `make venv`"
    done = subprocess.run([uv, *args], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _run(installed: Path, *command: str, folder: Path) -> list[dict[str, Any]]:
    """The messages of one command, run in a folder that is not the checkout."""
    done = subprocess.run(
        [installed / "source-stripe", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _of_type(messages: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    return [message for message in messages if message["type"] == wanted]
