"""A reader of `openai-chat` requests: what a client sends, as the house's values.

It is the inverse of the encoder and shares no code with it. `plain` takes out of a request what the
API's reference calls a default or says in two ways, so that two requests can be compared.
"""

from __future__ import annotations

import base64
import json
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import File, Image, Origin, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.core.tool import Tool
from windowseat.core.window import Window

from .values import Files, message, window

CONNECTION = "there"


class NotOurs(Exception):
    """The request says something that a thread cannot: the reason is the message."""


@dataclass
class Read:
    """A request as values."""

    window: Window
    model: Model
    options: Options
    files: Files


def read_chat_request(request: dict[str, Any]) -> Read:
    """The values that a request stands for. Raises NotOurs."""
    request = deepcopy(request)
    model = Model(connection=CONNECTION, id=request.pop("model"), dialect="openai-chat")
    files = Files()
    reader = _Messages(model.id, files)
    for each in request.pop("messages"):
        reader.read(each)
    functions = [each for each in request.get("tools", []) if "function" in each]
    others = [each for each in request.pop("tools", []) if "function" not in each]
    tools = [
        Tool(name=f["name"], description=f["description"], schema=f["parameters"])
        for f in (each["function"] for each in functions)
    ]
    options = Options(
        stream=request.pop("stream", False),
        temperature=request.pop("temperature", None),
        max_output_tokens=request.pop("max_completion_tokens", None) or request.pop("max_tokens", None),
        stop=tuple(request.pop("stop", ())) or None,
        extra={**request, "tools": others},
    )
    return Read(
        window(*reader.messages, instructions=reader.instructions, tools=tools), model, options, files
    )


class _Messages:
    def __init__(self, model: str, files: Files) -> None:
        self.instructions: list[str] = []
        self.messages: list[Message] = []
        self._model = model
        self._files = files
        self._answer: list[Part] = []
        self._step = 0

    def read(self, each: dict[str, Any]) -> None:
        role, content = each["role"], each.get("content")
        if role in ("system", "developer"):
            if self.messages:
                raise NotOurs("instructions in the middle of a thread")
            self.instructions.append(self._text(content))
        elif role == "user":
            self.messages.append(message(f"m{len(self.messages)}", "user", *self._parts(content)))
        else:
            if not self.messages or self.messages[-1].role == "user":
                self.messages.append(message(f"m{len(self.messages)}", "assistant"))
            self._add(self._result(each) if role == "tool" else self._said(each))

    def _add(self, parts: list[Part]) -> None:
        last = self.messages[-1]
        self.messages[-1] = message(last.id, "assistant", *last.parts, *parts)

    def _said(self, each: dict[str, Any]) -> list[Part]:
        self._step += 1
        parts: list[Part] = []
        if thought := each.get("reasoning_content"):
            parts.append(Thinking(text=thought, step=self._step, origin=self._origin("reasoning_content")))
        if text := self._text(each.get("content")):
            parts.append(Text(text=text, step=self._step))
        for call in each.get("tool_calls") or []:
            written = json.loads(call["function"]["arguments"])
            raw = {name: value for name, value in call.items() if name != "index"}
            origin = self._origin(f"call/{call['id']}", raw)
            parts.append(
                ToolCall(
                    id=call["id"],
                    name=call["function"]["name"],
                    arguments=written,
                    step=self._step,
                    origin=origin,
                )
            )
        return parts

    def _origin(self, key: str, item: Any = None) -> Origin:
        return Origin(dialect="openai-chat", connection=CONNECTION, model=self._model, key=key, item=item)

    def _result(self, each: dict[str, Any]) -> list[Part]:
        content = (Text(text=each["content"]),)
        return [ToolResult(id=each["tool_call_id"], content=content, step=self._step)]

    @staticmethod
    def _text(content: Any) -> str:
        return content if isinstance(content, str) else "".join(each["text"] for each in content or [])

    def _parts(self, content: Any) -> list[Part]:
        if isinstance(content, str):
            return [Text(text=content)]
        return [self._part(each) for each in content]

    def _part(self, each: dict[str, Any]) -> Part:
        if each["type"] == "text":
            return Text(text=each["text"])
        held = each[each["type"]]
        url = held if isinstance(held, str) else held["url"]
        data = re.fullmatch(r"data:([^;]+);base64,(.*)", url, re.DOTALL)
        media_type = data[1] if data else "image/png"
        file = self._files.add(base64.b64decode(data[2]), media_type) if data else None
        kind = Image if each["type"] == "image_url" else File
        return kind(media_type=media_type, file=file, url=None if data else url)


DEFAULTS = {"n": 1, "tool_choice": "auto", "tools": [], "top_p": 1.0}
"""https://platform.openai.com/docs/api-reference/chat/create, https://docs.mistral.ai/api/"""


def plain(request: dict[str, Any]) -> dict[str, Any]:
    """The request without defaults, and with one way to say what has several."""
    request = deepcopy(request)
    for name, default in DEFAULTS.items():
        if request.get(name) == default:
            del request[name]
    request.pop("stream_options", None)  # decides only whether usage is reported
    for tool in request.get("tools", []):
        if "function" in tool:
            tool["type"] = "function"
    request["messages"] = [_plain_message(each) for each in request["messages"]]
    return request


def _plain_message(each: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in each.items() if value not in (None, [], False)}
    content = out.get("content")
    if isinstance(content, list) and all(piece["type"] == "text" for piece in content):
        out["content"] = "\n\n".join(piece["text"] for piece in content)
    for call in out.get("tool_calls", []):
        call.pop("index", None)
    return out
