"""Parts as blocks of `anthropic-messages`: what one part of a message looks like on the wire.

Not here: which message a block stands in, and what is said beside the messages (anthropic_encode).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model
from windowseat.core.parts import (
    File,
    Image,
    Json,
    Media,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from windowseat.features.providers.dialects.blocks import Block, FileBytes, joined, of_json
from windowseat.features.providers.dialects.decoding import as_str
from windowseat.features.providers.dialects.encoding import (
    arguments_of,
    data_of,
    facts_of,
    inner,
    readable,
    takes,
    words_of_file,
    words_of_result,
)
from windowseat.features.providers.dialects.quirks import Quirks
from windowseat.features.providers.dialects.said import CallIds, Keyed, Place, Raw

_PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


def of_text(key: str, text: str) -> list[Block]:
    """Words as a block; blank ones are refused by the wire, and left out."""
    return [of_json(key, {"type": "text", "text": text})] if text.strip() else []


class Blocks:
    """Makes blocks for one request. `together` are the ids of the provider's own calls that have a result."""

    def __init__(
        self, model: Model, quirks: Quirks, files: Mapping[str, FileFacts], together: frozenset[str]
    ) -> None:
        self._model = model
        self._quirks = quirks
        self._files = files
        self._together = together
        self.place = Place(dialect="anthropic-messages", connection=model.connection, model=model.id)
        self.ids = CallIds(quirks.call_id)

    # -- what a user says -------------------------------------------------------------------------

    def of_user(self, parts: Iterable[Keyed]) -> list[Block]:
        """A user's parts. Raises Refused `model_cannot_take` for what the wire has no place for."""
        blocks: list[Block] = []
        for key, part in parts:
            if isinstance(part, Text):
                blocks += of_text(key, part.text)
            elif isinstance(part, Media):
                blocks.append(self._media(key, part))
            elif isinstance(part, Opaque) and self.place.knows(part):
                blocks.append(of_json(key, part.data))
        return blocks

    def why_not(self, part: Media) -> str | None:
        """Why the wire cannot carry it, in words; None where it can."""
        if isinstance(part, File) and words_of_file(part, self._files) is not None:
            return None
        if not takes(self._model, part.type):
            return f"{self._model.name} does not read {part.type}"
        if isinstance(part, Image):
            if part.media_type not in (*_PICTURES, "image/*"):
                return f"This provider takes pictures as JPEG, PNG, GIF or WebP, not as {part.media_type}"
            return None
        if not isinstance(part, File):
            return f"This provider takes no {part.type}"
        if not self._quirks.document:
            return "This provider takes no documents but as words"
        return (
            None
            if part.media_type == _PDF
            else f"This provider takes documents as PDF, not as {part.media_type}"
        )

    def _media(self, key: str, part: Media) -> Block:
        if why := self.why_not(part):
            raise Refused(
                "model_cannot_take", f"{why}.", hint="Add it in another form, or choose another model."
            )
        if isinstance(part, File) and (words := words_of_file(part, self._files)) is not None:
            return self._words(key, part, words)
        title: bytes = b""
        kind = "document" if isinstance(part, File) else "image"
        if isinstance(part, File) and (name := part.name or self._name(part)):
            title = b',"title":' + msgspec.json.encode(name)
        head = f'{{"type":"{kind}","source":{{"type":"'.encode()
        data = data_of(part)
        if part.file is None and data is None:
            url = msgspec.json.encode(part.url or "")
            return Block(key=key, data=(head, b'url","url":', url, b"}", title))
        base64 = FileBytes(facts_of(part, self._files).id) if part.file is not None else inner(data or "")
        opening = b'base64","media_type":' + msgspec.json.encode(part.media_type) + b',"data":"'
        return Block(key=key, data=(head, opening, base64, b'"}', title))

    def _words(self, key: str, part: File, words: str) -> Block:
        """A document that is text: in a block of its own where there is one, else as plain words."""
        if not self._quirks.document:
            return of_json(key, {"type": "text", "text": words})
        text = facts_of(part, self._files).text or "(empty)"
        source = {"type": "text", "media_type": "text/plain", "data": text}
        block: dict[str, Json] = {"type": "document", "source": source}
        if name := part.name or self._name(part):
            block["title"] = name
        return of_json(key, block)

    def _name(self, part: Media) -> str:
        facts = self._files.get(part.file or "")
        return facts.name if facts else ""

    # -- what an assistant says -------------------------------------------------------------------

    def of_answer(self, items: Sequence[Keyed | Raw], *, may_think: bool) -> list[Block]:
        """An answer's parts; thoughts go back only as they came, where they may at all."""
        blocks: list[Block] = []
        for item in items:
            if isinstance(item, Raw):
                blocks += self._raw(item, may_think=may_think)
            else:
                blocks += self._neutral(*item)
        return blocks

    def _raw(self, raw: Raw, *, may_think: bool) -> list[Block]:
        part = raw.parts[0][1]
        if isinstance(part, Thinking):
            return [of_json(raw.key, raw.item)] if may_think else []
        if isinstance(part, ToolCall):
            if part.by == "provider":
                return [of_json(raw.key, raw.item)] if part.id in self._together else []
            id = self.ids.new(part.id, as_str(raw.item.get("id")))
            return [of_json(raw.key, {**raw.item, "id": id})]
        if isinstance(part, ToolResult) and part.id not in self._together:
            return []
        if isinstance(part, Text) and not part.text.strip():
            return []
        return [of_json(raw.key, raw.item)]

    def _neutral(self, key: str, part: Part) -> list[Block]:
        if isinstance(part, Text):
            return of_text(key, part.text)
        if isinstance(part, ToolCall) and part.by != "provider":
            call = {
                "type": "tool_use",
                "id": self.ids.new(part.id),
                "name": _NOT_IN_A_NAME.sub("_", part.name)[:128] or "tool",
                "input": arguments_of(part),
            }
            return [of_json(key, call)]
        if isinstance(part, Opaque) and self.place.knows(part):
            return [of_json(key, part.data)]
        return []

    # -- what tools gave back ---------------------------------------------------------------------

    def of_results(self, parts: Iterable[Keyed]) -> list[Block]:
        """Results, each a block with what the tool gave back in it, in its order."""
        return [self._result(key, part) for key, part in parts if isinstance(part, ToolResult)]

    def _result(self, key: str, result: ToolResult) -> Block:
        head: dict[str, Json] = {"type": "tool_result", "tool_use_id": self.ids.of(result.id)}
        if result.error is not None:
            head["is_error"] = True
        told = words_of_result(
            ToolResult(id=result.id, content=(), error=result.error, arguments=result.arguments)
        )
        content = of_text(key, told)
        for part in readable(result.content):
            if isinstance(part, Text):
                content += of_text(key, part.text)
            elif isinstance(part, Media):
                why = self.why_not(part)
                content += of_text(key, f"({why}, so it is left out.)") if why else [self._media(key, part)]
            elif isinstance(part, Opaque) and self.place.knows(part):
                content.append(of_json(key, part.data))
        data = msgspec.json.encode(head)[:-1]
        if not content:
            return Block(key=key, data=(data,))
        return Block(key=key, data=(data, b',"content":[', *joined(content), b"]"))
