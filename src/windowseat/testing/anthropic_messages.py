"""How a scripted provider speaks the dialect `anthropic-messages`.

After https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming. Not here: what is
said (`replies`, `behaviours`) and the serving (`provider`).
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
    Asked,
    Step,
    arguments_of,
    counted,
    counts,
    event,
    id_of,
    pieces_of,
    signed,
    text_of,
    to_json,
    words_in,
)

_KINDS = {
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_STOPS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}


class AnthropicMessages:
    """Requests read and replies written in `anthropic-messages`."""

    def answers(self, path: str) -> bool:
        """The one address."""
        return path == "/v1/messages"

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The key's own header."""
        return headers.get("x-api-key")

    def asked(self, path: str, body: Any) -> Asked:  # noqa: ARG002 - all is in the body
        """The body."""
        asked: Asked = body
        return asked

    def model(self, asked: Asked) -> str:
        """The model that was asked for."""
        return str(asked.get("model", ""))

    def streams(self, asked: Asked) -> bool:
        """Whether a stream was asked for."""
        return bool(asked.get("stream"))

    def thinks(self, asked: Asked) -> bool:
        """Whether thinking was asked for."""
        return (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive")

    def last_words(self, asked: Asked) -> str:
        """The text of the last message that is the user's own."""
        said = [m for m in asked["messages"] if m["role"] == "user" and not _results(m)]
        return text_of(said[-1]["content"]) if said else ""

    def tools(self, asked: Asked) -> list[tuple[str, Mapping[str, Any]]]:
        """Name and schema of the tools on offer."""
        return [(tool["name"], tool["input_schema"]) for tool in asked.get("tools") or ()]

    def results(self, asked: Asked) -> list[str]:
        """The texts of the tool results since the last user message."""
        texts: list[str] = []
        for message in asked["messages"]:
            if message["role"] == "user":
                found = _results(message)
                texts = texts + found if found else []
        return texts

    def delta(self, model: str, words: str, *, thinking: bool) -> bytes:  # noqa: ARG002 - one kind of block
        """Words for the first block."""
        return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": words})

    def opening(self, model: str) -> bytes:
        """The message and its first block begin."""
        return _start(model, 0, 0) + _named(
            "content_block_start", index=0, content_block={"type": "text", "text": ""}
        )

    def closing(self, asked: Asked, finish: str, usage: Usage, written: int, thought: int) -> bytes:
        """The first block and the message end."""
        told = counted(asked, usage, written, thought)
        return _named("content_block_stop", index=0) + _end(finish, told, usage)

    def stream(self, asked: Asked, reply: Answer, number: int) -> Iterator[Step]:
        """A reply as a stream, a block for each piece."""
        told = counts(asked, reply)
        yield _start(self.model(asked), told[0], reply.usage.cached_tokens)
        index = 0
        for piece in reply.pieces:
            match piece:
                case Raw(data):
                    yield data
                case Drip() | Flood() | Pause() | Hang() | Cut():
                    yield piece
                case Text() | Thinking() | Refusal() | Call():
                    yield from _block(piece, index, number, self.model(asked))
                    index += 1
                case Unknown():
                    pass
        if reply.ends:
            calls = any(isinstance(piece, Call) for piece in reply.pieces)
            yield _end(reply.finish or ("tool_calls" if calls else "stop"), told, reply.usage)

    def whole(self, asked: Asked, reply: Answer, number: int) -> bytes:
        """A reply as one message."""
        pieces = [piece for piece in reply.pieces if isinstance(piece, Text | Thinking | Refusal | Call)]
        content = [_whole(piece, index, number, self.model(asked)) for index, piece in enumerate(pieces)]
        calls = any(isinstance(piece, Call) for piece in pieces)
        finish = reply.finish or ("tool_calls" if calls else "stop")
        told = counts(asked, reply)
        message = _message(self.model(asked), told[0], reply.usage.cached_tokens)
        message |= {"content": content, "stop_reason": _STOPS.get(finish, finish)}
        message["usage"]["output_tokens"] = told[1]
        return to_json(message)

    def failure(self, failure: Failure) -> bytes:
        """The body of an error."""
        kind = _KINDS.get(failure.status, "api_error" if failure.status >= 500 else "invalid_request_error")
        return to_json({"type": "error", "error": {"type": kind, "message": failure.message}})

    def models(self, names: Iterable[str]) -> bytes:
        """The list of models."""
        data = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
            for name in names
        ]
        return to_json({"data": data, "has_more": False, "first_id": None, "last_id": None})


def _results(message: Mapping[str, Any]) -> list[str]:
    content = message["content"]
    blocks = content if isinstance(content, list) else []
    return [text_of(block.get("content")) for block in blocks if block["type"] == "tool_result"]


def _block(piece: Text | Thinking | Refusal | Call, index: int, number: int, model: str) -> Iterator[bytes]:
    if isinstance(piece, Call):
        begun: dict[str, Any] = {
            "type": "tool_use",
            "id": id_of(piece, number, index),
            "name": piece.name,
            "input": {},
        }
        grown = [{"type": "input_json_delta", "partial_json": p} for p in pieces_of(arguments_of(piece))]
    elif isinstance(piece, Thinking):
        begun = {"type": "thinking", "thinking": "", "signature": ""}
        grown = [{"type": "thinking_delta", "thinking": words} for words in words_in(piece)]
        grown.append({"type": "signature_delta", "signature": signed(model, piece.text)})
    else:
        begun = {"type": "text", "text": ""}
        grown = [{"type": "text_delta", "text": words} for words in words_in(piece)]
    yield _named("content_block_start", index=index, content_block=begun)
    yield from (_named("content_block_delta", index=index, delta=delta) for delta in grown)
    yield _named("content_block_stop", index=index)


def _whole(piece: Text | Thinking | Refusal | Call, index: int, number: int, model: str) -> dict[str, Any]:
    if isinstance(piece, Call):
        arguments = json.loads(arguments_of(piece))
        return {"type": "tool_use", "id": id_of(piece, number, index), "name": piece.name, "input": arguments}
    if isinstance(piece, Thinking):
        return {"type": "thinking", "thinking": piece.text, "signature": signed(model, piece.text)}
    return {"type": "text", "text": piece.text}


def _message(model: str, read: int, cached: int) -> dict[str, Any]:
    """`input_tokens` are those that no cache gave."""
    usage = {"input_tokens": read - cached, "cache_read_input_tokens": cached, "output_tokens": 1}
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "cache_creation_input_tokens": 0},
    }


def _start(model: str, read: int, cached: int) -> bytes:
    return _named("message_start", message=_message(model, read, cached))


def _end(finish: str, told: tuple[int, int, int], usage: Usage) -> bytes:
    read = {"input_tokens": told[0] - usage.cached_tokens, "cache_read_input_tokens": usage.cached_tokens}
    stopped = {"stop_reason": _STOPS.get(finish, finish), "stop_sequence": None}
    return _named("message_delta", delta=stopped, usage={**read, "output_tokens": told[1]}) + _named(
        "message_stop"
    )


def _named(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)
