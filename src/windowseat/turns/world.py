"""What the turns need of the house, in one value; app.py makes it, tests make a small one.

No behaviour: only ports and the few numbers that bound a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from windowseat.core.ask import Keeping, Turn
from windowseat.core.ports import (
    AfterTurn,
    Clock,
    Fallbacks,
    InsertSource,
    Ledger,
    Providers,
    Tools,
    TurnStore,
)
from windowseat.turns.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Numbers that bound a turn; each is a setting or told to the user when it is met."""

    steps: int = 25
    longest_wait: float = 30.0
    """Seconds that a busy provider is waited for before the first token …"""
    waits: int = 2
    """… and how often."""
    quiet: float = 5.0
    """Seconds of silence after which a waiting event says so, again and again."""
    longest_answer: int = 32 * 1024 * 1024
    """Characters of one answer."""
    resumes_by_itself: timedelta = timedelta(minutes=10)
    """A turn that was cut longer ago is offered, not resumed."""
    resumes: int = 2
    """How often a turn goes on by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where turns of one keeping live: their journal and their store."""

    journal: Journal
    turns: TurnStore


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The house as the turns see it."""

    clock: Clock
    kept: Mapping[Keeping, Kept]
    providers: Providers
    tools: Tools
    ledger: Ledger
    new_id: Callable[[], str]
    fallbacks: Fallbacks | None = None
    inserts: Sequence[InsertSource] = ()
    after: Sequence[AfterTurn] = ()
    started: Sequence[Callable[[Turn], None]] = ()
    """Told of each turn that starts here, once it is committed."""
    bounds: Bounds = field(default_factory=Bounds)

    def of(self, turn: Turn) -> Kept:
        """The journal and store of this turn."""
        return self.kept[turn.keeping]
