"""Decodes answers of `gemini-generate`: the parts of a candidate's content, streamed or whole.

The wire has no blocks: adjacent text, and adjacent thought, is one part each. What is signed keeps the
provider's own parts as a list in its item, never joined with a neighbour, as Google asks. The format:
https://ai.google.dev/api/generate-content and …/gemini-api/docs/thought-signatures, and the types of the
package `google-genai` 3.6.1, read 2026-11-25.

Not here: requests (gemini_encode), sources (gemini_grounding), frames of the stream (sse).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import msgspec

from windowseat.core.exchange import Decoded, Finished
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import (
    Audio,
    File,
    Image,
    Json,
    Notice,
    Opaque,
    Part,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from windowseat.features.providers.dialects.decoding import (
    Growing,
    as_dict,
    as_int,
    as_list,
    as_str,
    cut,
    json_of,
    unreadable,
)
from windowseat.features.providers.dialects.gemini_grounding import citations, own_tools, searches
from windowseat.features.providers.transport.faults import fault_in_stream

Raw = dict[str, Json]

_STOP_REASONS: dict[str, StopReason] = {
    "STOP": "end",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    # The provider's own loop of tools reached its limit.
    "TOO_MANY_TOOL_CALLS": "step_limit",
    "OTHER": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "filtered"
    ),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"), "filtered"),
    **dict.fromkeys(("MODEL_ARMOR", "ESCALATION", "PUP_LIMITED_DISABLED"), "filtered"),
}
"""`FinishReason` of google-genai 3.6.1. Calls in the answer turn an `end` into `tool_call`."""

_CONTENT = frozenset(
    {
        "functionCall",
        "inlineData",
        "fileData",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    }
)


class GeminiDecoder:
    """Decodes one answer. `connection` and `model` are named by the parts' origins."""

    def __init__(self, connection: str, model: str) -> None:
        self._connection = connection
        self._parts = Growing("gemini-generate", connection, model)
        self._id = ""
        self._run: list[Raw] = []
        self._run_key = ""
        self._sound: list[Raw] = []
        self._last_code = ""
        self._called = False
        self._candidate: Raw = {}
        self._feedback: Raw = {}
        self._usage: Raw = {}
        self._done = False

    def feed(self, event: str, data: bytes) -> Sequence[Decoded]:  # noqa: ARG002 - its events have no names
        """One event of a stream. Raises ProviderFault for an error in it, or for what is not the dialect."""
        if self._done:
            return ()
        self._chunk(json_of(data))
        return self._parts.take()

    def whole(self, body: bytes) -> Sequence[Decoded]:
        """An answer that was not streamed. Raises ProviderFault."""
        answer = json_of(body)
        self._chunk(answer)
        if not self._candidate and not self._feedback:
            raise unreadable(body, "it has no candidates")
        return self._finish()

    def end(self) -> Sequence[Decoded]:
        """The stream is over. Raises ProviderFault `provider_cut` where no reason to finish came."""
        if self._done:
            return ()
        if not self._candidate.get("finishReason") and not self._feedback.get("blockReason"):
            raise cut(self._connection)
        return self._finish()

    # -- chunks -----------------------------------------------------------------------------------

    def _chunk(self, chunk: Raw) -> None:
        if "error" in chunk:
            raise fault_in_stream(chunk, provider=self._connection, answered=200)
        self._id = self._id or as_str(chunk.get("responseId"))
        self._usage = as_dict(chunk.get("usageMetadata")) or self._usage  # each is the total so far
        self._feedback.update(as_dict(chunk.get("promptFeedback")))
        for candidate in map(as_dict, as_list(chunk.get("candidates"))):
            if candidate.get("index", 0) != 0:
                continue
            for raw in as_list(as_dict(candidate.get("content")).get("parts")):
                self._part(as_dict(raw))
            self._candidate.update({name: value for name, value in candidate.items() if value})

    def _part(self, raw: Raw) -> None:
        kind = next((name for name in raw if name in _CONTENT), None)
        if kind is None and ("text" in raw or set(raw) <= {"thought", "thoughtSignature"}):
            self._words(raw)
            return
        self._close(sound=not _is_sound(raw))
        thought = raw.get("thought") is True and kind in ("inlineData", "fileData")
        if kind is None or thought:  # a picture on the way to the picture is no part of the answer
            self._add(
                self._unknown(raw, "thought" if thought else next(iter(set(raw) - _SIDE), "part")), None
            )
            return
        content = as_dict(raw.get(kind))
        match kind:
            case "functionCall":
                self._call(content, raw)
            case "executableCode" | "toolCall":
                self._own_call(kind, content, raw)
            case "codeExecutionResult" | "toolResponse":
                self._own_result(kind, content, raw)
            case _:
                self._media(content, raw)

    def _words(self, raw: Raw) -> None:
        """Text or thought. An unsigned piece joins an unsigned one; a signed one stands for itself."""
        text = as_str(raw.get("text"))
        more = _says_more(raw)
        if not text and not more:
            return
        kind: Literal["text", "thinking"] = "thinking" if raw.get("thought") is True else "text"
        if self._parts.open != kind:
            self._close()
            self._run_key = self._key()
        last = self._run[-1] if self._run else None
        if last is not None and not more and not _says_more(last):
            last["text"] = as_str(last.get("text")) + text
        else:
            self._run.append(dict(raw))
        self._parts.grow(kind, text, key=self._run_key)

    def _call(self, content: Raw, raw: Raw) -> None:
        call = self._parts.begin_call(as_str(content.get("id")), as_str(content.get("name")))
        origin = self._parts.from_here(f"{self._id}/{call.index}", [raw])
        part = ToolCall(id=call.id, name=call.name, arguments=as_dict(content.get("args")), origin=origin)
        self._parts.settled(call.index, part)
        self._called = True

    def _own_call(self, kind: str, content: Raw, raw: Raw) -> None:
        id = as_str(content.get("id")) or f"call_{self._parts.size}"
        self._last_code = id
        if kind == "executableCode":
            name = "code_execution"
            arguments: Raw = {key: content[key] for key in ("language", "code") if key in content}
        else:
            name, arguments = as_str(content.get("toolType")).lower(), as_dict(content.get("args"))
        self._add(ToolCall(id=id, name=name, arguments=arguments, by="provider"), [raw])

    def _own_result(self, kind: str, content: Raw, raw: Raw) -> None:
        id = as_str(content.get("id")) or self._last_code
        words = as_str(content.get("output"))
        outcome = as_str(content.get("outcome"))
        if kind == "toolResponse" and content.get("response"):
            words = msgspec.json.encode(content["response"]).decode()
        failed = outcome not in ("", "OUTCOME_OK")
        error = f"{outcome}: {words}".rstrip(": \n") if failed else None
        shown = (Text(text=words),) if words and not failed else ()
        self._add(ToolResult(id=id, content=shown, error=error), [raw])

    def _media(self, content: Raw, raw: Raw) -> None:
        """Bytes or an address. The bytes stand in the part alone, and the item says the rest."""
        media_type = as_str(content.get("mimeType"))
        if _is_sound(raw):
            if self._sound and as_dict(self._sound[0].get("inlineData")).get("mimeType") != media_type:
                self._close()
            self._sound.append(raw)
            return
        data, url = as_str(content.get("data")), as_str(content.get("fileUri"))
        kind = next((cls for prefix, cls in _MEDIA.items() if media_type.startswith(prefix)), File)
        part = kind(media_type=media_type, url=url or f"data:{media_type};base64,{data}")
        name = "fileData" if url else "inlineData"
        rest = {key: value for key, value in content.items() if key != "data"}
        self._add(part, [{**raw, name: rest}] if set(raw) - {name} or url else None)

    def _close(self, *, sound: bool = True) -> None:
        """Settle what adjacent pieces would have joined."""
        if self._parts.open is not None:
            signed = any(_says_more(raw) for raw in self._run)
            self._parts.item = self._run if signed else None
            self._parts.settle()
            self._run = []
        if sound and self._sound:
            pieces, self._sound = self._sound, []
            media_type = as_str(as_dict(pieces[0]["inlineData"]).get("mimeType"))
            data = _joined([as_str(as_dict(raw["inlineData"]).get("data")) for raw in pieces])
            self._add(Audio(media_type=media_type, url=f"data:{media_type};base64,{data}"), None)

    def _add(self, part: Part, item: list[Raw] | None) -> None:
        key = self._key() if item is not None else None
        self._parts.add(replace(part, origin=self._parts.from_here(key, item)))

    def _unknown(self, raw: Raw, kind: str) -> Opaque:
        return Opaque(dialect="gemini-generate", kind=kind, data=raw)

    def _key(self) -> str:
        return f"{self._id}/{self._parts.size}"

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self) -> Sequence[Decoded]:
        self._close()
        here = self._parts.from_here()
        for citation in citations(self._candidate, self._parts.texts):
            self._parts.add(replace(citation, origin=here))
        for call, result in own_tools(self._candidate):
            id = f"call_{self._parts.size}"
            self._parts.add(replace(call, id=id, origin=here))
            self._parts.add(replace(result, id=id, origin=here))
        reason, why = self._reason()
        if why:
            self._parts.add(Notice(code=reason, text=why))
        self._done = True
        usage = usage_of(self._usage, searches(self._candidate))
        return [*self._parts.take(), Finished(stop_reason=reason, usage=usage)]

    def _reason(self) -> tuple[StopReason, str]:
        """Why it stopped, and the provider's own words for it where it did not simply end."""
        if self._feedback.get("blockReason") and not self._candidate.get("finishReason"):
            told = as_str(self._feedback.get("blockReasonMessage")) or as_str(self._feedback["blockReason"])
            return "filtered", f"The provider did not take the request: {told}"
        finish = as_str(self._candidate.get("finishReason")) or "STOP"
        reason = _STOP_REASONS.get(finish, "error")
        if self._called and (reason == "end" or finish == "UNEXPECTED_TOOL_CALL"):
            return "tool_call", ""
        if reason in ("end", "length"):
            return reason, ""
        message = as_str(self._candidate.get("finishMessage"))
        return reason, f"{finish}: {message}" if message else finish


