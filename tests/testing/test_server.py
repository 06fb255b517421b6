"""The HTTP server under the fakes: framing, order, and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer, chunk


async def repeat(request: HttpReceived, reply: HttpReply) -> None:
    """Answers with the request's own body."""
    reply.whole(200, request.path.encode() + b" " + request.body, {})


@pytest.fixture
async def server() -> AsyncIterator[LoopbackServer]:
    async with LoopbackServer(repeat) as server:
        yield server


async def bodies(server: LoopbackServer, *pieces: bytes, count: int = 1) -> list[bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.01)
    found = []
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        found.append(await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])))
    writer.close()
    return found


async def test_a_body_is_read_however_it_is_cut(server: LoopbackServer) -> None:
    request = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    assert await bodies(server, *(request[i : i + 7] for i in range(0, len(request), 7))) == [b"/a hello"]


async def test_a_chunked_body_is_joined(server: LoopbackServer) -> None:
    head = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n"
    assert await bodies(server, head, body[:6], body[6:]) == [b"/a hello"]


async def test_requests_on_one_connection_are_answered_in_their_order(server: LoopbackServer) -> None:
    assert await bodies(server, b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", count=2) == [
        b"/a ",
        b"/b ",
    ]


async def test_leaving_the_server_ends_what_still_runs() -> None:
    ended = False

    async def wait(request: HttpReceived, reply: HttpReply) -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    async with LoopbackServer(wait) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
    writer.close()
    assert ended
    assert server.connections == set()
