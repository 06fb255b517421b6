"""Recorded exchanges of `gemini-generate`: an independent reading of answers, and a reader of requests.

Neither shares code with the dialect: both walk the recorded JSON in the plainest way and know only what
https://ai.google.dev/api/generate-content says. `plain` takes out of a request what is a default there
and says one thing in one way: names in camel case, signatures and bytes in one alphabet of base64.
"""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from typing import Any

from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import Audio, File, Image, Media, Origin, Part, Text, ToolCall, ToolResult, Video
from windowseat.core.tool import Tool

from .chat_requests import Read
from .recorded import Reading, Recorded, events_of
from .values import Files, message, window

CONNECTION = "there"
DIALECT = "gemini-generate"


# -- answers --------------------------------------------------------------------------------------


def chunks_of(exchange: Recorded) -> list[dict[str, Any]]:
    """The chunks of a stream, or the whole answer as one."""
    if exchange.stream:
        return [chunk for _, chunk in events_of(exchange.response)]
    return [json.loads(exchange.response)]


def read_gemini(exchange: Recorded) -> Reading:
    """What the first candidate says."""
    reading = Reading()
    grounding: dict[str, Any] = {}
    for chunk in chunks_of(exchange):
        candidate = chunk["candidates"][0]
        for part in candidate.get("content", {}).get("parts", []):
            if part.get("thought"):
                reading.thinking += part["text"]
            elif "text" in part:
                reading.text += part["text"]
            elif "functionCall" in part:
                reading.calls.append((part["functionCall"]["name"], part["functionCall"]["args"]))
            elif "executableCode" in part:
                reading.ran_there.append("code_execution")
            elif "toolCall" in part:
                reading.ran_there.append(part["toolCall"]["toolType"].lower())
        reading.stop = candidate.get("finishReason") or reading.stop
        grounding |= candidate.get("groundingMetadata") or {}
        if "urlContextMetadata" in candidate:
            reading.ran_there.append("url_context")
        usage = chunk["usageMetadata"]
    if grounding.get("webSearchQueries"):
        reading.ran_there.append("google_search")
    reading.cited = _cited(grounding)
    reading.usage = {
        "input_tokens": usage["promptTokenCount"] + usage.get("toolUsePromptTokenCount", 0),
        # The total is the provider's own sum, so the rest of it is what was written.
        "output_tokens": usage["totalTokenCount"]
        - usage["promptTokenCount"]
        - usage.get("toolUsePromptTokenCount", 0),
        "thinking_tokens": usage.get("thoughtsTokenCount"),
        "cached_tokens": usage.get("cachedContentTokenCount"),
    }
    return reading


def _cited(grounding: dict[str, Any]) -> list[str]:
    """The words that sources support, once for each source; "" for a source of nothing in particular."""
    supports = grounding.get("groundingSupports", [])
    cited = [each["segment"]["text"] for each in supports for _ in each["groundingChunkIndices"]]
    used = {number for each in supports for number in each["groundingChunkIndices"]}
    return cited + ["" for number in range(len(grounding.get("groundingChunks", []))) if number not in used]


# -- requests -------------------------------------------------------------------------------------


def read_gemini_request(request: dict[str, Any], model_id: str) -> Read:
    """The values that a request stands for."""
    request = camel(deepcopy(request))
    model = Model(connection=CONNECTION, id=model_id, dialect="gemini-generate")
    files = Files()
    reader = _Contents(model_id, files)
    for each in request.pop("contents"):
        reader.read(each)
    instructions = [part["text"] for part in request.pop("systemInstruction", {"parts": []})["parts"]]
    listed = request.pop("tools", [])
    functions = [f for each in listed for f in each.get("functionDeclarations", [])]
    tools = [Tool(name=f["name"], description=f["description"], schema=_schema(f)) for f in functions]
    config = request.pop("generationConfig")
    wanted = config.pop("responseMimeType", None) and {
        "type": "json_schema",
        "json_schema": {"schema": config.pop("responseJsonSchema")},
    }
    options = Options(
        temperature=config.pop("temperature", None),
        response_format=wanted,
        extra={
            **request,
            "generationConfig": config,
            "tools": [each for each in listed if "functionDeclarations" not in each],
        },
    )
    return Read(window(*reader.messages, instructions=instructions, tools=tools), model, options, files)


