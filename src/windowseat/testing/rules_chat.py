"""What providers of `openai-chat` refuse: OpenAI, and Mistral and DeepSeek, who differ most.

OpenAI: https://platform.openai.com/docs/api-reference/chat/create and …/docs/guides/function-calling.
Mistral: its validator, https://github.com/mistralai/mistral-common. DeepSeek:
https://api-docs.deepseek.com/guides/thinking_mode. Read 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from windowseat.testing.rules import demand, fits, known_fields, object_in, unique

_FIELDS = frozenset(
    {"model", "messages", "stream", "temperature", "top_p", "n", "stop", "tools", "tool_choice", "seed"}
    | {"response_format", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "reasoning_effort"}
    | {
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "user",
    }
    | {
        "modalities",
        "audio",
        "prediction",
        "store",
        "metadata",
        "service_tier",
        "verbosity",
        "web_search_options",
    }
    | {"prompt_cache_key", "safety_identifier"}
)
_MISTRALS = frozenset(
    {"model", "messages", "stream", "temperature", "top_p", "max_tokens", "stop", "random_seed", "tools", "n"}
    | {"tool_choice", "response_format", "presence_penalty", "frequency_penalty", "parallel_tool_calls"}
    | {"prediction", "prompt_mode", "reasoning_effort", "safe_prompt", "metadata"}
)
_IN_A_MESSAGE: dict[str, frozenset[str]] = {
    "system": frozenset({"role", "content", "name"}),
    "developer": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "name", "refusal", "audio", "tool_calls", "function_call"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
_PARTS = ("text", "image_url", "input_audio", "file", "refusal")
_MISTRALS_PARTS = ("text", "image_url", "document_url", "file", "reference", "thinking", "input_audio")


def openai(asked: Mapping[str, Any]) -> None:
    """The rules of OpenAI."""
    known_fields(asked, _FIELDS, "Unrecognized request argument supplied: {}")
    for each in _messages(asked):
        known_fields(each, _IN_A_MESSAGE[each["role"]], "Unknown parameter: 'messages[].{}'.")
        _content(each, _PARTS)
    _calls(asked, r".{1,40}", "Invalid 'messages[].tool_calls[].id': {} is too long, the maximum is 40.")
    if str(asked["model"]).startswith(("gpt-5", "o1", "o3", "o4")):
        for name in ("temperature", "max_tokens", "stop"):
            demand(name not in asked, f"Unsupported parameter: '{name}' is not supported with this model.")


def mistral(asked: Mapping[str, Any]) -> None:
    """The rules of Mistral: ids of nine, results in the order of their calls, then the assistant."""
    known_fields(asked, _MISTRALS, "body.{}: Extra inputs are not permitted")
    messages = _messages(asked)
    for each in messages:
        more = {"prefix"} if each["role"] == "assistant" else {"name"} if each["role"] == "tool" else set()
        known_fields(
            each, _IN_A_MESSAGE[each["role"]] | more, "body.messages.{}: Extra inputs are not permitted"
        )
        _content(each, _MISTRALS_PARTS)
        if each["role"] == "assistant":
            demand(
                each.get("content") or each.get("tool_calls"),
                "Assistant message must have either content or tool_calls, but not none.",
            )
    _calls(
        asked,
        "[a-zA-Z0-9]{9}",
        "Tool call id was {} but must be a-z, A-Z, 0-9, with a length of 9.",
    )
    for before, after in pairwise(messages):
        pair = (before["role"], after["role"])
        demand(
            pair not in {("tool", "user"), ("tool", "system"), ("assistant", "assistant")},
            f"Unexpected role '{after['role']}' after role '{before['role']}'",
        )
    last = messages[-1]
    demand(
        last["role"] in ("user", "tool") or last.get("prefix"),
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
    )


def deepseek(asked: Mapping[str, Any]) -> None:
    """The rules of DeepSeek: what was thought comes back with the calls that it led to."""
    known_fields(asked, _FIELDS | {"thinking"}, "Failed to deserialize the JSON body: unknown field `{}`")
    for each in _messages(asked):
        more = {"reasoning_content", "prefix"} if each["role"] == "assistant" else set()
        known_fields(each, _IN_A_MESSAGE[each["role"]] | more, "messages: unknown field `{}`")
        _content(each, ("text",))
        if each.get("tool_calls"):
            demand(
                "reasoning_content" in each,
                "The `reasoning_content` in the thinking mode must be passed back to the API.",
            )
    _calls(asked, ".{1,64}", "Invalid tool call id: {}")


def _messages(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = asked.get("messages") or []
    demand(messages, "Invalid 'messages': empty array. Expected an array with minimum length 1.")
    for each in messages:
        demand(each.get("role") in _IN_A_MESSAGE, f"Invalid value: '{each.get('role')}'.")
    return messages


def _content(message: Mapping[str, Any], kinds: tuple[str, ...]) -> None:
    content = message.get("content")
    if content is None:
        demand(message.get("tool_calls"), "Invalid value for 'content': expected a string, got null.")
    elif not isinstance(content, str):
        demand(content, "Invalid 'content': empty array.")
        for part in content:
            demand(part.get("type") in kinds, f"Invalid content part type: '{part.get('type')}'.")
            media = part["type"] not in ("text", "refusal", "thinking")
            demand(not media or message["role"] == "user", f"A {part['type']} may only be said by a user.")


def _calls(asked: Mapping[str, Any], pattern: str, misfit: str) -> None:
    """Each call has an id of its own and is answered at once, in order; nothing else is answered."""
    waiting: list[str] = []
    ids: list[str] = []
    for each in asked["messages"]:
        if each["role"] == "tool":
            demand(
                waiting and each.get("tool_call_id") == waiting[0],
                "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
            )
            waiting.pop(0)
            continue
        _all_answered(waiting)
        for call in each.get("tool_calls") or ():
            fits(pattern, call.get("id"), misfit)
            fits("[a-zA-Z0-9_-]{1,64}", call["function"]["name"], "Invalid function name: {}")
            object_in(call["function"]["arguments"], "The arguments of a call are no JSON object.")
            ids.append(call["id"])
            waiting.append(call["id"])
    _all_answered(waiting)
    unique(ids, "Duplicate tool call id: {}")


def _all_answered(waiting: list[str]) -> None:
    demand(
        not waiting,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
    )
