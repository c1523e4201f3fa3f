"""The audit of what uv.lock pins: known vulnerabilities fail it, reasons let some through, offline it warns."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools.audit import IGNORED, main, read_reasons

_ADVISORY = {
    "id": "GHSA-9wx4-h78v-vm56",
    "aliases": ["CVE-2024-35195"],
    "summary": "verify=False sticks to a session",
    "affected": [
        {
            "package": {"name": "requests", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.32.0"}]}],
        }
    ],
}


class _Osv(BaseHTTPRequestHandler):
    """OSV, which knows of one vulnerability."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert query["package"]["ecosystem"] == "PyPI"
        known = (query["package"]["name"], query["version"]) == ("requests", "2.31.0")
        self.answer(200, {"vulns": [_ADVISORY]} if known else {})

    def answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _BrokenOsv(_Osv):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(503, {})


@pytest.fixture
def osv(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an OSV on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), getattr(request, "param", _Osv)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The words for two locked packages, and a list that lets nothing through."""
    lines = [f"{name} --hash=sha256:{'0' * 64}\n" for name in ("requests==2.31.0", "idna==3.10")]
    (tmp_path / "requirements.txt").write_text("".join(lines))
    (tmp_path / "ignored.txt").touch()
    return [str(tmp_path / "requirements.txt"), "--ignored", str(tmp_path / "ignored.txt")]


def test_a_known_vulnerability_fails_it(osv: str, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "--osv-url", osv]) == 1
    told = capsys.readouterr().out
    assert "VULNERABLE: requests 2.31.0: CVE-2024-35195, GHSA-9wx4-h78v-vm56, fixed in 2.32.0: verify=False" in told
    assert "Audited 2 packages" in told


def test_a_reason_lets_it_through(
    osv: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ignored.txt").write_text("# why\nCVE-2024-35195: TLS is always verified\nGHSA-old: long gone\n")
    assert main([*files, "--osv-url", osv]) == 0
    told = capsys.readouterr().out
    assert "IGNORED: requests 2.31.0" in told
    assert "because: TLS is always verified" in told
    assert "GHSA-old was not found: take it off the list" in told


def test_nothing_is_let_through_without_a_reason(tmp_path: Path) -> None:
    (tmp_path / "ignored.txt").write_text("CVE-2024-35195:\n")
    with pytest.raises(ValueError, match=r"ignored\.txt:1: write"):
        read_reasons(tmp_path / "ignored.txt")
    assert isinstance(read_reasons(IGNORED), dict)


@pytest.mark.parametrize("osv", [_BrokenOsv], indirect=True)
def test_an_osv_that_answers_with_an_error_is_a_warning(
    osv: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*files, "--osv-url", osv]) == 0
    assert "WARNING: nothing was audited" in capsys.readouterr().out


def test_no_osv_is_a_warning(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "--osv-url", "http://127.0.0.1:9/v1/query"]) == 0
    assert "WARNING: nothing was audited" in capsys.readouterr().out


def test_an_audit_that_breaks_is_no_warning(osv: str, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("requests>=2\n")
    with pytest.raises(RuntimeError, match="pip-audit failed"):
        main([*files, "--osv-url", osv])
