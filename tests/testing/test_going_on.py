"""A thread goes on anywhere, through the whole house: turns with tools at one provider, at another, and back.

Four providers on loopback, under the names of the real ones so that their quirks hold, each as strict as
the real one (windowseat.testing.rules). Every request is the product's own, sent by its own transport.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from windowseat.core.ask import Turn
from windowseat.core.model import Dialect
from windowseat.core.parts import Image, Json, Part, Text
from windowseat.core.ports import Emit
from windowseat.core.tool import Tool
from windowseat.features.tools import Registered
from windowseat.platform.ids import Ids
from windowseat.testing import rules_anthropic, rules_chat, rules_gemini, rules_responses
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import answer, call, page, text, thinking
from windowseat.testing.rules import Rules
from windowseat.testing.speech import signed
from windowseat.testing.world import Running, running_house

PICTURE = "data:image/png;base64,iVBORw0KGgo="


@dataclass(frozen=True)
class Place:
    """A provider by its real name, the model that is asked there, and what it refuses."""

    dialect: Dialect
    host: str
    model: str
    rules: Rules


PLACES = {
    "mistral": Place("openai-chat", "api.mistral.ai", "mistral-large-latest", rules_chat.mistral),
    "responses": Place("openai-responses", "api.openai.com", "gpt-5.2", rules_responses.openai),
    "anthropic": Place(
        "anthropic-messages", "api.anthropic.com", "claude-sonnet-4-5", rules_anthropic.anthropic
    ),
    "gemini": Place(
        "gemini-generate", "generativelanguage.googleapis.com", "gemini-3-pro-preview", rules_gemini.google
    ),
}
MORE = {
    "openai": Place("openai-chat", "api.openai.com", "gpt-5.2", rules_chat.openai),
    "deepseek": Place("openai-chat", "api.deepseek.com", "deepseek-chat", rules_chat.deepseek),
}


@dataclass
class World:
    """A house with a connection to each provider."""

    running: Running
    providers: dict[str, ScriptedProvider]
    places: dict[str, Place]

    def bodies(self, name: str) -> list[Any]:
        return [each.json for each in self.providers[name].requests if each.method == "POST"]

    async def turn(self, name: str, words: str, thread: str | None, **options: Any) -> dict[str, Any]:
        """Run a turn at that provider to its end; the answer."""
        more: dict[str, Any] = {"model": f"{name}/{self.places[name].model}", "options": options}
        if thread is not None:
            listed = await self.messages(thread)
            more |= {"thread": thread, "parent": listed[-1]["id"]}
        return await self._settled(await self.running.start(words, **more))

    async def continued(self, name: str, cut: dict[str, Any]) -> dict[str, Any]:
        """Let that provider go on with an answer that was cut; the new answer."""
        model = f"{name}/{self.places[name].model}"
        body = {"id": Ids().new(), "thread": cut["thread"], "parent": cut["id"], "model": model}
        answered = await self.running.program.post("/api/turns", json={**body, "continue": True})
        assert answered.status_code == 202, answered.text
        return await self._settled(answered.json())

    async def _settled(self, begun: dict[str, Any]) -> dict[str, Any]:
        for _ in range(600):
            listed = await self.messages(begun["thread"])
            found = next(each for each in listed if each["id"] == begun["message"])
            if "n" not in found and found.get("stop_reason"):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError("the turn did not settle")

    async def messages(self, thread: str) -> list[dict[str, Any]]:
        listed: dict[str, Any] = (await self.running.program.get(f"/api/threads/{thread}/messages")).json()
        messages: list[dict[str, Any]] = listed["messages"]
        return messages


async def look(_turn: Turn, arguments: dict[str, Json], _emit: Emit) -> list[Part]:
    return [Text(text=f"a tree at {arguments['place']}"), Image(media_type="image/png", url=PICTURE)]


LOOK = Tool(
    name="look",
    description="Looks at a place.",
    schema={
        "type": "object",
        "properties": {"place": {"type": "string"}},
        "required": ["place"],
        "additionalProperties": False,
    },
    touches="nothing",
    policy="always",
)


@asynccontextmanager
async def world_of(root: Path, places: dict[str, Place], monkeypatch: Any) -> AsyncIterator[World]:
    """The providers and a house; the names of the providers lead to loopback here, and nowhere else."""
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo
    hosts = {place.host for place in places.values()}

    async def on_loopback(host: Any, port: Any, **more: Any) -> Any:
        return await resolve("127.0.0.1" if host in hosts else host, port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", on_loopback)
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(dialect=each.dialect, rules=each.rules))
            for name, each in places.items()
        }
        tools = [Registered(tool=LOOK, run=look)]
        running = await stack.enter_async_context(running_house(root, tools=tools))
        for name, each in places.items():
            port = urlsplit(providers[name].url).port
            add = running.house.providers.connections.add
            url = f"http://{each.host}:{port}/v1"
            await add(running.house.owner, name=name, dialect=each.dialect, url=url)
        yield World(running, providers, places)


def answers(who: str) -> list[Any]:
    """A turn of two steps: a thought and two calls at once, then a thought and the answer."""
    calls = [call("look", {"place": place}) for place in ("home", "sea")]
    return [
        answer(thinking(f"secret of {who}"), text(f"{who} looks. "), *calls),
        answer(thinking(f"secret of {who}"), text(f"{who} saw a tree.")),
    ]


async def goes_on(world: World, begun: str, goes_on: str, **options: Any) -> None:
    """Three turns with tools: at one provider, at another, and at the first again."""
    thread: str | None = None
    for turn, name in enumerate((begun, goes_on, begun)):
        world.providers[name].script(answers(name))
        settled = await world.turn(name, f"Question {turn}?", thread, **options)
        broken = {each: provider.broken for each, provider in world.providers.items() if provider.broken}
        assert broken == {}, f"{begun} → {goes_on}, turn {turn}"
        assert settled["stop_reason"] == "end", f"{begun} → {goes_on}, turn {turn}: {settled}"
        words = "".join(part["text"] for part in settled["parts"] if part["type"] == "text")
        assert words == f"{name} looks. {name} saw a tree."
        results = [part for part in settled["parts"] if part["type"] == "tool_result"]
        assert [each.get("error") for each in results] == [None, None]
        thread = settled["thread"]


def said_in_full(world: World, begun: str, goes_on: str) -> None:
    """The last requests of both carry the words of all, and nobody's thoughts but their own."""
    for name, other in ((goes_on, begun), (begun, goes_on)):
        told = json.dumps(world.bodies(name)[-1], ensure_ascii=False)
        for words in (f"{begun} looks. ", "a tree at home", "a tree at sea", "iVBORw0KGgo=", "Question 0?"):
            assert words in told, f"{begun} → {goes_on}: {words} is not in what {name} was sent"
        if other != name:
            assert f"secret of {other}" not in told
            assert f"{other} saw a tree." in told


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("begun", PLACES)
async def test_a_thread_goes_on_at_every_provider_and_comes_back(
    begun: str, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_of(tmp_path / "home", PLACES, monkeypatch) as world:
        for other in PLACES:
            await goes_on(world, begun, other, stream=stream)
            said_in_full(world, begun, other)


@pytest.mark.parametrize("effort", ["none", "high"])
async def test_it_goes_on_with_thinking_on_and_off_and_between_providers_of_one_dialect(
    effort: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = PLACES | MORE
    async with world_of(tmp_path / "home", places, monkeypatch) as world:
        names = list(places)
        for begun, other in zip(names, [*names[1:], names[0]], strict=True):
            await goes_on(world, begun, other, effort=effort)


RAN_THERE = "forty-two, it printed"
RAN: dict[str, Any] = {
    "responses": {
        "id": "r", "object": "response", "status": "completed", "usage": None,
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "secret"}],
             "encrypted_content": signed("gpt-5.2", "secret")},
            {"type": "code_interpreter_call", "id": "ci", "code": "6*7", "container_id": "x",
             "status": "completed", "outputs": [{"type": "logs", "logs": RAN_THERE}]},
            {"type": "message", "id": "msg", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "It is 42.", "annotations": []}]},
        ],
    },
    "anthropic": {
        "id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn", "usage": {},
        "content": [
            {"type": "thinking", "thinking": "secret", "signature": signed("claude-sonnet-4-5", "secret")},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {}},
            {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1",
             "content": {"type": "code_execution_result", "stdout": RAN_THERE, "stderr": "",
                         "return_code": 0, "content": []}},
            {"type": "text", "text": "It is 42."},
        ],
    },
    "gemini": {
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"executableCode": {"language": "PYTHON", "code": "6*7"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": RAN_THERE}},
            {"text": "It is 42."},
        ]}}],
    },
}  # fmt: skip
"""A whole answer with a tool that ran at the provider."""


