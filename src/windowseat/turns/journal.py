"""The journal: events get their numbers, are written, and only then shown.

One writer groups the events of all turns. It commits at once when it was idle, else every 50 ms; an edge is
committed without delay, and whoever put it waits for that; a part's first words are not held up either.
Such a commit takes along its own turn alone, so that the rest stays grouped. Words of one part that wait for
the same commit become one event. Followers wake on the commit and read from memory what is recent, from the
store what is older; they hold nothing, so a slow one costs nothing.

Where lines are kept is the store's business (core/ports.py), what they say the fold's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from windowseat.core.errors import Fault, StoreFault
from windowseat.core.events import Event, PartDelta, PartStarted, TurnSettled, is_edge
from windowseat.core.ports import Clock, Entry, JournalStore, Line

GAP = 0.05
"""Seconds between two rounds of the writer while text streams: what a kill can take of what was sent."""
MOMENT_PER_TURN = 0.0001
"""Seconds that a round waits, for each turn that is written here, for those whose words come just behind."""
MOST_MOMENT = 0.02
RECENT = 512
"""Lines of a running turn that are kept in memory for its followers."""
LAST = 16
"""Lines of a turn that has settled that are kept for those who followed it to its end …"""
LAST_SECONDS = 5.0
"""… and for how long; whoever comes later reads the store."""
MOST_WAITING = 4 * 1024 * 1024
"""Characters of one turn that may wait for the writer before its run must wait too."""

_log = logging.getLogger(__name__)

EncodeEvent = Callable[[int, datetime, Event], bytes]


@dataclass(slots=True)
class _Live:
    """A turn that is written here."""

    turn: str
    owner: int
    n: int
    recent: list[Line] = field(default_factory=list)
    waiting: list[tuple[datetime, Event]] = field(default_factory=list)
    size: int = 0
    writing: bool = False
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    failed: Exception | None = None


class Watch:
    """Wakes its holder when one of its turns has new lines, or when anybody touches it."""

    def __init__(self, watches: dict[str, set[Watch]]) -> None:
        self._watches = watches
        self._turns: set[str] = set()
        # A future and not an Event: whoever waits a thousand times a second should not ask for the loop
        # each time, which is a system call in Python 3.11.
        self._loop = asyncio.get_running_loop()
        self._touched = False
        self._waiter: asyncio.Future[None] | None = None

    def add(self, turn: str) -> None:
        """Watch this turn too."""
        self._turns.add(turn)
        self._watches.setdefault(turn, set()).add(self)

    def discard(self, turn: str) -> None:
        """Watch this turn no longer."""
        self._turns.discard(turn)
        watching = self._watches.get(turn)
        if watching is not None:
            watching.discard(self)
            if not watching:
                del self._watches[turn]

    def touch(self) -> None:
        """Wake the holder."""
        self._touched = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Until touched; at once if it was touched since the last wait."""
        if not self._touched:
            self._waiter = self._loop.create_future()
            await self._waiter
        self._touched = False

    def close(self) -> None:
        """Watch nothing."""
        for turn in tuple(self._turns):
            self.discard(turn)


