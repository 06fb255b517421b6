"""Serving: one app on a TCP port and on the home's socket, in one process and one event loop.

It binds, runs and stops; what is served is asgi.py's, who may ask is security.py's, the lock on the home is
the caller's. Stopping is prompt: streams of events end first, so that nobody waits for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from windowseat.core.errors import Fault

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from windowseat.entrypoints.web.news import News

_PORTS_TRIED = 20
_BACKLOG = 2048
_GRACE_SECONDS = 5
_KEEP_ALIVE_SECONDS = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A bound TCP port. `address` is its URL; `wanted` is the port asked for, where another was taken."""

    sockets: tuple[socket.socket, ...]
    address: str
    wanted: int | None = None


def bind_port(host: str, port: int, base_path: str = "") -> Port:
    """Bind the port, or the next free one when it is in use; 0 takes any.

    Raises Fault `host_unknown`, `port_refused`, `port_in_use` (no free one among the next twenty).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Fault(
            "host_unknown",
            f"The address {host} is not one of this machine: {error.strerror or error}.",
            hint="Use 127.0.0.1 for this machine alone, or 0.0.0.0 for all of its networks.",
        ) from error
    family, _, _, _, place = found[0]
    tries = [port] if port == 0 else range(port, min(port + _PORTS_TRIED, 65536))
    for number in tries:
        with contextlib.suppress(_InUse):
            bound = _bound(family, (place[0], number, *place[2:]), host)
            taken = bound.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            return Port(
                sockets=(bound,),
                address=f"http://{_reachable(shown)}:{taken}{base_path}",
                wanted=port if port not in (0, taken) else None,
            )
    raise Fault(
        "port_in_use",
        f"The ports {port} to {tries[-1]} of {host} are all in use.",
        hint="Name another one with --port, or 0 for any.",
    )


def bind_socket(path: Path) -> socket.socket:
    """Bind the home's socket, open to its owner alone. Raises Fault `socket_refused`."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # so that it is closed to others from its first instant
    try:
        bound.bind(os.fspath(path))
    except OSError as error:
        bound.close()
        raise Fault(
            "socket_refused",
            f"The socket {path} could not be made: {error.strerror}.",
            hint="Keep the home on a local disk that this user can write.",
        ) from error
    finally:
        os.umask(before)
    return bound


@asynccontextmanager
async def serving(app: ASGIApp, news: News, *, port: Port | None, socket_path: Path) -> AsyncIterator[None]:
    """Answer requests while the block runs: on the port, if there is one, and on the socket."""
    bound = bind_socket(socket_path)
    server = _server(app)
    sockets = [bound, *(port.sockets if port else ())]
    running = asyncio.create_task(server.serve(sockets=sockets), name="server")
    try:
        while not (server.started or running.done()):  # noqa: ASYNC110 - uvicorn tells by this flag alone
            await asyncio.sleep(0.001)
        if not running.done():
            yield
    finally:
        news.end()
        server.should_exit = True
        await running
        socket_path.unlink(missing_ok=True)  # noqa: ASYNC240 - one call, at the end


@contextmanager
def stopping_signals() -> Iterator[asyncio.Event]:
    """Within the block SIGTERM and SIGINT set the event instead of ending the process."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def _server(app: ASGIApp):  # type: ignore[no-untyped-def]
    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn's, without its own handling of signals, which would end the process by them."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        # The gate logs what goes wrong, and believes proxies by its own list.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return Server(config)


class _InUse(Exception):
    """Somebody listens there."""


def _bound(family: int, place: tuple[object, ...], host: str) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise _InUse from error
        raise Fault(
            "port_refused",
            f"Port {place[1]} of {host} cannot be listened on: {error.strerror}.",
            hint="Use a port above 1023, and an address of this machine.",
        ) from error
    return bound


def _reachable(host: str) -> str:
    """The address that a browser on this machine uses for one that stands for all networks."""
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
