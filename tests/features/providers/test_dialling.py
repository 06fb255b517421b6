"""Opening a connection when a host has several addresses and not all of them answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from windowseat.features.providers.transport import dialling
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server on 127.0.0.1."""

    async def answer(request: HttpReceived, reply: HttpReply) -> None:
        reply.whole(204, b"", {})

    async with LoopbackServer(answer) as server:
        yield int(server.url.rpartition(":")[2])


@pytest.fixture
def unanswering() -> Iterator[int]:
    """A port on 127.0.0.1 whose queue of connections is full, so that a further one waits."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting: list[socket.socket] = []
    for _ in range(3):
        waiting.append(opened := socket.socket())
        opened.setblocking(False)
        opened.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for opened in [*waiting, listener]:
        opened.close()


@pytest.fixture
def refusing() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Noted(asyncio.Protocol):
    """Keeps the transport that it was given."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


async def dialled_port(host: str, port: int, *, timeout: float = 5.0) -> int:
    noted = await dialling.dial(Noted, host, port, tls=None, timeout=timeout)
    peer = noted.transport.get_extra_info("peername")
    noted.transport.abort()
    return int(peer[1])


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    async def addresses(host: str, port: int) -> list[tuple[int, Any]]:
        return [(socket.AF_INET, ("127.0.0.1", each)) for each in ports]

    monkeypatch.setattr(dialling, "_addresses", addresses)


async def test_a_name_of_this_machine_is_reached(port: int) -> None:
    assert await dialled_port("localhost", port) == port


async def test_an_address_that_refuses_is_passed_over_at_once(
    port: int, refusing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, refusing, port)
    begun = time.monotonic()
    assert await dialled_port("host.invalid", 80) == port
    assert time.monotonic() - begun < 0.2


async def test_an_address_that_does_not_answer_costs_a_quarter_of_a_second(
    port: int, unanswering: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, unanswering, port)
    begun = time.monotonic()
    assert await dialled_port("host.invalid", 80) == port
    assert 0.2 < time.monotonic() - begun < 1.0


async def test_addresses_that_all_refuse_are_a_connect_error(
    refusing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, refusing, refusing)
    with pytest.raises(httpx2.ConnectError):
        await dialled_port("host.invalid", 80)


async def test_an_address_that_never_answers_is_given_up_in_time(unanswering: int) -> None:
    begun = time.monotonic()
    with pytest.raises(httpx2.ConnectTimeout):
        await dialled_port("127.0.0.1", unanswering, timeout=0.3)
    assert time.monotonic() - begun < 1.0


async def test_a_name_that_does_not_exist_is_a_connect_error_that_says_why() -> None:
    with pytest.raises(httpx2.ConnectError) as raised:
        await dialled_port("nowhere.invalid", 80)
    assert isinstance(raised.value.__cause__, socket.gaierror)
