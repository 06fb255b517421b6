"""Input items of a request for a response, as the house's messages.

What their wire means is said in parts, for every dialect; on a connection of this same wire each item also
goes along as it was written (providers' written.py). Items of the assistant that stand together are one
message, and so are the results of its calls.

Format: https://platform.openai.com/docs/api-reference/responses/create
Not here: tools and options (responses_request.py), and media (media.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from windowseat.core.message import Message, Role
from windowseat.core.model import Model
from windowseat.core.parts import Json, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.entrypoints.openai import media
from windowseat.entrypoints.openai.carried import is_packed, with_item
from windowseat.entrypoints.openai.chat_messages import Conversation
from windowseat.entrypoints.openai.fields import Fields
from windowseat.features.providers.dialects.decoding import parsed_arguments
from windowseat.features.providers.written import as_item, as_message

OUR_ID = "_ws_"
"""Stands in the ids of items that were answered here; their provider does not know them."""


def read_items(body: Fields, model: Model, at: datetime) -> Conversation:
    """The fields `instructions` and `input`. Raises WrongRequest."""
    told = body.text("instructions")
    reader = _Reader(model, at)
    if isinstance(body.get("input"), str):
        reader.read(Fields({"role": "user", "content": body.get("input")}, "input"))
        return Conversation(instructions=told, path=reader.path())
    listed = list(body.objects("input"))
    if body.get("input") is None:
        raise body.missing("input")
    if not listed:
        raise body.wrong("input", "“input” is empty.", code="empty_array", hint="Say something.")
    first = next((i for i, each in enumerate(listed) if not _instructs(each)), len(listed) - 1)
    texts = [told or "", *("\n\n".join(reader.words(each)) for each in listed[:first])]
    for each in listed[first:]:
        reader.read(each)
    return Conversation(instructions="\n\n".join(text for text in texts if text) or None, path=reader.path())


def _instructs(item: Fields) -> bool:
    return item.get("role") in ("system", "developer") and item.get("type") in (None, "message")


class _Reader:
    """Reads item after item."""

    def __init__(self, model: Model, at: datetime) -> None:
        self._model = model
        self._at = at
        self._own = model.dialect == "openai-responses"
        self._said: list[tuple[Role, list[Part]]] = []
        self._open: dict[str, int] = {}
        self._answering = False
        self._place = 0

    def path(self) -> tuple[Message, ...]:
        """What was read."""
        return tuple(
            Message(id=f"m{i}", thread="", parent=None, role=role, parts=tuple(parts), created=self._at)
            for i, (role, parts) in enumerate(self._said)
        )

    def read(self, item: Fields) -> None:
        """One item. Raises WrongRequest."""
        kind = item.text("type") or "message"
        match kind:
            case "message" if item.get("role") != "assistant":
                self._user(item)
            case "message":
                self._add(self._answer(item), item)
            case "function_call" | "custom_tool_call":
                self._call(item, kind)
            case "function_call_output" | "custom_tool_call_output":
                self._result(item)
            case "reasoning":
                self._thought(item)
            case "item_reference":
                raise item.wrong(
                    "type",
                    "Answers are not kept here, so that no item can be referred to.",
                    code="unsupported_value",
                    hint="Send the item itself.",
                )
            case _ if self._own:
                self._add([Opaque(dialect="openai-responses", kind=f"item.{kind}", data=item.data)], item)
            case _:
                pass  # what another provider ran and keeps on its side says nothing to this one

    def words(self, item: Fields) -> list[str]:
        """The texts of a message. Raises WrongRequest where it has anything else."""
        texts = [part.text for part in self._contents(item, "content") if isinstance(part, Text)]
        if isinstance(item.get("content"), list) and len(texts) < len(item.get("content")):
            raise item.wrong("content", "Instructions are text.", code="invalid_type")
        return texts

    # -- what a user says -----------------------------------------------------------------------------

    def _user(self, item: Fields) -> None:
        role = item.need_text("role")
        if role != "user" and not _instructs(item):
            raise item.wrong(
                "role",
                f"The role “{role[:40]}” is not known.",
                hint="Known are user, assistant, system and developer.",
            )
        parts = self._contents(item, "content") or [Text(text="")]
        self._said.append(("user", list(as_message(parts, self._model, item.data)) if self._own else parts))
        self._answering = False

    def _contents(self, item: Fields, name: str) -> list[Part]:
        content = item.get(name)
        if isinstance(content, str):
            return [Text(text=content)]
        if content is None:
            raise item.missing(name)
        return [self._content(each) for each in item.objects(name)]

    def _content(self, entry: Fields) -> Part:
        kind = entry.need_text("type")
        match kind:
            case "input_text" | "output_text" | "text" | "summary_text":
                return Text(text=entry.need_text("text"))
            case "refusal":
                return Text(text=entry.need_text("refusal"))
            case "input_image" if (url := entry.text("image_url")) is not None:
                return media.image(url, entry.place("image_url"))
            case "input_audio":
                held = entry.need_object("input_audio")
                return media.sound(held.need_text("data"), held.need_text("format"), held.place("format"))
            case "input_file" if (source := _source(entry)) is not None:
                return media.document(source[1], entry.text("filename"), entry.place(source[0]))
        if self._own:
            return Opaque(dialect="openai-responses", kind=f"content.{kind}", data=entry.data)
        if kind in ("input_image", "input_file"):
            raise entry.wrong(
                "file_id",
                "Files are not kept here, so that none can be named by its id.",
                code="unsupported_value",
                hint="Send its address, or its bytes.",
            )
        raise entry.wrong(
            "type",
            f"{self._model.name} cannot be given content of the type “{kind[:40]}”.",
            hint="It takes input_text, input_image, input_audio and input_file.",
        )

    # -- what the assistant said, and what tools gave back --------------------------------------------

    def _add(self, parts: Sequence[Part], item: Fields) -> None:
        if not self._answering:
            self._said.append(("assistant", []))
            self._answering, self._place = True, 0
        if self._own:
            written = dict(item.data)
            if OUR_ID in str(written.get("id")):
                del written["id"]
            parts = as_item(parts, self._model, written, self._place)
            self._place += 1
        self._said[-1][1].extend(parts)

    def _answer(self, item: Fields) -> list[Part]:
        return self._contents(item, "content") or [Text(text="")]

    def _call(self, item: Fields, kind: str) -> None:
        id, name = item.need_text("call_id"), item.need_text("name")
        written = item.need_text("input" if kind == "custom_tool_call" else "arguments")
        arguments: dict[str, Json] | str = (
            written if kind == "custom_tool_call" else parsed_arguments(written)
        )
        call = ToolCall(id=id, name=name, arguments=arguments, by="caller")
        self._add([with_item(call, item.get("encrypted_content"), self._model, f"call/{id}")], item)
        self._open[id] = len(self._said) - 1

    def _thought(self, item: Fields) -> None:
        encrypted = item.get("encrypted_content")
        pieces = [each.text("text") or "" for name in ("summary", "content") for each in item.objects(name)]
        thought = Thinking(text="\n\n".join(pieces))
        if not is_packed(encrypted):
            if not self._own or encrypted or item.get("content"):  # else it names what nobody has kept
                self._add([thought], item)
            return
        thought = with_item(thought, encrypted, self._model, f"thought/{len(self._said)}/{self._place}")
        if not self._own:
            self._add([thought], item)
        elif thought.origin is not None and isinstance(thought.origin.item, dict):
            self._add([thought], Fields(thought.origin.item, item.at))

    def _result(self, item: Fields) -> None:
        id = item.need_text("call_id")
        at = self._open.pop(id, None)
        if at is None:
            raise item.wrong(
                "call_id",
                f"No call “{id[:80]}” stands before this result.",
                hint="Send the call too; a result follows it, once.",
            )
        result = ToolResult(id=id, content=tuple(self._contents(item, "output")))
        self._said[at][1].extend(as_message([result], self._model, item.data) if self._own else (result,))
        self._answering = False


def _source(entry: Fields) -> tuple[str, str] | None:
    """Where a document is: the field and its value."""
    for name in ("file_data", "file_url"):
        value = entry.text(name)
        if value is not None:
            return name, value
    return None
