"""A thread goes on anywhere: an answer of each dialect, sent to each, by rules as strict as the real ones.

The rules are those whose breach the providers answer with a 400; each is written down here once more,
apart from the encoders, with where it is documented.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest

from windowseat.core.exchange import DialectCodec
from windowseat.core.message import Message
from windowseat.core.model import DIALECTS, Dialect, Model, Options
from windowseat.core.parts import Image, Part, Text, ToolCall, ToolResult, at_step
from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages
from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses

from .decoded import answer_of
from .values import body_of, message, window

SECRET, SIGNATURE, FOUND, CLOSING = "what I think", "c2lnbmF0dXJl", "what it found there", "The end."
CALLED = {"name": "f", "arguments": "{}"}
PICTURE = Image(media_type="image/png", url="data:image/png;base64,iVBORw0KGgo=")

CODECS: dict[Dialect, tuple[Callable[[str], DialectCodec], str, str]] = {
    "openai-chat": (OpenaiChat, "api.mistral.ai", "mistral-large-latest"),
    "openai-responses": (OpenaiResponses, "api.openai.com", "gpt-5.2"),
    "anthropic-messages": (AnthropicMessages, "api.anthropic.com", "claude-sonnet-4-5"),
    "gemini-generate": (GeminiGenerate, "generativelanguage.googleapis.com", "gemini-3-pro-preview"),
}

# What each wire answers with: a thought, words, a tool that ran there where there is one, two calls.
ANSWERS: dict[Dialect, dict[str, Any]] = {
    "openai-chat": {
        "choices": [{
            "index": 0, "finish_reason": "tool_calls",
            "message": {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": SECRET}]},
                    {"type": "text", "text": "Let me see."},
                ],
                "tool_calls": [
                    {"id": f"call_number_{n}", "type": "function", "function": CALLED}
                    for n in (1, 2)
                ],
            },
        }],
    },
    "openai-responses": {
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": SECRET}],
             "encrypted_content": SIGNATURE},
            {"type": "code_interpreter_call", "id": "ci", "code": "1", "container_id": "x",
             "status": "completed", "outputs": [{"type": "logs", "logs": FOUND}]},
            {"type": "message", "id": "msg", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
            *({"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", **CALLED}
              for n in (1, 2)),
        ],
    },
    "anthropic-messages": {
        "type": "message", "role": "assistant", "stop_reason": "tool_use", "usage": {},
        "content": [
            {"type": "thinking", "thinking": SECRET, "signature": SIGNATURE},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {}},
            {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1",
             "content": {"type": "code_execution_result", "stdout": FOUND, "stderr": "", "return_code": 0,
                         "content": []}},
            {"type": "text", "text": "Let me see."},
            *({"type": "tool_use", "id": f"toolu_{n}", "name": "f", "input": {}} for n in (1, 2)),
        ],
    },
    "gemini-generate": {
        "candidates": [{
            "index": 0, "finishReason": "STOP",
            "content": {"role": "model", "parts": [
                {"text": SECRET, "thought": True},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": FOUND}},
                {"text": "Let me see."},
                {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": SIGNATURE},
                {"functionCall": {"name": "f", "args": {}}},
            ]},
        }],
    },
}  # fmt: skip


def codec_of(dialect: Dialect) -> DialectCodec:
    make, host, _ = CODECS[dialect]
    return make(host)


def model_of(dialect: Dialect) -> Model:
    return Model(connection=dialect, id=CODECS[dialect][2], dialect=dialect)


def thread(begun: Dialect, model: str = "") -> list[Message]:
    """A question, an answer whose two calls were answered, one of them with a picture, another question."""
    decoder = codec_of(begun).decoder(begun, model or CODECS[begun][2])
    parts: list[Part] = [
        at_step(p, 1) for p in answer_of(decoder.whole(json.dumps(ANSWERS[begun]).encode())).parts
    ]
    calls = [part for part in parts if isinstance(part, ToolCall) and part.by == "us"]
    assert len(calls) == 2
    parts += [
        ToolResult(id=calls[0].id, content=(Text(text="one"), PICTURE), step=1),
        ToolResult(id=calls[1].id, content=(), error="It broke.", step=1),
        Text(text=CLOSING, step=2),
    ]
    return [
        message("q", "user", Text(text="Why?")),
        message("a", "assistant", *parts),
        message("r", "user", Text(text="So?")),
    ]


def sent(begun: Dialect, goes_on: Dialect, *, cut: bool = False) -> Any:
    messages = thread(begun)
    if cut:  # the calls have no results, and the next question follows at once
        kept = tuple(
            p for p in messages[1].parts if not isinstance(p, ToolResult) or p.id.startswith("srvtoolu")
        )
        messages[1] = message("a", "assistant", *kept)
    codec = codec_of(goes_on)
    return body_of(codec, codec.encode(window(*messages), model_of(goes_on), Options(), {}))


def texts_in(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- the rules of each wire -----------------------------------------------------------------------


def check_chat(body: dict[str, Any]) -> None:
    """Mistral's, as the validator in https://github.com/mistralai/mistral-common has them."""
    waiting: list[str] = []
    seen: set[str] = set()
    roles = [each["role"] for each in body["messages"]]
    assert ("tool", "user") not in set(pairwise(roles))
    for each in body["messages"]:
        if each["role"] == "tool":
            assert each["tool_call_id"] == waiting.pop(0)
            assert isinstance(each["content"], str)
            assert each["content"]
            continue
        assert not waiting
        for call in each.get("tool_calls", []):
            assert re.fullmatch("[a-zA-Z0-9]{9}", call["id"])
            assert call["id"] not in seen
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            waiting.append(call["id"])
            seen.add(call["id"])
        assert each["content"] or waiting
    assert not waiting


