"""What may come as the body of an answer: how it is unpacked, what kind it is, and how much of it.

We ask for no compression; a provider that compresses all the same is understood when it used gzip
or zlib, and bounded: a few kilobytes must not become gigabytes.

Not here: the network, and what a body says.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator
from typing import Literal

from windowseat.core.errors import ProviderFault

Kind = Literal["events", "whole"]

LONGEST_WHOLE = 64 * 1024 * 1024
"""Bytes of a body that is no stream, unpacked."""

LONGEST_STREAM = 256 * 1024 * 1024
"""Bytes of an event stream, unpacked: ten times the longest answer, for streams that never end."""

_STEP = 256 * 1024
_FREE = 1024 * 1024
_RATIO = 100
"""Unpacked bytes per packed byte beyond the first MiB; JSON of real answers stays under 30."""

_ZLIB_OR_GZIP = zlib.MAX_WBITS + 32
_SSE_START = re.compile(rb"(?:data|event|id|retry)?:")
_GUESSED_TYPES = ("", "text/plain", "application/octet-stream", "binary/octet-stream")


def kind_of(content_type: str, start: bytes) -> Kind | None:
    """What a body is, by its declared type or, where that says nothing, by its first bytes."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "text/event-stream":
        return "events"
    if media_type == "application/json" or media_type.endswith("+json"):
        return "whole"
    if media_type in _GUESSED_TYPES:
        start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        if _SSE_START.match(start):
            return "events"
        if start[:1] in (b"{", b"["):
            return "whole"
    return None


async def unpacked(body: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body's pieces without the packing named by Content-Encoding.

    Raises ProviderFault `provider_too_long` for a bomb and `provider_wrong_type` for a packing that is
    not known or broken.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise ProviderFault(
            "provider_wrong_type",
            f"The provider packed its answer as {encoding[:40]!r}, which cannot be read here.",
            hint="If there is a proxy before the provider, switch its compression off.",
        )
    unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
    packed_size = unpacked_size = 0
    async for data in body:
        packed = data
        packed_size += len(packed)
        while packed:
            if unpacker.eof:  # RFC 1952, section 2.2: further members may follow; other things are padding
                if not packed.startswith(b"\x1f\x8b"):
                    return
                unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
            try:
                piece = unpacker.decompress(packed, _STEP)
            except zlib.error as error:
                raise ProviderFault(
                    "provider_wrong_type",
                    f"The provider's answer says that it is packed as {encoding!r}, but it is not: {error}",
                    hint="Try again; if it happens again, the provider or a proxy before it is broken.",
                ) from error
            packed = unpacker.unconsumed_tail or unpacker.unused_data
            unpacked_size += len(piece)
            if unpacked_size > max(_FREE, _RATIO * packed_size):
                raise _too_long("unpacks to more than a hundred times its size")
            if piece:
                yield piece
    if not unpacker.eof and packed_size:
        raise ProviderFault(
            "provider_cut",
            "The provider's packed answer ended in the middle.",
            hint="Try again.",
        )


def check_size(kind: Kind, size: int) -> None:
    """Raises ProviderFault `provider_too_long` when a body of this kind may not have `size` bytes."""
    limit = LONGEST_STREAM if kind == "events" else LONGEST_WHOLE
    if size > limit:
        raise _too_long(f"has passed {limit} bytes")


def _too_long(what: str) -> ProviderFault:
    """The fault for an answer that passes a limit; `what` goes on from "The provider's answer"."""
    return ProviderFault(
        "provider_too_long",
        f"The provider's answer {what}; it was stopped.",
        hint="Try again; if it happens again, check the address of this connection.",
    )
