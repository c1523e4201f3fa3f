"""Connections on which an answer is whole within a time, or fails.

A read timeout only bounds the silence between two bytes: an answer that came a byte a minute would never end.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool


class BoundedAdapter(HTTPAdapter):
    """An answer takes `whole` seconds at most, from the wait for its first byte to its last. Then it times out."""

    def __init__(self, *, whole: float, pool_connections: int, pool_maxsize: int) -> None:
        super().__init__(pool_connections=pool_connections, pool_maxsize=pool_maxsize)
        response = {"response_class": type("BoundedResponse", (_BoundedResponse,), {"whole": whole})}
        self._http = type("BoundedConnection", (HTTPConnection,), response)
        self._https = type("BoundedTlsConnection", (HTTPSConnection,), response)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """The pool for a request, of a proxy too."""
        pool = cast(HTTPConnectionPool, super().get_connection_with_tls_context(*args, **kwargs))
        pool.ConnectionCls = self._https if pool.scheme == "https" else self._http
        return pool


class _BoundedResponse(HTTPResponse):
    whole = 0.0

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(sock, self.fp.detach(), self.whole))


class _Bounded(io.RawIOBase):
    """What a socket receives, up to a deadline that no byte extends."""

    def __init__(self, sock: socket.socket, received: io.RawIOBase, seconds: float) -> None:
        self._socket, self._received = sock, received
        self._silence = sock.gettimeout()
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left if self._silence is None else min(self._silence, left))
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()
