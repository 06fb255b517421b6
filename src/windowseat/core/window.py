"""The window: all that the model will read in the next request, as ordered segments.

Pure: inserts of features and the path of a thread become a `Window`; a dialect encodes it. Order is
stable and nothing in it changes by itself, so that a provider's cache of the prefix holds: tools
first, then instructions, then the messages from the root on.

It does not count tokens, fetch files or know any provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from windowseat.core.message import Message, Role
from windowseat.core.parts import Notice, Part
from windowseat.core.tool import Tool

Kind = Literal[
    "tool", "instructions", "persona", "memory", "project", "file", "summary", "text", "thinking",
    "tool_call", "tool_result", "media", "other", "draft",
]  # fmt: skip
State = Literal["full", "masked", "summarised", "left_out"]
Quality = Literal["exact", "reconstructed", "scaled", "rough"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A labelled stretch of the window: a tool, a text for the system, or one part of a message.

    `key` is stable from turn to turn (`message:ID/2`, `tool:NAME`, `instructions:user`). For a part,
    `message` and `role` say where it stands. `tokens` is None until somebody counted.
    """

    key: str
    kind: Kind
    label: str
    content: Tool | Part | str
    message: str | None = None
    role: Role | None = None
    tokens: int | None = None
    quality: Quality = "rough"
    state: State = "full"
    pinned: bool = False
    by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """What a feature gives to the window for one turn: a text for the system, or a tool on offer."""

    key: str
    kind: Kind
    label: str
    content: Tool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The parts of one message that are sent, each with its segment's key."""

    message: str
    role: Role
    parts: tuple[tuple[str, Part], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Ordered segments; the views below are what a dialect encodes."""

    segments: tuple[Segment, ...]

    @property
    def sent(self) -> tuple[Segment, ...]:
        """The segments that the model will read."""
        return tuple(segment for segment in self.segments if segment.state != "left_out")

    def tools(self) -> tuple[tuple[str, Tool], ...]:
        """Each tool on offer with its segment's key."""
        return tuple((s.key, s.content) for s in self.sent if isinstance(s.content, Tool))

    def instructions(self) -> tuple[tuple[str, str], ...]:
        """Each text for the system with its segment's key, in order."""
        return tuple((s.key, s.content) for s in self.sent if isinstance(s.content, str))

    def entries(self) -> tuple[Entry, ...]:
        """The messages, root first, as far as they are sent."""
        entries: list[Entry] = []
        for segment in self.sent:
            if segment.message is None or segment.role is None or isinstance(segment.content, Tool | str):
                continue
            if not entries or entries[-1].message != segment.message:
                entries.append(Entry(message=segment.message, role=segment.role, parts=()))
            parts = (*entries[-1].parts, (segment.key, segment.content))
            entries[-1] = replace(entries[-1], parts=parts)
        return tuple(entries)


_ORDER: tuple[Kind, ...] = ("tool", "instructions", "persona", "memory", "project", "file", "summary")


def assemble(inserts: Iterable[Insert], path: Iterable[Message]) -> Window:
    """The window of a turn: inserts by kind and key, then the path's parts in order.

    Notices are the house's own words and are never a segment: no model reads them.
    """
    ordered = sorted(inserts, key=lambda insert: (_ORDER.index(insert.kind), insert.key))
    segments = [
        Segment(key=insert.key, kind=insert.kind, label=insert.label, content=insert.content)
        for insert in ordered
    ]
    for message in path:
        for index, part in enumerate(message.parts):
            if not isinstance(part, Notice):
                segments.append(_part_segment(message, index, part))
    return Window(segments=tuple(segments))


def _part_segment(message: Message, index: int, part: Part) -> Segment:
    return Segment(
        key=f"message:{message.id}/{index}",
        kind=_KIND_OF.get(part.type, "other"),
        label=message.role,
        content=part,
        message=message.id,
        role=message.role,
    )


_KIND_OF: dict[str, Kind] = {
    "text": "text", "thinking": "thinking", "tool_call": "tool_call", "tool_result": "tool_result",
    "image": "media", "audio": "media", "video": "media", "file": "file",
}  # fmt: skip
