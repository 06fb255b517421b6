"""Embeddings: a request passed through to a provider of the OpenAI wires, and its answer passed back.

The house has no words of its own for vectors, so nothing is read but what was used. Chat and its dialects
are not here.

Format: https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from windowseat.core.errors import ProviderFault
from windowseat.core.message import Usage
from windowseat.core.model import Dialect, Model
from windowseat.core.parts import Json
from windowseat.features.providers.dialects.decoding import as_dict, as_int, unreadable
from windowseat.features.providers.exchange import address_of, headers_of
from windowseat.features.providers.reach import Reach
from windowseat.features.providers.transport.client import Transport, Whole
from windowseat.features.providers.transport.http_request import HttpRequest
from windowseat.features.providers.way import Way

EMBEDS: frozenset[Dialect] = frozenset({"openai-chat", "openai-responses"})
"""The dialects whose providers have this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The answer's fields, undecoded, and what it says of its tokens."""

    fields: dict[str, msgspec.Raw]
    usage: Usage | None


async def embed(
    sender: Transport, reach: Reach, model: Model, asked: Mapping[str, Json], *, silence: float
) -> Embedded:
    """Send the fields for the model. `silence` in seconds. Raises ProviderFault and what `reach` raises."""
    from windowseat.features.providers.dialects.openai_chat import with_path

    try:
        while not isinstance(way := await reach.arrive(), Way):
            pass
        request = HttpRequest(
            url=address_of(way, with_path(way.url, "/embeddings")),
            headers=headers_of(way),
            body=msgspec.json.encode({**asked, "model": model.id}),
            stream=False,
            silence=silence,
        )
        async with aclosing(sender.exchange(request)) as answer:
            async for received in answer:
                if isinstance(received, Whole):
                    return _read(received.body)
    finally:
        await reach.leave()
    raise ProviderFault(
        "provider_wrong_type",
        f"{model.connection} answered with an event stream where embeddings were due.",
        hint="Check the connection's address.",
    )


def _read(body: bytes) -> Embedded:
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        told = as_dict(msgspec.json.decode(fields.get("usage", msgspec.Raw(b"null"))))
    except msgspec.DecodeError as error:
        raise unreadable(body, str(error)) from None
    read = as_int(told.get("prompt_tokens"))
    return Embedded(fields=fields, usage=None if read is None else Usage(input_tokens=read, output_tokens=0))
