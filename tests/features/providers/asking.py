"""How the tests of the transport ask a provider, and read what came."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.client import HttpRequest, Received, SseMessage, Transport
from windowseat.testing.provider import ScriptedProvider

SECRET = "sk-live-0123456789"
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'


def asking(
    url: str, *, model: str = "echo", words: str = "The sky is blue", stream: bool = True, **more: Any
) -> HttpRequest:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": words}]}
    more.setdefault("headers", {"Authorization": f"Bearer {SECRET}"})
    more.setdefault("body", json.dumps(body).encode())
    return HttpRequest(url=f"{url}/chat/completions", stream=stream, **more)


async def received(transport: Transport, request: HttpRequest) -> list[Received]:
    async with aclosing(transport.exchange(request)) as exchange:
        return [each async for each in exchange]


def messages(all_received: list[Received]) -> list[SseMessage]:
    return [message for batch in all_received if isinstance(batch, list) for message in batch]


def words(all_received: list[Received]) -> str:
    told = [json.loads(message.data) for message in messages(all_received) if message.data != b"[DONE]"]
    return "".join(choice["delta"].get("content") or "" for each in told for choice in each["choices"])


async def fault_of(transport: Transport, request: HttpRequest) -> ProviderFault:
    with pytest.raises(ProviderFault) as raised:
        await received(transport, request)
    assert SECRET not in str(raised.value)
    assert raised.value.hint
    return raised.value


async def text_before_fault(transport: Transport, request: HttpRequest) -> tuple[str, ProviderFault]:
    seen: list[Received] = []

    async def take() -> None:
        async for each in transport.exchange(request):
            seen.append(each)

    with pytest.raises(ProviderFault) as raised:
        await take()
    return words(seen), raised.value


async def gone(provider: ScriptedProvider, seconds: float = 2.0) -> None:
    await asyncio.wait_for(provider.requests[-1].gone.wait(), seconds)
