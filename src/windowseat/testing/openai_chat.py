"""How a scripted provider speaks the dialect `openai-chat`, from a reply's pieces to bytes.

After https://platform.openai.com/docs/api-reference/chat, with the field `reasoning_content` in which
DeepSeek, llama.cpp and vLLM put thinking. Written apart from the product's own dialect, so that
neither hides an error of the other.

Not here: what is said (`replies`, `behaviours`) and the serving (`provider`).
"""

from __future__ import annotations

import json
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
    Unknown,
    Usage,
)
from windowseat.testing.speech import (
    CREATED,
    Asked,
    Step,
    arguments_of,
    event,
    id_of,
    pieces_of,
    text_of,
    to_json,
    words_in,
)


class OpenAiChat:
    """Requests read and replies written in `openai-chat`; `asked` is always a request's decoded body."""

    path = "/v1/chat/completions"

    def answers(self, path: str) -> bool:
        """The one address."""
        return path == self.path

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The bearer."""
        return headers.get("authorization", "").removeprefix("Bearer ") or None

    def asked(self, path: str, body: Any) -> Asked:  # noqa: ARG002 - all is in the body
        """The body."""
        asked: Asked = body
        return asked

    def model(self, asked: Mapping[str, Any]) -> str:
        """The model that was asked for."""
        return str(asked.get("model", ""))

    def streams(self, asked: Mapping[str, Any]) -> bool:
        """Whether a stream was asked for."""
        return bool(asked.get("stream"))

    def thinks(self, asked: Mapping[str, Any]) -> bool:
        """Whether thinking was asked for."""
        return bool(asked.get("reasoning_effort", "none") != "none")

    def last_words(self, asked: Mapping[str, Any]) -> str:
        """The text of the last user message."""
        said = [message for message in asked["messages"] if message["role"] == "user"]
        return text_of(said[-1]["content"]) if said else ""

    def tools(self, asked: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """Name and schema of the tools on offer."""
        functions = [tool["function"] for tool in asked.get("tools") or () if tool.get("type") == "function"]
        return [(function["name"], function.get("parameters") or {}) for function in functions]

    def results(self, asked: Mapping[str, Any]) -> list[str]:
        """The texts of the tool results since the last user message."""
        texts: list[str] = []
        for message in asked["messages"]:
            if message["role"] == "user":
                texts.clear()
            elif message["role"] == "tool":
                texts.append(text_of(message["content"]))
        return texts

    def message(self, model: str, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        """One message of a stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**_envelope("chat.completion.chunk", model), "choices": [choice]})

    def delta(self, model: str, words: str, *, thinking: bool) -> bytes:
        """A message that adds words."""
        return self.message(model, {"reasoning_content" if thinking else "content": words})

    def opening(self, model: str) -> bytes:
        """The first message."""
        return self.message(model, {"role": "assistant", "content": ""})

    def closing(
        self, asked: Mapping[str, Any], finish: str, usage: Usage, written: int, thought: int
    ) -> bytes:
        """All that follows the last words; the usage only where the request includes it."""
        model = self.model(asked)
        end = self.message(model, {}, finish)
        if (asked.get("stream_options") or {}).get("include_usage"):
            told = _usage(asked, usage, written, thought)
            end += event({**_envelope("chat.completion.chunk", model), "choices": [], "usage": told})
        return end + b"data: [DONE]\n\n"

    def stream(self, asked: Mapping[str, Any], reply: Answer, number: int) -> Iterator[Step]:
        """A reply as a stream; `number` makes the ids of its calls."""
        model = self.model(asked)
        written = thought = calls = 0
        yield self.opening(model)
        for piece in reply.pieces:
            match piece:
                case Raw(data):
                    yield data
                case Drip() | Flood() | Pause() | Hang() | Cut():
                    yield piece
                case Call():
                    yield from self._call(model, piece, number, calls)
                    calls += 1
                    written += 1
                case _:
                    deltas = _deltas(piece)
                    thought += len(deltas) if isinstance(piece, Thinking) else 0
                    written += len(deltas)
                    yield from (self.message(model, delta) for delta in deltas)
        if reply.ends:
            finish = reply.finish or ("tool_calls" if calls else "stop")
            yield self.closing(asked, finish, reply.usage, written, thought)

    def whole(self, asked: Mapping[str, Any], reply: Answer, number: int) -> bytes:
        """A reply as one body; what only a stream can do is left out of it."""
        message: dict[str, Any] = {"role": "assistant", "content": _joined(reply, Text) or None}
        if _joined(reply, Thinking):
            message["reasoning_content"] = _joined(reply, Thinking)
        if _joined(reply, Refusal):
            message["refusal"] = _joined(reply, Refusal)
        for piece in reply.pieces:
            if isinstance(piece, Unknown):
                message.update(piece.fields)
        calls = [piece for piece in reply.pieces if isinstance(piece, Call)]
        if calls:
            message["tool_calls"] = [_call(piece, number, index) for index, piece in enumerate(calls)]
        finish = reply.finish or ("tool_calls" if calls else "stop")
        written, thought = (
            sum(len(_deltas(piece)) for piece in reply.pieces if isinstance(piece, kinds))
            for kinds in ((Text, Thinking, Refusal), Thinking)
        )
        body = {
            **_envelope("chat.completion", self.model(asked)),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": _usage(asked, reply.usage, written + len(calls), thought),
        }
        return to_json(body)

    def failure(self, failure: Failure) -> bytes:
        """The body of an error."""
        error = {"message": failure.message, "type": failure.kind, "param": None, "code": failure.code}
        return to_json({"error": error})

    def models(self, names: Iterable[str]) -> bytes:
        """The list of models."""
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"} for name in names]
        return to_json({"object": "list", "data": data})

    def _call(self, model: str, piece: Call, number: int, index: int) -> Iterator[bytes]:
        called = _call(piece, number, index)
        arguments = called["function"]["arguments"]
        begun = {**called, "function": {**called["function"], "arguments": ""}}
        yield self.message(model, {"tool_calls": [{"index": index, **begun}]})
        for grown in pieces_of(arguments):
            piece_of = {"index": index, "function": {"arguments": grown}}
            yield self.message(model, {"tool_calls": [piece_of]})


def _deltas(piece: Text | Thinking | Refusal | Unknown | Any) -> list[dict[str, Any]]:
    match piece:
        case Text():
            return [{"content": words} for words in words_in(piece)]
        case Thinking():
            return [{"reasoning_content": words} for words in words_in(piece)]
        case Refusal():
            return [{"refusal": words} for words in words_in(piece)]
        case Unknown(fields):
            return [dict(fields)]
    return []


def _call(piece: Call, number: int, index: int) -> dict[str, Any]:
    return {
        "id": id_of(piece, number, index),
        "type": "function",
        "function": {"name": piece.name, "arguments": arguments_of(piece)},
    }


def _usage(asked: Mapping[str, Any], usage: Usage, written: int, thought: int) -> dict[str, Any]:
    """Where the reply says nothing, a quarter of the request's characters and one token per delta."""
    read = len(json.dumps(asked["messages"])) // 4 if usage.input_tokens is None else usage.input_tokens
    written = written if usage.output_tokens is None else usage.output_tokens
    thought = thought if usage.thinking_tokens is None else usage.thinking_tokens
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def _joined(reply: Answer, kind: type[Text | Thinking | Refusal]) -> str:
    return "".join(piece.text for piece in reply.pieces if isinstance(piece, kind))


def _envelope(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": CREATED, "model": model}
