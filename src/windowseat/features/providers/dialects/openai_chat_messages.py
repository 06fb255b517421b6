"""The messages of an `openai-chat` request: who says what, piece by piece.

Media that tools or answers brought move to the next user message, since only there the wire has a place
for them. Thinking, calls and unknown fields of this very model go back as they came, and a message that a
program wrote on this wire goes as it was written.

Not here: options and tools (openai_chat.py), and what is said in the neutral order (said.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import Model
from windowseat.core.parts import Audio, File, Json, Media, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.features.providers.dialects.decoding import as_str
from windowseat.features.providers.dialects.encoding import (
    SOUNDS,
    Body,
    arguments_of,
    data_of,
    facts_of,
    inner,
    media_of_result,
    why_not_read,
    words_of_file,
    words_of_result,
)
from windowseat.features.providers.dialects.moving import media_moved
from windowseat.features.providers.dialects.quirks import Quirks
from windowseat.features.providers.dialects.said import (
    CallIds,
    Keyed,
    Place,
    Raw,
    Said,
    as_written,
    merged,
    raw_items,
    written_whole,
)

_MARK = b',"cache_control":{"type":"ephemeral"}}'
"""Ends an entry up to which the prefix is cached: https://openrouter.ai/docs/features/prompt-caching"""


class Messages:
    """Writes the messages of one request into its body."""

    def __init__(self, body: Body, quirks: Quirks, model: Model, files: Mapping[str, FileFacts]) -> None:
        self._body = body
        self.quirks = quirks
        self._model = model
        self._files = files
        self.place = Place(dialect="openai-chat", connection=model.connection, model=model.id)
        self.ids = CallIds(quirks.call_id)
        self._begun = False

    def write(self, instructions: Sequence[tuple[str, str]], said: Sequence[Said]) -> None:
        """Instructions first, then what was said. Raises Refused `model_cannot_take`, `file_not_found`."""
        self._instructions([(key, text) for key, text in instructions if text])
        ordered = self._as_the_wire_wants(said)
        last_user = max((i for i, each in enumerate(ordered) if each.role == "user"), default=-1)
        for index, each in enumerate(ordered):
            if each.role == "tool":
                self._results(each)
            elif (item := as_written(each, self.place)) is not None:
                self._as_written(each, item)
            elif each.role == "user":
                self._user(each, mark=self.quirks.cache_marks and index == last_user)
            else:
                self._assistant(each)

    def _instructions(self, texts: Sequence[tuple[str, str]]) -> None:
        if not texts:
            return
        self._begin(texts[0][0], self.quirks.system)
        if self.quirks.cache_marks:
            for index, (key, text) in enumerate(texts):
                self._body.add(key, b"," if index else b"[")
                self._content(key, Text(text=text), _MARK if index == len(texts) - 1 else b"")
            self._body.add("", b"]}")
        else:
            self._body.strings(texts, b"\\n\\n")
            self._body.add(texts[-1][0], b"}")

    # -- who says what ----------------------------------------------------------------------------

    def _as_the_wire_wants(self, said: Sequence[Said]) -> list[Said]:
        """Media in user messages, and the roles as the provider wants them."""
        out = media_moved(said, self._moves)
        if self.quirks.after_tools:
            out = [each for before, this in pairwise([None, *out]) for each in self._after(before, this)]
        return merged(out, self._has_another_role) if self.quirks.alternate else out

    def _has_another_role(self, said: Said) -> bool:
        """Whether a program wrote it under a role that the house has no word for, such as system."""
        item = as_written(said, self.place)
        return item is not None and item.get("role") != said.role

    def _after(self, before: Said | None, this: Said | None) -> list[Said]:
        """What is said, with a word of the assistant before it where a user may not follow a tool."""
        if this is None or before is None or (before.role, this.role) != ("tool", "user"):
            return [] if this is None else [this]
        return [Said(role="assistant", parts=(("", Text(text=self.quirks.after_tools)),)), this]

    def _moves(self, _: Said, part: Part) -> list[Media]:
        if written_whole(part, self.place):
            return []
        media = (
            media_of_result(part, self._files)
            if isinstance(part, ToolResult)
            else [part]
            if isinstance(part, Media)
            else []
        )
        return [each for each in media if self._why_left_out(each) is None]

    def _why_left_out(self, part: Media) -> str | None:
        return why_not_read(self._model, part) or self._why_not(part)

    # -- one message ------------------------------------------------------------------------------

    def _begin(self, key: str, role: str) -> None:
        self._body.add(key, b"," if self._begun else b"", f'{{"role":"{role}","content":'.encode())
        self._begun = True

    def _as_written(self, said: Said, item: dict[str, Json]) -> None:
        """The message as it is, but for the ids of its calls, which must fit the provider."""
        ids = [
            self.ids.new(part.id)
            for _, part in said.parts
            if isinstance(part, ToolCall) and part.by != "provider"
        ]
        if ids:
            calls = zip(item["tool_calls"], ids, strict=True)
            item = {**item, "tool_calls": [{**call, "id": id} for call, id in calls]}
        self._message(said.parts[0][0], item)

    def _message(self, key: str, message: Json) -> None:
        self._body.add(key, b"," if self._begun else b"", msgspec.json.encode(message))
        self._begun = True

    def _user(self, said: Said, *, mark: bool) -> None:
        parts: list[Keyed] = []
        for key, part in said.parts:
            words = words_of_file(part, self._files) if isinstance(part, File) else None
            if words is not None:
                parts.append((key, Text(text=words)))
            elif (isinstance(part, Text) and part.text) or isinstance(part, Media):
                parts.append((key, part))
        if not parts:
            return
        texts = [(key, part.text) for key, part in parts if isinstance(part, Text)]
        self._begin(parts[0][0], "user")
        if len(texts) == len(parts) and not self.quirks.cache_marks:
            self._body.strings(texts, b"\\n\\n")
        else:
            marked = max((i for i, (_, part) in enumerate(parts) if isinstance(part, Text)), default=-1)
            for index, (key, part) in enumerate(parts):
                self._body.add(key, b"," if index else b"[")
                self._content(key, part, _MARK if mark and index == marked else b"")
            self._body.add(parts[-1][0], b"]")
        self._body.add(parts[-1][0], b"}")

    def _results(self, said: Said) -> None:
        for key, part in said.parts:
            if isinstance(part, ToolResult) and written_whole(part, self.place) and part.origin is not None:
                self._message(key, {**part.origin.item, "tool_call_id": self.ids.of(part.id)})
            elif isinstance(part, ToolResult):
                left_out = [
                    why for each in media_of_result(part, self._files) if (why := self._why_left_out(each))
                ]
                moved = len(media_of_result(part, self._files)) > len(left_out)
                words = words_of_result(part, left_out, self._files)
                words = words or ("(see the next message)" if moved else "(no output)")
                self._begin(key, "tool")
                self._body.value(key, words)
                self._body.add(key, b',"tool_call_id":')
                self._body.value(key, self.ids.of(part.id))
                self._body.add(key, b"}")

    def _assistant(self, said: Said) -> None:
        answer = _Answer(self, raw_items(said.parts, self.place))
        if not (answer.texts or answer.listed or answer.calls or answer.more):
            return
        first = said.parts[0][0]
        self._begin(first, "assistant")
        if answer.as_list:
            self._body.array(b"[", answer.listed)
        elif answer.texts:
            self._body.strings(answer.texts)
        else:
            self._body.add(first, b"null")
        if answer.thoughts:
            self._body.add(first, f',"{self.quirks.thinking}":'.encode())
            self._body.strings(answer.thoughts)
        self._body.array(b',"reasoning_details":[', answer.details)
        self._body.array(b',"tool_calls":[', answer.calls)
        for name, (key, value) in answer.more.items():
            self._body.add(key, b",", msgspec.json.encode(name), b":")
            self._body.value(key, value)
        self._body.add(first, b"}")

    # -- one part of content ----------------------------------------------------------------------

    def _content(self, key: str, part: Part, mark: bytes = b"") -> None:
        """A text or media as an entry of content that is a list; `mark` ends a text's entry."""
        if isinstance(part, Text):
            self._body.add(key, b'{"type":"text","text":"', inner(part.text), b'"')
            self._body.add("" if mark else key, mark or b"}")
            return
        assert isinstance(part, Media)
        if why := self._why_not(part):
            raise Refused(
                "model_cannot_take", f"{why}.", hint="Add it in another form, or choose another model."
            )
        if isinstance(part, Audio):
            self._body.add(key, b'{"type":"input_audio","input_audio":{"format":"')
            self._body.add(key, SOUNDS[part.media_type].encode(), b'","data":"')
            self._body.base64(key, part, self._files)
            self._body.add(key, b'"}}')
        elif isinstance(part, File) and self.quirks.document == "file":
            name = part.name or (facts_of(part, self._files).name if part.file else "") or "document.pdf"
            self._body.add(
                key, b'{"type":"file","file":{"filename":', msgspec.json.encode(name), b',"file_data":"'
            )
            self._body.address(key, part, self._files)
            self._body.add(key, b'"}}')
        elif isinstance(part, File):
            self._body.add(key, f'{{"type":"{self.quirks.document}","{self.quirks.document}":"'.encode())
            self._body.address(key, part, self._files)
            self._body.add(key, b'"}')
        else:
            self._body.add(key, f'{{"type":"{part.type}_url","{part.type}_url":{{"url":"'.encode())
            self._body.address(key, part, self._files)
            self._body.add(key, b'"}}')

    def _why_not(self, part: Media) -> str | None:
        """Why this wire cannot carry the part, in words; None where it can."""
        only_address = part.file is None and data_of(part) is None
        if only_address and part.type not in self.quirks.takes_url:
            return f"This provider takes no address for {part.type}, only the bytes"
        if isinstance(part, Audio) and SOUNDS.get(part.media_type) not in self.quirks.sounds:
            return f"This provider does not take sound as {part.media_type}"
        if part.type == "video" and (self._model.inputs is None or "video" not in self._model.inputs):
            return f"{self._model.name} is not known to take video"
        return None


