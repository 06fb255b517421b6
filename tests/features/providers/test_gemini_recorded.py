"""`gemini-generate` against what Google really sent, from its own API and from Vertex AI."""

from __future__ import annotations

import random
from itertools import pairwise, takewhile
from typing import Any

import pytest

from windowseat.core.model import Model
from windowseat.core.parts import Citation, Notice, Text, ToolCall, ToolResult, at_step
from windowseat.features.providers.dialects.gemini_decode import GeminiDecoder
from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate

from .decoded import Answer, answer_of, streamed
from .recorded import Recorded, each_of, recorded
from .recorded_gemini import chunks_of, plain, read_gemini, read_gemini_request
from .values import encoded, message
from .values import window as window_of

_STOPS = {"STOP": "end", "MODEL_ARMOR": "filtered", "UNEXPECTED_TOOL_CALL": "error"}


def decoded(exchange: Recorded) -> Answer:
    body = exchange.response.encode()
    decoder = GeminiDecoder("there", "model")
    return answer_of(streamed(decoder, body) if exchange.stream else decoder.whole(body))


@each_of("gemini-generate")
def test_an_answer_decodes_to_what_a_plain_reading_finds(exchange: Recorded) -> None:
    answer, reading = decoded(exchange), read_gemini(exchange)
    assert answer.text == reading.text
    assert answer.thinking == reading.thinking
    assert [(call.name, call.arguments) for call in answer.calls("us")] == reading.calls
    assert sorted(call.name for call in answer.calls("provider")) == sorted(reading.ran_there)
    assert sum(isinstance(part, ToolResult) for part in answer.parts) == len(reading.ran_there)
    assert answer.finished is not None
    stop = "tool_call" if reading.calls else _STOPS[reading.stop or ""]
    assert answer.finished.stop_reason == stop
    assert any(isinstance(part, Notice) for part in answer.parts) is (stop == "filtered")
    usage = answer.finished.usage
    assert reading.usage is not None
    assert {name: getattr(usage, name) for name in reading.usage} == reading.usage


@each_of("gemini-generate")
def test_a_citation_spans_the_words_that_its_source_supports(exchange: Recorded) -> None:
    answer = decoded(exchange)
    spans = []
    for part in answer.parts:
        if isinstance(part, Citation):
            text = answer.parts[part.part]
            assert isinstance(text, Text)
            spans.append(text.text[part.start : part.end] if part.end is not None else "")
            assert part.url or part.title
    assert spans == read_gemini(exchange).cited


@each_of("gemini-generate")
def test_the_provider_s_own_parts_stand_behind_the_parts_in_their_order(exchange: Recorded) -> None:
    sent = [
        part
        for chunk in chunks_of(exchange)
        for part in chunk["candidates"][0].get("content", {}).get("parts", [])
    ]
    signed = [part for part in sent if set(part) != {"text"}]
    kept = [
        item
        for part in decoded(exchange).parts
        if part.origin is not None
        for item in part.origin.item or []
        if set(item) != {"text"}
    ]
    assert kept == signed


@each_of("gemini-generate")
def test_the_bytes_may_be_cut_anywhere(exchange: Recorded) -> None:
    if not exchange.stream:
        return
    body = exchange.response.encode()
    chance = random.Random(body)
    uncut = streamed(GeminiDecoder("there", "model"), body)
    for newline in (b"\n", b"\r\n", b"\n: a comment\n"):
        changed = body.replace(b"\r\n", b"\n").replace(b"\n", newline)
        cuts = [chance.randrange(len(changed)) for _ in range(40)]
        assert streamed(GeminiDecoder("there", "model"), changed, cuts) == uncut


@each_of("gemini-generate")
def test_a_request_comes_out_as_it_was_read(exchange: Recorded) -> None:
    read = read_gemini_request(exchange.request, "model")
    ours = encoded(GeminiGenerate(exchange.host), read.window, read.model, read.options, read.files)
    assert plain(ours) == plain(exchange.request)


def _pairs() -> list[tuple[Recorded, Recorded]]:
    """Exchanges with the one that followed, whose request carries the answer back."""
    return [pair for pair in pairwise(recorded("gemini-generate")) if _carries_back(*pair)]


def _carries_back(before: Recorded, after: Recorded) -> bool:
    said, more = before.request["contents"], after.request["contents"]
    same = before.name.split("#")[0] == after.name.split("#")[0]
    grown = len(more) > len(said) and more[: len(said)] == said and more[len(said)]["role"] == "model"
    return same and grown


@pytest.mark.parametrize(("before", "after"), _pairs(), ids=str)
def test_an_answer_goes_back_as_the_next_request_carried_it(before: Recorded, after: Recorded) -> None:
    follows = after.request["contents"][len(before.request["contents"]) :]
    carried = list(takewhile(lambda each: each["role"] == "model", follows))
    parts = [at_step(part, 1) for part in decoded(before).parts]
    parts += [
        ToolResult(id=part.id, content=(), step=1)
        for part in parts
        if isinstance(part, ToolCall) and part.by == "us"
    ]
    model = Model(connection="there", id="model", dialect="gemini-generate")
    window = window_of(message("q", "user", Text(text="?")), message("a", "assistant", *parts))
    ours = plain(encoded(GeminiGenerate(before.host), window, model))["contents"]
    theirs = plain({"contents": carried})["contents"]
    ours = [_as_the_recorded_client(each) for each in ours if each["role"] == "model"]
    assert ours == [_as_the_recorded_client(each) for each in theirs]


def _as_the_recorded_client(content: dict[str, Any]) -> dict[str, Any]:
    """What the recorded client makes of an answer: it joins a signature that came late with the text before
    it, gives ids of its own to calls without one, and fills in what the provider's own tools left empty."""
    parts: list[dict[str, Any]] = []
    for part in content["parts"]:
        if part.get("text") == "" and parts and set(parts[-1]) == {"text"}:
            parts[-1]["thoughtSignature"] = part["thoughtSignature"]
            continue
        for name in ("toolCall", "toolResponse"):
            if name in part:
                part[name] = {"id": part[name]["id"], "toolType": part[name]["toolType"]}
        if part.get("functionCall", {}).get("id", "").startswith("pyd_ai_"):
            del part["functionCall"]["id"]
        parts.append(part)
    return {"role": content["role"], "parts": parts}


def test_there_are_pairs_when_there_are_recordings() -> None:
    assert len(_pairs()) >= 8 or not recorded("gemini-generate")
