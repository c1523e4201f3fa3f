"""Serving an emulator on a port of the loopback interface."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from integration_tests.stripe_emulator.app import application
from integration_tests.stripe_emulator.emulator import StripeEmulator

LOOPBACK = "127.0.0.1"
_PAGE_SIZE = 1 << 20


@contextmanager
def serve(emulator: StripeEmulator, port: int = 0) -> Iterator[str]:
    """Serve an emulator from a thread of its own; yields the URL, `http://127.0.0.1:41234`."""
    loop = asyncio.new_event_loop()
    with listening(port) as listener:
        emulator.url = url_of(listener)
        serving = loop.create_task(_serve(server_of(emulator), listener))
        thread = threading.Thread(target=_run, args=(loop, serving), daemon=True)
        thread.start()
        try:
            yield emulator.url
        finally:
            loop.call_soon_threadsafe(serving.cancel)
            thread.join()


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that takes connections from now on: who connects before the server runs is served once it does."""
    with socket.create_server((LOOPBACK, port), backlog=1024) as listener:
        # Connections inherit both. Without the first a small answer, in two writes, would wait for the client's ACK:
        # asyncio only thinks of sockets that say that they are TCP. The second takes a page of a list at once.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PAGE_SIZE)
        yield listener


def url_of(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def server_of(emulator: StripeEmulator) -> uvicorn.Server:
    """A server that leaves the `Date` header to the emulator's clock."""
    config = uvicorn.Config(
        application(emulator),
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _run(loop: asyncio.AbstractEventLoop, serving: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(serving)
    loop.close()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        await server.serve([listener])
    finally:
        # uvicorn's own shutdown waits two tenths of a second, in every test.
        for acceptor in server.servers:
            acceptor.close()
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)