class _Answer:
    """What one assistant message says, by the fields that say it; each value with its segment's key."""

    def __init__(self, messages: Messages, items: Sequence[Keyed | Raw]) -> None:
        self.texts: list[tuple[str, str]] = []
        self.listed: list[tuple[str, Json]] = []
        self.as_list = False
        self.thoughts: list[tuple[str, str]] = []
        self.details: list[tuple[str, Json]] = []
        self.calls: list[tuple[str, Json]] = []
        self.more: dict[str, tuple[str, Json]] = {}
        self._messages = messages
        self._quirks = messages.quirks
        for item in items:
            if isinstance(item, Raw) and _is_one_field(item):
                self._raw(item)
            else:
                for keyed in item.parts if isinstance(item, Raw) else (item,):
                    self._neutral(*keyed)
        if self.calls and not self.thoughts and self._quirks.calls_need_thinking:
            self.thoughts.append((self.calls[0][0], ""))

    def _neutral(self, key: str, part: Part) -> None:
        if isinstance(part, Text) and part.text:
            self.texts.append((key, part.text))
            self.listed.append((key, {"type": "text", "text": part.text}))
        elif isinstance(part, Thinking):
            self._thought(key, part, {})
        elif isinstance(part, ToolCall) and part.by != "provider":
            arguments = msgspec.json.encode(arguments_of(part)).decode()
            function = {"name": part.name, "arguments": arguments}
            self.calls.append(
                (key, {"id": self._messages.ids.new(part.id), "type": "function", "function": function})
            )
        elif isinstance(part, Opaque) and self._messages.place.knows(part):
            where, _, name = part.kind.partition(".")
            if where == "content":
                self.listed.append((key, part.data))
                self.as_list = True
            elif name not in self._quirks.not_back:
                self.more[name] = (key, part.data)

    def _raw(self, raw: Raw) -> None:
        part = raw.parts[0][1]
        if isinstance(part, Thinking) and "reasoning_details" in raw.item:
            if self._quirks.thinking:
                self.details += [(raw.key, each) for each in raw.item["reasoning_details"]]
        elif isinstance(part, Thinking):
            self._thought(raw.key, part, raw.item)
        elif isinstance(part, ToolCall) and part.by != "provider":
            id = self._messages.ids.new(part.id, as_str(raw.item.get("id")))
            self.calls.append((raw.key, {**raw.item, "id": id}))

    def _thought(self, key: str, part: Thinking, more: dict[str, Json]) -> None:
        """Thinking goes back only to the model that thought it, and only in a field of its own."""
        if not self._quirks.thinking or not self._messages.place.made(part) or part.origin is None:
            return
        if (part.origin.key or "").startswith("content"):
            thought = [{"type": "text", "text": part.text}]
            self.listed.append((key, {"type": "thinking", "thinking": thought, **more}))
            self.as_list = True
        elif self._quirks.thinking != "raw" and part.text:
            self.thoughts.append((key, part.text))


def _is_one_field(raw: Raw) -> bool:
    """Whether the item stands for what it is put back as: thoughts, or one call. Else its parts speak."""
    parts = [part for _, part in raw.parts]
    return all(isinstance(part, Thinking) for part in parts) or (
        len(parts) == 1 and isinstance(parts[0], ToolCall)
    )
