"""How a request reaches a provider and its answer comes back, whatever the dialect.

One `Transport` serves the process. An exchange gives the answer's head, then its messages as they
come or its whole body, or raises one ProviderFault that says what went wrong. It holds to its
time-outs, follows no redirect to another host, and bounds all that it reads.

Not here: what the bytes mean (a dialect's), whether to try again (turns), and a guard against
addresses that others name: connections are their owner's, who may point them where they like.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport import bodies
from windowseat.features.providers.transport.faults import fault_of_answer, quoted, visible
from windowseat.features.providers.transport.http_request import HttpRequest
from windowseat.features.providers.transport.sse import SseMessage, SseParser

if TYPE_CHECKING:
    import httpx2

    from windowseat.features.providers.transport.ways import Ways

__all__ = ["Head", "HttpRequest", "Received", "SseMessage", "Transport", "Whole"]

_REDIRECTS = 3
_ERROR_BYTES = 64 * 1024
_ERROR_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A successful answer has begun: its status, its headers by lower-case name, and when."""

    status: int
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The body of an answer that is no event stream: JSON, not yet decoded."""

    body: bytes


Received = Head | Whole | list[SseMessage]
"""What an exchange yields: one head, then either lists of messages, one per read, or one whole body."""


class Transport:
    """Sends requests to providers over connections that it keeps; made for hundreds of slow streams.

    `connect_timeout` in seconds covers name, TCP and TLS. `trust_env` heeds the environment's proxies.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        trust_env: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connect_timeout = connect_timeout
        self._trust_env = trust_env
        self._now = now
        self._ways: Ways | None = None

    async def exchange(self, request: HttpRequest) -> AsyncGenerator[Received, None]:
        """Send a request and yield what comes back.

        Cancelling the task, or `aclose`, closes the connection at once. An event stream that ends in
        order ends the iteration; whether the answer in it was complete, its dialect knows.
        Raises ProviderFault.
        """
        import httpx2

        from windowseat.features.providers.transport.network_faults import network_fault

        answer: httpx2.Response | None = None
        try:
            answer = await self._answer(request)
            if not answer.is_success:
                raise await self._refusal(request, answer)
            yield Head(status=answer.status_code, headers=_plain(answer), at=self._now())
            reading = _Reading(request, answer.headers.get("content-type", ""))
            async for data in _body(answer):
                messages = reading.take(data)
                if messages:
                    yield messages
            rest = reading.end()
            if rest:
                yield rest
        except httpx2.TransportError as error:
            raise network_fault(error, provider=request.provider, silence=request.silence) from error
        finally:
            if answer is not None:
                await answer.aclose()

    async def aclose(self) -> None:
        """Close every connection that rests."""
        if self._ways is not None:
            await self._ways.aclose()

    async def _answer(self, request: HttpRequest) -> httpx2.Response:
        """The first answer that is no redirect to be followed."""
        import httpx2

        from windowseat.features.providers.transport.ways import Ways

        if self._ways is None:
            self._ways = Ways(trust_env=self._trust_env)
        try:
            url = httpx2.URL(request.url)
            for _ in range(_REDIRECTS + 1):
                way = self._ways.to(url, request.verify)
                asked = request.to(url, connect_timeout=self._connect_timeout)
                answer = await way.handle_async_request(asked)
                if not answer.has_redirect_location:
                    return answer
                await answer.aclose()
                url = request.followed(url, url.join(answer.headers["location"]), status=answer.status_code)
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise ProviderFault(
                "provider_unreachable",
                "The address or a header of this connection cannot be used for HTTP.",
                hint="Look for a stray character in the connection's address, key and headers.",
            ) from error
        raise ProviderFault(
            "provider_redirected",
            f"{request.provider} redirects in circles.",
            hint="Check the connection's address.",
        )

    async def _refusal(self, request: HttpRequest, answer: httpx2.Response) -> ProviderFault:
        return fault_of_answer(
            provider=request.provider,
            status=answer.status_code,
            headers=_plain(answer),
            body=await _start_of(answer),
            secrets=request.secrets,
            now=self._now(),
        )


def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    import httpx2

    stream = answer.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    return aiter(stream) if encoding in ("", "identity") else bodies.unpacked(aiter(stream), encoding)


async def _start_of(answer: httpx2.Response) -> bytes:
    """As much of an error's body as is worth quoting; if it breaks off, the status still counts."""
    import httpx2

    held = bytearray()
    try:
        async with asyncio.timeout(_ERROR_SECONDS):
            async for data in _body(answer):
                held += data
                if len(held) >= _ERROR_BYTES:
                    break
    except (TimeoutError, httpx2.TransportError, ProviderFault):
        pass
    return bytes(held[:_ERROR_BYTES])


class _Reading:
    """Reads one body piece by piece: an event stream as messages, anything else whole."""

    def __init__(self, request: HttpRequest, content_type: str) -> None:
        self._request = request
        self._content_type = content_type
        self._kind: bodies.Kind | None = None
        self._parser = SseParser()
        self._held: list[bytes] = []
        self._size = 0

    def take(self, data: bytes) -> list[SseMessage]:
        """The messages that this piece completed."""
        self._size += len(data)
        if self._kind is None:
            self._kind = bodies.kind_of(self._content_type, data)
            if self._kind is None:
                raise self._wrong_type(data)
        bodies.check_size(self._kind, self._size)
        if self._kind == "events":
            return self._parser.feed(data)
        self._held.append(data)
        return []

    def end(self) -> list[SseMessage] | Whole:
        """What is left when the body has ended in order."""
        if self._kind is None:
            raise self._wrong_type(b"")
        return self._parser.end() if self._kind == "events" else Whole(body=b"".join(self._held))

    def _wrong_type(self, start: bytes) -> ProviderFault:
        secrets = self._request.secrets
        text = quoted(visible(start[:_ERROR_BYTES].decode("utf-8", "replace")), secrets) or "nothing in it"
        kind = quoted(self._content_type, secrets) or "no type"
        return ProviderFault(
            "provider_wrong_type",
            f"{self._request.provider} answered with {kind}, not with JSON or an event stream: {text}",
            hint="Check the connection's address: this looks like a web page or another kind of service.",
        )


def _plain(answer: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
