"""One request to a provider and what comes of it: the dialect's pieces out, its events back.

Headers and address are put together here, in one place; the transport sends, the dialect decodes. It
does not try again, merges nothing, and does not know what a turn is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from urllib.parse import urlencode

from windowseat.core.errors import ProviderFault
from windowseat.core.exchange import Answered, Decoded, Decoder, DialectCodec, Finished, Received
from windowseat.core.model import Dialect
from windowseat.core.request import Request
from windowseat.features.providers.reach import Reach
from windowseat.features.providers.transport import client as transport
from windowseat.features.providers.transport.faults import scrubbed
from windowseat.features.providers.transport.http_request import HttpRequest
from windowseat.features.providers.way import Way

ANTHROPIC_VERSION = "2023-06-01"
"""https://platform.claude.com/docs/en/api/versioning"""

_AFTER_THE_END_SECONDS = 0.25
_PORTION = 256
"""Messages that are decoded in a row: one read of a fast provider may bring ten thousand."""


async def exchange(
    sender: transport.Transport,
    reach: Reach,
    codec: DialectCodec,
    request: Request,
    base64_of: Callable[[str], Awaitable[bytes]],
    *,
    silence: float,
    explain: Callable[[ProviderFault], None] = lambda _: None,
) -> AsyncGenerator[Sequence[Received], None]:
    """Send the request and yield what comes, in a batch or a few for each read of the network.

    First `Waiting` while the way is not there, then `Answered`, then parts, at last `Finished`.
    `silence` in seconds; `explain` may say more in a fault. Raises ProviderFault; closed or cancelled, the
    connection is closed at once.
    """
    secrets: list[str] = []
    try:
        while not isinstance(arrived := await reach.arrive(), Way):
            yield (arrived,)
        http = await _http_request(arrived, codec, request, base64_of, silence)
        secrets = http.secrets
        decoder = codec.decoder(request.connection, request.model)
        async with aclosing(sender.exchange(http)) as answer:
            async for read in answer:
                for received in _portions(read):
                    batch, broken = _decoded(received, decoder)
                    if batch:
                        yield batch
                        if isinstance(batch[-1], Finished):
                            await _run_out(answer)
                            return
                    if broken is not None:
                        raise broken
            rest: Sequence[Decoded] = decoder.end()
        if rest:
            yield rest
    except ProviderFault as fault:
        explain(fault)
        fault.detail = scrubbed(fault.detail, secrets)
        fault.args = (fault.detail,)
        raise
    finally:
        await reach.leave()


def _portions(read: transport.Received) -> Iterator[transport.Received]:
    """What one read brought, in portions that whoever takes them can put down in between."""
    if isinstance(read, list):
        yield from (read[start : start + _PORTION] for start in range(0, len(read), _PORTION))
    else:
        yield read


def _decoded(
    received: transport.Received, decoder: Decoder
) -> tuple[Sequence[Received], ProviderFault | None]:
    """What a portion holds; where it breaks in the middle, what stood before that is not lost."""
    batch: list[Received] = []
    try:
        if isinstance(received, list):
            for event, data, _ in received:
                # Events without a name are "message" by their standard; dialects call that no name.
                batch += decoder.feed("" if event == "message" else event, data)
        elif isinstance(received, transport.Head):
            batch.append(Answered())
        else:
            batch += decoder.whole(received.body)
    except ProviderFault as fault:
        return batch, fault
    return batch, None


def address_of(way: Way, url: str) -> str:
    """The URL with the connection's query values."""
    if not way.query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(way.query)}"


def headers_of(way: Way) -> dict[str, str]:
    """How the provider knows us: its dialect's header for the key, under the connection's own headers."""
    own = {name.lower() for name in way.headers}
    ours = {
        name: value for name, value in _key_headers(way.dialect, way.key).items() if name.lower() not in own
    }
    return {**ours, **way.headers}


def _key_headers(dialect: Dialect, key: str | None) -> Mapping[str, str]:
    if dialect == "anthropic-messages":
        version = {"anthropic-version": ANTHROPIC_VERSION}
        return version if key is None else {"x-api-key": key, **version}
    if key is None:
        return {}
    return {"x-goog-api-key": key} if dialect == "gemini-generate" else {"Authorization": f"Bearer {key}"}


async def _http_request(
    way: Way,
    codec: DialectCodec,
    request: Request,
    base64_of: Callable[[str], Awaitable[bytes]],
    silence: float,
) -> HttpRequest:
    files = {piece.file for piece in request.pieces if piece.file is not None}
    read = {file: await base64_of(file) for file in files}
    return HttpRequest(
        url=address_of(way, codec.address(way.url, request.model, stream=request.stream)),
        headers=headers_of(way),
        body=[piece.data if piece.file is None else read[piece.file] for piece in request.pieces],
        stream=request.stream,
        silence=silence,
    )


async def _run_out(answer: AsyncGenerator[transport.Received, None]) -> None:
    """Read on to the stream's end, so that its connection serves again; one that does not end is left."""
    with suppress(TimeoutError, ProviderFault):
        async with asyncio.timeout(_AFTER_THE_END_SECONDS):
            async for _ in answer:
                pass