def check_responses(body: dict[str, Any]) -> None:
    """https://platform.openai.com/docs/guides/reasoning and https://platform.openai.com/docs/guides/function-calling"""
    calls = [each["call_id"] for each in body["input"] if each.get("type") == "function_call"]
    outputs = [each["call_id"] for each in body["input"] if each.get("type") == "function_call_output"]
    assert sorted(calls) == sorted(outputs)
    assert len(set(calls)) == len(calls)
    for before, after in pairwise([*body["input"], {"role": "end"}]):
        if before.get("type") == "reasoning":
            assert before["encrypted_content"]
            assert after.get("type") in ("message", "function_call", "code_interpreter_call", "reasoning")
    assert all(
        isinstance(json.loads(each["arguments"]), dict) for each in body["input"] if "arguments" in each
    )


def check_anthropic(body: dict[str, Any]) -> None:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls"""
    messages = body["messages"]
    roles = [each["role"] for each in messages]
    assert roles[0] == "user"
    assert all(a != b for a, b in pairwise(roles))
    seen: set[str] = set()
    for each, after in pairwise([*messages, {"content": []}]):
        blocks = each["content"] if isinstance(each["content"], list) else []
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert all(re.fullmatch("[a-zA-Z0-9_-]+", id) for id in calls)
        assert not seen & set(calls)
        seen |= set(calls)
        follows = after["content"] if isinstance(after["content"], list) else []
        answered = [block["tool_use_id"] for block in follows if block["type"] == "tool_result"]
        assert answered == calls or not calls
        kinds = [key for key, _ in groupby(follows, lambda block: block["type"] == "tool_result")]
        assert not calls or kinds[0] is True
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        assert all(isinstance(block["input"], dict) for block in blocks if "input" in block)


def check_gemini(body: dict[str, Any]) -> None:
    """Of https://ai.google.dev/gemini-api/docs: function-calling and thought-signatures."""
    contents = body["contents"]
    assert contents[0]["role"] == "user"
    for each, after in pairwise([*contents, {"parts": []}]):
        assert each["parts"]
        calls = [part for part in each["parts"] if "functionCall" in part]
        results = [part for part in after["parts"] if "functionResponse" in part]
        if calls:
            assert len(results) == len(calls)
            assert [r["functionResponse"]["name"] for r in results] == [
                c["functionCall"]["name"] for c in calls
            ]
            assert calls[0].get("thoughtSignature")


CHECKS = {
    "openai-chat": check_chat,
    "openai-responses": check_responses,
    "anthropic-messages": check_anthropic,
    "gemini-generate": check_gemini,
}


@pytest.mark.parametrize("goes_on", DIALECTS)
@pytest.mark.parametrize("begun", DIALECTS)
def test_a_thread_that_one_began_is_taken_by_another(begun: Dialect, goes_on: Dialect) -> None:
    body = sent(begun, goes_on)
    CHECKS[goes_on](body)
    told = texts_in(body)
    for words in ("Why?", "Let me see.", "one", "It broke.", CLOSING, "So?", "iVBORw0KGgo="):
        assert words in told, words
    if begun != goes_on:
        assert SECRET not in told
        assert SIGNATURE not in told


@pytest.mark.parametrize("goes_on", DIALECTS)
@pytest.mark.parametrize("begun", DIALECTS)
def test_calls_that_were_cut_off_are_closed_wherever_the_thread_goes(
    begun: Dialect, goes_on: Dialect
) -> None:
    body = sent(begun, goes_on, cut=True)
    CHECKS[goes_on](body)
    assert "no result" in texts_in(body) or "not run" in texts_in(body)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_provider_itself_gets_back_what_it_thought_and_ran(dialect: Dialect) -> None:
    told = texts_in(sent(dialect, dialect))
    if dialect != "gemini-generate":  # its words of a thought are not wanted back, only the signature
        assert SECRET in told
    if dialect != "openai-chat":
        assert SIGNATURE in told
        assert FOUND in told
