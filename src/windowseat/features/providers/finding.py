"""Programs on this machine that answer requests: looked for on their usual ports, quickly and quietly.

All ports are asked at once and each has half a second; what is not there is no error and no line in the
log. A stranger on such a port is told by its answer. What was found is a connection until the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from windowseat import codec
from windowseat.core.errors import Fault
from windowseat.features.providers.connection import Connection
from windowseat.features.providers.providers_data import PROVIDERS, KnownProvider
from windowseat.features.providers.transport.client import Transport, Whole
from windowseat.features.providers.transport.http_request import HttpRequest
from windowseat.features.providers.way import Given, Way

SECONDS = 0.5
_MOST_BYTES = 1024 * 1024

LOCAL: tuple[KnownProvider, ...] = tuple(row for row in PROVIDERS if row.port is not None)


async def find_local(sender: Transport, rows: Sequence[KnownProvider] = LOCAL) -> dict[str, Given]:
    """The connections to what answers now, by name. Raises nothing."""
    answers = await asyncio.gather(*(_answers(sender, row) for row in rows))
    return {row.name: _given(row) for row, there in zip(rows, answers, strict=True) if there}


def _given(row: KnownProvider) -> Given:
    shown = Connection(
        id=row.name, name=row.name, dialect=row.dialect, url=row.url, by="found", provider=row.name
    )
    return Given(shown=shown, way=Way(dialect=row.dialect, url=row.url))


async def _answers(sender: Transport, row: KnownProvider) -> bool:
    if row.sign is None:
        return False
    where = urlsplit(row.url)
    request = HttpRequest(
        url=f"{where.scheme}://{where.netloc}{row.sign.path}", method="GET", stream=False, silence=SECONDS
    )
    try:
        async with asyncio.timeout(SECONDS):
            body = codec.load(await _body(sender, request))
    except (Fault, TimeoutError):
        return False
    return any(_fits(place, row.sign.field, row.sign.value) for place in _places(body))


async def _body(sender: Transport, request: HttpRequest) -> bytes:
    async with aclosing(sender.exchange(request)) as answer:
        async for received in answer:
            if isinstance(received, Whole):
                return received.body[:_MOST_BYTES]
    return b""


def _places(body: Any) -> list[dict[str, Any]]:
    """The object itself, and the first of its list `data`."""
    if not isinstance(body, dict):
        return []
    data = body.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return [body, *([first] if isinstance(first, dict) else [])]


def _fits(place: dict[str, Any], field: str, value: str) -> bool:
    found = place.get(field)
    return isinstance(found, str) and bool(found) and value in ("", found)
