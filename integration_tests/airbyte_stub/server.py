"""The instance behind a socket on loopback."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from integration_tests.airbyte_stub.instance import Instance, RefusedError

_PUBLIC, _CONFIG = "/api/public/v1", "/api/v1"
_PATHS = {
    "token": rf"POST {_PUBLIC}/applications/token",
    "workspaces": rf"GET {_PUBLIC}/workspaces",
    "definitions": rf"GET {_PUBLIC}/workspaces/(?P<workspace>[\w-]+)/definitions/sources",
    "make definition": rf"POST {_PUBLIC}/workspaces/(?P<workspace>[\w-]+)/definitions/sources",
    "update definition": rf"PUT {_PUBLIC}/workspaces/(?P<workspace>[\w-]+)/definitions/sources/(?P<id>[\w-]+)",
    "sources": rf"GET {_PUBLIC}/sources",
    "make source": rf"POST {_PUBLIC}/sources",
    "update source": rf"PUT {_PUBLIC}/sources/(?P<id>[\w-]+)",
    "connections": rf"GET {_PUBLIC}/connections",
    "connection": rf"GET {_PUBLIC}/connections/(?P<id>[\w-]+)",
    "make connection": rf"POST {_PUBLIC}/connections",
    "jobs": rf"GET {_PUBLIC}/jobs",
    "check": rf"POST {_CONFIG}/sources/check_connection",
    "discover": rf"POST {_CONFIG}/sources/discover_schema",
    "state": rf"POST {_CONFIG}/state/get",
    "set state": rf"POST {_CONFIG}/state/create_or_update_safe",
}


@contextmanager
def serve(instance: Instance, port: int = 0) -> Iterator[str]:
    """Serve an instance from threads of its own; yields the URL."""
    handler = type("Handler", (_Handler,), {"instance": instance})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    instance: ClassVar[Instance]

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def do_PUT(self) -> None:
        self._respond()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _respond(self) -> None:
        url = urlsplit(self.path)
        operation, about = _operation(f"{self.command} {url.path}", dict(parse_qsl(url.query)))
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._fails(operation):
            return
        if not operation:
            self._send(404, "Page not found")
            return
        try:
            body = json.loads(content) if content else None
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            self._send(200, self.instance.answer(operation, body, about, token))
        except RefusedError as error:
            self._send(error.status, json.dumps(self._refusal(error)))

    def _refusal(self, error: RefusedError) -> dict[str, Any]:
        if not self.path.startswith(_PUBLIC):
            return {"message": error.message, "exceptionStack": [], "rootCauseExceptionStack": []}
        named = {"status": error.status, "title": "refused", "type": "error:refused", "documentationUrl": None}
        return {**named, "detail": "Unable to process.", "data": {"message": error.message}}

    def _fails(self, operation: str) -> bool:
        """Whether a fault took the call's place."""
        fault = next((each for each in self.instance.faults if each.operation == operation and each.times > 0), None)
        if fault is None:
            return False
        fault.times -= 1
        time.sleep(fault.seconds)
        self._send(fault.status or 504, fault.body)
        return True

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:
            # Whoever asked does not wait any more.
            self.close_connection = True


def _operation(asked: str, about: dict[str, str]) -> tuple[str, dict[str, str]]:
    for operation, path in _PATHS.items():
        if found := re.fullmatch(path, asked):
            return operation, {**about, **found.groupdict()}
    return "", about
