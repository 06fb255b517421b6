"""Values that tests of dialects encode: windows from messages, files from bytes, bodies from pieces."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from windowseat.core.exchange import DialectCodec, FileFacts
from windowseat.core.message import Message, Role
from windowseat.core.model import Model, Options
from windowseat.core.parts import Part
from windowseat.core.request import Piece, Request
from windowseat.core.tool import Tool
from windowseat.core.window import Insert, Window, assemble

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class Files:
    """Files by id, as a dialect knows them and as the transport reads them."""

    facts: dict[str, FileFacts] = field(default_factory=dict)
    bytes: dict[str, bytes] = field(default_factory=dict)

    def add(self, data: bytes, media_type: str, name: str = "", text: str | None = None) -> str:
        id = f"file-{len(self.facts)}"
        self.facts[id] = FileFacts(id=id, media_type=media_type, size=len(data), name=name, text=text)
        self.bytes[id] = data
        return id

    def base64_of(self, id: str) -> bytes:
        return base64.b64encode(self.bytes[id])


def message(id: str, role: Role, *parts: Part) -> Message:
    """A message of a thread that nobody else needs to know of."""
    return Message(id=id, thread="thread", parent=None, role=role, parts=parts, created=NOON)


def window(*messages: Message, instructions: Sequence[str] = (), tools: Iterable[Tool] = ()) -> Window:
    """A window with these instructions and tools before the messages."""
    inserts = [
        Insert(key=f"instructions:{i}", kind="instructions", label="", content=each)
        for i, each in enumerate(instructions)
    ]
    inserts += [
        Insert(key=f"tool:{i:03}", kind="tool", label=each.name, content=each) for i, each in enumerate(tools)
    ]
    return assemble(inserts, messages)


def body_of(codec: DialectCodec, pieces: tuple[Piece, ...], files: Files | None = None) -> Any:
    """The JSON that the pieces make."""
    request = Request(dialect=codec.name, connection="", model="", stream=True, pieces=pieces)
    return json.loads(request.body((files or Files()).base64_of))


def encoded(
    codec: DialectCodec,
    what: Window,
    model: Model,
    options: Options | None = None,
    files: Files | None = None,
) -> Any:
    """The JSON of a request, whose last piece was checked to close the messages and nothing else."""
    files = files or Files()
    pieces = codec.encode(what, model, options or Options(), files.facts)
    assert pieces[-1].segment == ""
    assert set(pieces[-1].data) <= set(b"]}"), pieces[-1]
    return body_of(codec, pieces, files)
