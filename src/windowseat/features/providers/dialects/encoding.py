"""What every dialect needs to write a request: what a model takes, parts as words, the body in pieces.

A user's part that the model cannot take is refused before anything is spent (`check_takes`); what goes
in as words is made words here; the body is gathered in pieces, each with its segment (`Body`).

Pure functions; names of fields and roles on the wire are the dialects' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Modality, Model, Options
from windowseat.core.parts import (
    Audio,
    Display,
    File,
    Image,
    Json,
    Media,
    Part,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from windowseat.core.request import Piece
from windowseat.features.providers.dialects.decoding import as_dict, as_list
from windowseat.features.providers.dialects.said import Said

GO_ON = (
    "Your last answer was cut off. Go on from exactly where it stops: begin with the very next character, "
    "repeat nothing of it, and say nothing about the cut."
)
"""What a provider that cannot go on from a begun answer is asked."""


# -- what a model can take ------------------------------------------------------------------------


def asked(model: Model, options: Options) -> Options:
    """The options with the model's defaults where the user said nothing."""
    names = {f.name for f in fields(Options)} - {"stream"}
    missing: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in model.defaults.items()
        if name in names and getattr(options, name) is None
    }
    return replace(options, **missing)


def joined(fields: Mapping[str, Json], extra: Mapping[str, Json]) -> dict[str, Json]:
    """The fields with what the user adds, unchanged; where both have an object, the user's fields join it."""
    out = dict(fields)
    for name, value in extra.items():
        mine = out.get(name)
        out[name] = {**mine, **value} if isinstance(mine, dict) and isinstance(value, dict) else value
    return out


def takes(model: Model, modality: Modality) -> bool:
    """Whether the model reads such parts, as far as is known."""
    return model.inputs is None or modality in model.inputs


def why_not_read(model: Model, part: Media) -> str | None:
    """Why the model cannot read the part, in words; None where it can, as far as is known."""
    return None if takes(model, part.type) else f"{model.name} does not read {_PLURAL[part.type]}"


def check_takes(
    said: Iterable[Said], model: Model, files: Mapping[str, FileFacts], largest: Mapping[str, int]
) -> None:
    """Find what a user sent and the model or its provider cannot take, before anything is spent.

    `largest` is the provider's limit in bytes by kind of part. Raises Refused `model_cannot_take` or
    `file_too_large`. What tools brought is not judged here: a dialect says in words what it leaves out.
    """
    for each in said:
        for _, part in each.parts if each.role == "user" else ():
            if not isinstance(part, Media) or (
                isinstance(part, File) and words_of_file(part, files) is not None
            ):
                continue
            if not takes(model, part.type):
                raise Refused(
                    "model_cannot_take",
                    f"{model.name} does not read {_PLURAL[part.type]} such as {_name(part, files)}.",
                    hint="Choose a model that does, or leave it out of the window.",
                )
            size, limit = size_of(part, files), largest.get(part.type)
            if limit is not None and size is not None and size > limit:
                raise Refused(
                    "file_too_large",
                    f"{_name(part, files)} has {size} bytes; the provider takes {limit} in one {part.type}.",
                    hint="Make it smaller, or choose another provider.",
                    status=413,
                )


_PLURAL: dict[str, str] = {"image": "images", "audio": "audio", "video": "video", "file": "documents"}


def _name(part: Media, files: Mapping[str, FileFacts]) -> str:
    facts = files.get(part.file or "")
    return f"“{part.name or (facts.name if facts else '') or part.media_type}”"


def size_of(part: Media, files: Mapping[str, FileFacts]) -> int | None:
    """Bytes of what the part holds, None where only an address is known."""
    if part.file is not None and part.file in files:
        return files[part.file].size
    data = data_of(part)
    return None if data is None else len(data) * 3 // 4


def data_of(part: Media) -> str | None:
    """The base64 text in a `data:` URL; None where the part has none."""
    if part.url is None or not part.url.startswith("data:"):
        return None
    head, comma, data = part.url.partition(",")
    return data if comma and head.endswith(";base64") else None


def facts_of(part: Media, files: Mapping[str, FileFacts]) -> FileFacts:
    """The facts of the part's file. Raises Refused `file_not_found` where it is not there."""
    facts = files.get(part.file or "")
    if facts is None:
        raise Refused(
            "file_not_found",
            f"The file {_name(part, files)} is not kept here any more.",
            hint="Leave it out of the window, or add it again.",
            status=404,
        )
    return facts


# -- parts as words -------------------------------------------------------------------------------


def words_of_file(part: File, files: Mapping[str, FileFacts]) -> str | None:
    """A document that goes in as words, with its name around it; None for one that goes in as bytes."""
    facts = files.get(part.file or "")
    if facts is None or facts.text is None:
        return None
    return document_as_words(part.name or facts.name, facts.text)


def document_as_words(name: str, text: str) -> str:
    """A document's words with its name around them."""
    quoted = (name or "file").replace('"', "'")
    return f'<file name="{quoted}">\n{text}\n</file>'


def words_of_result(
    result: ToolResult, left_out: Iterable[str] = (), files: Mapping[str, FileFacts] | None = None
) -> str:
    """What a tool gave back, as far as it is words: the error first, then its texts on lines of their own.

    `left_out` are the reasons why media of it are not sent, told at the end.
    """
    words: list[str] = []
    if result.arguments is not None:
        changed = msgspec.json.encode(result.arguments).decode()
        words.append(f"(The user changed the arguments before the call was run, to {changed}.)")
    if result.error is not None:
        words.append(f"Error: {result.error}")
    content = readable(result.content, files)
    words.extend(part.text for part in content if isinstance(part, Text) and part.text)
    words.extend(f"({why}, so it is left out.)" for why in left_out)
    return "\n".join(words)


