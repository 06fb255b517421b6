"""A reader of `openai-responses` requests: what a client sends, as the house's values.

It is the inverse of the encoder and shares no code with it. `plain` takes out of a request what the
API's reference calls a default or says in two ways, so that two requests can be compared.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import Opaque, Origin, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.core.tool import Tool

from .chat_requests import CONNECTION, NotOurs, Read
from .values import Files, message, window


def read_responses_request(request: dict[str, Any]) -> Read:
    """The values that a request stands for. Raises NotOurs."""
    request = deepcopy(request)
    model = Model(connection=CONNECTION, id=request.pop("model"), dialect="openai-responses")
    given = request.pop("input")
    reader = _Items(model.id)
    if "instructions" in request:
        reader.instructions.append(request.pop("instructions"))
    for each in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        reader.read(each)
    listed = request.pop("tools", [])
    tools = [
        Tool(name=each["name"], description=each["description"] or "", schema=each["parameters"])
        for each in listed
        if _is_plain(each)
    ]
    options = Options(
        stream=request.pop("stream", False),
        extra={**request, "tools": [each for each in listed if not _is_plain(each)]},
    )
    return Read(
        window(*reader.messages, instructions=reader.instructions, tools=tools), model, options, Files()
    )


def _is_plain(tool: dict[str, Any]) -> bool:
    return tool["type"] == "function" and "defer_loading" not in tool


class _Items:
    def __init__(self, model: str) -> None:
        self.instructions: list[str] = []
        self.messages: list[Message] = []
        self._model = model
        self._step = 1
        self._number = 0
        self._calls: set[str] = set()

    def read(self, each: dict[str, Any]) -> None:
        if each.get("role") == "system" and not self.messages:
            self.instructions.append(each["content"])
        elif each.get("role") == "user":
            assert isinstance(each["content"], str) or [c["type"] for c in each["content"]] == [
                "input_text"
            ] * len(each["content"])
            texts = (
                [each["content"]]
                if isinstance(each["content"], str)
                else [c["text"] for c in each["content"]]
            )
            parts = [Text(text=text) for text in texts]
            self.messages.append(message(f"m{len(self.messages)}", "user", *parts))
        else:
            if not self.messages or self.messages[-1].role == "user":
                self.messages.append(message(f"m{len(self.messages)}", "assistant"))
                self._step, self._number = self._step + 1, 0
            last = self.messages[-1]
            self.messages[-1] = message(last.id, "assistant", *last.parts, self._part(each))

    def _part(self, each: dict[str, Any]) -> Part:
        kind = each.get("type")
        if kind == "function_call_output":
            if each["call_id"] not in self._calls:
                raise NotOurs("the result of a call that is not in the request")
            part = ToolResult(id=each["call_id"], content=(Text(text=each["output"]),), step=self._step)
            self._step, self._number = self._step + 1, 0
            return part
        origin = Origin(
            dialect="openai-responses",
            connection=CONNECTION,
            model=self._model,
            key=f"item/{self._number}",
            item=each,
        )
        self._number += 1
        if kind == "function_call":
            self._calls.add(each["call_id"])
            arguments = json.loads(each["arguments"])
            return ToolCall(
                id=each["call_id"], name=each["name"], arguments=arguments, step=self._step, origin=origin
            )
        if kind == "reasoning":
            return Thinking(text="", step=self._step, origin=origin)
        if kind in ("message", None) and each["role"] == "assistant":
            return Text(text=str(each["content"]), step=self._step, origin=origin)
        return Opaque(
            dialect="openai-responses", kind=f"item.{kind}", data=each, step=self._step, origin=origin
        )


def plain(request: dict[str, Any]) -> dict[str, Any]:
    """The request without defaults, and with one way to say what has several."""
    request = deepcopy(request)
    request.pop("store", None)  # we ask for no copy, the recordings leave it to the account
    request.pop("include", None)
    if request.get("tool_choice") == "auto":
        del request["tool_choice"]
    items = request["input"]
    request["input"] = [{"role": "user", "content": items}] if isinstance(items, str) else items
    if request["input"] and request["input"][0].get("role") == "system":
        request["instructions"] = request["input"].pop(0)["content"]
    request["input"] = [_plain_item(each) for each in request["input"]]
    for tool in request.get("tools", []):
        if tool["type"] == "function":
            tool["description"] = tool["description"] or ""
    request["tools"] = sorted(request.get("tools", []), key=lambda tool: json.dumps(tool, sort_keys=True))
    return request


_NOT_SAID = ("id", "status", "logprobs", "annotations")
"""Fields of answered items that a request may leave out."""


def _plain_item(each: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in each.items() if name not in _NOT_SAID and value not in (None, [])}
    content = out.get("content")
    if isinstance(content, list) and each.get("type") != "reasoning":
        out["content"] = "\n\n".join(piece["text"] for piece in content)
    if out.get("role") == "assistant":
        out.pop("type", None)
        out.pop("phase", None)
    return out
