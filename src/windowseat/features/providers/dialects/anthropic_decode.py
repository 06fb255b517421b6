"""Decodes answers of `anthropic-messages`: the blocks of a message become parts, streamed or whole.

A block that is streamed is rebuilt as the provider would have sent it whole; from that the part and
its raw item are made, so both ways are one. The format: https://platform.claude.com/docs/en/api/messages
and …/build-with-claude/streaming, and the types of the package `anthropic` 2.13.0, read 2026-11-25.

Not here: requests (anthropic_encode), frames of the stream (sse), and what a turn makes of the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from windowseat.core.events import PartDelta
from windowseat.core.exchange import Decoded, Finished
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import By, Citation, Json, Notice, Opaque, Part, Text, Thinking, ToolCall
from windowseat.features.providers.dialects.anthropic_results import is_result, result_of
from windowseat.features.providers.dialects.decoding import (
    Growing,
    as_dict,
    as_int,
    as_list,
    as_str,
    cut,
    json_of,
    parsed_arguments,
    unreadable,
)
from windowseat.features.providers.transport.faults import fault_in_stream

Block = dict[str, Json]

_STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_call",
    "refusal": "refusal",
    # The provider's own loop of tools reached its limit; sent back as it is, the answer goes on.
    "pause_turn": "paused",
    "compaction": "paused",
}

_CALLS: dict[str, By] = {"tool_use": "us", "server_tool_use": "provider", "mcp_tool_use": "provider"}

_GROWS = {
    ("text", "text_delta"): "text",
    ("thinking", "thinking_delta"): "thinking",
    **{(call, "input_json_delta"): "partial_json" for call in _CALLS},
}
"""By the type of a block and of its delta: the delta's field that the part grows by."""


@dataclass(slots=True)
class _Open:
    """A block that has begun: `raw` as it came so far, but for the words in `pieces`; `id` of a call."""

    raw: Block
    kind: str
    key: str
    id: str
    index: int | None = None
    pieces: list[str] = field(default_factory=list)

    def whole(self) -> Block:
        """The block as it would have come in one piece; an input that is no object stays raw text."""
        words = "".join(self.pieces)
        if not words:
            return self.raw
        if self.kind in _CALLS:
            return {**self.raw, "input": parsed_arguments(words)}
        return {**self.raw, self.kind: as_str(self.raw.get(self.kind)) + words}


class AnthropicDecoder:
    """Decodes one answer. `connection` and `model` are named by the parts' origins."""

    def __init__(self, connection: str, model: str) -> None:
        self._connection = connection
        self._parts = Growing("anthropic-messages", connection, model)
        self._open: dict[int, _Open] = {}
        self._id = ""
        self._usage: dict[str, Json] = {}
        self._stop: dict[str, Json] = {}
        self._done = False

    def feed(self, event: str, data: bytes) -> Sequence[Decoded]:  # noqa: ARG002 - the data name it too
        """One event of a stream. Raises ProviderFault for an error in it, or for what is not the dialect."""
        if self._done:
            return ()
        message = json_of(data)
        match message.get("type"):
            case "content_block_delta":
                self._grow(message)
            case "content_block_start":
                self._begin(as_int(message.get("index")), as_dict(message.get("content_block")))
            case "content_block_stop":
                self._settle(as_int(message.get("index")))
            case "message_start":
                self._head(as_dict(message.get("message")))
            case "message_delta":
                self._stop.update(as_dict(message.get("delta")))
                self._count(message.get("usage"))
            case "message_stop":
                return self._finish()
            case "error":
                raise fault_in_stream(message, provider=self._connection, answered=200)
        return self._parts.take()

    def whole(self, body: bytes) -> Sequence[Decoded]:
        """A message that was not streamed. Raises ProviderFault."""
        message = json_of(body)
        if "error" in message:
            raise fault_in_stream(message, provider=self._connection, answered=200)
        if not isinstance(message.get("content"), list):
            raise unreadable(body, "it has no content")
        self._head(message)
        self._stop = message
        for number, block in enumerate(message["content"]):
            self._begin(number, as_dict(block))
            self._settle(number)
        return self._finish()

    def end(self) -> Sequence[Decoded]:
        """The stream is over. Raises ProviderFault `provider_cut` where no reason to stop came."""
        if self._done:
            return ()
        if not self._stop.get("stop_reason"):
            raise cut(self._connection)
        return self._finish()

    # -- blocks -----------------------------------------------------------------------------------

    def _head(self, message: dict[str, Json]) -> None:
        self._id = as_str(message.get("id"))
        self._count(message.get("usage"))

    def _begin(self, number: int | None, raw: Block) -> None:
        if number is None:
            return
        self._settle(number)  # a number that comes twice: what was there is complete
        block = _Open(
            raw=dict(raw),
            kind=as_str(raw.get("type")),
            key=f"{self._id}/{number}",
            id=as_str(raw.get("id")) or f"call_{self._parts.size}",
        )
        self._open[number] = block
        if block.kind in _CALLS:
            block.index = self._parts.start(replace(_call(block, raw), arguments=""))
        elif block.kind == "text":
            block.index = self._parts.start(Text(text=as_str(raw.get("text"))))
        elif block.kind == "thinking":
            block.index = self._parts.start(Thinking(text=as_str(raw.get("thinking"))))

    def _grow(self, message: dict[str, Json]) -> None:
        block = self._open.get(-1 if (number := as_int(message.get("index"))) is None else number)
        if block is None:
            return
        delta = as_dict(message.get("delta"))
        name = _GROWS.get((block.kind, as_str(delta.get("type"))))
        if name is None and block.kind in ("text", "thinking") and block.kind in delta:
            name = block.kind  # a delta of a new type with the words of an old one
        if name is None or block.index is None:
            _merge(block.raw, delta)
        elif text := as_str(delta.get(name)):
            block.pieces.append(text)
            self._parts.events.append(PartDelta(index=block.index, text=text))

    def _settle(self, number: int | None) -> None:
        block = self._open.pop(-1 if number is None else number, None)
        if block is None:
            return
        raw = block.whole()
        made = _made_of(block, raw, self._parts.size if block.index is None else block.index)
        first, *others = made
        item = raw if _says_more(raw, first) else None
        shared = item is not None or len(made) > 1
        origin = self._parts.from_here(block.key if shared else None, item, len(made))
        first = replace(first, origin=origin)
        if block.index is None:
            self._parts.add(first)
        else:
            self._parts.settled(block.index, first)
        for other in others:
            self._parts.add(replace(other, origin=replace(origin, item=None)))

    # -- the end ----------------------------------------------------------------------------------

    def _count(self, usage: Json) -> None:
        """Counts are running totals: a later one stands, one that is not told again stays."""
        self._usage.update({name: value for name, value in as_dict(usage).items() if value is not None})

    def _finish(self) -> Sequence[Decoded]:
        for number in sorted(self._open):
            self._settle(number)
        why = as_str(as_dict(self._stop.get("stop_details")).get("explanation"))
        if why:
            self._parts.add(Notice(code="refusal", text=why))
        self._done = True
        reason = _STOP_REASONS.get(as_str(self._stop.get("stop_reason")), "end")
        return [*self._parts.take(), Finished(stop_reason=reason, usage=usage_of(self._usage))]


