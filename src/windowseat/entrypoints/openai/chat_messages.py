"""Messages of a chat request as the house's messages.

What their wire means is said in parts, for every dialect. On a connection of this same wire each message also
goes along as it was written (providers' written.py), so that no field of it is lost. A message of the
assistant and the results of its calls are one message here.

Format: https://platform.openai.com/docs/api-reference/chat/create
Not here: tools and options (chat_request.py), and media (media.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from windowseat.core.message import Message, Role
from windowseat.core.model import Model
from windowseat.core.parts import Json, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.entrypoints.openai import media
from windowseat.entrypoints.openai.carried import CARRIED, as_step, is_packed, with_item
from windowseat.entrypoints.openai.errors import WrongRequest
from windowseat.entrypoints.openai.fields import Fields
from windowseat.features.providers.dialects.decoding import as_list, parsed_arguments
from windowseat.features.providers.written import as_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What was said: the instructions that stand first, and the messages, root first."""

    instructions: str | None
    path: tuple[Message, ...]


def read_messages(body: Fields, model: Model, at: datetime) -> Conversation:
    """The field `messages`. Raises WrongRequest."""
    listed = list(body.objects("messages"))
    if body.get("messages") is None:
        raise body.missing("messages")
    if not listed:
        raise body.wrong(
            "messages",
            "“messages” is empty.",
            code="empty_array",
            hint="Send at least one message, such as {“role”: “user”, “content”: “Hello”}.",
        )
    reader = _Reader(model, at)
    first = next((i for i, each in enumerate(listed) if not _instructs(each)), len(listed) - 1)
    instructions = [_words(each, "content") for each in listed[:first]]
    for each in listed[first:]:
        reader.read(each)
    return Conversation(
        instructions="\n\n".join(text for text in instructions if text) or None, path=reader.path()
    )


def _instructs(message: Fields) -> bool:
    return message.get("role") in ("system", "developer")


