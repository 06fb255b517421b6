"""The items of a response while they grow: what each says as it begins, grows, and is complete.

Ids of items are made here, once, so that all events name an item alike. Numbering and the response around
them are responses_writer.py's.

Format: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from windowseat.core.parts import Citation, Json, Text, Thinking, ToolCall
from windowseat.entrypoints.openai.carried import packed

Said = tuple[str, dict[str, Json]]
"""The type of an event, and its fields."""


class Thought:
    """A thought: its summary begins with its first words, as some have none that are shown."""

    def __init__(self, id: str, at: int) -> None:
        self._place: dict[str, Json] = {"item_id": id, "output_index": at}
        self._summary: dict[str, Json] = {**self._place, "summary_index": 0}
        self._words: list[str] = []
        self.item: dict[str, Json] = {"id": id, "type": "reasoning", "summary": []}

    def begin(self, part: Thinking) -> Iterator[Said]:
        """The thought begins."""
        yield _added(self._place, self.item)
        if part.text:
            yield from self.grow(part.text)

    def grow(self, text: str) -> Iterator[Said]:
        """More of it."""
        if not self._words:
            part = {"type": "summary_text", "text": ""}
            yield "response.reasoning_summary_part.added", {**self._summary, "part": part}
        self._words.append(text)
        yield "response.reasoning_summary_text.delta", {**self._summary, "delta": text}

    def end(self, part: Thinking) -> Iterator[Said]:
        """It is complete."""
        text = "".join(self._words)
        if text:
            whole = {"type": "summary_text", "text": text}
            yield "response.reasoning_summary_text.done", {**self._summary, "text": text}
            yield "response.reasoning_summary_part.done", {**self._summary, "part": whole}
            self.item["summary"] = [whole]
        if carried := packed(part.origin):
            self.item["encrypted_content"] = carried
        yield _done(self._place, self.item)


@dataclass(slots=True)
class _Content:
    words: list[str] = field(default_factory=list)
    logprobs: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    settled: bool = False

    def part(self, text: str) -> dict[str, Json]:
        return {"type": "output_text", "text": text, "annotations": self.notes, "logprobs": self.logprobs}


class Spoken:
    """A message: one content for each of its texts; open for citations until something else begins."""

    def __init__(self, id: str, at: int) -> None:
        self._place: dict[str, Json] = {"item_id": id, "output_index": at}
        self._contents: dict[int, _Content] = {}
        self.item: dict[str, Json] = {
            "id": id,
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }

    @property
    def is_growing(self) -> bool:
        """Whether one of its texts has not settled, so that a text that begins is another of its own."""
        return any(not content.settled for content in self._contents.values())

    def holds(self, index: int) -> bool:
        """Whether this text is one of it."""
        return index in self._contents

    def begin(self, index: int, part: Text) -> Iterator[Said]:
        """A text begins."""
        if not self._contents:
            yield _added(self._place, self.item)
        self._contents[index] = _Content()
        yield "response.content_part.added", {**self._at(index), "part": _Content().part("")}
        if part.text:
            yield from self.grow(index, part.text, None)

    def grow(self, index: int, text: str, logprobs: Json) -> Iterator[Said]:
        """More of a text."""
        content = self._contents[index]
        content.words.append(text)
        told = logprobs if isinstance(logprobs, list) else []
        content.logprobs += told
        yield "response.output_text.delta", {**self._at(index), "delta": text, "logprobs": told}

    def settle(self, index: int) -> None:
        """A text is complete."""
        self._contents[index].settled = True

    def cite(self, part: Citation) -> Iterator[Said]:
        """A text is from somewhere."""
        content = self._contents[part.part]
        note = {
            "type": "url_citation",
            "start_index": part.start or 0,
            "end_index": part.end or 0,
            "title": part.title or "",
            "url": part.url or "",
        }
        number = len(content.notes)
        content.notes.append(note)
        place = {**self._at(part.part), "annotation_index": number, "annotation": note}
        yield "response.output_text.annotation.added", place

    def end(self, *, refused: bool, whole: bool) -> Iterator[Said]:
        """The message is complete; `whole` is false for one that was cut."""
        parts: list[dict[str, Json]] = []
        for index, content in self._contents.items():
            text = "".join(content.words)
            part = {"type": "refusal", "refusal": text} if refused else content.part(text)
            if not refused:
                told = {"text": text, "logprobs": content.logprobs}
                yield "response.output_text.done", {**self._at(index), **told}
            yield "response.content_part.done", {**self._at(index), "part": part}
            parts.append(part)
        self.item["content"] = parts
        self.item["status"] = "completed" if whole else "incomplete"
        yield _done(self._place, self.item)

    def _at(self, index: int) -> dict[str, Json]:
        return {**self._place, "content_index": list(self._contents).index(index)}


class Called:
    """A call of one of the caller's tools; `custom` for one that takes plain text."""

    def __init__(self, id: str, at: int, part: ToolCall, *, custom: bool) -> None:
        self._place: dict[str, Json] = {"item_id": id, "output_index": at}
        self._kind = "custom_tool_call" if custom else "function_call"
        self._field: Literal["input", "arguments"] = "input" if custom else "arguments"
        self._events = "custom_tool_call_input" if custom else "function_call_arguments"
        self._words: list[str] = []
        self.item: dict[str, Json] = {
            "id": id,
            "type": self._kind,
            "call_id": part.id,
            "name": part.name,
            self._field: "",
            "status": "in_progress",
        }

    def begin(self, part: ToolCall) -> Iterator[Said]:
        """The call begins."""
        yield _added(self._place, self.item)
        if isinstance(part.arguments, str) and part.arguments:
            yield from self.grow(part.arguments)

    def grow(self, text: str) -> Iterator[Said]:
        """More of what it is called with."""
        self._words.append(text)
        yield f"response.{self._events}.delta", {**self._place, "delta": text}

    def end(self, part: ToolCall) -> Iterator[Said]:
        """The call is complete."""
        if not self._words:
            told = part.arguments
            yield from self.grow(told if isinstance(told, str) else msgspec.json.encode(told).decode())
        written = "".join(self._words)
        named = {"name": part.name} if self._field == "arguments" else {}
        yield f"response.{self._events}.done", {**self._place, **named, self._field: written}
        self.item |= {"name": part.name, self._field: written, "status": "completed"}
        own = part.origin is not None and part.origin.dialect == "openai-responses"
        if not own and (carried := packed(part.origin)):
            self.item["encrypted_content"] = carried
        yield _done(self._place, self.item)


def ready(item: dict[str, Any], at: int) -> Iterator[Said]:
    """An item that came whole."""
    place = {"output_index": at}
    yield "response.output_item.added", {**place, "item": item}
    yield "response.output_item.done", {**place, "item": item}


def _added(place: dict[str, Json], item: dict[str, Json]) -> Said:
    return "response.output_item.added", {"output_index": place["output_index"], "item": dict(item)}


def _done(place: dict[str, Json], item: dict[str, Json]) -> Said:
    return "response.output_item.done", {"output_index": place["output_index"], "item": item}
