"""Every request that the tests know, as each dialect encodes it: recorded ones, pairs, and rich ones.

A rich one holds what a thread can hold (pictures, documents, sound, tools, results, a begun answer) with
every option, once for each model whose quirks differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from tests.features.providers.chat_requests import NotOurs, Read, read_chat_request
from tests.features.providers.recorded import Recorded, recorded
from tests.features.providers.recorded_anthropic import read_anthropic_request
from tests.features.providers.recorded_gemini import read_gemini_request
from tests.features.providers.responses_requests import read_responses_request
from tests.features.providers.test_pairs import CODECS, thread
from tests.features.providers.values import Files, body_of, encoded, message, window

from windowseat.core.errors import Refused
from windowseat.core.model import DIALECTS, Dialect, Effort, Model, Options
from windowseat.core.parts import Audio, File, Image, Part, Text, ToolCall, ToolResult
from windowseat.core.tool import Tool
from windowseat.features.providers.facts import quirks_for

OWN_HOSTS = {
    "openai-chat": "api.openai.com",
    "openai-responses": "api.openai.com",
    "anthropic-messages": "api.anthropic.com",
    "gemini-generate": "generativelanguage.googleapis.com",
}
MODELS: dict[Dialect, tuple[str, ...]] = {
    "openai-chat": ("gpt-4o", "o3-mini", "gpt-5", "gpt-5.1", "gpt-5.2"),
    "openai-responses": ("gpt-4o", "o3-mini", "gpt-5", "gpt-5.1", "gpt-5.2"),
    "anthropic-messages": (
        "claude-3-haiku-20240307", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8",
        "claude-sonnet-5", "claude-sonnet-5-5", "claude-opus-5-5",
    ),
    "gemini-generate": ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview",
                        "gemini-3.5-flash", "gemini-4-pro"),
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string", "description": "Where"}},
    "required": ["place"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Encoded:
    """A request, where it goes, and what it is; for a recorded one also as it was sent then."""

    what: str
    host: str
    body: Any
    then: Any = None


def all_of(dialect: Dialect) -> Iterator[Encoded]:
    """Everything that is encoded in this dialect."""
    yield from _recorded(dialect)
    for model in MODELS[dialect]:
        yield from _pairs(dialect, model)
        yield from _rich(dialect, model)


# -- recorded ones --------------------------------------------------------------------------------


def _recorded(dialect: Dialect) -> Iterator[Encoded]:
    for number, exchange in enumerate(each for each in recorded(dialect) if each.status == 200):
        try:
            read = _read(dialect, exchange)
        except NotOurs:  # instructions in the middle of a thread, which a window does not have
            continue
        codec = CODECS[dialect][0](exchange.host)
        body = encoded(codec, read.window, read.model, read.options, read.files)
        yield Encoded(f"recording {number}", exchange.host, body, exchange.request)


def _read(dialect: Dialect, exchange: Recorded) -> Read:
    request = exchange.request
    if dialect == "openai-chat":
        return read_chat_request(request)
    if dialect == "openai-responses":
        return read_responses_request(request)
    if dialect == "anthropic-messages":
        return read_anthropic_request(request)
    return read_gemini_request(request, "model")


# -- a thread that another dialect began ----------------------------------------------------------


def _pairs(dialect: Dialect, model_id: str) -> Iterator[Encoded]:
    host = OWN_HOSTS[dialect]
    codec = CODECS[dialect][0](host)
    for begun in DIALECTS:
        # What stands for `openai-chat` there is Mistral's, so it comes from another place than OpenAI.
        connection = "there" if begun == "openai-chat" else begun
        model = Model(connection=connection, id=model_id, dialect=dialect)
        body = encoded(codec, window(*thread(begun, model_id)), model)
        yield Encoded(f"{model_id} goes on with what {begun} began", host, body)


# -- rich ones ------------------------------------------------------------------------------------


def _rich(dialect: Dialect, model_id: str) -> Iterator[Encoded]:
    host = OWN_HOSTS[dialect]
    codec = CODECS[dialect][0](host)
    files = Files()
    model = Model(connection="there", id=model_id, dialect=dialect, output_limit=64_000, thinking=True)
    search = Options(extra=dict(quirks_for(dialect, host, model_id).search))
    for name, options in {**_options(), "search": search}.items():
        asked = window(*_thread(dialect, files), instructions=["Be brief.", "In English."], tools=[_tool()])
        yield Encoded(f"{model_id}, {name}", host, encoded(codec, asked, model, options, files))
    asked = window(message("q", "user", Text(text="Why?")))
    pieces = codec.encode(asked, model, Options(), {})
    for prefill in (True, False):
        begun = codec.go_on(pieces, "Because ", prefill=prefill)
        yield Encoded(f"{model_id}, goes on, prefill: {prefill}", host, body_of(codec, begun))


def _options() -> dict[str, Options]:
    found = {f"effort {effort}": Options(effort=effort) for effort in get_args(Effort)}
    format = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    found["every option"] = Options(
        temperature=0.5, max_output_tokens=9000, seed=7, stop=("END",), response_format=format, stream=False
    )
    return found


def _tool() -> Tool:
    return Tool(name="look", description="Looks at a place.", schema=SCHEMA)


def _thread(dialect: Dialect, files: Files) -> list[Any]:
    """A thread with one of each kind of part that the dialect takes."""
    asked = [each for each in _media(files) if _takes(dialect, each, files)]
    answer = (
        Text(text="Let me see.", step=1),
        ToolCall(id="a", name="look", arguments={"place": "here"}, step=1),
        ToolCall(id="b", name="look", arguments={"place": "there"}, step=1),
        ToolResult(id="a", content=(Text(text="A tree."), asked[0]), step=1),
        ToolResult(id="b", content=(), error="It broke.", step=1),
        Text(text="A tree.", step=2),
    )
    return [
        message("q", "user", Text(text="What is there?"), *asked),
        message("a", "assistant", *answer),
        message("r", "user", Text(text="And now?")),
    ]


def _media(files: Files) -> list[Part]:
    return [
        Image(media_type="image/png", file=files.add(b"\x89PNG", "image/png", "a.png")),
        Image(media_type="image/png", url="https://example.com/a.png"),
        File(media_type="application/pdf", file=files.add(b"%PDF-", "application/pdf", "a.pdf")),
        File(media_type="application/pdf", url="https://example.com/a.pdf"),
        File(media_type="text/plain", file=files.add(b"words", "text/plain", "a.txt", text="words")),
        Audio(media_type="audio/wav", file=files.add(b"RIFF", "audio/wav", "a.wav")),
    ]


def _takes(dialect: Dialect, part: Part, files: Files) -> bool:
    """Whether the dialect can carry the part at all; what it cannot, it refuses before anything is sent."""
    codec = CODECS[dialect][0](OWN_HOSTS[dialect])
    model = Model(connection="there", id=MODELS[dialect][0], dialect=dialect)
    try:
        codec.encode(window(message("q", "user", part)), model, Options(), files.facts)
    except Refused:
        return False
    return True


def line_of(dialect: Dialect, each: Encoded, body: Any) -> str:
    """The request as validate.py reads it; a provider who is not the client's own may have more fields."""
    extra = each.host != OWN_HOSTS[dialect] and dialect.startswith("openai")
    if dialect == "anthropic-messages":
        # Its client has had no such field since 1.0; the API still takes it of models up to 4.6.
        body = {name: value for name, value in body.items() if name != "temperature"}
    return json.dumps({"dialect": dialect, "body": body, "extra": extra})
