"""Events of a turn as the typed events of a response; and the whole response, which the last of them holds.

Format: https://platform.openai.com/docs/api-reference/responses-streaming and …/responses/object. How items
grow is responses_output.py's, sending answering.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from windowseat.core.events import Event, PartDelta, PartSettled, PartStarted, StepEnded, TurnSettled
from windowseat.core.message import Usage
from windowseat.core.parts import (
    Citation,
    Image,
    Json,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from windowseat.entrypoints.openai.errors import ApiError
from windowseat.entrypoints.openai.responses_items import OUR_ID
from windowseat.entrypoints.openai.responses_output import Called, Said, Spoken, Thought, ready
from windowseat.features.providers.dialects.encoding import data_of

_ECHOED: Mapping[str, Json] = {
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
"""Fields of the request that the response repeats, and what stands there where it had none."""


class ResponsesWriter:
    """Writes one answer. `asked` is the request's body; `customs` are tools that take plain text."""

    def __init__(
        self, *, turn: str, model: str, at: datetime, asked: Mapping[str, Json], customs: frozenset[str]
    ) -> None:
        self._id = turn.replace("-", "")
        self._customs = customs
        self._number = 0
        self._output: list[dict[str, Json]] = []
        self._items: dict[int, Thought | Called] = {}
        self._spoken: Spoken | None = None
        self._usage: Usage | None = None
        self._ran: dict[str, dict[str, Json]] = {}
        self._begun = False
        self._response: dict[str, Json] = {
            "id": f"resp_{self._id}",
            "object": "response",
            "created_at": int(at.timestamp()),
            "model": model,
            "instructions": asked.get("instructions"),
            "previous_response_id": None,
            "store": False,
            **{name: _or(asked.get(name), otherwise) for name, otherwise in _ECHOED.items()},
        }

    # -- events ---------------------------------------------------------------------------------------

    def take(self, event: Event) -> list[Json]:
        """The events that say what the event says."""
        said: list[Said] = []
        match event:
            case PartStarted(index=index, part=part):
                said += self._start(index, part)
            case PartDelta(index=index, text=text, logprobs=logprobs):
                said += self._grow(index, text, logprobs)
            case PartSettled(index=index, part=part):
                said += self._settle(index, part)
            case StepEnded():
                self._usage = event.usage
                said += self._end_spoken(refused=event.stop_reason == "refusal", whole=not _cut(event))
            case _:
                pass
        return self._numbered(said)

    def finish(self, settled: TurnSettled) -> list[Json]:
        """The last event of an answer that came to its end."""
        why = {"length": "max_output_tokens", "filtered": "content_filter"}.get(settled.stop_reason)
        status = "incomplete" if why else "completed"
        more = {"incomplete_details": {"reason": why}} if why else {}
        return self._numbered([(f"response.{status}", {"response": self._now(status, **more)})])

    def _numbered(self, said: Sequence[Said]) -> list[Json]:
        if said and not self._begun:
            self._begun = True
            begun = self._now("in_progress", output=[], usage=None)
            said = [
                ("response.created", {"response": begun}),
                ("response.in_progress", {"response": begun}),
                *said,
            ]
        events: list[Json] = []
        for type, fields in said:
            events.append({"type": type, "sequence_number": self._number, **fields})
            self._number += 1
        return events

    def _now(self, status: str, **more: Json) -> dict[str, Json]:
        """The response as it stands."""
        return {
            **self._response,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "output": self._output,
            "usage": usage_of(self._usage),
            **more,
        }

    # -- parts ----------------------------------------------------------------------------------------

    def _start(self, index: int, part: Part) -> Iterator[Said]:
        if isinstance(part, Text):
            if self._spoken is None or not self._spoken.is_growing:
                yield from self._end_spoken()
                self._spoken = Spoken(*self._new("msg"))
                self._output.append(self._spoken.item)
            yield from self._spoken.begin(index, part)
        elif isinstance(part, Thinking):
            yield from self._end_spoken()
            thought = self._items[index] = Thought(*self._new("rs"))
            self._output.append(thought.item)
            yield from thought.begin(part)
        elif isinstance(part, ToolCall) and part.by != "provider":
            yield from self._end_spoken()
            call = Called(*self._new("fc"), part, custom=part.name in self._customs)
            self._items[index] = call
            self._output.append(call.item)
            yield from call.begin(part)

    def _grow(self, index: int, text: str, logprobs: Json) -> Iterator[Said]:
        item = self._items.get(index)
        if item is not None:
            yield from item.grow(text)
        elif self._spoken is not None and self._spoken.holds(index):
            yield from self._spoken.grow(index, text, logprobs)

    def _settle(self, index: int, part: Part) -> Iterator[Said]:
        known = index in self._items or (self._spoken is not None and self._spoken.holds(index))
        if not known:
            yield from self._start(index, part)
        match self._items.get(index), part:
            case Thought() as thought, Thinking():
                yield from thought.end(part)
            case Called() as call, ToolCall():
                yield from call.end(part)
            case _, Text() if self._spoken is not None:
                self._spoken.settle(index)
            case _, Citation() if self._spoken is not None and self._spoken.holds(part.part):
                yield from self._spoken.cite(part)
            case _ if (came := self._came_whole(part)) is not None:
                yield from self._end_spoken()
                yield from ready(came, len(self._output))
                self._output.append(came)
            case _:
                pass

    def _came_whole(self, part: Part) -> dict[str, Json] | None:
        """The item of a part that this wire tells whole: what the provider ran, and what is not known."""
        origin = part.origin
        if isinstance(part, Opaque):
            return part.data if part.dialect == "openai-responses" and part.kind.startswith("item.") else None
        if isinstance(part, Image) and (data := data_of(part)) is not None:
            id, _ = self._new("ig")
            return {"id": id, "type": "image_generation_call", "status": "completed", "result": data}
        if isinstance(part, ToolResult) and part.id in self._ran:
            drawn = next(
                (data for each in part.content if isinstance(each, Image) and (data := data_of(each))), None
            )
            return {**self._ran.pop(part.id), **({"result": drawn} if drawn else {})}
        if isinstance(part, ToolCall) and origin is not None and origin.dialect == "openai-responses":
            item = origin.item if isinstance(origin.item, dict) else {}
            if origin.shares == 1:
                return item or None
            self._ran[part.id] = item  # what came of it follows
        return None

    def _end_spoken(self, *, refused: bool = False, whole: bool = True) -> Iterator[Said]:
        if self._spoken is not None:
            yield from self._spoken.end(refused=refused, whole=whole)
            self._spoken = None

    def _new(self, kind: str) -> tuple[str, int]:
        """The id and the place of the next item."""
        place = len(self._output)
        return f"{kind}{OUR_ID}{self._id}_{place}", place

    # -- bytes ----------------------------------------------------------------------------------------

    def frame(self, chunk: Json) -> bytes:
        """An event of a stream."""
        return b"event: %b\ndata: %b\n\n" % (chunk["type"].encode(), msgspec.json.encode(chunk))

    def end(self) -> bytes:
        """Nothing follows the last event."""
        return b""

    def failed(self, error: ApiError) -> bytes:
        """A response that failed, after which nothing follows."""
        told = {"code": error.code, "message": error.message}
        events = self._numbered([("response.failed", {"response": self._now("failed", error=told)})])
        return b"".join(map(self.frame, events))

    def whole(self, chunks: Sequence[Json]) -> bytes:
        """The response that the last event holds."""
        return msgspec.json.encode(chunks[-1]["response"])


def _or(value: Json, otherwise: Json) -> Json:
    return otherwise if value is None else value


def _cut(event: StepEnded) -> bool:
    return event.stop_reason in ("length", "filtered", "cancelled", "error", "interrupted")


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    """Tokens as this wire counts them; None where the provider told none."""
    if usage is None:
        return None
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.thinking_tokens or 0},
        "total_tokens": read + written,
    }
