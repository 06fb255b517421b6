"""The scripted provider says what it was told, and what its models' names say, over plain sockets.

Read here without the product's own transport, so that neither hides an error of the other.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    Usage,
    answer,
    call,
    cut,
    error,
    hang,
    page,
    pings,
    redirect,
    refusal,
    silent,
    text,
    thinking,
    unknown,
)

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"type": "string"},
            },
            "required": ["place", "days"],
        },
    },
}


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        yield provider


async def exchange(
    provider: ScriptedProvider, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, the chunks of it joined."""
    port = int(re.findall(r":(\d+)/", provider.url)[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        told = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
        status = int(head.split(" ")[1])
        if "content-length" in told:
            return status, told, await reader.readexactly(int(told["content-length"]))
        pieces = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            pieces.append(await reader.readexactly(size))
            await reader.readexactly(2)
        return status, told, b"".join(pieces)
    finally:
        writer.close()


async def ask(provider: ScriptedProvider, **body: Any) -> tuple[int, dict[str, str], bytes]:
    body.setdefault("model", "echo")
    body.setdefault("messages", [{"role": "user", "content": "The sky is blue"}])
    return await exchange(provider, "POST", "/v1/chat/completions", json.dumps(body).encode())


async def chunks(provider: ScriptedProvider, **body: Any) -> list[dict[str, Any]]:
    status, headers, stream = await ask(provider, stream=True, **body)
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    *messages, end = [message for message in stream.split(b"\n\n") if message.startswith(b"data: ")]
    assert end == b"data: [DONE]"
    return [json.loads(message.removeprefix(b"data: ")) for message in messages]


async def whole(provider: ScriptedProvider, **body: Any) -> dict[str, Any]:
    status, _, answered = await ask(provider, **body)
    assert status == 200
    return dict(json.loads(answered))


def joined(messages: list[dict[str, Any]], name: str) -> str:
    return "".join(choice["delta"].get(name) or "" for message in messages for choice in message["choices"])


def finish_of(messages: list[dict[str, Any]]) -> str:
    (finish,) = [c["finish_reason"] for m in messages for c in m["choices"] if c["finish_reason"]]
    return str(finish)


async def test_echo_says_the_last_user_message_again(provider: ScriptedProvider) -> None:
    streamed = await chunks(provider)
    assert joined(streamed, "content") == "The sky is blue"
    assert finish_of(streamed) == "stop"
    assert (await whole(provider))["choices"][0]["message"]["content"] == "The sky is blue"


async def test_echo_reads_text_out_of_parts_and_thinks_when_asked_to(provider: ScriptedProvider) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "image_url"}, {"type": "text", "text": "two"}]
    messages = [{"role": "user", "content": parts}]
    streamed = await chunks(provider, messages=messages, reasoning_effort="low")
    assert joined(streamed, "content") == "one two"
    assert joined(streamed, "reasoning_content") == "They said: one two"


async def test_the_usage_comes_only_where_it_was_asked_for(provider: ScriptedProvider) -> None:
    assert not any("usage" in message for message in await chunks(provider))
    last = (await chunks(provider, stream_options={"include_usage": True}))[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 4


async def test_the_usage_is_what_the_script_says(provider: ScriptedProvider) -> None:
    usage = Usage(input_tokens=120, output_tokens=30, cached_tokens=100, thinking_tokens=7)
    provider.script([answer(thinking("Hm."), text("Blue."), usage=usage)])
    assert (await whole(provider))["usage"] == {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }


async def test_tool_calls_one_tool_and_then_says_what_came_of_it(provider: ScriptedProvider) -> None:
    asked = [{"role": "user", "content": "Rome"}]
    called = (await whole(provider, model="tool", tools=[WEATHER], messages=asked))["choices"][0]
    (made,) = called["message"]["tool_calls"]
    assert made["function"]["name"] == "weather"
    assert json.loads(made["function"]["arguments"]) == {"place": "Rome", "days": 1}
    assert called["finish_reason"] == "tool_calls"
    answered = [
        *asked,
        called["message"],
        {"role": "tool", "tool_call_id": made["id"], "content": "sunny"},
    ]
    told = await whole(provider, model="tool", tools=[WEATHER], messages=answered)
    assert told["choices"][0]["message"]["content"] == "The tool said: sunny"


async def test_tool_takes_its_arguments_from_a_user_who_writes_json(provider: ScriptedProvider) -> None:
    asked = [{"role": "user", "content": '{"place": "Oslo"}'}]
    called = await whole(provider, model="tool", tools=[WEATHER], messages=asked)
    (made,) = called["choices"][0]["message"]["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"place": "Oslo"}


async def test_calls_that_follow_each_other_are_parallel_and_come_in_pieces(
    provider: ScriptedProvider,
) -> None:
    first, second = {"name": "a long file name.txt"}, {"name": "b.txt"}
    provider.script([answer(text("Let me look."), call("open_file", first), call("open_file", second))])
    streamed = await chunks(provider)
    pieces = [
        piece
        for message in streamed
        for choice in message["choices"]
        for piece in choice["delta"].get("tool_calls", [])
    ]
    arguments = ["".join(p["function"]["arguments"] for p in pieces if p["index"] == i) for i in (0, 1)]
    assert [json.loads(each) for each in arguments] == [first, second]
    assert len([piece for piece in pieces if piece["index"] == 0]) > 2
    assert len({piece["id"] for piece in pieces if "id" in piece}) == 2
    assert finish_of(streamed) == "tool_calls"


async def test_refusals_unknown_fields_and_finish_reasons_are_as_scripted(
    provider: ScriptedProvider,
) -> None:
    provider.script([answer(refusal("I will not."), unknown(mood="sad"), finish="content_filter")])
    streamed = await chunks(provider)
    assert joined(streamed, "refusal") == "I will not."
    assert joined(streamed, "mood") == "sad"
    assert finish_of(streamed) == "content_filter"


async def test_replies_are_given_in_their_order_and_then_the_model_speaks(
    provider: ScriptedProvider,
) -> None:
    provider.script([answer(text("one")), error(529, "Overloaded.", headers={"Retry-After": "3"})])
    assert joined(await chunks(provider), "content") == "one"
    status, headers, body = await ask(provider)
    assert (status, headers["retry-after"]) == (529, "3")
    assert json.loads(body)["error"]["message"] == "Overloaded."
    assert joined(await chunks(provider), "content") == "The sky is blue"


async def test_pages_and_redirects_go_out_as_they_are(provider: ScriptedProvider) -> None:
    provider.script([page(b"<p>Hello</p>"), redirect("http://elsewhere.invalid/")])
    assert (await ask(provider))[1:] == (
        {"content-type": "text/html; charset=utf-8", "content-length": "12"},
        b"<p>Hello</p>",
    )
    status, headers, _ = await ask(provider)
    assert (status, headers["location"]) == (307, "http://elsewhere.invalid/")


async def test_a_packed_stream_unpacks_to_the_same(provider: ScriptedProvider) -> None:
    provider.script([answer(pings(2), text("Blue."), gzipped=True)])
    _, headers, body = await ask(provider, stream=True)
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body).count(b": ping\n\n") == 2


async def test_a_cut_comes_after_the_words_before_it(provider: ScriptedProvider) -> None:
    provider.script([answer(text("It is"), cut())])
    with pytest.raises(asyncio.IncompleteReadError):
        await ask(provider, stream=True)


async def test_a_client_that_leaves_is_noticed(provider: ScriptedProvider) -> None:
    for reply in (answer(text("It is"), hang()), silent()):
        provider.script([reply])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(provider, stream=True), 0.2)
        await asyncio.wait_for(provider.requests[-1].gone.wait(), 1)
    assert (await ask(provider))[0] == 200
    assert not provider.requests[-1].gone.is_set()


