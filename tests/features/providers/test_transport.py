"""The transport over real HTTP on loopback, mostly with providers that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport import Head, HttpRequest, Received, SseMessage, Transport, Whole
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    Answer,
    Reply,
    answer,
    broken_json,
    cut,
    drip,
    endless,
    error,
    gzip_bomb,
    half_character,
    hang,
    long_line,
    page,
    pause,
    pings,
    raw,
    redirect,
    silent,
    text,
)
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

SECRET = "sk-live-0123456789"
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        yield provider


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport(connect_timeout=2.0)
    yield transport
    await transport.aclose()


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


async def gone(provider: ScriptedProvider, seconds: float = 2.0) -> None:
    await asyncio.wait_for(provider.requests[-1].gone.wait(), seconds)


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


# --- what is no answer ---


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
    monkeypatch.setattr("windowseat.features.providers.bodies.LONGEST_STREAM", 4 * 1024 * 1024)
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


# --- TLS and proxies ---


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