@pytest.mark.parametrize("begun", RAN)
async def test_what_ran_at_a_provider_goes_back_there_and_nowhere_else(
    begun: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_of(tmp_path / "home", PLACES, monkeypatch) as world:
        for other in PLACES:
            world.providers[begun].script([page(json.dumps(RAN[begun]).encode(), "application/json")])
            first = await world.turn(begun, "What is it?", None, stream=False)
            assert first["stop_reason"] == "end", first
            await goes_on_from(world, first["thread"], other)
            told = json.dumps(world.bodies(other)[-1])
            assert "It is 42." in told
            assert (RAN_THERE in told) is (other == begun)


async def goes_on_from(world: World, thread: str, name: str) -> None:
    world.providers[name].script(answers(name))
    settled = await world.turn(name, "Sure?", thread)
    assert world.providers[name].broken == []
    assert settled["stop_reason"] == "end", settled


async def test_an_answer_that_its_provider_paused_goes_back_as_it_is_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = {**RAN["anthropic"], "content": RAN["anthropic"]["content"][:2], "stop_reason": "pause_turn"}
    ended = {**RAN["anthropic"], "content": RAN["anthropic"]["content"][2:]}
    async with world_of(tmp_path / "home", PLACES, monkeypatch) as world:
        pages = [page(json.dumps(each).encode(), "application/json") for each in (paused, ended)]
        world.providers["anthropic"].script(pages)
        settled = await world.turn("anthropic", "What is it?", None, stream=False)
        assert world.providers["anthropic"].broken == []
        assert settled["stop_reason"] == "end"
        assert [part["type"] for part in settled["parts"]] == ["thinking", "tool_call", "tool_result", "text"]
        assert world.bodies("anthropic")[-1]["messages"][-1]["content"] == paused["content"]
        await goes_on_from(world, settled["thread"], "anthropic")
        assert RAN_THERE in json.dumps(world.bodies("anthropic")[-1])


@pytest.mark.parametrize("begun", PLACES)
async def test_an_answer_that_was_cut_is_gone_on_with_by_every_provider(
    begun: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world_of(tmp_path / "home", PLACES, monkeypatch) as world:
        for other in PLACES:
            called = [*answers(begun)[:1], answer(text("The sky is "), finish="length")]
            world.providers[begun].script(called)
            cut = await world.turn(begun, "Why?", None)
            assert cut["stop_reason"] == "length", cut
            world.providers[other].script([answer(text("blue because of scattering."))])
            whole = await world.continued(other, cut)
            assert world.providers[other].broken == [], f"{begun} → {other}"
            assert whole["stop_reason"] == "end", whole
            words = "".join(part["text"] for part in whole["parts"] if part["type"] == "text")
            assert words.endswith("The sky is blue because of scattering.")


async def test_what_breaks_a_rule_is_refused_in_the_provider_s_own_shape_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this the tests above would show nothing."""
    async with world_of(tmp_path / "home", PLACES, monkeypatch) as world:
        for name in PLACES:
            settled = await world.turn(name, "?", None, extra={"nobody_knows_this": 1})
            assert settled["stop_reason"] == "error"
            assert len(world.providers[name].broken) == 1
            assert "nobody_knows_this" in settled["parts"][-1]["text"]
