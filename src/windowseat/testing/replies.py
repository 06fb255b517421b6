"""What a scripted provider can be told to say, in no dialect: small values and their builders.

    answer(thinking("Let me see."), text("Blue."), usage=Usage(cached_tokens=100))
    answer(call("open_file", {"name": "a.txt"}), call("open_file", {"name": "b.txt"}))
    answer(text("It is"), cut())
    error(429, "Slow down.", headers={"Retry-After": "20"})

Not here: how they look on the wire (one file per dialect) and who serves them (`provider`).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the answer, one message each; `whole` sends them as one."""

    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Thinking:
    """Words of the thinking before the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words with which the model refuses, where the dialect has a field of its own for them."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is a mapping, or the exact string, also one that is no JSON."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Fields of a delta that no client knows yet."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of the stream as they are: comments, broken JSON, half a character."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drip:
    """Bytes of the stream one at a time."""

    data: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Flood:
    """The same bytes again and again, as fast as they are taken; without `times` they never end."""

    data: bytes
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing any more, with the connection open."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed here."""


Piece = Text | Thinking | Refusal | Call | Unknown | Raw | Drip | Flood | Pause | Hang | Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a reply says of its tokens; None is counted from the request and the pieces."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    thinking_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer made of pieces.

    `finish` is the dialect's own word, by default the one that fits; `ends` false leaves out all
    that should follow the last piece; `gzipped` packs the body without being asked to.
    """

    pieces: tuple[Piece, ...]
    finish: str = ""
    usage: Usage = field(default_factory=Usage)
    ends: bool = True
    gzipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Any other whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer at all, with the connection open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error in the dialect's own shape."""

    status: int
    message: str
    kind: str
    code: str | None
    headers: Mapping[str, str]


Reply = Answer | Failure | Page | Silent


def answer(
    *pieces: Piece, finish: str = "", usage: Usage | None = None, ends: bool = True, gzipped: bool = False
) -> Answer:
    """An answer of these pieces, in this order; calls that follow each other are parallel."""
    return Answer(pieces=pieces, finish=finish, usage=usage or Usage(), ends=ends, gzipped=gzipped)


def text(words: str, *, whole: bool = False) -> Text:
    """Words of the answer."""
    return Text(words, whole)


def thinking(words: str) -> Thinking:
    """Words of the thinking."""
    return Thinking(words)


def refusal(words: str) -> Refusal:
    """A refusal."""
    return Refusal(words)


def call(name: str, arguments: Mapping[str, Any] | str, *, id: str = "") -> Call:
    """A tool call; without an id it gets one of its own."""
    return Call(name, arguments, id)


def unknown(**fields: Any) -> Unknown:
    """Fields that no client knows yet."""
    return Unknown(fields)


def raw(data: bytes) -> Raw:
    """Bytes of the stream as they are."""
    return Raw(data)


def pings(count: int = 1) -> Raw:
    """Comments, as providers send to show that they live."""
    return Raw(b": ping\n\n" * count)


def broken_json() -> Raw:
    """A message whose JSON ends in the middle."""
    return Raw(b'data: {"choices":[{"delta":{"content":"x\n\n')


def half_character() -> Raw:
    """A message whose text ends within a character of UTF-8."""
    return Raw(b'data: {"choices":[{"index":0,"delta":{"content":"\xe2\x82"}}]}\n\n')


def long_line(size: int = 50 * 1024 * 1024) -> tuple[Raw, Flood]:
    """A line that goes on for `size` bytes."""
    return Raw(b"data: "), Flood(b"x" * 65536, -(-size // 65536))


def endless(message: bytes = b'data: {"choices":[{"index":0,"delta":{"content":"on "}}]}\n\n') -> Flood:
    """The same message for ever."""
    return Flood(message * 200)


def drip(data: bytes, seconds: float) -> Drip:
    """Bytes one at a time, so many seconds apart."""
    return Drip(data, seconds)


def pause(seconds: float) -> Pause:
    """Nothing for a while."""
    return Pause(seconds)


def hang() -> Hang:
    """Nothing any more."""
    return Hang()


def cut() -> Cut:
    """The connection is closed."""
    return Cut()


def silent() -> Silent:
    """No answer at all."""
    return Silent()


def error(
    status: int,
    message: str = "Scripted failure.",
    *,
    kind: str = "server_error",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Failure:
    """An error; `headers` may say when to come back."""
    return Failure(status=status, message=message, kind=kind, code=code, headers=headers or {})


def page(body: bytes, content_type: str = "text/html; charset=utf-8", *, status: int = 200) -> Page:
    """A page where an answer was due."""
    return Page(status=status, headers={"Content-Type": content_type}, body=body)


def redirect(location: str, *, status: int = 307) -> Page:
    """Another address to ask."""
    return Page(status=status, headers={"Location": location}, body=b"")


def gzip_bomb(size: int = 128 * 1024 * 1024, content_type: str = "text/event-stream") -> Page:
    """A small body that unpacks to `size` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    step = b": " + b"x" * (1024 * 1024 - 2)
    packed = b"".join(packer.compress(step) for _ in range(size // len(step))) + packer.flush()
    return Page(status=200, headers={"Content-Type": content_type, "Content-Encoding": "gzip"}, body=packed)
