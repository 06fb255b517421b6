"""Providers that refuse, redirect, fall silent or hang up, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.client import Transport
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    answer,
    cut,
    error,
    hang,
    redirect,
    silent,
    text,
)
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

from .asking import SECRET, asking, fault_of, gone, received, text_before_fault, words

# --- silence and cuts ---


async def test_silence_before_the_first_byte_ends_in_its_time(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([silent()])
    begun = time.monotonic()
    fault = await fault_of(transport, asking(provider.url, silence=0.3))
    assert (fault.code, fault.answered) == ("provider_silent", None)
    assert 0.25 < time.monotonic() - begun < 1.5
    await gone(provider)


async def test_silence_in_the_middle_keeps_the_text_that_came(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("It is"), hang())])
    said, fault = await text_before_fault(transport, asking(provider.url, silence=0.3))
    assert (said, fault.code) == ("It is", "provider_silent")


async def test_a_cut_in_the_middle_keeps_the_text_that_came(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("It is"), cut())])
    said, fault = await text_before_fault(transport, asking(provider.url))
    assert (said, fault.code) == ("It is", "provider_cut")


async def test_a_whole_answer_that_is_cut_is_no_answer(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("It is"), cut())])
    assert (await fault_of(transport, asking(provider.url, stream=False))).code == "provider_cut"


async def test_a_provider_that_is_not_there_is_unreachable(transport: Transport) -> None:
    async with ScriptedProvider() as provider:
        request = asking(provider.url)
    fault = await fault_of(transport, request)
    assert (fault.code, fault.answered) == ("provider_unreachable", None)


async def test_a_name_that_does_not_exist_is_unreachable(transport: Transport) -> None:
    fault = await fault_of(transport, asking("http://nowhere.invalid/v1"))
    assert fault.code == "provider_unreachable"
    assert "not found" in fault.detail


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "nonsense", "http://[::1/v1", ""])
def test_an_address_that_is_none_is_said_to_be_so(url: str) -> None:
    async def ask() -> ProviderFault:
        return await fault_of(Transport(), asking(url))

    assert asyncio.run(ask()).code == "provider_unreachable"


@pytest.mark.parametrize("key", ["sk-live-0123456789\nX-Evil: 1", "sk-live-0123456789ключ"])
async def test_a_key_that_no_header_can_carry_is_never_sent(
    transport: Transport, provider: ScriptedProvider, key: str
) -> None:
    fault = await fault_of(transport, asking(provider.url, headers={"Authorization": key}))
    assert fault.code in ("provider_refused", "provider_unreachable")
    assert provider.requests == []


# --- refusals ---


async def test_a_rate_limit_with_a_time_says_when_to_come_back(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([error(429, "Slow down.", headers={"Retry-After": "20"})])
    fault = await fault_of(transport, asking(provider.url))
    assert (fault.code, fault.answered, fault.retry_after) == ("provider_rate_limit", 429, 20)
    assert "Slow down." in fault.detail


async def test_a_rate_limit_without_a_time_names_none(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([error(429)])
    fault = await fault_of(transport, asking(provider.url))
    assert (fault.code, fault.retry_after) == ("provider_rate_limit", None)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "provider_key_refused"),
        (404, "provider_not_found"),
        (500, "provider_error"),
        (503, "provider_overloaded"),
        (529, "provider_overloaded"),
    ],
)
async def test_an_error_status_ends_the_exchange_and_not_the_connection(
    transport: Transport, provider: ScriptedProvider, status: int, code: str
) -> None:
    provider.script([error(status)])
    assert (await fault_of(transport, asking(provider.url))).code == code
    assert words(await received(transport, asking(provider.url, words="again"))) == "again"
    assert provider.open_connections == 1


async def test_a_refused_key_is_never_quoted(transport: Transport) -> None:
    async with ScriptedProvider(key="another") as provider:
        provider.script([error(401, f"Incorrect API key provided: {SECRET}.")])
        fault = await fault_of(transport, asking(provider.url))
    assert fault.code == "provider_key_refused"


async def test_an_error_body_without_end_still_gives_its_status(transport: Transport) -> None:
    async def endless_error(request: HttpReceived, reply: HttpReply) -> None:
        reply.begin({"Content-Type": "text/plain"}, 500)
        while True:
            reply.write(b"no " * 20_000)
            await reply.drained()
            await asyncio.sleep(0)

    async with LoopbackServer(endless_error) as server:
        fault = await fault_of(transport, asking(server.url))
    assert (fault.code, len(fault.detail) < 700) == ("provider_error", True)


async def test_an_answer_before_the_request_is_all_sent_is_heard(transport: Transport) -> None:
    closed = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.3)  # nothing of the body is read, so the client cannot have sent it all
        with suppress(ConnectionResetError):
            await reader.read()
        writer.transport.abort()
        closed.set()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        fault = await fault_of(transport, asking(url, body=b"x" * 50_000_000))
        await closed.wait()
    assert (fault.code, fault.answered) == ("provider_too_large", 413)


# --- redirects ---


async def test_a_redirect_to_another_host_is_not_followed(
    transport: Transport, provider: ScriptedProvider
) -> None:
    async with ScriptedProvider() as other:
        provider.script([redirect(f"{other.url}/chat/completions?key={SECRET}")])
        fault = await fault_of(transport, asking(provider.url))
        assert other.requests == []
    assert (fault.code, fault.answered) == ("provider_redirected", 307)
    assert other.url in fault.detail


async def test_a_redirect_on_the_same_host_is_followed_with_the_same_request(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([redirect("/v1/chat/completions?again", status=308)])
    assert words(await received(transport, asking(provider.url))) == "The sky is blue"
    first, second = provider.requests
    assert (first.body, second.path) == (second.body, "/v1/chat/completions?again")


async def test_a_redirect_that_would_turn_a_post_into_a_get_is_not_followed(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([redirect("/v1/chat/completions", status=302)])
    assert (await fault_of(transport, asking(provider.url))).code == "provider_redirected"


async def test_redirects_in_circles_end(transport: Transport, provider: ScriptedProvider) -> None:
    provider.script([redirect("/v1/chat/completions")] * 10)
    assert (await fault_of(transport, asking(provider.url))).code == "provider_redirected"
    assert len(provider.requests) == 4
