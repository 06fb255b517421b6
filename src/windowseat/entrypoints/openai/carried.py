"""What a provider wants back of an answer, carried by the caller between two requests.

The house keeps nothing for programs, yet a signature on a thought or a call has to be there when the answer
comes back. It travels as text that only the house reads, where the wire has a place for such: as encrypted
reasoning. To another model, or without it, the plain words go.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from windowseat.core.model import Model
from windowseat.core.parts import Json, Origin, Part, SomePart, Text, Thinking, ToolCall
from windowseat.features.providers.dialects.decoding import as_dict
from windowseat.features.providers.written import as_item

CARRIED = "windowseat"
"""Names what is carried, where a wire wants a name for it."""

_MARK = "ws1."


def packed(origin: Origin | None) -> str | None:
    """The provider's own item as text; None where there is none, or it is shared by several parts."""
    if origin is None or origin.item is None or origin.shares != 1:
        return None
    held = {"dialect": origin.dialect, "model": origin.model, "item": origin.item}
    return _MARK + base64.urlsafe_b64encode(msgspec.json.encode(held)).decode()


def is_packed(text: Json) -> bool:
    """Whether the text was made here."""
    return isinstance(text, str) and text.startswith(_MARK)


def with_item(part: SomePart, text: Json, model: Model, key: str) -> SomePart:
    """The part with the item that the text carries, where it is this model's; else the part as it is."""
    held = _read(text)
    if (held.get("dialect"), held.get("model")) != (model.dialect, model.id):
        return part
    origin = Origin(
        dialect=model.dialect, connection=model.connection, model=model.id, key=key, item=held.get("item")
    )
    return replace(part, origin=origin)


def as_step(parts: Sequence[Part], model: Model) -> tuple[Part, ...]:
    """Parts of an answer, as the items that `openai-responses` takes a thought back with: all of its step."""
    items: list[Part] = []
    for place, part in enumerate(parts):
        match part:
            case Thinking() if part.origin is not None:
                item = part.origin.item
            case Text():
                content = [{"type": "output_text", "text": part.text}]
                item = {"type": "message", "role": "assistant", "content": content}
            case ToolCall():
                written = part.arguments
                arguments = written if isinstance(written, str) else msgspec.json.encode(written).decode()
                item = {
                    "type": "function_call",
                    "call_id": part.id,
                    "name": part.name,
                    "arguments": arguments,
                }
            case _:
                return tuple(parts)
        items += as_item([part], model, item, place)
    return tuple(items)


def _read(text: Json) -> dict[str, Any]:
    if not is_packed(text):
        return {}
    try:
        held = msgspec.json.decode(base64.urlsafe_b64decode(text[len(_MARK) :]))
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError):
        return {}
    form = list if as_dict(held).get("dialect") == "gemini-generate" else dict
    item = as_dict(held).get("item")
    return as_dict(held) if item and isinstance(item, form) else {}
