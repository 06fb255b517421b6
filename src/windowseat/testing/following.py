"""A follower of events over a plain socket that keeps every byte it was shown.

    follower = Follower(Door(socket_path), f"/api/turns/{turn}/events")
    await follower.follow()            # until the stream ends, however it does
    follower.seen, follower.last

Read here without the product's own client, so that neither hides an error of the other. It asks again only
when it is told to (`follow` once more goes on after the last number), and may read as slowly as a test wants.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server answers: its socket, or a port of this machine with a key."""

    path: Path | None = None
    port: int = 0
    key: str | None = None

    async def open(self, *, buffer: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection; `buffer` bounds what the system takes before it is read."""
        family = socket.AF_INET if self.path is None else socket.AF_UNIX
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        if buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        try:
            where: Any = ("127.0.0.1", self.port) if self.path is None else str(self.path)
            await asyncio.get_running_loop().sock_connect(made, where)
            return await asyncio.open_connection(sock=made, limit=2**16 if buffer is None else buffer)
        except BaseException:
            made.close()
            raise

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request that is answered whole: the status, and the JSON or None."""
        reader, writer = await self.open()
        try:
            writer.write(self.request(method, path, b"" if body is None else json.dumps(body).encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            data = await reader.read()
            return int(head.split(b" ", 2)[1]), json.loads(data) if data else None
        finally:
            writer.transport.abort()

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request, after whose answer the connection ends."""
        key = f"Authorization: Bearer {self.key}\r\n" if self.key else ""
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}{length}\r\n"
        return head.encode() + body


@dataclass(slots=True)
class Follower:
    """Follows one turn at `path`; `prefix` is what stands before the number in an event's id.

    `seen` are the bytes of whole events, `torn` those of one that was cut off; comments are left out.
    `on_event` is told of each event as soon as it is whole. With `slowness` it reads little and then waits
    that many seconds, over a connection that holds little.
    """

    door: Door
    path: str
    prefix: str = ""
    after: int = 0
    slowness: float = 0.0
    on_event: Callable[[dict[str, Any]], None] | None = None
    seen: bytearray = field(default_factory=bytearray)
    torn: bytearray = field(default_factory=bytearray)
    last: int = 0
    settled: bool = False
    connections: int = 0

    def __post_init__(self) -> None:
        self.last = self.after

    @property
    def shown(self) -> bytes:
        """All that it was shown, up to the last byte."""
        return bytes(self.seen + (b"" if self.torn.startswith(b":") else self.torn))

    async def follow(self, seconds: float | None = None) -> int | None:
        """Follow from the last number on, until the stream ends or for some seconds; returns the status.

        0 where nobody answered or the answer broke off, None where the seconds were over.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._follow()
        except TimeoutError:
            return None
        except (OSError, asyncio.IncompleteReadError):
            return 0

    async def _follow(self) -> int:
        self.torn.clear()
        self.connections += 1
        reader, writer = await self.door.open(buffer=4096 if self.slowness else None)
        try:
            writer.write(self.door.request("GET", self._address()))
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status == 200:
                async for data in _chunks(reader, self.slowness):
                    self._take(data)
            return status
        finally:
            writer.transport.abort()

    def _address(self) -> str:
        joint = "&" if "?" in self.path else "?"
        if self.prefix:
            return f"{self.path}{joint}turn={self.prefix}{self.last}"
        return f"{self.path}{joint}after={self.last}"

    def _take(self, data: bytes) -> None:
        self.torn += data
        if b"\n\n" not in self.torn[-len(data) - 1 :]:
            return
        *frames, self.torn = self.torn.split(b"\n\n")
        for frame in frames:
            if frame.startswith(b":"):
                continue
            self.seen += frame + b"\n\n"
            told = parse(bytes(frame))
            self.last = told.get("n", self.last)
            self.settled = self.settled or told["type"] == "turn_settled"
            if self.on_event is not None:
                self.on_event(told)


def parse(frame: bytes) -> dict[str, Any]:
    """The event of one frame. Raises ValueError where its id, its name and its data do not agree."""
    fields = dict(line.split(b": ", 1) for line in frame.split(b"\n"))
    told: dict[str, Any] = json.loads(fields[b"data"])
    named = fields[b"event"].decode()
    if named == "problem":
        return {"type": "problem", **{name: value for name, value in told.items() if name != "type"}}
    if told["type"] != named or int(fields[b"id"].rpartition(b":")[2]) != told["n"]:
        raise ValueError(f"an event that contradicts itself: {frame!r}")
    return told


def events_in(seen: bytes) -> list[dict[str, Any]]:
    """The events of whole frames."""
    return [parse(frame) for frame in seen.split(b"\n\n") if frame]


async def _chunks(reader: asyncio.StreamReader, slowness: float) -> AsyncIterator[bytes]:
    """A chunked body (RFC 9112, section 7.1), also the beginning of a chunk that was cut off."""
    while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
        left = size
        while left:
            data = await reader.read(min(left, 256 if slowness else left))
            if not data:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(data)
            yield data
            if slowness:
                await asyncio.sleep(slowness)
        await reader.readexactly(2)
