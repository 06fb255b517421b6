"""A turn while it is run here: its state, and the mail that reaches it.

All that happens outside (a provider's words, a tool's result, a decision, a stop) arrives in one
inbox, so that a stage waits in one place and no event is yielded inside a task group or a time-out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from windowseat.core.ask import Turn
from windowseat.core.events import ApprovalGiven, Event
from windowseat.core.exchange import Received
from windowseat.core.fold import Fold
from windowseat.core.model import Model
from windowseat.core.move import Ended
from windowseat.core.parts import Part
from windowseat.core.price import Money
from windowseat.turns.inbox import Inbox
from windowseat.turns.world import World


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody stops the turn; `was_left` when it was lying unfinished rather than running."""

    was_left: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """A batch from the provider; None at the end of the answer, or what went wrong."""

    batch: Sequence[Received] | None = None
    failed: Exception | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A running tool shows words or a part."""

    call: str
    what: str | Part


@dataclass(frozen=True, slots=True)
class Done:
    """A tool is done: its result, or the words of what went wrong."""

    call: str
    content: tuple[Part, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Some time has passed."""


Mail = Cancel | ApprovalGiven | Arrived | Shown | Done | Tick


@dataclass(slots=True)
class Run:
    """A turn while it is run here: how far it has come, and where its mail arrives."""

    turn: Turn
    world: World
    fold: Fold
    inbox: Inbox[Mail] = field(default_factory=Inbox)
    later: list[Mail] = field(default_factory=list)
    """Mail that came while a stage could not use it."""
    model: Model | None = None
    ended: Ended | None = None
    prices: dict[int, Money | None] = field(default_factory=dict)

    def note(self, event: Event) -> Event:
        """Fold the event in and hand it on."""
        self.fold.follow(event, self.world.clock.now())
        return event
