"""An HTTP/1.1 server for loopback that does what it is told, also what no good server would do.

Standard library only, straight on asyncio's protocol, so that it costs little beside what is
measured with it. A handler gets a request and a reply to fill; it may be slow, stop in the
middle, or hang up.

Not here: what a provider says (`provider`), and anything fit for a network.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast

Handler = Callable[["HttpReceived", "HttpReply"], Awaitable[None]]

_WRITE_BUFFER = 256 * 1024


@dataclass(eq=False)
class HttpReceived:
    """One request as it came; `gone` becomes true when the client leaves before the reply's end."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @cached_property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class HttpReply:
    """What goes back: one `whole`, or `begin`, `write` and `end`; or `raw` bytes and `cut`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A complete answer with its length."""
        self._connection.write(_head(status, {**headers, "Content-Length": str(len(body))}) + body)

    def begin(self, headers: Mapping[str, str], status: int = 200) -> None:
        """The head of an answer whose body follows in chunks."""
        self._connection.write(_head(status, {**headers, "Transfer-Encoding": "chunked"}))

    def write(self, data: bytes) -> None:
        """One chunk, given to the system at once."""
        self._connection.write(chunk(data))

    def raw(self, data: bytes) -> None:
        """Bytes as they are, for what is no HTTP or is framed already."""
        self._connection.write(data)

    def end(self) -> None:
        """The last chunk."""
        self._connection.write(b"0\r\n\r\n")

    async def drained(self) -> None:
        """Wait while the client does not read; ConnectionResetError when it has left."""
        await self._connection.drained()

    def cut(self) -> None:
        """Hang up after what was written."""
        self._connection.hang_up()


class LoopbackServer:
    """Serves a handler on a port of this machine while it is entered; port 0 takes a free one.

    >>> async def handle(request, reply):
    ...     reply.whole(200, b"{}", {"Content-Type": "application/json"})
    >>> server = LoopbackServer(handle)
    """

    def __init__(
        self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self.connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http{'s' if self._tls else ''}://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._handler, self.connections),
            self._host,
            self._port,
            ssl=self._tls,
            backlog=1024,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.gather(*(connection.ended() for connection in list(self.connections)))

    async def serve_forever(self) -> None:
        """Until the task is cancelled."""
        assert self._server is not None
        await self._server.serve_forever()


def chunk(data: bytes) -> bytes:
    """Data in HTTP's chunked framing (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Connection(asyncio.Protocol):
    """One client's connection; its requests are answered one after the other."""

    def __init__(self, handler: Handler, connections: set[_Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._buffer = bytearray()
        self._wanted = 0
        self._task: asyncio.Task[None] | None = None
        self._request: HttpReceived | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve_next()

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)
        self._writable.set()
        if self._request is not None:
            self._request.gone.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        await self._writable.wait()
        if self._transport.is_closing():
            raise ConnectionResetError

    def hang_up(self) -> None:
        self._request = None
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    async def ended(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    def _serve_next(self) -> None:
        if self._request is not None or len(self._buffer) < self._wanted:
            return
        parsed = _parse(bytes(self._buffer))
        if isinstance(parsed, int):
            self._wanted = parsed
            return
        self._wanted = 0
        self._request, rest = parsed
        self._buffer = bytearray(rest)
        self._task = asyncio.get_running_loop().create_task(self._serve(self._request))

    async def _serve(self, request: HttpReceived) -> None:
        try:
            await self._handler(request, HttpReply(self))
        except ConnectionResetError:
            return
        except BaseException:
            self._transport.abort()
            raise
        self._request = None
        if not self._transport.is_closing():
            self._serve_next()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _parse(data: bytes) -> tuple[HttpReceived, bytes] | int:
    """The first complete request and what follows it; else how many bytes are worth another look."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return len(data) + 1
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("transfer-encoding", "").lower() == "chunked":
        joined = _join_chunks(rest)
        if joined is None:
            return len(data) + 1
        body, rest = joined
    else:
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return len(data) - len(rest) + length
        body, rest = rest[:length], rest[length:]
    return HttpReceived(method, path, headers, body), rest


def _join_chunks(data: bytes) -> tuple[bytes, bytes] | None:
    pieces: list[bytes] = []
    while True:
        size_line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        size = int(size_line.split(b";")[0], 16)
        if len(data) < size + 2:
            return None
        if not size:
            return b"".join(pieces), data[2:]
        pieces.append(data[:size])
        data = data[size + 2 :]