def _made_of(block: _Open, raw: Block, index: int) -> list[Part]:
    """The parts that a whole block stands for; the one that stands at `index` is first."""
    match block.kind:
        case "text":
            text = Text(text=as_str(raw.get("text")))
            sources = as_list(raw.get("citations"))
            return [text, *(_citation(as_dict(each), text, index) for each in sources)]
        case "thinking":
            return [Thinking(text=as_str(raw.get("thinking")))]
        case "redacted_thinking":
            return [Thinking(text="")]
        case kind if kind in _CALLS:
            return [_call(block, raw)]
        case kind if is_result(kind):
            return [result_of(raw)]
        case kind:
            return [Opaque(dialect="anthropic-messages", kind=kind, data=raw)]


def _call(block: _Open, raw: Block) -> ToolCall:
    given = raw.get("input")
    arguments = given if isinstance(given, dict | str) else {}
    return ToolCall(id=block.id, name=as_str(raw.get("name")), arguments=arguments, by=_CALLS[block.kind])


def _merge(raw: Block, delta: dict[str, Json]) -> None:
    """Add what a delta brings beside the part's own words: sources are gathered, all else is set anew."""
    for name, value in delta.items():
        if name == "citation":
            raw["citations"] = [*as_list(raw.get("citations")), value]
        elif name not in ("type", "id") and value is not None:
            raw[name] = value


def _says_more(raw: Block, part: Part) -> bool:
    """Whether the block holds what its part does not, so that it must go back as it is.

    A call whose input broke off could not go back: its part alone says what there is.
    """
    match part:
        case Text():
            return any(value for name, value in raw.items() if name not in ("type", "text"))
        case ToolCall():
            return isinstance(part.arguments, dict)
        case Opaque():
            return False
        case _:
            return True


def _citation(raw: dict[str, Json], text: Text, index: int) -> Citation:
    """One source of a text. Its places count within the source; what it speaks of is the whole text."""
    return Citation(
        part=index,
        start=0,
        end=len(text.text),
        title=as_str(raw.get("title")) or as_str(raw.get("document_title")) or None,
        url=as_str(raw.get("url")) or as_str(raw.get("source")) or None,
        quote=as_str(raw.get("cited_text")) or None,
    )


def usage_of(usage: dict[str, Json]) -> Usage | None:
    """The tokens of an answer, None where none were told.

    What was read is `input_tokens` and both cache counts together. A compaction of the window is a
    request of its own that the totals leave out, so it is added; what an advising model used is
    priced by another model and stands in the details. Source: the docstrings of `BetaUsage` in the
    package `anthropic` 2.13.0, and https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    if not usage:
        return None
    counted = [usage]
    advice: list[dict[str, Json]] = []
    for each in map(as_dict, as_list(usage.get("iterations"))):
        if each.get("type") == "compaction":
            counted.append(each)
        elif each.get("type") == "advisor_message":
            advice.append(each)
    plain, out = _sum(counted, "input_tokens"), _sum(counted, "output_tokens")
    read, written = _sum(counted, "cache_read_input_tokens"), _sum(counted, "cache_creation_input_tokens")
    known = [count for count in (plain, read, written) if count is not None]
    lifetimes = [as_dict(each.get("cache_creation")) for each in counted]
    server = as_dict(usage.get("server_tool_use"))
    details = {
        "cache_write_5m_tokens": _sum(lifetimes, "ephemeral_5m_input_tokens"),
        "cache_write_1h_tokens": _sum(lifetimes, "ephemeral_1h_input_tokens"),
        "searches": as_int(server.get("web_search_requests")),
        "fetches": as_int(server.get("web_fetch_requests")),
        "advisor_input_tokens": _sum(advice, "input_tokens"),
        "advisor_output_tokens": _sum(advice, "output_tokens"),
    }
    return Usage(
        input_tokens=sum(known) if known else None,
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=out,
        thinking_tokens=as_int(as_dict(usage.get("output_tokens_details")).get("thinking_tokens")),
        details={name: count for name, count in details.items() if count} or None,
    )


def _sum(counted: Sequence[dict[str, Json]], name: str) -> int | None:
    known = [count for each in counted if (count := as_int(each.get(name))) is not None]
    return sum(known) if known else None
