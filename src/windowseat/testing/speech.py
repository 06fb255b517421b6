"""What a scripted provider needs of a dialect, and what all of them share: words, pieces, JSON, events.

One file for each dialect beside this one; each is written apart from the product's own dialect, so that
neither hides an error of the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Protocol

from windowseat.testing.replies import (
    Answer,
    Call,
    Cut,
    Drip,
    Failure,
    Flood,
    Hang,
    Pause,
    Refusal,
    Text,
    Thinking,
    Usage,
)

Asked = Mapping[str, Any]
"""A request: its decoded body, and the model and the wish for a stream where those stand in its path."""

Step = bytes | Drip | Flood | Pause | Hang | Cut
"""What a stream does next: send a message, or something of its own."""

CREATED = 1700000000
ARGUMENT_PIECE = 12
_WORD = re.compile(r"\s*\S+|\s+$")


class Speech(Protocol):
    """Requests read and replies written in one dialect."""

    def answers(self, path: str) -> bool:
        """Whether this is the address of an answer."""
        ...

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The key that came along."""
        ...

    def asked(self, path: str, body: Any) -> Asked:
        """The request."""
        ...

    def model(self, asked: Asked) -> str:
        """The model that was asked for."""
        ...

    def streams(self, asked: Asked) -> bool:
        """Whether a stream was asked for."""
        ...

    def thinks(self, asked: Asked) -> bool:
        """Whether thinking was asked for."""
        ...

    def last_words(self, asked: Asked) -> str:
        """The text of the last user message."""
        ...

    def tools(self, asked: Asked) -> list[tuple[str, Mapping[str, Any]]]:
        """Name and schema of the tools on offer."""
        ...

    def results(self, asked: Asked) -> list[str]:
        """The texts of the tool results since the last user message."""
        ...

    def delta(self, model: str, words: str, *, thinking: bool) -> bytes:
        """A message that adds words."""
        ...

    def opening(self, model: str) -> bytes:
        """What begins a stream of words."""
        ...

    def closing(self, asked: Asked, finish: str, usage: Usage, written: int, thought: int) -> bytes:
        """All that follows the last words of such a stream; `finish` is `stop` or `tool_calls`."""
        ...

    def stream(self, asked: Asked, reply: Answer, number: int) -> Iterator[Step]:
        """A reply as a stream; `number` makes the ids of its calls."""
        ...

    def whole(self, asked: Asked, reply: Answer, number: int) -> bytes:
        """A reply as one body; what only a stream can do is left out of it."""
        ...

    def failure(self, failure: Failure) -> bytes:
        """The body of an error."""
        ...

    def models(self, names: Iterable[str]) -> bytes:
        """The list of models."""
        ...


def words_in(piece: Text | Thinking | Refusal) -> list[str]:
    """What a stream says one by one."""
    whole = isinstance(piece, Text) and piece.whole
    return [piece.text] if whole else _WORD.findall(piece.text)


def arguments_of(call: Call) -> str:
    """The call's arguments as they are written."""
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)


def pieces_of(arguments: str) -> list[str]:
    """The arguments as a stream writes them."""
    return [arguments[at : at + ARGUMENT_PIECE] for at in range(0, len(arguments), ARGUMENT_PIECE)]


def id_of(call: Call, number: int, index: int) -> str:
    """The call's id, one made of its place unless it says its own."""
    return call.id or f"call_{number}_{index}"


def counts(asked: Asked, reply: Answer) -> tuple[int, int, int]:
    """Tokens read, written (thinking included) and thought: what the reply says, else about what they are."""
    spoken = [piece for piece in reply.pieces if isinstance(piece, Text | Thinking | Refusal)]
    written = sum(len(words_in(piece)) for piece in spoken)
    written += sum(isinstance(piece, Call) for piece in reply.pieces)
    thought = sum(len(words_in(piece)) for piece in spoken if isinstance(piece, Thinking))
    return counted(asked, reply.usage, written, thought)


def counted(asked: Asked, usage: Usage, written: int, thought: int) -> tuple[int, int, int]:
    """The same from numbers that were counted already."""
    read = len(json.dumps(asked)) // 4 if usage.input_tokens is None else usage.input_tokens
    written = written if usage.output_tokens is None else usage.output_tokens
    return read, written, thought if usage.thinking_tokens is None else usage.thinking_tokens


def signed(model: str, words: str) -> str:
    """What a model puts under its thoughts and calls: good from that model alone, and under those words."""
    return f"c2lnbmVk{sha256(f'{model} {words}'.encode()).hexdigest()}"


def text_of(content: Any) -> str:
    """The words of content that is text or a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


def to_json(value: Any) -> bytes:
    """The value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event(message: Mapping[str, Any], name: str = "") -> bytes:
    """A message as a server-sent event."""
    named = f"event: {name}\n".encode() if name else b""
    return named + b"data: " + to_json(message) + b"\n\n"
