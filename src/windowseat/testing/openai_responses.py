"""How a scripted provider speaks the dialect `openai-responses`.

After https://platform.openai.com/docs/api-reference/responses and …/responses-streaming. Not here: what is
said (`replies`, `behaviours`) and the serving (`provider`).
"""

from __future__ import annotations

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
    CREATED,
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


class OpenAiResponses:
    """Requests read and replies written in `openai-responses`."""

    def answers(self, path: str) -> bool:
        """The one address."""
        return path == "/v1/responses"

    def key(self, headers: Mapping[str, str]) -> str | None:
        """The bearer."""
        return headers.get("authorization", "").removeprefix("Bearer ") or None

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
        return bool((asked.get("reasoning") or {}).get("effort", "none") != "none")

    def last_words(self, asked: Asked) -> str:
        """The text of the last user message."""
        if isinstance(asked["input"], str):
            return asked["input"]
        said = [item for item in asked["input"] if item.get("role") == "user"]
        return text_of(said[-1]["content"]) if said else ""

    def tools(self, asked: Asked) -> list[tuple[str, Mapping[str, Any]]]:
        """Name and schema of the functions on offer."""
        functions = [tool for tool in asked.get("tools") or () if tool["type"] == "function"]
        return [(function["name"], function.get("parameters") or {}) for function in functions]

    def results(self, asked: Asked) -> list[str]:
        """The outputs since the last user message."""
        texts: list[str] = []
        for item in asked["input"] if isinstance(asked["input"], list) else ():
            if item.get("role") == "user":
                texts = []
            elif item.get("type") == "function_call_output":
                texts = [*texts, text_of(item["output"])]
        return texts

    def delta(self, model: str, words: str, *, thinking: bool) -> bytes:  # noqa: ARG002 - one kind of item
        """Words for the first item."""
        return _named("response.output_text.delta", **_place(0), content_index=0, delta=words)

    def opening(self, model: str) -> bytes:
        """The response and its first item begin."""
        begun = _message(0, "")
        return _started(model) + _named("response.output_item.added", output_index=0, item=begun)

    def closing(self, asked: Asked, finish: str, usage: Usage, written: int, thought: int) -> bytes:
        """The first item and the response end. The words are not told again."""
        told = counted(asked, usage, written, thought)
        return _named("response.completed", response=_response(self.model(asked), [], finish, told, usage))

    def stream(self, asked: Asked, reply: Answer, number: int) -> Iterator[Step]:
        """A reply as a stream, an item for each piece."""
        model = self.model(asked)
        yield _started(model)
        items: list[dict[str, Any]] = []
        for piece in reply.pieces:
            match piece:
                case Raw(data):
                    yield data
                case Drip() | Flood() | Pause() | Hang() | Cut():
                    yield piece
                case Text() | Thinking() | Refusal() | Call():
                    items.append(_item(piece, len(items), number, model))
                    yield from _grown(piece, len(items) - 1, items[-1])
                case _:
                    pass
        if reply.ends:
            told = counts(asked, reply)
            response = _response(model, items, reply.finish or "stop", told, reply.usage)
            yield _named(f"response.{response['status']}", response=response)

    def whole(self, asked: Asked, reply: Answer, number: int) -> bytes:
        """A reply as one response."""
        pieces = [piece for piece in reply.pieces if isinstance(piece, Text | Thinking | Refusal | Call)]
        items = [_item(piece, index, number, self.model(asked)) for index, piece in enumerate(pieces)]
        told = counts(asked, reply)
        return to_json(_response(self.model(asked), items, reply.finish or "stop", told, reply.usage))

    def failure(self, failure: Failure) -> bytes:
        """The body of an error."""
        error = {"message": failure.message, "type": failure.kind, "param": None, "code": failure.code}
        return to_json({"error": error})

    def models(self, names: Iterable[str]) -> bytes:
        """The list of models."""
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"} for name in names]
        return to_json({"object": "list", "data": data})


def _item(piece: Text | Thinking | Refusal | Call, index: int, number: int, model: str) -> dict[str, Any]:
    if isinstance(piece, Call):
        called = {
            "call_id": id_of(piece, number, index),
            "name": piece.name,
            "arguments": arguments_of(piece),
        }
        return {"type": "function_call", "id": f"fc_{index}", "status": "completed", **called}
    if isinstance(piece, Thinking):
        summary = [{"type": "summary_text", "text": piece.text}]
        thought = {"summary": summary, "encrypted_content": signed(model, piece.text)}
        return {"type": "reasoning", "id": f"rs_{index}", **thought}
    if isinstance(piece, Refusal):
        refused = [{"type": "refusal", "refusal": piece.text}]
        return {**_message(index, ""), "status": "completed", "content": refused}
    return {**_message(index, piece.text), "status": "completed"}


def _message(index: int, text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}] if text else []
    return {
        "type": "message",
        "id": f"msg_{index}",
        "role": "assistant",
        "status": "in_progress",
        "content": content,
    }


def _grown(piece: Text | Thinking | Refusal | Call, index: int, item: dict[str, Any]) -> Iterator[bytes]:
    place = {**_place(index), "item_id": item["id"]}
    if isinstance(piece, Call):
        begun, kind, more = {**item, "arguments": ""}, "function_call_arguments", {}
        deltas = pieces_of(arguments_of(piece))
    elif isinstance(piece, Thinking):
        begun, kind, more = {**item, "summary": []}, "reasoning_summary_text", {"summary_index": 0}
        deltas = words_in(piece)
    else:
        kind = "refusal" if isinstance(piece, Refusal) else "output_text"
        begun, more = {**item, "content": []}, {"content_index": 0}
        deltas = words_in(piece)
    yield _named("response.output_item.added", output_index=index, item=begun)
    yield from (_named(f"response.{kind}.delta", **place, **more, delta=words) for words in deltas)
    yield _named("response.output_item.done", output_index=index, item=item)


def _response(
    model: str, items: list[dict[str, Any]], finish: str, told: tuple[int, int, int], usage: Usage
) -> dict[str, Any]:
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish)
    read, written, thought = told
    return {
        "id": "resp_scripted",
        "object": "response",
        "created_at": CREATED,
        "model": model,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": items,
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": usage.cached_tokens},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": read + written,
        },
    }


def _started(model: str) -> bytes:
    response = {
        "id": "resp_scripted",
        "object": "response",
        "model": model,
        "status": "in_progress",
        "output": [],
    }
    return _named("response.created", response=response)


def _place(index: int) -> dict[str, Any]:
    return {"output_index": index, "item_id": f"msg_{index}"}


def _named(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)
