"""A house that answers over real HTTP, with a scripted provider behind it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from windowseat.core.ask import User
from windowseat.entrypoints.web.security import COOKIE
from windowseat.features.tools import Registered
from windowseat.features.users.store import users
from windowseat.platform.ids import Ids
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.tools import AskingTool
from windowseat.testing.world import Running, running_house


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        yield provider


@pytest.fixture
def letters() -> AskingTool:
    """A tool that asks before it runs."""
    return AskingTool()


@pytest.fixture
async def running(tmp_path: Path, provider: ScriptedProvider, letters: AskingTool) -> AsyncIterator[Running]:
    tools = [Registered(tool=letters.tool, run=letters.run)]
    async with running_house(tmp_path / "home", provider=provider.url, tools=tools) as running:
        yield running


@pytest.fixture
async def other(running: Running) -> AsyncIterator[httpx2.AsyncClient]:
    """The browser of a second user of the same home."""
    house = running.house
    user = User(id=Ids().new(), name="second")
    row = {"id": user.id, "name": user.name, "created_at": 2**60, "version": 1}
    await house.database.write(lambda conn: conn.execute(insert(users).values(**row)))
    link = await house.users.new_link(user)
    cookie = (await house.users.sign_in(link.token, "second browser")).cookie
    async with httpx2.AsyncClient(base_url=running.address, cookies={COOKIE: cookie}) as client:
        yield client


async def read_events(
    client: httpx2.AsyncClient, path: str, *, until: str | None = None, most: int | None = None, **more: Any
) -> list[tuple[str, dict[str, Any]]]:
    """The ids and data of a stream's events, up to its end, the first of type `until`, or `most` of them."""
    found: list[tuple[str, dict[str, Any]]] = []
    async with client.stream("GET", path, timeout=20, **more) as answer:
        assert answer.status_code == 200, await answer.aread()
        id = ""
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                id = line[4:]
            elif line.startswith("data: "):
                found.append((id, json.loads(line[6:])))
                if found[-1][1]["type"] == until or len(found) == most:
                    break
    return found


def types(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [event["type"] for _, event in events]


async def send_endlessly(running: Running, path: str) -> str:
    """Send a body that has no end, by the socket; the beginning of what is answered."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.setblocking(False)
        await loop.sock_connect(made, str(running.house.home.socket_path()))
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        await loop.sock_sendall(made, head.encode())

        async def send() -> None:
            while True:
                await loop.sock_sendall(made, b"%x\r\n%b\r\n" % (100_000, bytes(100_000)))

        sending = asyncio.create_task(send())
        try:
            async with asyncio.timeout(20):
                return (await loop.sock_recv(made, 4000)).decode()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
