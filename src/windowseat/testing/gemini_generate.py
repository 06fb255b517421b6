"""How a scripted provider speaks the dialect `gemini-generate`.

After https://ai.google.dev/api/generate-content. The model and the wish for a stream stand in the path. Not
here: what is said (`replies`, `behaviours`) and the serving (`provider`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from windowseat.testing.replies import (
    Answer,
    Call,
    Cut,
    Drip,
    Failure,
    Flood,
    Hang,
    Pause,
    Raw,
    Refusal,
    Text,
    Thinking,
    Usage,
)
from windowseat.testing.speech import (
    Asked,
    Step,
    arguments_of,
    counted,
    counts,
    event,
    signed,
    text_of,
    to_json,
    words_in,
)

_PATH = re.compile(r"/v1(?:beta)?/models/(?P<model>[^:]+):(?P<method>generateContent|streamGenerateContent)")
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
_STOPS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


class GeminiGenerate:
    """Requests read and replies written in `gemini-generate`."""

    def answers(self, path: str) -> bool:
        """An address for each model and way."""
        return _PATH.fullmatch(path) is not None

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The key's own header."""
        return headers.get("x-goog-api-key")

    def asked(self, path: str, body: Any) -> Asked:
        """The body, with what its path says."""
        told = _PATH.fullmatch(path)
        assert told is not None
        return {**body, "model": told["model"], "stream": told["method"].startswith("stream")}

    def model(self, asked: Asked) -> str:
        """The model that was asked for."""
        return str(asked["model"])

    def streams(self, asked: Asked) -> bool:
        """Whether a stream was asked for."""
        return bool(asked["stream"])

    def thinks(self, asked: Asked) -> bool:
        """Whether thoughts were asked for."""
        config = (asked.get("generationConfig") or {}).get("thinkingConfig") or {}
        return bool(config.get("includeThoughts"))

    def last_words(self, asked: Asked) -> str:
        """The text of the last content that is the user's own."""
        said = [c for c in asked["contents"] if c["role"] == "user" and not _results(c)]
        return text_of(said[-1]["parts"]) if said else ""

    def tools(self, asked: Asked) -> list[tuple[str, Mapping[str, Any]]]:
        """Name and schema of the functions on offer."""
        declared = [f for tool in asked.get("tools") or () for f in tool.get("functionDeclarations", ())]
        return [(function["name"], function.get("parametersJsonSchema") or {}) for function in declared]

    def results(self, asked: Asked) -> list[str]:
        """The results since the last user message."""
        texts: list[str] = []
        for content in asked["contents"]:
            if content["role"] == "user":
                found = _results(content)
                texts = texts + found if found else []
        return texts

    def delta(self, model: str, words: str, *, thinking: bool) -> bytes:
        """Words of the answer, or of a thought."""
        return _chunk(model, [{"text": words, "thought": True} if thinking else {"text": words}])

    def opening(self, model: str) -> bytes:
        """A chunk that says nothing yet."""
        return _chunk(model, [{"text": ""}])

    def closing(self, asked: Asked, finish: str, usage: Usage, written: int, thought: int) -> bytes:
        """The chunk with the reason to stop."""
        return _last(self.model(asked), finish, counted(asked, usage, written, thought), usage)

    def stream(self, asked: Asked, reply: Answer, number: int) -> Iterator[Step]:  # noqa: ARG002 - calls have no ids
        """A reply as a stream; a call comes whole."""
        model = self.model(asked)
        for piece in reply.pieces:
            match piece:
                case Raw(data):
                    yield data
                case Drip() | Flood() | Pause() | Hang() | Cut():
                    yield piece
                case Call():
                    yield _chunk(model, [_part(piece, model)])
                case Text() | Thinking() | Refusal():
                    thinks = isinstance(piece, Thinking)
                    yield from (self.delta(model, words, thinking=thinks) for words in words_in(piece))
                case _:
                    pass
        if reply.ends:
            yield _last(model, reply.finish or "stop", counts(asked, reply), reply.usage)

    def whole(self, asked: Asked, reply: Answer, number: int) -> bytes:  # noqa: ARG002 - calls have no ids
        """A reply as one body."""
        parts = [
            _part(p, self.model(asked))
            for p in reply.pieces
            if isinstance(p, Text | Thinking | Refusal | Call)
        ]
        usage = _usage(counts(asked, reply), reply.usage)
        return to_json(_answer(self.model(asked), parts, reply.finish or "stop", usage))

    def failure(self, failure: Failure) -> bytes:
        """The body of an error."""
        status = _STATUS.get(failure.status, "INTERNAL")
        return to_json({"error": {"code": failure.status, "message": failure.message, "status": status}})

    def models(self, names: Iterable[str]) -> bytes:
        """The list of models."""
        methods = ["generateContent", "countTokens"]
        listed = [
            {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods}
            for name in names
        ]
        return to_json({"models": listed})


def _results(content: Mapping[str, Any]) -> list[str]:
    held = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
    return [str(each["response"].get("output", json.dumps(each["response"]))) for each in held]


def _part(piece: Text | Thinking | Refusal | Call, model: str) -> dict[str, Any]:
    if isinstance(piece, Call):
        called = {"name": piece.name, "args": json.loads(arguments_of(piece))}
        return {"functionCall": called, "thoughtSignature": signed(model, piece.name)}
    return {"text": piece.text, "thought": True} if isinstance(piece, Thinking) else {"text": piece.text}


def _usage(told: tuple[int, int, int], usage: Usage) -> dict[str, int]:
    """Here thoughts are counted apart from what is said."""
    read, written, thought = told
    return {
        "promptTokenCount": read,
        "cachedContentTokenCount": usage.cached_tokens,
        "candidatesTokenCount": written - thought,
        "thoughtsTokenCount": thought,
        "totalTokenCount": read + written,
    }


def _answer(model: str, parts: list[dict[str, Any]], finish: str | None, usage: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = _STOPS.get(finish, finish)
    answer: dict[str, Any] = {"candidates": [candidate], "modelVersion": model, "responseId": "scripted"}
    return answer if usage is None else {**answer, "usageMetadata": usage}


def _chunk(model: str, parts: list[dict[str, Any]]) -> bytes:
    return event(_answer(model, parts, None, None))


def _last(model: str, finish: str, told: tuple[int, int, int], usage: Usage) -> bytes:
    return event(_answer(model, [{"text": ""}], finish, _usage(told, usage)))
