"""`openai-responses` against what real providers sent."""

from __future__ import annotations

import random
from itertools import pairwise, takewhile
from typing import Any

import pytest

from windowseat.core.model import Model
from windowseat.core.parts import Citation, Part, Text, ToolResult, at_step
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder

from .chat_requests import NotOurs
from .decoded import Answer, answer_of, streamed
from .recorded import Recorded, each_of, read_responses, recorded
from .responses_requests import plain, read_responses_request
from .values import encoded, message
from .values import window as window_of


def decoded(exchange: Recorded) -> Answer:
    decoder = OpenaiResponsesDecoder("there", exchange.request["model"])
    body = exchange.response.encode()
    return answer_of(streamed(decoder, body) if exchange.stream else decoder.whole(body))


@each_of("openai-responses")
def test_an_answer_decodes_to_what_a_plain_reading_finds(exchange: Recorded) -> None:
    answer, reading = decoded(exchange), read_responses(exchange)
    assert answer.text == reading.text
    assert answer.thinking == reading.thinking
    assert [(call.name, call.arguments) for call in answer.calls("us")] == reading.calls
    assert [call.name for call in answer.calls("provider")] == reading.ran_there
    assert [part.url for part in answer.parts if isinstance(part, Citation)] == reading.cited
    assert answer.finished is not None
    assert answer.finished.stop_reason == ("tool_call" if reading.calls else "end")
    usage = answer.finished.usage
    assert ({n: getattr(usage, n) for n in reading.usage} if reading.usage else usage) == reading.usage


@each_of("openai-responses")
def test_the_bytes_may_be_cut_anywhere(exchange: Recorded) -> None:
    if not exchange.stream:
        return
    body = exchange.response.encode()
    chance = random.Random(body)
    uncut = streamed(OpenaiResponsesDecoder("there", exchange.request["model"]), body)
    for newline in (b"\n", b"\r\n", b"\n: a comment\n"):
        changed = body.replace(b"\n", newline)
        cuts = [chance.randrange(len(changed)) for _ in range(40)]
        assert streamed(OpenaiResponsesDecoder("there", exchange.request["model"]), changed, cuts) == uncut


@each_of("openai-responses")
def test_a_request_comes_out_as_it_was_read(exchange: Recorded) -> None:
    try:
        read = read_responses_request(exchange.request)
    except NotOurs as why:
        pytest.skip(f"a thread cannot say it: {why}")
    ours = encoded(OpenaiResponses(exchange.host), read.window, read.model, read.options, read.files)
    assert plain(ours) == plain(exchange.request)


def test_nothing_is_kept_there_and_thinking_comes_along_for_models_that_think() -> None:
    said = window_of(message("q", "user", Text(text="?")))
    for id, include in (("gpt-5.2", ["reasoning.encrypted_content"]), ("gpt-4o", None)):
        body = encoded(
            OpenaiResponses("api.openai.com"), said, Model(connection="c", id=id, dialect="openai-responses")
        )
        assert body["store"] is False
        assert body.get("include") == include


def _pairs() -> list[tuple[Recorded, Recorded]]:
    """Exchanges with the one that followed, whose request carries the answer back."""
    return [pair for pair in pairwise(recorded("openai-responses")) if _carries_back(*pair)]


def _carries_back(before: Recorded, after: Recorded) -> bool:
    said, more = before.request["input"], after.request["input"]
    same = before.name.split("#")[0] == after.name.split("#")[0] and before.status == 200
    return same and len(more) > len(said) and more[: len(said)] == said


@pytest.mark.parametrize(("before", "after"), _pairs(), ids=str)
def test_an_answer_goes_back_as_the_next_request_carried_it(before: Recorded, after: Recorded) -> None:
    follows = after.request["input"][len(before.request["input"]) :]
    follows = list(takewhile(lambda each: each.get("role") != "user", follows))
    read = read_responses_request(after.request)
    parts: list[Part] = [at_step(part, 1) for part in decoded(before).parts]
    outputs = [each for each in follows if each.get("type") == "function_call_output"]
    parts += [
        ToolResult(id=each["call_id"], content=(Text(text=each["output"]),), step=1) for each in outputs
    ]
    said = window_of(message("q", "user", Text(text="?")), message("a", "assistant", *parts))
    ours = plain(encoded(OpenaiResponses(before.host), said, read.model))["input"][1:]
    assert _as_answered(ours) == _as_answered(plain({"input": follows})["input"])


_STRAIGHT = str.maketrans({0x2019: "'", 0x201C: '"', 0x201D: '"'})
"""The recordings of whole bodies have plain quotation marks where those of streams kept the real ones."""


def _as_answered(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items without what the recording client added."""
    kept = [each for each in items if each.get("type") != "additional_tools"]
    for each in kept:
        each.pop("namespace", None)
        if isinstance(each.get("content"), str):
            each["content"] = each["content"].translate(_STRAIGHT)
    return kept


def test_there_are_pairs_when_there_are_recordings() -> None:
    assert len(_pairs()) >= 5 or not recorded("openai-responses")
