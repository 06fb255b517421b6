"""The transport over real HTTP on loopback: what comes, when it comes, and that leaving is at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from windowseat.features.providers.transport.client import Head, HttpRequest, Transport, Whole
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    answer,
    drip,
    endless,
    error,
    hang,
    pause,
    pings,
    raw,
    silent,
    text,
)
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

from .asking import DELTA, SECRET, asking, fault_of, gone, messages, received, words

# --- answers ---


async def test_a_stream_comes_as_a_head_and_then_messages(
    transport: Transport, provider: ScriptedProvider
) -> None:
    got = await received(transport, asking(provider.url))
    assert isinstance(got[0], Head)
    assert (got[0].status, got[0].headers["content-type"]) == (200, "text/event-stream")
    assert words(got) == "The sky is blue"
    assert messages(got)[-1].data == b"[DONE]"


async def test_a_whole_answer_comes_as_its_body(transport: Transport, provider: ScriptedProvider) -> None:
    head, whole = await received(transport, asking(provider.url, stream=False))
    assert isinstance(head, Head)
    assert isinstance(whole, Whole)
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "The sky is blue"


async def test_messages_come_while_the_stream_still_runs(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("now"), hang())])
    async with aclosing(transport.exchange(asking(provider.url))) as exchange:
        seen = [await anext(exchange), await anext(exchange)]
        while words(seen) != "now":
            seen.append(await asyncio.wait_for(anext(exchange), 5))


async def test_the_provider_gets_exactly_the_pieces_joined(
    transport: Transport, provider: ScriptedProvider
) -> None:
    pieces = [b'{"model":"echo","stream":true,', b'"messages":[{"role":"user","content":"', b'hi"}]}']
    await received(transport, asking(provider.url, body=pieces))
    (got,) = provider.requests
    assert got.body == b"".join(pieces)
    assert got.headers["authorization"] == f"Bearer {SECRET}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("with_length", [True, False])
async def test_a_body_may_be_a_stream_of_its_own(
    transport: Transport, provider: ScriptedProvider, with_length: bool
) -> None:
    whole = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "x" * 500_000}]}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 50_000):
            yield whole[start : start + 50_000]

    length = len(whole) if with_length else None
    got = await received(transport, asking(provider.url, body=pieces(), length=length))
    assert isinstance(got[1], Whole)
    assert provider.requests[0].body == whole


async def test_the_list_of_models_is_read_with_get(transport: Transport, provider: ScriptedProvider) -> None:
    request = HttpRequest(url=f"{provider.url}/models", method="GET", stream=False)
    whole = (await received(transport, request))[1]
    assert isinstance(whole, Whole)
    assert "echo" in [model["id"] for model in json.loads(whole.body)["data"]]
    assert "content-type" not in provider.requests[0].headers


async def test_one_connection_serves_one_request_after_another(
    transport: Transport, provider: ScriptedProvider
) -> None:
    for _ in range(5):
        await received(transport, asking(provider.url))
    assert provider.open_connections == 1


async def test_a_kept_connection_that_the_provider_closed_is_replaced_unseen(transport: Transport) -> None:
    answered = 0

    async def once_per_connection(request: HttpReceived, reply: HttpReply) -> None:
        nonlocal answered
        answered += 1
        if answered == 2:
            reply.cut()
        else:
            reply.whole(200, b"{}", {"Content-Type": "application/json"})

    async with LoopbackServer(once_per_connection) as server:
        for _ in range(2):
            assert (await received(transport, asking(server.url)))[1] == Whole(body=b"{}")
    assert answered == 3


async def test_a_new_connection_that_is_closed_unanswered_is_not_tried_again(transport: Transport) -> None:
    asked = 0

    async def hang_up(request: HttpReceived, reply: HttpReply) -> None:
        nonlocal asked
        asked += 1
        reply.cut()

    async with LoopbackServer(hang_up) as server:
        assert (await fault_of(transport, asking(server.url))).code == "provider_cut"
    assert asked == 1


async def test_two_hundred_streams_run_at_once(transport: Transport, provider: ScriptedProvider) -> None:
    model = "paced-20tps-20tok-0ttft"
    begun = time.monotonic()
    got = await asyncio.gather(*(received(transport, asking(provider.url, model=model)) for _ in range(200)))
    assert len({words(each) for each in got}) == 1
    assert words(got[0]).count(" ") == 19
    assert time.monotonic() - begun < 10
    assert provider.open_connections <= 200


async def test_a_slow_reader_pauses_the_provider_and_loses_nothing(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(raw(DELTA * 100_000))])
    count = 0
    async for each in transport.exchange(asking(provider.url, silence=0.5)):
        if count == 0:
            await asyncio.sleep(1.0)  # longer than the silence that a provider may keep
        count += len(messages([each]))
    assert count == 100_000 + 3


async def test_a_packed_answer_that_was_not_asked_for_is_still_read(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("The sky is blue"), gzipped=True)] * 2)
    assert words(await received(transport, asking(provider.url))) == "The sky is blue"
    whole = (await received(transport, asking(provider.url, stream=False)))[1]
    assert isinstance(whole, Whole)
    assert b"The sky is blue" in whole.body


async def test_packed_messages_come_while_the_stream_still_runs(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("now"), hang(), gzipped=True)])
    async with aclosing(transport.exchange(asking(provider.url))) as exchange:
        seen = [await anext(exchange)]
        while words(seen) != "now":
            seen.append(await asyncio.wait_for(anext(exchange), 5))


async def test_comments_and_single_bytes_count_as_life(
    transport: Transport, provider: ScriptedProvider
) -> None:
    patient = [pings(), pause(0.3), pings(), pause(0.3), drip(DELTA[:8], 0.1), raw(DELTA[8:]), pause(0.3)]
    provider.script([answer(*patient, text("done"))])
    assert words(await received(transport, asking(provider.url, silence=0.5))) == "xdone"


async def test_a_stream_with_an_unknown_type_is_known_by_its_first_bytes(transport: Transport) -> None:
    async def untyped(request: HttpReceived, reply: HttpReply) -> None:
        reply.whole(200, DELTA, {})

    async with LoopbackServer(untyped) as server:
        assert words(await received(transport, asking(server.url))) == "x"


async def test_an_answer_without_length_ends_with_its_connection(transport: Transport) -> None:
    async def old(request: HttpReceived, reply: HttpReply) -> None:
        reply.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + DELTA)
        reply.cut()

    async with LoopbackServer(old) as server:
        assert words(await received(transport, asking(server.url))) == "x"


async def test_interim_answers_are_passed_over(transport: Transport) -> None:
    async def processing(request: HttpReceived, reply: HttpReply) -> None:
        reply.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        reply.whole(200, b"{}", {"Content-Type": "application/json"})

    async with LoopbackServer(processing) as server:
        head, whole = await received(transport, asking(server.url))
    assert isinstance(head, Head)
    assert (head.status, "link" in head.headers) == (200, False)
    assert whole == Whole(body=b"{}")


# --- leaving ---


async def test_cancelling_closes_the_connection_at_once(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(text("It is"), hang())])
    task = asyncio.create_task(received(transport, asking(provider.url)))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(provider)


async def test_cancelling_before_the_first_byte_closes_the_connection_at_once(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([silent()])
    task = asyncio.create_task(received(transport, asking(provider.url)))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(provider)


async def test_closing_the_exchange_closes_the_connection_at_once(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([answer(endless())])
    async with aclosing(transport.exchange(asking(provider.url))) as exchange:
        await anext(exchange)
        await anext(exchange)
    await gone(provider)


# --- secrets ---


def test_a_request_shows_none_of_its_secrets() -> None:
    request = asking(f"http://user:{SECRET}@host/v1?key={SECRET}")
    assert SECRET not in repr(request)
    assert request.provider == "host"


async def test_a_key_in_the_query_is_not_quoted_either(
    transport: Transport, provider: ScriptedProvider
) -> None:
    provider.script([error(400, f"Bad request: {SECRET}")])
    request = HttpRequest(
        url=f"{provider.url}/chat/completions?key={SECRET}",
        body=asking(provider.url).body,
    )
    assert "…" in (await fault_of(transport, request)).detail
