"""Both keepings of turns, set up alike, and asks and lines to fill them with. Not a fake: only values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from windowseat import codec
from windowseat.core.ask import Ask, Keeping, NewThread, Turn, User
from windowseat.core.errors import NotFound
from windowseat.core.events import (
    Event,
    Numbered,
    PartDelta,
    PartSettled,
    PartStarted,
    TurnSettled,
    TurnStarted,
)
from windowseat.core.fold import Fold
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.parts import Part, Text
from windowseat.core.ports import Begun, Entry, JournalStore, Line, TurnStore
from windowseat.features.threads import DatabaseJournal, DatabaseTurns, MemoryTurns, Threads
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids

MODEL = Model(connection="work", id="model", dialect="openai-chat")


class TickingClock(Clock):
    """A clock that goes on by a little each time it is read."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=1234)
        return self.moment

    def skip(self, **by: float) -> None:
        """Go on by that much."""
        self.moment += timedelta(**by)


@dataclass
class Kept:
    """A keeping under test, with who uses it."""

    keeping: Keeping
    turns: TurnStore
    journal: JournalStore
    threads: Threads
    clock: TickingClock
    user: User
    other: User
    add_file: Callable[[User, str], Any]
    changes: list[tuple[str, str, int]] = field(default_factory=list)
    ids: Ids = field(default_factory=Ids)

    def ask(self, **more: Any) -> Ask:
        """An ask with new words; in a new thread unless it says otherwise."""
        values: dict[str, Any] = {"id": self.ids.new(), "user": self.user, "keeping": self.keeping}
        if not more.keys() & {"thread", "new", "path"}:
            values["new"] = NewThread(temporary=self.keeping == "memory")
        if "goes_on" not in more and "parent" not in more and "path" not in more:
            values["parts"] = (Text(text="Hello"),)
        return Ask(**(values | more))

    async def begin(self, ask: Ask | None = None, **more: Any) -> Begun:
        """Begin a turn."""
        return await self.turns.begin(ask or self.ask(**more), MODEL, self.first)

    def first(self, turn: Turn) -> Line:
        """Line 1."""
        started = TurnStarted(
            turn=turn.id,
            thread=turn.thread,
            parent=turn.parent,
            user_message=turn.user_message,
            message=turn.message,
            model=turn.model,
        )
        return self.line(1, started)

    def line(self, n: int, event: Event) -> Line:
        """The event as line `n`."""
        at = self.clock.now()
        return Line(n, at, event, codec.event_json(n, at, event))

    def lines(self, n: int, events: Sequence[Event]) -> tuple[Line, ...]:
        """The events as lines from `n` on."""
        return tuple(self.line(n + i, event) for i, event in enumerate(events))

    async def commit(self, turn: Turn, n: int, *events: Event, durable: bool = False) -> tuple[Line, ...]:
        """Commit the events as lines from `n` on."""
        lines = self.lines(n, events)
        await self.journal.commit([Entry(turn.id, turn.owner, lines)], durable=durable)
        return lines

    async def fold(self, turn: str) -> Fold:
        """How far the turn has come, by its journal."""
        return Fold(numbered(await self.journal.read(turn, 0)))

    async def settle(self, turn: Turn, reason: Any = "end") -> Message:
        """Settle the turn as its journal has it."""
        fold = await self.fold(turn.id)
        line = self.line(fold.n + 1, TurnSettled(stop_reason=reason, usage=fold.usage(), price=None))
        fold.add(numbered([line])[0])
        await self.turns.settle(turn, fold.message(), line)
        return fold.message()

    async def answered(self, words: str = "Hi.", **more: Any) -> tuple[Turn, Message]:
        """A whole turn that says these words."""
        turn = (await self.begin(**more)).turn
        await self.commit(turn, 2, *said(words, index=len(turn.begins_with)))
        return turn, await self.settle(turn)


async def make_kept(database: Database, keeping: Keeping) -> Kept:
    """A keeping with two users, and the threads that both keepings share."""
    clock, ids = TickingClock(), Ids()
    user, other = User(id=ids.new(), name="one"), User(id=ids.new(), name="other")
    changes: list[tuple[str, str, int]] = []
    files: set[tuple[str, str]] = set()

    async def check_files(user: User, wanted: set[str]) -> None:
        if missing := [file for file in wanted if (user.id, file) not in files]:
            raise NotFound("file_not_found", f"There is no file {missing}.", hint="Put it in again.")

    async def add_file(user: User, file: str) -> None:
        files.add((user.id, file))
        row = text(
            "INSERT INTO files (id, user_id, digest, media_type, name, size, created_at, used, version) "
            "VALUES (:file, :user, 'd', 'text/plain', 'n', 1, 1, 0, 1)"
        )
        await database.write(lambda conn: conn.execute(row, {"file": file, "user": user.id}).rowcount)

    def on_change(*change: object) -> None:
        changes.append(change)  # type: ignore[arg-type]

    memory = MemoryTurns(ids.new, check_files)
    threads = Threads(database, memory, clock, ids, on_change=on_change, check_files=check_files)
    turns, journal = memory, memory
    if keeping == "database":
        turns = await DatabaseTurns.open(database, clock, ids, on_change, process="a test")
        journal = DatabaseJournal(database, on_change)
    return Kept(keeping, turns, journal, threads, clock, user, other, add_file, changes, ids)


def said(words: str, *, index: int = 0) -> list[Event]:
    """The events of a text that comes in two halves."""
    half = len(words) // 2
    part: Part = Text(text="", step=1)
    return [
        PartStarted(index=index, part=part),
        PartDelta(index=index, text=words[:half]),
        PartDelta(index=index, text=words[half:]),
        PartSettled(index=index, part=replace(part, text=words)),
    ]


def numbered(lines: Sequence[Line]) -> list[Numbered]:
    """The events of lines, without their JSON."""
    return [Numbered(n=line.n, at=line.at, event=line.event) for line in lines]