def media_of_result(result: ToolResult, files: Mapping[str, FileFacts] | None = None) -> tuple[Media, ...]:
    """The pictures, sounds and documents that a tool gave back."""
    return tuple(
        part for part in readable(result.content, files) if isinstance(part, Image | Audio | Video | File)
    )


def readable(parts: Iterable[Part], files: Mapping[str, FileFacts] | None = None) -> list[Part]:
    """The parts with every display as its plainest text and its picture, and text files as their words."""
    out: list[Part] = []
    for part in parts:
        words = words_of_file(part, files or {}) if isinstance(part, File) else None
        if words is not None:
            out.append(Text(text=words, step=part.step))
            continue
        if not isinstance(part, Display):
            out.append(part)
            continue
        texts = [form for form in _PLAINEST if form in part.forms]
        pictures = [form for form in part.forms if form.startswith("image/") and form != "image/svg+xml"]
        if texts:
            out.append(Text(text=part.forms[texts[0]], step=part.step))
        if pictures:
            out.append(Image(media_type=pictures[0], file=part.forms[pictures[0]], step=part.step))
    return out


_PLAINEST = (
    "text/plain",
    "text/markdown",
    "application/json",
    "text/csv",
    "text/latex",
    "text/html",
    "image/svg+xml",
)


def arguments_of(call: ToolCall) -> dict[str, Json]:
    """The call's arguments as the object that wires want, also where a model wrote something else."""
    return call.arguments if isinstance(call.arguments, dict) else {"unreadable": call.arguments}


def is_strict(schema: Json) -> bool:
    """Whether a schema keeps OpenAI's rules for strict tools: closed objects, every property required.

    Words that the rules do not name make it unfit. The rules: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if not isinstance(schema, dict) or not set(schema) <= _STRICT_WORDS:
        return False
    if schema.get("type") == "object" or "properties" in schema:
        properties, required = schema.get("properties"), schema.get("required")
        if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
            return False
        if not isinstance(required, list) or set(map(str, required)) != set(properties):
            return False
    inner = [schema["items"]] if "items" in schema else []
    for several in ("properties", "$defs"):
        inner += as_dict(schema.get(several)).values()
    return all(is_strict(each) for each in [*inner, *as_list(schema.get("anyOf"))])


_STRICT_WORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "description", "title", "enum", "const"}
    | {"items", "anyOf", "$defs", "$ref"}
)


# -- the body -------------------------------------------------------------------------------------


class Body:
    """Gathers a request's body; neighbouring bytes of one segment become one piece."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._key = ""
        self._data: list[bytes] = []

    def add(self, key: str, *data: bytes) -> None:
        """Append bytes that stand for the segment `key` ("" for what frames the segments)."""
        if key != self._key:
            self._flush()
            self._key = key
        self._data.extend(data)

    def value(self, key: str, value: Json) -> None:
        """Append a value as JSON."""
        self.add(key, msgspec.json.encode(value))

    def array(self, opening: bytes, values: Sequence[tuple[str, Json]]) -> None:
        """Append values, each with its segment's key, as an array after `opening`; nothing for no values."""
        for index, (key, value) in enumerate(values):
            self.add(key, b"," if index else opening)
            self.value(key, value)
        if values:
            self.add("", b"]")

    def strings(self, texts: Sequence[tuple[str, str]], between: bytes = b"") -> None:
        """Append texts, each with its segment's key, as one string; `between` is JSON already."""
        for index, (key, text) in enumerate(texts):
            self.add(key, between if index else b'"', inner(text))
        self.add(texts[-1][0] if texts else "", b'"' if texts else b'""')

    def file(self, key: str, file: str) -> None:
        """Append the base64 text of a file's bytes."""
        self._flush()
        self._pieces.append(Piece(segment=key, file=file))

    def apart(self, data: bytes) -> None:
        """Append a piece of its own, such as a cache mark; the pieces around it are as without it."""
        self._flush()
        self._pieces.append(Piece(segment="", data=data))

    def address(self, key: str, part: Media, files: Mapping[str, FileFacts]) -> None:
        """Append where the part is, within a string: its URL, or the bytes of its file as a `data:` URL."""
        if part.file is None:
            self.add(key, inner(part.url or ""))
        else:
            self.add(key, f"data:{part.media_type};base64,".encode())
            self.base64(key, part, files)

    def base64(self, key: str, part: Media, files: Mapping[str, FileFacts]) -> None:
        """Append the part's bytes in base64, within a string. Raises Refused `file_not_found`."""
        if part.file is None:
            self.add(key, inner(data_of(part) or ""))
        else:
            self.file(key, facts_of(part, files).id)

    def pieces(self, closing: bytes) -> tuple[Piece, ...]:
        """Everything so far, and a last piece that only closes."""
        self._flush()
        return (*self._pieces, Piece(segment="", data=closing))

    def _flush(self) -> None:
        if self._data:
            self._pieces.append(Piece(segment=self._key, data=b"".join(self._data)))
            self._data = []


def inner(value: str) -> bytes:
    """A string's JSON without its quotation marks, so that a string can be written piece by piece."""
    return msgspec.json.encode(value)[1:-1]


SOUNDS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/mp4": "m4a",
    "audio/pcm": "pcm16",
}
"""Media types of sound and what the OpenAI wires call them."""
