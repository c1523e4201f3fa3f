"""Serving an emulator on a port of the loopback interface."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import uvicorn

from stripe_emulator.app import application
from stripe_emulator.emulator import StripeEmulator
from stripe_emulator.wire import breakable, reset

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024
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
    with _bound(port) as listener:
        listener.listen(_BACKLOG)
        yield listener


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit both. Without the first a small answer, in two writes, would wait for the client's ACK:
    # asyncio only thinks of sockets that say that they are TCP. The second takes a page of a list at once.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PAGE_SIZE)
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound


def url_of(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"


def server_of(emulator: StripeEmulator) -> uvicorn.Server:
    """A server that leaves the `Date` header to the emulator's clock."""
    config = uvicorn.Config(
        app := application(emulator),
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    config.app = breakable(app, partial(_refuse, server))
    return server


def _run(loop: asyncio.AbstractEventLoop, serving: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(serving)
    loop.close()


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        await server.serve([listener])
    finally:
        # uvicorn's own shutdown waits two tenths of a second, in every test.
        await _stop_listening(server)
        for connection in list(server.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)
        if tasks := server.server_state.tasks:
            await asyncio.wait(tasks)
        await _stop_listening(server)


async def _refuse(server: uvicorn.Server, wait: Callable[[], object]) -> None:
    """Reset all connections and, for as long as `wait` takes, refuse new ones; nothing if that is so already."""
    if not server.servers[0].sockets:
        return
    port = server.servers[0].sockets[0].getsockname()[1]
    await _stop_listening(server)
    # It holds the port: a socket that is bound but doesn't listen refuses.
    with _bound(port) as listener:
        for connection in list(server.server_state.connections):
            reset(connection.transport)
        await asyncio.to_thread(wait)
        listener.listen(_BACKLOG)
        await server.startup([socket.socket(fileno=listener.detach())])


async def _stop_listening(server: uvicorn.Server) -> None:
    for acceptor in server.servers:
        for listener in acceptor.sockets:
            asyncio.get_running_loop().remove_reader(listener)
    # asyncio would lose, and never close, a connection whose first steps come when its server is closed.
    for _ in range(3):
        await asyncio.sleep(0)
    for acceptor in server.servers:
        acceptor.close()
