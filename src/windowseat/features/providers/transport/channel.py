"""One HTTP/1.1 connection to a provider, standing directly on asyncio's protocol calls.

It writes a request and reads its answer, one exchange at a time. llhttp (`httptools`) does the
parsing, one lazy timer per exchange watches for silence, and a full buffer pauses the network.
Errors are httpx2's.

Not here: opening and keeping connections (`direct`), redirects, compression, what a status means.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httptools
import httpx2

from windowseat.features.providers.transport.beat import Beat

_BUFFER = 1024 * 1024
"""Bytes of one answer that may wait for their reader before the network is told to pause."""

_OVERHEAD = 256 * 1024
"""Bytes in a row that may come without adding to the body: headers, trailers, chunk sizes."""

_AT_ONCE = 4
"""Reads of a body that wait for no beat: an answer's first words."""


class NotHttp(httpx2.RemoteProtocolError):
    """What came is no HTTP/1.1 answer."""


class Channel(asyncio.Protocol):
    """A connection; `send`, then `head`, then `read` until b"", then `rest` or `abort`."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._writable = True
        self.failure: httpx2.TransportError | None = None
        self.rested_at = 0.0
        self._begin(None)
        self.complete = True

    def _begin(self, silence: float | None) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.heard = self.answered = self.complete = self.sent = False
        self._until_end = self._keep_alive = False
        self._chunks: list[bytes] = []
        self._unread = self._overhead = self._reads = 0
        self._silence = silence
        self.begun_at = self._since = self._loop.time()
        if silence is not None:
            self._watch = self._loop.call_later(silence, self._check_silence)

    async def send(
        self, head: bytes, body: AsyncIterator[bytes], *, chunked: bool, silence: float | None
    ) -> None:
        """Write one request; stops early when the answer comes first, as with "413 too large".

        `silence` in seconds counts while we wait and not a byte moves, here and in `head` and `read`.
        """
        self._begin(silence)
        self.go_on()
        self._write(head)
        async for piece in body:
            if piece:
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            while not (self._writable or self.answered or self.failure):
                await self._wait()
            if self.answered or self.failure:
                return
        if chunked:
            self._write(b"0\r\n\r\n")
        self.sent = True

    async def head(self) -> None:
        """Wait for status and headers."""
        while not self.answered:
            if self.failure:
                raise self.failure
            await self._wait()

    async def read(self) -> bytes:
        """Everything of the body that has come since the last call; b"" at its end."""
        while not self._chunks:
            if self.complete:
                return b""
            if self.failure:
                raise self.failure
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        was_full, self._unread = self._unread > _BUFFER, 0
        if was_full:
            self.go_on()
        return data

    @property
    def reusable(self) -> bool:
        """Whether the exchange has ended and another may follow on this connection."""
        return self.complete and self.sent and self._keep_alive and self._transport is not None

    def rest(self) -> None:
        """Go idle until the next `send`; nothing is watched meanwhile."""
        self._stop_watching()
        self.rested_at = self._loop.time()

    def pause(self) -> None:
        """Read nothing for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again, unless too much waits for its reader."""
        if self._transport is not None and not self._transport.is_closing() and self._unread <= _BUFFER:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close now, without waiting for anything in flight."""
        self._beat.end(self)
        self._keep_alive = False
        self._stop_watching()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.complete:
            self.abort()  # a server's farewell, or more than it had promised
            return
        self._since = self._loop.time()
        self.heard = True
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(NotHttp(f"What came is no HTTP/1.1 answer: {error}"))
        if self._overhead > _OVERHEAD:
            self._fail(NotHttp("The headers or trailers have no end."))
        if self._unread > _BUFFER:
            self.pause()
        elif self._reads > _AT_ONCE and not self.complete:
            self._beat.after_read(self, self._loop)
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._beat.end(self)
        self._transport = None
        if self.answered and self._until_end and error is None:
            self.complete = True
        if not self.complete and self.failure is None:
            self.failure = httpx2.ReadError("The connection was closed before the answer was complete.")
            self.failure.__cause__ = error
        self._stop_watching()
        self._wake()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._wake()

    # The parser calls these.

    def on_message_begin(self) -> None:
        if self.complete:
            raise httptools.HttpParserError("a second answer to one request")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.answered:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers = []
            return
        self.answered = True
        self._beat.begin(self)
        names = {name.lower() for name, _ in self.headers}
        self._until_end = b"content-length" not in names and b"transfer-encoding" not in names

    def on_body(self, body: bytes) -> None:
        self._overhead = 0
        self._reads += 1
        self._chunks.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        if self.answered:
            self._beat.end(self)
            self.complete = True
            self._keep_alive = self._parser.should_keep_alive()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def _wait(self) -> None:
        self._since = self._loop.time()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: httpx2.TransportError) -> None:
        # An answer that is complete stays so: what came after it only costs the connection.
        if not self.complete and self.failure is None:
            self.failure = failure
        self.abort()
        self._wake()

    def _check_silence(self) -> None:
        left = self._silence or 0.0
        if self._waiter is not None:
            left += self._since - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._check_silence)
        else:
            self._fail(httpx2.ReadTimeout(f"Not a byte came for {self._silence:g} s."))

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
