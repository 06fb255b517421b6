"""Recorded exchanges of `anthropic-messages`: an independent reading of answers, and a reader of requests.

Neither shares code with the dialect: both walk the recorded JSON in the plainest way and know only what
https://platform.claude.com/docs/en/api/messages says. `plain` takes out of a request what is a default
there, says one thing in one way, and drops our cache marks.
"""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from typing import Any

from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import File, Image, Opaque, Origin, Part, Text, ToolCall, ToolResult
from windowseat.core.tool import Tool

from .chat_requests import NotOurs, Read
from .recorded import Reading, Recorded, events_of
from .values import Files, message, window

CONNECTION = "there"
DIALECT = "anthropic-messages"


# -- answers --------------------------------------------------------------------------------------


def message_of(exchange: Recorded) -> dict[str, Any]:
    """The message as it would have come whole."""
    if not exchange.stream:
        whole: dict[str, Any] = json.loads(exchange.response)
        return whole
    message: dict[str, Any] = {}
    written: dict[int, str] = {}
    for name, event in events_of(exchange.response):
        if name == "message_start":
            message = event["message"]
        elif name == "content_block_start":
            message["content"].append(event["content_block"])
        elif name == "content_block_delta":
            block, delta = message["content"][event["index"]], event["delta"]
            if delta["type"] == "input_json_delta":
                written[event["index"]] = written.get(event["index"], "") + delta["partial_json"]
                block["input"] = json.loads(written[event["index"]] or "{}") if _whole(written, event) else {}
            elif delta["type"] == "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            elif delta["type"] == "signature_delta":
                block["signature"] = delta["signature"]
            else:
                field = delta["type"].removesuffix("_delta").replace("compaction", "content")
                block[field] = (block[field] or "") + delta[field]
        elif name == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    return message


def _whole(written: dict[int, str], event: dict[str, Any]) -> bool:
    try:
        json.loads(written[event["index"]] or "{}")
    except ValueError:
        return False
    return True


def read_anthropic(exchange: Recorded) -> Reading:
    """What the message says."""
    message = message_of(exchange)
    reading = Reading(stop=message["stop_reason"])
    for block in message["content"]:
        match block["type"]:
            case "text":
                reading.text += block["text"]
                reading.cited += [each["url"] for each in block.get("citations") or []]
            case "thinking":
                reading.thinking += block["thinking"]
            case "tool_use":
                reading.calls.append((block["name"], block["input"]))
            case "server_tool_use" | "mcp_tool_use":
                reading.ran_there.append(block["name"])
    usage = message["usage"]
    counted = [usage, *(each for each in usage.get("iterations", []) if each["type"] == "compaction")]
    total = {
        name: sum(each[name] for each in counted)
        for name in (
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "output_tokens",
        )
    }
    reading.usage = {
        "input_tokens": total["input_tokens"]
        + total["cache_read_input_tokens"]
        + total["cache_creation_input_tokens"],
        "cached_tokens": total["cache_read_input_tokens"],
        "cache_write_tokens": total["cache_creation_input_tokens"],
        "output_tokens": total["output_tokens"],
        "thinking_tokens": usage.get("output_tokens_details", {}).get("thinking_tokens"),
    }
    return reading


# -- requests -------------------------------------------------------------------------------------


def read_anthropic_request(request: dict[str, Any]) -> Read:
    """The values that a request stands for. Raises NotOurs."""
    request = deepcopy(request)
    model = Model(connection=CONNECTION, id=request.pop("model"), dialect="anthropic-messages")
    files = Files()
    reader = _Messages(model.id, files)
    for each in request.pop("messages"):
        reader.read(each)
    system = request.pop("system", [])
    instructions = [system] if isinstance(system, str) else [each["text"] for each in system]
    tools, others = _tools(request.pop("tools", []))
    format = request.pop("output_config", {}).get("format")
    options = Options(
        stream=request.pop("stream"),
        max_output_tokens=request.pop("max_tokens"),
        response_format={"type": "json_schema", "json_schema": {"schema": format["schema"]}}
        if format
        else None,
        extra={**request, "tools": others},
    )
    return Read(window(*reader.messages, instructions=instructions, tools=tools), model, options, files)


