"""What Anthropic refuses on the wire `anthropic-messages`, in the version 2023-06-01.

https://platform.claude.com/docs/en/api/messages, …/agents-and-tools/tool-use/handle-tool-calls and
…/build-with-claude/extended-thinking, read 2026-11-25. Roles that do not take turns it joins today; here they
are refused, as other hosts of this wire still do.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from windowseat.testing.rules import demand, fits, known_fields, unique
from windowseat.testing.speech import signed

_FIELDS = frozenset(
    {"model", "max_tokens", "messages", "system", "stream", "temperature", "top_p", "top_k", "stop_sequences"}
    | {
        "tools",
        "tool_choice",
        "thinking",
        "metadata",
        "service_tier",
        "container",
        "mcp_servers",
        "cache_control",
    }
    | {"output_config", "context_management", "inference_geo", "speed"}
)
_BLOCKS: dict[str, frozenset[str]] = {
    "text": frozenset({"text", "citations"}),
    "image": frozenset({"source"}),
    "document": frozenset({"source", "title", "context", "citations"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "tool_use": frozenset({"id", "name", "input", "caller"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error"}),
    "server_tool_use": frozenset({"id", "name", "input", "caller"}),
    "code_execution_tool_result": frozenset({"tool_use_id", "content"}),
}
_PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SAID_BY: dict[str, frozenset[str]] = {
    "user": frozenset({"text", "image", "document", "tool_result"}),
    "assistant": frozenset(_BLOCKS) - {"image", "document", "tool_result"},
}
_MOST_MARKS = 4

Blocks = list[dict[str, Any]]


def anthropic(asked: Mapping[str, Any]) -> None:
    """The rules of Anthropic."""
    known_fields(asked, _FIELDS, "{}: Extra inputs are not permitted")
    demand(asked.get("max_tokens", 0) >= 1, "max_tokens: Field required")
    messages = [(each["role"], _blocks(each["content"])) for each in asked.get("messages") or ()]
    demand(messages, "messages: at least one message is required")
    demand(messages[0][0] == "user", 'messages: first message must use the "user" role')
    for (before, _), (after, _) in pairwise(messages):
        demand(before != after, 'messages: roles must alternate between "user" and "assistant"')
    for role, blocks in messages:
        demand(blocks, "messages: all messages must have non-empty content")
        for block in blocks:
            _block(role, block, str(asked["model"]))
    _calls(messages)
    _ran_there(messages)
    _end(messages)
    _thinking(asked, messages)
    marks = str(asked).count("'cache_control'")
    demand(marks <= _MOST_MARKS, f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    names = [tool["name"] for tool in asked.get("tools") or ()]
    unique(names, "tools: Tool names must be unique: {}")
    for name in names:
        fits("[a-zA-Z0-9_-]{1,128}", name, "tools.name: String should match pattern: {}")


def _blocks(content: Any) -> Blocks:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _block(role: str, block: Mapping[str, Any], model: str) -> None:
    kind = block["type"]
    demand(kind in _SAID_BY[role], f"messages: `{kind}` blocks are not permitted in a message of the {role}")
    known_fields(
        block,
        _BLOCKS[kind] | {"type", "cache_control"},
        f"messages.{kind}.{{}}: Extra inputs are not permitted",
    )
    if kind == "text":
        demand(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")
    elif kind == "image" and block["source"]["type"] == "base64":
        demand(block["source"]["media_type"] in _PICTURES, "messages: Input should be an image that is known")
    elif kind == "thinking":
        demand(
            block["signature"] == signed(model, block["thinking"]),
            "messages: Invalid `signature` in `thinking` block",
        )
    elif kind == "tool_use":
        fits("[a-zA-Z0-9_-]{1,128}", block["id"], "messages.tool_use.id: String should match pattern: {}")
        fits("[a-zA-Z0-9_-]{1,128}", block["name"], "messages.tool_use.name: String should match pattern: {}")
        demand(
            isinstance(block["input"], dict), "messages.tool_use.input: Input should be a valid dictionary"
        )
    elif kind == "tool_result":
        for inner in _blocks(block.get("content") or []):
            demand(inner["type"] in ("text", "image", "document"), "messages.tool_result: unknown content")
            _block("user", inner, model)


def _calls(messages: list[tuple[str, Blocks]]) -> None:
    """The results of a message's calls begin the next one; each id is there once."""
    everything = [block for _, blocks in messages for block in blocks]
    unique(
        (b["id"] for b in everything if b["type"] == "tool_use"),
        "messages: `tool_use` ids must be unique: {}",
    )
    unique(
        (b["tool_use_id"] for b in everything if b["type"] == "tool_result"),
        "messages: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {}",
    )
    for (_, blocks), (_, follows) in pairwise([("", []), *messages, ("", [])]):
        calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
        results = [block["tool_use_id"] for block in follows if block["type"] == "tool_result"]
        demand(
            calls <= set(results[: len(calls)]),
            "messages: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(calls)}.",
        )
        demand(
            set(results) <= calls,
            f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(results)}.",
        )
        kinds = [block["type"] == "tool_result" for block in follows]
        demand(kinds == sorted(kinds, reverse=True), "messages: `tool_result` blocks must come first")


def _ran_there(messages: list[tuple[str, Blocks]]) -> None:
    """A tool that ran there has its result behind it, unless it stands last: then it is gone on with."""
    everything = [block for _, blocks in messages for block in blocks]
    results = [block["tool_use_id"] for block in everything if block["type"] == "code_execution_tool_result"]
    calls = [block["id"] for block in everything if block["type"] == "server_tool_use"]
    unique(calls, "messages: `server_tool_use` ids must be unique: {}")
    demand(set(results) <= set(calls), "messages: a tool's result has no `server_tool_use` before it")
    waiting = [id for id in calls if id not in results]
    last = everything[-1]
    demand(
        not waiting or (last["type"] == "server_tool_use" and waiting == [last["id"]]),
        f"messages: `code_execution` tool use with id {', '.join(waiting)} was found without a corresponding "
        "`code_execution_tool_result` block",
    )


def _end(messages: list[tuple[str, Blocks]]) -> None:
    role, blocks = messages[-1]
    last = blocks[-1]
    if role == "assistant" and last["type"] == "text":
        demand(
            last["text"] == last["text"].rstrip(),
            "messages: final assistant content cannot end with trailing whitespace",
        )


def _thinking(asked: Mapping[str, Any], messages: list[tuple[str, Blocks]]) -> None:
    """With a budget, each answer of the running turn that called a tool begins with its thoughts."""
    thinking = asked.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking["budget_tokens"]
    demand(
        1024 <= budget < asked["max_tokens"], "`max_tokens` must be greater than `thinking.budget_tokens`."
    )
    demand(asked.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking is enabled.")
    for role, blocks in reversed(messages):
        if role == "user" and any(block["type"] != "tool_result" for block in blocks):
            return
        if role == "assistant" and any(block["type"] == "tool_use" for block in blocks):
            demand(
                blocks[0]["type"] in ("thinking", "redacted_thinking"),
                f"messages: Expected `thinking` or `redacted_thinking`, but found `{blocks[0]['type']}`.",
            )
