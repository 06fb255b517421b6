"""Decode an answer of the dialect `openai-responses`: events of a stream, or one whole response.

The wire has items (a thought, a message, a call, a tool that ran there) with content parts. A thought
is one part, a message one part for each content, a call one part; each item stands as it came in the
origin of its first part, and goes back so. An item that is not known is an opaque part.

Format: https://platform.openai.com/docs/api-reference/responses-streaming
Not here: requests (openai_responses.py), what a tool that ran there said (openai_responses_tools.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from windowseat.core.errors import ProviderFault
from windowseat.core.events import PartDelta
from windowseat.core.exchange import Decoded, Finished
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import By, Json, Opaque, Origin, Text, Thinking, ToolCall, ToolResult, grown
from windowseat.features.providers.dialects.decoding import (
    NOT_JSON,
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
from windowseat.features.providers.dialects.openai_responses_tools import RanThere, ran_there, without_result
from windowseat.features.providers.transport.faults import fault_in_stream


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    """What nearly every event is: more of a text, a thought or a call's arguments."""

    type: str
    delta: str
    output_index: int
    item_id: msgspec.Raw = msgspec.Raw()
    content_index: int = 0
    summary_index: int = 0
    sequence_number: msgspec.Raw = msgspec.Raw()
    obfuscation: msgspec.Raw = msgspec.Raw()
    logprobs: list[Any] | None = None


_DELTAS = msgspec.json.Decoder(_Delta)

_WORDS = ("response.output_text.delta", "response.refusal.delta")
_THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ARGUMENTS = (
    "response.function_call_arguments.delta",
    "response.mcp_call_arguments.delta",
    "response.code_interpreter_call_code.delta",
    "response.custom_tool_call_input.delta",
)
_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class _Slot:
    """A part of an item as it grows; `at` is which content or summary its last words were of."""

    __slots__ = ("at", "index", "part", "words")

    def __init__(self, index: int, part: Text | Thinking | ToolCall) -> None:
        self.index = index
        self.part = part
        self.at = 0
        self.words: list[str] = []


