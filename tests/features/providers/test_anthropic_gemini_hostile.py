"""Both dialects against answers that nobody meant to send, and threads that nobody would write.

Mutations of good answers and random values: each ends in settled parts or in a fault, never in another
error. What a decoder made of anything at all can be encoded again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault
from windowseat.core.exchange import Decoder, DialectCodec
from windowseat.core.model import Model, Options
from windowseat.core.parts import Part, Text, ToolCall, ToolResult, at_step
from windowseat.features.providers.dialects.anthropic_decode import AnthropicDecoder
from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages
from windowseat.features.providers.dialects.gemini_decode import GeminiDecoder
from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate

from .decoded import answer_of, streamed
from .recorded import recorded
from .values import encoded, message, window

ANTHROPIC: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "m", "content": [], "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "cw=="}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "text", "text": "", "citations": []},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Yes"}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "citations_delta", "citation": {"url": "https://a.test", "cited_text": "y"}},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "t", "name": "look", "input": {}},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [{"type": "web_search_result", "title": "A", "url": "https://a.test"}],
        },
    },
    {"type": "content_block_stop", "index": 3},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_details": {"explanation": "x"}},
        "usage": {"output_tokens": 2, "iterations": [{"type": "compaction", "input_tokens": 3}]},
    },
    {"type": "message_stop"},
]

GEMINI: list[dict[str, Any]] = [
    {"responseId": "r", "candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "Yes", "thoughtSignature": "cw=="}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"name": "look", "args": {}, "id": "x"}}]}}]},
    {"candidates": [{"content": {"parts": [{"executableCode": {"code": "1"}}]}}]},
    {"candidates": [{"content": {"parts": [{"codeExecutionResult": {"outcome": "OUTCOME_OK"}}]}}]},
    {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]}}]},
    {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}}]},
    {
        "candidates": [
            {
                "finishReason": "STOP",
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "https://a.test", "title": "A"}}],
                    "groundingSupports": [
                        {
                            "segment": {"startIndex": 0, "endIndex": 3, "text": "Yes"},
                            "groundingChunkIndices": [0],
                        }
                    ],
                    "webSearchQueries": ["q"],
                },
                "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://a.test"}]},
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 1,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
        },
    },
]

DIALECTS: dict[str, tuple[Callable[[], Decoder], DialectCodec, list[dict[str, Any]]]] = {
    "anthropic-messages": (lambda: AnthropicDecoder("there", "m"), AnthropicMessages(), ANTHROPIC),
    "gemini-generate": (lambda: GeminiDecoder("there", "m"), GeminiGenerate(), GEMINI),
}
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def settles(dialect: str, decode: Callable[[Decoder], Any]) -> None:
    """Run a decoder to its end; what it made must fold, settle, and be encodable."""
    make, codec, _ = DIALECTS[dialect]
    try:
        answer = answer_of(decode(make()))
    except ProviderFault:
        return
    assert answer.finished is not None
    goes_back(codec, answer.parts)


def goes_back(codec: DialectCodec, parts: tuple[Part, ...]) -> None:
    """Encode an answer for the model that gave it, and for one of another dialect."""
    steps = tuple(at_step(part, 1) for part in parts)
    results = tuple(
        ToolResult(id=part.id, content=(Text(text="1"),), step=1)
        for part in steps
        if isinstance(part, ToolCall) and part.by == "us"
    )
    thread = window(
        message("q", "user", Text(text="?")),
        message("a", "assistant", *steps, *results),
        message("r", "user", Text(text="!")),
    )
    for _, other, _ in DIALECTS.values():
        model = Model(connection="there", id="m", dialect=other.name)
        assert encoded(other, thread, model, Options(effort="high"))
    assert codec.name in DIALECTS


def sse(events: list[Any]) -> bytes:
    return b"".join(
        b"data: " + json.dumps(each).encode("utf-8", "surrogatepass") + b"\n\n" for each in events
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value within."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        found += places(each, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@each_dialect
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_value_at_any_place_of_a_stream_settles(dialect: str, data: st.DataObject) -> None:
    events = DIALECTS[dialect][2]
    place = data.draw(st.sampled_from(places(events)))
    broken = changed(events, place, data.draw(anything))
    settles(dialect, lambda decoder: streamed(decoder, sse(broken)))


@each_dialect
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_events_in_any_order_and_number_settle(dialect: str, data: st.DataObject) -> None:
    events = data.draw(st.lists(st.sampled_from(DIALECTS[dialect][2]), max_size=30))
    settles(dialect, lambda decoder: streamed(decoder, sse(events)))


@each_dialect
@settings(deadline=None, max_examples=60)
@given(body=anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=99))
def test_any_whole_body_settles(dialect: str, body: bytes) -> None:
    settles(dialect, lambda decoder: decoder.whole(body))


@each_dialect
def test_recorded_answers_with_bytes_changed_at_random_settle(dialect: str) -> None:
    chance = random.Random(4)
    for row in recorded(dialect):
        body = bytearray(row.response.encode())
        for _ in range(3):
            at = chance.randrange(len(body))
            body[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
            broken = bytes(body)
            settles(
                dialect,
                lambda decoder, b=broken, s=row.stream: streamed(decoder, b) if s else decoder.whole(b),  # type: ignore[misc]
            )


@each_dialect
def test_a_value_nested_beyond_measure_is_unreadable(dialect: str) -> None:
    deep = b'{"type":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(ProviderFault) as caught:
        DIALECTS[dialect][0]().whole(deep)
    assert caught.value.code == "provider_unreadable"


texts = st.builds(Text, text=st.text(max_size=5), step=st.integers(1, 3))
results = st.builds(
    ToolResult,
    id=st.text(max_size=3),
    content=st.lists(texts, max_size=2).map(tuple),
    error=st.none() | st.text(max_size=5),
    step=st.integers(1, 3),
)
calls = st.builds(
    ToolCall,
    id=st.text(min_size=1, max_size=3),
    name=st.text(max_size=3),
    arguments=st.dictionaries(st.text(max_size=2), st.integers(), max_size=2) | st.text(max_size=3),
    by=st.sampled_from(["us", "provider", "caller", "user"]),
    step=st.integers(1, 3),
)


def with_unique_ids(parts: list[Part]) -> list[Part]:
    """As the turns leave them: no two calls of a thread have one id."""
    seen: set[str] = set()
    unique: list[Part] = []
    for part in parts:
        if not isinstance(part, ToolCall) or part.id not in seen:
            unique.append(part)
        if isinstance(part, ToolCall):
            seen.add(part.id)
    return unique


@each_dialect
@settings(deadline=None, max_examples=150)
@given(
    thread=st.lists(
        st.tuples(st.sampled_from(["user", "assistant"]), st.lists(texts | calls | results, max_size=8)),
        max_size=5,
    )
)
def test_any_thread_is_encoded_with_every_call_answered_once(
    dialect: str, thread: list[tuple[Any, list[Part]]]
) -> None:
    codec = DIALECTS[dialect][1]
    messages = [message(str(i), role, *with_unique_ids(parts)) for i, (role, parts) in enumerate(thread)]
    body = encoded(codec, window(*messages), Model(connection="there", id="m", dialect=codec.name))
    called, answered = _calls_and_results(body)
    assert called == answered
    if dialect == "anthropic-messages":
        assert len(set(called)) == len(called)
        roles = [each["role"] for each in body["messages"]]
        assert all(one != other for one, other in pairwise(roles))


def _calls_and_results(body: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    calls: list[Any] = []
    results: list[Any] = []
    for each in body.get("messages") or body.get("contents") or []:
        for part in each.get("content") or each.get("parts"):
            if part.get("type") == "tool_use":
                calls.append(part["id"])
            elif part.get("type") == "tool_result":
                results.append(part["tool_use_id"])
            elif "functionCall" in part:
                calls.append((part["functionCall"]["name"], part["functionCall"].get("id")))
            elif "functionResponse" in part:
                results.append((part["functionResponse"]["name"], part["functionResponse"].get("id")))
    return calls, results
