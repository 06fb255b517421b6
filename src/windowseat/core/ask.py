"""An ask: what starts a turn; and the turn as it is known before its first event.

Entrypoints make asks of their wire format. Nothing is decided here: rights and limits are `admit`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from windowseat.core.message import Message
from windowseat.core.model import Options
from windowseat.core.parts import Part
from windowseat.core.tool import Tool

Purpose = Literal["answer", "title", "summary", "judge", "test", "api"]
Keeping = Literal["database", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks. A fresh install has one, the owner."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewThread:
    """The thread that a turn begins. `id` is None where the server is to make one."""

    id: str | None = None
    project: str | None = None
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What starts a turn.

    `id` is the client's: the same id with the same ask is the same turn. With `parts` a user message
    follows `parent` (None: the first). Without, `parent` is a user message that is answered again, or,
    with `goes_on`, an answer whose sibling begins with its parts. A hidden or foreign turn has its
    `path` given instead of a thread, and its journal in memory.
    """

    id: str
    user: User
    thread: str | None = None
    new: NewThread | None = None
    parent: str | None = None
    parts: tuple[Part, ...] = ()
    goes_on: bool = False
    path: tuple[Message, ...] = ()
    instructions: str | None = None
    model: str | None = None
    options: Options = field(default_factory=Options)
    caller_tools: tuple[Tool, ...] = ()
    purpose: Purpose = "answer"
    keeping: Keeping = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn as it was committed: everything that running, resuming and settling it need.

    `owner` is the number of the process run that may append to its journal; `begins_with` are the
    parts of the answer that is continued.
    """

    id: str
    user: User
    thread: str | None
    parent: str | None
    user_message: str | None
    message: str
    model: str
    options: Options
    purpose: Purpose = "answer"
    keeping: Keeping = "database"
    owner: int = 0
    path: tuple[Message, ...] = ()
    instructions: str | None = None
    caller_tools: tuple[Tool, ...] = ()
    begins_with: tuple[Part, ...] = ()