async def test_requests_are_recorded_as_they_came(provider: ScriptedProvider) -> None:
    await exchange(provider, "GET", "/v1/models?limit=2", Authorization="Bearer x")
    await ask(provider, model="echo", temperature=0.5)
    listed, asked = provider.requests
    assert (listed.method, listed.path, listed.headers["authorization"]) == (
        "GET",
        "/v1/models?limit=2",
        "Bearer x",
    )
    assert asked.json["temperature"] == 0.5


async def test_the_models_are_listed_and_others_are_not_known(provider: ScriptedProvider) -> None:
    _, _, body = await exchange(provider, "GET", "/v1/models")
    assert [model["id"] for model in json.loads(body)["data"]][:2] == ["echo", "tool"]
    status, _, body = await ask(provider, model="gpt-99")
    assert (status, json.loads(body)["error"]["code"]) == (404, "model_not_found")
    assert (await exchange(provider, "GET", "/nowhere"))[0] == 404


async def test_a_key_is_wanted_where_one_was_set() -> None:
    async with ScriptedProvider(key="right") as provider:
        assert (await exchange(provider, "GET", "/v1/models"))[0] == 401
        assert (await exchange(provider, "GET", "/v1/models", Authorization="Bearer right"))[0] == 200


async def test_a_paced_model_keeps_its_pace_and_counts_its_words(provider: ScriptedProvider) -> None:
    begun = time.monotonic()
    streamed = await chunks(
        provider, model="paced-50tps-20tok-100ttft-5think", stream_options={"include_usage": True}
    )
    seconds = time.monotonic() - begun
    assert 0.1 + 24 / 50 - 0.02 < seconds < 2
    assert len(joined(streamed, "content").split()) == 20
    assert len(joined(streamed, "reasoning_content").split()) == 5
    assert streamed[-1]["usage"]["completion_tokens"] == 25
    again = await whole(provider, model="paced-0tps-20tok-0ttft-5think")
    assert again["choices"][0]["message"]["content"] == joined(streamed, "content")


async def test_a_paced_model_stamps_each_word_with_the_clock(provider: ScriptedProvider) -> None:
    before = time.monotonic_ns()
    said = joined(await chunks(provider, model="paced-0tps-3tok-0ttft-stamps"), "content")
    stamps = [int(word.removeprefix("@")) for word in said.split()]
    assert len(stamps) == 3
    assert before < stamps[0] <= stamps[-1] < time.monotonic_ns()


async def test_a_paced_model_calls_a_tool_once_where_its_name_says_so(provider: ScriptedProvider) -> None:
    model = "paced-0tps-3tok-0ttft-calls"
    asked = [{"role": "user", "content": "Rome"}]
    assert finish_of(await chunks(provider, model=model, tools=[WEATHER], messages=asked)) == "tool_calls"
    answered = [*asked, {"role": "tool", "tool_call_id": "x", "content": "sunny"}]
    assert finish_of(await chunks(provider, model=model, tools=[WEATHER], messages=answered)) == "stop"


def test_it_runs_alone_and_prints_its_address() -> None:
    alone = subprocess.Popen(
        [sys.executable, "-m", "windowseat.testing.provider", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert alone.stdout is not None
        url = alone.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/models") as listed:
            assert json.load(listed)["data"][0]["id"] == "echo"
    finally:
        alone.terminate()
        alone.communicate()