def _schema(function: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = function.get("parametersJsonSchema") or function["parameters"]
    return schema


class _Contents:
    def __init__(self, model: str, files: Files) -> None:
        self.messages: list[Message] = []
        self._model = model
        self._files = files
        self._step = 0
        self._unanswered: list[tuple[str, str]] = []

    def read(self, each: dict[str, Any]) -> None:
        if each["role"] == "model":
            self._step += 1
            self._add("assistant", [self._said(number, part) for number, part in enumerate(each["parts"])])
            return
        results = [part for part in each["parts"] if "functionResponse" in part]
        self._add("assistant", [self._result(part["functionResponse"]) for part in results])
        self._add("user", [self._asked(part) for part in each["parts"] if part not in results])

    def _add(self, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self.messages and self.messages[-1].role == role:
            last = self.messages.pop()
            parts = [*last.parts, *parts]
        self.messages.append(message(f"m{len(self.messages)}", role, *parts))  # type: ignore[arg-type]

    def _said(self, number: int, part: dict[str, Any]) -> Part:
        origin = Origin(
            dialect=DIALECT,
            connection=CONNECTION,
            model=self._model,
            key=f"{self._step}/{number}",
            item=[part],
        )
        if "functionCall" in part:
            call = part["functionCall"]
            return ToolCall(
                id=call["id"], name=call["name"], arguments=call["args"], step=self._step, origin=origin
            )
        for kind in ("executableCode", "toolCall"):
            if kind in part:
                id = part[kind]["id"]
                return ToolCall(id=id, name=kind, arguments={}, by="provider", step=self._step, origin=origin)
        for kind in ("codeExecutionResult", "toolResponse"):
            if kind in part:
                return ToolResult(id=part[kind]["id"], content=(), step=self._step, origin=origin)
        signed = "thoughtSignature" in part
        return Text(text=part["text"], step=self._step, origin=origin if signed else None)

    def _result(self, answer: dict[str, Any]) -> Part:
        response = answer["response"]
        if set(response) == {"error"}:
            return ToolResult(id=answer["id"], content=(), error=response["error"], step=self._step)
        content = (Text(text=json.dumps(response)),)
        return ToolResult(id=answer["id"], content=content, step=self._step)

    def _asked(self, part: dict[str, Any]) -> Part:
        if "text" in part:
            return Text(text=part["text"])
        held = part.get("inlineData") or part["fileData"]
        media_type = held["mimeType"]
        kind: type[Media] = _MEDIA.get(media_type.split("/")[0], File)
        if "fileData" in part:
            return kind(media_type=media_type, url=held["fileUri"])
        file = self._files.add(base64.b64decode(one_alphabet(held["data"])), media_type)
        return kind(media_type=media_type, file=file)


_MEDIA: dict[str, type[Media]] = {"image": Image, "audio": Audio, "video": Video}

_SNAKES = {
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "thought_signature": "thoughtSignature",
    "inline_data": "inlineData",
    "mime_type": "mimeType",
    "parameters_json_schema": "parametersJsonSchema",
    "tool_type": "toolType",
}
"""Names that the recorded client writes the one way or the other; the provider takes both."""


def camel(value: Any) -> Any:
    """The same with one form of each name, but not within what models and tools wrote."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if isinstance(value, dict):
        return {
            _SNAKES.get(name, name): each if name in ("args", "response") or "chema" in name else camel(each)
            for name, each in value.items()
        }
    return value


def one_alphabet(text: str) -> str:
    """Base64 in its standard alphabet."""
    return text.replace("-", "+").replace("_", "/")


def plain(request: dict[str, Any]) -> dict[str, Any]:
    """The request without defaults, and with one way to say what has several."""
    request = camel(deepcopy(request))
    request.get("systemInstruction", {}).pop("role", None)
    for tool in request.get("tools", []):
        for function in tool.get("functionDeclarations", []):
            if "parameters" in function:
                function["parametersJsonSchema"] = function.pop("parameters")
    request.get("tools", []).sort(key=lambda each: "functionDeclarations" in each)
    request["contents"] = [_plain_content(each) for each in request["contents"]]
    return request


def _plain_content(content: dict[str, Any]) -> dict[str, Any]:
    for part in content["parts"]:
        if "thoughtSignature" in part:
            part["thoughtSignature"] = one_alphabet(part["thoughtSignature"])
        if "inlineData" in part:
            part["inlineData"]["data"] = one_alphabet(part["inlineData"]["data"])
        # A turn that says nothing at all: here in words, because a first turn has to be the user's.
        if part in ({"text": ""}, {"text": "(What was said before is left out.)"}):
            part["text"] = ""
    return content
