"""Check what a release ships, once it is built: what wheel, sdist and SBOM hold, and which version each tells.

`make release-check` builds it first. Prints what is wrong, a line each; exit 1 if anything is.
"""

import argparse
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_BESIDES_THE_PACKAGE = {
    ".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "manifest.yaml", "pyproject.toml",
}  # fmt: skip
_VERSIONS = {
    "pyproject.toml": r'^version = "(.*)"$',
    "metadata.yaml": r"^ *dockerImageTag: (.*)$",
    "Dockerfile": r"io\.airbyte\.version=(\S+)",
}


def main(arguments: list[str] | None = None) -> int:
    """Check dist/ and the image; the exit code."""
    parser = argparse.ArgumentParser(prog="check_release", description="Whether what was built can be released.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--image", default="source-stripe:dev")
    options = parser.parse_args(arguments)
    (wheel,), (sdist,) = options.dist.glob("*.whl"), options.dist.glob("*.tar.gz")
    about = wheel_metadata(wheel)
    told = {**versions(ROOT), wheel.name: about["Version"], options.image: _image_version(options.image)}
    wrong = [
        *differences(told),
        *changelog_faults((ROOT / "CHANGELOG.md").read_text("utf-8"), about["Version"]),
        *wheel_faults(wheel, ROOT),
        *sdist_faults(sdist, ROOT),
        *sbom_faults(json.loads((options.dist / "sbom.cdx.json").read_text("utf-8")), about),
    ]
    print("\n".join([*wrong, f"source-stripe {about['Version']}: {len(wrong) or 'nothing'} wrong"]))
    return 1 if wrong else 0


def versions(root: Path) -> dict[str, str]:
    """The version that each file tells, as it is written there."""
    found = {
        name: re.search(regex, (root / name).read_text("utf-8"), re.MULTILINE) for name, regex in _VERSIONS.items()
    }
    return {name: match[1] if match else "none" for name, match in found.items()}


def wheel_metadata(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def differences(told: Mapping[str, str]) -> Iterator[str]:
    """A line if not all tell the same version."""
    if len(set(told.values())) > 1:
        yield "versions differ: " + ", ".join(f"{name} has {version}" for name, version in told.items())


def changelog_faults(changelog: str, version: str) -> Iterator[str]:
    """A line if the changelog does not say what is in a version."""
    section = re.search(rf"^## \[{re.escape(version)}\].*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if section is None or not re.search(r"^- \S", section[1], re.MULTILINE):
        yield f"CHANGELOG.md does not say what is in {version}"


def wheel_faults(wheel: Path, root: Path) -> Iterator[str]:
    """What a wheel has too much or lacks: it holds the package, the manifest and every schema."""
    data = {f"source_stripe/{path}": root / path for path in ("manifest.yaml", *_schemas(root))}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        yield from _unlike(wheel.name, names, {*_package(root), *data})
        for name in names & data.keys():
            if archive.read(name) != data[name].read_bytes():
                yield f"{wheel.name}: {name} is not that of the checkout"


def sdist_faults(sdist: Path, root: Path) -> Iterator[str]:
    """What an sdist has too much or lacks: what the wheel is built from, and no more."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    yield from _unlike(sdist.name, names, {*_package(root), *_schemas(root), *_BESIDES_THE_PACKAGE})


def sbom_faults(sbom: Mapping[str, Any], about: Message) -> Iterator[str]:
    """What an SBOM lacks: it is of this version, and lists what that needs, each with its version and hashes."""
    subject = sbom["metadata"]["component"]
    if (subject["name"], subject["version"]) != (about["Name"], about["Version"]):
        yield f"the SBOM is of {subject['name']} {subject['version']}"
    # What an extra brings is not what users get by themselves.
    lines = (line for line in about.get_all("Requires-Dist", []) if "extra ==" not in line)
    needed = {re.split(r"[^\w.-]", line)[0] for line in lines}
    for name in needed - {component["name"] for component in sbom["components"]}:
        yield f"the SBOM lacks {name}"
    for component in sbom["components"]:
        if not any(source.get("hashes") for source in component.get("externalReferences", [])):
            yield f"the SBOM has no hash of {component['name']} {component['version']}"


def _package(root: Path) -> set[str]:
    modules = {path.relative_to(root).as_posix() for path in (root / "source_stripe").rglob("*.py")}
    return {*modules, "source_stripe/expandable.json", "source_stripe/filters.json", "source_stripe/py.typed"}


def _schemas(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in (root / "schemas").glob("*.json")}


def _unlike(what: str, names: Iterable[str], wanted: Iterable[str]) -> Iterator[str]:
    yield from (f"{what} should not have {name}" for name in sorted({*names} - {*wanted}))
    yield from (f"{what} lacks {name}" for name in sorted({*wanted} - {*names}))


def _image_version(image: str) -> str:
    label = '{{ index .Config.Labels "io.airbyte.version" }}'
    command = [str(ROOT / "tools" / "containers" / "docker"), "image", "inspect", "--format", label, image]
    return subprocess.check_output(command, text=True).strip()


if __name__ == "__main__":
    sys.exit(main())
