"""Encodes a window as a request of `anthropic-messages`, in pieces that stay the same from turn to turn.

The order is options, tools, instructions, messages from the root on: what is cached of a prefix then
holds. At most four cache marks are set, each a piece of its own: after the tools, after the
instructions, and after the last two messages of the user. The format:
https://platform.claude.com/docs/en/api/messages and …/build-with-claude/prompt-caching, read 2026-11-25.

What the wire cannot carry is left out: thoughts that are not this model's own, citations apart from the
text they came with, tools that another provider ran. Pictures that an answer brought move to the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model, Options
from windowseat.core.parts import Json, Media, Text, Thinking, ToolCall
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.anthropic_blocks import Blocks, of_text
from windowseat.features.providers.dialects.blocks import Block, of_json, write
from windowseat.features.providers.dialects.encoding import Body, check_takes, is_strict
from windowseat.features.providers.dialects.quirks import Fields, Quirks, effort_fields
from windowseat.features.providers.dialects.quirks_claude_gemini import quirks_of
from windowseat.features.providers.dialects.response_format import schema_in, wants_json
from windowseat.features.providers.dialects.said import Keyed, Said, answered_there, raw_items, said_in

_CLOSING = b"]}"
_MARK = b',"cache_control":{"type":"ephemeral"}'
_MARKED_MESSAGES = 2

LEAST_BUDGET = 1024
ROOM = 8192
"""Tokens for the answer itself, where neither the user nor the model's facts bound it. The field must be
there; every model of the last two years writes as much, and so do others that speak this dialect."""


def encode(
    host: str, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
) -> tuple[Piece, ...]:
    """The body as pieces; see `AnthropicMessages.encode`."""
    quirks = quirks_of("anthropic-messages", host, model.id)
    said = _trimmed(said_in(window))
    check_takes(said, model, files, quirks.largest)
    blocks = Blocks(model, quirks, files, answered_there(said))
    messages = _messages(said, blocks, quirks)
    extra = options.extra or {}
    mark = _MARK if quirks.cache_marks and "cache_control" not in extra else b""
    body = Body()
    body.add("", msgspec.json.encode(_fields(model, quirks, options, _may_budget(said, blocks)))[:-1])
    write(body, b',"tools":[', _tools(window, quirks, extra), mark=mark)
    if "system" not in extra:
        write(body, b',"system":[', _instructions(window), mark=mark)
    body.add("", b',"messages":[')
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    marked = users[-_MARKED_MESSAGES:] if mark else []
    for index, message in enumerate(messages):
        between = "," if index else ""
        opening = f'{between}{{"role":"{message.role}","content":['.encode()
        write(body, opening, message.blocks, mark=mark if index in marked else b"")
        body.add("", b"}")
    return body.pieces(_CLOSING)


# -- beside the messages ------------------------------------------------------------------------------


def _fields(model: Model, quirks: Quirks, options: Options, may_budget: bool) -> dict[str, Json]:
    """Model and options. Fields of `extra` stand as they are, in place of ours of the same name."""
    extra = options.extra or {}
    if "messages" in extra or "stream" in extra:
        raise Refused(
            "extra_field",
            "The extra options may not hold “messages” or “stream”.",
            hint="Take them out.",
        )
    thinking = _thinking(model, quirks, options, may_budget)
    bound = options.max_output_tokens or model.output_limit or ROOM + _budget(thinking)
    fields: dict[str, Json] = {"model": model.id, "max_tokens": bound, "stream": options.stream}
    fields |= _within(thinking, bound)
    thinks = "thinking" in fields and fields["thinking"]["type"] not in ("disabled", "between_tools")
    if options.temperature is not None and quirks.temperature and not thinks:
        fields["temperature"] = options.temperature
    if options.stop and quirks.stop:
        fields["stop_sequences"] = list(options.stop)
    if options.response_format is not None and wants_json(options.response_format):
        format = _format(options.response_format)
        fields["output_config"] = {**fields.get("output_config", {}), "format": format}
    return fields | {name: value for name, value in extra.items() if name != "tools"}


def _thinking(model: Model, quirks: Quirks, options: Options, may_budget: bool) -> Fields:
    fields = effort_fields(quirks, options.effort, model.efforts)
    if not fields and options.effort is None and model.thinking is True:
        fields = quirks.shows_thinking
    return fields if may_budget or not _budget(fields) else {}


def _budget(fields: Fields) -> int:
    tokens: int = fields.get("thinking", {}).get("budget_tokens", 0)
    return tokens


def _within(fields: Fields, bound: int) -> Fields:
    """The same with a budget below what the whole answer may have, or without thinking where none fits."""
    budget = _budget(fields)
    if not budget:
        return fields
    if bound <= LEAST_BUDGET:
        return {}
    budget = budget if budget < bound else max(LEAST_BUDGET, bound // 2)
    return {**fields, "thinking": {**fields["thinking"], "budget_tokens": budget}}


def _format(wanted: dict[str, Json]) -> dict[str, Json]:
    schema = schema_in(wanted)
    if schema is None:
        raise Refused(
            "response_format",
            "This provider writes JSON only after a schema.",
            hint="Give a schema, or ask for JSON in words.",
        )
    return {"type": "json_schema", "schema": schema}


def _tools(window: Window, quirks: Quirks, extra: Mapping[str, Json]) -> list[Block]:
    blocks: list[Block] = []
    for key, tool in window.tools():
        value: dict[str, Json] = {
            "name": tool.name,
            "description": tool.description,
            "input_schema": tool.schema,
        }
        if quirks.strict and is_strict(tool.schema):
            value["strict"] = True
        blocks.append(of_json(key, value))
    return blocks + [of_json("", each) for each in extra.get("tools") or ()]


def _instructions(window: Window) -> list[Block]:
    return [block for key, text in window.instructions() for block in of_text(key, text)]


# -- messages -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Message:
    role: str
    blocks: list[Block]


def _trimmed(said: list[Said]) -> list[Said]:
    """The same, but for space at the end of an answer that stands last: the wire refuses it."""
    if not said or said[-1].role != "assistant":
        return said
    key, part = said[-1].parts[-1]
    if not isinstance(part, Text) or part.text == part.text.rstrip():
        return said
    end = (key, replace(part, text=part.text.rstrip(), origin=None))
    return [*said[:-1], replace(said[-1], parts=(*said[-1].parts[:-1], end))]


def _running(said: Sequence[Said]) -> int:
    """Where the running turn begins: after the last that the user said."""
    return max((index for index, each in enumerate(said) if each.role == "user"), default=-1) + 1


def _messages(said: Sequence[Said], blocks: Blocks, quirks: Quirks) -> list[_Message]:
    """The messages, roles in turn, the user first. Results and what the user says next are one message."""
    messages: list[_Message] = []
    running = _running(said)
    brought: list[Keyed] = []
    for index, each in enumerate(said):
        if each.role == "assistant":
            _add(messages, "user", _brought(brought, blocks))
            may_think = quirks.thinking == "raw" or (quirks.thinking == "turn" and index >= running)
            _add(
                messages,
                "assistant",
                blocks.of_answer(raw_items(each.parts, blocks.place), may_think=may_think),
            )
            brought = [(k, p) for k, p in each.parts if isinstance(p, Media) and blocks.why_not(p) is None]
        elif each.role == "tool":
            _add(messages, "user", blocks.of_results(each.parts))
        else:
            _add(messages, "user", [*_brought(brought, blocks), *blocks.of_user(each.parts)])
            brought = []
    _add(messages, "user", _brought(brought, blocks))
    if messages and messages[0].role == "assistant":
        messages.insert(0, _Message("user", of_text("", "(What was said before is left out.)")))
    return messages


def _add(messages: list[_Message], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if messages and messages[-1].role == role:
        messages[-1].blocks += blocks
    else:
        messages.append(_Message(role, list(blocks)))


def _brought(media: Sequence[Keyed], blocks: Blocks) -> list[Block]:
    """Pictures of an answer, which only a user may send."""
    if not media:
        return []
    return [*of_text(media[0][0], "(This is from your answer above.)"), *blocks.of_user(media)]


def _may_budget(said: Sequence[Said], blocks: Blocks) -> bool:
    """Whether thinking may be on by a budget.

    In a running turn with tools each answer would have to begin with its own thoughts, so not where
    another model, or this one without thinking, began it (Anthropic, "Extended thinking with tool use").
    """
    for each in said[_running(said) :]:
        if each.role == "assistant" and any(isinstance(p, ToolCall) for _, p in each.parts):
            first = each.parts[0][1]
            return isinstance(first, Thinking) and blocks.place.made(first)
    return True
