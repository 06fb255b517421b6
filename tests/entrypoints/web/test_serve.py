"""Serving: ports, the socket, and how it stops and starts again."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.entrypoints.web.conftest import read_events

from windowseat.app import on_socket, open_house
from windowseat.core.errors import Fault
from windowseat.entrypoints.web.serve import bind_port, bind_socket
from windowseat.platform.home import Home
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.settings import Settings
from windowseat.testing.replies import answer, hang, text
from windowseat.testing.serving import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "home", settings={"default_model": "test/echo"})
    yield server
    server.end()


def over_socket(home: Path) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(uds=str(Home(home).socket_path()))
    return httpx2.AsyncClient(base_url="http://localhost", transport=transport)


def ask(id="00000000-0000-7000-8000-000000000001"):
    return {"id": id, "new": {}, "parts": [{"type": "text", "text": "go"}]}


async def test_an_open_stream_does_not_hold_up_the_end_and_the_turn_goes_on_at_the_next_start(
    server: ServerProcess, provider
):
    provider.script([answer(text("so far"), hang()), answer(text(" and on"))])
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.wait_until_ready)
    connection = {"name": "test", "dialect": "openai-chat", "url": provider.url}
    async with over_socket(server.home) as client:
        assert (await client.post("/api/connections", json=connection)).status_code == 201
        answered = await client.post("/api/turns", json=ask())
        assert answered.status_code == 202, answered.text
        turn = answered.json()["turn"]
        reading = asyncio.create_task(read_events(client, f"/api/turns/{turn}/events"))
        other = asyncio.create_task(read_events(client, f"/api/events?turn={turn}:0"))
        while not provider.requests:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        begin = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - begin < 3
        seen = await reading
        assert len(await other) == len(seen)
    assert not Home(server.home).socket_path().exists()
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.wait_until_ready)
    async with over_socket(server.home) as client:
        rest = await read_events(client, f"/api/turns/{turn}/events?after={seen[-1][0]}")
        assert [event["n"] for _, event in seen + rest] == list(range(1, len(seen) + len(rest) + 1))
        message = (await client.get(f"/api/turns/{turn}")).json()["message"]
        assert "".join(p["text"] for p in message["parts"] if p["type"] == "text") == "so far and on"
    assert "Traceback" not in server.printed()


def test_a_port_in_use_is_followed_by_the_next_free_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        port = bind_port("127.0.0.1", number)
        try:
            assert port.wanted == number
            assert number < port.sockets[0].getsockname()[1] <= number + 20
            assert port.address == f"http://127.0.0.1:{port.sockets[0].getsockname()[1]}"
        finally:
            port.sockets[0].close()


def test_port_0_is_any_and_an_address_for_all_networks_is_told_as_one_of_this_machine():
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        port = bind_port(host, 0, "/base")
        number = port.sockets[0].getsockname()[1]
        port.sockets[0].close()
        assert (port.address, port.wanted) == (f"http://{shown}:{number}/base", None)


@pytest.mark.parametrize(
    ("host", "code"), [("203.0.113.7", "port_refused"), ("no such host", "host_unknown")]
)
def test_an_address_that_is_not_ours_says_so(host, code, monkeypatch):
    if code == "host_unknown":
        host = "nothing.invalid"
    with pytest.raises(Fault) as told:
        bind_port(host, 0)
    assert told.value.code == code
    assert told.value.hint


def test_a_socket_that_cannot_be_made_says_where(tmp_path: Path):
    with pytest.raises(Fault) as told:
        bind_socket(tmp_path / "missing" / "windowseat.sock")
    assert told.value.code == "socket_refused"
    assert "missing" in told.value.detail


async def test_a_lone_command_answers_on_the_socket_and_on_no_port(tmp_path: Path):
    home = Home(tmp_path / "home")
    home.create()
    with ProcessLock(home.lock) as lock:
        assert lock.acquire(kind="ask")
        async with (
            open_house(Settings(), home, kind="ask") as house,
            on_socket(house),
            over_socket(home.root) as client,
        ):
            assert (await client.get("/api/threads")).json()["threads"] == []
            link = (await client.post("/api/sign-ins/link")).json()
            assert link["url"] is None
        assert not home.socket_path().exists()


async def test_a_home_with_a_long_path_is_reached_all_the_same(tmp_path: Path):
    home = Home(tmp_path / ("long" * 25))
    home.create()
    with ProcessLock(home.lock) as lock:
        assert lock.acquire(kind="ask")
        async with open_house(Settings(), home) as house, on_socket(house), over_socket(home.root) as client:
            assert (await client.get("/healthz")).status_code == 200
