"""Decode an answer of the dialect `openai-chat`: chunks of a stream, or one whole completion.

The wire has no blocks, so adjacent pieces of one kind are one part. What many servers add to the
format is understood: `reasoning_content`, `reasoning` with its details, content as lists, citations,
tools that ran on their side, images and audio. A field of the message that is not known is kept as an
opaque part. One answer is one message: only the first choice counts.

Format: https://platform.openai.com/docs/api-reference/chat/streaming
Not here: requests (openai_chat.py), and where bytes come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from windowseat.core.errors import ProviderFault
from windowseat.core.events import PartDelta
from windowseat.core.exchange import Decoded, Finished
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import Audio, Image, Json, Opaque, Text, ToolResult
from windowseat.features.providers.dialects.decoding import (
    NOT_JSON,
    Call,
    Growing,
    as_dict,
    as_int,
    as_list,
    as_str,
    cut,
    json_of,
    media_type_of,
    unreadable,
)
from windowseat.features.providers.dialects.joining import add_detail, base64_joined, joined, sound_type
from windowseat.features.providers.dialects.openai_chat_chunk import MORE, Delta
from windowseat.features.providers.dialects.openai_chat_usage import usage_of
from windowseat.features.providers.transport.faults import fault_in_stream

_NOT_CONTENT = frozenset(
    {
        "role",
        "channel",
        "content",
        "refusal",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "tool_calls",
    }
    | {"function_call", "annotations", "audio", "images", "executed_tools", "name", "token_ids"}
)
"""Fields of a message that are read, or that say nothing of the answer."""

_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "end_turn": "end",
    "eos": "end",
    "eos_token": "end",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "stop_sequence",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "content_filter": "filtered",
    "sensitive": "filtered",
    "refusal": "refusal",
}
_FAILED = ("error", "network_error", "insufficient_system_resource")
"""Reasons that are failures: OpenRouter, Z.ai, DeepSeek."""


class OpenaiChatDecoder:
    """Decodes one answer."""

    def __init__(self, connection: str, model: str) -> None:
        self._connection = connection
        self._parts = Growing("openai-chat", connection, model)
        self._calls: dict[int, Call] = {}
        self._order: list[Call] = []
        self._running: dict[int, Call] = {}
        self._unknown: dict[str, list[Json]] = {}
        self._annotations: list[Json] = []
        self._sources: list[Json] = []
        self._audio: list[str] = []
        self._stop: str | None = None
        self._stop_sequence = self._refused = self._done = False
        self._usage: Usage | None = None

    # -- the three ways in ------------------------------------------------------------------------

    def feed(self, event: str, data: bytes) -> Sequence[Decoded]:
        """One event of a stream. Raises ProviderFault for an error in it, or for what is not the dialect."""
        if self._done:
            return ()
        try:
            chunk = MORE.decode(data)
        except NOT_JSON:
            if data.strip() == b"[DONE]":
                return self._finish()
            self._chunk(json_of(data), event)
            return self._parts.take()
        parts = self._parts
        for choice in chunk.choices:
            if choice.index == 0:
                delta = choice.delta
                if (
                    delta.content
                    and parts.open == "text"
                    and not delta.reasoning_content
                    and not delta.reasoning
                ):
                    parts.words.append(delta.content)
                    return (PartDelta(index=parts.open_index, text=delta.content),)
                self._more(delta)
        return parts.take()

    def _more(self, delta: Delta) -> None:
        if thought := delta.reasoning_content or delta.reasoning:
            key = "reasoning_content" if delta.reasoning_content else "reasoning"
            self._parts.grow("thinking", thought, key=key)
        if delta.content:
            self._words(delta.content, None)
        for piece in delta.tool_calls or ():
            self._call({"index": piece.index, "function": {"arguments": piece.function.arguments}})

    def whole(self, body: bytes) -> Sequence[Decoded]:
        """A completion that was not streamed. Raises ProviderFault."""
        answer = json_of(body)
        self._chunk(answer, "")
        if self._stop is None and not as_list(answer.get("choices")):
            raise unreadable(body, "it has no choices")
        return self._finish()

    def end(self) -> Sequence[Decoded]:
        """The stream is over. Raises ProviderFault `provider_cut` where no reason to stop came."""
        if self._done:
            return ()
        if self._stop is None:
            raise cut(self._connection)
        return self._finish()

    # -- any chunk --------------------------------------------------------------------------------

    def _chunk(self, chunk: dict[str, Any], event: str) -> None:
        error = chunk.get("error") or (chunk if event == "error" or chunk.get("object") == "error" else None)
        if error:
            raise fault_in_stream(error, provider=self._connection, answered=200)
        usage = chunk.get("usage") or as_dict(chunk.get("x_groq")).get("usage")
        if usage:
            self._usage = usage_of(as_dict(usage))
        self._sources = (
            as_list(chunk.get("search_results")) or as_list(chunk.get("citations")) or self._sources
        )
        for choice in map(as_dict, as_list(chunk.get("choices"))):
            if choice.get("index", 0) == 0:
                self._choice(choice)

    def _choice(self, choice: dict[str, Any]) -> None:
        logprobs = as_dict(choice.get("logprobs")).get("content")
        self._delta(as_dict(choice.get("delta") or choice.get("message")), logprobs)
        stop = as_str(choice.get("finish_reason"))
        if stop:
            self._stop = stop
            # vLLM and its kin name here the stop word that was met.
            self._stop_sequence = isinstance(choice.get("stop_reason"), str)

    def _delta(self, delta: dict[str, Any], logprobs: Json) -> None:
        self._thought(delta)
        content = delta.get("content")
        if isinstance(content, str):
            self._words(content, logprobs)
        for piece in as_list(content):
            self._piece(as_dict(piece))
        if refusal := as_str(delta.get("refusal")):
            self._refused = True
            self._words(refusal, logprobs)
        for call in map(as_dict, as_list(delta.get("tool_calls"))):
            self._call(call)
        old = as_dict(delta.get("function_call"))
        if old.get("name") or old.get("arguments"):
            self._call({"index": 0, "function": old})
        self._annotations += as_list(delta.get("annotations"))
        self._sound(as_dict(delta.get("audio")))
        for image in map(as_dict, as_list(delta.get("images"))):
            self._image(image)
        for ran in map(as_dict, as_list(delta.get("executed_tools"))):
            self._ran_there(ran)
        for name, value in delta.items():
            if name not in _NOT_CONTENT and value not in (None, "", [], {}):
                self._unknown.setdefault(name, []).append(value)

    def _words(self, text: str, logprobs: Json) -> None:
        if text:
            self._parts.grow("text", text, logprobs=logprobs)

    def _thought(self, delta: dict[str, Any]) -> None:
        details = [as_dict(each) for each in as_list(delta.get("reasoning_details"))]
        key = "reasoning_content" if delta.get("reasoning_content") else "reasoning"
        thought = as_str(delta.get(key)) or "".join(
            as_str(each.get("text")) or as_str(each.get("summary")) for each in details
        )
        parts = self._parts
        if not thought and not details:
            return
        parts.grow("thinking", thought, key=key)
        if details:
            if parts.item is None:
                parts.item = {"reasoning_details": []}
            for each in details:
                add_detail(parts.item["reasoning_details"], each)

    def _piece(self, piece: dict[str, Any]) -> None:
        """One entry of content that is a list."""
        kind = as_str(piece.get("type"))
        if kind in ("text", "output_text"):
            self._words(as_str(piece.get("text")), None)
        elif kind == "refusal":
            self._refused = True
            self._words(as_str(piece.get("refusal")), None)
        elif kind == "thinking":
            thought = piece.get("thinking")
            if isinstance(thought, list):
                thought = "".join(as_str(as_dict(each).get("text")) for each in thought)
            self._parts.grow("thinking", as_str(thought), key="content")
            more = {name: value for name, value in piece.items() if name not in ("type", "thinking", "text")}
            if any(value not in (None, "", True) for value in more.values()):
                self._parts.item = {**as_dict(self._parts.item), **more}
        elif kind in ("image_url", "image"):
            self._image(piece)
        elif piece:
            self._parts.settle()
            self._parts.add(self._opaque(f"content.{kind}", piece))

    def _call(self, delta: dict[str, Any]) -> None:
        function = as_dict(delta.get("function") or delta.get("custom"))
        id, name = as_str(delta.get("id")), as_str(function.get("name"))
        at = as_int(delta.get("index"))
        if at is None:
            at = len(self._order) if id or name else max(len(self._order) - 1, 0)
        call = self._calls.get(at)
        if call is None or (id and call.raw.get("id") not in (None, id)):
            call = self._calls[at] = self._parts.begin_call(id, name)
            call.raw = {"id": id}
            self._order.append(call)
        call.name = call.name or name
        call.raw.update((key, value) for key, value in delta.items() if key not in ("index", "id") and value)
        written = function.get("arguments", function.get("input"))
        if isinstance(written, dict):
            written = msgspec.json.encode(written).decode()
        self._parts.grow_call(call, as_str(written))

    def _image(self, image: dict[str, Any]) -> None:
        held = image.get("image_url")
        url = as_str(held) or as_str(as_dict(held).get("url"))
        if url:
            self._parts.settle()
            self._parts.add(
                Image(media_type=media_type_of(url, "image/png"), url=url, origin=self._parts.origin)
            )

    def _sound(self, audio: dict[str, Any]) -> None:
        self._words(as_str(audio.get("transcript")), None)
        if data := as_str(audio.get("data")):
            self._audio.append(data)

    def _ran_there(self, ran: dict[str, Any]) -> None:
        """A tool that Groq ran: it comes when it starts, and once more with its output."""
        at = as_int(ran.get("index")) or 0
        call = self._running.get(at)
        if call is None:
            call = self._running[at] = self._parts.begin_call("", as_str(ran.get("type")), "provider")
            self._parts.grow_call(call, as_str(ran.get("arguments")))
        call.raw.update(ran)
        output = as_str(ran.get("output"))
        if output:
            key = f"executed_tools/{call.index}"
            self._parts.settle()
            self._parts.settle_call(call, item=call.raw, key=key, by="provider", shares=2)
            origin = self._parts.from_here(key, shares=2)
            self._parts.add(ToolResult(id=call.id, content=(Text(text=output),), origin=origin))
            del self._running[at]

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self) -> Sequence[Decoded]:
        if self._stop in _FAILED:
            raise ProviderFault(
                "provider_error",
                f"{self._connection} broke off its answer and gave “{self._stop}” as the reason.",
                hint="Try again, or use another model.",
            )
        parts = self._parts
        parts.settle()
        self._settle_calls()
        self._settle_audio()
        self._cite()
        for name, values in self._unknown.items():
            parts.add(self._opaque(f"message.{name}", joined(values)))
        self._done = True
        parts.events.append(Finished(stop_reason=self._stop_reason(), usage=self._usage))
        return parts.take()

    def _stop_reason(self) -> StopReason:
        if self._refused:
            return "refusal"
        stop = _STOPS.get(self._stop or "", "end")
        if stop == "end" and self._order:
            return "tool_call"
        return "stop_sequence" if stop == "end" and self._stop_sequence else stop

    def _settle_calls(self) -> None:
        for call in self._order:
            key = "custom" if "custom" in call.raw else "function"
            words = "input" if key == "custom" else "arguments"
            item = {"type": "function", **call.raw, key: {"name": call.name, words: call.arguments}}
            self._parts.settle_call(call, item=item, key=f"call/{call.index}")
        for call in self._running.values():
            key = f"executed_tools/{call.index}"
            self._parts.settle_call(call, item=call.raw, key=key, by="provider")

    def _settle_audio(self) -> None:
        if self._audio:
            data = base64_joined(self._audio)
            url = f"data:{sound_type(data)};base64,{data}"
            self._parts.add(Audio(media_type=media_type_of(url, ""), url=url, origin=self._parts.origin))

    def _cite(self) -> None:
        for note in map(as_dict, self._annotations):
            cited = as_dict(note.get("url_citation")) or note
            span = (as_int(cited.get("start_index")), as_int(cited.get("end_index")))
            self._cited(cited, span, as_str(cited.get("content")))
        for source in self._sources:
            cited = {"url": source} if isinstance(source, str) else as_dict(source)
            self._cited(cited, (None, None), as_str(cited.get("snippet")))

    def _cited(self, cited: dict[str, Any], span: tuple[int | None, int | None], quote: str) -> None:
        url, title = as_str(cited.get("url")), as_str(cited.get("title"))
        self._parts.cite_joined(span, url=url, title=title, quote=quote)

    def _opaque(self, kind: str, data: Json) -> Opaque:
        return Opaque(dialect="openai-chat", kind=kind, data=data, origin=self._parts.origin)