class Journal:
    """Numbers, writes and shows the events of all turns of one keeping."""

    def __init__(
        self,
        store: JournalStore,
        clock: Clock,
        encode: EncodeEvent,
        watches: dict[str, set[Watch]] | None = None,
    ) -> None:
        """`watches` is shared by journals whose turns one watch is to see together."""
        self._store = store
        self._clock = clock
        self._encode = encode
        self._live: dict[str, _Live] = {}
        self._watches: dict[str, set[Watch]] = {} if watches is None else watches
        self._go = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._round_is_due = False
        self._last_round = 0.0
        self._writer: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: dict[str, _Live] = {}
        self._urgent: set[str] = set()
        self._failed: dict[str, Exception] = {}
        self._last: dict[str, list[Line]] = {}

    # -- writing ----------------------------------------------------------------------------------

    def line(self, n: int, event: Event) -> Line:
        """The event as line `n`, now."""
        at = self._clock.now()
        return Line(n, at, event, self._encode(n, at, event))

    def open(self, turn: str, owner: int, n: int, first: Line | None = None) -> None:
        """Write this turn here; `n` is the number of its newest line, `first` that line if it is new."""
        self._live[turn] = _Live(turn, owner, n, recent=[first] if first else [])
        self._failed.pop(turn, None)
        self._wake(turn)

    def post(self, turn: str, event: Event) -> bool:
        """Note an event; it is written within the gap and not waited for.

        True: so much of this turn waits for the writer that its run should wait as well.
        Raises what the writer met when it could not write an earlier event of this turn.
        """
        live = self._live[turn]
        if live.failed is not None:
            raise live.failed
        live.waiting.append((self._clock.now(), event))
        self._pending[turn] = live
        if isinstance(event, PartDelta):
            live.size += len(event.text)
            if self._timer is None:
                self._plan_round()
        elif isinstance(event, PartStarted) or is_edge(event):
            self._hurry(turn)
        else:
            self._plan_round()
        return live.size > MOST_WAITING

    async def put(self, turn: str, event: Event) -> None:
        """Note an event, and return once it is committed."""
        self.post(turn, event)
        await self.flush(turn)

    async def flush(self, turn: str) -> None:
        """Return once all that was noted of this turn is committed. Raises what the writer met."""
        live = self._live.get(turn)
        if live is None:
            return
        while (live.waiting or live.writing) and live.failed is None:
            if live.waiting:
                self._hurry(turn)
            live.committed.clear()
            await live.committed.wait()
        if live.failed is not None:
            raise live.failed

    async def seal(self, turn: str, event: TurnSettled, commit: Callable[[Line], Awaitable[None]]) -> None:
        """Write the last event by `commit`, which keeps more in the same transaction, and show it."""
        await self.flush(turn)
        live = self._live[turn]
        line = self.line(live.n + 1, event)
        await commit(line)
        live.n = line.n
        self._last[turn] = [*live.recent[1 - LAST :], line]
        asyncio.get_running_loop().call_later(LAST_SECONDS, self._last.pop, turn, None)
        del self._live[turn]
        self._wake(turn)

    def leave(self, turn: str) -> None:
        """Write this turn here no longer; it has not settled."""
        live = self._live.pop(turn, None)
        self._pending.pop(turn, None)
        if live is not None and live.failed is not None:
            self._failed[turn] = live.failed
        self._wake(turn)

    async def close(self) -> None:
        """Write what is noted, and stop."""
        for turn in tuple(self._pending):
            with suppress(Fault):
                await self.flush(turn)
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
            self._writer = None

    def _hurry(self, turn: str) -> None:
        """Write this turn now."""
        self._running_loop()
        self._urgent.add(turn)
        self._go.set()

    def _plan_round(self) -> None:
        """Write every turn that has something to be written, once the gap has passed."""
        if self._timer is not None or self._round_is_due:
            return
        loop = self._running_loop()
        soon = loop.time() + min(MOST_MOMENT, MOMENT_PER_TURN * len(self._live))
        self._timer = loop.call_at(max(soon, self._last_round + GAP), self._begin_round)

    def _begin_round(self) -> None:
        self._timer = None
        self._round_is_due = True
        self._go.set()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """The loop, with the writer running on it."""
        if self._writer is None or self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._writer = self._loop.create_task(self._write(), name="journal writer")
        return self._loop

    async def _write(self) -> None:
        while True:
            await self._go.wait()
            self._go.clear()
            turns = tuple(self._pending if self._round_is_due else self._urgent)
            if self._round_is_due:
                self._round_is_due = False
                self._last_round = self._running_loop().time()
            self._urgent.clear()
            batch = [
                taken
                for turn in turns
                if turn in self._pending and (taken := self._taken(self._pending.pop(turn))) is not None
            ]
            if batch:
                await self._commit(batch)

    def _taken(self, live: _Live) -> tuple[_Live, Entry] | None:
        """Number what waits; words of one part that wait together become one event.

        None where that cannot be put into JSON, which is that turn's trouble alone.
        """
        lines: list[Line] = []
        n = live.n
        try:
            for at, event in _joined(live.waiting):
                n += 1
                lines.append(Line(n, at, event, self._encode(n, at, event)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer goes on for all others
            self._give_up(live, error)
            return None
        live.n = n
        live.waiting = []
        live.size = 0
        live.writing = True
        return live, Entry(live.turn, live.owner, tuple(lines))

    async def _commit(self, batch: list[tuple[_Live, Entry]]) -> None:
        durable = any(_is_durable(line.event) for _, entry in batch for line in entry.lines)
        try:
            await self._store.commit([entry for _, entry in batch], durable=durable)
        except Exception as error:  # noqa: BLE001 - the same
            if len(batch) > 1:  # one turn's trouble must not take the others along
                for each in batch:
                    await self._commit([each])
            else:
                self._give_up(batch[0][0], error)
            return
        for live, entry in batch:
            live.writing = False
            live.recent.extend(entry.lines)
            if len(live.recent) > 2 * RECENT:
                del live.recent[:-RECENT]
            live.committed.set()
            self._wake(live.turn)

    def _give_up(self, live: _Live, error: Exception) -> None:
        """Write this turn no longer, and tell everyone who waits for it why."""
        if isinstance(error, Fault):
            live.failed = error
        else:
            _log.error("turn %s cannot be written", live.turn, exc_info=error)
            live.failed = StoreFault(
                "store_failed",
                f"The turn could not be written ({type(error).__name__}).",
                hint="The server's log says more. Resume the turn, or ask again.",
            )
        live.committed.set()
        self._wake(live.turn)

    # -- reading ----------------------------------------------------------------------------------

    def watch(self) -> Watch:
        """A watch over no turn yet; the holder closes it."""
        return Watch(self._watches)

    async def since(self, turn: str, after: int) -> Sequence[Line]:
        """The committed lines after number `after`: from memory, or from the store."""
        live = self._live.get(turn)
        recent = self._last.get(turn, ()) if live is None else live.recent
        if recent and recent[0].n <= after + 1:
            return recent[after + 1 - recent[0].n :]
        return await self._store.read(turn, after)

    async def follow(self, turn: str, after: int) -> AsyncIterator[Sequence[Line]]:
        """The lines after number `after`, the past and then the live rest, until the turn settles.

        Raises what the writer met when it cannot write the turn any more.
        """
        watch = self.watch()
        watch.add(turn)
        try:
            while True:
                lines = await self.since(turn, after)
                if lines:
                    after = lines[-1].n
                    yield lines
                    if isinstance(lines[-1].event, TurnSettled):
                        return
                else:
                    self.check(turn)
                    await watch.wait()
        finally:
            watch.close()

    def check(self, turn: str) -> None:
        """Raise what the writer met, if it cannot write this turn any more."""
        live = self._live.get(turn)
        failed = live.failed if live is not None else self._failed.get(turn)
        if failed is not None:
            raise failed

    def _wake(self, turn: str) -> None:
        for watch in self._watches.get(turn, ()):
            watch.touch()


def _joined(waiting: list[tuple[datetime, Event]]) -> list[tuple[datetime, Event]]:
    joined: list[tuple[datetime, Event]] = []
    run: list[str] = []
    for at, event in waiting:
        before = joined[-1][1] if joined else None
        if (
            isinstance(event, PartDelta)
            and isinstance(before, PartDelta)
            and event.index == before.index
            and event.logprobs is None
            and before.logprobs is None
        ):
            run.append(event.text)
            continue
        _close(joined, run)
        joined.append((at, event))
    _close(joined, run)
    return joined


def _close(joined: list[tuple[datetime, Event]], run: list[str]) -> None:
    if run:
        at, event = joined[-1]
        assert isinstance(event, PartDelta)
        joined[-1] = (at, replace(event, text=event.text + "".join(run)))
        run.clear()


def _is_durable(event: Event) -> bool:
    """Edges around a tool's run go through to the disk: what a tool did cannot be taken back."""
    return event.type in ("tool_started", "tool_ended", "approval_given")
