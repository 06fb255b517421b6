"""What real programs sent to real providers arrives through the house equal in meaning, and comes back so.

Each recorded request goes to /v1 over HTTP, on a connection of its own wire whose provider answers with what
was recorded.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.features.providers.chat_requests import plain
from tests.features.providers.recorded import Recorded, each_of, events_of, read_chat, read_responses
from tests.features.providers.responses_requests import plain as plain_responses

from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer
from windowseat.testing.world import Running, running_house


@dataclass
class Replaying:
    """The house, with a provider that answers with one recorded exchange and says what it was asked."""

    http: httpx2.AsyncClient
    exchange: Recorded | None = None
    asked: dict[str, Any] | None = None

    async def send(self, path: str, exchange: Recorded, model: str) -> httpx2.Response:
        self.exchange, self.asked = exchange, None
        return await self.http.post(
            path, json={**exchange.request, "model": f"{model}/{exchange.request['model']}"}
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replaying(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replaying]:
    there: list[Replaying] = []

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        exchange = there[0].exchange
        assert exchange is not None
        there[0].asked = request.json
        kind = "text/event-stream" if exchange.stream else "application/json"
        reply.whole(exchange.status, exchange.response.encode(), {"Content-Type": kind})

    async with LoopbackServer(handle) as server, running_house(tmp_path_factory.mktemp("home")) as running:
        await _connect(running, server.url)
        key = (await running.house.users.new_key(running.house.owner, "program")).secret
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=f"{running.address}/v1", headers=headers, timeout=30) as http:
            there.append(Replaying(http))
            yield there[0]


async def _connect(running: Running, url: str) -> None:
    add = running.house.providers.connections.add
    for name in ("openai-chat", "openai-responses"):
        await add(running.house.owner, name=name, dialect=name, url=f"{url}/v1")


def same_words(request: dict[str, Any]) -> dict[str, Any]:
    """The request with one word where the wire has two for the same."""
    request = plain({name: value for name, value in request.items() if value is not None})
    if "max_completion_tokens" in request:
        request["max_tokens"] = request.pop("max_completion_tokens")
    for message in request["messages"]:
        if message["role"] == "developer":
            message["role"] = "system"
    return request


def sent_back(answered: httpx2.Response, exchange: Recorded) -> Recorded:
    """What came back, as if it had been recorded."""
    return replace(exchange, response=answered.text, status=answered.status_code)


@each_of("openai-chat")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_chat_arrives_and_comes_back_equal_in_meaning(
    exchange: Recorded, replaying: Replaying
) -> None:
    answered = await replaying.send("/chat/completions", exchange, "openai-chat")
    assert replaying.asked is not None
    assert same_words(replaying.asked) == same_words(exchange.request)
    if '"error"' in exchange.response and "event: error" in exchange.response:
        assert "Tool choice is required" in answered.text
        return
    assert answered.status_code == 200, answered.text
    theirs, ours = read_chat(exchange), read_chat(sent_back(answered, exchange))
    stop = "tool_calls" if theirs.calls else theirs.stop or "stop"
    asked_for_usage = not exchange.stream or (exchange.request.get("stream_options") or {}).get(
        "include_usage"
    )
    usage = theirs.usage if asked_for_usage else None
    for reading in (ours.usage, usage):
        for name in ("cached_tokens", "thinking_tokens", "cache_write_tokens"):
            if reading is not None:
                reading[name] = reading[name] or 0
    assert ours == replace(theirs, stop=stop, usage=usage)


@each_of("openai-chat", good=False)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_refused_chat_is_refused_alike(exchange: Recorded, replaying: Replaying) -> None:
    answered = await replaying.send("/chat/completions", exchange, "openai-chat")
    assert answered.status_code == exchange.status
    assert set(answered.json()["error"]) == {"message", "type", "param", "code"}


@each_of("openai-responses")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_for_a_response_arrives_and_comes_back_so(
    exchange: Recorded, replaying: Replaying
) -> None:
    answered = await replaying.send("/responses", exchange, "openai-responses")
    if exchange.request.get("previous_response_id") or exchange.request.get("background"):
        assert answered.json()["error"]["code"] == "unsupported_parameter"
        return
    if "tool_search_output" in str(exchange.request) and answered.status_code == 400:
        pytest.skip(answered.text)
    assert replaying.asked is not None, answered.text
    assert _carried(replaying.asked) == _carried(exchange.request)
    assert answered.status_code == 200, answered.text
    theirs, ours = read_responses(exchange), read_responses(sent_back(answered, exchange))
    for reading in (theirs, ours):
        assert reading.usage is not None
        reading.usage.pop("cache_write_tokens")
    assert ours == theirs
    if exchange.stream:
        kinds = [kind for kind, _ in events_of(answered.text)]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds[-1] == "response.completed"


def _carried(request: dict[str, Any]) -> dict[str, Any]:
    request = plain_responses(deepcopy(request))
    request.pop("model")
    return json.loads(json.dumps(request))
