"""A whole house for tests: a home of its own, real HTTP on loopback and on the socket, and clients of both.

    async with ScriptedProvider() as provider, running_house(tmp_path, provider=provider.url) as running:
        await running.browser.get("/api/threads")          # signed in by cookie, over TCP
        await running.program.post("/api/turns", json=...)  # over the socket: the owner

It is the product's own app, database and server; only the provider is a fake, and it speaks HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from windowseat.app import House, on_port, open_house
from windowseat.entrypoints.web.security import COOKIE
from windowseat.features.tools import Registered
from windowseat.platform.home import Home
from windowseat.platform.ids import Ids
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A house that answers. `browser` is signed in at `address`, `stranger` is not; `program` uses the
    socket."""

    house: House
    address: str
    browser: httpx2.AsyncClient
    stranger: httpx2.AsyncClient
    program: httpx2.AsyncClient

    async def start(self, words: str, **more: Any) -> dict[str, Any]:
        """Start a turn with these words, in a new thread unless one is named; the answer's JSON."""
        body: dict[str, Any] = {"id": Ids().new(), "parts": [{"type": "text", "text": words}], **more}
        if "thread" not in body:
            body.setdefault("new", {})
        answered = await self.program.post("/api/turns", json=body)
        assert answered.status_code == 202, answered.text
        begun: dict[str, Any] = answered.json()
        return begun


@asynccontextmanager
async def running_house(
    root: Path,
    *,
    provider: str | None = None,
    model: str = "test/echo",
    tools: Sequence[Registered] = (),
    **settings: Any,
) -> AsyncIterator[Running]:
    """A house under `root`, on any free port. `provider` is the URL of a connection named `test`;
    `tools` are offered beside those of the house."""
    home = Home(root)
    home.create()
    told = Settings(port=0, default_model=model, **settings)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context(ProcessLock(home.lock))
        assert lock.acquire(kind="serve")
        house = await stack.enter_async_context(open_house(told, home, more_tools=tools))
        if provider is not None:
            known = {each.name for each in await house.providers.connections.list(house.owner)}
            add = house.providers.connections.add
            if "test" not in known:
                await add(house.owner, name="test", dialect="openai-chat", url=provider)
        port = await stack.enter_async_context(on_port(house))
        link = await house.users.new_link(house.owner)
        signed_in = await house.users.sign_in(link.token, "test browser")
        socket = home.socket_path()
        assert socket is not None
        clients = (
            httpx2.AsyncClient(base_url=port.address, cookies={COOKIE: signed_in.cookie}),
            httpx2.AsyncClient(base_url=port.address),
            httpx2.AsyncClient(
                base_url="http://localhost", transport=httpx2.AsyncHTTPTransport(uds=str(socket))
            ),
        )
        browser, stranger, program = [await stack.enter_async_context(client) for client in clients]
        yield Running(house=house, address=port.address, browser=browser, stranger=stranger, program=program)
