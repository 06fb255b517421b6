"""One call of a chat completion as it is told, piece by piece. Which call it is, chat_writer.py knows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from windowseat.core.parts import Json, ToolCall


class Call:
    """A call, told once its name is known; `custom` for a tool that takes plain text."""

    def __init__(self, number: int, *, custom: bool) -> None:
        self._number = number
        self._kind, self._field = ("custom", "input") if custom else ("function", "arguments")
        self._is_told = False
        self._written = ""

    def begin(self, part: ToolCall) -> Iterator[dict[str, Json]]:
        """The deltas with which the call begins."""
        if part.name:
            self._is_told = True
            named = {"name": part.name, self._field: ""}
            yield self._delta({"id": part.id, "type": self._kind, self._kind: named})
        if isinstance(part.arguments, str) and part.arguments:
            yield from self.grow(part.arguments)

    def grow(self, text: str) -> Iterator[dict[str, Json]]:
        """More of what it is called with."""
        self._written += text
        if self._is_told:
            yield self._delta({self._kind: {self._field: text}})

    def end(self, part: ToolCall, item: dict[str, Json]) -> Iterator[dict[str, Json]]:
        """What was not told yet, and what the provider wants back beside the call."""
        before, self._written = self._written, ""
        if not self._is_told:
            yield from self.begin(ToolCall(id=part.id, name=part.name or "unnamed", arguments=before))
        if not before:
            written = part.arguments
            yield from self.grow(
                written if isinstance(written, str) else msgspec.json.encode(written).decode()
            )
        if more := {name: value for name, value in item.items() if name not in _CALL}:
            # The official client wants the call's kind in every delta.
            yield self._delta({**more, self._kind: {self._field: ""}})

    def _delta(self, more: dict[str, Json]) -> dict[str, Json]:
        return {"tool_calls": [{"index": self._number, **more}]}


_CALL = frozenset({"id", "type", "index", "function", "custom"})