def _tools(listed: list[dict[str, Any]]) -> tuple[list[Tool], list[dict[str, Any]]]:
    """The plain tools up to the first that is more; what follows goes along as it is, in its order."""
    plain = next((i for i, each in enumerate(listed) if set(each) != _PLAIN_TOOL), len(listed))
    return [
        Tool(name=each["name"], description=each["description"], schema=each["input_schema"])
        for each in listed[:plain]
    ], listed[plain:]


_PLAIN_TOOL = {"name", "description", "input_schema"}


class _Messages:
    def __init__(self, model: str, files: Files) -> None:
        self.messages: list[Message] = []
        self._model = model
        self._files = files
        self._step = 0

    def read(self, each: dict[str, Any]) -> None:
        if each["role"] == "system":
            raise NotOurs("instructions in the middle of a thread")
        blocks = each["content"]
        results = [block for block in blocks if block["type"] == "tool_result"]
        if each["role"] == "assistant":
            self._step += 1
            self._add("assistant", [self._block(block) for block in blocks])
            return
        self._add("assistant", [self._result(block) for block in results])
        self._add("user", [self._block(block) for block in blocks if block not in results])

    def _add(self, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self.messages and self.messages[-1].role == role:
            last = self.messages.pop()
            parts = [*last.parts, *parts]
        self.messages.append(message(f"m{len(self.messages)}", role, *parts))  # type: ignore[arg-type]

    def _result(self, block: dict[str, Any]) -> Part:
        content = tuple(self._block(each) for each in _blocks(block["content"]))
        return ToolResult(id=block["tool_use_id"], content=content, step=self._step)

    def _block(self, block: dict[str, Any]) -> Part:
        origin = Origin(
            dialect=DIALECT,
            connection=CONNECTION,
            model=self._model,
            key=str(block.get("id") or block.get("tool_use_id")),
            item=block,
        )
        match block["type"]:
            case "text":
                return Text(text=block["text"], step=self._step)
            case "tool_use":
                return ToolCall(id=block["id"], name=block["name"], arguments=block["input"], step=self._step)
            case "server_tool_use":
                return ToolCall(
                    id=block["id"],
                    name=block["name"],
                    arguments=block["input"],
                    by="provider",
                    step=self._step,
                    origin=origin,
                )
            case kind if kind.endswith("_tool_result"):
                # Its key differs from that of its call, whose id it has.
                at = Origin(
                    dialect=DIALECT,
                    connection=CONNECTION,
                    model=self._model,
                    key=f"{origin.key}/r",
                    item=block,
                )
                return ToolResult(id=block["tool_use_id"], content=(), step=self._step, origin=at)
            case "image" | "document":
                return self._media(block)
            case kind:
                return Opaque(dialect=DIALECT, kind=kind, data=block)

    def _media(self, block: dict[str, Any]) -> Part:
        source = block["source"]
        kind = Image if block["type"] == "image" else File
        if source["type"] == "text":
            file = self._files.add(source["data"].encode(), "text/plain", text=source["data"])
        else:
            file = self._files.add(base64.b64decode(source["data"]), source["media_type"])
        return kind(media_type=source["media_type"], file=file)


def _blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def plain(request: dict[str, Any]) -> dict[str, Any]:
    """The request without defaults and marks, and with one way to say what has several."""
    request = deepcopy(request)
    if isinstance(request.get("system"), str):
        request["system"] = [{"type": "text", "text": request["system"]}]
    for block in [*request.get("system", []), *request.get("tools", [])]:
        block.pop("cache_control", None)
    for each in request["messages"]:
        for block in each["content"]:
            block.pop("cache_control", None)
            if block.get("is_error") is False:
                del block["is_error"]
            if block["type"] == "tool_result":
                block["content"] = _blocks(block.get("content") or [])
    return request
