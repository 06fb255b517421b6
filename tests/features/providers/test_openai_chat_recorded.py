"""`openai-chat` against what real providers sent."""

from __future__ import annotations

import random
from itertools import pairwise, takewhile

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.core.parts import Citation, Text, ToolResult, at_step
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder

from .chat_requests import NotOurs, plain, read_chat_request
from .decoded import Answer, answer_of, streamed
from .recorded import Recorded, each_of, read_chat, recorded
from .values import encoded, message
from .values import window as window_of

_STOPS = {"stop": "end", "length": "length", "tool_calls": "tool_call", None: "end"}


def decoded(exchange: Recorded) -> Answer:
    decoder = OpenaiChatDecoder("there", exchange.request["model"])
    body = exchange.response.encode()
    return answer_of(streamed(decoder, body) if exchange.stream else decoder.whole(body))


@each_of("openai-chat")
def test_an_answer_decodes_to_what_a_plain_reading_finds(exchange: Recorded) -> None:
    if "event: error" in exchange.response:
        with pytest.raises(ProviderFault, match="Tool choice is required"):
            decoded(exchange)
        return
    answer, reading = decoded(exchange), read_chat(exchange)
    assert answer.text == reading.text
    assert answer.thinking == reading.thinking
    assert [(call.name, call.arguments) for call in answer.calls("us")] == reading.calls
    assert [call.name for call in answer.calls("provider")] == reading.ran_there
    assert sum(isinstance(part, ToolResult) for part in answer.parts) == len(reading.ran_there)
    assert [part.url for part in answer.parts if isinstance(part, Citation)] == reading.cited
    assert answer.finished is not None
    stop = "tool_call" if reading.calls else _STOPS[reading.stop]
    assert answer.finished.stop_reason == stop
    usage = answer.finished.usage
    assert ({n: getattr(usage, n) for n in reading.usage} if reading.usage else usage) == reading.usage


@each_of("openai-chat")
def test_the_bytes_may_be_cut_anywhere(exchange: Recorded) -> None:
    if not exchange.stream or "event: error" in exchange.response:
        return
    body = exchange.response.encode()
    chance = random.Random(body)
    decoder = OpenaiChatDecoder("there", exchange.request["model"])
    uncut = streamed(decoder, body)
    for newline in (b"\n", b"\r\n", b"\n: a comment\n"):
        changed = body.replace(b"\n", newline)
        cuts = [chance.randrange(len(changed)) for _ in range(40)]
        assert streamed(OpenaiChatDecoder("there", exchange.request["model"]), changed, cuts) == uncut


@each_of("openai-chat")
def test_a_request_comes_out_as_it_was_read(exchange: Recorded) -> None:
    try:
        read = read_chat_request(exchange.request)
    except NotOurs as why:
        pytest.skip(f"a thread cannot say it: {why}")
    ours = encoded(OpenaiChat(exchange.host), read.window, read.model, read.options, read.files)
    theirs = plain(exchange.request)
    for ours_tool, theirs_tool in zip(ours.get("tools", []), theirs.get("tools", []), strict=True):
        if "strict" not in theirs_tool.get("function", theirs_tool):
            ours_tool.get("function", {}).pop("strict", None)  # it was made before strict tools were marked
    assert plain(ours) == theirs


def _pairs() -> list[tuple[Recorded, Recorded]]:
    """Exchanges with the one that followed, whose request carries the answer back."""
    return [pair for pair in pairwise(recorded("openai-chat")) if _carries_back(*pair)]


def _carries_back(before: Recorded, after: Recorded) -> bool:
    said, more = before.request["messages"], after.request["messages"]
    same = before.name.split("#")[0] == after.name.split("#")[0]
    answered = before.status == 200 and "event: error" not in before.response
    return same and answered and len(more) > len(said) and more[: len(said)] == said


@pytest.mark.parametrize(("before", "after"), _pairs(), ids=str)
def test_an_answer_goes_back_as_the_next_request_carried_it(before: Recorded, after: Recorded) -> None:
    follows = after.request["messages"][len(before.request["messages"]) :]
    follows = list(takewhile(lambda each: each["role"] != "user", follows))
    read = read_chat_request(after.request)
    answer = decoded(before)
    results = {each["tool_call_id"]: each["content"] for each in follows if each["role"] == "tool"}
    parts = [at_step(part, 1) for part in answer.parts]
    parts += [ToolResult(id=id, content=(Text(text=text),), step=1) for id, text in results.items()]
    window = window_of(message("q", "user", Text(text="?")), message("a", "assistant", *parts))
    ours = encoded(OpenaiChat(before.host), window, read.model)
    assert plain(ours)["messages"][1:] == plain({"messages": follows})["messages"]


def test_there_are_pairs_when_there_are_recordings() -> None:
    assert len(_pairs()) >= 12 or not recorded("openai-chat")
