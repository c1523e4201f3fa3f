"""Ask OSV, through pip-audit, whether a locked dependency has a known vulnerability; exit 1 if so (`make audit`).

One that audit-ignore.txt lists with a reason is told and let through. What could not be asked is a warning: a machine
without a way to OSV is no reason to stop.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IGNORED = Path(__file__).with_name("audit-ignore.txt")
_OSV = "https://api.osv.dev/v1/query"
_NO_ANSWER = ("requests.exceptions.", "pip_audit._service.interface.", "Tip: your network")
"""What the last line of pip-audit says if OSV was not to be reached, or answered with an error."""


@dataclass(frozen=True)
class Finding:
    """A vulnerability of a locked version, by all of its names (GHSA, PYSEC, CVE)."""

    package: str
    names: Sequence[str]
    fixed_in: Sequence[str]
    text: str

    def __str__(self) -> str:
        fix = f"fixed in {' or '.join(self.fixed_in)}" if self.fixed_in else "not fixed yet"
        return f"{self.package}: {', '.join(self.names)}, {fix}: {self.text}"


@dataclass(frozen=True)
class Report:
    """What pip-audit found; `unasked` are packages, and why nothing is known of them."""

    findings: Sequence[Finding]
    unasked: Sequence[str]
    asked: int


class UnreachableError(Exception):
    """OSV gave no answer."""


def main(arguments: list[str] | None = None) -> int:
    """Audit; the exit code."""
    parser = argparse.ArgumentParser(prog="audit", description="Known vulnerabilities of what uv.lock pins.")
    parser.add_argument("requirements", type=Path, help="what `uv export` writes: exact versions with hashes")
    parser.add_argument("--osv-url", default=_OSV)
    parser.add_argument("--ignored", type=Path, default=IGNORED)
    options = parser.parse_args(arguments)
    reasons = read_reasons(options.ignored)
    try:
        report = audit(options.requirements, options.osv_url)
    except UnreachableError as error:
        print(f"WARNING: nothing was audited, {options.osv_url} gives no answer: {error}")
        return 0
    open_ones = list(_tell(report, reasons))
    print(f"Audited {report.asked} packages: {len(open_ones)} known vulnerabilities that {options.ignored.name} lacks.")
    if open_ones:
        print(f"Update with `uv lock --upgrade-package`, or list the id with a reason in {options.ignored}.")
    return 1 if open_ones else 0


def read_reasons(ignored: Path) -> dict[str, str]:
    """Why each vulnerability of the list is let through. ValueError if a line gives no reason."""
    reasons = {}
    for number, line in enumerate(ignored.read_text("utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            if not reason.strip():
                raise ValueError(f"{ignored}:{number}: write `<id>: <why it does not matter here>`, not {line!r}")
            reasons[name.strip()] = reason.strip()
    return reasons


def audit(requirements: Path, osv_url: str) -> Report:
    """Run pip-audit. UnreachableError if OSV does not answer, RuntimeError if pip-audit itself fails."""
    with tempfile.TemporaryDirectory() as cache:
        words = ["--requirement", str(requirements), "--require-hashes", "--disable-pip", "--cache-dir", cache]
        service = ["--vulnerability-service", "osv", "--osv-url", osv_url, "--timeout", "20"]
        command = [sys.executable, "-m", "pip_audit", *words, *service, "--progress-spinner", "off", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.startswith("{"):
        return _report(json.loads(done.stdout)["dependencies"])
    last = (done.stderr.splitlines() or ["no output"])[-1]
    if any(sign in last for sign in _NO_ANSWER):
        raise UnreachableError(last)
    raise RuntimeError(f"pip-audit failed:\n{done.stderr}")


def _report(dependencies: Sequence[Mapping[str, Any]]) -> Report:
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in dependencies if "skip_reason" in one]
    asked = [one for one in dependencies if "skip_reason" not in one]
    findings = [
        Finding(
            f"{one['name']} {one['version']}", (each["id"], *each["aliases"]), each["fix_versions"], each["description"]
        )
        for one in asked
        for each in one["vulns"]
    ]
    return Report(findings, skipped, len(asked))


def _tell(report: Report, reasons: Mapping[str, str]) -> Iterator[Finding]:
    """Print what was found; those that nobody gave a reason for."""
    used = set()
    for finding in report.findings:
        listed = [name for name in finding.names if name in reasons]
        used.update(listed)
        print(f"{'IGNORED' if listed else 'VULNERABLE'}: {finding}")
        if not listed:
            yield finding
        for name in listed:
            print(f"  because: {reasons[name]}")
    for line in report.unasked:
        print(f"WARNING: not audited: {line}")
    for name in reasons.keys() - used:
        print(f"WARNING: {name} was not found: take it off the list")


if __name__ == "__main__":
    sys.exit(main())
