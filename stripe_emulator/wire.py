"""Answers that break on their way: written to the connection as bytes, past the HTTP server."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_CONNECTION = "stripe_emulator.connection"
_NOT_LINGERING = struct.pack("ii", 1, 0)


class End(Enum):
    """How a connection ends."""

    CLOSED = "in order, though the answer may not be whole"
    RESET = "with a reset"
    SILENT = "not before the client goes"


@dataclass(frozen=True)
class Refused:
    """All connections end with a reset, and nobody listens until `wait`, called in a thread of its own, returns."""

    wait: Callable[[], object]


Step = bytes | float | End | Refused
"""Bytes to write, seconds to wait, or an end."""

Script = Callable[[bytes, bytes], Iterable[Step]]
"""What goes over the wire, given the head and the body of the answer as they should be."""


class BrokenResponse(Response):
    """An answer that goes over the wire by a script. It is the last one on its connection."""

    def __init__(self, answer: Response, script: Script) -> None:
        super().__init__(answer.body, answer.status_code, answer.headers)
        self._script = script

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: _Connection = scope[_CONNECTION]
        for step in self._script(self._head(), bytes(self.body)):
            await connection.go(step, receive)
            if connection.transport.is_closing():
                break
        connection.transport.close()
        await _gone(receive)

    def _head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status_code} {HTTPStatus(self.status_code).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.raw_headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def breakable(app: ASGIApp, refuse: Callable[[Callable[[], object]], Awaitable[None]]) -> ASGIApp:
    """The application, with each request's connection in reach of BrokenResponse."""

    async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
        # What uvicorn gives as `send` is a method of the state that it keeps of the request.
        scope[_CONNECTION] = _Connection(send.__self__.transport, refuse)  # type: ignore[attr-defined]
        await app(scope, receive, send)

    return with_connection


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection at once, with a reset."""
    if isinstance(transport, asyncio.Transport) and not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOT_LINGERING)
        transport.abort()


@dataclass(frozen=True)
class _Connection:
    transport: asyncio.Transport
    refuse: Callable[[Callable[[], object]], Awaitable[None]]

    async def go(self, step: Step, receive: Receive) -> None:
        if isinstance(step, bytes):
            self.transport.write(step)
        elif isinstance(step, float):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_gone(receive), step)
        elif isinstance(step, Refused):
            await self.refuse(step.wait)
        elif step is End.RESET:
            reset(self.transport)
        elif step is End.SILENT:
            await _gone(receive)
        else:
            self.transport.close()


async def _gone(receive: Receive) -> None:
    """Wait until the connection has ended."""
    while (await receive())["type"] != "http.disconnect":
        pass
