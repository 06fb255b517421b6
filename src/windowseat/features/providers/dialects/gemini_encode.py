"""Encodes a window as a request of `gemini-generate`, in pieces that stay the same from turn to turn.

The order is options, tools, instructions, contents from the root on, so that what Google caches of a
prefix by itself holds; nothing is marked. The format: https://ai.google.dev/api/generate-content and the
types of the package `google-genai` 3.6.1, read 2026-11-25.

What the wire cannot carry is left out: thoughts that are not signed by this very model, citations, tools
that another provider ran. Media of a tool's result, and of another model's answer, move to the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model, Options
from windowseat.core.parts import Json, Media, Part, ToolResult
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.blocks import Block, of_json, write
from windowseat.features.providers.dialects.encoding import Body, check_takes, media_of_result
from windowseat.features.providers.dialects.gemini_parts import WireParts, of_text
from windowseat.features.providers.dialects.quirks import Quirks, effort_fields
from windowseat.features.providers.dialects.quirks_claude_gemini import quirks_of
from windowseat.features.providers.dialects.response_format import schema_in, wants_json
from windowseat.features.providers.dialects.said import Keyed, Said, answered_there, raw_items, said_in

_CLOSING = b"]}"


def encode(
    host: str, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
) -> tuple[Piece, ...]:
    """The body as pieces; see `GeminiGenerate.encode`."""
    quirks = quirks_of("gemini-generate", host, model.id)
    said = said_in(window)
    check_takes(said, model, files, quirks.largest)
    contents = _contents(said, WireParts(model, quirks, files, answered_there(said)))
    extra = options.extra or {}
    body = Body()
    body.add("", msgspec.json.encode(_fields(model, quirks, options))[:-1])
    _tools(body, window, extra)
    if "systemInstruction" not in extra:
        texts = [block for key, text in window.instructions() for block in of_text(key, text)]
        write(body, b',"systemInstruction":{"parts":[', texts)
        body.add("", b"}" if texts else b"")
    body.add("", b',"contents":[')
    for index, content in enumerate(contents):
        between = "," if index else ""
        write(body, f'{between}{{"role":"{content.role}","parts":['.encode(), content.blocks)
        body.add("", b"}")
    return body.pieces(_CLOSING)


# -- beside the contents ------------------------------------------------------------------------------


def _fields(model: Model, quirks: Quirks, options: Options) -> dict[str, Json]:
    """The options. Fields of `extra` stand as they are; those of its `generationConfig` go over ours."""
    extra = options.extra or {}
    if "contents" in extra:
        raise Refused("extra_field", "The extra options may not hold “contents”.", hint="Take it out.")
    config: dict[str, Json] = {}
    if options.max_output_tokens is not None:
        config[quirks.max_tokens] = options.max_output_tokens
    if options.temperature is not None and quirks.temperature:
        config["temperature"] = options.temperature
    if options.seed is not None and quirks.seed:
        config[quirks.seed] = options.seed
    if options.stop and quirks.stop:
        config["stopSequences"] = list(options.stop)
    if options.response_format is not None and wants_json(options.response_format):
        config["responseMimeType"] = "application/json"
        schema = schema_in(options.response_format)
        if schema is not None:
            config["responseJsonSchema"] = schema
    if model.outputs is not None and model.outputs & {"image", "audio"}:
        config["responseModalities"] = [each.upper() for each in _OUT if each in model.outputs]
    config |= effort_fields(quirks, options.effort, model.efforts)
    if options.effort is None and model.thinking is True:
        config |= quirks.shows_thinking
    wanted = extra.get("generationConfig")
    config |= wanted if isinstance(wanted, dict) else {}
    rest = {name: value for name, value in extra.items() if name not in ("tools", "generationConfig")}
    return {"generationConfig": config, **rest}


_OUT = ("text", "image", "audio")


def _tools(body: Body, window: Window, extra: Mapping[str, Json]) -> None:
    """All functions in one entry, then what `extra` brings, such as Google's own tools."""
    functions = [
        of_json(
            key, {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.schema}
        )
        for key, tool in window.tools()
    ]
    theirs = [of_json("", each) for each in extra.get("tools") or ()]
    if functions:
        write(body, b',"tools":[{"functionDeclarations":[', functions)
        body.add("", b"}" if theirs else b"}]")
    write(body, b"," if functions else b',"tools":[', theirs)


# -- contents -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Content:
    """One content. Results stand in contents of their own, as Google's examples have them."""

    role: str
    blocks: list[Block]
    results: bool = False


def _contents(said: Sequence[Said], wire: WireParts) -> list[_Content]:
    """The contents, neighbours that say the same kind of thing as one, the user first."""
    contents: list[_Content] = []
    brought: list[Keyed] = []
    for each in said:
        if each.role == "tool":
            _add(contents, _Content("user", wire.of_results(each.parts), results=True))
            for key, part in each.parts:
                if isinstance(part, ToolResult):
                    media = [(key, part) for part in media_of_result(part)]
                    _add(contents, _Content("user", _moved(media, wire, "a tool")))
            continue
        _add(contents, _Content("user", _moved(brought, wire, "your answer above")))
        brought = []
        if each.role == "user":
            _add(contents, _Content("user", wire.of_user(each.parts)))
        else:
            _add(contents, _Content("model", wire.of_answer(raw_items(each.parts, wire.place))))
            brought = [(key, part) for key, part in each.parts if _is_foreign(part, wire)]
    _add(contents, _Content("user", _moved(brought, wire, "your answer above")))
    if contents and contents[0].role == "model":
        contents.insert(0, _Content("user", of_text("", "(What was said before is left out.)")))
    return contents


def _is_foreign(part: Part, wire: WireParts) -> bool:
    return isinstance(part, Media) and not wire.place.made(part)


def _add(contents: list[_Content], content: _Content) -> None:
    if not content.blocks:
        return
    last = contents[-1] if contents else None
    if last is not None and (last.role, last.results) == (content.role, content.results):
        last.blocks += content.blocks
    else:
        contents.append(content)


def _moved(media: Sequence[tuple[str, Media]] | Sequence[Keyed], wire: WireParts, whose: str) -> list[Block]:
    """Media where the user would send them, with what they are from; in words what the model cannot take."""
    blocks: list[Block] = []
    for key, part in media:
        assert isinstance(part, Media)
        why = wire.why_not(part)
        if why:
            blocks += of_text(key, f"(There was more from {whose}. {why}, so it is left out.)")
        else:
            blocks += [*of_text(key, f"(This is from {whose}.)"), *wire.of_user([(key, part)])]
    return blocks
