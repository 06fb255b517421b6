"""The short way to a provider: an httpx2 transport without a proxy, made for many slow streams.

httpx2's own transport costs 0.06 to 0.08 ms of CPU for each token that is streamed (h11 and anyio, all
Python), which is what a token may cost in the whole house; this one costs under a third of that
(100 streams of 20 tokens/s on one core, uvloop). It keeps connections that may serve again and closes
the others at once.

Not here: proxies (httpx2's own transport takes those), redirects, compression, what a status
means. Errors are httpx2's, so that both transports read the same above.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import cast

import httpx2

from windowseat.features.providers.transport.beat import Beat
from windowseat.features.providers.transport.channel import Channel
from windowseat.features.providers.transport.dialling import dial

_IDLE_SECONDS = 30.0
_IDLE_CHANNELS = 128
_HANG_UP_SECONDS = 2.0
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\r\n\0]*")
_Origin = tuple[str, str, int]


class DirectTransport(httpx2.AsyncBaseTransport):
    """Sends requests over TCP or TLS; how many at a time is for whoever asks to decide.

    `tls` makes the context for https when one is first needed.
    """

    def __init__(self, *, tls: Callable[[], ssl.SSLContext]) -> None:
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[_Origin, list[Channel]] = {}
        self._new_channel = partial(Channel, Beat())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer's status and headers, and a stream of its body. Raises httpx2.TransportError."""
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx2.UnsupportedProtocol(f"No http or https address: {url.scheme}://")
        origin = (
            url.scheme,
            url.raw_host.decode("ascii"),
            url.port or (443 if url.scheme == "https" else 80),
        )
        idle = self._take_idle(origin)
        if idle is not None:
            try:
                return await self._exchange(idle, request, origin)
            except httpx2.ReadError:
                if not _hung_up_on(idle, request):
                    raise
        timeouts = request.extensions.get("timeout", {})
        channel = await dial(
            self._new_channel,
            origin[1],
            origin[2],
            tls=self._context(origin),
            timeout=timeouts.get("connect"),
        )
        return await self._exchange(channel, request, origin)

    async def aclose(self) -> None:
        """Close the idle connections; those in use belong to whoever reads from them."""
        for channels in self._idle.values():
            for channel in channels:
                channel.abort()
        self._idle.clear()

    async def _exchange(self, channel: Channel, request: httpx2.Request, origin: _Origin) -> httpx2.Response:
        timeouts = request.extensions.get("timeout", {})
        chunked = request.headers.get("transfer-encoding", "").lower() == "chunked"
        stream = cast(httpx2.AsyncByteStream, request.stream)
        try:
            async with aclosing(cast("AsyncGenerator[bytes]", stream.__aiter__())) as body:
                await channel.send(_head_of(request), body, chunked=chunked, silence=timeouts.get("read"))
            await channel.head()
        except BaseException:
            channel.abort()
            raise
        return httpx2.Response(channel.status, headers=channel.headers, stream=_Body(self, channel, origin))

    def _take_idle(self, origin: _Origin) -> Channel | None:
        channels = self._idle.get(origin, [])
        while channels:
            channel = channels.pop()
            if channel.reusable and not _too_old(channel):
                return channel
            channel.abort()
        return None

    def release(self, channel: Channel, origin: _Origin) -> None:
        """Keep a channel whose exchange has ended in order; close any other."""
        channels = self._idle.setdefault(origin, [])
        while channels and _too_old(channels[0]):
            channels.pop(0).abort()
        if channel.reusable and len(channels) < _IDLE_CHANNELS:
            channel.rest()
            channels.append(channel)
        else:
            channel.abort()

    def _context(self, origin: _Origin) -> ssl.SSLContext | None:
        if origin[0] == "http":
            return None
        if self._tls is None:
            self._tls = self._make_tls()
        return self._tls


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, one piece per read of the network."""

    def __init__(self, transport: DirectTransport, channel: Channel, origin: _Origin) -> None:
        self._transport: DirectTransport | None = transport
        self._channel = channel
        self._origin = origin

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data = await self._channel.read()
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.release(self._channel, self._origin)


def _too_old(channel: Channel) -> bool:
    return asyncio.get_running_loop().time() - channel.rested_at > _IDLE_SECONDS


def _hung_up_on(channel: Channel, request: httpx2.Request) -> bool:
    """Whether the server closed a kept connection just as we wrote to it, so that a new one may be tried.

    RFC 9112, section 9.3.1, wants some means to know that the server did not act. Ours: not a byte
    came back, and the end came within moments, where a model at work takes longer or says something.
    """
    soon = asyncio.get_running_loop().time() - channel.begun_at < _HANG_UP_SECONDS
    return soon and not channel.heard and isinstance(request.stream, httpx2.ByteStream)


def _head_of(request: httpx2.Request) -> bytes:
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    for name, value in request.headers.raw:
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise httpx2.LocalProtocolError(f"The header {name!r} cannot be sent over HTTP.")
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"
