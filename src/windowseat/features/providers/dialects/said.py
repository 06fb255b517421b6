"""What was said, side by side: a window's messages as the wires of all dialects want them.

An answer of many steps is split where tools answered, and calls without a result are closed honestly
(`said_in`). Raw items of the same place are found again (`raw_items`), ids of calls are made to fit
(`CallIds`).

Pure functions; names of fields, roles and parts on the wire are the dialects' business.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from windowseat.core.parts import Json, Opaque, Part, ToolCall, ToolResult
from windowseat.core.window import Entry, Window

Keyed = tuple[str, Part]
"""A part with its segment's key."""

# -- who says what --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said before the other side answers. `tool` holds only results, one for each call before it."""

    role: Literal["user", "assistant", "tool"]
    parts: tuple[Keyed, ...]


def said_in(window: Window) -> list[Said]:
    """The window's messages in the order of the wire.

    An answer's steps that no result parts become one: its texts stand as they came, with nothing
    between them. Every call that is not the provider's own is followed by exactly one result.
    """
    said: list[Said] = []
    for entry in window.entries():
        if entry.role == "user":
            said.append(Said(role="user", parts=entry.parts))
        else:
            said.extend(_answer(entry))
    return said


def _answer(entry: Entry) -> list[Said]:
    ours = {part.id for _, part in entry.parts if isinstance(part, ToolCall) and part.by != "provider"}
    results: dict[str, Keyed] = {}
    spoken: list[list[Keyed]] = [[]]
    step: int | None = None
    answered = False
    for key, part in entry.parts:
        if isinstance(part, ToolResult) and part.id in ours:
            results.setdefault(part.id, (key, part))
            answered = True
            continue
        if isinstance(part, ToolResult) and not _has_call(entry, part.id):
            continue  # its call was left out, and every provider refuses a result without one
        if answered or (part.step != step and any(_is_ours(each) for _, each in spoken[-1])):
            spoken.append([])
        step, answered = part.step, False
        spoken[-1].append((key, part))
    said: list[Said] = []
    for parts in spoken:
        if not parts:
            continue
        said.append(Said(role="assistant", parts=tuple(parts)))
        answers = [
            results.get(p.id) or (k, _closing(p)) for k, p in parts if isinstance(p, ToolCall) and _is_ours(p)
        ]
        if answers:
            said.append(Said(role="tool", parts=tuple(answers)))
    return said


def _is_ours(part: Part) -> bool:
    return isinstance(part, ToolCall) and part.by != "provider"


def _has_call(entry: Entry, id: str) -> bool:
    return any(isinstance(part, ToolCall) and part.id == id for _, part in entry.parts)


def _closing(call: ToolCall) -> ToolResult:
    if isinstance(call.arguments, str):
        why = "This call was cut off while it was written; it was not run."
    else:
        why = "This call has no result: it was stopped or never run."
    return ToolResult(id=call.id, step=call.step, content=(), error=why)


def merged(said: Iterable[Said], apart: Callable[[Said], bool] = lambda _: False) -> list[Said]:
    """The same with neighbours of one role as one, for wires on which the roles must alternate.

    What is `apart` stays a message of its own.
    """
    out: list[Said] = []
    for each in said:
        if out and out[-1].role == each.role and not (apart(out[-1]) or apart(each)):
            out[-1] = replace(out[-1], parts=out[-1].parts + each.parts)
        else:
            out.append(each)
    return out


def answered_there(said: Sequence[Said]) -> frozenset[str]:
    """The calls that a provider ran itself and that have their result, be it in a later message.

    A call at the very end counts too: it waits for the provider, which goes on from there.
    """
    calls = [p.id for each in said for _, p in each.parts if isinstance(p, ToolCall) and p.by == "provider"]
    results = {p.id for each in said for _, p in each.parts if isinstance(p, ToolResult)}
    last = [part for each in said[-1:] for _, part in each.parts][-1:]
    waiting = {part.id for part in last if isinstance(part, ToolCall) and part.by == "provider"}
    return frozenset(id for id in calls if id in results or id in waiting)


# -- what goes back verbatim ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a request goes; an origin that names the same place gets its raw items back."""

    dialect: str
    connection: str
    model: str

    def made(self, part: Part) -> bool:
        """Whether the part came from here, unchanged: a part that was changed has no origin."""
        return part.origin is not None and part.origin.same_place(self.dialect, self.connection, self.model)

    def knows(self, part: Opaque) -> bool:
        """Whether what we do not know may go back to here."""
        return part.dialect == self.dialect and (part.origin is None or self.made(part))


WHOLE = "whole"
"""The key of an item that is a message of a request, as a program wrote it on this very wire."""


def written_whole(part: Part, place: Place) -> bool:
    """Whether the part is of such a message, and the message goes back to where it was meant for."""
    return place.made(part) and part.origin is not None and part.origin.key == WHOLE


def as_written(said: Said, place: Place) -> Json | None:
    """The message as a program wrote it, where all its parts are there and nothing else; else None."""
    if not written_whole(said.parts[0][1], place):
        return None
    items = raw_items(said.parts, place)
    return items[0].item if len(items) == 1 and isinstance(items[0], Raw) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A provider's own item in place of the parts that were made of it."""

    item: Json
    parts: tuple[Keyed, ...]

    @property
    def key(self) -> str:
        """The segment that the item stands for: that of its first part."""
        return self.parts[0][0]


def raw_items(parts: Sequence[Keyed], place: Place) -> list[Keyed | Raw]:
    """The parts in order, with raw items of this place in place of those parts that are all there.

    A part without an item of its own stays as it is: its neutral value says all.
    """
    sharing: dict[tuple[int | None, str], list[Keyed]] = {}
    for key, part in parts:
        if place.made(part) and part.origin is not None and part.origin.key is not None:
            sharing.setdefault((part.step, part.origin.key), []).append((key, part))
    out: list[Keyed | Raw] = []
    for key, part in parts:
        origin = part.origin
        group = (
            sharing.get((part.step, origin.key or ""), []) if origin is not None and place.made(part) else []
        )
        first = group[0][1].origin if group else None
        if first is None or first.item is None or len(group) != first.shares:
            out.append((key, part))
        elif part is group[0][1]:
            out.append(Raw(item=first.item, parts=tuple(group)))
    return out


class CallIds:
    """The ids that calls have on the wire: of the provider's form, and each once in a request."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._used: set[str] = set()
        self._now: dict[str, str] = {}

    def new(self, ours: str, preferred: str | None = None) -> str:
        """The id of the next call, `preferred` (the provider's own) or ours where they fit."""
        for candidate in (preferred, ours, *(_short(ours, n) for n in range(3))):
            if candidate and candidate not in self._used and self._pattern.fullmatch(candidate):
                return self._take(ours, candidate)
        return self._take(ours, next(each for n in count(3) if (each := _short(ours, n)) not in self._used))

    def of(self, ours: str) -> str:
        """The id of the last call that has our id."""
        return self._now[ours]

    def _take(self, ours: str, id: str) -> str:
        self._used.add(id)
        self._now[ours] = id
        return id


def _short(id: str, n: int) -> str:
    """Nine letters and digits, which every provider takes, always the same for the same id."""
    return hashlib.sha256(f"{n}:{id}".encode()).hexdigest()[:9]
