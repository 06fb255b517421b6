"""What OpenAI refuses on its newer wire, `openai-responses`.

https://platform.openai.com/docs/api-reference/responses/create and …/docs/guides/reasoning, read 2026-11-25.
What a model thought is good only where it is signed by that model and stands before the item that it led to.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from windowseat.testing.rules import demand, fits, known_fields, object_in, unique
from windowseat.testing.speech import signed

_FIELDS = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        "store",
        "include",
        "max_output_tokens",
        "temperature",
        "top_p",
    }
    | {"tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "truncation", "metadata", "user"}
    | {"previous_response_id", "background", "service_tier", "top_logprobs", "prompt_cache_key", "prompt"}
    | {"safety_identifier", "max_tool_calls", "conversation"}
)
_ITEMS: dict[str, frozenset[str]] = {
    "message": frozenset({"type", "role", "content", "id", "status", "phase"}),
    "function_call": frozenset({"type", "id", "call_id", "name", "arguments", "status", "namespace"}),
    "function_call_output": frozenset({"type", "id", "call_id", "output", "status"}),
    "code_interpreter_call": frozenset({"type", "id", "code", "container_id", "outputs", "status"}),
    "reasoning": frozenset({"type", "id", "summary", "content", "encrypted_content", "status"}),
}
_CONTENTS: dict[str, frozenset[str]] = {
    "input_text": frozenset({"type", "text"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail"}),
    "input_file": frozenset({"type", "file_data", "file_id", "file_url", "filename"}),
    "output_text": frozenset({"type", "text", "annotations", "logprobs"}),
    "refusal": frozenset({"type", "refusal"}),
}


def openai(asked: Mapping[str, Any]) -> None:
    """The rules of OpenAI, for requests that leave nothing there."""
    known_fields(asked, _FIELDS, "Unknown parameter: '{}'.")
    demand(asked.get("store") is False, "These rules are for requests with store: false.")
    demand(asked.get("input"), "Missing required parameter: 'input'.")
    if str(asked["model"]).startswith(("gpt-5", "o1", "o3", "o4")):
        demand(
            "temperature" not in asked,
            "Unsupported parameter: 'temperature' is not supported with this model.",
        )
    items = [{"type": "message", **item} for item in asked["input"]]
    for item in items:
        demand(item["type"] in _ITEMS, f"Invalid value: '{item['type']}'.")
        known_fields(item, _ITEMS[item["type"]], "Unknown parameter: 'input[].{}'.")
        if item["type"] == "message":
            _message(item)
    _calls(items)
    _thoughts(items, str(asked["model"]))


def _message(item: Mapping[str, Any]) -> None:
    fits("user|assistant|system|developer", item.get("role"), "Invalid value: '{}'.")
    if isinstance(item["content"], str):
        return
    demand(item["content"], "Invalid 'input[].content': empty array.")
    wanted = (
        ("output_text", "refusal")
        if item["role"] == "assistant"
        else ("input_text", "input_image", "input_file")
    )
    for part in item["content"]:
        demand(
            part["type"] in wanted,
            f"Invalid value: '{part['type']}'. Supported values are: {', '.join(wanted)}.",
        )
        known_fields(part, _CONTENTS[part["type"]], "Unknown parameter: 'input[].content[].{}'.")


def _calls(items: list[dict[str, Any]]) -> None:
    """Each call has an id of its own and one output after it; nothing else has one."""
    calls = [item["call_id"] for item in items if item["type"] == "function_call"]
    outputs = [item["call_id"] for item in items if item["type"] == "function_call_output"]
    unique(calls, "Duplicate call_id: {}")
    unique(outputs, "Duplicate output for call_id: {}")
    for item in items:
        if item["type"] == "function_call":
            fits(r"[!-~]{1,64}", item["call_id"], "Invalid 'input[].call_id': '{}' is too long.")
            fits("[a-zA-Z0-9_-]{1,64}", item["name"], "Invalid 'input[].name': '{}'.")
            object_in(item["arguments"], "Invalid 'input[].arguments': no JSON object.")
            demand(item["call_id"] in outputs, f"No tool output found for function call {item['call_id']}.")
    for place, item in enumerate(items):
        if item["type"] == "function_call_output":
            before = [each.get("call_id") for each in items[:place] if each["type"] == "function_call"]
            demand(
                item["call_id"] in before,
                f"No tool call found for function call output with call_id {item['call_id']}.",
            )


def _thoughts(items: list[dict[str, Any]], model: str) -> None:
    """A thought stands before what it led to, and what it led to behind it."""
    for before, item in pairwise([*items, {"type": "end"}]):
        if before["type"] != "reasoning":
            continue
        words = "".join(each["text"] for each in before.get("summary") or ())
        demand(
            before.get("encrypted_content") == signed(model, words),
            f"The encrypted content for item {before.get('id')} could not be verified.",
        )
        leads = ("function_call", "reasoning", "code_interpreter_call")
        follows = item["type"] in leads or item.get("role") == "assistant"
        demand(
            follows,
            f"Item '{before.get('id')}' of type 'reasoning' was provided without its required following "
            "item.",
        )
