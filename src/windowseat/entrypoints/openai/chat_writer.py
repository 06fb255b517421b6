"""Events of a turn as chunks of a chat completion; and the whole completion, which is the fold of the chunks.

Format: https://platform.openai.com/docs/api-reference/chat-streaming and …/chat/object. What many servers and
clients know beside it is written where the answer has it: `reasoning_content`, `images`, `executed_tools`,
and fields of the message that came from a provider of this same wire.

Not here: sending (answering.py), and errors (errors.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from windowseat.core.events import Event, PartDelta, PartSettled, PartStarted, StepEnded, TurnSettled
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import (
    Audio,
    Citation,
    Image,
    Json,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
)
from windowseat.entrypoints.openai.carried import CARRIED, packed
from windowseat.entrypoints.openai.chat_calls import Call
from windowseat.entrypoints.openai.chat_fold import folded, usage_of
from windowseat.entrypoints.openai.errors import ApiError
from windowseat.features.providers.dialects.encoding import data_of

_FINISH: dict[StopReason, str] = {
    "length": "length",
    "tool_call": "tool_calls",
    "filtered": "content_filter",
}


class ChatWriter:
    """Writes one answer. `told`: the stream ends with its usage; `customs` are tools that take plain text."""

    def __init__(
        self,
        *,
        turn: str,
        model: str,
        at: datetime,
        told: bool = False,
        customs: frozenset[str] = frozenset(),
    ) -> None:
        self._head = {
            "id": f"chatcmpl-{turn.replace('-', '')}",
            "created": int(at.timestamp()),
            "model": model,
        }
        self._told = told
        self._customs = customs
        self._begun = False
        self._length = 0
        self._said: list[str] = []
        self._begins: dict[int, int] = {}
        self._texts: set[int] = set()
        self._thoughts: set[int] = set()
        self._calls: dict[int, Call] = {}
        self._usage: Usage | None = None

    # -- events ---------------------------------------------------------------------------------------

    def take(self, event: Event) -> list[Json]:
        """The chunks that say what the event says; none for most that are not about parts."""
        chunks: list[Json] = []
        for delta, logprobs in self._deltas(event):
            if not self._begun:
                self._begun = True
                chunks.append(self._chunk({"role": "assistant", "content": ""}))
            chunks.append(self._chunk(delta, logprobs=logprobs))
        if isinstance(event, StepEnded):
            self._usage = event.usage
        return chunks

    def finish(self, settled: TurnSettled) -> list[Json]:
        """The last chunks of an answer that came to its end."""
        chunks = [] if self._begun else [self._chunk({"role": "assistant", "content": ""})]
        finish = _FINISH.get(settled.stop_reason, "stop")
        if settled.stop_reason == "refusal" and self._said:  # that it is one shows only at its end
            chunks.append(self._chunk({"refusal": "".join(self._said)}))
        elif settled.stop_reason == "refusal":
            finish = "content_filter"
        chunks.append(self._chunk({}, finish=finish))
        if self._told:
            chunks.append(
                {**self._about("chat.completion.chunk"), "choices": [], "usage": usage_of(self._usage)}
            )
        return chunks

    def _deltas(self, event: Event) -> Iterator[tuple[dict[str, Json], Json]]:
        if isinstance(event, PartDelta):
            yield from self._grow(event)
        elif isinstance(event, PartStarted):
            yield from ((delta, None) for delta in self._start(event.index, event.part))
        elif isinstance(event, PartSettled):
            if event.index not in self._begins:
                yield from ((delta, None) for delta in self._start(event.index, event.part))
            yield from ((delta, None) for delta in self._settle(event.index, event.part))

    def _start(self, index: int, part: Part) -> Iterator[dict[str, Json]]:
        self._begins[index] = self._length
        if isinstance(part, Text):
            self._texts.add(index)
            if part.text:
                yield self._words(part.text)
        elif isinstance(part, Thinking):
            self._thoughts.add(index)
            if part.text:
                yield {"reasoning_content": part.text}
        elif isinstance(part, ToolCall) and part.by != "provider":
            call = self._calls[index] = Call(len(self._calls), custom=part.name in self._customs)
            yield from call.begin(part)

    def _grow(self, event: PartDelta) -> Iterator[tuple[dict[str, Json], Json]]:
        if event.index in self._thoughts:
            yield {"reasoning_content": event.text}, None
        elif event.index in self._calls:
            yield from ((delta, None) for delta in self._calls[event.index].grow(event.text))
        elif event.index in self._texts:
            yield self._words(event.text), event.logprobs

    def _words(self, text: str) -> dict[str, Json]:
        self._length += len(text)
        self._said.append(text)
        return {"content": text}

    def _settle(self, index: int, part: Part) -> Iterator[dict[str, Json]]:
        item = _item_of(part)
        if isinstance(part, ToolCall) and part.by != "provider":
            yield from self._calls[index].end(part, item)
        elif isinstance(part, ToolCall) and item:
            yield {"executed_tools": [item]}
        elif isinstance(part, Thinking):
            if details := _details_of(part, item, index):
                yield {"reasoning_details": details}
        elif isinstance(part, Image) and part.url:
            yield {"images": [{"type": "image_url", "image_url": {"url": part.url}}]}
        elif isinstance(part, Audio):
            yield {"audio": {"id": f"audio_{index}", "data": data_of(part) or "", "expires_at": 0}}
        elif isinstance(part, Citation):
            yield {"annotations": [self._annotation(part)]}
        elif isinstance(part, Opaque) and part.kind.startswith("message."):
            yield {part.kind.removeprefix("message."): part.data}

    def _annotation(self, part: Citation) -> dict[str, Json]:
        """A citation; its place counts from the beginning of all that is said."""
        before = self._begins.get(part.part, 0)
        cited: dict[str, Json] = {"title": part.title or "", "url": part.url or ""}
        if part.start is not None and part.end is not None:
            cited |= {"start_index": before + part.start, "end_index": before + part.end}
        return {"type": "url_citation", "url_citation": cited}

    def _about(self, what: str) -> dict[str, Json]:
        return {"id": self._head["id"], "object": what, **self._head}

    def _chunk(self, delta: dict[str, Json], *, logprobs: Json = None, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": _told(logprobs), "finish_reason": finish}
        chunk = {**self._about("chat.completion.chunk"), "choices": [choice]}
        return {**chunk, "usage": None} if self._told else chunk

    # -- bytes ----------------------------------------------------------------------------------------

    def frame(self, chunk: Json) -> bytes:
        """A chunk as an event of a stream."""
        return b"data: %b\n\n" % msgspec.json.encode(chunk)

    def end(self) -> bytes:
        """What follows the last chunk."""
        return b"data: [DONE]\n\n"

    def failed(self, error: ApiError) -> bytes:
        """An error within a stream, after which nothing follows."""
        return b"data: %b\n\n" % msgspec.json.encode({"error": error.plain()})

    def whole(self, chunks: Sequence[Json]) -> bytes:
        """The completion that the chunks add up to."""
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        message = folded([choice["delta"] for choice in choices])
        logprobs = [each for choice in choices for each in (choice["logprobs"] or {}).get("content", ())]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": _told(logprobs or None),
            "finish_reason": choices[-1]["finish_reason"],
        }
        return msgspec.json.encode(
            {**self._about("chat.completion"), "choices": [choice], "usage": usage_of(self._usage)}
        )


def _item_of(part: Part) -> dict[str, Json]:
    """The provider's own item of this same wire; of another's call what carries it, else an empty one."""
    origin = part.origin
    if origin is not None and origin.dialect == "openai-chat":
        return origin.item if isinstance(origin.item, dict) else {}
    own = isinstance(part, ToolCall) and part.by != "provider"
    if own and origin is not None and origin.dialect != "openai-responses":  # whose items the words make anew
        carried = packed(origin)
        return {"extra_content": {CARRIED: carried}} if carried else {}
    return {}


def _details_of(part: Thinking, item: dict[str, Json], index: int) -> Json:
    """What its provider wants back of a thought, in the form in which others know it too (OpenRouter)."""
    if "reasoning_details" in item or (part.origin and part.origin.dialect == "openai-chat"):
        return item.get("reasoning_details")
    data = packed(part.origin)
    return (
        [{"type": "reasoning.encrypted", "format": CARRIED, "index": index, "data": data}] if data else None
    )


def _told(logprobs: Json) -> Json:
    return None if logprobs is None else {"content": logprobs, "refusal": None}
