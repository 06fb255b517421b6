"""Providers that send what is no answer, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from windowseat.features.providers.transport.client import Transport, Whole
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    Answer,
    Reply,
    answer,
    broken_json,
    endless,
    gzip_bomb,
    half_character,
    long_line,
    page,
)
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

from .asking import DELTA, asking, fault_of, gone, messages, received


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (page(b"<html><title>Sign in</title><body>Please sign in</body></html>"), "provider_wrong_type"),
        (page(b"hello", "text/plain"), "provider_wrong_type"),
        (page(b"", "text/plain"), "provider_wrong_type"),
        (page(b"\x89PNG", "image/png"), "provider_wrong_type"),
        (gzip_bomb(), "provider_too_long"),
        (gzip_bomb(content_type="application/json"), "provider_too_long"),
        (answer(*long_line()), "provider_line_too_long"),
    ],
    ids=["html", "text", "empty", "image", "bomb", "whole bomb", "long line"],
)
async def test_what_is_no_answer_ends_in_a_clear_fault(
    transport: Transport, provider: ScriptedProvider, reply: Reply, code: str
) -> None:
    provider.script([reply])
    assert (await fault_of(transport, asking(provider.url, silence=5.0))).code == code
    if isinstance(reply, Answer):
        await gone(provider)


async def test_a_web_page_is_quoted_as_a_person_would_read_it(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([page(b"<html><style>p{}</style><body><p>Please <b>sign in</b></body></html>")])
    fault = await fault_of(transport, asking(provider.url))
    assert "text/html" in fault.detail
    assert "Please sign in" in fault.detail


async def test_broken_json_and_half_characters_pass_for_the_dialect_to_judge(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(broken_json()), answer(half_character())])
    assert b'{"content":"x' in messages(await received(transport, asking(provider.url)))[1].data
    assert b"\xe2\x82" in messages(await received(transport, asking(provider.url)))[1].data


async def test_a_stream_without_end_is_stopped_at_its_limit(
    transport: Transport, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("windowseat.features.providers.transport.bodies.LONGEST_STREAM", 4 * 1024 * 1024)
    provider.script([answer(endless())])
    assert (await fault_of(transport, asking(provider.url))).code == "provider_too_long"
    await gone(provider)


async def test_a_whole_body_that_is_too_long_is_stopped_at_its_limit(transport: Transport) -> None:
    async def endless_whole(request: HttpReceived, reply: HttpReply) -> None:
        reply.begin({"Content-Type": "application/json"})
        while True:
            reply.write(b"[" * 1_000_000)
            await reply.drained()
            await asyncio.sleep(0)

    async with LoopbackServer(endless_whole) as server:
        assert (await fault_of(transport, asking(server.url))).code == "provider_too_long"


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 60_000,
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 600_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
        b"0\r\n" + b"X-Trailer: y\r\n" * 60_000,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nx",
    ],
    ids=["ssh", "bad chunk", "bad length", "many headers", "long header", "many trailers", "upgrade"],
)
async def test_what_is_no_http_ends_in_a_clear_fault(transport: Transport, bytes_sent: bytes) -> None:
    async def nonsense(request: HttpReceived, reply: HttpReply) -> None:
        reply.raw(bytes_sent)
        await asyncio.Event().wait()

    async with LoopbackServer(nonsense) as server:
        fault = await fault_of(transport, asking(server.url, silence=2.0))
    assert fault.code == "provider_wrong_type"


async def test_a_second_answer_to_one_request_reaches_nobody(transport: Transport) -> None:
    async def twice(request: HttpReceived, reply: HttpReply) -> None:
        one = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        reply.raw(one + one.replace(b"{}", b"[]"))

    async with LoopbackServer(twice) as server:
        for _ in range(3):
            assert (await received(transport, asking(server.url)))[1] == Whole(body=b"{}")


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("br", b"\x00", "provider_wrong_type"),
        ("gzip", b"not packed at all", "provider_wrong_type"),
        ("gzip", gzip.compress(DELTA)[:-10], "provider_cut"),
    ],
)
async def test_a_packing_that_cannot_be_read_ends_in_a_clear_fault(
    transport: Transport, encoding: str, body: bytes, code: str
) -> None:
    async def packed(request: HttpReceived, reply: HttpReply) -> None:
        reply.whole(200, body, {"Content-Type": "text/event-stream", "Content-Encoding": encoding})

    async with LoopbackServer(packed) as server:
        assert (await fault_of(transport, asking(server.url))).code == code