_SIDE = {"thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"}
_MEDIA: dict[str, type[Image | Audio | Video]] = {"image/": Image, "audio/": Audio, "video/": Video}


def _says_more(raw: Raw) -> bool:
    """Whether a piece of text or thought holds more than its words."""
    return any(value for name, value in raw.items() if name not in ("text", "thought"))


def _is_sound(raw: Raw) -> bool:
    """Whether the part is unsigned sound, which is streamed in pieces."""
    content = as_dict(raw.get("inlineData"))
    return set(raw) == {"inlineData"} and as_str(content.get("mimeType")).startswith("audio/")


def _joined(pieces: list[str]) -> str:
    """Base64 of the bytes of all pieces; one alone stays as it came, and so does what is no base64."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(
            b"".join(base64.b64decode(piece, altchars=b"-_") for piece in pieces)
        ).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)


def usage_of(usage: Raw, searched: int = 0) -> Usage | None:
    """The tokens of an answer, None where none were told.

    `promptTokenCount` includes the cache, what tools brought in comes on top of it, and thoughts come on
    top of `candidatesTokenCount`: `totalTokenCount` is the sum of the four.
    Source: https://ai.google.dev/api/generate-content#UsageMetadata
    """
    if not usage:
        return None
    prompt, tools = as_int(usage.get("promptTokenCount")), as_int(usage.get("toolUsePromptTokenCount"))
    said, thought = as_int(usage.get("candidatesTokenCount")), as_int(usage.get("thoughtsTokenCount"))
    details: dict[str, int] = {}
    for name, kind in _DETAILS:
        for each in map(as_dict, as_list(usage.get(name))):
            modality, count = as_str(each.get("modality")).lower(), as_int(each.get("tokenCount"))
            if modality and modality != "text" and count:
                key = f"{modality}_{kind}_tokens"
                details[key] = details.get(key, 0) + count
    if tools:
        details["tool_input_tokens"] = tools
    if searched:
        details["searches"] = searched
    return Usage(
        input_tokens=_sum(prompt, tools),
        cached_tokens=as_int(usage.get("cachedContentTokenCount")),
        output_tokens=_sum(said, thought),
        thinking_tokens=thought,
        details=details or None,
    )


_DETAILS = (
    ("promptTokensDetails", "input"),
    ("toolUsePromptTokensDetails", "input"),
    ("cacheTokensDetails", "cached"),
    ("candidatesTokensDetails", "output"),
)


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
