"""The dialect `openai-chat`: POST …/chat/completions, as OpenAI and nearly everyone else speaks it.

A window becomes a body in pieces: model and options, tools, instructions, messages from the root on,
so that what a provider caches of the prefix holds. How providers differ is data (quirks.py); messages
are written in openai_chat_messages.py, answers decoded in openai_chat_decode.py.

Format: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Json
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.encoding import GO_ON, Body, asked, check_takes, is_strict, joined
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder
from windowseat.features.providers.dialects.openai_chat_messages import Messages
from windowseat.features.providers.dialects.quirks import Quirks, effort_fields
from windowseat.features.providers.dialects.quirks_openai import quirks_of
from windowseat.features.providers.dialects.said import said_in


class OpenaiChat:
    """Pure encode and decode. `host` is the connection's, by which its quirks are found."""

    name: Dialect = "openai-chat"

    def __init__(self, host: str = "") -> None:
        self.host = host

    def address(self, base_url: str, model: str, *, stream: bool) -> str:  # noqa: ARG002 - the same for all
        """The base URL with `/chat/completions`; a query stays."""
        return with_path(base_url, "/chat/completions")

    def encode(
        self, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
    ) -> tuple[Piece, ...]:
        """The body as pieces.

        Raises Refused `model_cannot_take`, `file_too_large`, `file_not_found`, `extra_field`.
        """
        quirks, options, said = (
            quirks_of(self.name, self.host, model.id),
            asked(model, options),
            said_in(window),
        )
        check_takes(said, model, files, quirks.largest)
        body = Body()
        body.add("", msgspec.json.encode(_fields(model, options, quirks))[:-1])
        body.array(b',"tools":[', _tools(window, options, quirks))
        body.add("", b',"messages":[')
        Messages(body, quirks, model, files).write(window.instructions(), said)
        return body.pieces(b"]}")

    def go_on(self, pieces: tuple[Piece, ...], said: str, *, prefill: bool) -> tuple[Piece, ...]:
        """The body with `said` as the begun answer, and where it is no prefill the wish to go on from it."""
        begun: dict[str, Json] = {"role": "assistant", "content": said}
        if prefill:
            added = [{**begun, **quirks_of(self.name, self.host, "").prefill}]
        else:
            added = [begun, {"role": "user", "content": GO_ON}]
        more = b"".join(b"," + msgspec.json.encode(message) for message in added)
        return (*pieces[:-1], Piece(segment="", data=more), pieces[-1])

    def decoder(self, connection: str, model: str) -> OpenaiChatDecoder:
        """A decoder for one answer."""
        return OpenaiChatDecoder(connection, model)


def with_path(base_url: str, path: str) -> str:
    """The URL with the path at its end, once, and its query kept."""
    parts = urlsplit(base_url)
    base = parts.path.rstrip("/").removesuffix(path)
    return urlunsplit(parts._replace(path=base + path))


def _fields(model: Model, options: Options, quirks: Quirks) -> dict[str, Json]:
    """Everything but tools and messages."""
    extra = options.extra or {}
    if "messages" in extra or "stream" in extra or extra.get("n", 1) != 1:
        raise Refused(
            "extra_field",
            "The extra options may not hold “messages” or “stream”, nor ask for more than one answer.",
            hint="Take them out.",
        )
    fields: dict[str, Json] = {"model": model.id, "stream": options.stream, **quirks.always}
    if options.stream and quirks.asks_usage:
        fields["stream_options"] = {"include_usage": True}
    if options.max_output_tokens is not None:
        fields[quirks.max_tokens] = options.max_output_tokens
    if options.temperature is not None and quirks.temperature:
        fields["temperature"] = options.temperature
    if options.seed is not None and quirks.seed:
        fields[quirks.seed] = options.seed
    if options.stop and quirks.stop:
        fields["stop"] = list(options.stop)
    if options.response_format is not None:
        fields["response_format"] = options.response_format
    fields |= effort_fields(quirks, options.effort, model.efforts)
    return joined(fields, {name: value for name, value in extra.items() if name != "tools"})


def _tools(window: Window, options: Options, quirks: Quirks) -> list[tuple[str, Json]]:
    tools: list[tuple[str, Json]] = []
    for key, tool in window.tools():
        function: dict[str, Json] = {"name": tool.name, "description": tool.description}
        function["parameters"] = tool.schema
        if quirks.strict and is_strict(tool.schema):
            function["strict"] = True
        tools.append((key, {"type": "function", "function": function}))
    return tools + [("", each) for each in (options.extra or {}).get("tools") or ()]
