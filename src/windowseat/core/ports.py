"""What the turns need of the rest of the house: protocols that features implement and app.py wires.

One hop between the spine and the features; no behaviour here. All times are UTC.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from windowseat.core.ask import Ask, Purpose, Turn, User
from windowseat.core.events import Decision, Event
from windowseat.core.exchange import Received
from windowseat.core.message import Message, Usage
from windowseat.core.model import Model, Options
from windowseat.core.parts import Part, ToolCall
from windowseat.core.price import Money
from windowseat.core.request import Request
from windowseat.core.tool import Tool
from windowseat.core.window import Insert, Window


class Clock(Protocol):
    """The time, so that tests can fix it."""

    def now(self) -> datetime:
        """The time in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A numbered event with its JSON, encoded once for the journal and for every follower."""

    n: int
    at: datetime
    event: Event
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """Lines of one turn that are committed together, and who writes them."""

    turn: str
    owner: int
    lines: tuple[Line, ...]


class JournalStore(Protocol):
    """Where lines are kept: the database, or memory."""

    async def commit(self, entries: Sequence[Entry], *, durable: bool) -> None:
        """Keep all the lines or none. `durable`: through to the disk.

        Raises Conflict `turn_taken` when another owner has taken one of the turns over.
        """
        ...

    async def read(self, turn: str, after: int) -> Sequence[Line]:
        """The lines after number `after` in order; a snapshot stands in place of those that are gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A turn that was committed with its first line; `fresh` is False when it was there already."""

    turn: Turn
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A turn that an earlier process left unsettled: the number and time of its newest line."""

    turn: Turn
    newest: datetime
    resumed: int


class TurnStore(Protocol):
    """Turns with their messages and requests. One implementation in the database, one in memory."""

    async def begin(self, ask: Ask, model: Model, first: Callable[[Turn], Line]) -> Begun:
        """Commit the thread if it is new, the user's message, the answer's row, the turn and line 1.

        Raises Conflict `turn_id_used`, `turn_running`, NotFound `thread_not_found`, `message_not_found`.
        """
        ...

    async def get(self, user: User, turn: str) -> Turn:
        """The turn of this user. Raises NotFound `turn_not_found`."""
        ...

    async def path(self, turn: Turn) -> tuple[Message, ...]:
        """The messages that the answer follows, root first, its own user message last."""
        ...

    async def keep_request(self, turn: Turn, step: int, request: Request) -> str:
        """Keep a request's pieces, before it is sent; returns the name that `step_started` carries."""
        ...

    async def kept_request(self, turn: Turn, name: str) -> Request:
        """A request that was kept. Raises NotFound `request_not_found`."""
        ...

    async def settle(self, turn: Turn, message: Message, line: Line) -> None:
        """Commit the answer as it will stay together with the last line, durably."""
        ...

    async def left(self) -> Sequence[Left]:
        """The turns of earlier owners that have not settled."""
        ...

    async def take_over(self, turn: Turn, *, counts: bool) -> Turn:
        """Make this process the turn's owner; `counts` adds to how often it was resumed."""
        ...


class Providers(Protocol):
    """Models, and the way to and from their providers."""

    async def model(self, user: User, name: str | None) -> Model:
        """The model of that name, or the default one for None. Raises Refused `model_unknown` …"""
        ...

    async def encode(self, window: Window, model: Model, options: Options) -> Request:
        """The request that this window makes. Raises Refused where the model cannot take a part."""
        ...

    def go_on(self, request: Request, said: str, *, prefill: bool) -> Request:
        """The same request with a begun answer to go on from."""
        ...

    def exchange(self, user: User, request: Request, model: Model) -> AsyncIterator[Sequence[Received]]:
        """Send, and yield what comes, in batches as it arrives. Raises ProviderFault."""
        ...


Emit = Callable[[str | Part], None]
"""Shows something of a running tool: words or a part."""


class Tools(Protocol):
    """The registry: what may be called, and running it."""

    async def on_offer(self, turn: Turn) -> Sequence[Tool]:
        """The tools for this turn, each with the policy that holds for its user and thread."""
        ...

    async def run(self, turn: Turn, call: ToolCall, emit: Emit) -> tuple[Part, ...]:
        """Run a call and return the parts of its result. Raises ToolFault; cancelled, it stops."""
        ...

    async def remember(self, turn: Turn, tool: str, decision: Decision) -> None:
        """Keep a decision for this thread or for always."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One request to a provider and what it used; `estimated` where the provider did not say.

    `first_token` are the seconds from sending to the first token, `writing` those from there to the end, in
    which `written` tokens came; None where there was no such moment or nobody counted.
    """

    turn: str
    step: int
    user: str
    thread: str | None
    purpose: Purpose
    model: str
    at: datetime
    usage: Usage | None
    estimated: bool = False
    first_token: float | None = None
    writing: float | None = None
    written: int | None = None


class Ledger(Protocol):
    """One row for every request, hidden ones too."""

    async def record(self, row: LedgerRow) -> Money | None:
        """Keep the row (once for a turn's step) and return its price, None where unknown."""
        ...


class Fallbacks(Protocol):
    """Which model takes over when one cannot answer."""

    async def next(self, turn: Turn, tried: Collection[str]) -> Model | None:
        """The next model of the list that holds for this turn, none of those `tried`; None: nobody."""
        ...


InsertSource = Callable[[Turn], Awaitable[Sequence[Insert]]]
"""A feature's gift to the window of a turn: instructions, memory, file text."""

AfterTurn = Callable[[Turn, Message], Awaitable[None]]
"""What a feature does once a turn has settled, such as a title."""
