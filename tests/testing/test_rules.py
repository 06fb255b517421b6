"""A strict scripted provider takes a good thread and refuses each way to break one, as its model does."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx2
import pytest

from windowseat.core.model import Dialect
from windowseat.testing import rules_anthropic, rules_chat, rules_gemini, rules_responses
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import answer, text
from windowseat.testing.rules import Broken, Rules
from windowseat.testing.speech import signed

Change = Callable[[Any], Any]

CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
            for id in ("abcdefgh1", "abcdefgh2")
        ]},
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": "one"},
        {"role": "tool", "tool_call_id": "abcdefgh2", "content": "two"},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "!"},
    ],
}  # fmt: skip
RESPONSES: dict[str, Any] = {
    "model": "gpt-5.2",
    "store": False,
    "input": [
        {"role": "user", "content": "?"},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm"}],
         "encrypted_content": signed("gpt-5.2", "Hm")},
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "one"},
        {"role": "user", "content": [{"type": "input_text", "text": "!"}]},
    ],
}  # fmt: skip
ANTHROPIC: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 9000,
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "messages": [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm", "signature": signed("claude-sonnet-4-5", "Hm")},
            *({"type": "tool_use", "id": id, "name": "look", "input": {}} for id in ("a", "b")),
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "one"},
            {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "two"}]},
        ]},
    ],
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "model": "gemini-3-pro-preview",
    "stream": True,
    "contents": [
        {"role": "user", "parts": [{"text": "?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "look", "args": {}},
             "thoughtSignature": signed("gemini-3-pro-preview", "look")},
            {"functionCall": {"name": "hear", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "look", "response": {"output": "one"}}},
            {"functionResponse": {"name": "hear", "response": {"output": "two"}}},
        ]},
    ],
}  # fmt: skip
GOOD: dict[str, tuple[Rules, dict[str, Any]]] = {
    "openai": (rules_chat.openai, CHAT),
    "mistral": (rules_chat.mistral, CHAT),
    "deepseek": (
        rules_chat.deepseek,
        {**CHAT, "messages": [{**m, **({"reasoning_content": ""} if "tool_calls" in m else {})}
                              for m in CHAT["messages"]]},
    ),
    "responses": (rules_responses.openai, RESPONSES),
    "anthropic": (rules_anthropic.anthropic, ANTHROPIC),
    "gemini": (rules_gemini.google, GEMINI),
}  # fmt: skip


def put(*way: Any) -> Change:
    """Sets the last of `way` at the place that the rest names."""
    *places, last, value = way

    def change(body: Any) -> None:
        for place in places:
            body = body[place]
        body[last] = value

    return change


def drop(*way: Any) -> Change:
    """Takes away what stands there."""
    *places, last = way

    def change(body: Any) -> None:
        for place in places:
            body = body[place]
        del body[last]

    return change


def swap(name: str, one: int, other: int) -> Change:
    """Two messages change places."""

    def change(body: Any) -> None:
        body[name][one], body[name][other] = body[name][other], body[name][one]

    return change


CALLS = ("messages", 1, "tool_calls")
BROKEN: list[tuple[str, Change, str]] = [
    ("openai", put("top_k", 1), "Unrecognized request argument supplied: top_k"),
    ("openai", put("messages", []), "empty array"),
    ("openai", put("messages", 0, "role", "human"), "Invalid value: 'human'"),
    ("openai", put("messages", 4, "reasoning_content", "Hm"), "Unknown parameter"),
    ("openai", put("messages", 4, "content", None), "got null"),
    ("openai", put("messages", 0, "content", [{"type": "video"}]), "Invalid content part type"),
    ("openai", put("messages", 4, "content", [{"type": "image_url"}]), "may only be said by a user"),
    ("openai", put(*CALLS, 0, "id", "x" * 41), "too long"),
    ("openai", put(*CALLS, 0, "function", "arguments", "{"), "no JSON object"),
    ("openai", put(*CALLS, 0, "function", "name", "a b"), "Invalid function name"),
    ("openai", drop("messages", 3), "did not have response messages: abcdefgh2"),
    ("openai", swap("messages", 2, 3), "must be a response to a preceeding message"),
    ("openai", drop("messages", 1), "must be a response to a preceeding message"),
    ("openai", lambda body: body["messages"].extend(body["messages"][1:4]), "Duplicate tool call id"),
    ("openai", lambda body: body.update(model="gpt-5", temperature=1), "Unsupported parameter"),
    ("mistral", put("stream_options", {}), "Extra inputs are not permitted"),
    ("mistral", put(*CALLS, 0, "id", "call_1234"), "with a length of 9"),
    ("mistral", drop("messages", 4), "Unexpected role 'user' after role 'tool'"),
    ("mistral", drop("messages", 5), "Expected last role User or Tool"),
    ("mistral", put("messages", 4, "content", ""), "either content or tool_calls"),
    ("deepseek", drop("messages", 1, "reasoning_content"), "must be passed back"),
    ("responses", put("seed", 1), "Unknown parameter: 'seed'"),
    ("responses", drop("store"), "store: false"),
    ("responses", put("input", []), "Missing required parameter"),
    ("responses", put("temperature", 1), "Unsupported parameter"),
    ("responses", put("input", 2, "type", "custom"), "Invalid value: 'custom'"),
    ("responses", put("input", 2, "index", 1), "Unknown parameter: 'input[].index'"),
    ("responses", put("input", 2, "name", "a b"), "Invalid 'input[].name'"),
    ("responses", put("input", 2, "arguments", ""), "no JSON object"),
    ("responses", drop("input", 3), "No tool output found for function call c"),
    ("responses", swap("input", 0, 3), "No tool call found"),
    ("responses", put("model", "gpt-5"), "could not be verified"),
    ("responses", put("input", 1, "encrypted_content", "x"), "could not be verified"),
    ("responses", drop("input", slice(2, 4)), "without its required following item"),
    ("responses", put("input", 4, "content", 0, "type", "output_text"), "Invalid value: 'output_text'"),
    ("anthropic", put("seed", 1), "seed: Extra inputs"),
    ("anthropic", drop("max_tokens"), "max_tokens: Field required"),
    ("anthropic", put("messages", []), "at least one message"),
    ("anthropic", drop("messages", 0), "first message"),
    ("anthropic", drop("messages", 1), "roles must alternate"),
    ("anthropic", drop("messages", 2), "without `tool_result` blocks"),
    ("anthropic", put("messages", 0, "content", " "), "non-whitespace"),
    ("anthropic", put("messages", 0, "content", []), "non-empty content"),
    ("anthropic", put("messages", 1, "content", 1, "id", "a b"), "should match pattern"),
    ("anthropic", put("messages", 1, "content", 2, "id", "a"), "must be unique: a"),
    ("anthropic", put("messages", 2, "content", 1, "tool_use_id", "c"), "without `tool_result` blocks"),
    ("anthropic", put("messages", 1, "content", 1, "index", 1), "Extra inputs are not permitted"),
    ("anthropic", put("messages", 1, "content", 0, "signature", "x"), "Invalid `signature`"),
    ("anthropic", put("messages", 1, "content", 0, "thinking", "Ha"), "Invalid `signature`"),
    ("anthropic", put("model", "claude-opus-4-5"), "Invalid `signature`"),
    ("anthropic", drop("messages", 1, "content", 0), "Expected `thinking`"),
    ("anthropic", put("max_tokens", 1500), "must be greater"),
    ("anthropic", put("temperature", 0.5), "only be set to 1"),
    ("anthropic", put("tools", [{"name": "a b"}]), "should match pattern"),
    ("anthropic", put("tools", [{"name": "a"}, {"name": "a"}]), "must be unique"),
    ("anthropic", put("tools", [{"name": n, "cache_control": {}} for n in "abcde"]), "A maximum of 4"),
    ("anthropic", lambda b: b["messages"].append({"role": "assistant", "content": "So "}), "trailing"),
    (
        "anthropic",
        lambda b: b["messages"][1]["content"].insert(
            1, {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {}}
        ),
        "without a corresponding",
    ),
    (
        "anthropic",
        lambda b: b["messages"][1]["content"].insert(
            1, {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {}}
        ),
        "no `server_tool_use` before it",
    ),
    ("gemini", put("seed", 1), 'Unknown name "seed"'),
    ("gemini", put("generationConfig", {"effort": 1}), 'Unknown name "effort"'),
    ("gemini", put("contents", []), "contents is not specified"),
    ("gemini", drop("contents", 0), "first content"),
    ("gemini", put("contents", 0, "role", "human"), "first content"),
    ("gemini", put("contents", 0, "parts", []), "must not be empty"),
    ("gemini", put("contents", 0, "parts", 0, "type", "text"), 'Unknown name "type"'),
    ("gemini", put("contents", 1, "parts", 1, "text", "and"), "oneof"),
    ("gemini", drop("contents", 2), "number of function response parts"),
    ("gemini", put("contents", 2, "parts", 0, "functionResponse", "name", "see"), "names of their calls"),
    ("gemini", put("contents", 2, "parts", 0, "functionResponse", "response", "one"), "no object"),
    ("gemini", put("contents", 1, "parts", 0, "thoughtSignature", "x"), "not valid"),
    ("gemini", put("model", "gemini-3.5-flash"), "not valid"),
    ("gemini", drop("contents", 1, "parts", 0, "thoughtSignature"), "missing a thought_signature"),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_thread_is_taken(name: str) -> None:
    rules, good = GOOD[name]
    rules(good)


@pytest.mark.parametrize(("name", "change", "told"), BROKEN)
def test_a_broken_one_is_refused(name: str, change: Change, told: str) -> None:
    rules, good = GOOD[name]
    body = deepcopy(good)
    change(body)
    with pytest.raises(Broken) as broken:
        rules(body)
    assert told in str(broken.value)


SHAPES: list[tuple[Dialect, str, str, dict[str, Any], list[Any]]] = [
    ("openai-chat", "openai", "/v1/chat/completions", CHAT, ["error", "type", "invalid_request_error"]),
    ("openai-responses", "responses", "/v1/responses", RESPONSES, ["error", "type", "invalid_request_error"]),
    (
        "anthropic-messages", "anthropic", "/v1/messages", ANTHROPIC,
        ["error", "type", "invalid_request_error"],
    ),
    (
        "gemini-generate", "gemini", "/v1beta/models/gemini-3-pro-preview:generateContent",
        {"contents": GEMINI["contents"]}, ["error", "status", "INVALID_ARGUMENT"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "name", "path", "good", "shape"), SHAPES)
async def test_over_http_it_is_a_400_in_the_shape_of_the_dialect(
    dialect: Dialect, name: str, path: str, good: dict[str, Any], shape: list[Any]
) -> None:
    async with (
        ScriptedProvider(dialect=dialect, rules=GOOD[name][0]) as provider,
        httpx2.AsyncClient() as client,
    ):
        provider.script([answer(text("Yes."))])
        url = provider.url.removesuffix("/v1") + path
        refused = await client.post(url, json={**good, "nobody_knows_this": 1})
        assert refused.status_code == 400
        found = refused.json()
        assert found[shape[0]][shape[1]] == shape[2]
        assert provider.broken == [found["error"]["message"]]
        taken = await client.post(url, json=good)
        assert taken.status_code == 200
        assert "Yes." in json.dumps(taken.json())
