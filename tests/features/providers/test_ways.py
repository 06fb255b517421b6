"""Certificates and proxies, over real TLS and real HTTP on loopback."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from windowseat.features.providers.transport.client import Transport
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    answer,
    hang,
    text,
)
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

from .asking import DELTA, asking, fault_of, received, text_before_fault, words


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    transport: Transport, certificate: tuple[ssl.SSLContext, str]
) -> None:
    async with ScriptedProvider(tls=certificate[0]) as provider:
        fault = await fault_of(transport, asking(provider.url))
        assert provider.requests == []
    assert fault.code == "provider_certificate"


@pytest.mark.parametrize("trusted", [True, False], ids=["its authority is named", "it is not checked"])
async def test_a_certificate_of_ones_own_serves_when_the_connection_says_so(
    transport: Transport, certificate: tuple[ssl.SSLContext, str], trusted: bool
) -> None:
    async with ScriptedProvider(tls=certificate[0]) as provider:
        request = asking(provider.url, verify=certificate[1] if trusted else False)
        assert words(await received(transport, request)) == "The sky is blue"
        provider.script([answer(text("It is"), hang())])
        said, fault = await text_before_fault(
            transport, asking(provider.url, verify=certificate[1], silence=0.3)
        )
    assert (said, fault.code) == ("It is", "provider_silent")


async def test_an_authority_that_is_missing_is_named(transport: Transport) -> None:
    fault = await fault_of(transport, asking("https://127.0.0.1:1/v1", verify="/nowhere/authority.pem"))
    assert (fault.code, "/nowhere/authority.pem" in fault.detail) == ("provider_certificate", True)


async def test_tls_spoken_to_a_plain_server_says_so(transport: Transport) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        fault = await fault_of(transport, asking(f"https://127.0.0.1:{port}"))
    assert (fault.code, "TLS" in fault.detail) == ("provider_certificate", True)


async def test_loopback_is_never_asked_through_the_proxy(
    transport: Transport, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert words(await received(transport, asking(provider.url))) == "The sky is blue"


async def test_other_hosts_are_asked_through_the_proxy_that_the_environment_names(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def proxy(request: HttpReceived, reply: HttpReply) -> None:
        asked.append(request.path)
        reply.begin({"Content-Type": "text/event-stream"})
        reply.write(DELTA)
        if len(asked) == 2:
            reply.cut()
        elif len(asked) == 3:
            await asyncio.Event().wait()
        else:
            reply.end()

    async with LoopbackServer(proxy) as server:
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1,near.invalid")
        request = asking("http://far.invalid/v1", silence=0.3)
        assert words(await received(transport, request)) == "x"
        assert [(await text_before_fault(transport, request))[1].code for _ in range(2)] == [
            "provider_cut",
            "provider_silent",
        ]
        near = await fault_of(transport, asking("http://near.invalid/v1"))
    assert near.code == "provider_unreachable"
    assert asked == ["http://far.invalid/v1/chat/completions"] * 3


async def test_the_environment_is_left_alone_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    fault = await fault_of(Transport(trust_env=False), asking("http://far.invalid/v1"))
    assert "not found" in fault.detail
