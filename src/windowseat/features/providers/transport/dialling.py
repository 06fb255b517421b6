"""Opening a connection to a host that may have several addresses, some of which may not answer.

Addresses are tried in the resolver's order, the families taking turns, each 250 ms after the last
while none has answered ("happy eyeballs", RFC 8305); so a broken IPv6 costs a quarter of a second.
asyncio's loop can do this too; uvloop's cannot, and both serve here.

Not a guard: it goes wherever the owner's connection points.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any, TypeVar

import httpx2

_NEXT_ADDRESS_SECONDS = 0.25
_Protocol = TypeVar("_Protocol", bound=asyncio.Protocol)
_Address = tuple[int, Any]
"""Family and socket address."""


async def dial(
    protocol: Callable[[], _Protocol],
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None,
    timeout: float | None,
) -> _Protocol:
    """A connected protocol, TLS included. `timeout` in seconds is for everything together.

    Raises httpx2.ConnectTimeout, or httpx2.ConnectError whose cause tells a missing name
    (socket.gaierror) and a refused certificate (ssl.SSLError) from the rest.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            connected = await _first_to_answer(await _addresses(host, port))
            try:
                _, made = await loop.create_connection(
                    protocol, sock=connected, ssl=tls, server_hostname=host if tls else None
                )
            except BaseException:
                connected.close()
                raise
            return made
    except TimeoutError as error:
        raise httpx2.ConnectTimeout(f"No connection within {timeout} s.") from error
    except OSError as error:
        raise httpx2.ConnectError(str(error)) from error


async def _addresses(host: str, port: int) -> list[_Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [(int(family), address) for family, _, _, _, address in found]
    first = [entry for entry in addresses if entry[0] == addresses[0][0]]
    others = [entry for entry in addresses if entry[0] != addresses[0][0]]
    return [entry for entry in chain.from_iterable(zip_longest(first, others)) if entry is not None]


async def _first_to_answer(addresses: list[_Address]) -> socket.socket:
    waiting = list(reversed(addresses))
    trying: set[asyncio.Task[socket.socket]] = set()
    failures: list[BaseException] = []
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_try(waiting.pop())))
            done, trying = await asyncio.wait(
                trying,
                timeout=_NEXT_ADDRESS_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            connected = [task.result() for task in done if task.exception() is None]
            for surplus in connected[1:]:
                surplus.close()
            if connected:
                return connected[0]
            failures += [error for task in done if (error := task.exception()) is not None]
    finally:
        for task in trying:
            task.cancel()
            task.add_done_callback(_close_late)
    raise failures[0]


async def _try(address: _Address) -> socket.socket:
    family, where = address
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(opened, where)
    except BaseException:
        opened.close()
        raise
    return opened


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """One that had connected before it could be cancelled."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
