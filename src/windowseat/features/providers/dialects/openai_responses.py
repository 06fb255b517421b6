"""The dialect `openai-responses`: POST …/responses, OpenAI's newer wire.

A window becomes a body in pieces: model and options, tools, instructions, input items from the root on,
so that what a provider caches of the prefix holds. How providers differ is data (quirks_openai.py);
items are written in openai_responses_items.py, answers decoded in openai_responses_decode.py.

Format: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Json
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.encoding import GO_ON, Body, asked, check_takes, is_strict, joined
from windowseat.features.providers.dialects.openai_chat import with_path
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder
from windowseat.features.providers.dialects.openai_responses_items import Items
from windowseat.features.providers.dialects.quirks import Quirks, effort_fields
from windowseat.features.providers.dialects.quirks_openai import quirks_of
from windowseat.features.providers.dialects.response_format import schema_in, wants_json
from windowseat.features.providers.dialects.said import said_in


class OpenaiResponses:
    """Pure encode and decode. `host` is the connection's, by which its quirks are found."""

    name: Dialect = "openai-responses"

    def __init__(self, host: str = "") -> None:
        self.host = host

    def address(self, base_url: str, model: str, *, stream: bool) -> str:  # noqa: ARG002 - the same for all
        """The base URL with `/responses`; a query stays."""
        return with_path(base_url, "/responses")

    def encode(
        self, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
    ) -> tuple[Piece, ...]:
        """The body as pieces.

        Raises Refused `model_cannot_take`, `file_too_large`, `file_not_found`, `extra_field`,
        `response_format`.
        """
        quirks, options, said = (
            quirks_of(self.name, self.host, model.id),
            asked(model, options),
            said_in(window),
        )
        check_takes(said, model, files, quirks.largest)
        body = Body()
        body.add("", msgspec.json.encode(_fields(model, options, quirks))[:-1])
        body.array(b',"tools":[', _tools(window, options))
        if texts := [(key, text) for key, text in window.instructions() if text]:
            body.add(texts[0][0], b',"instructions":')
            body.strings(texts, b"\\n\\n")
        body.add("", b',"input":[')
        Items(body, quirks, model, files).write(said)
        return body.pieces(b"]}")

    def go_on(self, pieces: tuple[Piece, ...], said: str, *, prefill: bool) -> tuple[Piece, ...]:
        """The body with `said` as the begun answer, and where it is no prefill the wish to go on from it."""
        added: list[Json] = [{"role": "assistant", "content": said}]
        if not prefill:
            added.append({"role": "user", "content": GO_ON})
        more = b"".join(b"," + msgspec.json.encode(item) for item in added)
        return (*pieces[:-1], Piece(segment="", data=more), pieces[-1])

    def decoder(self, connection: str, model: str) -> OpenaiResponsesDecoder:
        """A decoder for one answer."""
        return OpenaiResponsesDecoder(connection, model)


def _fields(model: Model, options: Options, quirks: Quirks) -> dict[str, Json]:
    """Everything but tools, instructions and input."""
    extra = {name: value for name, value in (options.extra or {}).items() if name != "tools"}
    if not extra.keys().isdisjoint(("input", "instructions", "stream")):
        raise Refused(
            "extra_field",
            "The extra options may not hold “input”, “instructions” or “stream”.",
            hint="Take them out.",
        )
    fields: dict[str, Json] = {"model": model.id, "stream": options.stream, **quirks.always}
    if options.max_output_tokens is not None:
        fields[quirks.max_tokens] = options.max_output_tokens
    if options.temperature is not None and quirks.temperature:
        fields["temperature"] = options.temperature
    if options.response_format is not None:
        fields["text"] = {"format": _format(options.response_format)}
    fields |= effort_fields(quirks, options.effort, model.efforts)
    return joined(fields, extra)


def _format(wanted: dict[str, Json]) -> dict[str, Json]:
    """The format as this wire says it: what chat nests in `json_schema` stands beside the type."""
    schema = schema_in(wanted) if wants_json(wanted) else None
    if schema is None:
        return {"type": wanted["type"]}
    nested = wanted.get("json_schema", wanted)
    more = {name: nested[name] for name in ("description", "strict") if name in nested}
    return {"type": "json_schema", "name": nested.get("name", "answer"), "schema": schema, **more}


def _tools(window: Window, options: Options) -> list[tuple[str, Json]]:
    tools: list[tuple[str, Json]] = [
        (
            key,
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
                # Left out it would mean true, and a schema that does not fit would be refused.
                "strict": is_strict(tool.schema),
            },
        )
        for key, tool in window.tools()
    ]
    return tools + [("", each) for each in (options.extra or {}).get("tools") or ()]
