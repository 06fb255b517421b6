"""Parts: what a message is made of, in order.

They are values: equal by content, frozen, without ids of their own and without any I/O.
A part has a neutral value, which every dialect can read, and may have an `Origin`: where it
came from and what that place wants back verbatim. Shapes: docs/words.md and `windowseat.codec`.

This file is not a wire format: how a part looks to a provider is its dialect's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

Json = Any
"""A value that JSON can hold; dictionaries in it are never changed once they are in a part."""

By = Literal["us", "provider", "caller", "user"]
"""Who runs a tool call: this house, the provider on its side, the caller of `/v1`, a user by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a part came from, and the raw item that goes back there verbatim.

    `item` is the provider's own item (its signature, its id, its encrypted thinking), None where
    the neutral value already says all of it. Several parts may be made of one item: then they have
    the same `key` within their step, the item stands on the first of them, and `shares` is how many
    they are. It goes back once, and only when all of them are there unchanged.
    """

    dialect: str
    connection: str
    model: str
    key: str | None = None
    item: Json = None
    shares: int = 1

    def same_place(self, dialect: str, connection: str, model: str) -> bool:
        """Whether the raw item may go back to this dialect, connection and model."""
        return (self.dialect, self.connection, self.model) == (dialect, connection, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    step: int | None = None
    origin: Origin | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(_Part):
    """Words, as Markdown where a model wrote them."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking(_Part):
    """What a model thought before it answered; `text` is empty where the provider hides it."""

    text: str
    started: datetime | None = None
    ended: datetime | None = None
    type: Literal["thinking"] = "thinking"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(_Part):
    """A tool that a model asks for.

    `id` is ours and unique in the thread; the provider's own stays in the origin. `arguments` is
    an object once the call is complete; the raw string while it streams, or where it is no JSON.
    """

    id: str
    name: str
    arguments: dict[str, Json] | str
    by: By = "us"
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult(_Part):
    """What a tool gave back to the call `id`; `arguments` only where the user changed them first."""

    id: str
    content: tuple[Part, ...]
    error: str | None = None
    arguments: dict[str, Json] | None = None
    started: datetime | None = None
    ended: datetime | None = None
    type: Literal["tool_result"] = "tool_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Media(_Part):
    media_type: str
    file: str | None = None
    url: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(_Media):
    """A picture: the id of a file kept here, or an address."""

    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(_Media):
    """Sound: the id of a file kept here, or an address."""

    type: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(_Media):
    """A film: the id of a file kept here, or an address."""

    type: Literal["video"] = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class File(_Media):
    """A document: the id of a file kept here, or an address."""

    type: Literal["file"] = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display(_Part):
    """Something shown in several forms: media type → text or file id. The model reads the plainest."""

    forms: dict[str, str]
    type: Literal["display"] = "display"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation(_Part):
    """Where a stretch of the text part at index `part` of the message is from.

    `start` and `end` count characters (code points) of that text.
    """

    part: int
    start: int | None = None
    end: int | None = None
    title: str | None = None
    url: str | None = None
    file: str | None = None
    quote: str | None = None
    type: Literal["citation"] = "citation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(_Part):
    """Something that the house says within an answer: a limit, a fall-back, a cut. Never sent to a model."""

    code: str
    text: str
    until: datetime | None = None
    type: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque(_Part):
    """What we do not know: kept, and sent back to the dialect that it came from."""

    dialect: str
    kind: str
    data: Json
    type: Literal["opaque"] = "opaque"


Part = (
    Text
    | Thinking
    | ToolCall
    | ToolResult
    | Image
    | Audio
    | Video
    | File
    | Display
    | Citation
    | Notice
    | Opaque
)
PARTS: tuple[type[Part], ...] = (
    Text, Thinking, ToolCall, ToolResult, Image, Audio, Video, File, Display, Citation, Notice, Opaque,
)  # fmt: skip

Media = Image | Audio | Video | File
Streamed = Text | Thinking | ToolCall

SomePart = TypeVar("SomePart", bound=Part)


def grown(part: Part, text: str) -> Part:
    """The part with `text` added at its end: to a text, a thought, or the raw arguments of a call."""
    if isinstance(part, Text | Thinking):
        return replace(part, text=part.text + text)
    if isinstance(part, ToolCall) and isinstance(part.arguments, str):
        return replace(part, arguments=part.arguments + text)
    raise ValueError(f"a part of type {part.type} does not grow")


def at_step(part: SomePart, step: int | None) -> SomePart:
    """The part as one of the given step."""
    return replace(part, step=step)


def plain(part: SomePart) -> SomePart:
    """The part without its origin: what a changed or copied part is."""
    return replace(part, origin=None)


def text_of(parts: tuple[Part, ...]) -> str:
    """The words of the text parts, joined as they stand."""
    return "".join(part.text for part in parts if isinstance(part, Text))