class _Reader:
    """Reads message after message."""

    def __init__(self, model: Model, at: datetime) -> None:
        self._model = model
        self._at = at
        self._own = model.dialect == "openai-chat"
        self._said: list[tuple[Role, tuple[Part, ...]]] = []
        self._open: set[str] = set()

    def path(self) -> tuple[Message, ...]:
        """What was read."""
        return tuple(
            Message(id=f"m{i}", thread="", parent=None, role=role, parts=parts, created=self._at)
            for i, (role, parts) in enumerate(self._said)
        )

    def read(self, message: Fields) -> None:
        """One message. Raises WrongRequest."""
        role = message.need_text("role")
        if role == "tool":
            self._result(message)
        elif role == "assistant":
            parts = self._answer(message)
            self._open = {part.id for part in parts if isinstance(part, ToolCall)}
            self._add("assistant", parts, message.data)
        elif role == "user":
            self._add("user", self._contents(message), message.data)
        elif _instructs(message):  # in the middle: no other wire has a place for it but the user's
            self._add("user", [Text(text=_words(message, "content"))], message.data)
        else:
            raise message.wrong(
                "role",
                f"The role “{role[:40]}” is not known.",
                hint="Known are system, developer, user, assistant and tool.",
            )

    def _add(self, role: Role, parts: Sequence[Part], written: Json) -> None:
        if role == "user":
            self._open = set()
        parts = parts or [Text(text="")]
        self._said.append((role, as_message(parts, self._model, written) if self._own else tuple(parts)))

    # -- what a user says -----------------------------------------------------------------------------

    def _contents(self, message: Fields) -> list[Part]:
        content = message.get("content")
        if isinstance(content, str):
            return [Text(text=content)]
        if content is None:
            raise message.missing("content")
        return [self._content(each) for each in message.objects("content")]

    def _content(self, entry: Fields) -> Part:
        kind = entry.need_text("type")
        match kind:
            case "text" | "input_text" | "output_text":
                return Text(text=entry.need_text("text"))
            case "refusal":
                return Text(text=entry.need_text("refusal"))
            case "image_url" | "video_url" | "document_url":
                url, place = _address(entry, kind)
                if kind == "document_url":
                    return media.document(url, entry.text("document_name"), place)
                return media.image(url, place) if kind == "image_url" else media.video(url, place)
            case "input_audio":
                held = entry.need_object("input_audio")
                return media.sound(held.need_text("data"), held.need_text("format"), held.place("format"))
            case "file":
                return self._file(entry.need_object("file"))
        if self._own:
            return Opaque(dialect="openai-chat", kind=f"content.{kind}", data=entry.data)
        raise entry.wrong(
            "type",
            f"{self._model.name} cannot be given content of the type “{kind[:40]}”.",
            hint="It takes text, image_url, input_audio and file.",
        )

    def _file(self, held: Fields) -> Part:
        data = held.text("file_data")
        if data is not None:
            return media.document(data, held.text("filename"), held.place("file_data"))
        if self._own:
            return Opaque(dialect="openai-chat", kind="content.file", data=held.data)
        raise held.wrong(
            "file_id",
            "Files are not kept here, so that none can be named by its id.",
            code="unsupported_value",
            hint="Send its bytes as file_data.",
        )

    # -- what the assistant said, and what tools gave back --------------------------------------------

    def _answer(self, message: Fields) -> list[Part]:
        parts: list[Part] = self._thoughts(message)
        content = message.get("content")
        if isinstance(content, str):
            parts += [Text(text=content)] if content else []
        else:
            parts += [
                part
                for entry in message.objects("content")
                if isinstance(part := self._said_before(entry), Text | Opaque)
            ]
        if refusal := message.text("refusal"):
            parts.append(Text(text=refusal))
        parts += [self._call(each) for each in message.objects("tool_calls")]
        carries = any(isinstance(part, Thinking) and part.origin is not None for part in parts)
        if carries and self._model.dialect == "openai-responses":
            return list(as_step(parts, self._model))
        return parts

    def _thoughts(self, message: Fields) -> list[Part]:
        carried = [
            each.get("data") for each in as_list(message.get("reasoning_details")) if isinstance(each, dict)
        ]
        carried = [each for each in carried if is_packed(each)]
        if carried and not self._own:
            thought = Thinking(text="")
            return [with_item(thought, each, self._model, f"thought/{n}") for n, each in enumerate(carried)]
        told = message.get("reasoning_content") or message.get("reasoning")
        return [Thinking(text=told)] if isinstance(told, str) and told else []

    def _said_before(self, entry: Fields) -> Part | None:
        """A piece of an earlier answer; what is not known in it is of use to this wire alone."""
        kind = entry.need_text("type")
        if kind in ("text", "output_text", "refusal"):
            return self._content(entry)
        return Opaque(dialect="openai-chat", kind=f"content.{kind}", data=entry.data)

    def _result(self, message: Fields) -> None:
        id = message.need_text("tool_call_id")
        if id not in self._open:
            raise message.wrong(
                "tool_call_id",
                f"No call “{id[:80]}” stands in the assistant's message before this result.",
                hint="A result follows the message with its call, once.",
            )
        self._open.discard(id)
        result = ToolResult(id=id, content=tuple(self._contents(message)))
        role, parts = self._said[-1]
        written = as_message([result], self._model, message.data) if self._own else (result,)
        self._said[-1] = (role, (*parts, *written))

    def _call(self, call: Fields) -> ToolCall:
        read = _call(call)
        extra = call.get("extra_content")
        carried = extra.get(CARRIED) if isinstance(extra, dict) else None
        return read if self._own else with_item(read, carried, self._model, f"call/{read.id}")


def _call(call: Fields) -> ToolCall:
    id = call.need_text("id")
    if (call.text("type") or "function") == "custom":
        custom = call.need_object("custom")
        return ToolCall(
            id=id, name=custom.need_text("name"), arguments=custom.need_text("input"), by="caller"
        )
    function = call.need_object("function")
    written = function.text("arguments") or ""
    return ToolCall(id=id, name=function.need_text("name"), arguments=parsed_arguments(written), by="caller")


def _address(entry: Fields, kind: str) -> tuple[str, str]:
    """The address in an entry, as a string or within an object, and its place."""
    held = entry.get(kind)
    if isinstance(held, str):
        return held, entry.place(kind)
    inner = entry.need_object(kind)
    return inner.need_text("url"), inner.place("url")


def _words(message: Fields, name: str) -> str:
    """Content that is words alone: text, or a list of texts."""
    content = message.get(name)
    if isinstance(content, str):
        return content
    texts = [each.text("text") for each in message.objects(name)]
    if not texts or None in texts:
        raise WrongRequest(message.place(name), "Instructions are text.", code="invalid_type")
    return "\n\n".join(text for text in texts if text)