class OpenaiResponsesDecoder:
    """Decodes one answer."""

    def __init__(self, connection: str, model: str) -> None:
        self._connection = connection
        self._parts = Growing("openai-responses", connection, model)
        self._slots: dict[tuple[int, int], _Slot] = {}
        self._settled: set[int | str] = set()
        self._calls = self._refused = self._done = False
        self._searches = 0

    # -- the three ways in ------------------------------------------------------------------------

    def feed(self, event: str, data: bytes) -> Sequence[Decoded]:
        """One event of a stream. Raises ProviderFault for an error in it, or for what is not the dialect."""
        if self._done:
            return ()
        try:
            delta = _DELTAS.decode(data)
        except NOT_JSON:
            if data.strip() != b"[DONE]":
                self._event(json_of(data), event)
        else:
            slot = self._slots.get((delta.output_index, delta.content_index))
            if slot is not None and delta.type == "response.output_text.delta":
                slot.words.append(delta.delta)
                return (PartDelta(index=slot.index, text=delta.delta, logprobs=delta.logprobs or None),)
            self._grow(delta)
        return self._parts.take()

    def whole(self, body: bytes) -> Sequence[Decoded]:
        """A response that was not streamed. Raises ProviderFault."""
        answer = json_of(body)
        if error := answer.get("error"):
            raise fault_in_stream(error, provider=self._connection, answered=200)
        if not isinstance(answer.get("output"), list):
            raise unreadable(body, "it has no output")
        self._finish(answer)
        return self._parts.take()

    def end(self) -> Sequence[Decoded]:
        """The stream is over. Raises ProviderFault `provider_cut` where the response was not ended."""
        if not self._done:
            raise cut(self._connection)
        return ()

    # -- events -----------------------------------------------------------------------------------

    def _event(self, event: dict[str, Any], name: str) -> None:
        kind = as_str(event.get("type")) or name
        at = as_int(event.get("output_index")) or 0
        if kind == "response.output_item.added":
            self._begin(at, as_dict(event.get("item")))
        elif kind == "response.output_item.done":
            self._settle(at, as_dict(event.get("item")))
        elif kind in _ENDS:
            self._finish(as_dict(event.get("response")))
        elif kind == "error" or event.get("error"):
            raise fault_in_stream(event.get("error") or event, provider=self._connection, answered=200)

    def _begin(self, at: int, item: dict[str, Any]) -> None:
        """An item begins; a message's parts begin with their first words."""
        kind = as_str(item.get("type"))
        if (at, 0) in self._slots or at in self._settled:
            return
        ran = ran_there(item)
        if kind == "reasoning":
            self._slots[at, 0] = self._start(Thinking(text=""))
        elif ran is not None or kind in ("function_call", "custom_tool_call"):
            name = ran.name if ran else as_str(item.get("name"))
            by: By = "provider" if ran else "us"
            call = self._parts.begin_call(as_str(item.get("call_id")) or as_str(item.get("id")), name, by)
            self._slots[at, 0] = _Slot(call.index, ToolCall(id=call.id, name=name, arguments="", by=by))

    def _start(self, part: Text | Thinking) -> _Slot:
        return _Slot(self._parts.start(part), part)

    def _grow(self, delta: _Delta) -> None:
        at = delta.output_index
        if at in self._settled:
            return
        if delta.type in _WORDS:
            self._text(at, delta.content_index, delta.delta, delta.logprobs)
        elif delta.type in _THOUGHTS:
            self._begin(at, {"type": "reasoning"})
            slot, place = self._slots[at, 0], max(delta.summary_index, delta.content_index)
            self._more(slot, "\n\n" if slot.words and place != slot.at else "")
            slot.at = place
            self._more(slot, delta.delta)
        elif delta.type in _ARGUMENTS and (at, 0) in self._slots:
            self._more(self._slots[at, 0], delta.delta)

    def _text(self, at: int, content: int, text: str, logprobs: Json = None) -> _Slot:
        slot = self._slots.get((at, content))
        if slot is None:
            slot = self._slots[at, content] = self._start(Text(text=""))
        self._more(slot, text, logprobs)
        return slot

    def _more(self, slot: _Slot, text: str, logprobs: Json = None) -> None:
        if text:
            slot.words.append(text)
            self._parts.events.append(PartDelta(index=slot.index, text=text, logprobs=logprobs or None))

    def _rest(self, slot: _Slot, whole: str) -> None:
        """What of the whole words did not come as deltas."""
        said = "".join(slot.words)
        if whole.startswith(said):
            self._more(slot, whole[len(said) :])

    # -- items ------------------------------------------------------------------------------------

    def _settle(self, at: int, item: dict[str, Any]) -> None:
        """An item is complete. The last event tells all items once more; then only new ones count."""
        names = {at, as_str(item.get("id")) or at}
        if names & self._settled:
            return
        kind, ran = as_str(item.get("type")), ran_there(item)
        made_of = {"message": Text, "reasoning": Thinking}.get(kind, ToolCall)
        self._close(at, [place for place, slot in self._slots.items() if not isinstance(slot.part, made_of)])
        self._begin(at, item)
        self._settled |= names
        if kind == "message":
            self._message(at, item)
        elif kind == "reasoning":
            self._thought(at, item)
        elif kind in ("function_call", "custom_tool_call"):
            self._calls = True
            written = as_str(item.get("arguments" if kind == "function_call" else "input"))
            self._rest(self._slots[at, 0], written)
            arguments = parsed_arguments(written) if kind == "function_call" else written
            self._call(at, arguments, "us", self._parts.from_here(f"item/{at}", item))
        elif ran is not None:
            self._searches += kind == "web_search_call"
            self._ran(at, item, ran)
        else:
            self._parts.add(self._opaque(at, item))
        self._close(at, list(self._slots))

    def _call(self, at: int, arguments: dict[str, Json] | str, by: By, origin: Origin) -> str:
        slot = self._slots.pop((at, 0))
        assert isinstance(slot.part, ToolCall)
        self._parts.settled(slot.index, replace(slot.part, arguments=arguments, by=by, origin=origin))
        return slot.part.id

    def _ran(self, at: int, item: dict[str, Any], ran: RanThere) -> None:
        told = bool(ran.content or ran.error)
        key, shares = f"item/{at}", 2 if told else 1
        id = self._call(
            at, ran.arguments, "provider", self._parts.from_here(key, without_result(item), shares)
        )
        if told:
            origin = self._parts.from_here(key, shares=shares)
            self._parts.add(ToolResult(id=id, content=ran.content, error=ran.error, origin=origin))

    def _thought(self, at: int, item: dict[str, Any]) -> None:
        slot = self._slots.pop((at, 0))
        pieces = [as_dict(each) for name in ("summary", "content") for each in as_list(item.get(name))]
        whole = "\n\n".join(as_str(each.get("text")) for each in pieces)
        self._rest(slot, whole)
        origin = self._parts.from_here(f"item/{at}", item)
        self._parts.settled(slot.index, Thinking(text="".join(slot.words), origin=origin))

    def _message(self, at: int, item: dict[str, Any]) -> None:
        contents = [as_dict(each) for each in as_list(item.get("content"))]
        settled: list[tuple[int, str, list[Any]]] = []
        for place, content in enumerate(contents):
            if content.get("type") == "refusal":
                self._refused = True
            whole = as_str(content.get("text")) or as_str(content.get("refusal"))
            if whole or (at, place) in self._slots:
                slot = self._text(at, place, "")
                self._rest(slot, whole)
                del self._slots[at, place]
                settled.append((slot.index, "".join(slot.words), as_list(content.get("annotations"))))
        if not settled:
            self._parts.add(self._opaque(at, item))
        for number, (index, text, _) in enumerate(settled):
            origin = self._parts.from_here(f"item/{at}", None if number else item, len(settled))
            self._parts.settled(index, Text(text=text, origin=origin))
        for index, text, notes in settled:
            for note in map(as_dict, notes):
                span = (as_int(note.get("start_index")), as_int(note.get("end_index")))
                title = as_str(note.get("title")) or as_str(note.get("filename"))
                self._parts.cite(index, text, span, url=as_str(note.get("url")), title=title)

    def _opaque(self, at: int, item: dict[str, Any]) -> Opaque:
        kind = f"item.{as_str(item.get('type'))}"
        origin = self._parts.from_here(f"item/{at}")
        return Opaque(dialect="openai-responses", kind=kind, data=item, origin=origin)

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self, response: dict[str, Any]) -> None:
        status, why = response.get("status"), as_dict(response.get("incomplete_details")).get("reason")
        if status == "failed":
            raise fault_in_stream(response.get("error") or response, provider=self._connection, answered=200)
        if status == "cancelled":
            raise ProviderFault(
                "provider_cut",
                f"{self._connection} cancelled the answer.",
                hint="Try again, or go on from it.",
            )
        for at, item in enumerate(as_list(response.get("output"))):
            self._settle(at, as_dict(item))
        for at in sorted({place[0] for place in self._slots}):
            self._close(at, list(self._slots))
        stop: StopReason = "tool_call" if self._calls else "end"
        if self._refused:
            stop = "refusal"
        if why:
            stop = "filtered" if why == "content_filter" else "length"
        self._done = True
        self._parts.events.append(Finished(stop_reason=stop, usage=self._usage(response)))

    def _close(self, at: int, places: list[tuple[int, int]]) -> None:
        """Settle open parts of the item at `at` as far as they came: it never ended, or is none of theirs."""
        for place in places:
            if place[0] == at:
                slot = self._slots.pop(place)
                part = replace(grown(slot.part, "".join(slot.words)), origin=self._parts.origin)
                self._calls = self._calls or isinstance(part, ToolCall)
                self._parts.settled(slot.index, part)

    def _usage(self, response: dict[str, Any]) -> Usage | None:
        usage = as_dict(response.get("usage"))
        if not usage:
            return None
        read, written = (
            as_dict(usage.get("input_tokens_details")),
            as_dict(usage.get("output_tokens_details")),
        )
        tools = as_dict(response.get("tool_usage"))
        drawn = as_dict(tools.get("image_gen"))
        details = {
            "searches": as_int(as_dict(tools.get("web_search")).get("num_requests")) or self._searches,
            "image_input_tokens": as_int(drawn.get("input_tokens")),
            "image_output_tokens": as_int(drawn.get("output_tokens")),
        }
        return Usage(
            input_tokens=as_int(usage.get("input_tokens")),
            cached_tokens=as_int(read.get("cached_tokens")),
            cache_write_tokens=as_int(read.get("cache_write_tokens")),
            output_tokens=as_int(usage.get("output_tokens")),
            thinking_tokens=as_int(written.get("reasoning_tokens")),
            details={name: count for name, count in details.items() if count} or None,
        )
